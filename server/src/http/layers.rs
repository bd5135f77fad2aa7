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

/// Whether form-encoded text is UTF-8 once its percent signs are read.
pub(crate) fn is_utf8(form: &[u8]) -> bool {
    percent_encoding::percent_decode(form).decode_utf8().is_ok()
}

/// A problem as the answer to a script or a program.
pub(crate) fn problem(problem: Problem) -> Response {
    (
        StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        Json(problem),
    )
        .into_response()
}

/// Nothing a person sees is kept by a cache: the next one at this browser is somebody else.
pub(crate) fn no_store() -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
}

/// Removes the `X-Request-Id` that a client sent, so that the one in logs and in the audit is always made here.
pub(crate) async fn drop_request_id(mut request: Request, next: axum::middleware::Next) -> Response {
    request.headers_mut().remove(HeaderName::from_static("x-request-id"));
    next.run(request).await
}

/// The headers that keep a browser on its guard.
pub(crate) async fn protect(request: Request, next: axum::middleware::Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        // The path of the page a form was on is needed to go back to it; other sites get nothing.
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
    // Pages set their own, with the nonce of their script; nothing else has anything to run.
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

/// Request ids that sort by time.
#[derive(Clone, Copy)]
pub(crate) struct NewRequestId;

impl MakeRequestId for NewRequestId {
    fn make_request_id<B>(&mut self, _: &http::Request<B>) -> Option<RequestId> {
        HeaderValue::from_str(&Uuid::now_v7().to_string())
            .ok()
            .map(RequestId::new)
    }
}
