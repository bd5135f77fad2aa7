//! Who asks, by which credential, and from where.
//!
//! Owns every kind of principal: a signed-in person, a program with an API key, a meter, somebody not signed in, the
//! operator. It must not know what a principal may do.

use policy::{ApiKeyId, KeyScope, MeterTokenId, OrganizationId, ProjectId, Refusal, SessionId, UserId};
use uuid::Uuid;

use crate::{DeviceToken, SessionToken, Token};

/// Where a request came from, for the audit (A1).
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The client's address.
    pub address: String,
    /// The request's id.
    pub request_id: String,
    /// The `User-Agent` that the browser sent.
    pub user_agent: String,
    /// The token that identifies a browser which signed in before (J8).
    pub device: Option<DeviceToken>,
    /// The session that the browser is signed in with; signing in again ends it (J7).
    pub session: Option<SessionId>,
}

/// Who asks, identified by a valid credential, and where the request came from. Every use case takes one. What a
/// principal may do is decided by the use case, never here.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Who asks.
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
    /// A meter of the operator, by its token (E9).
    Meter(MeterTokenId),
    /// Somebody who presented no credential.
    Anonymous,
    /// The operator of the installation, at the command line.
    Operator,
}

/// A valid API key, as it was found when it was authenticated (K1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiKeyIdentity {
    /// The key.
    pub key: ApiKeyId,
    /// The organization of its project.
    pub organization: OrganizationId,
    /// The only project it gives access to.
    pub project: ProjectId,
    /// Its scope: what it may do there (K11).
    pub reach: KeyScope,
}

impl Principal {
    /// Returns a person with a session.
    #[must_use]
    pub const fn signed_in(user: UserId, session: SessionId, origin: Origin) -> Self {
        Self {
            identity: Identity::User { user, session },
            origin,
        }
    }

    /// Returns somebody who presented no credential, or whose credential doesn't matter to the request: signing up,
    /// signing in or following a link.
    #[must_use]
    pub const fn anonymous(origin: Origin) -> Self {
        Self {
            identity: Identity::Anonymous,
            origin,
        }
    }

    /// Returns the operator of the installation.
    #[must_use]
    pub fn operator() -> Self {
        Self {
            identity: Identity::Operator,
            origin: Origin::default(),
        }
    }

    /// Returns the person.
    ///
    /// # Errors
    /// [`Refusal::SignedOut`] if the principal isn't a person.
    pub const fn user(&self) -> Result<UserId, Refusal> {
        if let Identity::User { user, .. } = self.identity {
            Ok(user)
        } else {
            Err(Refusal::SignedOut)
        }
    }

    /// Returns the session that a person is signed in with.
    ///
    /// # Errors
    /// [`Refusal::SignedOut`] if the principal isn't a person with a session.
    pub const fn session(&self) -> Result<SessionId, Refusal> {
        if let Identity::User { session, .. } = self.identity {
            Ok(session)
        } else {
            Err(Refusal::SignedOut)
        }
    }

    /// Returns the API key.
    ///
    /// # Errors
    /// [`Refusal::KeyInvalid`] if the principal isn't an API key.
    pub const fn api_key(&self) -> Result<ApiKeyIdentity, Refusal> {
        if let Identity::ApiKey(key) = self.identity {
            Ok(key)
        } else {
            Err(Refusal::KeyInvalid)
        }
    }

    /// Returns the meter's token.
    ///
    /// # Errors
    /// [`Refusal::MeterUnknown`] if the principal isn't a meter.
    pub const fn meter(&self) -> Result<MeterTokenId, Refusal> {
        if let Identity::Meter(meter) = self.identity {
            Ok(meter)
        } else {
            Err(Refusal::MeterUnknown)
        }
    }

    /// Checks that the principal is the operator.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] for any other principal: for them the use case doesn't exist.
    pub(crate) fn require_operator(&self) -> Result<(), Refusal> {
        if self.identity == Identity::Operator {
            Ok(())
        } else {
            Err(Refusal::Hidden)
        }
    }

    /// Returns the author of a change, as the audit names it.
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

/// The author of a change, as the audit names it.
pub(crate) struct Author<'a> {
    pub(crate) kind: &'static str,
    pub(crate) id: Option<Uuid>,
    pub(crate) credential: String,
    pub(crate) address: &'a str,
    pub(crate) request_id: &'a str,
}

/// The credential of a gateway's client as it was sent, before it is checked.
#[derive(Clone, Debug)]
pub enum Credential {
    /// The API key of a program (K1).
    ApiKey(Token),
    /// The session of a person.
    Session(SessionToken),
}

/// A gateway's client, identified by a valid credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A person.
    User(UserId),
    /// An API key.
    ApiKey(ApiKeyId),
}

impl Subject {
    /// Returns its kind, as a stable name for programs.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::ApiKey(_) => "api_key",
        }
    }

    /// Returns its id.
    #[must_use]
    pub const fn id(self) -> Uuid {
        match self {
            Self::User(id) => id.0,
            Self::ApiKey(id) => id.0,
        }
    }
}
