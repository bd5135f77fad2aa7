//! The queue and the row locks of a change (decision 73).
//!
//! Owns the order in which changes take locks: the queue of an organization, then its row, then a project's. It must
//! not decide anything; it reads the caller's standing anew after each wait, since the wait may have changed
//! everything.

use policy::{Refusal, Slug, UserId};

use super::{
    change::Change,
    lookup::{find_of_key, find_organization_as, find_project, slug_of},
    principal::Identity,
    target::{OrganizationSeen, ProjectContext, ProjectRef, ProjectSeen},
};
use crate::{Result, connections::PgConnection};

/// Waits for an organization in the queue that nobody passes, before any row is locked. Changes to its projects share
/// its row, and would keep a change that needs it alone waiting for as long as more of them come (E5).
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
/// projects meanwhile. For whoever is no member it waits for nothing: how long it takes tells nothing of it (P3), and
/// nobody from outside holds up those within. The change is about it from then on, for a member: what others try is the
/// operator's to read, and not in the audit of an organization that doesn't know them (A4).
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

/// The same with what `user` is in it, whoever asks, for a change that says itself what it is about.
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
    // Read again: the wait for the lock may have changed everything.
    find_organization_as(change.read(), slug, user).await
}

/// Finds a project by its slug and locks it, with its organization, until the change ends: nobody else changes the
/// project or anybody's membership meanwhile. For whoever has no access it waits for nothing, and the change isn't
/// about it, as with [`lock_organization`].
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

/// The same for a change that says itself what it is about.
///
/// # Errors
/// [`Refusal::Hidden`] if there is none.
pub(crate) async fn lock_project_unnoted(change: &mut Change<'_>, slug: &Slug) -> Result<ProjectSeen> {
    let principal = change.principal;
    let seen = find_project(change.read(), slug, principal).await?;
    if seen.standing.project.is_none() {
        return Ok(seen);
    }
    // A turn together with changes to other projects, behind whoever waits for one alone.
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
    // Read again: the wait for the lock may have changed everything.
    find_project(change.read(), slug, principal).await
}

/// Finds the project that a person or a program changes something in, and locks it, with its organization, until the
/// change ends. Notes it for the audit.
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
            // Whatever it tries, those who look after its project read of it.
            change.record.organization = Some(key.organization);
            change.record.project = Some(key.project);
            // As a person does it: see `lock_project`.
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
            // Read again: the wait for the lock may have changed everything.
            find_of_key(change.read(), key, project).await
        }
        Identity::Meter(_) | Identity::Anonymous | Identity::Operator => Err(Refusal::SignedOut.into()),
    }
}
