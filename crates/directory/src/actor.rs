//! Who asks, and from where.

use policy::{SessionId, UserId};

/// Where a request came from; goes into the audit (A1).
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The client's address.
    pub address: String,
    /// The request's id.
    pub request_id: String,
    /// What the browser calls itself.
    pub user_agent: String,
}

/// A person who proved who they are, with the request they make.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The person.
    pub user: UserId,
    /// The session they proved it by.
    pub session: SessionId,
    /// Where the request came from.
    pub origin: Origin,
}
