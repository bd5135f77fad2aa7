//! The question "may this principal do this to that", asked outside of a change.
//!
//! Owns the one answer to it, and asking before a request's content is looked at: whoever lacks the permission learns
//! nothing about what they sent. Inside of a change the use case asks, with the target locked. It must not know how a
//! question arrived.

use policy::{Decision, OrganizationId, Permission, PrincipalStanding, ProjectId, Slug};

use super::{
    lookup::{find_organization, find_project_context},
    principal::{Identity, Principal},
    target::ProjectRef,
};
use crate::{Directory, Error, Result};

/// What a permission is asked for.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// An organization, by its slug.
    Organization(&'a Slug),
    /// A project.
    Project(&'a ProjectRef),
}

/// A target as it was found: what the principal is to it, and where a refusal is audited.
struct Found {
    standing: PrincipalStanding,
    organization: Option<OrganizationId>,
    project: Option<ProjectId>,
}

impl Directory {
    /// Whether a principal may do something to a target, and why: by the policy, from what they are to it now.
    ///
    /// # Errors
    /// [`policy::Refusal::Hidden`] if there is no such target; for a key [`policy::Refusal::KeyRevoked`],
    /// [`policy::Refusal::KeyExpired`], [`policy::Refusal::KeyInvalid`]; [`policy::Refusal::SignedOut`] for a principal
    /// that is nothing to any target.
    pub async fn evaluate(
        &self,
        principal: &Principal,
        permission: Permission,
        target: Target<'_>,
    ) -> Result<Decision> {
        Ok(self.find_target(principal, target).await?.standing.decide(permission))
    }

    /// Goes on only if a principal may do something to a target: asked before what was sent is looked at, so that a
    /// slip in it says nothing to somebody who may not do this anyway (P3, R2). A refusal is audited like one of the
    /// change itself, which asks again, under its lock.
    ///
    /// # Errors
    /// [`policy::Refusal::Forbidden`], and those of [`Self::evaluate`].
    pub async fn authorize(&self, principal: &Principal, permission: Permission, target: Target<'_>) -> Result<()> {
        let (noted, answer) = match self.find_target(principal, target).await {
            Ok(found) => (
                (found.organization, found.project),
                found.standing.require(permission).map_err(Error::from),
            ),
            Err(error) => (own_project(principal), Err(error)),
        };
        let Err(error) = answer else { return Ok(()) };
        self.change(principal, permission.name(), |change| {
            Box::pin(async move {
                (change.record.organization, change.record.project) = noted;
                Err(error)
            })
        })
        .await
    }

    async fn find_target(&self, principal: &Principal, target: Target<'_>) -> Result<Found> {
        match target {
            Target::Organization(slug) => {
                let seen = find_organization(&self.pool, slug, principal).await?;
                Ok(Found {
                    standing: PrincipalStanding::Person(seen.standing),
                    // What others try is the operator's to read (A4).
                    organization: seen.standing.organization.map(|_| seen.id),
                    project: None,
                })
            }
            Target::Project(project) => {
                let mut db = self.pool.acquire().await?;
                let context = find_project_context(&mut db, principal, project).await?;
                let ids = Some((context.organization, context.project.id)).filter(|_| context.is_visible());
                let (organization, project) = ids.unzip();
                Ok(Found {
                    standing: context.standing,
                    organization,
                    project,
                })
            }
        }
    }
}

/// Where the audit has it that a target was not found: in the one project that the principal knows.
const fn own_project(principal: &Principal) -> (Option<OrganizationId>, Option<ProjectId>) {
    match principal.identity {
        Identity::ApiKey(key) => (Some(key.organization), Some(key.project)),
        Identity::User { .. } | Identity::Meter(_) | Identity::Anonymous | Identity::Operator => (None, None),
    }
}
