//! The table of permissions (RULES R), as data in one place (R1).
//!
//! Owns every permission's name, scope, and which roles have it. Screens, server functions, gateways and the printed
//! tables all read it from here.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::ResourceKind;

/// The target of a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The organization: decided by the organization role.
    Organization,
    /// One project: decided by the project role.
    Project,
}

/// The roles of its scope that have a permission. Admins have every one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// Admins and Members.
    Everyone,
    /// Only Admins.
    Admins,
}

macro_rules! permissions {
    ($($scope:ident { $($variant:ident $name:literal $grant:ident $label:literal),* $(,)? })*) => {
        /// What a person or a key may or may not do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum Permission {$($(
            #[doc = $label]
            $variant,
        )*)*}

        impl Permission {
            /// All permissions, in the order of the printed tables.
            pub const ALL: &[Self] = &[$($(Self::$variant,)*)*];

            /// Returns its stable name, `{thing}:{verb}` (INTERFACES, permission names).
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {$($(Self::$variant => $name,)*)*}
            }

            /// Returns what it permits, for people.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self {$($(Self::$variant => $label,)*)*}
            }

            /// Returns whether the organization role or the project role decides it.
            #[must_use]
            pub const fn scope(self) -> Scope {
                match self {$($(Self::$variant => Scope::$scope,)*)*}
            }

            /// Returns which roles have it.
            #[must_use]
            pub const fn grant(self) -> Grant {
                match self {$($(Self::$variant => Grant::$grant,)*)*}
            }
        }
    };
}

permissions! {
    Organization {
        OrganizationRead "organization:read" Everyone "Read the organization's settings",
        OrganizationUpdate "organization:update" Admins "Change the organization's settings",
        BillingRead "billing:read" Everyone "Read billing",
        BillingUpdate "billing:update" Admins "Change billing",
        ProjectList "project:list" Everyone "List the organization's projects",
        ProjectCreate "project:create" Admins "Create projects",
        ProjectDelete "project:delete" Admins "Delete projects",
        MemberList "member:list" Everyone "List members",
        MemberInvite "member:invite" Admins "Invite members",
        MemberRemove "member:remove" Admins "Remove members",
        MemberUpdateRole "member:update_role" Admins "Change members' roles",
    }
    Project {
        ProjectRead "project:read" Everyone "Read the project's settings",
        ProjectUpdate "project:update" Admins "Change the project's settings",
        UsageRead "usage:read" Everyone "See usage and cost",
        AuditRead "audit:read" Admins "Read the project's audit",
        ApiKeyList "api_key:list" Everyone "List API keys",
        ApiKeyCreate "api_key:create" Everyone "Create API keys",
        ApiKeyRevoke "api_key:revoke" Everyone "Revoke API keys",
        CollaboratorList "collaborator:list" Everyone "List collaborators",
        CollaboratorAdd "collaborator:add" Admins "Add collaborators",
        CollaboratorRemove "collaborator:remove" Admins "Remove collaborators",
        CollaboratorUpdateRole "collaborator:update_role" Admins "Change collaborators' roles",
        ClusterView "cluster:view" Everyone "View clusters",
        ClusterUse "cluster:use" Everyone "Use clusters: kubectl, Slurm, dashboard",
        ClusterSsh "cluster:ssh" Everyone "Log in to clusters' nodes over SSH",
        ClusterCreate "cluster:create" Admins "Create clusters",
        ClusterScale "cluster:scale" Admins "Scale clusters",
        ClusterConfigure "cluster:configure" Admins "Configure clusters",
        ClusterDelete "cluster:delete" Admins "Delete clusters",
        VolumeView "volume:view" Everyone "View volumes",
        VolumeRead "volume:read" Everyone "Read from volumes",
        VolumeWrite "volume:write" Everyone "Write to volumes",
        VolumeCreate "volume:create" Admins "Create volumes",
        VolumeResize "volume:resize" Admins "Resize volumes",
        VolumeDelete "volume:delete" Admins "Delete volumes",
        ModelView "model:view" Everyone "View fine-tuned models",
        ModelUse "model:use" Everyone "Use fine-tuned models",
        ModelCreate "model:create" Everyone "Create fine-tuned models",
        ModelDelete "model:delete" Everyone "Delete fine-tuned models",
        EndpointView "endpoint:view" Everyone "View dedicated endpoints",
        EndpointUse "endpoint:use" Everyone "Use dedicated endpoints",
        EndpointCreate "endpoint:create" Everyone "Create dedicated endpoints",
        EndpointDelete "endpoint:delete" Everyone "Delete dedicated endpoints",
        EvaluationView "evaluation:view" Everyone "View evaluations",
        EvaluationUse "evaluation:use" Everyone "Use evaluations",
        EvaluationCreate "evaluation:create" Everyone "Create evaluations",
        EvaluationDelete "evaluation:delete" Everyone "Delete evaluations",
        FileView "file:view" Everyone "View files",
        FileUse "file:use" Everyone "Use files",
        FileCreate "file:create" Everyone "Create files",
        FileDelete "file:delete" Everyone "Delete files",
    }
}

impl Permission {
    /// Returns the kind of resource it is about; `None` if it isn't about resources.
    #[must_use]
    pub fn resource_kind(self) -> Option<ResourceKind> {
        self.name().split_once(':')?.0.parse().ok()
    }

    /// Returns who can give it to a person who lacks it, for people: the end of a refusal's text (R2).
    #[must_use]
    pub const fn granted_by(self) -> &'static str {
        match self.scope() {
            Scope::Organization => "an Admin of the organization",
            Scope::Project => "an Admin of the project",
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The error for a text that is no permission's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no permission has this name")]
pub struct UnknownPermission;

impl FromStr for Permission {
    type Err = UnknownPermission;

    fn from_str(text: &str) -> Result<Self, UnknownPermission> {
        Self::ALL
            .iter()
            .copied()
            .find(|permission| permission.name() == text)
            .ok_or(UnknownPermission)
    }
}

impl TryFrom<String> for Permission {
    type Error = UnknownPermission;

    fn try_from(text: String) -> Result<Self, UnknownPermission> {
        text.parse()
    }
}

impl From<Permission> for String {
    fn from(permission: Permission) -> Self {
        permission.name().to_owned()
    }
}
