//! Memberships of an organization as rows: inserting one, setting its role, and the audit events and hints of a change
//! or an end.
//!
//! Owns these statements. It must not know invitations, lists or who may change what: it uses the caller's transaction
//! and decides nothing.

use policy::{OrganizationId, OrganizationRole, Permission, ProjectId, UserId};
use serde_json::json;
use time::OffsetDateTime;

use crate::{
    Hint, Result,
    authorization::writer::Writer,
    authorization::{permitted::Permitted, record::Record},
    error::inconsistent,
};

/// Adds the audit row of a project role that ended because something greater ended, such as the membership.
pub(crate) fn removed(
    change: &mut Permitted<'_, '_>,
    organization: OrganizationId,
    project: ProjectId,
    user: UserId,
    role: &str,
) {
    let record = Record {
        organization: Some(organization),
        project: Some(project),
        target_id: Some(user.0),
        before: Some(json!({ "role": role })),
        ..Record::default()
    };
    change.add_event(Permission::CollaboratorRemove.name(), record);
}

/// Adds hints for the pages of the organization and for those of the person.
pub(crate) fn changed(change: &mut Permitted<'_, '_>, organization: OrganizationId, user: UserId) {
    change.hint(Hint::Organization(organization));
    change.hint(Hint::User(user));
}

/// Sets a member's role.
pub(crate) async fn set_role(
    db: &mut Writer,
    organization: OrganizationId,
    user: UserId,
    role: OrganizationRole,
) -> Result<()> {
    sqlx::query!(
        "UPDATE members SET role = $3 WHERE organization_id = $1 AND user_id = $2",
        organization.0,
        user.0,
        role.code(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Inserts a membership.
pub(crate) async fn insert(
    db: &mut Writer,
    organization: OrganizationId,
    user: UserId,
    role: OrganizationRole,
    added_by: Option<UserId>,
    at: OffsetDateTime,
) -> Result<()> {
    let written = sqlx::query!(
        "INSERT INTO members (organization_id, user_id, name, role, added_by, added_at)
         SELECT $1, u.id, u.name, $3, $4, $5 FROM users u WHERE u.id = $2",
        organization.0,
        user.0,
        role.code(),
        added_by.map(|id| id.0),
        at,
    )
    .execute(db)
    .await?
    .rows_affected();
    if written == 1 {
        Ok(())
    } else {
        Err(inconsistent("members", "user_id"))
    }
}
