//! Ids as types of their own, so that one kind can't be passed in place of another.
//!
//! Owns these types. It must not know how an id is generated.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text).map(Self)
            }
        }
    )*};
}

impl UserId {
    /// An id that no account has or will have.
    pub const NOBODY: Self = Self(Uuid::nil());
}

id! {
    /// A person with an account.
    UserId,
    /// An organization.
    OrganizationId,
    /// A project. The id is permanent, unlike its slug (P2).
    ProjectId,
    /// A session of a signed-in person. The id is not its secret.
    SessionId,
    /// An invitation to an organization.
    InvitationId,
    /// An SSH public key of a person.
    SshKeyId,
    /// An API key of a project.
    ApiKeyId,
    /// A resource of a project.
    ResourceId,
    /// A record of usage. Its reporter chooses the id.
    UsageRecordId,
    /// A gateway token of the operator.
    GatewayTokenId,
    /// A meter token of the operator.
    MeterTokenId,
    /// A row of the audit (A1).
    EventId,
}
