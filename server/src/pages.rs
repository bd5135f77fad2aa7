//! Pages: rendered completely by the app before they are sent, with a content security policy that allows no script but
//! their own. Redirects to the sign-in page and to the current project.

use crate::{
    flash,
    http::{layers::is_utf8, paths::BY_LINK, plain_page::bare},
    session_context,
    state::AppState,
};
use app::{Site, request_context::SessionContext};
use axum::{
    body::Body,
    extract::{Extension, Request, State},
    http::{HeaderValue, StatusCode, Uri, header},
    response::{Html, IntoResponse, Redirect, Response},
};

/// Pages that need no session. Every other one redirects to the sign-in page.
const PUBLIC: [&str; 4] = ["/sign-in", "/sign-up", "/forgot-password", "/docs/roles"];

/// The part of a path that stands for the project last looked at (INTERFACES, pages).
const CURRENT: &str = "~current";

/// The beginnings of the paths that may contain [`CURRENT`].
const HEADS: [&str; 3] = ["/projects/", "/settings/projects/", ORGANIZATION];
const ORGANIZATION: &str = "/settings/organization/";

/// Answers with a page.
pub(crate) async fn page(
    State(state): State<AppState>,
    Extension(context): Extension<SessionContext>,
    request: Request,
) -> Response {
    match destination(&context, request.uri()).await {
        Some(answer) => answer,
        None => render(&state, context, request).await,
    }
}

/// The redirect for a request that belongs to another page, or the error for a malformed query. None if the page itself
/// is to be rendered.
async fn destination(context: &SessionContext, uri: &Uri) -> Option<Response> {
    let path = uri.path();
    if !is_utf8(uri.query().unwrap_or_default().as_bytes()) {
        return Some(bare(
            StatusCode::BAD_REQUEST,
            "This link doesn’t work",
            "It isn’t one that Roster made. Start again from your projects.",
        ));
    }
    let Some(session) = &context.session else {
        if PUBLIC.contains(&path) || BY_LINK.iter().any(|head| path.starts_with(head)) {
            return None;
        }
        let to = uri.path_and_query().map_or("/", |whole| whole.as_str());
        return Some(Redirect::to(&app::sign_in_path(to)).into_response());
    };
    if matches!(path, "/sign-in" | "/sign-up") {
        let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        let next = query.filter(|(name, _)| name == "next").map(|(_, next)| next).next();
        return Some(Redirect::to(app::local_path(&next.unwrap_or_default())).into_response());
    }
    let head = head_of_current(path);
    if head.is_none() && path != "/" {
        return None;
    }
    let last = context.last_project.as_deref();
    let project = context
        .directory
        .current_project(&session.principal(context.origin.clone()), last, None)
        .await;
    let project = project.ok().flatten()?;
    let Some(head) = head else {
        let to = [(header::LOCATION, app::project_path(&project.slug))];
        return Some((StatusCode::FOUND, to).into_response());
    };
    let part = if head == ORGANIZATION {
        project.organization_slug
    } else {
        project.slug
    };
    let to = path.replacen(CURRENT, part.as_str(), 1);
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    Some(Redirect::to(&format!("{to}{query}")).into_response())
}

/// The part of the path before [`CURRENT`], if it is one of [`HEADS`]. Other paths must not be redirected:
/// `//evil.test/~current` would lead to another site.
fn head_of_current(path: &str) -> Option<&'static str> {
    HEADS
        .into_iter()
        .find(|head| path.strip_prefix(head).and_then(|rest| rest.split('/').next()) == Some(CURRENT))
}

/// Renders the page with the flash that waits for it, which is deleted by that. Redirects leave the flash alone: it is
/// for the page they lead to.
async fn render(state: &AppState, mut context: SessionContext, mut request: Request<Body>) -> Response {
    let headers = request.headers().clone();
    let session = session_context::live_token(&context, &headers);
    let taken = flash::take(&context, session, request.uri().path(), &headers).await;
    let (shown, used) = taken.unzip();
    context.flash = shown;
    request.extensions_mut().insert(context.clone());
    let site = Site {
        script: &state.assets.script,
        wasm: &state.assets.wasm,
        style: &state.assets.style,
    };
    let (parts, _) = request.into_parts();
    let page = app::render(parts, site).await;
    let mut response = (page.status.unwrap_or_default(), page.headers, Html(page.html)).into_response();
    response
        .headers_mut()
        .extend(policy(&page.nonce).map(|policy| (header::CONTENT_SECURITY_POLICY, policy)));
    flash::forget(&context, &headers, used, &mut response);
    response
}

/// The content security policy of a page: its own script, by a nonce of its own, and what that loads.
fn policy(nonce: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!(
        "default-src 'none'; script-src 'strict-dynamic' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    ))
    .ok()
}
