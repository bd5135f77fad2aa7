//! The decision about the API keys that a person created when their role is lowered or they are removed.
//!
//! Owns asking for the decision and applying it. It must not know why access ends. The keys belong to the project and
//! stay when their creator's access ends (K5), so the person who ends it decides which keys go on, and with which
//! scope.

use policy::{ApiKeyId, KeyFate, KeyScope, Name, OrganizationId, Permission, ProjectId, Refusal, Slug, UserId};
use serde_json::json;

use crate::{
    Directory, MadeKey, OwnedAssets, Principal, Result,
    authorization::lookup::{find_organization, find_project},
    authorization::standing::key_scope,
    authorization::{change::Change, permitted::Permitted, record::Record},
    connections::PgConnection,
    error::decode,
};

/// The decision about one key.
pub type KeyChoice = (ApiKeyId, KeyFate);

/// The projects of an organization whose keys are meant.
#[derive(Clone, Copy)]
pub(crate) enum Within {
    /// Only this project.
    Project(ProjectId),
    /// Every project that this person has access to: nobody decides about keys that are hidden from them (P3).
    SeenBy(UserId),
}

impl Within {
    const fn columns(self) -> (Option<ProjectId>, Option<UserId>) {
        match self {
            Self::Project(project) => (Some(project), None),
            Self::SeenBy(viewer) => (None, Some(viewer)),
        }
    }
}

impl Directory {
    /// Returns the keys with the scope `manage` (K11) that a collaborator created, before their role is lowered, for
    /// people who may lower it.
    ///
    /// # Errors
    /// [`Refusal::Hidden`], [`Refusal::Forbidden`].
    pub async fn manage_keys_of_collaborator(
        &self,
        principal: &Principal,
        slug: &Slug,
        user: UserId,
    ) -> Result<Vec<MadeKey>> {
        let project = find_project(&self.pool, slug, principal).await?;
        project.standing.require(Permission::CollaboratorUpdateRole)?;
        let mut db = self.pool.acquire().await?;
        managing(&mut db, project.organization, Within::Project(project.project), user).await
    }

    /// Returns the keys with the scope `manage` that a member created in projects of which they are an Admin only by
    /// their organization role, before that is lowered, for people who may lower it.
    ///
    /// # Errors
    /// [`Refusal::Hidden`], [`Refusal::Forbidden`].
    pub async fn manage_keys_of_member(
        &self,
        principal: &Principal,
        slug: &Slug,
        user: UserId,
    ) -> Result<Vec<MadeKey>> {
        let actor = principal.user()?;
        let organization = find_organization(&self.pool, slug, principal).await?;
        organization.standing.require(Permission::MemberUpdateRole)?;
        let mut db = self.pool.acquire().await?;
        managing(&mut db, organization.id, Within::SeenBy(actor), user).await
    }
}

/// Returns the valid keys with the scope `manage` that a person created there, by name, at most [`OwnedAssets::MOST`].
/// For a whole organization, keys of projects in which the person stays an Admin are left out.
async fn managing(
    db: &mut PgConnection,
    organization: OrganizationId,
    within: Within,
    user: UserId,
) -> Result<Vec<MadeKey>> {
    let (project, viewer) = within.columns();
    let rows = sqlx::query!(
        "SELECT k.id, k.name, k.reach, k.secret_start, k.secret_end, p.name AS project FROM api_keys k
         JOIN projects p ON p.organization_id = k.organization_id AND p.id = k.project_id
         WHERE k.organization_id = $1 AND k.created_by = $3 AND k.reach = 'manage' AND NOT k.is_default
           AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > statement_timestamp())
           AND (k.project_id = $2 OR (
               k.project_id IN (SELECT project_id FROM access WHERE organization_id = $1 AND user_id = $4)
               AND NOT EXISTS (
                   SELECT FROM collaborators c
                   WHERE c.organization_id = $1 AND c.project_id = k.project_id AND c.user_id = $3 AND c.role = 'admin'
                     AND (c.expires_at IS NULL OR c.expires_at > statement_timestamp()))))
         ORDER BY k.name, k.id LIMIT $5",
        organization.0,
        project.map(|id| id.0),
        user.0,
        viewer.map(|id| id.0),
        OwnedAssets::MOST,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(MadeKey {
                id: ApiKeyId(row.id),
                name: decode(&row.name, "api_keys", "name")?,
                reach: key_scope(&row.reach)?,
                secret_start: row.secret_start,
                secret_end: row.secret_end,
                project: decode(&row.project, "projects", "name")?,
            })
        })
        .collect()
}

/// Checks that there is a choice for each key with the scope `manage` that the person created there. It is called under
/// the lock of the change that lowers their role, before the role is changed, so that it includes keys created
/// meanwhile.
///
/// # Errors
/// [`Refusal::ManageKeysDecide`].
pub(crate) async fn require_decided(
    change: &mut Change<'_>,
    organization: OrganizationId,
    within: Within,
    user: UserId,
    choices: &[KeyChoice],
) -> Result<()> {
    let keys = managing(change.read(), organization, within, user).await?;
    let is_decided = |key: &MadeKey| choices.iter().any(|(id, _)| *id == key.id);
    if keys.iter().all(is_decided) {
        Ok(())
    } else {
        Err(Refusal::ManageKeysDecide(user).into())
    }
}

/// Applies the choices to the keys that these people created there; each key has an audit row of its own. Returns the
/// names of the revoked keys.
pub(crate) async fn decide(
    change: &mut Permitted<'_, '_>,
    organization: OrganizationId,
    within: Within,
    users: &[UserId],
    choices: &[KeyChoice],
) -> Result<Vec<Name>> {
    let chosen = |fate| -> Vec<_> {
        let those = choices.iter().filter(|choice| choice.1 == fate);
        those.map(|(id, _)| id.0).collect()
    };
    let (revoke, lower) = (chosen(KeyFate::Revoke), chosen(KeyFate::Lower));
    if revoke.is_empty() && lower.is_empty() {
        return Ok(Vec::new());
    }
    let users: Vec<_> = users.iter().map(|user| user.0).collect();
    let (project, viewer) = within.columns();
    let rows = sqlx::query!(
        r#"WITH wanted AS (
               SELECT id, project_id, reach FROM api_keys
               WHERE organization_id = $1 AND created_by = ANY($3) AND NOT is_default AND revoked_at IS NULL
                 AND (id = ANY($5) OR id = ANY($6) AND reach = 'manage')
                 AND (project_id = $2 OR project_id IN (
                     SELECT project_id FROM access WHERE organization_id = $1 AND user_id = $4))
               FOR NO KEY UPDATE
           )
           UPDATE api_keys k SET
               revoked_at = CASE WHEN k.id = ANY($5) THEN statement_timestamp() END,
               reach = CASE WHEN k.id = ANY($5) THEN k.reach ELSE 'use' END
           FROM wanted w WHERE k.organization_id = $1 AND k.project_id = w.project_id AND k.id = w.id
           RETURNING k.id, k.project_id, k.name, w.reach AS "before!", k.expires_at, k.id = ANY($5) AS "is_revoked!""#,
        organization.0,
        project.map(|id| id.0),
        &users,
        viewer.map(|id| id.0),
        &revoke,
        &lower,
    )
    .fetch_all(change.write())
    .await?;
    let mut revoked = Vec::new();
    for row in rows {
        let name: Name = decode(&row.name, "api_keys", "name")?;
        let expires_at = row.expires_at.map(time::OffsetDateTime::unix_timestamp);
        let value = |reach| json!({ "name": name, "reach": reach, "expires_at": expires_at });
        let (action, after) = if row.is_revoked {
            (Permission::ApiKeyRevoke.name(), None)
        } else {
            ("api_key:lower", Some(value(KeyScope::Use)))
        };
        let record = Record {
            organization: Some(organization),
            project: Some(ProjectId(row.project_id)),
            target_id: Some(row.id),
            target: Some(name.to_string()),
            before: Some(value(key_scope(&row.before)?)),
            after,
        };
        change.add_event(action, record);
        change.hint(crate::Hint::Project(ProjectId(row.project_id)));
        if row.is_revoked {
            revoked.push(name);
        }
    }
    revoked.sort();
    Ok(revoked)
}
