//! The routers, one per audience, each with its own layers.

use std::{collections::HashSet, sync::Arc, time::Duration};

use app::Problem;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use http_body_util::BodyExt;
use policy::Refusal;
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{CompressionLayer, CompressionLevel},
    csrf::CsrfLayer,
    limit::RequestBodyLimitLayer,
    request_id::{PropagateRequestIdLayer, SetRequestIdLayer},
    services::ServeDir,
    set_header::SetResponseHeaderLayer,
    timeout::TimeoutLayer,
};

use crate::{
    client, events, export, foreign_forms, gateway,
    host::{self, OwnHost},
    http::{
        layers::{NewRequestId, drop_request_id, is_utf8, no_store, problem, protect},
        paths::EVENTS,
        plain_page,
        problem::{self, ApiError},
    },
    log, metrics, pages, rest, session_context,
    state::AppState,
    submissions,
};

/// The largest body of a form, in bytes.
const MOST_BYTES: usize = 64 * 1024;
/// How long an answer to a person may take to begin.
const MOST_TIME: Duration = Duration::from_secs(30);

/// The router of everything, for one listener.
///
/// # Errors
/// If the public base URL is not a valid origin for forms.
pub fn router(state: &AppState) -> Result<Router, tower_http::csrf::ConfigError> {
    let routes = for_people_and_programs(state)?.merge(gateway::gateways(state));
    Ok(with_common_layers(state, routes))
}

/// The same for two listeners, the second one for gateways alone (E8).
///
/// # Errors
/// If the public base URL is none that a form could come from.
pub(crate) fn routers(state: &AppState) -> Result<(Router, Router), tower_http::csrf::ConfigError> {
    let routes = for_people_and_programs(state)?.merge(elsewhere());
    Ok((
        with_common_layers(state, routes),
        with_common_layers(state, gateway::gateways(state)),
    ))
}

fn for_people_and_programs(state: &AppState) -> Result<Router, tower_http::csrf::ConfigError> {
    // Rendering spawns its work there. A second router, in tests, finds it set.
    drop(any_spawner::Executor::init_tokio());
    Ok(Router::new()
        .merge(assets(state))
        .merge(rest::router(state.for_programs.clone()))
        .merge(live(state))
        .merge(people(state)?))
}

/// What every listener has: the answers of health, and the layers around everything.
fn with_common_layers(state: &AppState, routes: Router) -> Router {
    let routes = routes.merge(health(state)).layer(
        ServiceBuilder::new()
            .layer(from_fn(protect))
            .layer(from_fn_with_state(state.proxies.clone(), client::identify))
            // Ours, whatever the client sends: it goes into logs and the audit.
            .layer(from_fn(drop_request_id))
            .layer(SetRequestIdLayer::x_request_id(NewRequestId))
            .layer(log::requests())
            .layer(PropagateRequestIdLayer::x_request_id())
            .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
                problem(Problem::Internal)
            })),
    );
    match &state.metrics {
        Some(metrics) => routes.layer(from_fn_with_state(metrics.clone(), metrics::measure)),
        None => routes,
    }
}

/// What is asked at the other listener: nothing here, and no page either, which a gateway might take for an answer.
fn elsewhere() -> Router {
    let hidden = any(async || ApiError::from(Refusal::Hidden));
    ["/gateway/{*path}", "/ssh/{*path}", "/access/{*path}"]
        .into_iter()
        .fold(Router::new(), |router, path| router.route(path, hidden.clone()))
        .layer(from_fn(problem::render_problem))
}

/// `/healthz` and `/readyz`, for load balancers and probes.
fn health(state: &AppState) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .layer(no_store())
        .layer(from_fn(problem::render_problem))
        .with_state(state.clone())
}

async fn ready(State(state): State<AppState>) -> Result<&'static str, ApiError> {
    state.directory.ready().await?;
    Ok("ok\n")
}

/// The built site. What is in `/pkg` is named for its content, and kept for good.
fn assets(state: &AppState) -> Router {
    let files = |folder: &str| {
        ServeDir::new(state.assets.folder.join(folder))
            .precompressed_br()
            .precompressed_gzip()
    };
    let keep = |value| {
        SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, move |response: &Response<_>| {
            Some(HeaderValue::from_static(if response.status().is_success() {
                value
            } else {
                "no-store"
            }))
        })
    };
    let days = keep("public, max-age=86400");
    Router::new()
        .nest_service(
            "/pkg",
            ServiceBuilder::new()
                .layer(keep("public, max-age=31536000, immutable"))
                .service(files("pkg")),
        )
        .nest_service(
            "/fonts",
            ServiceBuilder::new().layer(days.clone()).service(files("fonts")),
        )
        .nest_service(
            "/favicon.svg",
            ServiceBuilder::new()
                .layer(days)
                .service(tower_http::services::ServeFile::new(
                    state.assets.folder.join("favicon.svg"),
                )),
        )
}

/// The console, for people in browsers: cookies, forms, pages.
fn people(state: &AppState) -> Result<Router, tower_http::csrf::ConfigError> {
    let csrf = CsrfLayer::new()
        .add_trusted_origin(&*state.url)?
        .with_rejection_response(|_| plain_page::foreign_form());
    let known: Arc<HashSet<(String, Method)>> = Arc::new(
        leptos::server_fn::axum::server_fn_paths()
            .map(|(path, method)| (path.to_owned(), method))
            .collect(),
    );
    let functions = any(move |request: Request| call(Arc::clone(&known), request));
    let quick = ServiceBuilder::new()
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            MOST_TIME,
        ))
        .layer(RequestBodyLimitLayer::new(MOST_BYTES))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest));
    Ok(Router::new()
        .route("/api/{*function}", functions)
        .route(
            "/settings/organization/{organization}/members.csv",
            get(export::members),
        )
        .route(
            "/settings/projects/{project}/collaborators.csv",
            get(export::collaborators),
        )
        .fallback(get(pages::page))
        .layer(
            ServiceBuilder::new()
                .layer(no_store())
                .layer(from_fn_with_state(OwnHost::of(&state.url), host::check))
                .layer(csrf)
                .layer(from_fn_with_state(state.clone(), session_context::identify))
                .layer(quick),
        )
        .with_state(state.clone()))
}

/// Live events, for pages and programs with a session: open for as long as somebody looks, and answered with problems
/// like everything that programs read.
fn live(state: &AppState) -> Router {
    Router::new()
        .route(EVENTS, get(events::stream::events))
        .layer(
            ServiceBuilder::new()
                .layer(no_store())
                .layer(from_fn_with_state(OwnHost::of(&state.url), host::check))
                .layer(from_fn(problem::render_problem))
                .layer(from_fn_with_state(state.clone(), session_context::identify)),
        )
        .with_state(state.clone())
}

/// Calls a server function. Answers 404 for a path that is not one.
async fn call(known: Arc<HashSet<(String, Method)>>, request: Request<Body>) -> Response {
    if known.contains(&(request.uri().path().to_owned(), request.method().clone())) {
        let Some((parts, body)) = well_formed(request).await else {
            return problem(Refusal::Malformed.into());
        };
        if let Err(answer) = foreign_forms::check(&parts, &body) {
            return *answer;
        }
        submissions::once(parts, body, |request| async {
            leptos_axum::handle_server_fns(request).await.into_response()
        })
        .await
    } else {
        problem(Refusal::Hidden.into())
    }
}

/// The request, if its arguments are UTF-8: what is not would be read with signs of replacement in it, and saved as
/// such.
async fn well_formed(request: Request<Body>) -> Option<(Parts, Bytes)> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.ok()?.to_bytes();
    let query = parts.uri.query().unwrap_or_default();
    (is_utf8(query.as_bytes()) && is_utf8(&body)).then_some((parts, body))
}
