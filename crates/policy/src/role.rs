//! Roles of members and collaborators.
//!
//! Owns their codes and their order. It must not know permissions. Code outside this crate must not compare roles, but
//! call [`decide`](crate::decide()).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

macro_rules! role {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            /// May change things and people.
            Admin,
            /// May use things.
            Member,
        }

        impl $name {
            /// Both, the greater first.
            pub const ALL: [Self; 2] = [Self::Admin, Self::Member];

            /// Returns its code, as stored, and as in URLs.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    Self::Admin => "admin",
                    Self::Member => "member",
                }
            }

            /// Returns whether a change from this role to that one lowers it.
            #[must_use]
            pub const fn is_lowered_to(self, to: Self) -> bool {
                matches!((self, to), (Self::Admin, Self::Member))
            }

            /// Returns the other role, which a menu offers to change to.
            #[must_use]
            pub const fn other(self) -> Self {
                match self {
                    Self::Admin => Self::Member,
                    Self::Member => Self::Admin,
                }
            }
        }

        /// Formats it for people.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    Self::Admin => "Admin",
                    Self::Member => "Member",
                })
            }
        }

        impl FromStr for $name {
            type Err = UnknownRole;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.into_iter().find(|role| role.code() == text).ok_or(UnknownRole)
            }
        }
    };
}

role! {
    /// The role of a member in an organization (M1).
    OrganizationRole
}
role! {
    /// The role of a collaborator in a project (RULES, vocabulary).
    ProjectRole
}

/// The error for a text that is neither `admin` nor `member`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a role is admin or member")]
pub struct UnknownRole;
