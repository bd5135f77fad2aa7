//! The reasons for which a person has access to a project, and which of them counts.
//!
//! Owns their order. It must not know where reasons are found, nor what a role permits.

use std::{cmp::Ordering, str::FromStr};

use crate::{Because, ProjectRole, ProjectStanding};

/// One way in which a person has access to a project, and the role that it gives them. A person can have several (C1,
/// R3).
///
/// Reasons are ordered by which of them counts, the least first: member in the Default Project, group Member, direct
/// Member, group Admin, direct Admin, organization Admin. Groups are not built yet; the order names their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reason {
    /// The way.
    pub because: Because,
    /// The role that it gives.
    pub role: ProjectRole,
}

impl Reason {
    /// Returns what a person with these reasons is to the project: the role and the reason that count; `None` without a
    /// reason.
    #[must_use]
    pub fn standing(reasons: &[Self]) -> Option<ProjectStanding> {
        reasons
            .iter()
            .max()
            .map(|&Self { because, role }| ProjectStanding { role, because })
    }

    /// Returns the rank, the least first. No two reasons have the same. The role is compared first, so that the reason
    /// that counts gives the highest role of all.
    const fn rank(self) -> u8 {
        match (self.role, self.because) {
            (ProjectRole::Admin, Because::OrganizationAdmin) => 7,
            (ProjectRole::Admin, Because::Added) => 6,
            (ProjectRole::Admin, Because::External) => 5,
            // A role given in the Default Project, to which everybody has access by membership, is as direct as one
            // given by adding a person.
            (ProjectRole::Admin, Because::OrganizationMember) => 4,
            // An organization Admin never has a lower role. The rank keeps the order total.
            (ProjectRole::Member, Because::OrganizationAdmin) => 3,
            (ProjectRole::Member, Because::Added) => 2,
            (ProjectRole::Member, Because::External) => 1,
            (ProjectRole::Member, Because::OrganizationMember) => 0,
        }
    }
}

impl Ord for Reason {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Reason {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Parses the form that the directory writes: `because:role`.
impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (because, role) = text.split_once(':').ok_or(UnknownReason)?;
        Ok(Self {
            because: because.parse()?,
            role: role.parse().map_err(|_| UnknownReason)?,
        })
    }
}

impl FromStr for Because {
    type Err = UnknownReason;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|because| because.code() == text)
            .ok_or(UnknownReason)
    }
}

/// The error for a text that is no reason for access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no reason for access is written so")]
pub struct UnknownReason;
