//! The queue and the row locks of a change (decision 73).
//!
//! Owns the order in which changes take locks: the queue of an organization, then its row, then a project's. It must
//! not decide anything; it reads the caller's standing anew after each wait, since the wait may have changed
//! everything.

use policy::{Refusal, Slug, UserId};

use super::{
    lookup::{find_of_key, find_organization, find_project, slug_of},
    principal::Agent,
    target::{OrganizationSeen, ProjectContext, ProjectRef, ProjectSeen},
};
use crate::{Result, change::Change, connections::PgConnection};

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
/// nobody from outside holds up those within.
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

/// Finds a project by its slug and locks it, with its organization, until the change ends: nobody else changes the
/// project or anybody's place in the organization meanwhile. For whoever has no access it waits for nothing, like
/// [`lock_organization`].
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

/// The same for a change, whose record it notes the project in: for whoever has access to it. What others try is the
/// operator's to read, and not in the audit of a project that doesn't know them (A4).
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

/// Finds an organization and locks it for a change, whose record it notes it in: for whoever is a member, as
/// [`lock_in`] does.
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

/// Finds the project that somebody changes something in, and locks it, with its organization, until the change ends.
/// Notes it for the audit.
///
/// # Errors
/// Those of [`find_project_context`].
pub(crate) async fn lock_project_context(
    change: &mut Change<'_>,
    agent: Agent<'_>,
    project: &ProjectRef,
) -> Result<ProjectContext> {
    let place = match agent {
        Agent::Person(actor) => {
            let slug = slug_of(&mut change.tx, project).await?;
            lock_project(&mut change.tx, &slug, actor.user).await?.into()
        }
        Agent::Key(key) => {
            // Whatever it tries, those who look after its project read of it.
            change.record.organization = Some(key.organization);
            change.record.project = Some(key.project);
            // As a person does it: see `lock_project`.
            sqlx::query!("SELECT pg_advisory_xact_lock_shared(turn_in($1))", key.organization.0)
                .execute(&mut *change.tx)
                .await?;
            sqlx::query!(
                "SELECT p.id FROM projects p JOIN organizations o ON o.id = p.organization_id
                 WHERE p.organization_id = $1 AND p.id = $2
                 FOR SHARE OF o FOR NO KEY UPDATE OF p",
                key.organization.0,
                key.project.0,
            )
            .fetch_optional(&mut *change.tx)
            .await?;
            // Read again: the wait for the lock may have changed everything.
            find_of_key(&mut change.tx, key, project).await?
        }
    };
    if place.is_visible() {
        change.record.organization = Some(place.organization);
        change.record.project = Some(place.project.id);
    }
    Ok(place)
}
