//! Flashes (J11), the outcome of a plain form for the next page: the response to the form stores it in the directory
//! and gives the browser a ticket as a cookie; the page after the redirect takes it out. No text from a cookie is
//! shown.

use app::{Flash, request_context::SessionContext};
use axum::{
    http::{HeaderMap, HeaderName, header},
    response::Response,
};
use directory::{Error, FlashHolder, FlashTicket, SessionToken};

use crate::http::credentials::{add_cookie, cookie, cookies};

/// The largest flash, in bytes. A larger one is stored without what was typed.
const MOST_BYTES: usize = 48 * 1024;

/// Stores the outcome of a form for the session that the browser has after this response, and adds the ticket's cookie.
/// If it cannot be stored, the next page shows no outcome; the change itself stands.
pub(crate) async fn keep(context: &SessionContext, session: Option<SessionToken>, response: &mut Response) {
    if context.is_kept.set(()).is_err() {
        return;
    }
    // Both requests of a form that was sent twice get the same ticket.
    let ticket = match (context.submission.get(), &session) {
        (Some((submission, _)), Some(session)) => Some(FlashTicket::of(session, submission)),
        _ => None,
    };
    if let (Some(ticket), Some((_, true))) = (&ticket, context.submission.get()) {
        let seconds = FlashHolder::Visitor(&context.origin)
            .lifetime()
            .unsigned_abs()
            .as_secs();
        add_cookie(
            response,
            context.cookies,
            context.cookies.flash(),
            &ticket.reveal(),
            seconds,
        );
    }
    let Some(flash) = context.to_tell.get() else { return };
    let session = session_after(context, response, session);
    let (name, holder) = match &flash.waits_for {
        Some((user, page)) => (
            context.cookies.kept(),
            FlashHolder::Person(*user, page, &context.origin),
        ),
        None => (context.cookies.flash(), holder(context, session.as_ref())),
    };
    match context.directory.keep_flash(holder, ticket, &to_bytes(flash)).await {
        Ok(ticket) => {
            let seconds = holder.lifetime().unsigned_abs().as_secs();
            add_cookie(response, context.cookies, name, &ticket.reveal(), seconds);
        }
        // Past a limit: whoever fills it must not fill the log as well.
        Err(Error::Refused(_)) => tracing::debug!("too much came of forms to be kept for the next page"),
        Err(error) => tracing::warn!(%error, "what came of a form could not be kept for the next page"),
    }
}

/// Takes the flash for the requested page out of the directory. Returns it with the name of its cookie, or None if
/// there is none, if it belongs to another session (or to a person who has yet to sign in and return to this page), or
/// if the browser was sent here by another origin, which could have set the cookies.
pub(crate) async fn take(
    context: &SessionContext,
    session: Option<SessionToken>,
    path: &str,
    headers: &HeaderMap,
) -> Option<(Flash, &'static str)> {
    if !is_from_here(headers) {
        return None;
    }
    let (flash, kept) = (context.cookies.flash(), context.cookies.kept());
    let ticket = |name| FlashTicket::parse(cookie(headers, name)?);
    if let Some(ticket) = ticket(flash) {
        let taken = open(context, holder(context, session.as_ref()), &ticket).await?;
        return Some((taken, flash));
    }
    let holder = FlashHolder::Person(context.session.as_ref()?.user, path, &context.origin);
    let taken = open(context, holder, &ticket(kept)?).await?;
    Some((taken, kept))
}

async fn open(context: &SessionContext, holder: FlashHolder<'_>, ticket: &FlashTicket) -> Option<Flash> {
    match context.directory.take_flash(holder, ticket).await {
        Ok(content) => serde_json::from_slice(&content?).ok(),
        Err(error) => {
            tracing::warn!(%error, "what came of a form could not be read");
            None
        }
    }
}

/// Deletes the ticket's cookie. The one that waits for a person to sign in again stays until it is `used`.
pub(crate) fn forget(context: &SessionContext, headers: &HeaderMap, used: Option<&str>, response: &mut Response) {
    for name in [context.cookies.flash(), context.cookies.kept()] {
        let is_over = name == context.cookies.flash() || used == Some(name);
        if is_over && cookies(headers, name).next().is_some() {
            add_cookie(response, context.cookies, name, "", 0);
        }
    }
}

/// Whether the request came from a page of the console, by `Sec-Fetch-Site`. Browsers send that over https and to
/// localhost only, so a request without it counts as one.
fn is_from_here(headers: &HeaderMap) -> bool {
    headers
        .get(HeaderName::from_static("sec-fetch-site"))
        .is_none_or(|site| site.as_bytes() == b"same-origin")
}

fn holder<'a>(context: &'a SessionContext, session: Option<&'a SessionToken>) -> FlashHolder<'a> {
    session.map_or(FlashHolder::Visitor(&context.origin), FlashHolder::Session)
}

/// The session that the browser will send next: the current one, unless the response sets another or deletes it.
fn session_after(context: &SessionContext, response: &Response, now: Option<SessionToken>) -> Option<SessionToken> {
    response
        .headers()
        .get_all(header::SET_COOKIE)
        .into_iter()
        .filter_map(|line| line.to_str().ok()?.split(';').next())
        .filter_map(|pair| pair.strip_prefix(context.cookies.session())?.strip_prefix('='))
        .next_back()
        .map_or(now, SessionToken::parse)
}

fn to_bytes(flash: &Flash) -> Vec<u8> {
    let whole = serde_json::to_vec(flash).unwrap_or_default();
    if whole.len() <= MOST_BYTES {
        return whole;
    }
    let short = Flash {
        typed: Vec::new(),
        ..flash.clone()
    };
    serde_json::to_vec(&short).unwrap_or_default()
}
