//! What people do with a project's API keys: create one, set its expiration, rotate it and revoke it.
//!
//! Owns these four use cases and the lock on a key's row. It must not know how a secret is presented or checked, nor
//! how the default key is stored.

use policy::{
    ApiKeyId, KeyChange, KeyFacts, KeyScope, KeyState, Name, OrganizationId, Permission, ProjectId, Refusal, Slug,
    check_default_key, check_key_change, check_key_creation, check_key_expiration,
};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::{
    Directory, Hint, Principal, Result,
    authorization::lock::lock_project,
    authorization::standing::key_scope,
    authorization::target::ProjectSeen,
    authorization::writer::Writer,
    authorization::{change::Change, permitted::Permitted},
    confirmation,
    error::decode,
    quotas,
};

use super::{NewApiKey, NewKey, insert};

impl Directory {
    /// Creates an API key (K2). The secret is in the answer, and nowhere else (K3).
    ///
    /// # Errors
    /// Those of [`check_key_creation`]; [`Refusal::EndDateInvalid`] for an expiration in the past.
    pub async fn create_api_key(
        &self,
        principal: &Principal,
        slug: &Slug,
        name: &Name,
        reach: KeyScope,
        expires_at: Option<OffsetDateTime>,
    ) -> Result<NewApiKey> {
        let actor = principal.user()?;
        self.change(principal, Permission::ApiKeyCreate.name(), |change| {
            Box::pin(async move {
                change.record.target = Some(name.to_string());
                let project = lock_project(change, slug).await?;
                let change = &mut change.permit(check_key_creation(&project.standing, reach)?);
                check_expiration(change, expires_at)?;
                let (scope, at) = ((project.organization, project.project), change.at);
                quotas::check_api_key_quota(change.write(), &self.settings.quotas, scope, at).await?;
                confirmation::require(change).await?;
                let new = NewKey {
                    name,
                    reach,
                    expires_at,
                    by: actor,
                    at: change.at,
                };
                let key = insert(change.write(), project.organization, project.project, &new).await?;
                change.record.target_id = Some(key.id.0);
                change.values(None, Some(values(name, reach, expires_at)));
                change.hint(Hint::Project(project.project));
                Ok(key)
            })
        })
        .await
    }

    /// Sets, changes or removes the expiration of a key (K6). If the key has a successor, it can only be set to an
    /// earlier time (K7).
    ///
    /// # Errors
    /// Those of [`check_key_change`]; [`Refusal::EndDateInvalid`] for an expiration in the past.
    pub async fn set_api_key_expiration(
        &self,
        principal: &Principal,
        slug: &Slug,
        id: ApiKeyId,
        expires_at: Option<OffsetDateTime>,
    ) -> Result<Name> {
        self.change(principal, "api_key:set_expiration", |change| {
            Box::pin(async move {
                let (mut permitted, project, key) = lock_key(change, slug, id, KeyChange::Expiration).await?;
                let change = &mut permitted;
                check_expiration(change, expires_at)?;
                check_key_expiration(key.facts, key.expires_at, expires_at)?;
                sqlx::query!(
                    "UPDATE api_keys SET expires_at = $4 WHERE organization_id = $1 AND project_id = $2 AND id = $3",
                    project.organization.0,
                    project.project.0,
                    id.0,
                    expires_at,
                )
                .execute(change.write())
                .await?;
                let value =
                    |end: Option<OffsetDateTime>| Some(json!({ "expires_at": end.map(|end| end.unix_timestamp()) }));
                change.values(value(key.expires_at), value(expires_at));
                Ok(key.name)
            })
        })
        .await
    }

    /// Creates a successor with the same name and scope. The old key remains valid for `overlap`, which may be zero,
    /// but never longer than before (K7). `expires_at` is the expiration of the successor.
    ///
    /// # Errors
    /// Those of [`check_key_change`]; [`Refusal::EndDateInvalid`] for an expiration in the past.
    pub async fn rotate_api_key(
        &self,
        principal: &Principal,
        slug: &Slug,
        id: ApiKeyId,
        overlap: Duration,
        expires_at: Option<OffsetDateTime>,
    ) -> Result<NewApiKey> {
        let actor = principal.user()?;
        self.change(principal, "api_key:rotate", |change| {
            Box::pin(async move {
                let (mut permitted, project, key) = lock_key(change, slug, id, KeyChange::Rotate).await?;
                let change = &mut permitted;
                check_expiration(change, expires_at)?;
                confirmation::require(change).await?;
                let new = NewKey {
                    name: &key.name,
                    reach: key.facts.reach,
                    expires_at,
                    by: actor,
                    at: change.at,
                };
                let next = insert(change.write(), project.organization, project.project, &new).await?;
                sqlx::query!(
                    "UPDATE api_keys SET successor_id = $4,
                         expires_at = LEAST(expires_at, statement_timestamp() + make_interval(secs => $5)),
                         revoked_at = CASE WHEN $5 <= 0 THEN statement_timestamp() END
                     WHERE organization_id = $1 AND project_id = $2 AND id = $3",
                    project.organization.0,
                    project.project.0,
                    id.0,
                    next.id.0,
                    overlap.as_seconds_f64(),
                )
                .execute(change.write())
                .await?;
                change.values(
                    Some(key.values()),
                    Some(
                        json!({ "successor": next.id, "overlap_seconds": overlap.whole_seconds(),
                             "expires_at": expires_at.map(OffsetDateTime::unix_timestamp) }),
                    ),
                );
                Ok(next)
            })
        })
        .await
    }

    /// Revokes a key permanently: the next request with it is refused (K7, E5).
    ///
    /// # Errors
    /// Those of [`check_key_change`]; [`Refusal::DefaultKeyKept`] (K8).
    pub async fn revoke_api_key(&self, principal: &Principal, slug: &Slug, id: ApiKeyId) -> Result<Name> {
        self.change(principal, Permission::ApiKeyRevoke.name(), |change| {
            Box::pin(async move {
                let (mut permitted, project, key) = lock_key(change, slug, id, KeyChange::Revoke).await?;
                let change = &mut permitted;
                revoke(change.write(), project.organization, project.project, id).await?;
                change.values(Some(key.values()), None);
                Ok(key.name)
            })
        })
        .await
    }
}

/// Marks a key as revoked. The first revocation counts; a later one changes nothing.
pub(super) async fn revoke(
    db: &mut Writer,
    organization: OrganizationId,
    project: ProjectId,
    key: ApiKeyId,
) -> Result<()> {
    sqlx::query!(
        "UPDATE api_keys SET revoked_at = COALESCE(revoked_at, statement_timestamp())
         WHERE organization_id = $1 AND project_id = $2 AND id = $3",
        organization.0,
        project.0,
        key.0,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A key that is about to be changed.
struct LockedKey {
    name: Name,
    facts: KeyFacts,
    expires_at: Option<OffsetDateTime>,
}

impl LockedKey {
    fn values(&self) -> Value {
        values(&self.name, self.facts.reach, self.expires_at)
    }
}

/// Locks the project, reads one of its keys that is still valid, and checks the change with the policy.
async fn lock_key<'c, 'a>(
    change: &'c mut Change<'a>,
    slug: &Slug,
    id: ApiKeyId,
    wanted: KeyChange,
) -> Result<(Permitted<'c, 'a>, ProjectSeen, LockedKey)> {
    change.record.target_id = Some(id.0);
    let project = lock_project(change, slug).await?;
    project.standing.require(Permission::ApiKeyList)?;
    let row = sqlx::query!(
        r#"SELECT name, reach, expires_at, COALESCE(expires_at <= statement_timestamp(), false) AS "is_expired!",
                  revoked_at IS NOT NULL AS "is_revoked!", successor_id IS NOT NULL AS "is_rotated!", is_default
           FROM api_keys WHERE organization_id = $1 AND project_id = $2 AND id = $3 FOR NO KEY UPDATE"#,
        project.organization.0,
        project.project.0,
        id.0,
    )
    .fetch_optional(change.read())
    .await?
    .ok_or(Refusal::Hidden)?;
    if row.is_default {
        // For everybody but the Owner the key doesn't exist (K8): neither the answer nor the audit shows it.
        check_default_key(&project.standing, project.is_default)?;
        change.record.project = None;
        return Err(Refusal::DefaultKeyKept.into());
    }
    change.record.target = Some(row.name.clone());
    let key = LockedKey {
        name: decode(&row.name, "api_keys", "name")?,
        facts: KeyFacts {
            reach: key_scope(&row.reach)?,
            state: KeyState::of(row.is_revoked, row.is_expired),
            is_rotated: row.is_rotated,
        },
        expires_at: row.expires_at,
    };
    let mut change = change.permit(check_key_change(&project.standing, key.facts, wanted)?);
    change.hint(Hint::Project(project.project));
    Ok((change, project, key))
}

fn check_expiration(change: &Change<'_>, expires_at: Option<OffsetDateTime>) -> Result<()> {
    if expires_at.is_some_and(|end| end <= change.at) {
        return Err(Refusal::EndDateInvalid.into());
    }
    Ok(())
}

/// Returns a key for the audit, without any part of its secret (A3).
fn values(name: &Name, reach: KeyScope, expires_at: Option<OffsetDateTime>) -> Value {
    json!({ "name": name, "reach": reach, "expires_at": expires_at.map(OffsetDateTime::unix_timestamp) })
}
