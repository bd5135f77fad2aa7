//! The use of an API key: finding it by its secret, reading about itself, and revoking it by its secret.
//!
//! Owns the check of a presented secret, the record of its use and the record of a refusal. It must not know people.

use policy::{ApiKeyId, KeyState, Name, OrganizationId, ProjectId, Refusal, Slug};
use time::OffsetDateTime;

use crate::{
    ApiKeyIdentity, Directory, Hint, Identity, Origin, Principal, Result, Token, authorization::standing::key_scope,
    error::inconsistent,
};

use super::{default_key::forget_default_secret, manage::revoke};

/// What an API key may read about itself.
#[derive(Clone, Debug)]
pub struct KeyView {
    /// Its name.
    pub name: Name,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// When it expires.
    pub expires_at: Option<OffsetDateTime>,
    /// The permanent id of its project.
    pub project: ProjectId,
    /// The slug of its project.
    pub project_slug: Slug,
    /// The name of its project.
    pub project_name: Name,
    /// The id of its organization.
    pub organization: OrganizationId,
    /// The slug of its organization.
    pub organization_slug: Slug,
    /// The name of its organization.
    pub organization_name: Name,
}

impl Directory {
    /// Returns the key with this secret as a principal, if it is valid now. This is one query, for every request (E5).
    ///
    /// # Errors
    /// [`Refusal::KeyInvalid`], [`Refusal::KeyExpired`] (K6), [`Refusal::KeyRevoked`] (K7).
    pub async fn authenticate_key(&self, secret: &Token, origin: Origin) -> Result<Principal> {
        let row = sqlx::query!(
            r#"SELECT k.organization_id, k.project_id, k.id, k.reach, k.revoked_at IS NOT NULL AS "is_revoked!",
                      COALESCE(k.expires_at <= statement_timestamp(), false) AS "is_expired!",
                      COALESCE(k.last_used_at < statement_timestamp() - interval '1 minute', true) AS "is_use_due!",
                      COALESCE(k.refused_at < statement_timestamp() - interval '1 day', true) AS "is_first_today!"
               FROM api_key_secrets s
               JOIN api_keys k
                   ON k.organization_id = s.organization_id AND k.project_id = s.project_id AND k.id = s.key_id
               WHERE s.secret_hash = $1"#,
            &secret.hash(),
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(Refusal::KeyInvalid)?;
        let key = ApiKeyIdentity {
            key: ApiKeyId(row.id),
            organization: OrganizationId(row.organization_id),
            project: ProjectId(row.project_id),
            reach: key_scope(&row.reach)?,
        };
        let principal = Principal {
            identity: Identity::ApiKey(key),
            origin,
        };
        if let Err(refusal) = KeyState::of(row.is_revoked, row.is_expired).require_active() {
            if row.is_first_today {
                self.note_key_refused(principal, refusal);
            }
            return Err(refusal.into());
        }
        if row.is_use_due {
            self.note_key_use(key.organization, key.project, key.key);
        }
        Ok(principal)
    }

    /// Records in the audit that a key was used after it had ended (A1): in the background, and once a day for each
    /// key. Otherwise a program that nobody stopped would fill the audit.
    fn note_key_refused(&self, principal: Principal, refusal: Refusal) {
        let directory = self.clone();
        Self::spawn_best_effort("a key's refused use", async move {
            directory.audit_refused_key(&principal, refusal).await
        });
    }

    async fn audit_refused_key(&self, principal: &Principal, refusal: Refusal) -> Result<()> {
        let key = principal.api_key()?;
        self.change(principal, "api_key:use", |change| {
            Box::pin(async move {
                let change = &mut change.permit_note_of_key()?;
                // Of many concurrent requests, only the first to update the row records the use.
                let noted = sqlx::query!(
                    "UPDATE api_keys SET refused_at = statement_timestamp()
                     WHERE organization_id = $1 AND project_id = $2 AND id = $3
                       AND COALESCE(refused_at < statement_timestamp() - interval '1 day', true)
                     RETURNING name",
                    key.organization.0,
                    key.project.0,
                    key.key.0,
                )
                .fetch_optional(change.write())
                .await?;
                let Some(noted) = noted else {
                    change.leave_no_trail();
                    return Ok(());
                };
                change.record.organization = Some(key.organization);
                change.record.project = Some(key.project);
                change.record.target_id = Some(key.key.0);
                change.record.target = Some(noted.name);
                change.set_refused(refusal);
                Ok(())
            })
        })
        .await
    }

    /// Records that a key was used (K4): in the background, and at most once a minute for each key. A failure doesn't
    /// fail the request.
    pub(crate) fn note_key_use(&self, organization: OrganizationId, project: ProjectId, key: ApiKeyId) {
        let pool = self.pool.clone();
        Self::spawn_best_effort("a key's use", async move {
            sqlx::query!(
                "UPDATE api_keys SET last_used_at = statement_timestamp()
                 WHERE organization_id = $1 AND project_id = $2 AND id = $3
                   AND COALESCE(last_used_at < statement_timestamp() - interval '1 minute', true)",
                organization.0,
                project.0,
                key.0,
            )
            .execute(&pool)
            .await?;
            Ok(())
        });
    }

    /// Returns what a key may read about itself.
    ///
    /// # Errors
    /// [`Refusal::KeyInvalid`] for a key that was deleted with its project.
    pub async fn key_view(&self, principal: &Principal) -> Result<KeyView> {
        let actor = principal.api_key()?;
        let row = sqlx::query!(
            "SELECT k.name, k.created_at, k.expires_at, p.name AS project_name, s.slug AS project_slug,
                    o.slug AS organization_slug, o.name AS organization_name
             FROM api_keys k
             JOIN projects p ON p.organization_id = k.organization_id AND p.id = k.project_id
             JOIN project_slugs s ON s.project_id = p.id AND s.released_at IS NULL
             JOIN organizations o ON o.id = k.organization_id
             WHERE k.organization_id = $1 AND k.project_id = $2 AND k.id = $3",
            actor.organization.0,
            actor.project.0,
            actor.key.0,
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(Refusal::KeyInvalid)?;
        let slug = |text: String, table| text.parse().map_err(|_| inconsistent(table, "slug"));
        let name = |text: String, table| text.parse().map_err(|_| inconsistent(table, "name"));
        Ok(KeyView {
            name: name(row.name, "api_keys")?,
            created_at: row.created_at,
            expires_at: row.expires_at,
            project: actor.project,
            project_slug: slug(row.project_slug, "project_slugs")?,
            project_name: name(row.project_name, "projects")?,
            organization: actor.organization,
            organization_slug: slug(row.organization_slug, "organizations")?,
            organization_name: name(row.organization_name, "organizations")?,
        })
    }

    /// Revokes the API key with this secret. Any principal may do this, since holding the secret is enough (K10). The
    /// default key is never revoked (K8): its secret is deleted, and the Owner regenerates it. Returns whether there is
    /// such a key.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn revoke_presented_key(&self, principal: &Principal, secret: &Token) -> Result<bool> {
        let found = sqlx::query!(
            "SELECT s.organization_id, s.project_id, s.key_id, k.name, k.is_default, k.revoked_at FROM api_key_secrets s
             JOIN api_keys k
                 ON k.organization_id = s.organization_id AND k.project_id = s.project_id AND k.id = s.key_id
             WHERE s.secret_hash = $1",
            &secret.hash(),
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(found) = found else { return Ok(false) };
        // A leaked secret may be reported many times. A key that is already revoked isn't audited again.
        if found.revoked_at.is_some() {
            return Ok(true);
        }
        let (organization, project, key) = (
            OrganizationId(found.organization_id),
            ProjectId(found.project_id),
            ApiKeyId(found.key_id),
        );
        self.change(principal, "api_key:revoke_presented", |change| {
            Box::pin(async move {
                let change = &mut change.permit_anonymous()?;
                change.record.organization = Some(organization);
                // The default key exists for the Owner only, so its row isn't shown in the project's audit.
                change.record.project = Some(project).filter(|_| !found.is_default);
                change.record.target_id = Some(key.0);
                change.record.target = Some(found.name);
                if found.is_default {
                    // Only this secret is deleted, not a newer one that the Owner made meanwhile.
                    forget_default_secret(change.write(), organization, Some(secret)).await?;
                } else {
                    revoke(change.write(), organization, project, key).await?;
                }
                change.hint(Hint::Project(project));
                Ok(true)
            })
        })
        .await
    }
}
