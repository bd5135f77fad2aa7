//! Who asks, and from where.

use policy::{ApiKeyId, KeyScope, MeterTokenId, OrganizationId, ProjectId, SessionId, UserId};

use crate::DeviceToken;

/// Where a request came from; goes into the audit (A1).
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The client's address.
    pub address: String,
    /// The request's id.
    pub request_id: String,
    /// What the browser calls itself.
    pub user_agent: String,
    /// What the browser is known by, if it signed in before (J8).
    pub device: Option<DeviceToken>,
    /// The session that the browser is signed in by; signing in again ends it (J7).
    pub session: Option<SessionId>,
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

/// A program that showed an API key which opens something now, with the request it makes (K1).
#[derive(Clone, Debug)]
pub struct KeyActor {
    /// The key.
    pub key: ApiKeyId,
    /// The organization of its project.
    pub organization: OrganizationId,
    /// The one project it reaches.
    pub project: ProjectId,
    /// What it may do there (K11).
    pub reach: KeyScope,
    /// Where the request came from.
    pub origin: Origin,
}

/// A meter of the operator's that showed its token, with the request it makes (E9).
#[derive(Clone, Debug)]
pub struct MeterActor {
    /// The token.
    pub meter: MeterTokenId,
    /// Where the request came from.
    pub origin: Origin,
}

/// Whoever works with resources: a person or a program.
#[derive(Clone, Copy, Debug)]
pub enum Agent<'a> {
    /// A signed-in person.
    Person(&'a Actor),
    /// A program with an API key.
    Key(&'a KeyActor),
}
