//! Who is asking: reads the cookies of a request, finds the session, and puts a [`SessionContext`] where pages and
//! server functions look for it.

use std::sync::{Arc, OnceLock};

use app::{Problem, request_context::SessionContext};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use directory::{DeviceToken, Origin, Session, SessionToken};

use crate::{
    flash,
    http::{
        credentials::{cookie, origin, shadowed_paths},
        layers,
        paths::EVENTS,
        plain_page,
        problem::ApiError,
    },
    state::AppState,
};

/// Finds the session of a request by its cookie, adds a [`SessionContext`] to the request, and calls the next layer.
/// Answers 503 itself if the database cannot be asked.
pub(crate) async fn identify(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let headers = request.headers();
    let session = match session(&state, headers).await {
        Ok(session) => session,
        Err(error) => {
            let problem = Problem::from(error);
            return if is_page(&request) {
                let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
                plain_page::unavailable(status)
            } else if is_stream(&request) {
                ApiError::from(problem).into_response()
            } else {
                layers::problem(problem)
            };
        }
    };
    let cookies = state.cookies;
    let origin = Origin {
        device: cookie(headers, cookies.device()).and_then(DeviceToken::parse),
        session: session.as_ref().map(|session| session.id),
        ..origin(&request)
    };
    let context = SessionContext {
        directory: state.directory.clone(),
        session,
        origin,
        flash: None,
        to_tell: Arc::new(OnceLock::new()),
        submission: Arc::new(OnceLock::new()),
        is_kept: Arc::new(OnceLock::new()),
        last_project: cookie(headers, cookies.last_project()).map(ToOwned::to_owned),
        cookies,
        url: state.url.clone(),
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

/// Whether the request is for a page, rather than for a server function or an event stream.
fn is_page(request: &Request) -> bool {
    !request.uri().path().starts_with("/api/") && !is_stream(request)
}

fn is_stream(request: &Request) -> bool {
    request.uri().path() == EVENTS
}

async fn session(state: &AppState, headers: &HeaderMap) -> directory::Result<Option<Session>> {
    match cookie(headers, state.cookies.session()).and_then(SessionToken::parse) {
        Some(token) => state.directory.session(&token).await,
        None => Ok(None),
    }
}
