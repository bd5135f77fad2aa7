//! The states of a resource: their codes, and which may be set.
//!
//! Owns this closed list. It must not know kinds or fields.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Unknown;

/// The state of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceState {
    /// It is being created.
    Creating,
    /// It is queued.
    Queued,
    /// It is running.
    Running,
    /// It is ready for use.
    Ready,
    /// It was stopped, and can be started.
    Stopped,
    /// It has completed.
    Completed,
    /// It has failed.
    Failed,
}

impl ResourceState {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Creating,
        Self::Queued,
        Self::Running,
        Self::Ready,
        Self::Stopped,
        Self::Completed,
        Self::Failed,
    ];

    /// Returns its code, as stored and as in REST.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Ready => "ready",
            Self::Stopped => "stopped",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// Returns its label, for people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Queued => "Queued",
            Self::Running => "Running",
            Self::Ready => "Ready",
            Self::Stopped => "Stopped",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
        }
    }
}

impl FromStr for ResourceState {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL.into_iter().find(|state| state.code() == text).ok_or(Unknown)
    }
}
