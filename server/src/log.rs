//! Logs: one line an event, on standard error; JSON when nobody is watching.
//!
//! A line never holds a query string, a body, a cookie, a header or a link's secret: that is where secrets travel.

use std::{io::IsTerminal, time::Duration};

use directory::TokenKind;
use http::{Request, Response};
use tower_http::{
    classify::{ServerErrorsAsFailures, SharedClassifier},
    trace::{MakeSpan, OnResponse, TraceLayer},
};
use tracing::Span;
use tracing_subscriber::EnvFilter;

use crate::http::paths::{AUTHORIZE, BY_LINK};

/// Starts logging. `RUST_LOG` says how much.
pub(crate) fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A second start, in tests, changes nothing.
    drop(if std::io::stderr().is_terminal() {
        lines.compact().try_init()
    } else {
        lines.json().try_init()
    });
}

/// Logs requests.
pub(crate) fn requests()
-> TraceLayer<SharedClassifier<ServerErrorsAsFailures>, Spans, tower_http::trace::DefaultOnRequest, Answers> {
    TraceLayer::new_for_http().make_span_with(Spans).on_response(Answers)
}

/// The request a line belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spans;

impl<B> MakeSpan<B> for Spans {
    fn make_span(&mut self, request: &Request<B>) -> Span {
        let id = request
            .headers()
            .get("x-request-id")
            .and_then(|id| id.to_str().ok())
            .unwrap_or_default();
        tracing::info_span!("request", method = %request.method(), path = without_secret(request.uri().path()), id)
    }
}

/// The part of a path that may be logged. Leaves out the secret of a link, the path of a request that a gateway holds,
/// which may contain one, and a key or token anywhere in it.
fn without_secret(path: &str) -> &str {
    let path = BY_LINK
        .into_iter()
        .chain([AUTHORIZE])
        .find(|head| path.starts_with(head))
        .unwrap_or(path);
    let heads = TokenKind::ALL.into_iter().map(TokenKind::prefix);
    let end = heads.filter_map(|head| path.find(head)).min();
    end.and_then(|end| path.get(..end)).unwrap_or(path)
}

/// The line of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answers;

impl<B> OnResponse<B> for Answers {
    fn on_response(self, response: &Response<B>, latency: Duration, _: &Span) {
        let status = response.status().as_u16();
        if response.status().is_server_error() {
            tracing::warn!(status, ?latency, "answered");
        } else {
            tracing::debug!(status, ?latency, "answered");
        }
    }
}

#[cfg(test)]
mod tests {
    use directory::TokenKind;

    use super::without_secret;

    #[test]
    fn a_secret_in_a_path_is_not_logged() {
        assert_eq!(without_secret("/invitations/secret"), "/invitations/");
        assert_eq!(without_secret("/reset-password/secret?x"), "/reset-password/");
        assert_eq!(without_secret("/verify-email/secret"), "/verify-email/");
        assert_eq!(without_secret("/change-email/secret"), "/change-email/");
        assert_eq!(without_secret("/undo-email-change/secret"), "/undo-email-change/");
        assert_eq!(without_secret("/gateway/authorize/share/secret"), "/gateway/authorize/");
        for head in TokenKind::ALL.map(TokenKind::prefix) {
            let path = format!("/v1/projects/{head}secret/resources");
            assert_eq!(without_secret(&path), "/v1/projects/");
        }
        let plain = "/settings/organization/acme/invitations";
        assert_eq!(without_secret(plain), plain);
    }
}
