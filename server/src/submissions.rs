//! Makes a form idempotent that is sent twice at once, by a double click where no script prevents it: it is executed
//! once, and both requests get the same response.
//!
//! The browser aborts the first request when it sends the second, and shows the response to the second alone. So a form
//! is executed in a task of its own, which a broken connection does not cancel, and its outcome is stored before it
//! counts as done.

use std::future::Future;

use app::{
    Outcome, Problem,
    request_context::{self, SessionContext},
};
use axum::{
    Json,
    body::{Body, Bytes},
    extract::Request,
    http::{Method, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use directory::{Sent, SessionToken, Submission};
use policy::Refusal;
use tracing::Instrument;

use crate::{
    flash,
    http::{layers::problem, paths::BY_LINK},
    session_context,
};

/// Executes a form with `answer`, unless the same form of the same session is being executed, or was just executed from
/// the same page.
pub(crate) async fn once<F, Fut>(parts: Parts, body: Bytes, answer: F) -> Response
where
    F: FnOnce(Request<Body>) -> Fut + Send + 'static,
    Fut: Future<Output = Response> + Send + 'static,
{
    let context = parts.extensions.get::<SessionContext>().cloned();
    let token = context
        .as_ref()
        .and_then(|context| session_context::live_token(context, &parts.headers));
    let is_form = parts.method == Method::POST && request_context::is_own_form(parts.uri.path());
    let (Some(context), Some(token), true) = (context, token, is_form) else {
        return answer(Request::from_parts(parts, body.into())).await;
    };
    let page = request_context::page_of_form(parts.uri.query().unwrap_or_default());
    let form = [parts.uri.path().as_bytes(), &body];
    let sent = context.directory.begin_submission(&token, form, page.as_deref()).await;
    match sent {
        Ok(Sent::First(submission)) => {
            drop(context.submission.set((submission.clone(), false)));
            let request = Request::from_parts(parts, body.into());
            let done = finish(context, token, submission, answer(request));
            let done = tokio::spawn(done.in_current_span());
            // The task panicked: an internal error.
            done.await.unwrap_or_else(|_| problem(Problem::Internal))
        }
        Ok(Sent::Again(submission, location)) => {
            drop(context.submission.set((submission, true)));
            again(&parts, location)
        }
        Err(error) => problem(error.into()),
    }
}

/// Awaits the response, stores the flash, and records how the form ended.
async fn finish(
    context: SessionContext,
    token: SessionToken,
    submission: Submission,
    answer: impl Future<Output = Response>,
) -> Response {
    let mut response = answer.await;
    flash::keep(&context, Some(token), &mut response).await;
    let is_refused = context.to_tell.get().is_some_and(|flash| flash.outcome.is_err());
    let location = response.headers().get(header::LOCATION);
    // A location that ends in a secret is not stored. The second request then redirects to the page of the form.
    let location = location
        .and_then(|to| to.to_str().ok())
        .filter(|to| !BY_LINK.iter().any(|head| to.starts_with(head)));
    let noted = if response.status().is_server_error() {
        context.directory.forget_submission(&submission).await
    } else {
        context
            .directory
            .end_submission(&submission, location, is_refused)
            .await
    };
    if let Err(error) = noted {
        tracing::warn!(%error, "that a form is done could not be noted");
    }
    response
}

/// The response to the second request: the redirect of the first one. A program gets the refusal `already_sent`.
fn again(parts: &Parts, location: Option<String>) -> Response {
    if request_context::wants_page(&parts.headers) {
        let to = location.unwrap_or_else(|| request_context::page_before(&parts.headers));
        return Redirect::to(&to).into_response();
    }
    let refusal = Problem::from(Refusal::AlreadySent);
    if request_context::is_own_script(&parts.headers) {
        Json(Outcome::Err(refusal)).into_response()
    } else {
        problem(refusal)
    }
}
