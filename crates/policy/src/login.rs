//! Logins to a cluster's nodes (E4): which users of a machine its project's people may log in as.

use std::str::FromStr;

/// The name of a machine's user, as sshd passes it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login(String);

/// The text cannot be the name of a machine's user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a login has 1 to 64 characters: letters, digits and ._@- inside")]
pub struct LoginError;

impl Login {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a cluster lets its project's people log in under this name. One that names its login serves that one
    /// alone; any other serves every name but `root`: who manages the machine is not said by a role in a project.
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
