//! The API keys and resources that a removed person created. They belong to their project, and stay (K5, E1, M6).
//!
//! Owns listing them, before a removal and for its result. It must not change them.

use policy::{ApiKeyId, KeyScope, Name, OrganizationId, Permission, ProjectId, ResourceKind, Slug, UserId};

use crate::{
    Directory, Principal, Result, authorization::lookup::find_project, authorization::standing::key_scope,
    connections::PgConnection, error::decode,
};

/// A valid API key that a person created.
#[derive(Clone, Debug)]
pub struct MadeKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Its name.
    pub name: Name,
    /// Its scope (K11).
    pub reach: KeyScope,
    /// The first characters of its secret, which distinguish keys with the same name (K4).
    pub secret_start: String,
    /// The last four characters of its secret.
    pub secret_end: String,
    /// The name of its project.
    pub project: Name,
}

/// What people created in a project, or in a whole organization, and what still exists.
#[derive(Clone, Debug, Default)]
pub struct OwnedAssets {
    /// The valid keys, by name, at most [`OwnedAssets::MOST`].
    pub keys: Vec<MadeKey>,
    /// How many valid keys there are.
    pub key_count: i64,
    /// How many resources of each kind there are.
    pub resources: Vec<(ResourceKind, i64)>,
}

impl OwnedAssets {
    /// The largest number of keys in the list.
    pub const MOST: i64 = 100;
}

impl Directory {
    /// Returns what a person created in a project, before they are removed from it (C6), for people who may list its
    /// keys.
    ///
    /// # Errors
    /// [`Refusal::Hidden`](policy::Refusal::Hidden).
    pub async fn owned_assets(&self, principal: &Principal, slug: &Slug, user: UserId) -> Result<OwnedAssets> {
        let project = find_project(&self.pool, slug, principal).await?;
        project.standing.require(Permission::ApiKeyList)?;
        let mut db = self.pool.acquire().await?;
        owned_assets(
            &mut db,
            project.organization,
            AssetScope::Project(project.project),
            &[user],
        )
        .await
    }

    /// Returns what the External Collaborators of a project created in it, before all of them are removed (X1, C6).
    ///
    /// # Errors
    /// [`Refusal::Hidden`](policy::Refusal::Hidden), [`Refusal::Forbidden`](policy::Refusal::Forbidden).
    pub async fn assets_of_externals(&self, principal: &Principal, slug: &Slug) -> Result<OwnedAssets> {
        let project = find_project(&self.pool, slug, principal).await?;
        project.standing.require(Permission::CollaboratorRemove)?;
        let mut db = self.pool.acquire().await?;
        let externals = sqlx::query!(
            "SELECT user_id FROM collaborators WHERE organization_id = $1 AND project_id = $2 AND member_id IS NULL",
            project.organization.0,
            project.project.0,
        )
        .fetch_all(&mut *db)
        .await?;
        let externals: Vec<_> = externals.iter().map(|row| UserId(row.user_id)).collect();
        owned_assets(
            &mut db,
            project.organization,
            AssetScope::Project(project.project),
            &externals,
        )
        .await
    }
}

/// The projects in which to look for what a person created.
#[derive(Clone, Copy)]
pub(crate) enum AssetScope {
    /// Only this project, which the principal has access to.
    Project(ProjectId),
    /// Every project of the organization that this person has access to, so that a person who leaves learns nothing
    /// about a project they were removed from (P3).
    SeenBy(UserId),
}

/// Returns what people created in one project, or in the projects of an organization, without the Organization Default
/// Key.
pub(crate) async fn owned_assets(
    db: &mut PgConnection,
    organization: OrganizationId,
    scope: AssetScope,
    users: &[UserId],
) -> Result<OwnedAssets> {
    let users: Vec<_> = users.iter().map(|user| user.0).collect();
    let (project, viewer) = match scope {
        AssetScope::Project(project) => (Some(project.0), None),
        AssetScope::SeenBy(viewer) => (None, Some(viewer.0)),
    };
    let keys = sqlx::query!(
        r#"SELECT k.id, k.name, k.reach, k.secret_start, k.secret_end, p.name AS project, count(*) OVER () AS "count!"
           FROM api_keys k
           JOIN projects p ON p.organization_id = k.organization_id AND p.id = k.project_id
           WHERE k.created_by = ANY($3) AND k.organization_id = $1 AND NOT k.is_default
             AND (k.project_id = $2 OR k.project_id IN (
                 SELECT project_id FROM access WHERE organization_id = $1 AND user_id = $5))
             AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > statement_timestamp())
           ORDER BY k.name, k.id LIMIT $4"#,
        organization.0,
        project,
        &users,
        OwnedAssets::MOST,
        viewer,
    )
    .fetch_all(&mut *db)
    .await?;
    let resources = sqlx::query!(
        r#"SELECT kind, count(*) AS "count!" FROM resources
           WHERE created_by = ANY($3) AND organization_id = $1
             AND (project_id = $2 OR project_id IN (
                 SELECT project_id FROM access WHERE organization_id = $1 AND user_id = $4))
           GROUP BY kind"#,
        organization.0,
        project,
        &users,
        viewer,
    )
    .fetch_all(&mut *db)
    .await?;
    let mut resources = resources
        .into_iter()
        .map(|row| {
            let kind = decode(&row.kind, "resources", "kind")?;
            Ok((kind, row.count))
        })
        .collect::<Result<Vec<_>>>()?;
    resources.sort();
    Ok(OwnedAssets {
        key_count: keys.first().map_or(0, |row| row.count),
        keys: keys
            .into_iter()
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
            .collect::<Result<_>>()?,
        resources,
    })
}
