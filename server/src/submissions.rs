//! A form that is sent twice at once is done once (a double click, where no script holds the second one back): both get the
//! same answer.

use std::future::Future;

use app::{
    Outcome, Problem,
    gate::{self, Visit},
};
use axum::{
    Json,
    body::{Body, Bytes},
    extract::Request,
    http::{Method, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use directory::Sent;
use policy::Refusal;

use crate::router::problem;

/// Has a form done by `answer`, unless the same one of the same session is under way, or was just sent from the same page.
pub(crate) async fn once<F, Fut>(parts: Parts, body: Bytes, answer: F) -> Response
where
    F: FnOnce(Request<Body>) -> Fut,
    Fut: Future<Output = Response>,
{
    let visit = parts.extensions.get::<Visit>().cloned();
    let session = visit
        .as_ref()
        .and_then(|visit| visit.session.as_ref())
        .map(|session| session.id);
    let is_form = parts.method == Method::POST && gate::is_own_form(parts.uri.path());
    let (Some(visit), Some(session), true) = (visit, session, is_form) else {
        return answer(Request::from_parts(parts, body.into())).await;
    };
    let page = gate::page_of_form(parts.uri.query().unwrap_or_default());
    let form = [parts.uri.path().as_bytes(), &body];
    let sent = visit.directory.begin_submission(session, &form, page.as_deref()).await;
    let submission = match sent {
        Ok(Sent::First(submission)) => submission,
        Ok(Sent::Again(submission, location)) => {
            drop(visit.submission.set((submission, true)));
            return again(&parts, location);
        }
        Err(error) => return problem(error.into()),
    };
    drop(visit.submission.set((submission.clone(), false)));
    let response = answer(Request::from_parts(parts, body.into())).await;
    let location = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
    let noted = if response.status().is_server_error() {
        visit.directory.forget_submission(&submission).await
    } else {
        visit.directory.end_submission(&submission, location).await
    };
    if let Err(error) = noted {
        tracing::warn!(%error, "that a form is done could not be noted");
    }
    response
}

/// The answer to the second of two: where the first one's led to. A program is told that it was taken already.
fn again(parts: &Parts, location: Option<String>) -> Response {
    if gate::wants_page(&parts.headers) {
        let to = location.unwrap_or_else(|| gate::page_before(&parts.headers));
        return Redirect::to(&to).into_response();
    }
    let refusal = Problem::from(Refusal::AlreadySent);
    if gate::is_own_script(&parts.headers) {
        Json(Outcome::Err(refusal)).into_response()
    } else {
        problem(refusal)
    }
}
