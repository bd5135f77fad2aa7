//! Flashes on their way (J11): the answer to a plain form leaves one with the directory and gives the browser a ticket,
//! and the page that the answer leads to takes it out. Nothing that a cookie says is shown.

use app::{Flash, request_context::SessionContext};
use axum::{
    http::{HeaderMap, HeaderName, header},
    response::Response,
};
use directory::{Error, FlashHolder, FlashTicket, SessionToken};

use crate::http::credentials::{add_cookie, cookie, cookies};

/// A flash larger than this goes without what was typed.
const MOST_BYTES: usize = 48 * 1024;

/// Keeps what the answer to a form has to tell, for the session that the browser has from then on, and gives the
/// browser the ticket. What can't be kept is not told: the change is made all the same.
pub(crate) async fn keep(context: &SessionContext, session: Option<SessionToken>, response: &mut Response) {
    if context.is_kept.set(()).is_err() {
        return;
    }
    // Of a form that was sent twice both requests show the same.
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

/// Takes out the flash of the page that is asked for, if there is one, and it is this session's, or waited for its
/// person to sign in and come back to this page; and the browser came here from a page of ours: a page of another
/// origin could have set the cookies and opened this one. Answers the name of the cookie that led to it as well.
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

/// Takes the ticket away from the browser. One that waits for its person to come back stays until `used`.
pub(crate) fn forget(context: &SessionContext, headers: &HeaderMap, used: Option<&str>, response: &mut Response) {
    for name in [context.cookies.flash(), context.cookies.kept()] {
        let is_over = name == context.cookies.flash() || used == Some(name);
        if is_over && cookies(headers, name).next().is_some() {
            add_cookie(response, context.cookies, name, "", 0);
        }
    }
}

/// Whether the browser was led here by an answer of ours. Browsers say so over https and on this machine; one that says
/// nothing is believed.
fn is_from_here(headers: &HeaderMap) -> bool {
    headers
        .get(HeaderName::from_static("sec-fetch-site"))
        .is_none_or(|site| site.as_bytes() == b"same-origin")
}

fn holder<'a>(context: &'a SessionContext, session: Option<&'a SessionToken>) -> FlashHolder<'a> {
    session.map_or(FlashHolder::Visitor(&context.origin), FlashHolder::Session)
}

/// The session the browser comes back with: the one it has, unless the answer gives it another or takes it away.
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
