//! Layers that several routers put around their routes, and the checks and answers that go with them: caching, security
//! headers, request ids, UTF-8, a problem as JSON.
//!
//! It must not know routes, the state of the server, or how REST writes a problem down (`problem.rs`).

use app::Problem;
use axum::{
    Json,
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use tower_http::{
    request_id::{MakeRequestId, RequestId},
    set_header::SetResponseHeaderLayer,
};
use uuid::Uuid;

/// Whether form-encoded text is UTF-8 after percent-decoding.
pub(crate) fn is_utf8(form: &[u8]) -> bool {
    percent_encoding::percent_decode(form).decode_utf8().is_ok()
}

/// A problem as JSON, the answer of server functions to scripts and programs.
pub(crate) fn problem(problem: Problem) -> Response {
    (
        StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        Json(problem),
    )
        .into_response()
}

/// Sets `Cache-Control: no-store`: what one person sees must not be shown to the next one at the same browser.
pub(crate) fn no_store() -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
}

/// Removes the `X-Request-Id` that a client sent, so that the one in logs and in the audit is always made here.
pub(crate) async fn drop_request_id(mut request: Request, next: axum::middleware::Next) -> Response {
    request.headers_mut().remove(HeaderName::from_static("x-request-id"));
    next.run(request).await
}

/// Adds the security headers that every response has.
pub(crate) async fn protect(request: Request, next: axum::middleware::Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        // Redirects after a form need the path of its page; other sites get no referrer.
        ("referrer-policy", "same-origin"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "permissions-policy",
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    // Pages set their own policy, with a nonce for their script; no other response may load or run anything.
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

/// Request ids that sort by time.
#[derive(Clone, Copy)]
pub(crate) struct NewRequestId;

impl MakeRequestId for NewRequestId {
    #[expect(clippy::disallowed_methods, reason = "where the ids of requests come in")]
    fn make_request_id<B>(&mut self, _: &http::Request<B>) -> Option<RequestId> {
        HeaderValue::from_str(&Uuid::now_v7().to_string())
            .ok()
            .map(RequestId::new)
    }
}
