//! The secrets that programs carry: API keys, gateway tokens and meter tokens (K3).
//!
//! Owns their form. It must not know which tokens exist. A token is `rsk_`, `rsg_` or `rsm_`, then 43 random characters
//! of 62 (256 bits), then the CRC-32 of both in 6 more. So a secret scanner recognizes one, and one that was cut or
//! mistyped is refused without asking the database. Its SHA-256 is stored.

use std::fmt;

use policy::Refusal;

use crate::{Result, secret::sha256};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM: usize = 43;
const CHECK: usize = 6;

/// The purpose of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// An API key of a project.
    ApiKey,
    /// A token by which a gateway is authorized to ask.
    Gateway,
    /// A token by which a meter is authorized to report usage that names no project (E9).
    Meter,
}

impl TokenKind {
    /// All purposes.
    pub const ALL: [Self; 3] = [Self::ApiKey, Self::Gateway, Self::Meter];

    /// Returns the prefix of its secrets.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::ApiKey => "rsk_",
            Self::Gateway => "rsg_",
            Self::Meter => "rsm_",
        }
    }
}

/// A whole secret. It is shown once and then forgotten. Its `Debug` output is only the prefix, so that no log contains
/// it (A3).
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Returns a new random token.
    pub(crate) fn random(kind: TokenKind) -> Result<Self> {
        let mut text = String::from(kind.prefix());
        while text.len() < kind.prefix().len() + RANDOM {
            let bytes = crate::secret::random::<64>()?;
            // 248 is 4 x 62: larger bytes would make some characters more likely than others.
            let fair = bytes.iter().filter(|byte| **byte < 248);
            let wanted = kind.prefix().len() + RANDOM - text.len();
            text.extend(
                fair.take(wanted)
                    .map(|byte| char::from(ALPHABET[usize::from(byte % 62)])),
            );
        }
        text.push_str(&check(&text));
        Ok(Self(text))
    }

    /// Parses a token that was sent with a request.
    ///
    /// # Errors
    /// [`Refusal::KeyInvalid`], [`Refusal::GatewayUnknown`], [`Refusal::MeterUnknown`] for a text that can't be one of
    /// ours.
    pub fn parse(kind: TokenKind, text: &str) -> std::result::Result<Self, Refusal> {
        let refusal = match kind {
            TokenKind::ApiKey => Refusal::KeyInvalid,
            TokenKind::Gateway => Refusal::GatewayUnknown,
            TokenKind::Meter => Refusal::MeterUnknown,
        };
        let is_whole = text.len() == kind.prefix().len() + RANDOM + CHECK
            && text.starts_with(kind.prefix())
            && text.is_ascii()
            && text
                .split_at_checked(text.len() - CHECK)
                .is_some_and(|(body, end)| check(body) == end);
        if is_whole {
            Ok(Self(text.to_owned()))
        } else {
            Err(refusal)
        }
    }

    /// Returns the purpose of a secret, by its prefix.
    #[must_use]
    pub fn kind_of(text: &str) -> Option<TokenKind> {
        TokenKind::ALL.into_iter().find(|kind| text.starts_with(kind.prefix()))
    }

    /// Returns the secret itself, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Returns the hash that the database stores.
    pub(crate) fn hash(&self) -> [u8; 32] {
        sha256(self.0.as_bytes())
    }

    /// Returns its first characters, which identify it to people (K4).
    pub(crate) fn start(&self) -> &str {
        self.0.get(..8).unwrap_or_default()
    }

    /// Returns its last four characters (K4).
    pub(crate) fn end(&self) -> &str {
        self.0.get(self.0.len().saturating_sub(4)..).unwrap_or_default()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get(..4).unwrap_or_default())
    }
}

/// Returns the CRC-32 in six characters.
fn check(text: &str) -> String {
    let mut rest = crc32fast::hash(text.as_bytes());
    let mut digits = [b'0'; CHECK];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn k3_a_secret_is_read_back_and_says_nothing_in_a_log() {
        let token = Token::random(TokenKind::ApiKey).unwrap();
        assert!(token.reveal().starts_with("rsk_"));
        assert_eq!(Token::parse(TokenKind::ApiKey, token.reveal()), Ok(token.clone()));
        assert_eq!(
            Token::parse(TokenKind::Gateway, token.reveal()),
            Err(Refusal::GatewayUnknown)
        );
        assert_eq!(format!("{token:?}"), "rsk_");
        assert_ne!(token, Token::random(TokenKind::ApiKey).unwrap());
    }

    proptest! {
        #[test]
        fn k3_one_changed_character_makes_it_none(at in 0_usize..53, to in "[0-9A-Za-z_é\0 ]") {
            let token = Token::random(TokenKind::ApiKey).unwrap();
            let mut changed = token.reveal().to_owned();
            changed.replace_range(at..=at, &to);
            prop_assume!(changed != token.reveal());
            prop_assert_eq!(Token::parse(TokenKind::ApiKey, &changed), Err(Refusal::KeyInvalid));
        }

        #[test]
        fn k3_any_text_is_read_without_a_fault(text in ".*") {
            prop_assert_eq!(Token::parse(TokenKind::ApiKey, &text), Err(Refusal::KeyInvalid));
        }
    }
}
