//! Secrets: made at random, kept as hashes.

use std::sync::OnceLock;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use policy::Password;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::{Error, Result};

/// 256 random bits.
pub(crate) fn random() -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(bytes)
}

/// SHA-256: right for secrets of 256 random bits, which cannot be guessed; wrong for passwords.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Each hash takes a core for some 20 ms and 19 MiB: no more at once than there are cores, so that a storm of sign-ins
/// does not starve everything else.
fn turnstile() -> &'static Semaphore {
    static TURNSTILE: OnceLock<Semaphore> = OnceLock::new();
    TURNSTILE.get_or_init(|| Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)))
}

async fn on_blocking_pool<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let _turn = turnstile()
        .acquire()
        .await
        .map_err(|error| Error::Internal(error.to_string()))?;
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::Internal(error.to_string()))
}

/// Hashes a password with Argon2id at the crate's defaults (19 MiB, t=2, p=1: OWASP's first choice).
pub(crate) async fn hash_password(password: Password) -> Result<String> {
    on_blocking_pool(move || {
        Argon2::default()
            .hash_password(password.as_bytes())
            .map(|hash| hash.to_string())
            .map_err(|error| Error::Internal(error.to_string()))
    })
    .await?
}

/// Whether the password is the one hashed. Without a hash (no such account) the same work is done against one that
/// matches nothing, so that the time taken says nothing.
pub(crate) async fn verify_password(typed: String, hash: Option<String>) -> Result<bool> {
    const NOBODYS: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$D0uCQ1XsWkmkqzXPy6zFxUn2KcGxgSyXkrLbLEBZx+Y";
    on_blocking_pool(move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODYS.to_owned());
        let parsed = PasswordHash::new(&hash).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Argon2::default().verify_password(typed.as_bytes(), &parsed).is_ok() && known)
    })
    .await?
}
