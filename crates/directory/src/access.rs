//! Reading what somebody is to a project: always from the `access` view, the one definition of effective access.

use policy::{
    Because, Name, OrganizationId, OrganizationRole, OrganizationStanding, ProjectId, ProjectRole, ProjectStanding,
    Refusal, Slug, Standing, UserId,
};
use sqlx::PgExecutor;
use time::OffsetDateTime;

use crate::{Result, change::Change, connections::PgConnection, error::inconsistent};

/// A project, and what the one who asks is to it.
pub(crate) struct ProjectSeen {
    pub(crate) organization: OrganizationId,
    pub(crate) organization_slug: Slug,
    pub(crate) organization_name: Name,
    pub(crate) owner: UserId,
    pub(crate) project: ProjectId,
    pub(crate) slug: Slug,
    pub(crate) name: Name,
    pub(crate) is_default: bool,
    pub(crate) allow_externals: bool,
    pub(crate) standing: Standing,
    pub(crate) expires_at: Option<OffsetDateTime>,
}

/// A person, and what they are to a project.
pub(crate) struct PersonSeen {
    pub(crate) user: UserId,
    pub(crate) name: Name,
    pub(crate) standing: Standing,
    pub(crate) expires_at: Option<OffsetDateTime>,
}

/// An organization, and what the one who asks is in it.
pub(crate) struct OrganizationSeen {
    pub(crate) id: OrganizationId,
    pub(crate) slug: Slug,
    pub(crate) name: Name,
    pub(crate) owner: UserId,
    pub(crate) default_project: ProjectId,
    pub(crate) additional_projects: bool,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) standing: Standing,
}

/// Finds an organization by its slug, as `user` sees it.
///
/// # Errors
/// [`Refusal::Hidden`] if there is none. Whether they may see it is still to be decided, by their standing.
pub(crate) async fn find_organization(db: impl PgExecutor<'_>, slug: &Slug, user: UserId) -> Result<OrganizationSeen> {
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
        slug: row.slug.parse().map_err(|_| inconsistent("organizations", "slug"))?,
        name: row.name.parse().map_err(|_| inconsistent("organizations", "name"))?,
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

/// Waits for an organization in the queue that nobody passes, before any row is locked. Changes to its projects share its row,
/// and would keep a change that needs it alone waiting for as long as more of them come (E5).
pub(crate) async fn join_queue(db: &mut PgConnection, slug: &Slug) -> Result<()> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(turn_in(id)) FROM organizations WHERE slug = $1",
        slug.as_str()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Finds an organization by its slug and locks it until the change ends: nobody else changes its people, invitations or
/// projects meanwhile. For whoever is no member it waits for nothing: how long it takes tells nothing of it (P3), and nobody from
/// outside holds up those within.
///
/// # Errors
/// [`Refusal::Hidden`] if there is none.
pub(crate) async fn lock_organization(db: &mut PgConnection, slug: &Slug, user: UserId) -> Result<OrganizationSeen> {
    let seen = find_organization(&mut *db, slug, user).await?;
    if seen.standing.organization.is_none() {
        return Ok(seen);
    }
    join_queue(db, slug).await?;
    sqlx::query!(
        "SELECT id FROM organizations WHERE slug = $1 FOR NO KEY UPDATE",
        slug.as_str()
    )
    .fetch_optional(&mut *db)
    .await?
    .ok_or(Refusal::Hidden)?;
    // Read again: the wait for the lock may have changed everything.
    find_organization(db, slug, user).await
}

/// What a person is in an organization.
pub(crate) async fn find_place(
    db: impl PgExecutor<'_>,
    organization: &OrganizationSeen,
    user: UserId,
) -> Result<Option<OrganizationStanding>> {
    let row = sqlx::query!(
        "SELECT role FROM members WHERE organization_id = $1 AND user_id = $2",
        organization.id.0,
        user.0
    )
    .fetch_optional(db)
    .await?;
    organization_standing(row.as_ref().map(|row| row.role.as_str()), organization.owner == user)
}

/// Finds a project by its slug, as `user` sees it.
///
/// # Errors
/// [`Refusal::Hidden`] if there is none. Whether they may see it is still to be decided, by their standing.
pub(crate) async fn find_project(db: impl PgExecutor<'_>, slug: &Slug, user: UserId) -> Result<ProjectSeen> {
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
        organization_slug: row
            .organization_slug
            .parse()
            .map_err(|_| inconsistent("organizations", "slug"))?,
        organization_name: row
            .organization_name
            .parse()
            .map_err(|_| inconsistent("organizations", "name"))?,
        owner: UserId(row.owner_id),
        project: ProjectId(row.project_id),
        slug: row.slug.parse().map_err(|_| inconsistent("project_slugs", "slug"))?,
        name: row.name.parse().map_err(|_| inconsistent("projects", "name"))?,
        is_default: row.is_default,
        allow_externals: row.allow_externals,
        standing: Standing {
            organization: organization_standing(row.member_role.as_deref(), row.owner_id == user.0)?,
            project: project_standing(row.role.as_deref(), row.because.as_deref())?,
        },
        expires_at: row.expires_at,
    })
}

/// Finds a project by its slug and locks it, with its organization, until the change ends: nobody else changes the project or
/// anybody's place in the organization meanwhile. For whoever has no access it waits for nothing, like [`lock_organization`].
///
/// # Errors
/// [`Refusal::Hidden`] if there is none.
pub(crate) async fn lock_project(db: &mut PgConnection, slug: &Slug, user: UserId) -> Result<ProjectSeen> {
    let seen = find_project(&mut *db, slug, user).await?;
    if seen.standing.project.is_none() {
        return Ok(seen);
    }
    // A turn together with changes to other projects, behind whoever waits for one alone.
    sqlx::query!(
        "SELECT pg_advisory_xact_lock_shared(turn_in(organization_id)) FROM project_slugs
         WHERE slug = $1 AND released_at IS NULL",
        slug.as_str()
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "SELECT p.id
         FROM project_slugs s
         JOIN projects p ON p.organization_id = s.organization_id AND p.id = s.project_id
         JOIN organizations o ON o.id = p.organization_id
         WHERE s.slug = $1 AND s.released_at IS NULL
         FOR SHARE OF o FOR NO KEY UPDATE OF p",
        slug.as_str(),
    )
    .fetch_optional(&mut *db)
    .await?
    .ok_or(Refusal::Hidden)?;
    // Read again: the wait for the lock may have changed everything.
    find_project(db, slug, user).await
}

/// The same for a change, whose record it notes the project in: for whoever has access to it. What others try is the operator's to
/// read, and not in the audit of a project that doesn't know them (A4).
///
/// # Errors
/// [`Refusal::Hidden`] if there is none.
pub(crate) async fn lock_in(change: &mut Change<'_>, slug: &Slug, user: UserId) -> Result<ProjectSeen> {
    let project = lock_project(&mut change.tx, slug, user).await?;
    if project.standing.project.is_some() {
        change.record.organization = Some(project.organization);
        change.record.project = Some(project.project);
    }
    Ok(project)
}

/// Finds an organization and locks it for a change, whose record it notes it in: for whoever is a member, as [`lock_in`] does.
///
/// # Errors
/// [`Refusal::Hidden`] if there is none.
pub(crate) async fn lock_in_organization(
    change: &mut Change<'_>,
    slug: &Slug,
    user: UserId,
) -> Result<OrganizationSeen> {
    let organization = lock_organization(&mut change.tx, slug, user).await?;
    if organization.standing.organization.is_some() {
        change.record.organization = Some(organization.id);
    }
    Ok(organization)
}

/// What a person is to a project. Inside a change, their name and account stay until it ends.
///
/// # Errors
/// [`Refusal::NotACollaborator`] if there is no such person; whether they have access is in their standing.
pub(crate) async fn find_person(db: impl PgExecutor<'_>, project: &ProjectSeen, user: UserId) -> Result<PersonSeen> {
    let row = sqlx::query!(
        r#"SELECT u.name, m.role AS "member_role?", a.role AS "role?", a.because AS "because?",
                  a.expires_at AS "expires_at?"
           FROM users u
           LEFT JOIN members m ON m.organization_id = $1 AND m.user_id = u.id
           LEFT JOIN LATERAL (
               SELECT a.role, a.because, a.expires_at FROM access a
               WHERE a.organization_id = $1 AND a.project_id = $2 AND a.user_id = $3
               OFFSET 0
           ) a ON true
           WHERE u.id = $3 AND u.deleted_at IS NULL
           FOR KEY SHARE OF u"#,
        project.organization.0,
        project.project.0,
        user.0,
    )
    .fetch_optional(db)
    .await?
    .ok_or(Refusal::NotACollaborator)?;
    Ok(PersonSeen {
        user,
        name: row.name.parse().map_err(|_| inconsistent("users", "name"))?,
        standing: Standing {
            organization: organization_standing(row.member_role.as_deref(), project.owner == user)?,
            project: project_standing(row.role.as_deref(), row.because.as_deref())?,
        },
        expires_at: row.expires_at,
    })
}

/// A membership's columns as a standing.
pub(crate) fn organization_standing(role: Option<&str>, is_owner: bool) -> Result<Option<OrganizationStanding>> {
    let Some(role) = role else { return Ok(None) };
    let role: OrganizationRole = role.parse().map_err(|_| inconsistent("members", "role"))?;
    Ok(Some(if is_owner {
        OrganizationStanding::Owner
    } else {
        OrganizationStanding::Member(role)
    }))
}

/// The `access` view's columns as a standing.
pub(crate) fn project_standing(role: Option<&str>, because: Option<&str>) -> Result<Option<ProjectStanding>> {
    let (Some(role), Some(because)) = (role, because) else {
        return Ok(None);
    };
    Ok(Some(ProjectStanding {
        role: role
            .parse::<ProjectRole>()
            .map_err(|_| inconsistent("access", "role"))?,
        because: Because::ALL
            .into_iter()
            .find(|known| known.code() == because)
            .ok_or_else(|| inconsistent("access", "because"))?,
    }))
}
