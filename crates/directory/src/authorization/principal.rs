//! Who asks, by which credential, and from where.
//!
//! Owns every kind of caller: a signed-in person, a program with an API key, a meter, somebody not signed in, the
//! operator. It must not know what a caller may do.

use policy::{ApiKeyId, KeyScope, MeterTokenId, OrganizationId, ProjectId, SessionId, UserId};
use uuid::Uuid;

use crate::{DeviceToken, SessionToken, Token};

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

/// Whoever looks at resources, and changes nothing.
#[derive(Clone, Copy, Debug)]
pub enum Viewer<'a> {
    /// A person.
    Person(UserId),
    /// A program with an API key.
    Key(&'a KeyActor),
}

impl<'a> From<Agent<'a>> for Viewer<'a> {
    fn from(agent: Agent<'a>) -> Self {
        match agent {
            Agent::Person(actor) => Self::Person(actor.user),
            Agent::Key(actor) => Self::Key(actor),
        }
    }
}

/// Who makes a change.
#[derive(Clone, Copy)]
pub(crate) enum By<'a> {
    /// A signed-in person.
    User(&'a Actor),
    /// A program with an API key.
    Key(&'a KeyActor),
    /// A meter of the operator's (E9).
    Meter(&'a MeterActor),
    /// Somebody not signed in: signing up, signing in.
    Nobody(&'a Origin),
    /// The person who runs the installation, at the command line.
    Operator,
}

impl<'a> From<Agent<'a>> for By<'a> {
    fn from(agent: Agent<'a>) -> Self {
        match agent {
            Agent::Person(actor) => Self::User(actor),
            Agent::Key(actor) => Self::Key(actor),
        }
    }
}

/// Who makes a change, as the audit has it.
pub(crate) struct Author<'a> {
    pub(crate) kind: &'static str,
    pub(crate) id: Option<Uuid>,
    pub(crate) credential: String,
    pub(crate) address: &'a str,
    pub(crate) request_id: &'a str,
}

impl By<'_> {
    pub(crate) fn author(&self) -> Author<'_> {
        let (kind, id, credential, origin) = match self {
            Self::User(actor) => (
                "user",
                Some(actor.user.0),
                format!("session {}", actor.session),
                Some(&actor.origin),
            ),
            Self::Key(actor) => ("api_key", None, format!("api key {}", actor.key), Some(&actor.origin)),
            Self::Meter(actor) => (
                "meter",
                None,
                format!("meter token {}", actor.meter),
                Some(&actor.origin),
            ),
            Self::Nobody(origin) => ("nobody", None, String::new(), Some(*origin)),
            Self::Operator => ("operator", None, "command line".to_owned(), None),
        };
        Author {
            kind,
            id,
            credential,
            address: origin.map_or("", |origin| &origin.address),
            request_id: origin.map_or("", |origin| &origin.request_id),
        }
    }
}

/// The credential of whoever wants to be let through, as it came.
#[derive(Clone, Debug)]
pub enum Caller {
    /// A program, with its API key (K1).
    Key(Token),
    /// A person, with their session.
    Person(SessionToken),
}

/// Who asks to be let through, known by a credential that is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A person.
    User(UserId),
    /// An API key.
    ApiKey(ApiKeyId),
}

impl Subject {
    /// What it is, for programs.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::ApiKey(_) => "api_key",
        }
    }

    /// Its id.
    #[must_use]
    pub const fn id(self) -> Uuid {
        match self {
            Self::User(id) => id.0,
            Self::ApiKey(id) => id.0,
        }
    }
}
