//! What a person is to an organization and to one of its projects: everything that a decision needs, and nothing else.
//!
//! Owns these types. It must not know permissions.

use serde::{Deserialize, Serialize};

use crate::{OrganizationRole, ProjectRole};

/// The membership of a person in an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganizationStanding {
    /// The one member who owns the organization, and is always an Admin (W1).
    Owner,
    /// A member with this role (M1).
    Member(OrganizationRole),
}

impl OrganizationStanding {
    /// Returns the role it includes.
    #[must_use]
    pub const fn role(self) -> OrganizationRole {
        match self {
            Self::Owner => OrganizationRole::Admin,
            Self::Member(role) => role,
        }
    }

    /// Returns whether the person owns the organization (W1).
    #[must_use]
    pub const fn is_owner(self) -> bool {
        matches!(self, Self::Owner)
    }

    /// Returns whether the person is an Admin of every project (C4).
    #[must_use]
    pub const fn is_admin(self) -> bool {
        matches!(self.role(), OrganizationRole::Admin)
    }
}

/// Why a person has access to a project (C1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// They are an Admin of the organization, and so of every project (C4).
    OrganizationAdmin,
    /// They are a member, and so have access to the Default Project (D2).
    OrganizationMember,
    /// They are a member of the organization and were added to the project (C2).
    Added,
    /// They are outside the organization and were added to the project (X2).
    External,
}

impl Because {
    /// All reasons.
    pub const ALL: [Self; 4] = [
        Self::OrganizationAdmin,
        Self::OrganizationMember,
        Self::Added,
        Self::External,
    ];

    /// Returns its code, as the directory writes it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::OrganizationAdmin => "organization_admin",
            Self::OrganizationMember => "organization_member",
            Self::Added => "added",
            Self::External => "external",
        }
    }
}

/// The access of a person to a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProjectStanding {
    /// The role that counts.
    pub role: ProjectRole,
    /// Why they have it.
    pub because: Because,
}

impl ProjectStanding {
    /// Returns whether it permits managing the project and its people.
    #[must_use]
    pub const fn is_admin(self) -> bool {
        matches!(self.role, ProjectRole::Admin)
    }
}

/// What a person is to an organization and one of its projects. The default is no membership and no access.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Standing {
    /// Their membership; `None` for an External Collaborator or a person without access.
    pub organization: Option<OrganizationStanding>,
    /// Their access to the project; `None` without access.
    pub project: Option<ProjectStanding>,
}
