//! A form that is sent twice at once is done once (a double click, where no script holds the second one back): both get
//! the same answer.
//!
//! The browser breaks the first one off as it sends the second, and shows the answer to that alone. So a form, once
//! begun, is done to its end whoever still waits for it, and what it came to is kept before it counts as done.

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

/// Has a form done by `answer`, unless the same one of the same session is under way, or was just done from the same
/// page.
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
            // A fault of ours was caught, and is told as one.
            done.await.unwrap_or_else(|_| problem(Problem::Internal))
        }
        Ok(Sent::Again(submission, location)) => {
            drop(context.submission.set((submission, true)));
            again(&parts, location)
        }
        Err(error) => problem(error.into()),
    }
}

/// Waits for the answer, keeps what it has to tell, and notes how the form ended.
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
    // What ends in a secret is kept nowhere: the page the form was on is where it leads.
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

/// The answer to the second of two: where the first one's led to. A program is told that it was taken already.
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
