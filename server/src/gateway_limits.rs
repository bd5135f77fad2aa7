//! Gateway tokens that nobody knows are limited before the database is asked (E7), for each network and in all.
//!
//! Checking a well-formed token costs a query, so somebody with made-up tokens could keep the database busy. A gateway
//! with a valid token is never limited, whoever else asks from its network: the hashes of valid tokens are cached, and
//! reloaded at most once a second when a token outside the cache reaches the limit. The cache only exempts from the
//! limit. The database still checks each request, so a revoked token ends at once (E5).

use std::{
    future::Future,
    num::NonZeroU32,
    sync::{PoisonError, RwLock},
    time::{Duration, Instant},
};

use directory::{Directory, Error, KnownGateways, Token};
use policy::Refusal;
use tokio::sync::Mutex;

use crate::rest::limits::{Limit, client};

/// Unknown tokens from one network, a second, and at once.
const RATE: NonZeroU32 = NonZeroU32::MIN;
const BURST: NonZeroU32 = many(20);
/// The same from all networks together.
const RATE_IN_ALL: NonZeroU32 = many(20);
const BURST_IN_ALL: NonZeroU32 = many(200);
/// The shortest time between two reloads of the valid tokens.
const REFRESH: Duration = Duration::from_secs(1);

const fn many(count: u32) -> NonZeroU32 {
    match NonZeroU32::new(count) {
        Some(count) => count,
        None => NonZeroU32::MIN,
    }
}

/// The limits of one server.
#[derive(Debug)]
pub(crate) struct GatewayLimits {
    networks: Limit,
    all: Limit,
    known: RwLock<KnownGateways>,
    /// When the valid tokens were last loaded.
    read_at: Mutex<Option<Instant>>,
}

impl Default for GatewayLimits {
    fn default() -> Self {
        Self {
            networks: Limit::new(RATE, BURST),
            all: Limit::new(RATE_IN_ALL, BURST_IN_ALL),
            known: RwLock::default(),
            read_at: Mutex::new(None),
        }
    }
}

impl GatewayLimits {
    /// Answers a gateway's access request, unless too many unknown tokens came from its network and its own isn't known
    /// to be good.
    ///
    /// # Errors
    /// [`Refusal::TooManyAttempts`]; those of the answer.
    pub(crate) async fn guard<T>(
        &self,
        directory: &Directory,
        token: &Token,
        address: &str,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        if !self.is_known(token)
            && let Err(refusal) = self.count(address)
        {
            self.refresh(directory).await?;
            if !self.is_known(token) {
                return Err(refusal.into());
            }
        }
        let answer = answer.await;
        let known = || self.known.write().unwrap_or_else(PoisonError::into_inner);
        match &answer {
            // Revoked or expired meanwhile: it is counted from now on.
            Err(Error::Refused(Refusal::GatewayUnknown)) => known().remove(token),
            Err(Error::Unavailable(_) | Error::Busy | Error::Internal(_)) => {}
            // Any other error means that the token was valid.
            Ok(_) | Err(Error::Refused(_)) if !self.is_known(token) => known().add(token),
            Ok(_) | Err(Error::Refused(_)) => {}
        }
        answer
    }

    fn is_known(&self, token: &Token) -> bool {
        self.known.read().unwrap_or_else(PoisonError::into_inner).has(token)
    }

    fn count(&self, address: &str) -> Result<(), Refusal> {
        self.networks.spend(client(address)).check()?;
        self.all.spend(()).check()
    }

    /// Reloads the valid tokens, unless that was done within the last second. Concurrent callers wait for the reload.
    async fn refresh(&self, directory: &Directory) -> Result<(), Error> {
        let mut read_at = self.read_at.lock().await;
        if read_at.is_some_and(|at| at.elapsed() < REFRESH) {
            return Ok(());
        }
        *read_at = Some(Instant::now());
        let known = directory.known_gateways().await?;
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        Ok(())
    }
}
