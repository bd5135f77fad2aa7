//! The interface for programs (INTERFACES, HTTP, "Programs"): API keys in, JSON out.
//!
//! Its own router with its own layers: no cookies, no forms, nothing kept by caches. It reads what came, asks the
//! directory, and returns its answer; it must not know who may do what. Every failure is a problem
//! ([`ApiError`]); every route is described where it is ([`openapi`]).

mod body;
mod caller;
mod context;
mod keys;
pub(crate) mod limits;
mod openapi;
mod page;
mod resources;
mod usage;
mod whoami;

use std::{sync::Arc, time::Duration};

use app::Problem;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use directory::Directory;
use policy::Refusal;
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{CompressionLayer, CompressionLevel},
    timeout::TimeoutLayer,
};
use utoipa_axum::router::OpenApiRouter;

use context::Rest;

use crate::http::{
    layers::no_store,
    problem::{ApiError, render_problem},
};

/// How long an answer may take to begin.
const MOST_TIME: Duration = Duration::from_secs(30);

/// The routes for programs, with their layers.
pub(crate) fn router(directory: Directory) -> Router {
    let (keyed, described) = with_key().split_for_parts();
    let (reported, reports) = usage::reporter_routes().split_for_parts();
    let (open, more) = without_key().split_for_parts();
    let rest = Rest {
        directory,
        limits: Arc::default(),
        document: openapi::document(described, [reports, more]),
    };
    let routes = Router::new()
        .merge(keyed.route_layer(from_fn_with_state(rest.clone(), caller::identify)))
        .merge(reported.route_layer(from_fn_with_state(rest.clone(), caller::identify_reporter)))
        .merge(open)
        .route("/openapi.json", get(document))
        // What is not there is answered with a problem, too, and not as a page.
        .route("/v1", any(nothing))
        .route("/v1/", any(nothing))
        .route("/v1/{*nothing}", any(nothing))
        .with_state(rest);
    layered(routes, MOST_TIME)
}

/// Adds the layers that every route has, by which any failure, a panic and a timeout too, is answered as a problem.
fn layered(routes: Router, most_time: Duration) -> Router {
    routes.layer(
        ServiceBuilder::new()
            .layer(no_store())
            .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
            .layer(from_fn(render_problem))
            .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
                ApiError::from(Problem::Internal).into_response()
            }))
            .layer(TimeoutLayer::with_status_code(
                StatusCode::SERVICE_UNAVAILABLE,
                most_time,
            )),
    )
}

/// The routes that need an API key.
fn with_key() -> OpenApiRouter<Rest> {
    OpenApiRouter::default()
        .merge(whoami::routes())
        .merge(resources::routes())
        .merge(usage::routes())
}

/// The routes that need no credential.
fn without_key() -> OpenApiRouter<Rest> {
    keys::routes()
}

async fn document(State(rest): State<Rest>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], rest.document).into_response()
}

async fn nothing() -> ApiError {
    Refusal::Hidden.into()
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::Path};

    use axum::{body::Body, extract::Request};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;
    use crate::http::problem::MEDIA_TYPE;

    /// A failure that no handler describes is rendered as a problem all the same.
    #[tokio::test]
    async fn a_panic_and_a_wait_without_end_are_problems() {
        let routes = Router::new()
            .route("/panic", get(async || -> StatusCode { panic!("not for others") }))
            .route("/slow", get(std::future::pending::<()>))
            .route("/bare", get(async || StatusCode::INTERNAL_SERVER_ERROR));
        let routes = layered(routes, Duration::from_millis(20));
        for (path, status, code) in [
            ("/panic", 500, "internal"),
            ("/slow", 503, "timeout"),
            ("/bare", 500, "internal"),
        ] {
            let request = Request::builder().uri(path).body(Body::empty()).unwrap();
            let answer = routes.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), status);
            assert_eq!(answer.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
            assert_eq!(answer.headers().contains_key(header::RETRY_AFTER), status == 503);
            let bytes = answer.into_body().collect().await.unwrap().to_bytes();
            let body: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(body["code"], code);
            assert!(!body.to_string().contains("not for others"));
        }
    }

    /// docs/openapi.json is the description that the server gives out, for readers without one and for reviews of a
    /// change. `make generate` writes it anew.
    #[test]
    fn the_kept_description_is_the_servers() {
        let others = [
            usage::reporter_routes().split_for_parts().1,
            without_key().split_for_parts().1,
        ];
        let document = openapi::document(with_key().split_for_parts().1, others);
        let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
        let written = format!("{document:#}\n");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
        if env::var_os("UPDATE").is_some() {
            fs::write(&path, &written).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap();
        assert!(
            kept == written,
            "docs/openapi.json is not what the server says: run make generate"
        );
    }
}
