//! What somebody is to an organization and to one of its projects: everything a decision needs, and nothing else.

use serde::{Deserialize, Serialize};

use crate::{OrganizationRole, ProjectRole};

/// Somebody's place in an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganizationStanding {
    /// The one member who owns the organization: an Admin for good (W1).
    Owner,
    /// A member with this role (M1).
    Member(OrganizationRole),
}

impl OrganizationStanding {
    /// The role it stands for.
    #[must_use]
    pub const fn role(self) -> OrganizationRole {
        match self {
            Self::Owner => OrganizationRole::Admin,
            Self::Member(role) => role,
        }
    }

    /// Whether its holder owns the organization (W1).
    #[must_use]
    pub const fn is_owner(self) -> bool {
        matches!(self, Self::Owner)
    }

    /// Whether it makes its holder an Admin of every project (C4).
    #[must_use]
    pub const fn is_admin(self) -> bool {
        matches!(self.role(), OrganizationRole::Admin)
    }
}

/// Why somebody has access to a project (C1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// An Admin of the organization is one of every project (C4).
    OrganizationAdmin,
    /// Every member is in the Default Project (D2).
    OrganizationMember,
    /// A member of the organization who was added to the project (C2).
    Added,
    /// Somebody outside the organization who was added to the project (X2).
    External,
}

impl Because {
    /// Each of them.
    pub const ALL: [Self; 4] = [
        Self::OrganizationAdmin,
        Self::OrganizationMember,
        Self::Added,
        Self::External,
    ];

    /// As the directory writes it.
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

/// Somebody's place in a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProjectStanding {
    /// The role that counts.
    pub role: ProjectRole,
    /// Where it comes from.
    pub because: Because,
}

impl ProjectStanding {
    /// Whether it lets its holder manage the project and its people.
    #[must_use]
    pub const fn is_admin(self) -> bool {
        matches!(self.role, ProjectRole::Admin)
    }
}

/// What somebody is to an organization and one of its projects. The default is nothing at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Standing {
    /// Their place in the organization; none for an External Collaborator or a stranger.
    pub organization: Option<OrganizationStanding>,
    /// Their place in the project.
    pub project: Option<ProjectStanding>,
}
