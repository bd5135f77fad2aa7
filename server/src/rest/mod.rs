//! The interface for programs (INTERFACES, "HTTP for programs"): API keys in, JSON out.
//!
//! Its own router with its own layers: no cookies, no forms, nothing kept by caches. It reads what came, asks the directory,
//! and writes down what it says; what may be done it does not know. Every failure is a problem ([`problem`]); every route
//! is described where it is ([`openapi`]).

pub(crate) mod body;
mod caller;
mod keys;
mod limits;
mod openapi;
mod page;
pub(crate) mod problem;
mod resources;
mod usage;
mod whoami;

use std::{sync::Arc, time::Duration};

use app::Problem;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use directory::{Directory, OffsetDateTime};
use policy::Refusal;
use time::format_description::well_known::Rfc3339;
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{CompressionLayer, CompressionLevel},
    set_header::SetResponseHeaderLayer,
    timeout::TimeoutLayer,
};
use utoipa_axum::router::OpenApiRouter;

use limits::Limits;
use problem::Fault;

/// A body is no larger than this: 1,000 records of usage with room to spare.
const MOST_BYTES: usize = 1024 * 1024;
/// Nothing takes longer.
const MOST_TIME: Duration = Duration::from_secs(30);

/// What the routes need to answer. Cheap to clone.
#[derive(Clone, Debug)]
struct Rest {
    directory: Directory,
    limits: Arc<Limits>,
    /// The description of all of it.
    document: Bytes,
}

/// The answer to a program, or what went wrong.
type Result<T> = std::result::Result<T, Fault>;

/// The routes for programs, with their layers.
pub(crate) fn router(directory: Directory) -> Router {
    let (keyed, described) = with_key().split_for_parts();
    let (open, more) = without_key().split_for_parts();
    let rest = Rest {
        directory,
        limits: Arc::default(),
        document: openapi::document(described, more),
    };
    let layers = ServiceBuilder::new()
        .layer(SetResponseHeaderLayer::overriding(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(from_fn(problem::tell))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            Fault::from(Problem::Internal).into_response()
        }))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            MOST_TIME,
        ));
    Router::new()
        .merge(keyed.route_layer(from_fn_with_state(rest.clone(), caller::identify)))
        .merge(open)
        .route("/openapi.json", get(document))
        // What is not there is told as a problem, too, and not as a page.
        .route("/v1", axum::routing::any(nothing))
        .route("/v1/", axum::routing::any(nothing))
        .route("/v1/{*nothing}", axum::routing::any(nothing))
        .layer(layers)
        .with_state(rest)
}

/// What only a key opens.
fn with_key() -> OpenApiRouter<Rest> {
    OpenApiRouter::default()
        .merge(whoami::routes())
        .merge(resources::routes())
        .merge(usage::routes())
}

/// What is open to anyone.
fn without_key() -> OpenApiRouter<Rest> {
    keys::routes()
}

async fn document(State(rest): State<Rest>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], rest.document).into_response()
}

async fn nothing() -> Fault {
    Refusal::Hidden.into()
}

/// A moment as programs read it (N4).
fn moment(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}
