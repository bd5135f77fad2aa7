//! How often a program may ask: so many at once and so many a second, for each key and for each address without one.
//!
//! Counted in the memory of this server alone: two servers count apart. What may be guessed at (passwords, links) is
//! counted in the database instead; a key can't be guessed, and this only keeps one program from being in the way of
//! the others.

use std::{
    fmt,
    hash::{BuildHasher, Hash, RandomState},
    net::IpAddr,
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::StateInformationMiddleware,
    state::keyed::HashMapStateStore,
};
use policy::Refusal;

/// Requests with one key, a second.
pub(crate) const KEY_RATE: NonZeroU32 = many(50);
/// Requests with one key, at once.
pub(crate) const KEY_BURST: NonZeroU32 = many(200);
/// Requests without a key that opens something, from one address, a second.
pub(crate) const ADDRESS_RATE: NonZeroU32 = many(10);
/// Requests without a key that opens something, from one address, at once.
pub(crate) const ADDRESS_BURST: NonZeroU32 = many(100);

const fn many(count: u32) -> NonZeroU32 {
    match NonZeroU32::new(count) {
        Some(count) => count,
        None => NonZeroU32::MIN,
    }
}

/// The most callers with a count of their own. Further ones share one count until others are forgotten.
const MOST: usize = 100_000;
/// How often callers whose allowance is full again are forgotten.
const FORGET: Duration = Duration::from_secs(10);

/// The limits of one server.
#[derive(Debug)]
pub(crate) struct Limits {
    keys: Limit,
    addresses: Limit,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            keys: Limit::new(KEY_RATE, KEY_BURST),
            addresses: Limit::new(ADDRESS_RATE, ADDRESS_BURST),
        }
    }
}

impl Limits {
    /// Counts a request with a key; only a hash of it is kept.
    pub(crate) fn key(&self, secret: &str) -> Spent {
        self.keys.spend(secret)
    }

    /// Counts a request from an address without a key that opens something.
    pub(crate) fn address(&self, address: &str) -> Spent {
        self.addresses.spend(client(address))
    }
}

/// Whom an address stands for: an IPv6 client has a whole network of 64 bits to choose from.
pub(crate) fn client(address: &str) -> Option<IpAddr> {
    match address.parse().ok()? {
        IpAddr::V6(address) => Some(IpAddr::V6((address.to_bits() & (u128::MAX << 64)).into())),
        address @ IpAddr::V4(_) => Some(address),
    }
}

/// One limit, with a count for each who is limited.
pub(crate) struct Limit {
    buckets: RateLimiter<Option<u64>, HashMapStateStore<Option<u64>>, MonotonicClock, StateInformationMiddleware>,
    quota: Quota,
    clock: MonotonicClock,
    hasher: RandomState,
    began: Instant,
    /// When that was last done, in seconds since the start.
    forgot: AtomicU64,
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limit")
            .field("quota", &self.quota)
            .finish_non_exhaustive()
    }
}

impl Limit {
    pub(crate) fn new(rate: NonZeroU32, burst: NonZeroU32) -> Self {
        let quota = Quota::per_second(rate).allow_burst(burst);
        Self {
            buckets: RateLimiter::hashmap_with_clock(quota, MonotonicClock).with_middleware(),
            quota,
            clock: MonotonicClock,
            hasher: RandomState::new(),
            began: Instant::now(),
            forgot: AtomicU64::new(0),
        }
    }

    pub(crate) fn spend(&self, who: impl Hash) -> Spent {
        self.forget();
        let bucket = (self.buckets.len() < MOST).then(|| self.hasher.hash_one(who));
        let (remaining, wait) = match self.buckets.check_key(&bucket) {
            Ok(state) => (state.remaining_burst_capacity(), None),
            Err(until) => (0, Some(until.wait_time_from(self.clock.now()))),
        };
        let burst = self.quota.burst_size().get();
        let whole_again = self.quota.replenish_interval() * (burst - remaining.min(burst));
        Spent {
            limit: burst,
            remaining,
            reset: seconds(whole_again),
            wait: wait.map(|wait| seconds(wait).max(1)),
        }
    }

    /// Forgets callers whose allowance is full again, at intervals, so that memory holds recent callers only.
    fn forget(&self) {
        let now = self.began.elapsed().as_secs();
        let forgot = self.forgot.load(Ordering::Relaxed);
        if now >= forgot + FORGET.as_secs()
            && self
                .forgot
                .compare_exchange(forgot, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        {
            self.buckets.retain_recent();
            self.buckets.shrink_to_fit();
        }
    }
}

/// Whole seconds, rounded up.
fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis().div_ceil(1000)).unwrap_or(u32::MAX)
}

/// What is left after a request was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spent {
    limit: u32,
    remaining: u32,
    reset: u32,
    wait: Option<u32>,
}

impl Spent {
    /// Refuses the request if it exceeded the limit.
    ///
    /// # Errors
    /// [`Refusal::TooManyAttempts`].
    pub(crate) const fn check(self) -> Result<(), Refusal> {
        match self.wait {
            None => Ok(()),
            Some(retry_after) => Err(Refusal::TooManyAttempts { retry_after }),
        }
    }

    /// Adds the headers of the limit (draft-ietf-httpapi-ratelimit-headers-06).
    pub(crate) fn say(self, headers: &mut HeaderMap) {
        for (name, value) in HEADERS.into_iter().zip([self.limit, self.remaining, self.reset]) {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
    }
}

/// The headers that say what is left.
pub(crate) const HEADERS: [&str; 3] = ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_let_through_and_then_no_more() {
        let limit = Limit::new(NonZeroU32::MIN, NonZeroU32::new(3).unwrap());
        let left: Vec<_> = (0..3).map(|_| limit.spend("a")).collect();
        assert!(left.iter().all(|spent| spent.check().is_ok()));
        assert_eq!(left.iter().map(|spent| spent.remaining).collect::<Vec<_>>(), [2, 1, 0]);
        assert_eq!(left[2].reset, 3);
        assert_eq!(
            limit.spend("a").check(),
            Err(Refusal::TooManyAttempts { retry_after: 1 })
        );
        assert!(limit.spend("b").check().is_ok());
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        assert_eq!(client("2001:db8:1:2::1"), client("2001:db8:1:2:ffff::9"));
        assert_ne!(client("2001:db8:1:2::1"), client("2001:db8:1:3::1"));
        assert_ne!(client("192.0.2.1"), client("192.0.2.2"));
        assert_eq!(client("nonsense"), None);
    }
}
