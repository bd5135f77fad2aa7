//! Counting requests and decisions, in one layer around every route.
//!
//! Nothing that answers or decides knows of it: the route, the status and a header say enough.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{Request, State},
    http::{HeaderName, StatusCode},
    middleware::Next,
    response::Response,
};
use prometheus::{Error, HistogramVec, IntCounter, IntCounterVec, Registry, proto::MetricFamily};

use super::{
    routes::{Audience, Routes},
    series::{counters, register, seconds},
};

/// The header that says why a gateway was answered as it was. Only the server writes it, from a closed set.
const REASON: HeaderName = HeaderName::from_static("x-roster-reason");
/// Upper bounds of the histogram of requests, in seconds: up to the longest that a page may take.
const REQUEST_SECONDS: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
];
/// Upper bounds of the histogram of decisions, in seconds: up to the longest that a gateway waits.
const DECISION_SECONDS: [f64; 12] = [
    0.0005, 0.001, 0.002, 0.004, 0.007, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 2.5,
];

/// What a server counts about the requests it answers. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<Counted>);

struct Counted {
    registry: Registry,
    routes: Routes,
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    decisions: IntCounterVec,
    decision_seconds: HistogramVec,
    /// Requests that a limit of this server refused; the database's limits have their own counts.
    refused_programs: IntCounter,
    refused_gateways: IntCounter,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Returns metrics that count from zero.
    ///
    /// # Errors
    /// If two metrics have the same name.
    pub fn new() -> Result<Self, Error> {
        let registry = Registry::new();
        let requests = counters(
            "roster_http_requests_total",
            "Requests that were answered, by route and status.",
            &["route", "status"],
        )?;
        let request_seconds = seconds(
            "roster_http_request_duration_seconds",
            "Time until the answer to a request began, by route.",
            "route",
            &REQUEST_SECONDS,
        )?;
        let decisions = counters(
            "roster_decisions_total",
            "Answers to access requests of gateways, by outcome and reason.",
            &["outcome", "reason"],
        )?;
        let decision_seconds = seconds(
            "roster_decision_duration_seconds",
            "Time of the answer to an access request of a gateway, by outcome.",
            "outcome",
            &DECISION_SECONDS,
        )?;
        register(&registry, &requests)?;
        register(&registry, &request_seconds)?;
        register(&registry, &decisions)?;
        register(&registry, &decision_seconds)?;
        // These two are given out together with the database's counts, and so are in no registry.
        let refused = |name| IntCounter::new(name, name);
        Ok(Self(Arc::new(Counted {
            registry,
            routes: Routes::new(),
            requests,
            request_seconds,
            decisions,
            decision_seconds,
            refused_programs: refused("programs")?,
            refused_gateways: refused("gateways")?,
        })))
    }

    /// What was counted about requests and decisions.
    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        self.0.registry.gather()
    }

    /// How many requests a limit of this server refused, by the limit.
    pub(super) fn refused(&self) -> [(&'static str, u64); 2] {
        [
            ("programs", self.0.refused_programs.get()),
            ("gateways", self.0.refused_gateways.get()),
        ]
    }

    /// Counts a request and its answer.
    fn count(&self, route: &str, audience: Audience, answer: &Response, time: Duration) {
        let counted = &self.0;
        let (status, time) = (answer.status(), time.as_secs_f64());
        counted.requests.with_label_values(&[route, status.as_str()]).inc();
        counted.request_seconds.with_label_values(&[route]).observe(time);
        if audience == Audience::Decisions {
            let outcome = outcome(status);
            let reason = answer.headers().get(REASON).and_then(|reason| reason.to_str().ok());
            let reason = reason.unwrap_or("none");
            counted.decisions.with_label_values(&[outcome, reason]).inc();
            counted.decision_seconds.with_label_values(&[outcome]).observe(time);
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            match audience {
                Audience::Decisions | Audience::Gateways => counted.refused_gateways.inc(),
                Audience::Programs => counted.refused_programs.inc(),
                Audience::Others => {}
            }
        }
    }
}

/// What an answer to an access request means to a gateway.
fn outcome(status: StatusCode) -> &'static str {
    match status {
        StatusCode::OK => "allowed",
        StatusCode::FORBIDDEN => "denied",
        // Nothing was decided: a credential or the request itself is wrong, or came too often.
        status if status.is_client_error() => "refused",
        _ => "failed",
    }
}

/// The layer that counts requests.
pub(crate) async fn measure(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let (route, audience) = metrics.0.routes.of(&request);
    let begun = Instant::now();
    let answer = next.run(request).await;
    metrics.count(route.as_str(), audience, &answer, begun.elapsed());
    answer
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, middleware::from_fn_with_state, response::IntoResponse, routing::get};
    use prometheus::TextEncoder;
    use tower::ServiceExt;

    use super::*;

    fn router(metrics: &Metrics) -> Router {
        Router::new()
            .route(
                "/v1/projects/{project}/resources/{id}",
                get(async || StatusCode::TOO_MANY_REQUESTS),
            )
            .route(
                "/gateway/authorize/{*held}",
                get(async || (StatusCode::FORBIDDEN, [(REASON, "role")]).into_response()),
            )
            .fallback(async || StatusCode::NOT_FOUND)
            .layer(from_fn_with_state(metrics.clone(), measure))
    }

    async fn ask(router: &Router, path: &str) {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        drop(router.clone().oneshot(request).await.unwrap());
    }

    fn series(metrics: &Metrics) -> String {
        TextEncoder::new().encode_to_string(&metrics.gather()).unwrap()
    }

    /// U1
    #[tokio::test]
    async fn u1_a_route_and_a_reason_are_labels_and_what_a_path_holds_is_not() {
        let metrics = Metrics::new().unwrap();
        let router = router(&metrics);
        ask(&router, "/v1/projects/secret-slug/resources/4711").await;
        ask(&router, "/gateway/authorize/secret-slug").await;
        ask(&router, "/settings/projects/secret-slug/collaborators").await;
        let series = series(&metrics);
        for line in [
            r#"roster_http_requests_total{route="/v1/projects/{project}/resources/{id}",status="429"} 1"#,
            r#"roster_http_requests_total{route="/settings/projects/{project}/collaborators",status="404"} 1"#,
            r#"roster_decisions_total{outcome="denied",reason="role"} 1"#,
            r#"roster_decision_duration_seconds_count{outcome="denied"} 1"#,
        ] {
            assert!(series.lines().any(|found| found == line), "{line}: {series}");
        }
        assert!(!series.contains("secret") && !series.contains("4711"), "{series}");
        assert_eq!(metrics.refused(), [("programs", 1), ("gateways", 0)]);
    }

    /// U1
    #[tokio::test]
    async fn u1_strangers_make_no_series_whatever_they_ask_for() {
        let metrics = Metrics::new().unwrap();
        let router = router(&metrics);
        ask(&router, "/0").await;
        let before = series(&metrics).lines().count();
        for number in 1..500 {
            ask(&router, &format!("/{number}")).await;
            ask(
                &router,
                &format!("/{number}/{number}/{number}/{number}/{number}/{number}"),
            )
            .await;
            ask(&router, &format!("//{number}")).await;
        }
        assert_eq!(series(&metrics).lines().count(), before);
    }
}
