//! The API keys of a project (RULES K): people create, list, expire, rotate and revoke them, and programs authenticate
//! with their secret.
//!
//! Owns the types of a key and its insertion; the files below own the use cases. It must not know who may create a key.
//! A key belongs to the project, and stays when the person who created it leaves (K5).

mod authenticate;
mod default_key;
mod list;
mod manage;

pub use authenticate::KeyView;
pub(crate) use default_key::{forget_default_secret, insert_default};
pub use list::{ApiKeyList, ApiKeyQuery};

use policy::{ApiKeyId, KeyScope, KeyState, Name, OrganizationId, ProjectId, UserId};
use time::OffsetDateTime;

use crate::{Result, Token, TokenKind, authorization::writer::Writer};

/// An API key, without its secret (K4).
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Its name.
    pub name: Name,
    /// Its scope (K11).
    pub reach: KeyScope,
    /// The first characters of its secret; empty if no secret was ever shown.
    pub secret_start: String,
    /// The last four characters of its secret.
    pub secret_end: String,
    /// The name of the person who created it.
    pub created_by: Option<Name>,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// When it was last used, to the minute.
    pub last_used_at: Option<OffsetDateTime>,
    /// When it expires (K6).
    pub expires_at: Option<OffsetDateTime>,
    /// Whether it is valid, expired or revoked.
    pub state: KeyState,
    /// Whether it has a successor (K7).
    pub is_rotated: bool,
}

/// A key that was just created, with its secret, which is shown this once (K3).
#[derive(Debug)]
pub struct NewApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Its name.
    pub name: Name,
    /// The secret.
    pub secret: Token,
}

/// The values of a key to insert.
pub(crate) struct NewKey<'a> {
    pub(crate) name: &'a Name,
    pub(crate) reach: KeyScope,
    pub(crate) expires_at: Option<OffsetDateTime>,
    pub(crate) by: UserId,
    pub(crate) at: OffsetDateTime,
}

/// Inserts a key, with a new secret.
pub(crate) async fn insert(
    db: &mut Writer,
    organization: OrganizationId,
    project: ProjectId,
    new: &NewKey<'_>,
) -> Result<NewApiKey> {
    let (id, secret) = (ApiKeyId(db.new_id()), Token::random(TokenKind::ApiKey)?);
    sqlx::query!(
        "INSERT INTO api_keys (organization_id, project_id, id, name, reach, secret_start, secret_end, created_by,
              created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        organization.0,
        project.0,
        id.0,
        new.name.as_str(),
        new.reach.code(),
        secret.start(),
        secret.end(),
        new.by.0,
        new.at,
        new.expires_at,
    )
    .execute(&mut *db)
    .await?;
    keep_secret(db, organization, project, id, &secret).await?;
    Ok(NewApiKey {
        id,
        name: new.name.clone(),
        secret,
    })
}

async fn keep_secret(
    db: &mut Writer,
    organization: OrganizationId,
    project: ProjectId,
    key: ApiKeyId,
    secret: &Token,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO api_key_secrets (secret_hash, organization_id, project_id, key_id) VALUES ($1, $2, $3, $4)",
        &secret.hash(),
        organization.0,
        project.0,
        key.0,
    )
    .execute(db)
    .await?;
    Ok(())
}
