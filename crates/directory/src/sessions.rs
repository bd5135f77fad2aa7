//! Sessions of signed-in people. The cookie holds 256 random bits; the table holds their SHA-256.
//!
//! Owns the sessions' rows: beginning one, finding one by its cookie, ending some. It must not know how a person proves
//! who they are.

use policy::{Email, Name, Refusal, SessionId, UserId};
use time::{Duration, OffsetDateTime};

use crate::{
    DeviceToken, Directory, Hint, Origin, Principal, Result, SessionToken,
    authorization::writer::Writer,
    authorization::{permitted::Permitted, record::Record},
    devices,
    error::decode,
    secret,
};

/// The longest duration of a session, however much it is used.
const LIFETIME: Duration = Duration::days(30);
/// The time without use after which a session ends.
pub(crate) const IDLE: Duration = Duration::days(7);
/// The shortest time between two records of a session's use, so that reading a page usually writes nothing.
pub(crate) const SEEN_EVERY: Duration = Duration::minutes(1);

/// A session that has just begun. Its secret can't be read again later.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The value of its cookie.
    pub token: SessionToken,
    /// How long the browser keeps the cookie.
    pub lifetime: std::time::Duration,
    /// The new token that identifies the browser, if the person never signed in on it before.
    pub device: Option<DeviceToken>,
}

/// A session, and the person it signs in.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its id, which is no secret.
    pub id: SessionId,
    /// The person.
    pub user: UserId,
    /// Their name.
    pub name: Name,
    /// Their address.
    pub email: Email,
    /// Whether they have proved that the address is theirs (J1).
    pub is_proved: bool,
}

/// A session, as its person sees it in the list of their sessions.
#[derive(Clone, Debug)]
pub struct SignedInAt {
    /// The session's id.
    pub id: SessionId,
    /// When it began.
    pub created_at: OffsetDateTime,
    /// When it was last used, to the minute.
    pub last_seen_at: OffsetDateTime,
    /// The client's address when it began.
    pub address: String,
    /// The browser's `User-Agent` when it began.
    pub user_agent: String,
}

impl Session {
    /// Returns the person as a principal.
    #[must_use]
    pub const fn principal(&self, origin: Origin) -> Principal {
        Principal::signed_in(self.user, self.id, origin)
    }
}

impl Directory {
    /// Returns the session of a cookie, if it is still valid.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable): the cookie is then neither valid nor invalid.
    pub async fn session(&self, token: &SessionToken) -> Result<Option<Session>> {
        let now = self.now();
        let row = sqlx::query!(
            r#"SELECT s.id, s.last_seen_at, u.id AS user_id, u.name, u.email AS "email!",
                      u.email_proved_at IS NOT NULL AS "is_proved!"
             FROM sessions s JOIN users u ON u.id = s.user_id
             WHERE s.token_hash = $1 AND s.expires_at > $2 AND s.last_seen_at > $3"#,
            &token.hash(),
            now,
            now - IDLE,
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        if row.last_seen_at < now - SEEN_EVERY {
            sqlx::query!("UPDATE sessions SET last_seen_at = $2 WHERE id = $1", row.id, now)
                .execute(&self.pool)
                .await?;
        }
        Ok(Some(Session {
            id: SessionId(row.id),
            user: UserId(row.user_id),
            name: decode(&row.name, "users", "name")?,
            email: decode(&row.email, "users", "email")?,
            is_proved: row.is_proved,
        }))
    }

    /// Returns whether a session is still valid; for connections that stay open.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn session_lives(&self, session: SessionId) -> Result<bool> {
        let now = self.now();
        let row = sqlx::query!(
            "SELECT id FROM sessions WHERE id = $1 AND expires_at > $2 AND last_seen_at > $3",
            session.0,
            now,
            now - IDLE
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.is_some())
    }

    /// Signs out: ends the principal's session.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn sign_out(&self, principal: &Principal) -> Result<()> {
        let actor = principal.user()?;
        let session = principal.session()?;
        self.change(principal, "session:end", |change| {
            Box::pin(async move {
                let change = &mut change.permit_oneself()?;
                change.set_target(actor);
                sqlx::query!(
                    "DELETE FROM sessions WHERE id = $1 AND user_id = $2",
                    session.0,
                    actor.0
                )
                .execute(change.write())
                .await?;
                change.hint(Hint::User(actor));
                Ok(())
            })
        })
        .await
    }

    /// Returns the valid sessions of a person, the last used first.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn sessions(&self, principal: &Principal) -> Result<Vec<SignedInAt>> {
        let user = principal.user()?;
        let now = self.now();
        let rows = sqlx::query!(
            "SELECT id, created_at, last_seen_at, address, user_agent FROM sessions
             WHERE user_id = $1 AND expires_at > $2 AND last_seen_at > $3 ORDER BY last_seen_at DESC, id LIMIT 200",
            user.0,
            now,
            now - IDLE,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| SignedInAt {
                id: SessionId(row.id),
                created_at: row.created_at,
                last_seen_at: row.last_seen_at,
                address: row.address,
                user_agent: row.user_agent,
            })
            .collect())
    }

    /// Ends one session of the person who asks.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] for a session that has ended, or that belongs to somebody else.
    pub async fn end_session(&self, principal: &Principal, session: SessionId) -> Result<()> {
        let actor = principal.user()?;
        self.change(principal, "session:end", |change| {
            Box::pin(async move {
                let change = &mut change.permit_oneself()?;
                change.record.target_id = Some(session.0);
                let ended = sqlx::query!(
                    "DELETE FROM sessions WHERE id = $1 AND user_id = $2",
                    session.0,
                    actor.0
                )
                .execute(change.write())
                .await?
                .rows_affected();
                if ended == 0 {
                    return Err(Refusal::Hidden.into());
                }
                change.hint(Hint::User(actor));
                Ok(())
            })
        })
        .await
    }

    /// Ends every session of the person who asks, except the principal's own.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn end_other_sessions(&self, principal: &Principal) -> Result<()> {
        let actor = principal.user()?;
        let session = principal.session()?;
        self.change(principal, "session:end_others", |change| {
            Box::pin(async move {
                let change = &mut change.permit_oneself()?;
                change.set_target(actor);
                end_all(change.write(), actor, Some(session)).await?;
                change.hint(Hint::User(actor));
                Ok(())
            })
        })
        .await
    }

    /// Deletes sessions that have ended. The server calls this from time to time.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn forget_old_sessions(&self) -> Result<()> {
        let now = self.now();
        sqlx::query!(
            "DELETE FROM sessions WHERE expires_at <= $1 OR last_seen_at <= $2",
            now,
            now - IDLE
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

/// Begins a session for a person who has just proved who they are. Ends the browser's previous session, whoever it
/// belonged to (J7).
pub(crate) async fn begin(change: &mut Permitted<'_, '_>, user: UserId, origin: &Origin) -> Result<NewSession> {
    end_former(change, origin).await?;
    let at = change.at;
    let device = devices::remember(change.write(), user, origin.device.as_ref(), at).await?;
    let token = SessionToken(secret::random()?);
    let user_agent: String = origin.user_agent.chars().take(300).collect();
    sqlx::query!(
        "INSERT INTO sessions (id, token_hash, user_id, created_at, last_seen_at, expires_at, address, user_agent)
         VALUES ($1, $2, $3, $4, $4, $5, $6, $7)",
        change.new_id(),
        &token.hash(),
        user.0,
        at,
        at + LIFETIME,
        origin.address,
        user_agent,
    )
    .execute(change.write())
    .await?;
    Ok(NewSession {
        token,
        lifetime: LIFETIME.unsigned_abs(),
        device,
    })
}

/// Ends the browser's previous session, so that nobody stays signed in by a cookie that was replaced.
async fn end_former(change: &mut Permitted<'_, '_>, origin: &Origin) -> Result<()> {
    let Some(former) = origin.session else { return Ok(()) };
    let ended = sqlx::query!("DELETE FROM sessions WHERE id = $1 RETURNING user_id", former.0)
        .fetch_optional(change.write())
        .await?;
    if let Some(row) = ended {
        let record = Record {
            target_id: Some(former.0),
            ..Record::default()
        };
        change.add_event("session:end", record);
        change.hint(Hint::User(UserId(row.user_id)));
    }
    Ok(())
}

/// Ends every session of a person, except one. Returns how many it ended.
pub(crate) async fn end_all(db: &mut Writer, user: UserId, except: Option<SessionId>) -> Result<u64> {
    let ended = sqlx::query!(
        "DELETE FROM sessions WHERE user_id = $1 AND id IS DISTINCT FROM $2",
        user.0,
        except.map(|id| id.0)
    )
    .execute(db)
    .await?;
    Ok(ended.rows_affected())
}
