//! Logins to a cluster's nodes (E4): as which users of a machine the project's people may log in.
//!
//! Owns the form of a login name and which ones a cluster accepts. It must not know keys or access.

use std::str::FromStr;

/// The name of a machine's user, as sshd reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login(String);

/// The error for a text that can't be the name of a machine's user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a login has 1 to 64 characters: letters, digits and ._@- inside")]
pub struct LoginError;

impl Login {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether a cluster accepts logins of its project's people under this name. A cluster with a login name
    /// accepts only that one; any other accepts every name but `root`, since a role in a project doesn't say who
    /// manages the machine.
    #[must_use]
    pub fn is_served(&self, cluster_login: Option<&str>) -> bool {
        match cluster_login {
            Some(only) => self.0 == only,
            None => self.0 != "root",
        }
    }
}

impl FromStr for Login {
    type Err = LoginError;

    fn from_str(text: &str) -> Result<Self, LoginError> {
        let is_valid = (1..=64).contains(&text.len())
            && !text.starts_with('-')
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'@' | b'-'));
        if is_valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(LoginError)
        }
    }
}
