//! The Organization Default Key (K8): its insertion with the organization, a new secret for it, and the deletion of its
//! secret.
//!
//! Owns what is particular to the default key. It must not know how other keys are listed or changed.

use policy::{ApiKeyId, OrganizationId, ProjectId, Slug, check_default_key};
use time::OffsetDateTime;

use crate::{
    Directory, Hint, Principal, Result, Token, TokenKind, authorization::lock::lock_project_unnoted,
    authorization::writer::Writer, confirmation, error::decode,
};

use super::{NewApiKey, keep_secret};

/// The name of the Organization Default Key (K8).
const DEFAULT_NAME: &str = "Organization Default Key";

impl Directory {
    /// Gives the Organization Default Key a new secret; the old one stops working (K8).
    ///
    /// # Errors
    /// [`policy::Refusal::Hidden`] for everybody but the Owner, and in every project but the Default one (W3).
    pub async fn regenerate_default_key(&self, principal: &Principal, slug: &Slug) -> Result<NewApiKey> {
        let actor = principal.user()?;
        self.change(principal, "api_key:regenerate_default", |change| {
            Box::pin(async move {
                let project = lock_project_unnoted(change, slug).await?;
                // The audit row names no project, since for the project's other Admins the key doesn't exist. It names
                // the organization only if the principal is a member (A4).
                change.record.organization =
                    Some(project.organization).filter(|_| project.standing.organization.is_some());
                let change = &mut change.permit(check_default_key(&project.standing, project.is_default)?);
                confirmation::require(change).await?;
                forget_default_secret(change.write(), project.organization, None).await?;
                let secret = Token::random(TokenKind::ApiKey)?;
                let row = sqlx::query!(
                    "UPDATE api_keys SET secret_start = $2, secret_end = $3, created_by = $4, created_at = $5,
                     last_used_at = NULL
                 WHERE organization_id = $1 AND is_default RETURNING id, name",
                    project.organization.0,
                    secret.start(),
                    secret.end(),
                    actor.0,
                    change.at,
                )
                .fetch_one(change.write())
                .await?;
                keep_secret(
                    change.write(),
                    project.organization,
                    project.project,
                    ApiKeyId(row.id),
                    &secret,
                )
                .await?;
                change.record.target_id = Some(row.id);
                change.record.target = Some(row.name.clone());
                change.hint(Hint::Project(project.project));
                Ok(NewApiKey {
                    id: ApiKeyId(row.id),
                    name: decode(&row.name, "api_keys", "name")?,
                    secret,
                })
            })
        })
        .await
    }
}

/// Inserts the default key of a new organization (D6). Nobody knows its secret before the Owner regenerates it.
pub(crate) async fn insert_default(
    db: &mut Writer,
    organization: OrganizationId,
    project: ProjectId,
    at: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO api_keys (organization_id, project_id, id, name, reach, is_default, secret_start, secret_end,
              created_at)
         VALUES ($1, $2, $3, $4, 'use', true, '', '', $5)",
        organization.0,
        project.0,
        db.new_id(),
        DEFAULT_NAME,
        at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes the secret of the Organization Default Key, which then has none until the Owner regenerates it (K8). With
/// `only`, deletes it only if it is that secret. Returns whether a secret was deleted.
pub(crate) async fn forget_default_secret(
    db: &mut Writer,
    organization: OrganizationId,
    only: Option<&Token>,
) -> Result<bool> {
    let only = only.map(Token::hash);
    let forgotten = sqlx::query!(
        "WITH forgotten AS (
             DELETE FROM api_key_secrets s USING api_keys k
             WHERE k.organization_id = $1 AND k.is_default
               AND s.organization_id = k.organization_id AND s.project_id = k.project_id AND s.key_id = k.id
               AND ($2::bytea IS NULL OR s.secret_hash = $2)
             RETURNING s.project_id, s.key_id
         )
         UPDATE api_keys k SET secret_start = '', secret_end = '' FROM forgotten f
         WHERE k.organization_id = $1 AND k.project_id = f.project_id AND k.id = f.key_id",
        organization.0,
        only.as_ref().map(<[u8; 32]>::as_slice),
    )
    .execute(db)
    .await?
    .rows_affected();
    Ok(forgotten > 0)
}
