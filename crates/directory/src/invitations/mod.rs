//! Invitations to an organization (M2 to M5, M7, O2): sent, sent again, revoked, accepted.
//!
//! An invitation is open, accepted or revoked; an open one is pending until it lapses. Its links are secrets, kept as
//! hashes: one is answered to whoever invites, to be copied; each mail gets one of its own when it is sent (see
//! [`crate::outbox`]).

mod accept;
mod list;
mod send;

pub use accept::{Joined, Opened};
pub use list::{Invitation, InvitationList, InvitationQuery};
pub use send::NewInvitation;
pub(crate) use send::revoke_of;

use std::str::FromStr;

use policy::Refusal;

/// What has become of an invitation (M3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvitationState {
    /// It can be accepted.
    Pending,
    /// It lapsed.
    Expired,
    /// It was accepted.
    Accepted,
    /// It was revoked.
    Revoked,
}

/// What has become of the mail with an invitation's link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// None was wanted: there is no mail server.
    None,
    /// It waits to be sent.
    Waiting,
    /// The mail server did not take it so far; it is tried again.
    Retrying,
    /// The mail server took it.
    Sent,
    /// The mail server would not take it, for days.
    Failed,
}

impl InvitationState {
    const ALL: [Self; 4] = [Self::Pending, Self::Expired, Self::Accepted, Self::Revoked];

    /// As in URLs.
    const fn code(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Expired => "expired",
            Self::Accepted => "accepted",
            Self::Revoked => "revoked",
        }
    }
}

impl FromStr for InvitationState {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        Self::ALL
            .into_iter()
            .find(|state| state.code() == text)
            .ok_or(Refusal::Malformed)
    }
}
