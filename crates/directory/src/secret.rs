//! Random secrets, and the hashes that are stored of secrets and passwords.
//!
//! Owns the source of random bytes, SHA-256, Argon2id and its bounded queue. It must not know what a secret is for.

use std::sync::{
    OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{
        self,
        phc::{Output, PasswordHash, Salt},
    },
};
use policy::Password;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::{Error, Result};

/// Returns N random bytes for a secret, from the operating system. Tests can't replace this source.
///
/// # Errors
/// [`Error::Internal`] if the operating system has none.
#[expect(clippy::disallowed_methods, reason = "where the randomness of secrets comes in")]
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(bytes)
}

/// Returns the SHA-256. It is secure for secrets of 256 random bits, which can't be guessed, but not for passwords.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The queue for hashing. Each hash takes a core for some 20 ms and 19 MiB. So no more run at once than there are
/// cores, which leaves time for other work when many people sign in, and the number that waits is bounded.
struct Turnstile {
    cores: usize,
    turns: Semaphore,
    /// How many wait or run.
    inside: AtomicUsize,
}

/// Who requests a hash.
#[derive(Clone, Copy)]
pub(crate) enum Asker {
    /// Anybody who can reach the server.
    Stranger,
    /// A principal that is signed in, has a link, or is the operator. They have room in the queue when strangers have
    /// none.
    Known,
}

impl Turnstile {
    /// How many strangers may wait for each core. A new one waits for all before it: 8 take some 200 ms.
    const STRANGERS: usize = 8;
    const ALL: usize = 16;

    fn the() -> &'static Self {
        static TURNSTILE: OnceLock<Turnstile> = OnceLock::new();
        TURNSTILE.get_or_init(|| {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            Self {
                cores,
                turns: Semaphore::new(cores),
                inside: AtomicUsize::new(0),
            }
        })
    }

    /// Enters the queue, until the returned value is dropped.
    ///
    /// # Errors
    /// [`Error::Busy`] at once if too many wait already.
    fn enter(&self, asker: Asker) -> Result<Inside<'_>> {
        let waiting = match asker {
            Asker::Stranger => Self::STRANGERS,
            Asker::Known => Self::ALL,
        };
        let before = self.inside.fetch_add(1, Ordering::SeqCst);
        let inside = Inside(&self.inside);
        if before >= self.cores * (waiting + 1) {
            return Err(Error::Busy);
        }
        Ok(inside)
    }
}

/// A place in the queue.
struct Inside<'a>(&'a AtomicUsize);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Runs work that takes a core for long, on a blocking thread, when the queue allows it.
///
/// # Errors
/// [`Error::Busy`].
pub(crate) async fn in_turn<T: Send + 'static>(asker: Asker, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let turnstile = Turnstile::the();
    let _inside = turnstile.enter(asker)?;
    let _turn = turnstile
        .turns
        .acquire()
        .await
        .map_err(|error| Error::Internal(error.to_string()))?;
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::Internal(error.to_string()))
}

/// Hashes a password with Argon2id at the crate's defaults (19 MiB, t=2, p=1: OWASP's first choice).
///
/// # Errors
/// [`Error::Busy`].
pub(crate) async fn hash_password(asker: Asker, password: Password) -> Result<String> {
    in_turn(asker, move || hash(password.as_bytes())).await?
}

pub(crate) fn hash(password: &[u8]) -> Result<String> {
    let (salt, params) = (Salt::generate(), Params::DEFAULT);
    let new = || {
        Ok(PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: (&params).try_into()?,
            salt: Some(salt),
            hash: Some(argon2id(password, &salt, params.clone())?),
        })
    };
    new()
        .map(|hash| hash.to_string())
        .map_err(|error: password_hash::Error| Error::Internal(error.to_string()))
}

/// Returns whether one of the password's forms matches the hash. They are compared one after the other, as one job in
/// the queue. Without a hash (no such account) it does the same work against a hash that nothing matches, so that the
/// time taken reveals nothing.
///
/// # Errors
/// [`Error::Busy`].
pub(crate) async fn verify_password(asker: Asker, forms: Vec<String>, hash: Option<String>) -> Result<bool> {
    const NOBODYS: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$D0uCQ1XsWkmkqzXPy6zFxUn2KcGxgSyXkrLbLEBZx+Y";
    in_turn(asker, move || {
        let known = hash.is_some();
        let is_right = |typed: &String| {
            let kept = PasswordHash::new(hash.as_deref().unwrap_or(NOBODYS))?;
            let (Some(salt), Some(output)) = (kept.salt, kept.hash) else {
                return Err(password_hash::Error::PasswordInvalid);
            };
            // Compared in constant time.
            Ok(argon2id(typed.as_bytes(), &salt, Params::try_from(&kept)?)? == output)
        };
        for form in &forms {
            if is_right(form).map_err(|error| Error::Internal(error.to_string()))? && known {
                return Ok(true);
            }
        }
        Ok(false)
    })
    .await?
}

/// Returns the Argon2id output, version 1.3, which every hash in the database has (RFC 9106).
fn argon2id(password: &[u8], salt: &Salt, params: Params) -> password_hash::Result<Output> {
    let mut workspace = workspace(params.block_count());
    let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut out = [0; Output::MAX_LENGTH];
    let out = out.get_mut(..length).ok_or(password_hash::Error::OutputSize)?;
    argon2.hash_password_into_with_memory(password, salt, out, &mut workspace[..])?;
    Ok(Output::new(out)?)
}

/// Allocates the memory for a hash. glibc keeps freed memory for each thread that ever hashed, unless a block is larger
/// than 32 MiB (`DEFAULT_MMAP_THRESHOLD_MAX`, mallopt(3)): after many sign-ins it would hold half a gigabyte
/// permanently. Allocating more than is needed costs nothing, since memory that is never written is never mapped.
fn workspace(blocks: usize) -> Vec<Block> {
    const NEVER_KEPT: usize = 33 * 1024 * 1024 / Block::SIZE;
    let mut workspace = Vec::with_capacity(blocks.max(NEVER_KEPT));
    workspace.resize(blocks, Block::default());
    workspace
}

/// Returns whether an entered password matches the hash.
pub(crate) async fn check_password(asker: Asker, typed: &str, hash: Option<String>) -> Result<bool> {
    verify_password(asker, Password::forms_of(typed), hash).await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// J9: the queue of password checks is bounded, and strangers can't use up the places of known principals.
    #[test]
    fn j9_no_more_wait_than_there_is_room_for() {
        let turnstile = Turnstile {
            cores: 2,
            turns: Semaphore::new(2),
            inside: AtomicUsize::new(0),
        };
        let strangers: Vec<_> = (0..100).filter_map(|_| turnstile.enter(Asker::Stranger).ok()).collect();
        assert_eq!(strangers.len(), 18);
        let known: Vec<_> = (0..100).filter_map(|_| turnstile.enter(Asker::Known).ok()).collect();
        assert_eq!(known.len(), 16);
        assert!(matches!(turnstile.enter(Asker::Known), Err(Error::Busy)));
        drop((strangers, known));
        assert!(turnstile.enter(Asker::Stranger).is_ok());
    }
}
