//! What a request says about who sends it: bearer tokens, cookies, and the address it came from. Sets cookies, too.
//!
//! It reads headers and asks nobody: whether a credential is good is the directory's to say.

use app::request_context::Cookies;
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, header},
    response::Response,
};
use directory::Origin;

use crate::client::Client;

/// Adds a cookie to a response; an empty `value` deletes it.
pub(crate) fn add_cookie(response: &mut Response, cookies: Cookies, name: &str, value: &str, seconds: u64) {
    let cookie = cookies.set(name, value, seconds);
    let cookie = cookie.map(|cookie| (header::SET_COOKIE, cookie));
    response.headers_mut().extend(cookie);
}

/// What follows `Bearer` (RFC 6750, 2.1); the scheme's case says nothing (RFC 9110, 11.1).
pub(crate) fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, rest) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| rest.trim_matches(' '))
}

/// The value of a cookie (RFC 6265, 4.2.1). None if the request carries two different values: the server's cookies are
/// set for `/`, so a second one was set by another application on this host, for a narrower path.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = cookies(headers, name);
    let value = values.next()?;
    values.all(|other| other == value).then_some(value)
}

/// Every value of a cookie.
pub(crate) fn cookies<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(move |pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// The paths at which a second cookie of this name may have been set, if there is one: every folder on the way to
/// `path`. Deleting it there leaves the server's own cookie, which is set for `/`.
pub(crate) fn shadowed_paths(headers: &HeaderMap, name: &str, path: &str) -> Vec<String> {
    /// No page has a deeper path.
    const MOST: usize = 8;
    if cookies(headers, name).count() < 2 {
        return Vec::new();
    }
    let ends = path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]);
    ends.take(MOST)
        .filter_map(|end| path.get(..end))
        .filter(|folder| folder.len() > 1)
        .flat_map(|folder| [folder.to_owned(), format!("{folder}/")])
        .collect()
}

/// Where a request came from, for sessions and the audit: client address, request id, user agent.
pub(crate) fn origin(request: &Request) -> Origin {
    let text = |name: HeaderName| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let client = request.extensions().get().and_then(|Client(address)| *address);
    Origin {
        address: client.map(|address| address.to_string()).unwrap_or_default(),
        request_id: text(HeaderName::from_static("x-request-id")).to_owned(),
        user_agent: text(header::USER_AGENT).to_owned(),
        ..Origin::default()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "xroster=1; roster-flash=2; roster=3".parse().unwrap());
        assert_eq!(cookie(&headers, "roster"), Some("3"));
        assert_eq!(cookie(&headers, "roster-flash"), Some("2"));
        assert_eq!(cookie(&headers, "flash"), None);
    }

    #[test]
    fn a_cookie_that_comes_with_two_values_has_none_and_is_taken_away_beside_ours() {
        let sent = |cookie: &'static str| HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static(cookie))]);
        let twice = sent("roster=theirs; roster-flash=2; roster=3");
        assert_eq!(cookie(&twice, "roster"), None);
        assert_eq!(cookie(&twice, "roster-flash"), Some("2"));
        assert_eq!(cookie(&sent("roster=3; roster=3"), "roster"), Some("3"));
        assert_eq!(
            shadowed_paths(&twice, "roster", "/settings/profile"),
            ["/settings", "/settings/", "/settings/profile", "/settings/profile/"]
        );
        assert!(shadowed_paths(&twice, "roster", "/").is_empty());
        assert!(shadowed_paths(&sent("roster=3"), "roster", "/settings/profile").is_empty());
    }

    #[test]
    fn a_bearer_is_known_by_its_scheme_in_any_case() {
        assert_eq!(bearer("Bearer rsk_x"), Some("rsk_x"));
        assert_eq!(bearer("bEARER  rsk_x "), Some("rsk_x"));
        assert_eq!(bearer("Bearer "), Some(""));
        assert_eq!(bearer("Basic cnNr"), None);
        assert_eq!(bearer("Bearer"), None);
        assert_eq!(bearer("rsk_x"), None);
    }
}
