//! How people get to the console: its URL, its address, and the proxies before it.

use std::net::IpAddr;

use http::Uri;

use crate::{client::TrustedProxies, config::Config};

pub(super) fn examine(config: &Config) -> Vec<String> {
    let checks = [everybody_trusted, proxy_unknown, in_the_clear, url_of_this_machine];
    checks.into_iter().filter_map(|check| check(config)).collect()
}

/// Whoever may name the client's address can use up other people's limits, and hide in the audit.
fn everybody_trusted(config: &Config) -> Option<String> {
    let network = config.proxies.widest()?;
    Some(format!(
        "ROSTER_TRUSTED_PROXIES has {network}, so that strangers can give any address as theirs: name the proxies' own \
         networks alone"
    ))
}

/// With https before a listener that others can get to, there is a proxy on another machine, perhaps.
fn proxy_unknown(config: &Config) -> Option<String> {
    let is_unknown = config.is_secure && !config.addr.ip().is_loopback() && config.proxies == TrustedProxies::default();
    is_unknown.then(|| {
        format!(
            "ROSTER_ADDR is {}, and no proxy but this machine's is believed: if the one that carries https is \
             elsewhere, add its network to ROSTER_TRUSTED_PROXIES, or everybody counts as one client; if it is here, \
             set ROSTER_ADDR to a loopback address",
            config.addr
        )
    })
}

/// `ROSTER_INSECURE_HTTP` lets it pass.
fn in_the_clear(config: &Config) -> Option<String> {
    (!config.is_secure && !is_of_this_machine(&config.url)).then(|| {
        format!(
            "ROSTER_URL is {}, so that passwords and sessions go over the network in the clear: put a proxy with TLS \
             before Roster, and make it https",
            config.url
        )
    })
}

/// The console answers to the host of its URL alone, and sends links with it.
fn url_of_this_machine(config: &Config) -> Option<String> {
    (is_of_this_machine(&config.url) && !config.addr.ip().is_loopback()).then(|| {
        format!(
            "ROSTER_ADDR is {}, but ROSTER_URL is {}, which nobody else can open: set ROSTER_URL to what people open, \
             or ROSTER_ADDR to a loopback address",
            config.addr, config.url
        )
    })
}

/// Whether a URL leads to the machine that it is opened on.
fn is_of_this_machine(url: &str) -> bool {
    let uri: Option<Uri> = url.parse().ok();
    uri.as_ref().and_then(Uri::host).is_some_and(|host| {
        host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(set: &[(&'static str, &'static str)]) -> Vec<String> {
        let value = |name| {
            set.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        examine(&Config::from_sources(value).unwrap())
    }

    /// U7
    #[test]
    fn u7_addresses_and_proxies_that_do_not_fit_are_one_line_each() {
        let url = ("ROSTER_URL", "https://roster.test");
        for (set, says) in [
            (
                &[url, ("ROSTER_TRUSTED_PROXIES", "10.0.0.0/8,0.0.0.0/0")][..],
                "ROSTER_TRUSTED_PROXIES has 0.0.0.0/0",
            ),
            (
                &[url, ("ROSTER_TRUSTED_PROXIES", "::/0")],
                "ROSTER_TRUSTED_PROXIES has ::/0",
            ),
            (
                &[url, ("ROSTER_ADDR", "0.0.0.0:3000")],
                "ROSTER_ADDR is 0.0.0.0:3000, and no proxy",
            ),
            (
                &[("ROSTER_URL", "http://roster.test"), ("ROSTER_INSECURE_HTTP", "on")],
                "in the clear",
            ),
            (
                &[("ROSTER_ADDR", "0.0.0.0:3000"), ("ROSTER_URL", "http://127.0.0.1:3000")],
                "nobody else can open",
            ),
        ] {
            let lines = found(set);
            assert!(lines.len() == 1 && lines[0].contains(says), "{set:?}: {lines:?}");
            assert_eq!(lines[0].lines().count(), 1);
        }
    }

    /// U7
    #[test]
    fn u7_what_fits_is_not_mentioned() {
        for set in [
            &[][..],
            &[("ROSTER_URL", "https://roster.test")],
            &[
                ("ROSTER_URL", "https://roster.test"),
                ("ROSTER_ADDR", "0.0.0.0:3000"),
                ("ROSTER_TRUSTED_PROXIES", "10.0.0.0/8,fc00::/7"),
            ],
            &[("ROSTER_URL", "http://localhost:8080")],
        ] {
            assert_eq!(found(set), Vec::<String>::new());
        }
    }
}
