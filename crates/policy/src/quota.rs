//! Quotas (J12): the limits on how many of something may exist.
//!
//! Owns the list of quotas and their defaults. It must not know how anything is counted.

use serde::{Deserialize, Serialize};

/// What a quota limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quota {
    /// Projects of an organization.
    Projects,
    /// Valid API keys of a project.
    ApiKeys,
    /// Invitations of an organization that can be accepted.
    Invitations,
    /// Resources of a project.
    Resources,
    /// Records of usage that a project's keys report within a minute.
    UsageRecords,
    /// Event streams that one person has open on one server.
    Streams,
    /// Event streams about one organization and its projects that are open on one server.
    OrganizationStreams,
}

impl Quota {
    /// Returns after how many seconds there may be room again; `None` if somebody has to remove something first.
    #[must_use]
    pub const fn retry_after(self) -> Option<u32> {
        match self {
            Self::UsageRecords | Self::Streams | Self::OrganizationStreams => Some(60),
            Self::Projects | Self::ApiKeys | Self::Invitations | Self::Resources => None,
        }
    }
}

/// The limit of each quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Projects of an organization.
    pub projects: u32,
    /// Valid API keys of a project.
    pub api_keys: u32,
    /// Invitations of an organization that can be accepted.
    pub invitations: u32,
    /// Resources of a project.
    pub resources: u32,
    /// Records of usage that a project's keys report within a minute.
    pub usage_records: u32,
    /// Event streams that one person has open on one server.
    pub streams: u32,
    /// Event streams about one organization and its projects that are open on one server.
    pub organization_streams: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            projects: 200,
            api_keys: 500,
            invitations: 500,
            resources: 10_000,
            usage_records: 60_000,
            streams: 32,
            organization_streams: 2_000,
        }
    }
}

impl Quotas {
    /// Returns the limit of a quota.
    #[must_use]
    pub const fn limit(&self, quota: Quota) -> u32 {
        match quota {
            Quota::Projects => self.projects,
            Quota::ApiKeys => self.api_keys,
            Quota::Invitations => self.invitations,
            Quota::Resources => self.resources,
            Quota::UsageRecords => self.usage_records,
            Quota::Streams => self.streams,
            Quota::OrganizationStreams => self.organization_streams,
        }
    }
}
