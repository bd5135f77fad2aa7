//! Who asks, by which credential, and from where.
//!
//! Owns every kind of principal: a signed-in person, a program with an API key, a meter, somebody not signed in, the
//! operator. It must not know what a principal may do.

use policy::{ApiKeyId, KeyScope, MeterTokenId, OrganizationId, ProjectId, Refusal, SessionId, UserId};
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

/// Who asks, known by a credential that is good, with the request they make. Every use case takes one; what a principal
/// may do is decided where it is used, never here.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Who.
    pub identity: Identity,
    /// Where the request came from.
    pub origin: Origin,
}

/// Who a principal is, and by which credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A person, by the session they are signed in with.
    User {
        /// The person.
        user: UserId,
        /// The session.
        session: SessionId,
    },
    /// A program, by an API key (K1).
    ApiKey(ApiKeyIdentity),
    /// A meter of the operator's, by its token (E9).
    Meter(MeterTokenId),
    /// Somebody who showed no credential.
    Anonymous,
    /// The person who runs the installation, at the command line.
    Operator,
}

/// An API key that opens something now, as it was found (K1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiKeyIdentity {
    /// The key.
    pub key: ApiKeyId,
    /// The organization of its project.
    pub organization: OrganizationId,
    /// The one project it reaches.
    pub project: ProjectId,
    /// What it may do there (K11).
    pub reach: KeyScope,
}

impl Principal {
    /// A person with a session.
    #[must_use]
    pub const fn signed_in(user: UserId, session: SessionId, origin: Origin) -> Self {
        Self {
            identity: Identity::User { user, session },
            origin,
        }
    }

    /// Somebody who showed no credential, or whose credential isn't what the request is about: whoever signs up, signs
    /// in or follows a link.
    #[must_use]
    pub const fn anonymous(origin: Origin) -> Self {
        Self {
            identity: Identity::Anonymous,
            origin,
        }
    }

    /// The person who runs the installation.
    #[must_use]
    pub fn operator() -> Self {
        Self {
            identity: Identity::Operator,
            origin: Origin::default(),
        }
    }

    /// The person.
    ///
    /// # Errors
    /// [`Refusal::SignedOut`] for whatever isn't one: what is asked for needs a person.
    pub const fn user(&self) -> Result<UserId, Refusal> {
        if let Identity::User { user, .. } = self.identity {
            Ok(user)
        } else {
            Err(Refusal::SignedOut)
        }
    }

    /// The session a person is signed in with.
    ///
    /// # Errors
    /// [`Refusal::SignedOut`] for whatever isn't a person with a session.
    pub const fn session(&self) -> Result<SessionId, Refusal> {
        if let Identity::User { session, .. } = self.identity {
            Ok(session)
        } else {
            Err(Refusal::SignedOut)
        }
    }

    /// The API key.
    ///
    /// # Errors
    /// [`Refusal::KeyInvalid`] for whatever isn't one.
    pub const fn api_key(&self) -> Result<ApiKeyIdentity, Refusal> {
        if let Identity::ApiKey(key) = self.identity {
            Ok(key)
        } else {
            Err(Refusal::KeyInvalid)
        }
    }

    /// The meter's token.
    ///
    /// # Errors
    /// [`Refusal::MeterUnknown`] for whatever isn't one.
    pub const fn meter(&self) -> Result<MeterTokenId, Refusal> {
        if let Identity::Meter(meter) = self.identity {
            Ok(meter)
        } else {
            Err(Refusal::MeterUnknown)
        }
    }

    /// Goes on only for the person who runs the installation.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] for everybody else: to them there is no such use case.
    pub(crate) fn require_operator(&self) -> Result<(), Refusal> {
        if self.identity == Identity::Operator {
            Ok(())
        } else {
            Err(Refusal::Hidden)
        }
    }

    /// As the audit has it.
    pub(crate) fn author(&self) -> Author<'_> {
        let (kind, id, credential) = match self.identity {
            Identity::User { user, session } => ("user", Some(user.0), format!("session {session}")),
            Identity::ApiKey(key) => ("api_key", None, format!("api key {}", key.key)),
            Identity::Meter(meter) => ("meter", None, format!("meter token {meter}")),
            Identity::Anonymous => ("nobody", None, String::new()),
            Identity::Operator => ("operator", None, "command line".to_owned()),
        };
        Author {
            kind,
            id,
            credential,
            address: &self.origin.address,
            request_id: &self.origin.request_id,
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

/// The credential of whoever wants to be let through by a gateway, as it came: not looked at yet.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A program, with its API key (K1).
    ApiKey(Token),
    /// A person, with their session.
    Session(SessionToken),
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
