//! Links that carry a secret: the token, and the rows of links for new passwords, for invitations, and for addresses to
//! prove, to change and to give back.
//!
//! Owns the token, how it is parsed and hashed, and its rows, which hold hashes only. It must not know what following a
//! link does.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use policy::{Email, InvitationId, OrganizationId, UserId, visible};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{Result, attempts, authorization::writer::Writer, limits, secret};

/// How long a link to a new password is valid.
const RESET_LIFETIME: Duration = Duration::hours(1);

/// How long a link that proves an address is valid.
const VERIFICATION_LIFETIME: Duration = Duration::hours(24);

/// Creates a link to a new password for a person.
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

/// The secret of a link. Its `Debug` output is blank.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkToken([u8; 32]);

impl LinkToken {
    /// Parses the secret from a link; `None` if it has the wrong form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // White space and invisible characters that mail programs and chats add to a link are not part of the secret.
        let text: String = visible(text).split_whitespace().collect();
        let text = text.trim_matches(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_'));
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// Returns the secret, as the link carries it.
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

/// Adds a link to an invitation, to be mailed or shown.
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

/// Creates a link that proves an address.
pub(crate) async fn add_verification_token(
    db: &mut Writer,
    user: UserId,
    email: &Email,
    at: OffsetDateTime,
) -> Result<LinkToken> {
    let token = LinkToken::random()?;
    sqlx::query!(
        "INSERT INTO email_verification_tokens (token_hash, user_id, email, expires_at) VALUES ($1, $2, $3, $4)",
        &token.hash(),
        user.0,
        email.as_str(),
        at + VERIFICATION_LIFETIME,
    )
    .execute(db)
    .await?;
    Ok(token)
}

/// Deletes the links that prove a person's address.
pub(crate) async fn forget_verification_tokens(db: &mut Writer, user: UserId) -> Result<()> {
    sqlx::query!("DELETE FROM email_verification_tokens WHERE user_id = $1", user.0)
        .execute(db)
        .await?;
    Ok(())
}

/// Adds a link to a change of address, which confirms or undoes it.
pub(crate) async fn add_email_change_token(db: &mut Writer, change: Uuid) -> Result<LinkToken> {
    let token = LinkToken::random()?;
    sqlx::query!(
        "INSERT INTO email_change_tokens (token_hash, change_id) VALUES ($1, $2)",
        &token.hash(),
        change,
    )
    .execute(db)
    .await?;
    Ok(token)
}

/// Deletes a person's unconfirmed requests for another address, and all links that confirm one. `confirmed` is the
/// request that was just confirmed, which is kept.
pub(crate) async fn forget_email_change_requests(db: &mut Writer, user: UserId, confirmed: Option<Uuid>) -> Result<()> {
    sqlx::query!(
        "DELETE FROM outbox WHERE email_change_id IN
             (SELECT id FROM email_changes WHERE user_id = $1 AND (changed_at IS NULL OR id = $2))",
        user.0,
        confirmed,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("DELETE FROM email_change_tokens WHERE change_id = $1", confirmed)
        .execute(&mut *db)
        .await?;
    sqlx::query!(
        "DELETE FROM email_changes WHERE user_id = $1 AND changed_at IS NULL",
        user.0
    )
    .execute(db)
    .await?;
    Ok(())
}
