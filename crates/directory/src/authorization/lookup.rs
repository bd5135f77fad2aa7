//! Finding a target, without telling the principal more about it than it may know: a target that does not exist and one
//! that the principal has no access to give the same [`Refusal::Hidden`] (P3).
//!
//! Owns the queries that find a target together with the principal's standing to it. It must not decide anything.

use policy::{KeyState, Name, OrganizationId, PrincipalStanding, ProjectId, Refusal, Slug, Standing, UserId};
use sqlx::PgExecutor;

use super::{
    principal::{ApiKeyIdentity, Identity, Principal},
    standing::{key_scope, organization_standing, standing_in_both},
    target::{OrganizationSeen, ProjectContext, ProjectRef, ProjectSeen},
};
use crate::{ProjectView, Result, connections::PgConnection, error::decode};

/// Finds an organization by its slug, with the standing of the person who asks. The caller still has to decide by that
/// standing whether they may see it.
///
/// # Errors
/// [`Refusal::Hidden`] if there is none; [`Refusal::SignedOut`] if the principal isn't a person.
pub(crate) async fn find_organization(
    db: impl PgExecutor<'_>,
    slug: &Slug,
    principal: &Principal,
) -> Result<OrganizationSeen> {
    find_organization_as(db, slug, principal.user()?).await
}

/// Finds an organization by its slug, with the standing of `user`, whatever the principal is.
///
/// # Errors
/// [`Refusal::Hidden`] if there is none.
pub(crate) async fn find_organization_as(
    db: impl PgExecutor<'_>,
    slug: &Slug,
    user: UserId,
) -> Result<OrganizationSeen> {
    let row = sqlx::query!(
        r#"SELECT o.id, o.slug, o.name, o.owner_id, o.default_project_id, o.additional_projects, o.created_at,
                  m.role AS "role?"
           FROM organizations o
           LEFT JOIN members m ON m.organization_id = o.id AND m.user_id = $2
           WHERE o.slug = $1"#,
        slug.as_str(),
        user.0,
    )
    .fetch_optional(db)
    .await?
    .ok_or(Refusal::Hidden)?;
    Ok(OrganizationSeen {
        id: OrganizationId(row.id),
        slug: decode(&row.slug, "organizations", "slug")?,
        name: decode(&row.name, "organizations", "name")?,
        owner: UserId(row.owner_id),
        default_project: ProjectId(row.default_project_id),
        additional_projects: row.additional_projects,
        created_at: row.created_at,
        standing: Standing {
            organization: organization_standing(row.role.as_deref(), row.owner_id == user.0)?,
            project: None,
        },
    })
}

/// Finds a project by its slug, with the standing of the person who asks. The caller still has to decide by that
/// standing whether they may see it.
///
/// # Errors
/// [`Refusal::Hidden`] if there is none; [`Refusal::SignedOut`] if the principal isn't a person.
pub(crate) async fn find_project(db: impl PgExecutor<'_>, slug: &Slug, principal: &Principal) -> Result<ProjectSeen> {
    let user = principal.user()?;
    // OFFSET 0 keeps the view's three parts as index look-ups for this one project and person.
    let row = sqlx::query!(
        r#"SELECT o.id AS organization_id, o.slug AS organization_slug, o.name AS organization_name, o.owner_id,
                  p.id AS project_id, s.slug, p.name, p.is_default, p.allow_externals,
                  m.role AS "member_role?", a.role AS "role?", a.because AS "because?", a.expires_at AS "expires_at?"
           FROM project_slugs s
           JOIN projects p ON p.organization_id = s.organization_id AND p.id = s.project_id
           JOIN organizations o ON o.id = p.organization_id
           LEFT JOIN members m ON m.organization_id = o.id AND m.user_id = $2
           LEFT JOIN LATERAL (
               SELECT a.role, a.because, a.expires_at FROM access a
               WHERE a.organization_id = s.organization_id AND a.project_id = s.project_id AND a.user_id = $2
               OFFSET 0
           ) a ON true
           WHERE s.slug = $1 AND s.released_at IS NULL"#,
        slug.as_str(),
        user.0,
    )
    .fetch_optional(db)
    .await?
    .ok_or(Refusal::Hidden)?;
    Ok(ProjectSeen {
        organization: OrganizationId(row.organization_id),
        organization_slug: decode(&row.organization_slug, "organizations", "slug")?,
        organization_name: decode(&row.organization_name, "organizations", "name")?,
        owner: UserId(row.owner_id),
        project: ProjectId(row.project_id),
        slug: decode(&row.slug, "project_slugs", "slug")?,
        name: decode(&row.name, "projects", "name")?,
        is_default: row.is_default,
        allow_externals: row.allow_externals,
        standing: standing_in_both(
            (row.member_role.as_deref(), row.owner_id == user.0),
            (row.role.as_deref(), row.because.as_deref()),
        )?,
        expires_at: row.expires_at,
    })
}

/// Finds a project, with the standing of the person or the API key that asks. The caller still has to decide by a
/// person's standing whether they may see it.
///
/// # Errors
/// [`Refusal::Hidden`] if there is none, or if it isn't the key's project (K1); [`Refusal::KeyRevoked`],
/// [`Refusal::KeyExpired`], [`Refusal::KeyInvalid`]; [`Refusal::SignedOut`] for other principals.
pub(crate) async fn find_project_context(
    db: &mut PgConnection,
    principal: &Principal,
    project: &ProjectRef,
) -> Result<ProjectContext> {
    match &principal.identity {
        Identity::User { .. } => {
            let slug = slug_of(db, project).await?;
            Ok(find_project(db, &slug, principal).await?.into())
        }
        Identity::ApiKey(key) => find_of_key(db, key, project).await,
        Identity::Meter(_) | Identity::Anonymous | Identity::Operator => Err(Refusal::SignedOut.into()),
    }
}

/// Finds the project of a key, if it is the one asked for: for a key no other project exists. Reads the key again,
/// since it may have ended after it was authenticated (E5).
pub(crate) async fn find_of_key(
    db: &mut PgConnection,
    key: &ApiKeyIdentity,
    project: &ProjectRef,
) -> Result<ProjectContext> {
    let row = sqlx::query!(
        r#"SELECT k.reach, k.revoked_at IS NOT NULL AS "is_revoked!",
                  COALESCE(k.expires_at <= statement_timestamp(), false) AS "is_expired!",
                  s.slug, p.name, p.is_default, p.allow_externals,
                  o.slug AS organization_slug, o.name AS organization_name
           FROM api_keys k
           JOIN projects p ON p.organization_id = k.organization_id AND p.id = k.project_id
           JOIN project_slugs s ON s.project_id = p.id AND s.released_at IS NULL
           JOIN organizations o ON o.id = p.organization_id
           WHERE k.organization_id = $1 AND k.project_id = $2 AND k.id = $3"#,
        key.organization.0,
        key.project.0,
        key.key.0,
    )
    .fetch_optional(db)
    .await?
    .ok_or(Refusal::KeyInvalid)?;
    KeyState::of(row.is_revoked, row.is_expired).require_active()?;
    let slug: Slug = decode(&row.slug, "project_slugs", "slug")?;
    let is_its_own = match project {
        ProjectRef::Id(id) => *id == key.project,
        ProjectRef::Slug(wanted) => *wanted == slug,
        ProjectRef::Nothing => false,
    };
    if !is_its_own {
        return Err(Refusal::Hidden.into());
    }
    let name: Name = decode(&row.name, "projects", "name")?;
    Ok(ProjectContext {
        organization: key.organization,
        project: ProjectView {
            id: key.project,
            slug,
            name,
            organization_slug: decode(&row.organization_slug, "organizations", "slug")?,
            organization_name: decode(&row.organization_name, "organizations", "name")?,
            is_default: row.is_default,
            allow_externals: row.allow_externals,
            standing: Standing::default(),
            expires_at: None,
        },
        standing: PrincipalStanding::ApiKey(key_scope(&row.reach)?),
    })
}

/// Returns the present slug of a project.
pub(crate) async fn slug_of(db: &mut PgConnection, project: &ProjectRef) -> Result<Slug> {
    match project {
        ProjectRef::Slug(slug) => Ok(slug.clone()),
        ProjectRef::Nothing => Err(Refusal::Hidden.into()),
        ProjectRef::Id(id) => {
            let row = sqlx::query!(
                "SELECT slug FROM project_slugs WHERE project_id = $1 AND released_at IS NULL",
                id.0
            )
            .fetch_optional(db)
            .await?
            .ok_or(Refusal::Hidden)?;
            decode(&row.slug, "project_slugs", "slug")
        }
    }
}
