//! Links that carry a secret: the token, and the rows of those for new passwords and for invitations.
//!
//! Owns what a token is, how it is read and hashed, and its rows, which hold hashes only. It must not know what a
//! followed link does.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use policy::{InvitationId, OrganizationId, UserId, visible};
use time::{Duration, OffsetDateTime};

use crate::{Result, attempts, authorization::writer::Writer, limits, secret};

/// A link to a new password is good for this long.
const RESET_LIFETIME: Duration = Duration::hours(1);

/// Makes a link to a new password for a person.
pub(crate) async fn add_reset_token(db: &mut Writer, user: UserId, at: OffsetDateTime) -> Result<LinkToken> {
    let token = LinkToken::random()?;
    sqlx::query!(
        "INSERT INTO password_reset_tokens (token_hash, user_id, expires_at) VALUES ($1, $2, $3)",
        &token.hash(),
        user.0,
        at + RESET_LIFETIME,
    )
    .execute(db)
    .await?;
    Ok(token)
}

pub(crate) async fn forget_reset_tokens(db: &mut Writer, user: UserId) -> Result<()> {
    sqlx::query!("DELETE FROM password_reset_tokens WHERE user_id = $1", user.0)
        .execute(&mut *db)
        .await?;
    let email = sqlx::query_scalar!("SELECT email FROM users WHERE id = $1", user.0)
        .fetch_one(&mut *db)
        .await?;
    match email {
        Some(email) => attempts::forget(db, &limits::password_reset_mail(&email).bucket).await,
        None => Ok(()),
    }
}

/// The secret of a link: an invitation's, or one to a new password. Its `Debug` is blank.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkToken([u8; 32]);

impl LinkToken {
    /// Reads what a link carries; `None` if it cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // What mail programs and chats leave at the ends of a link, or fold into it, is none of it.
        let text: String = visible(text).split_whitespace().collect();
        let text = text.trim_matches(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_'));
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// What a link carries.
    #[must_use]
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    pub(crate) fn random() -> Result<Self> {
        secret::random().map(Self)
    }

    pub(crate) fn hash(&self) -> [u8; 32] {
        secret::sha256(&self.0)
    }
}

impl fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkToken(…)")
    }
}

/// Gives an invitation one more link, to be mailed or to be shown.
pub(crate) async fn add_token(
    db: &mut Writer,
    organization: OrganizationId,
    id: InvitationId,
    is_mailed: bool,
) -> Result<LinkToken> {
    let token = LinkToken::random()?;
    sqlx::query!(
        "INSERT INTO invitation_tokens (token_hash, organization_id, invitation_id, is_mailed) VALUES ($1, $2, $3, $4)",
        &token.hash(),
        organization.0,
        id.0,
        is_mailed,
    )
    .execute(db)
    .await?;
    Ok(token)
}
