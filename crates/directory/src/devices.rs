//! Devices: browsers that signed in to an account before (J8, J9). The cookie holds 256 random bits; the table holds
//! their SHA-256, once for each person who signed in there.
//!
//! Owns these rows. It must not know how people sign in.

use policy::{Email, UserId};
use time::OffsetDateTime;

use crate::{
    Directory, Origin, Result,
    authorization::writer::Writer,
    browser_tokens::{DeviceToken, REMEMBERED},
    secret,
};

/// The number of devices that an account remembers. The device that was used longest ago is forgotten first.
const MOST: i64 = 50;

impl Directory {
    /// Returns an identifier of the request's device, if it signed in to the account with this address before (J9).
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub(crate) async fn known_device(&self, email: &Email, origin: &Origin) -> Result<Option<String>> {
        let Some(device) = &origin.device else { return Ok(None) };
        let row = sqlx::query!(
            r#"SELECT encode(d.token_hash, 'hex') AS "id!" FROM devices d JOIN users u ON u.id = d.user_id
               WHERE d.token_hash = $1 AND u.email = $2"#,
            &device.hash(),
            email.as_str(),
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| row.id))
    }

    /// Deletes devices that have not been used for long. The server calls this from time to time.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn forget_old_devices(&self) -> Result<()> {
        let before = self.now() - REMEMBERED;
        sqlx::query!("DELETE FROM devices WHERE last_seen_at < $1", before)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

/// Records that a person signed in on a device. Returns a new token for the browser if the person is new on this
/// device.
///
/// The token that the browser sent is then no longer used: somebody else may have placed it there, and would share the
/// trust in this device. Other people who signed in on it are known by the new one.
pub(crate) async fn remember(
    db: &mut Writer,
    user: UserId,
    shown: Option<&DeviceToken>,
    at: OffsetDateTime,
) -> Result<Option<DeviceToken>> {
    if let Some(shown) = shown {
        let used = sqlx::query!(
            "UPDATE devices SET last_seen_at = $3 WHERE token_hash = $1 AND user_id = $2",
            &shown.hash(),
            user.0,
            at,
        )
        .execute(&mut *db)
        .await?
        .rows_affected();
        if used > 0 {
            return Ok(None);
        }
    }
    let token = DeviceToken(secret::random()?);
    if let Some(shown) = shown {
        sqlx::query!(
            "UPDATE devices SET token_hash = $2 WHERE token_hash = $1",
            &shown.hash(),
            &token.hash()
        )
        .execute(&mut *db)
        .await?;
    }
    sqlx::query!(
        "DELETE FROM devices WHERE user_id = $1 AND token_hash IN (
             SELECT token_hash FROM devices WHERE user_id = $1 ORDER BY last_seen_at DESC OFFSET $2)",
        user.0,
        MOST - 1,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "INSERT INTO devices (token_hash, user_id, first_seen_at, last_seen_at) VALUES ($1, $2, $3, $3)",
        &token.hash(),
        user.0,
        at,
    )
    .execute(db)
    .await?;
    Ok(Some(token))
}

/// Forgets the devices of a person, except the one they use now, so that after a change of the password no other
/// browser is a known device.
pub(crate) async fn forget(db: &mut Writer, user: UserId, except: Option<&DeviceToken>) -> Result<()> {
    let except = except.map(DeviceToken::hash);
    sqlx::query!(
        "DELETE FROM devices WHERE user_id = $1 AND token_hash IS DISTINCT FROM $2",
        user.0,
        except.as_ref().map(<[u8; 32]>::as_slice),
    )
    .execute(db)
    .await?;
    Ok(())
}
