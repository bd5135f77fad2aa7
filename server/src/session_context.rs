//! Who is asking: reads the cookies of a request, finds the session, and puts a [`SessionContext`] where pages and server functions
//! look for it.

use std::sync::{Arc, OnceLock};

use app::{
    Problem,
    request_context::{Cookies, SessionContext},
};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use directory::{DeviceToken, Origin, Session, SessionToken};

use crate::{AppState, client::Client, flash, rest::problem::ApiError, router::EVENTS};

/// Finds out who is asking, and passes on.
pub(crate) async fn identify(State(console): State<AppState>, mut request: Request, next: Next) -> Response {
    let headers = request.headers();
    let session = match session(&console, headers).await {
        Ok(session) => session,
        Err(error) => {
            let problem = Problem::from(error);
            return if is_page(&request) {
                let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
                crate::pages::unavailable(status)
            } else if is_stream(&request) {
                ApiError::from(problem).into_response()
            } else {
                crate::router::problem(problem)
            };
        }
    };
    let cookies = console.cookies;
    let origin = Origin {
        device: cookie(headers, cookies.device()).and_then(DeviceToken::parse),
        session: session.as_ref().map(|session| session.id),
        ..origin(&request)
    };
    let context = SessionContext {
        directory: console.directory.clone(),
        session,
        origin,
        flash: None,
        to_tell: Arc::new(OnceLock::new()),
        submission: Arc::new(OnceLock::new()),
        is_kept: Arc::new(OnceLock::new()),
        last_project: cookie(headers, cookies.last_project()).map(ToOwned::to_owned),
        cookies,
        url: console.url.clone(),
    };
    let token = live_token(&context, headers);
    let shadowed = shadowed_paths(headers, cookies.session(), request.uri().path());
    request.extensions_mut().insert(context.clone());
    let mut response = next.run(request).await;
    flash::keep(&context, token, &mut response).await;
    for path in shadowed {
        let gone = cookies.forget_at(cookies.session(), &path);
        response
            .headers_mut()
            .extend(gone.map(|gone| (header::SET_COOKIE, gone)));
    }
    response
}

/// The secret of the session that the request came with, if that session is good.
pub(crate) fn live_token(context: &SessionContext, headers: &HeaderMap) -> Option<SessionToken> {
    context.session.as_ref()?;
    SessionToken::parse(cookie(headers, context.cookies.session())?)
}

/// Adds a cookie to an answer; an empty `value` takes it away.
pub(crate) fn add_cookie(response: &mut Response, cookies: Cookies, name: &str, value: &str, seconds: u64) {
    let cookie = cookies.set(name, value, seconds);
    let cookie = cookie.map(|cookie| (header::SET_COOKIE, cookie));
    response.headers_mut().extend(cookie);
}

/// Whether the request is for a page, rather than for a server function or an event stream.
fn is_page(request: &Request) -> bool {
    !request.uri().path().starts_with("/api/") && !is_stream(request)
}

fn is_stream(request: &Request) -> bool {
    request.uri().path() == EVENTS
}

async fn session(console: &AppState, headers: &HeaderMap) -> directory::Result<Option<Session>> {
    match cookie(headers, console.cookies.session()).and_then(SessionToken::parse) {
        Some(token) => console.directory.session(&token).await,
        None => Ok(None),
    }
}

/// What follows `Bearer` (RFC 6750, 2.1); the scheme's case says nothing (RFC 9110, 11.1).
pub(crate) fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, rest) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| rest.trim_matches(' '))
}

/// The value of a cookie (RFC 6265, 4.2.1). With two values it has none: ours are for every path of this host, so the other is
/// from somebody else on it, for some of our paths.
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

/// Where a cookie that came with two values may be kept beside ours, which is at `/`: every folder on the way to `path`. Taking
/// it away there leaves the person with the session that is theirs.
fn shadowed_paths(headers: &HeaderMap, name: &str, path: &str) -> Vec<String> {
    /// No page of ours lies deeper.
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

/// Where a request came from.
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
