//! Where a request comes from: the address of the client behind the proxies that the operator trusts (J9). Audit,
//! sessions and limits all take it from here.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::HeaderMap,
    middleware::Next,
    response::Response,
};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// A network with fewer bits in common is no installation's own: anybody can be in it.
const LEAST_BITS: u8 = 7;

/// The networks whose `X-Forwarded-For` counts. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct TrustedProxies(Arc<[IpNet]>);

/// The client's address, as an extension of the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client(pub(crate) Option<IpAddr>);

impl TrustedProxies {
    /// Whether a proxy at this address is believed.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// A network among them that strangers are in, if there is one.
    pub(crate) fn widest(&self) -> Option<IpNet> {
        let widest = self.0.iter().min_by_key(|network| network.prefix_len());
        widest.filter(|network| network.prefix_len() < LEAST_BITS).copied()
    }

    /// The client's address: the right-most one that is not a trusted proxy's, of the peer and what `X-Forwarded-For`
    /// says before it. What somebody further away wrote into the header stands to the left of that and is not believed.
    /// Where an entry can't be read, the last one that could counts. `Forwarded` (RFC 7239) isn't read: a proxy that
    /// doesn't know it passes on what its client wrote there.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        // Some proxies add a line of their own, after the others. One that is no text is an entry that can't be read.
        let lines = headers.get_all("x-forwarded-for").into_iter().rev();
        let mut entries = lines
            .flat_map(|line| line.to_str().unwrap_or("?").rsplit(','))
            .map(str::trim)
            // An empty element of a list is none (RFC 9110, 5.6.1).
            .filter(|entry| !entry.is_empty());
        while self.contains(client) {
            match entries.next().and_then(address) {
                Some(before) => client = before,
                None => break,
            }
        }
        client
    }
}

/// An entry of `X-Forwarded-For`, as proxies write it: an address, perhaps quoted, in brackets, with a zone, or with a
/// port.
fn address(entry: &str) -> Option<IpAddr> {
    let entry = match entry.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"')?,
        None => entry,
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok();
    let host = if let Some(bracketed) = entry.strip_prefix('[') {
        let (host, port) = bracketed.split_once(']')?;
        if !(port.is_empty() || port.strip_prefix(':').is_some_and(is_port)) || !host.contains(':') {
            return None;
        }
        host
    } else if let Some((host, port)) = entry.split_once(':')
        && !port.contains(':')
    {
        if !is_port(port) {
            return None;
        }
        host
    } else {
        entry
    };
    // The zone says which of the proxy's networks it is, and nothing here.
    let host = match host.split_once('%') {
        Some((host, zone)) if host.contains(':') && !zone.is_empty() => host,
        _ => host,
    };
    Some(host.parse::<IpAddr>().ok()?.to_canonical())
}

impl Default for TrustedProxies {
    /// Proxies on this machine.
    fn default() -> Self {
        let v4 = Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);
        let v6 = Ipv6Net::from(Ipv6Addr::LOCALHOST);
        Self(Arc::new([v4.into(), v6.into()]))
    }
}

impl FromStr for TrustedProxies {
    type Err = ipnet::AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let network = |text: &str| {
            let text = text.trim();
            text.parse::<IpAddr>().map(IpNet::from).or_else(|_| text.parse())
        };
        text.split(',').map(network).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Debug for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter()).finish()
    }
}

/// Adds the client's address to the request as a [`Client`].
pub(crate) async fn identify(State(proxies): State<TrustedProxies>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let client = peer.map(|ConnectInfo(peer)| proxies.client(peer.ip(), request.headers()));
    request.extensions_mut().insert(Client(client));
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn seen(proxies: &str, peer: &str, lines: &[&'static str]) -> String {
        let name = HeaderName::from_static("x-forwarded-for");
        let lines = lines.iter();
        let lines = lines.map(|line| (name.clone(), HeaderValue::from_bytes(line.as_bytes()).unwrap()));
        let proxies: TrustedProxies = proxies.parse().unwrap();
        proxies.client(peer.parse().unwrap(), &lines.collect()).to_string()
    }

    /// J9
    #[test]
    fn j9_the_right_most_address_that_is_no_trusted_proxys_is_the_clients() {
        let near = "127.0.0.0/8,::1/128";
        for (proxies, peer, lines, client) in [
            (near, "127.0.0.1", &["1.2.3.4, 198.51.100.7"][..], "198.51.100.7"),
            (near, "127.0.0.1", &["1.2.3.4", "198.51.100.7"], "198.51.100.7"),
            (near, "::1", &["198.51.100.7"], "198.51.100.7"),
            (near, "::ffff:127.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            // From elsewhere nothing is believed.
            (near, "203.0.113.9", &["1.2.3.4, 198.51.100.7"], "203.0.113.9"),
            (near, "127.0.0.1", &[], "127.0.0.1"),
            // Two proxies in a row, the outer one in a network.
            (
                "10.0.0.0/8",
                "10.0.0.1",
                &["1.2.3.4, 198.51.100.7, 10.9.9.9"],
                "198.51.100.7",
            ),
            ("10.0.0.1", "10.0.0.2", &["198.51.100.7"], "10.0.0.2"),
            ("2001:db8::/32", "2001:db8::1", &["2001:db9::7"], "2001:db9::7"),
            // All of them are proxies: the outermost.
            (near, "127.0.0.1", &["127.0.0.3, 127.0.0.2"], "127.0.0.3"),
            // Ports, brackets, spaces, mapped addresses.
            (near, "127.0.0.1", &["198.51.100.7:4711"], "198.51.100.7"),
            (near, "127.0.0.1", &[" [2001:db8::1]:443 "], "2001:db8::1"),
            (near, "127.0.0.1", &["[2001:db8::1]"], "2001:db8::1"),
            (near, "127.0.0.1", &["::ffff:198.51.100.7"], "198.51.100.7"),
            // What can't be read ends it: nobody before it is believed.
            (near, "127.0.0.1", &["198.51.100.7, nonsense"], "127.0.0.1"),
            (near, "127.0.0.1", &["198.51.100.7, unknown, 127.0.0.2"], "127.0.0.2"),
            (near, "127.0.0.1", &["198.51.100.7, _hidden"], "127.0.0.1"),
            (near, "127.0.0.1", &["198.51.100.7, unix:"], "127.0.0.1"),
            (near, "127.0.0.1", &["198.51.100.7, 203.0.113.9:x"], "127.0.0.1"),
            (near, "127.0.0.1", &["198.51.100.7, 203.0.113.9:99999"], "127.0.0.1"),
            (near, "127.0.0.1", &["198.51.100.7, [203.0.113.9]"], "127.0.0.1"),
            (near, "127.0.0.1", &["198.51.100.7, [2001:db8::1"], "127.0.0.1"),
            (near, "127.0.0.1", &["198.51.100.7", "\u{e9}"], "127.0.0.1"),
            // Quotes, zones, ports and mapped addresses, as they are found together.
            (near, "127.0.0.1", &["\"198.51.100.7:4711\""], "198.51.100.7"),
            (near, "127.0.0.1", &["\"[2001:db8::1]\""], "2001:db8::1"),
            (near, "127.0.0.1", &["\"[2001:db8::1]:443\""], "2001:db8::1"),
            (near, "127.0.0.1", &["fe80::1%eth0"], "fe80::1"),
            (near, "127.0.0.1", &["[fe80::1%eth0]:443"], "fe80::1"),
            (near, "127.0.0.1", &["[::ffff:198.51.100.7]:443"], "198.51.100.7"),
            (near, "127.0.0.1", &["2001:db8::1:443"], "2001:db8::1:443"),
            (
                "127.0.0.0/8,10.0.0.0/8",
                "127.0.0.1",
                &["198.51.100.7:1,\t10.0.0.1:80"],
                "198.51.100.7",
            ),
            // An element that is empty is none.
            (near, "127.0.0.1", &["198.51.100.7", ""], "198.51.100.7"),
            (near, "127.0.0.1", &[" , 198.51.100.7 , ,"], "198.51.100.7"),
            (near, "127.0.0.1", &["", ","], "127.0.0.1"),
        ] {
            assert_eq!(seen(proxies, peer, lines), client, "{proxies} {peer} {lines:?}");
        }
    }

    #[test]
    fn networks_are_read_or_refused() {
        for good in ["10.0.0.0/8", "10.1.2.3", " 10.0.0.0/8 , fd00::/8 ", "::1"] {
            assert!(good.parse::<TrustedProxies>().is_ok(), "{good}");
        }
        for wrong in [
            "",
            "all",
            "10.0.0.0/33",
            "10.0.0.0/8;fd00::/8",
            "10.0.0.0/8,",
            "proxy.test",
        ] {
            assert!(wrong.parse::<TrustedProxies>().is_err(), "{wrong}");
        }
        assert_eq!(
            "127.0.0.0/8,::1/128".parse::<TrustedProxies>().unwrap(),
            TrustedProxies::default()
        );
    }
}
