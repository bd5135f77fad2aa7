//! The decision: a standing and a permission in, an answer with its reason out.

use crate::{
    Because, Grant, KeyScope, OrganizationRole, OrganizationStanding, Permission, Permit, ProjectRole, Refusal, Scope,
    Standing,
};

/// Whether something is allowed, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is, because of this.
    Allowed(Allowance),
    /// It is not, because of this.
    Denied(Denial),
}

/// What allows something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// Their place in the organization.
    Organization(OrganizationStanding),
    /// Their role in the project, and where it comes from.
    Project(ProjectRole, Because),
    /// The reach of an API key (K11).
    Key(KeyScope),
}

/// What denies something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// They have no access: to them, it does not exist (P3, R2).
    Hidden,
    /// They see it but their role does not permit this (R2).
    Role,
    /// The key's reach does not permit this (K11).
    KeyScope,
    /// No key may do this (K9).
    NotForKeys,
}

impl Allowance {
    /// Its stable code, for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Organization(_) => "organization_role",
            Self::Project(_, because) => because.code(),
            Self::Key(_) => "key_reach",
        }
    }

    /// The code of the role, or of the reach, that allows it.
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
    /// Its stable code, for programs.
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

/// Decides by the table of permissions (R1). Deny is the default: no standing, no permission.
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
    /// Whether it is allowed.
    #[must_use]
    pub const fn is_allowed(self) -> bool {
        matches!(self, Self::Allowed(_))
    }

    /// Goes on only if it is: what was decided about this permission, as what is told of it.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] without access, [`Refusal::Forbidden`] where the role or the reach does not permit it (R2,
    /// K9).
    pub const fn require(self, permission: Permission) -> Result<Permit, Refusal> {
        match self {
            Self::Allowed(_) => Ok(Permit::issue()),
            Self::Denied(Denial::Hidden) => Err(Refusal::Hidden),
            Self::Denied(Denial::Role | Denial::KeyScope | Denial::NotForKeys) => Err(Refusal::Forbidden(permission)),
        }
    }
}

impl Standing {
    /// Whether this standing permits it; for what to show.
    #[must_use]
    pub const fn may(&self, permission: Permission) -> bool {
        decide(self, permission).is_allowed()
    }

    /// Goes on only if this standing permits it; for what to do.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] without access, [`Refusal::Forbidden`] where the role does not permit it (R2).
    pub const fn require(&self, permission: Permission) -> Result<Permit, Refusal> {
        decide(self, permission).require(permission)
    }

    /// The same for what a place in the organization permits to do to this one of its projects. Whoever has no access
    /// to the project is told that there is none (P3); an External Collaborator, who sees it, is told no.
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
