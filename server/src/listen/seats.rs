//! How many connections there may be: in all, so that descriptors are left for the database and the other listener, and
//! per network, so that one client can't take them all.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::client::TrustedProxies;

/// File descriptors reserved for the database, mail, served files, the log and the listener for metrics.
const RESERVED: u64 = 128;
/// More connections than one process serves well.
const MOST: usize = 20_000;
/// The least connections of a listener, however low the limit on descriptors is.
const LEAST: usize = 32;

/// How many connections a listener takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caps {
    /// In all.
    pub(crate) all: usize,
    /// From one network: an IPv4 address, or 64 bits of an IPv6 address.
    pub(crate) per_network: usize,
}

impl Caps {
    /// What the listener for metrics takes: a few scrapers. They come out of what is reserved.
    pub(crate) const METRICS: Self = Self {
        all: 16,
        per_network: 8,
    };

    /// Divides what the process may open between the console's listener and, if gateways have one of their own, theirs.
    pub(crate) fn divide(files: u64, has_gateways: bool) -> (Self, Self) {
        let free = usize::try_from(files.saturating_sub(RESERVED)).unwrap_or(MOST);
        let free = free.clamp(LEAST, MOST);
        let gateways = if has_gateways { free / 4 } else { 0 };
        let console = free - gateways;
        (
            Self {
                all: console,
                // An office behind one address has hundreds of pages open.
                per_network: (console / 16).max(64).min(console),
            },
            Self {
                all: gateways,
                // A gateway keeps many.
                per_network: gateways / 2,
            },
        )
    }
}

/// Raises the limit on open files to this process's maximum, and returns it.
pub(crate) fn raise_file_limit() -> u64 {
    /// What systems gave a process before.
    const USUAL: u64 = 1024;
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return USUAL;
    };
    match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(_) => soft,
    }
}

/// The seats of a listener.
#[derive(Debug)]
pub(crate) struct Seats {
    caps: Caps,
    exempt: TrustedProxies,
    free: Arc<Semaphore>,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    taken: AtomicUsize,
    refused: AtomicU64,
}

/// How many seats of a listener are taken, for as long as it serves and after. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Occupancy {
    most: usize,
    counts: Arc<Counts>,
}

impl Occupancy {
    /// How many connections are open.
    pub(crate) fn open(&self) -> usize {
        self.counts.taken.load(Ordering::Relaxed)
    }

    /// How many there may be.
    pub(crate) const fn most(&self) -> usize {
        self.most
    }

    /// How many were closed at once, since their network had its part.
    pub(crate) fn refused(&self) -> u64 {
        self.counts.refused.load(Ordering::Relaxed)
    }
}

/// A connection's place, until it is dropped.
#[derive(Debug)]
pub(crate) struct TakenSeat {
    _seat: OwnedSemaphorePermit,
    /// None for a proxy, which is not counted by network.
    network: Option<IpAddr>,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
    counts: Arc<Counts>,
}

impl Seats {
    pub(super) fn new(caps: Caps, exempt: TrustedProxies) -> Self {
        Self {
            caps,
            exempt,
            free: Arc::new(Semaphore::new(caps.all)),
            taken: Arc::default(),
            counts: Arc::default(),
        }
    }

    /// How many are taken.
    pub(super) fn occupancy(&self) -> Occupancy {
        Occupancy {
            most: self.caps.all,
            counts: Arc::clone(&self.counts),
        }
    }

    /// Waits for a free seat.
    pub(super) async fn take(&self) -> OwnedSemaphorePermit {
        loop {
            // It fails only where a semaphore is closed, which this one never is.
            match Arc::clone(&self.free).acquire_owned().await {
                Ok(seat) => return seat,
                Err(_) => std::future::pending().await,
            }
        }
    }

    /// Assigns the seat to a client. None if its network has reached its limit.
    pub(super) fn assign(&self, seat: OwnedSemaphorePermit, client: IpAddr) -> Option<TakenSeat> {
        let client = client.to_canonical();
        let is_counted = !client.is_loopback() && !self.exempt.contains(client);
        let network = is_counted.then(|| network(client));
        if let Some(network) = network {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            let count = taken.entry(network).or_default();
            if *count >= self.caps.per_network {
                self.counts.refused.fetch_add(1, Ordering::Relaxed);
                return None;
            }
            *count += 1;
        }
        self.counts.taken.fetch_add(1, Ordering::Relaxed);
        Some(TakenSeat {
            _seat: seat,
            network,
            taken: Arc::clone(&self.taken),
            counts: Arc::clone(&self.counts),
        })
    }
}

impl Drop for TakenSeat {
    fn drop(&mut self) {
        self.counts.taken.fetch_sub(1, Ordering::Relaxed);
        let Some(network) = self.network else { return };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.remove(&network);
            }
        }
    }
}

/// The network that an address is counted by.
pub(crate) fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E8: there are descriptors left for the database, and for gateways, whatever the system gives.
    #[test]
    fn e8_what_may_be_open_is_divided() {
        let caps = |all, per_network| Caps { all, per_network };
        assert_eq!(Caps::divide(512, true), (caps(288, 64), caps(96, 48)));
        assert_eq!(Caps::divide(512, false).0, caps(384, 64));
        assert_eq!(Caps::divide(64, true), (caps(24, 24), caps(8, 4)));
        assert_eq!(Caps::divide(u64::MAX, true), (caps(15_000, 937), caps(5_000, 2_500)));
    }

    /// E8
    #[tokio::test]
    async fn e8_a_network_has_a_part_and_a_proxy_all() {
        let caps = Caps { all: 8, per_network: 2 };
        let seats = Seats::new(caps, "10.0.0.0/8".parse().unwrap());
        let mut assigned_seats = Vec::new();
        for (client, is_taken) in [
            ("192.0.2.1", true),
            ("192.0.2.1", true),
            ("192.0.2.1", false),
            ("192.0.2.2", true),
            ("2001:db8::1", true),
            ("2001:db8::2", true),
            ("2001:db8::3", false),
            ("10.0.0.1", true),
            ("10.0.0.1", true),
            ("127.0.0.1", true),
        ] {
            let seat = seats.take().await;
            let assigned = seats.assign(seat, client.parse().unwrap());
            assert_eq!(assigned.is_some(), is_taken, "{client}");
            assigned_seats.extend(assigned);
        }
        assert_eq!(seats.free.available_permits(), 0);
        let occupancy = seats.occupancy();
        assert_eq!((occupancy.open(), occupancy.most(), occupancy.refused()), (8, 8, 2));
        assigned_seats.clear();
        assert_eq!(occupancy.open(), 0);
        assert_eq!(seats.free.available_permits(), 8);
        assert!(seats.taken.lock().unwrap().is_empty());
    }
}
