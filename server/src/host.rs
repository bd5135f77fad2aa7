//! Checks the `Host` of requests. Pages and forms are served under the console's own host name alone, which prevents
//! DNS rebinding: a foreign name that resolves to this server would otherwise give an attacker's page the same origin.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Uri, header, uri::Authority},
    middleware::Next,
    response::Response,
};

use crate::http::plain_page;

/// The console's own name: the host of its public URL. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct OwnHost(Arc<str>);

impl OwnHost {
    /// The host of a base URL.
    pub(crate) fn of(url: &str) -> Self {
        let uri = url.parse::<Uri>().ok();
        let host = uri.as_ref().and_then(Uri::host).map(plain).unwrap_or_default();
        Self(host.into())
    }

    /// Whether a request is for this console: by the one `Host` header, and by the address itself if it names a host.
    /// Ports say nothing: proxies change them. `X-Forwarded-Host` is not looked at.
    fn is_asked_for(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(header::HOST).into_iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return false;
        };
        let host = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
        host.is_some_and(|host| self.is_ours(host.host())) && uri.host().is_none_or(|host| self.is_ours(host))
    }

    fn is_ours(&self, host: &str) -> bool {
        let host = plain(host);
        let is_loopback = || {
            host == "localhost"
                || host
                    .trim_matches(['[', ']'])
                    .parse::<IpAddr>()
                    .is_ok_and(|address| address.to_canonical().is_loopback())
        };
        host == *self.0 || is_loopback()
    }
}

/// Normalizes a host for comparison: lower case, no trailing dot.
fn plain(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// Answers 421 to a request for another host.
pub(crate) async fn check(State(own): State<OwnHost>, request: Request, next: Next) -> Response {
    if own.is_asked_for(request.uri(), request.headers()) {
        next.run(request).await
    } else {
        plain_page::misdirected()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn is_asked_for(url: &str, uri: &str, hosts: &[&'static str]) -> bool {
        let hosts = hosts.iter().map(|host| (header::HOST, HeaderValue::from_static(host)));
        OwnHost::of(url).is_asked_for(&uri.parse().unwrap(), &hosts.collect())
    }

    #[test]
    fn the_consoles_own_name_and_this_machines_are_asked_for() {
        let url = "https://Roster.acme.test";
        for host in [
            "roster.acme.test",
            "ROSTER.acme.test:443",
            "roster.acme.test.",
            "roster.acme.test.:8443",
            "localhost:3000",
            "127.0.0.1:3000",
            "127.1.2.3",
            "[::1]:3000",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is_asked_for(url, "/", &[host]), "{host}");
        }
        assert!(is_asked_for("https://[2001:db8::1]:8443", "/", &["[2001:DB8::1]"]));
        assert!(is_asked_for(url, "http://roster.acme.test/", &["roster.acme.test"]));
    }

    #[test]
    fn any_other_name_is_not() {
        let url = "https://roster.acme.test";
        for host in [
            "evil.test",
            "roster.acme.test.evil.test",
            "evil-roster.acme.test",
            "localhost.evil.test",
            "127.0.0.1.evil.test:3000",
            "127.0.0.1@evil.test",
            "192.0.2.1",
            "0.0.0.0",
            "[2001:db8::1]",
            "::1",
            "",
            "roster.acme.test/",
        ] {
            assert!(!is_asked_for(url, "/", &[host]), "{host}");
        }
        assert!(!is_asked_for(url, "/", &[]));
        assert!(!is_asked_for(url, "/", &["roster.acme.test", "evil.test"]));
        assert!(!is_asked_for(url, "http://evil.test/", &["roster.acme.test"]));
    }
}
