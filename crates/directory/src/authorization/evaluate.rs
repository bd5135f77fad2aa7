//! Evaluates whether a principal may do something to a target, outside of a change.
//!
//! Owns that answer, and checking a permission before the content of a request is parsed, so that a principal without
//! the permission learns nothing about what it sent. Inside a change the use case checks, with the target locked. It
//! must not know how a request arrived.

use policy::{Decision, OrganizationId, Permission, PrincipalStanding, ProjectId, Slug};

use super::{
    lookup::{find_organization, find_project_context},
    principal::{Identity, Principal},
    target::ProjectRef,
};
use crate::{Directory, Error, Result};

/// The target that a permission is checked for.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// An organization, by its slug.
    Organization(&'a Slug),
    /// A project.
    Project(&'a ProjectRef),
}

/// A target that was found: what the principal is to it, and where a refusal is audited.
struct Found {
    standing: PrincipalStanding,
    organization: Option<OrganizationId>,
    project: Option<ProjectId>,
}

impl Directory {
    /// Returns whether a principal may do something to a target, and why. The policy decides, from the principal's
    /// present standing to the target.
    ///
    /// # Errors
    /// [`policy::Refusal::Hidden`] if there is no such target; for a key [`policy::Refusal::KeyRevoked`],
    /// [`policy::Refusal::KeyExpired`], [`policy::Refusal::KeyInvalid`]; [`policy::Refusal::SignedOut`] for a kind of
    /// principal that has no standing to any target.
    pub async fn evaluate(
        &self,
        principal: &Principal,
        permission: Permission,
        target: Target<'_>,
    ) -> Result<Decision> {
        Ok(self.find_target(principal, target).await?.standing.decide(permission))
    }

    /// Checks that a principal may do something to a target, before the content of the request is parsed, so that an
    /// error in the content tells nothing to a principal without the permission (P3, R2). A refusal is audited like one
    /// of the change itself, which checks again under its lock.
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
                    // Attempts by people who are no members are shown to the operator only, so they name no
                    // organization (A4).
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

/// Returns the organization and project that the audit names when a target was not found: those of an API key, which
/// knows only its own project.
const fn own_project(principal: &Principal) -> (Option<OrganizationId>, Option<ProjectId>) {
    match principal.identity {
        Identity::ApiKey(key) => (Some(key.organization), Some(key.project)),
        Identity::User { .. } | Identity::Meter(_) | Identity::Anonymous | Identity::Operator => (None, None),
    }
}
