//! Secrets: made at random, kept as hashes.

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

/// N random bytes, for a secret. From the operating system, and from nothing that could be put in its place.
///
/// # Errors
/// [`Error::Internal`] if the operating system has none.
#[expect(clippy::disallowed_methods, reason = "where the randomness of secrets comes in")]
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(bytes)
}

/// SHA-256: right for secrets of 256 random bits, which cannot be guessed; wrong for passwords.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Each hash takes a core for some 20 ms and 19 MiB: no more at once than there are cores, so that a storm of sign-ins
/// does not starve everything else. And no more wait than are through in a moment.
struct Turnstile {
    cores: usize,
    turns: Semaphore,
    /// Those who wait and those whose turn it is.
    inside: AtomicUsize,
}

/// Who wants a hash.
#[derive(Clone, Copy)]
pub(crate) enum Asker {
    /// Anybody who can reach the server.
    Stranger,
    /// Somebody who is signed in, has a link, or runs the installation: they find room when strangers don't.
    Known,
}

impl Turnstile {
    /// How many wait at most for each core. One waits for all those before: 8 are some 200 ms.
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

    /// A place among those who wait, until it is dropped.
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

/// A place in the turnstile.
struct Inside<'a>(&'a AtomicUsize);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Does work that takes a core for long, away from the threads that wait for others, when its turn comes.
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

/// Whether the password, in one of its forms, is the one hashed: one after the other, in one turn. Without a hash (no
/// such account) the same work is done against one that matches nothing, so that the time taken says nothing.
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

/// Argon2id, version 1.3: what every hash in the database is made with (RFC 9106).
fn argon2id(password: &[u8], salt: &Salt, params: Params) -> password_hash::Result<Output> {
    let mut workspace = workspace(params.block_count());
    let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut out = [0; Output::MAX_LENGTH];
    let out = out.get_mut(..length).ok_or(password_hash::Error::OutputSize)?;
    argon2.hash_password_into_with_memory(password, salt, out, &mut workspace[..])?;
    Ok(Output::new(out)?)
}

/// What a hash is made in. glibc keeps what was given back to it, for each thread that ever hashed, unless it is more
/// than
/// 32 MiB (`DEFAULT_MMAP_THRESHOLD_MAX`, mallopt(3)): a storm of sign-ins would hold half a gigabyte for good. Asking
/// for more than is needed costs nothing: what is never written is never there.
fn workspace(blocks: usize) -> Vec<Block> {
    const NEVER_KEPT: usize = 33 * 1024 * 1024 / Block::SIZE;
    let mut workspace = Vec::with_capacity(blocks.max(NEVER_KEPT));
    workspace.resize(blocks, Block::default());
    workspace
}

/// Whether a typed password is the one hashed.
pub(crate) async fn check_password(asker: Asker, typed: &str, hash: Option<String>) -> Result<bool> {
    verify_password(asker, Password::forms_of(typed), hash).await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// J9: what waits for a password check is bounded, and strangers can't take the places of those who are known.
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
