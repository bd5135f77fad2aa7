//! What a person is to an organization, read from `members`, and to a project, read from the `access` view, the one
//! definition of effective access.
//!
//! Owns reading standings from rows. It must not know what a standing permits: that is decided by [`policy`].

use policy::{KeyScope, OrganizationRole, OrganizationStanding, ProjectStanding, Reason, Refusal, Standing, UserId};
use sqlx::PgExecutor;

use super::target::{OrganizationSeen, PersonSeen, ProjectSeen};
use crate::{Result, error::decode};

/// Returns what a person is in an organization; `None` if they are no member.
pub(crate) async fn find_membership(
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

/// Returns what a person is to a project. Inside a change, it locks their account, so that name and account stay as
/// they are until the change ends.
///
/// # Errors
/// [`Refusal::NotACollaborator`] if there is no such person; their standing says whether they have access.
pub(crate) async fn find_person(db: impl PgExecutor<'_>, project: &ProjectSeen, user: UserId) -> Result<PersonSeen> {
    let row = sqlx::query!(
        r#"SELECT u.name, m.role AS "member_role?", a.reasons AS "reasons?", a.expires_at AS "expires_at?"
           FROM users u
           LEFT JOIN members m ON m.organization_id = $1 AND m.user_id = u.id
           LEFT JOIN LATERAL (
               SELECT a.reasons, a.expires_at FROM access a
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
    let reasons = decode_reasons(row.reasons.as_deref().unwrap_or_default())?;
    Ok(PersonSeen {
        user,
        name: decode(&row.name, "users", "name")?,
        standing: Standing {
            organization: organization_standing(row.member_role.as_deref(), project.owner == user)?,
            project: Reason::standing(&reasons),
        },
        reasons,
        expires_at: row.expires_at,
    })
}

/// Converts the columns of a membership and of an access to what a person is to both.
pub(crate) fn standing_in_both(
    (member_role, is_owner): (Option<&str>, bool),
    (role, because): (Option<&str>, Option<&str>),
) -> Result<Standing> {
    Ok(Standing {
        organization: organization_standing(member_role, is_owner)?,
        project: project_standing(role, because)?,
    })
}

/// Converts a membership's columns to a standing.
pub(crate) fn organization_standing(role: Option<&str>, is_owner: bool) -> Result<Option<OrganizationStanding>> {
    let Some(role) = role else { return Ok(None) };
    let role: OrganizationRole = decode(role, "members", "role")?;
    Ok(Some(if is_owner {
        OrganizationStanding::Owner
    } else {
        OrganizationStanding::Member(role)
    }))
}

/// Converts the `role` and `because` columns of the `access` view to a standing.
pub(crate) fn project_standing(role: Option<&str>, because: Option<&str>) -> Result<Option<ProjectStanding>> {
    let (Some(role), Some(because)) = (role, because) else {
        return Ok(None);
    };
    Ok(Some(ProjectStanding {
        role: decode(role, "access", "role")?,
        because: decode(because, "access", "because")?,
    }))
}

/// Converts the `reasons` column of the `access` view, keeping its order: the reason that counts comes first.
pub(crate) fn decode_reasons(reasons: &[String]) -> Result<Vec<Reason>> {
    reasons
        .iter()
        .map(|reason| decode(reason, "access", "reasons"))
        .collect()
}

/// Converts the column of a key's scope.
pub(crate) fn key_scope(reach: &str) -> Result<KeyScope> {
    decode(reach, "api_keys", "reach")
}
