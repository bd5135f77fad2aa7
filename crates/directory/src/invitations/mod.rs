//! Invitations to an organization (M2 to M5, M7, O2): sending, sending again, revoking, accepting.
//!
//! Owns the states of an invitation and of its mail; the files below own the use cases. It must not know who may
//! invite.
//!
//! An invitation is open, accepted or revoked; an open one is pending until it expires. Its links are secrets, stored
//! as hashes. One is returned to the person who invites, to be copied; each mail gets a link of its own when it is sent
//! (see [`crate::outbox`]).

mod accept;
mod list;
mod send;

pub use accept::{Joined, Opened};
pub use list::{Invitation, InvitationList, InvitationQuery};
pub use send::NewInvitation;

use std::str::FromStr;

use policy::Refusal;

/// The state of an invitation (M3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvitationState {
    /// It can be accepted.
    Pending,
    /// It expired.
    Expired,
    /// It was accepted.
    Accepted,
    /// It was revoked.
    Revoked,
}

/// The delivery state of the mail with an invitation's link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// No mail is sent, since there is no mail server.
    None,
    /// It waits to be sent.
    Waiting,
    /// The mail server has not accepted it so far; it is tried again.
    Retrying,
    /// The mail server accepted it.
    Sent,
    /// The mail server did not accept it for days, and it is given up.
    Failed,
}

impl InvitationState {
    const ALL: [Self; 4] = [Self::Pending, Self::Expired, Self::Accepted, Self::Revoked];

    /// Returns its name in URLs.
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
