//! The secrets in a browser's cookies.
//!
//! Owns how they are parsed, printed and hashed. It must not know what a session or a device is.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use time::Duration;

use crate::secret;

/// The time without a sign-in after which a device is forgotten.
pub(crate) const REMEMBERED: Duration = Duration::days(400);

/// The secret of a session: the cookie's value. Its `Debug` output is blank.
#[derive(Clone)]
pub struct SessionToken(pub(crate) [u8; 32]);

impl SessionToken {
    /// Parses a cookie's value; `None` if it has the wrong form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// Returns the cookie's value.
    #[must_use]
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    pub(crate) fn hash(&self) -> [u8; 32] {
        secret::sha256(&self.0)
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(…)")
    }
}

/// The secret of a device: the cookie's value. Its `Debug` output is blank.
#[derive(Clone)]
pub struct DeviceToken(pub(crate) [u8; 32]);

impl DeviceToken {
    /// How long the browser keeps the cookie.
    pub const LIFETIME: std::time::Duration = REMEMBERED.unsigned_abs();

    /// Parses a cookie's value; `None` if it has the wrong form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// Returns the cookie's value.
    #[must_use]
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    pub(crate) fn hash(&self) -> [u8; 32] {
        secret::sha256(&self.0)
    }
}

impl fmt::Debug for DeviceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceToken(…)")
    }
}
