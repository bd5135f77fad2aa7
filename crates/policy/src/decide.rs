//! The decision: from a standing and a permission to an answer with its reason.
//!
//! Owns the decision and its reasons. It must not know where a standing comes from.

use crate::{
    Because, Grant, KeyScope, OrganizationRole, OrganizationStanding, Permission, Permit, ProjectRole, Refusal, Scope,
    Standing,
};

/// Whether a permission is given, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is allowed, for this reason.
    Allowed(Allowance),
    /// It is denied, for this reason.
    Denied(Denial),
}

/// The reason why a permission is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// Their membership of the organization.
    Organization(OrganizationStanding),
    /// Their role in the project, and why they have it.
    Project(ProjectRole, Because),
    /// The scope of an API key (K11).
    Key(KeyScope),
}

/// The reason why a permission is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// They have no access: for them, the target does not exist (P3, R2).
    Hidden,
    /// They have access, but their role does not permit this (R2).
    Role,
    /// The key's scope does not permit this (K11).
    KeyScope,
    /// No key may do this (K9).
    NotForKeys,
}

impl Allowance {
    /// Returns its stable code, for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Organization(_) => "organization_role",
            Self::Project(_, because) => because.code(),
            Self::Key(_) => "key_reach",
        }
    }

    /// Returns the code of the role, or of the scope, that allows it.
    #[must_use]
    pub const fn role_code(self) -> &'static str {
        match self {
            Self::Organization(place) => place.role().code(),
            Self::Project(role, _) => role.code(),
            Self::Key(reach) => reach.code(),
        }
    }
}

impl Denial {
    /// Returns its stable code, for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Hidden => "no_access",
            Self::Role => "role",
            Self::KeyScope => "reach",
            Self::NotForKeys => "not_for_keys",
        }
    }
}

/// Decides by the table of permissions (R1). The default is to deny: without a standing there is no permission.
#[must_use]
pub const fn decide(standing: &Standing, permission: Permission) -> Decision {
    match permission.scope() {
        Scope::Organization => match standing.organization {
            None => Decision::Denied(Denial::Hidden),
            Some(place) => match (permission.grant(), place.role()) {
                (Grant::Everyone, _) | (Grant::Admins, OrganizationRole::Admin) => {
                    Decision::Allowed(Allowance::Organization(place))
                }
                (Grant::Admins, OrganizationRole::Member) => Decision::Denied(Denial::Role),
            },
        },
        Scope::Project => match standing.project {
            None => Decision::Denied(Denial::Hidden),
            Some(place) => match (permission.grant(), place.role) {
                (Grant::Everyone, _) | (Grant::Admins, ProjectRole::Admin) => {
                    Decision::Allowed(Allowance::Project(place.role, place.because))
                }
                (Grant::Admins, ProjectRole::Member) => Decision::Denied(Denial::Role),
            },
        },
    }
}

impl Decision {
    /// Returns whether it is allowed.
    #[must_use]
    pub const fn is_allowed(self) -> bool {
        matches!(self, Self::Allowed(_))
    }

    /// Checks that it is allowed. `permission` is the one that was decided about, for the refusal.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] without access, [`Refusal::Forbidden`] if the role or the scope does not permit it (R2, K9).
    pub const fn require(self, permission: Permission) -> Result<Permit, Refusal> {
        match self {
            Self::Allowed(_) => Ok(Permit::issue()),
            Self::Denied(Denial::Hidden) => Err(Refusal::Hidden),
            Self::Denied(Denial::Role | Denial::KeyScope | Denial::NotForKeys) => Err(Refusal::Forbidden(permission)),
        }
    }
}

impl Standing {
    /// Returns whether this standing permits it; for deciding what to show.
    #[must_use]
    pub const fn may(&self, permission: Permission) -> bool {
        decide(self, permission).is_allowed()
    }

    /// Checks that this standing permits it; for deciding what to do.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] without access, [`Refusal::Forbidden`] if the role does not permit it (R2).
    pub const fn require(&self, permission: Permission) -> Result<Permit, Refusal> {
        decide(self, permission).require(permission)
    }

    /// Checks that a membership of the organization permits something about this one of its projects. A person without
    /// access to the project is told that there is none (P3); an External Collaborator, who has access, is told that it
    /// is forbidden.
    ///
    /// # Errors
    /// [`Refusal::Hidden`], [`Refusal::Forbidden`].
    pub const fn require_on_project(&self, permission: Permission) -> Result<Permit, Refusal> {
        match (self.may(Permission::ProjectRead), self.may(permission)) {
            (false, _) => Err(Refusal::Hidden),
            (true, false) => Err(Refusal::Forbidden(permission)),
            (true, true) => Ok(Permit::issue()),
        }
    }
}
