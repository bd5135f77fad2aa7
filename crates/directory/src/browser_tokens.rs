//! The secrets in a browser's cookies.
//!
//! Owns how they are parsed, printed and hashed. It must not know what a session or a device is.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use time::Duration;

use crate::secret;

/// The time without a sign-in after which a device is forgotten.
pub(crate) const REMEMBERED: Duration = Duration::days(400);

/// A secret of 256 random bits that a cookie holds.
macro_rules! cookie_token {
    ($(#[$about:meta])* $name:ident) => {
        $(#[$about])*
        #[derive(Clone)]
        pub struct $name(pub(crate) [u8; 32]);

        impl $name {
            /// Parses a cookie's value. Returns `None` if it can't be one.
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

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

cookie_token! {
    /// The secret of a session: the cookie's value. Its `Debug` output is blank.
    SessionToken
}

cookie_token! {
    /// The secret that a device is known by: the cookie's value. Its `Debug` output is blank.
    DeviceToken
}

impl DeviceToken {
    /// How long the cookie is worth keeping.
    pub const LIFETIME: std::time::Duration = REMEMBERED.unsigned_abs();
}
