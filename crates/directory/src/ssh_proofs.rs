//! The proof that a person holds the private half of an SSH key (J10): a signature over a text that names their
//! account, made by `ssh-keygen -Y sign` (OpenSSH, PROTOCOL.sshsig).
//!
//! Owns the text and the verification. It must not know how keys are stored. The text depends on the person, their
//! session and the day. So a signature that was made for another account proves nothing, and an old one proves nothing
//! later. Nothing is stored for it: the signature itself is bound to the key.

use policy::{SessionId, UserId};
use ring::signature::{
    ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents, UnparsedPublicKey,
};
use ssh_key::{Algorithm, HashAlg, PublicKey, Signature, SshSig, public::KeyData};
use time::{Date, Duration};

use crate::{Directory, Principal, Result, secret::sha256};

/// The longest text of a signature: that of the longest RSA key in use has some 2,500 characters.
const MOST_CHARACTERS: usize = 16_384;
/// The number of bytes that a security key adds to a signature: one of flags, four of a counter.
const TRAILER: usize = 5;
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
/// The width of the lines between them.
const COLUMNS: usize = 70;
/// The flag that the security key was touched.
const TOUCHED: u8 = 1;

/// A signature that was submitted with a key.
#[derive(Clone, Copy, Debug)]
pub struct SshKeyProof<'a> {
    /// The purpose of signatures for this console, `roster@` and its host, so that a signature for another purpose is
    /// refused.
    pub namespace: &'a str,
    /// The signature, from BEGIN to END.
    pub signature: &'a str,
}

impl Directory {
    /// Returns the text that a person signs to prove that an SSH key is theirs. It is valid for their session, on this
    /// day and the next.
    ///
    /// # Errors
    /// [`policy::Refusal::SignedOut`] if the principal isn't a person.
    pub fn ssh_key_text(&self, principal: &Principal) -> Result<String> {
        Ok(text(principal.user()?, principal.session()?, self.now().date()))
    }

    /// Returns whether a key signed the person's text of today or yesterday.
    pub(crate) fn is_proved(
        &self,
        (user, session): (UserId, SessionId),
        key: &PublicKey,
        proof: SshKeyProof<'_>,
    ) -> bool {
        let today = self.now().date();
        [today, today - Duration::days(1)].into_iter().any(|day| {
            let text = text(user, session, day);
            // A text from a file usually ends in a line break.
            is_signed(key, proof, text.as_bytes()) || is_signed(key, proof, format!("{text}\n").as_bytes())
        })
    }
}

/// Returns the text, in characters that need no escaping in a shell's quotes.
fn text(user: UserId, session: SessionId, day: Date) -> String {
    format!("This SSH key is mine. Roster account {user}, session {session}, {day}.")
}

/// Returns whether it is a valid signature by this key, for this purpose, of these bytes; `false` if it can't be
/// parsed.
fn is_signed(key: &PublicKey, proof: SshKeyProof<'_>, text: &[u8]) -> bool {
    if proof.signature.len() > MOST_CHARACTERS {
        return false;
    }
    let Some(signature) = rewrapped(proof.signature).and_then(|pem| SshSig::from_pem(pem).ok()) else {
        return false;
    };
    if signature.public_key() != key.key_data() || signature.namespace() != proof.namespace {
        return false;
    }
    let Ok(signed) = SshSig::signed_data(proof.namespace, signature.hash_alg(), text) else {
        return false;
    };
    is_by(key, proof.namespace, text, &signed, &signature).unwrap_or(false)
}

/// Returns a signature wrapped as `ssh-keygen` prints it, however a terminal or a chat wrapped it.
fn rewrapped(text: &str) -> Option<String> {
    let (_, rest) = text.split_once(BEGIN)?;
    let (body, _) = rest.split_once(END)?;
    let base64: Vec<u8> = body.bytes().filter(u8::is_ascii_graphic).collect();
    let lines: Vec<_> = base64.chunks(COLUMNS).map(String::from_utf8_lossy).collect();
    Some(format!("{BEGIN}\n{}\n{END}\n", lines.join("\n")))
}

/// Verifies Ed25519 and RSA by ring, which the program has for TLS, and the NIST curves by the crate that parses the
/// keys.
fn is_by(key: &PublicKey, namespace: &str, text: &[u8], signed: &[u8], signature: &SshSig) -> Option<bool> {
    let made = signature.signature();
    match key.key_data() {
        KeyData::Ed25519(public) => {
            Some(made.algorithm() == Algorithm::Ed25519 && ed25519(&public.0, signed, made.as_bytes()))
        }
        KeyData::SkEd25519(public) => {
            let (made, trailer) = of_security_key(made)?;
            let mut message = sha256(public.application().as_bytes()).to_vec();
            message.extend(trailer);
            message.extend(sha256(signed));
            Some(ed25519(&public.public_key().0, &message, made))
        }
        KeyData::Rsa(public) => {
            let Algorithm::Rsa { hash: Some(hash) } = made.algorithm() else {
                // SHA-1 is refused, as by ssh-keygen.
                return Some(false);
            };
            let algorithm = if hash == HashAlg::Sha512 {
                &RSA_PKCS1_2048_8192_SHA512
            } else {
                &RSA_PKCS1_2048_8192_SHA256
            };
            let (n, e) = (public.n.as_positive_bytes()?, public.e.as_positive_bytes()?);
            let public = RsaPublicKeyComponents { n, e };
            Some(public.verify(algorithm, signed, made.as_bytes()).is_ok())
        }
        KeyData::SkEcdsaSha2NistP256(_) => {
            of_security_key(made)?;
            Some(key.verify(namespace, text, signature).is_ok())
        }
        KeyData::Ecdsa(_) => Some(key.verify(namespace, text, signature).is_ok()),
        // [`check`](crate::ssh_keys) accepts only the kinds above.
        KeyData::Dsa(_) | KeyData::Other(_) | _ => Some(false),
    }
}

fn ed25519(public: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, public)
        .verify(message, signature)
        .is_ok()
}

/// Returns a security key's signature, and what it adds; `None` if it was not touched.
fn of_security_key(made: &Signature) -> Option<(&[u8], &[u8])> {
    let bytes = made.as_bytes();
    let (signature, trailer) = bytes.split_at_checked(bytes.len().checked_sub(TRAILER)?)?;
    (trailer.first()? & TOUCHED != 0).then_some((signature, trailer))
}

#[cfg(test)]
mod tests {
    use ring::signature::{Ed25519KeyPair, KeyPair};
    use ssh_key::public::{Ed25519PublicKey, SkEd25519};

    use super::*;

    const NAMESPACE: &str = "roster@test";
    /// Made by `ssh-keygen -Y sign -n roster@test` over `Roster`: a public key and its signature for each kind.
    const SIGNATURES: &str = include_str!("tests/ssh_signatures.txt");

    fn proof(signature: &str) -> SshKeyProof<'_> {
        SshKeyProof {
            namespace: NAMESPACE,
            signature,
        }
    }

    #[test]
    fn j10_every_kind_of_key_that_is_taken_can_be_proved() {
        let end = "-----END SSH SIGNATURE-----\n";
        let pairs: Vec<_> = SIGNATURES
            .split_inclusive(end)
            .map(|text| {
                let (key, signature) = text.split_once('\n').unwrap();
                (key.parse::<PublicKey>().unwrap(), signature)
            })
            .collect();
        assert_eq!(pairs.len(), 5, "Ed25519, the three curves, RSA");
        for (nth, (key, signature)) in pairs.iter().enumerate() {
            let kind = key.algorithm();
            assert!(is_signed(key, proof(signature), b"Roster"), "{kind}");
            assert!(!is_signed(key, proof(signature), b"Rooster"), "{kind}");
            // As terminals and chats wrap it.
            for pasted in [
                signature.replace('\n', "\r\n  "),
                signature.replace('\n', " "),
                format!("```\n{signature}```"),
            ] {
                assert!(is_signed(key, proof(&pasted), b"Roster"), "{kind} {pasted}");
            }
            let other = SshKeyProof {
                namespace: "file",
                signature,
            };
            assert!(!is_signed(key, other, b"Roster"), "{kind}");
            let (another, _) = &pairs[(nth + 1) % pairs.len()];
            assert!(!is_signed(another, proof(signature), b"Roster"), "{kind}");
        }
    }

    /// A security key signs more than the message: the application, whether it was touched, and how often it has
    /// signed.
    #[test]
    fn j10_a_security_key_has_to_be_touched() {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let public: [u8; 32] = pair.public_key().as_ref().try_into().unwrap();
        let data = KeyData::SkEd25519(SkEd25519::new(Ed25519PublicKey(public), "ssh:"));
        let key = PublicKey::from(data.clone());
        let sign = |flags: u8| {
            let signed = SshSig::signed_data(NAMESPACE, HashAlg::Sha512, b"Roster").unwrap();
            let trailer = [flags, 0, 0, 0, 9];
            let message = [&sha256(b"ssh:")[..], &trailer, &sha256(&signed)].concat();
            let bytes = [pair.sign(&message).as_ref(), &trailer].concat();
            let made = Signature::new(Algorithm::SkEd25519, bytes).unwrap();
            let signature = SshSig::new(data.clone(), NAMESPACE, HashAlg::Sha512, made).unwrap();
            signature.to_pem(ssh_key::LineEnding::LF).unwrap()
        };
        assert!(is_signed(&key, proof(&sign(1)), b"Roster"));
        assert!(!is_signed(&key, proof(&sign(0)), b"Roster"));
        assert!(!is_signed(&key, proof(&sign(1)), b"Rooster"));
    }
}
