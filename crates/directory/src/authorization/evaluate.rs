//! Asking for a permission before a request's content is looked at: whoever lacks it learns nothing about what they
//! sent.
//!
//! Owns the question "may this caller do this to that" outside of a change; inside of one the use case asks, with the
//! target locked. Refusals are audited where the caller is known (A4).

use policy::{Permission, Slug};

use super::{
    lookup::{find_organization, find_project_context},
    principal::{Actor, Agent, By},
    target::ProjectRef,
};
use crate::{Directory, Error, Result};

impl Directory {
    /// Asks for a permission before what was sent is looked at, like [`Directory::authorize`], for a person or a
    /// program.
    ///
    /// # Errors
    /// [`policy::Refusal::Hidden`], [`policy::Refusal::Forbidden`]; for a key [`policy::Refusal::KeyRevoked`],
    /// [`policy::Refusal::KeyExpired`], [`policy::Refusal::KeyInvalid`].
    pub async fn authorize_agent(&self, agent: Agent<'_>, project: &ProjectRef, permission: Permission) -> Result<()> {
        let mut db = self.pool.acquire().await?;
        let (ids, decision) = match find_project_context(&mut db, agent.into(), project).await {
            Ok(place) => (
                Some((place.organization, place.project.id)).filter(|_| place.is_visible()),
                place.holder.require(permission).map_err(Into::into),
            ),
            Err(error) => (
                match agent {
                    Agent::Person(_) => None,
                    Agent::Key(key) => Some((key.organization, key.project)),
                },
                Err(error),
            ),
        };
        drop(db);
        if decision.is_ok() {
            return Ok(());
        }
        self.change(By::from(agent), permission.name(), |change| {
            Box::pin(async move {
                (change.record.organization, change.record.project) = ids.unzip();
                decision
            })
        })
        .await
    }

    /// Asks for a permission before what was typed is looked at, as [`Self::authorize`] does in a project.
    ///
    /// # Errors
    /// [`policy::Refusal::Hidden`], [`policy::Refusal::Forbidden`].
    pub async fn authorize_in_organization(&self, actor: &Actor, slug: &Slug, permission: Permission) -> Result<()> {
        let organization = find_organization(&self.pool, slug, actor.user).await;
        let (id, decision) = match organization {
            Ok(seen) => (
                // Others leave a trail for the operator alone (A4).
                Some(seen.id).filter(|_| seen.standing.organization.is_some()),
                seen.standing.require(permission).map_err(Error::from),
            ),
            Err(error) => (None, Err(error)),
        };
        if decision.is_ok() {
            return Ok(());
        }
        self.change(By::User(actor), permission.name(), |change| {
            Box::pin(async move {
                change.record.organization = id;
                decision
            })
        })
        .await
    }
}
