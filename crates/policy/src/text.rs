//! Texts that are checked once, when they are parsed: addresses, names, slugs, passwords.
//!
//! Owns these types and their stored form. It must not know how people type them (see the feature `input`).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

macro_rules! checked_text {
    ($name:ident, $error:ident) => {
        impl $name {
            /// Returns the text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }
    };
}

/// An email address: trimmed, in lower case (C3), in the form browsers accept in `<input type=email>` (WHATWG HTML,
/// "valid email address"), at most 254 bytes (RFC 5321, 4.5.3.1.3, less the angle brackets). `FromStr` parses what is
/// stored; what somebody types or pastes is parsed by `from_input` (feature `input`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

/// The error for a text that is no email address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an email address")]
pub struct EmailError;

checked_text!(Email, EmailError);

impl FromStr for Email {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, EmailError> {
        let text = text.trim();
        let (local, domain) = text.split_once('@').ok_or(EmailError)?;
        let local_is_valid = (1..=64).contains(&local.len())
            && local
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&b));
        let domain_is_valid = domain.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        });
        if text.len() <= 254 && local_is_valid && domain_is_valid {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(EmailError)
        }
    }
}

/// The name of a person, an organization or a project: trimmed, 1 to 100 characters, without control characters and
/// invisible characters that change the direction of the text around them (which could make a name look like another).
/// `FromStr` parses what is stored; what somebody types is parsed by `from_input` (feature `input`), which requires
/// more.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// The error for a text that can't be a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 100 characters and no control characters")]
pub struct NameError;

checked_text!(Name, NameError);

impl Name {
    /// The largest number of characters.
    pub const MOST_CHARACTERS: usize = 100;
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let text = text.trim();
        let is_hidden = |c: char| {
            c.is_control()
                || matches!(c, '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}')
                || matches!(c, '\u{2060}'..='\u{2069}' | '\u{FEFF}')
        };
        // Joiners are part of emoji and of several scripts, so they are refused only if there is nothing visible.
        let is_joiner = |c: char| matches!(c, '\u{200C}' | '\u{200D}');
        let has_visible = text.chars().any(|c| !is_hidden(c) && !c.is_whitespace());
        if has_visible
            && text.chars().count() <= Self::MOST_CHARACTERS
            && !text.chars().any(|c| is_hidden(c) && !is_joiner(c))
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError)
        }
    }
}

/// A project's or organization's name in URLs: 3 to 63 of a-z, 0-9 and inner hyphens (P2).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

/// The error for a text that can't be a slug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a slug has 3 to 63 characters: a-z, 0-9, and hyphens inside")]
pub struct SlugError;

checked_text!(Slug, SlugError);

impl FromStr for Slug {
    type Err = SlugError;

    fn from_str(text: &str) -> Result<Self, SlugError> {
        let is_valid = (3..=63).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        if is_valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(SlugError)
        }
    }
}

impl Slug {
    /// Returns a slug made from a name: in lower case, everything else as a hyphen, short enough for a suffix. If the
    /// name has fewer than three letters or digits of a-z and 0-9, it uses `fallback`.
    #[must_use]
    pub fn suggest(name: &str, fallback: &str) -> String {
        let mut slug = String::new();
        for c in name.chars().flat_map(char::to_lowercase) {
            if c.is_ascii_alphanumeric() {
                slug.push(c);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        slug.truncate(40);
        let slug = slug.trim_end_matches('-');
        if slug.len() < 3 {
            fallback.to_owned()
        } else {
            slug.to_owned()
        }
    }
}

/// A new password, normalised: 12 to 256 characters (NIST SP 800-63B requires length, not kinds of characters). The
/// feature `input` parses it from what was typed. It is never shown: its `Debug` output is blank, it has no `Display`
/// and is not serialisable.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

/// The error for a text that is too short or too long for a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a password has 12 to 256 characters")]
pub struct PasswordError;

impl Password {
    /// The least number of characters.
    pub const SHORTEST: usize = 12;
    /// The largest number of characters.
    pub const LONGEST: usize = 256;

    #[cfg(feature = "input")]
    pub(crate) const fn of_normalized(text: String) -> Self {
        Self(text)
    }

    /// Returns the bytes to hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Returns the text, for estimating how easily it is guessed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}
