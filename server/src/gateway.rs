//! The endpoints of enforcement points (E3): `GET /gateway/authorize` for reverse proxies, `GET /ssh/authorized-keys`
//! for the nodes of clusters. Reads an access request from headers and answers with the directory's decision, as a
//! status and headers.
//!
//! It must not decide anything itself. Unless the directory clearly allows a request, the answer is one that no gateway
//! takes for permission.

use std::{any::Any, future::Future, sync::Arc, time::Duration};

use app::Problem;
use axum::{
    Router,
    extract::{Query, Request, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{from_fn, map_response},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use directory::{AccessDecision, AccessRequest, Credential, Error, ProjectRef, SessionToken, Token, TokenKind};
use policy::{Allowance, Decision, Login, Permission, Refusal, ResourceKind, Scope};
use serde::Deserialize;
use tokio::time::timeout;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    gateway_limits::GatewayLimits,
    http::{
        credentials::{bearer, cookie, origin},
        layers::no_store,
        paths::AUTHORIZE,
        problem::{ApiError, render_problem},
    },
    state::AppState,
};

/// How long a gateway waits for a decision. It holds a client's request meanwhile, so an unreachable database must fail
/// fast (E6).
const MOST_TIME: Duration = Duration::from_millis(2500);

const GATEWAY: HeaderName = HeaderName::from_static("x-roster-gateway");
const RESOURCE: HeaderName = HeaderName::from_static("x-roster-resource");
const PROJECT: HeaderName = HeaderName::from_static("x-roster-project");
const ACTION: HeaderName = HeaderName::from_static("x-roster-action");
const SUBJECT: HeaderName = HeaderName::from_static("x-roster-subject");
const SUBJECT_TYPE: HeaderName = HeaderName::from_static("x-roster-subject-type");
const PROJECT_ID: HeaderName = HeaderName::from_static("x-roster-project-id");
const ROLE: HeaderName = HeaderName::from_static("x-roster-role");
const REASON: HeaderName = HeaderName::from_static("x-roster-reason");

/// Stands for the project of the API key that asks. It cannot be a slug.
const THE_KEYS_OWN: &str = "~own";

/// What the handlers of this file share: the state of the server, and the limits on unknown gateways.
#[derive(Clone, Debug)]
struct GatewayState {
    app: AppState,
    limits: Arc<GatewayLimits>,
}

/// The routes for enforcement points, which authenticate with a gateway token. They set no cookies, and responses are
/// not cached.
pub(crate) fn gateways(app: &AppState) -> Router {
    Router::new()
        // Any method, any path below: some gateways forward the method of the request they hold, some append its path.
        .route("/gateway/authorize", any(authorize))
        .route(AUTHORIZE, any(authorize))
        .route("/gateway/authorize/{*held}", any(authorize))
        .route("/ssh/authorized-keys", get(authorized_keys))
        .layer(
            ServiceBuilder::new()
                .layer(no_store())
                .layer(map_response(give_reason))
                .layer(from_fn(render_problem))
                .layer(CatchPanicLayer::custom(|_: Box<dyn Any + Send>| {
                    ApiError::from(Problem::Internal).into_response()
                })),
        )
        .with_state(GatewayState {
            app: app.clone(),
            limits: Arc::default(),
        })
}

/// Copies the code of a refusal into a header, where gateways can log it. An allowing answer sets its reason itself.
async fn give_reason(mut response: Response) -> Response {
    if let Some(code) = response.extensions().get::<ApiError>().map(ApiError::code) {
        response.headers_mut().insert(REASON, HeaderValue::from_static(code));
    }
    response
}

async fn authorize(State(state): State<GatewayState>, request: Request) -> Result<Response, ApiError> {
    let address = origin(&request).address;
    let (parts, _) = request.into_parts();
    let (decision, permission) = within(evaluate_request(&state, &parts.headers, &address)).await?;
    match decision.decision {
        // An allowing answer that cannot name its subject must not be given.
        Decision::Allowed(allowance) => let_through(&decision, allowance).ok_or(Problem::Internal.into()),
        Decision::Denied(denial) => Err(ApiError::Denied(denial, permission)),
    }
}

async fn evaluate_request(
    state: &GatewayState,
    headers: &HeaderMap,
    address: &str,
) -> Result<(AccessDecision, Permission), Error> {
    let gateway = gateway(headers)?;
    let credential = credential(&state.app, headers)?;
    let permission = only(headers, &ACTION)?
        .and_then(|name| name.parse::<Permission>().ok())
        .filter(|permission| permission.scope() == Scope::Project)
        .ok_or(Refusal::Malformed)?;
    let resource = only(headers, &RESOURCE)?.map(resource).transpose()?;
    // The permission must be one of the resource's kind.
    if resource.is_some_and(|(kind, _)| permission.resource_kind() != Some(kind)) {
        return Err(Refusal::Malformed.into());
    }
    let project = only(headers, &PROJECT)?;
    // A gateway whose variable is empty names nothing: that must not let every key in, each to its own project.
    if project.is_none() && resource.is_none() {
        return Err(Refusal::Malformed.into());
    }
    let project = project.filter(|project| *project != THE_KEYS_OWN).map(project_named);
    let request = AccessRequest {
        gateway: &gateway,
        credential: &credential,
        project: project.as_ref(),
        resource,
        permission,
    };
    let directory = &state.app.for_gateways;
    let answer = async { directory.evaluate_request(&request).await };
    Ok((
        state.limits.guard(directory, &gateway, address, answer).await?,
        permission,
    ))
}

/// A project by its id, or its slug: see [`ProjectRef`].
fn project_named(text: &str) -> ProjectRef {
    match text.parse() {
        Ok(project) => project,
        Err(never) => match never {},
    }
}

/// The token of the gateway that asks. A malformed token is refused without a query.
fn gateway(headers: &HeaderMap) -> Result<Token, Refusal> {
    let token = only(headers, &GATEWAY).ok().flatten().ok_or(Refusal::GatewayUnknown)?;
    Token::parse(TokenKind::Gateway, token)
}

/// The caller's credential: an API key, or else a session cookie. A malformed key is refused without a query (K3).
fn credential(app: &AppState, headers: &HeaderMap) -> Result<Credential, Refusal> {
    if let Some(key) = only(headers, &header::AUTHORIZATION)?.and_then(bearer) {
        return Token::parse(TokenKind::ApiKey, key).map(Credential::ApiKey);
    }
    cookie(headers, app.cookies.session())
        .and_then(SessionToken::parse)
        .map(Credential::Session)
        .ok_or(Refusal::SignedOut)
}

/// `{kind}/{id}`.
fn resource(text: &str) -> Result<(ResourceKind, &str), Refusal> {
    let (kind, id) = text.split_once('/').ok_or(Refusal::Malformed)?;
    Ok((kind.parse().map_err(|_| Refusal::Malformed)?, id))
}

/// The single value of a header, if the header is there. A repeated header is malformed, because one of the values
/// could be the client's; so is an empty one, because the gateway's variable was empty.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).into_iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) if !value.is_empty() => value.to_str().map(Some).map_err(|_| Refusal::Malformed),
        (Some(_), _) => Err(Refusal::Malformed),
    }
}

/// The answer, or `unavailable` if it does not come within [`MOST_TIME`] (E6).
async fn within<T>(answer: impl Future<Output = Result<T, Error>>) -> Result<T, ApiError> {
    match timeout(MOST_TIME, answer).await {
        Ok(Err(Error::Refused(Refusal::Malformed))) => Err(ApiError::BadAccessRequest),
        Ok(answer) => answer.map_err(|error| Problem::from(error).into()),
        Err(_) => {
            tracing::warn!("a gateway was told to ask again: the database does not answer");
            Err(Problem::Unavailable.into())
        }
    }
}

/// The response that lets a request through, with the subject, project and role in headers. None if a value cannot
/// stand in a header, or the decision names no project.
fn let_through(decision: &AccessDecision, allowance: Allowance) -> Option<Response> {
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    headers.insert(SUBJECT, HeaderValue::from_str(&decision.subject.id().to_string()).ok()?);
    headers.insert(SUBJECT_TYPE, HeaderValue::from_static(decision.subject.kind()));
    let (id, slug) = decision.project.as_ref()?;
    headers.insert(PROJECT, HeaderValue::from_str(slug.as_str()).ok()?);
    headers.insert(PROJECT_ID, HeaderValue::from_str(&id.to_string()).ok()?);
    headers.insert(ROLE, HeaderValue::from_static(allowance.role_code()));
    headers.insert(REASON, HeaderValue::from_static(allowance.code()));
    Some(response)
}

/// The query of `/ssh/authorized-keys`: who may log in to this cluster as this user, optionally with this key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    cluster: String,
    user: String,
    fingerprint: Option<String>,
}

async fn authorized_keys(
    State(state): State<GatewayState>,
    asked: Result<Query<Asked>, QueryRejection>,
    request: Request,
) -> Result<Response, ApiError> {
    let address = origin(&request).address;
    let (parts, _) = request.into_parts();
    let lines = within(lines(&state, &parts.headers, &address, asked)).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], lines).into_response())
}

/// Whether a text can be a key's fingerprint, of whichever kind sshd was told to make (`FingerprintHash` in
/// sshd_config(5)).
fn is_fingerprint(text: &str) -> bool {
    (1..=200).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Lines of `authorized_keys` (sshd(8)), each with its owner's address as the comment.
async fn lines(
    state: &GatewayState,
    headers: &HeaderMap,
    address: &str,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<String, Error> {
    let gateway = gateway(headers)?;
    // The extractor's own message would expose internals.
    let Query(asked) = asked.map_err(|_| Refusal::Malformed)?;
    let login: Login = asked.user.parse().map_err(|_| Refusal::Malformed)?;
    if asked.cluster.is_empty() || !asked.fingerprint.as_deref().is_none_or(is_fingerprint) {
        return Err(Refusal::Malformed.into());
    }
    let directory = &state.app.for_gateways;
    let answer = directory.authorized_keys(&gateway, &asked.cluster, &login, asked.fingerprint.as_deref());
    let keys = state.limits.guard(directory, &gateway, address, answer).await?;
    Ok(keys
        .iter()
        .map(|key| format!("{} {}\n", key.public_key, key.email))
        .collect())
}
