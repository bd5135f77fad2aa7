//! The queue and the row locks of a change (decision 73).
//!
//! Owns the order in which changes take locks: the queue of an organization, then its row, then a project's. It must
//! not decide anything. It reads the principal's standing again after each wait, since it may have changed meanwhile.

use policy::{Refusal, Slug, UserId};

use super::{
    change::Change,
    lookup::{find_of_key, find_organization_as, find_project, slug_of},
    principal::Identity,
    target::{OrganizationSeen, ProjectContext, ProjectRef, ProjectSeen},
};
use crate::{Result, connections::PgConnection};

/// Waits in the queue of an organization, in order of arrival, before any row is locked. Changes to its projects share
/// its row: without the queue, a change that needs the row alone would wait for as long as more of them arrive (E5).
pub(crate) async fn join_queue(db: &mut PgConnection, slug: &Slug) -> Result<()> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(turn_in(id)) FROM organizations WHERE slug = $1",
        slug.as_str()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Finds an organization by its slug and locks it until the change ends, so that nobody else changes its people,
/// invitations or projects meanwhile. For a principal that is no member it doesn't wait: how long it takes then tells
/// nothing (P3), and nobody from outside delays the members. For a member it makes the organization the target of the
/// change; the attempts of others are shown to the operator only and are not in the organization's audit (A4).
///
/// # Errors
/// [`Refusal::Hidden`] if there is none.
pub(crate) async fn lock_organization(change: &mut Change<'_>, slug: &Slug) -> Result<OrganizationSeen> {
    let user = change.principal.user()?;
    let organization = lock_organization_as(change, slug, user).await?;
    if organization.standing.organization.is_some() {
        change.record.organization = Some(organization.id);
    }
    Ok(organization)
}

/// Does the same with the standing of `user`, whatever the principal is, and leaves it to the caller to set the target
/// of the change.
///
/// # Errors
/// [`Refusal::Hidden`] if there is none.
pub(crate) async fn lock_organization_as(
    change: &mut Change<'_>,
    slug: &Slug,
    user: UserId,
) -> Result<OrganizationSeen> {
    let seen = find_organization_as(change.read(), slug, user).await?;
    if seen.standing.organization.is_none() {
        return Ok(seen);
    }
    join_queue(change.read(), slug).await?;
    sqlx::query!(
        "SELECT id FROM organizations WHERE slug = $1 FOR NO KEY UPDATE",
        slug.as_str()
    )
    .fetch_optional(change.read())
    .await?
    .ok_or(Refusal::Hidden)?;
    // Read again: it may have changed during the wait for the lock.
    find_organization_as(change.read(), slug, user).await
}

/// Finds a project by its slug and locks it, with its organization, until the change ends, so that nobody else changes
/// the project or any membership meanwhile. For a principal without access it doesn't wait, and doesn't make the
/// project the target of the change, like [`lock_organization`].
///
/// # Errors
/// [`Refusal::Hidden`] if there is none.
pub(crate) async fn lock_project(change: &mut Change<'_>, slug: &Slug) -> Result<ProjectSeen> {
    let project = lock_project_unnoted(change, slug).await?;
    if project.standing.project.is_some() {
        change.record.organization = Some(project.organization);
        change.record.project = Some(project.project);
    }
    Ok(project)
}

/// Does the same, and leaves it to the caller to set the target of the change.
///
/// # Errors
/// [`Refusal::Hidden`] if there is none.
pub(crate) async fn lock_project_unnoted(change: &mut Change<'_>, slug: &Slug) -> Result<ProjectSeen> {
    let principal = change.principal;
    let seen = find_project(change.read(), slug, principal).await?;
    if seen.standing.project.is_none() {
        return Ok(seen);
    }
    // Joins the queue together with changes to other projects, behind any change that waits in it alone.
    sqlx::query!(
        "SELECT pg_advisory_xact_lock_shared(turn_in(organization_id)) FROM project_slugs
         WHERE slug = $1 AND released_at IS NULL",
        slug.as_str()
    )
    .execute(change.read())
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
    .fetch_optional(change.read())
    .await?
    .ok_or(Refusal::Hidden)?;
    // Read again: it may have changed during the wait for the lock.
    find_project(change.read(), slug, principal).await
}

/// Finds the project in which a person or a program makes a change, and locks it, with its organization, until the
/// change ends. Makes it the target of the change in the audit.
///
/// # Errors
/// Those of [`find_project_context`](super::lookup::find_project_context).
pub(crate) async fn lock_project_context(change: &mut Change<'_>, project: &ProjectRef) -> Result<ProjectContext> {
    match &change.principal.identity {
        Identity::User { .. } => {
            let slug = slug_of(change.read(), project).await?;
            Ok(lock_project(change, &slug).await?.into())
        }
        Identity::ApiKey(key) => {
            // Whatever a key attempts is in the audit of its project.
            change.record.organization = Some(key.organization);
            change.record.project = Some(key.project);
            // The same queue as for a person: see `lock_project`.
            sqlx::query!("SELECT pg_advisory_xact_lock_shared(turn_in($1))", key.organization.0)
                .execute(change.read())
                .await?;
            sqlx::query!(
                "SELECT p.id FROM projects p JOIN organizations o ON o.id = p.organization_id
                 WHERE p.organization_id = $1 AND p.id = $2
                 FOR SHARE OF o FOR NO KEY UPDATE OF p",
                key.organization.0,
                key.project.0,
            )
            .fetch_optional(change.read())
            .await?;
            // Read again: it may have changed during the wait for the lock.
            find_of_key(change.read(), key, project).await
        }
        Identity::Meter(_) | Identity::Anonymous | Identity::Operator => Err(Refusal::SignedOut.into()),
    }
}
