//! Which network a request comes from, for limits (J9).

use std::net::{IpAddr, Ipv6Addr};

use crate::Origin;

impl Origin {
    /// The network that stands for one client: an IPv4 address, or the first 64 bits of an IPv6 address, since whoever has one
    /// address of those has them all.
    pub(crate) fn network(&self) -> String {
        match self.address.parse::<IpAddr>().map(|address| address.to_canonical()) {
            Ok(IpAddr::V6(address)) => {
                let network = Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64));
                format!("{network}/64")
            }
            Ok(IpAddr::V4(address)) => address.to_string(),
            Err(_) => String::new(),
        }
    }
}
