//! What can go wrong with a request, as the browser and the console's own pages see it: closed codes, never text.

use policy::{Field, Refusal, UserId};
use serde::{Deserialize, Serialize};

/// Why there is no answer, or none as hoped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// The rules say no.
    Refused(Refusal),
    /// The database cannot be asked now (E6).
    Unavailable,
    /// More passwords wait to be checked than there is room for (J9).
    Busy,
    /// A fault of ours.
    Internal,
    /// The server cannot be reached from the browser.
    Unreachable,
}

impl Problem {
    /// The HTTP status it answers with.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Refused(refusal) => refusal.status(),
            Self::Unavailable | Self::Busy | Self::Unreachable => 503,
            Self::Internal => 500,
        }
    }

    /// After how many seconds trying again may work, where that is known.
    #[must_use]
    pub const fn retry_after(self) -> Option<u32> {
        match self {
            Self::Refused(refusal) => refusal.retry_after(),
            // The queue is through in less than one.
            Self::Busy => Some(1),
            Self::Unavailable | Self::Internal | Self::Unreachable => None,
        }
    }

    /// The field it is about, so that it is shown beside it (N3).
    #[must_use]
    pub const fn field(self) -> Option<Field> {
        match self {
            Self::Refused(refusal) => refusal.field(),
            Self::Unavailable | Self::Busy | Self::Internal | Self::Unreachable => None,
        }
    }

    /// The person about whose keys a choice is missing (K11): a dialog asks for it.
    pub(crate) const fn undecided_keys_of(self) -> Option<UserId> {
        match self {
            Self::Refused(Refusal::ManageKeysDecide(user)) => Some(user),
            Self::Refused(_) | Self::Unavailable | Self::Busy | Self::Internal | Self::Unreachable => None,
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
