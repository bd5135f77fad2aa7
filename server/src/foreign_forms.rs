//! Refuses a form that was made for another person than the one who is signed in now.
//!
//! A browser has one session for all its tabs. A page says in each of its forms for whom it was made: in the form's
//! address (`?as=`), or in a header of its script. If somebody else has signed in since, or nobody is any more, it is
//! refused, and what was typed is kept and shown where they go on.

use app::{
    Outcome, Problem,
    request_context::{self, Foreign, SessionContext},
};
use axum::{
    Json,
    http::{HeaderName, HeaderValue, Method, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use policy::Refusal;

use crate::http::layers::problem;

/// Accepts a form that names nobody, as programs' do, or the person who is signed in.
///
/// # Errors
/// The response to any other form.
pub(crate) fn check(parts: &Parts, body: &[u8]) -> Result<(), Box<Response>> {
    let Some(context) = parts.extensions.get::<SessionContext>() else {
        return Err(Box::new(problem(Problem::Internal)));
    };
    if parts.method != Method::POST {
        return Ok(());
    }
    let page = request_context::page_before(&parts.headers);
    match context.foreign_form(parts, body, &page) {
        Some(foreign) => Err(Box::new(refuse(parts, context, foreign, &page))),
        None => Ok(()),
    }
}

fn refuse(parts: &Parts, context: &SessionContext, foreign: Foreign, page: &str) -> Response {
    let Foreign { refusal, flash } = foreign;
    let (wants_page, is_script) = (
        request_context::wants_page(&parts.headers),
        request_context::is_own_script(&parts.headers),
    );
    let who = flash.as_ref().and_then(|flash| flash.who.clone());
    // A script shows it in place, as long as somebody is signed in.
    if let Some(flash) = flash
        && (wants_page || is_script && refusal == Refusal::SignedOut)
    {
        drop(context.to_tell.set(flash));
    }
    if wants_page {
        let to = if refusal == Refusal::SignedOut {
            app::sign_in_path(page)
        } else {
            page.to_owned()
        };
        return Redirect::to(&to).into_response();
    }
    if !is_script {
        return problem(refusal.into());
    }
    let mut response = Json(Outcome::Err(refusal.into())).into_response();
    let who = who.map(|who| utf8_percent_encode(&who, NON_ALPHANUMERIC).to_string());
    if let Some(who) = who.and_then(|who| HeaderValue::from_str(&who).ok()) {
        response
            .headers_mut()
            .insert(HeaderName::from_static(app::SIGNED_IN_HEADER), who);
    }
    response
}
