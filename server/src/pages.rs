//! Pages: rendered whole by the app, with a policy that lets nothing run but its own script.

use app::{document, gate::Visit};
use axum::{
    body::Body,
    extract::{Extension, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use leptos::{nonce::use_nonce, prelude::use_context};
use leptos_axum::ResponseOptions;

use crate::Console;

/// Pages for people who are not signed in; every other page asks them to.
const PUBLIC: [&str; 3] = ["/sign-in", "/sign-up", "/docs/roles"];

/// The part of a path that stands for the project last looked at (INTERFACES, pages).
const CURRENT: &str = "~current";

/// Answers with a page.
pub(crate) async fn page(
    State(console): State<Console>,
    Extension(visit): Extension<Visit>,
    request: Request,
) -> Response {
    let path = request.uri().path();
    let Some(session) = &visit.session else {
        if PUBLIC.contains(&path) {
            return render(&console, request).await;
        }
        let to = request.uri().path_and_query().map_or("/", |whole| whole.as_str());
        return Redirect::to(&app::sign_in_path(to)).into_response();
    };
    if matches!(path, "/sign-in" | "/sign-up") {
        return Redirect::to("/").into_response();
    }
    if path.split('/').any(|part| part == CURRENT)
        && let Ok(Some(project)) = visit
            .directory
            .current_project(session.user, visit.last_project.as_deref())
            .await
    {
        let part = if path.starts_with("/settings/organization/") {
            project.organization_slug
        } else {
            project.slug
        };
        let to = path.replacen(CURRENT, part.as_str(), 1);
        let query = request
            .uri()
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        return Redirect::to(&format!("{to}{query}")).into_response();
    }
    render(&console, request).await
}

async fn render(console: &Console, request: Request<Body>) -> Response {
    let assets = console.assets.clone();
    let render = leptos_axum::render_app_async_with_context(restrict, move || {
        document(&assets.script, &assets.wasm, &assets.style)
    });
    render(request).await
}

/// The content security policy of a page: its own script, by a nonce of its own, and what that loads.
fn restrict() {
    let (Some(options), Some(nonce)) = (use_context::<ResponseOptions>(), use_nonce()) else {
        return;
    };
    let policy = format!(
        "default-src 'none'; script-src 'strict-dynamic' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        options.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// The page for when the database cannot be asked (E6): made of nothing but itself.
pub(crate) fn unavailable(status: StatusCode) -> Response {
    let page = "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
                <title>Roster can’t answer right now</title><h1>Roster can’t answer right now</h1>\
                <p>Nothing was changed. Try again in a moment.</p></html>";
    let headers = [
        (header::RETRY_AFTER, HeaderValue::from_static("5")),
        (
            HeaderName::from_static("content-security-policy"),
            HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
        ),
    ];
    (status, headers, Html(page)).into_response()
}
