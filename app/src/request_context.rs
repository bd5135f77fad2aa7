//! The server's side of every server function: who asks, the directory to ask, and how an answer leaves.
//!
//! Server functions are public endpoints, and run in-process while a page is rendered: what they need comes from the
//! request that is being answered, and every check is inside them.

use std::{
    str::FromStr,
    sync::{Arc, OnceLock},
};

use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header, request::Parts};
use directory::{DeviceToken, Directory, Error, NewSession, Origin, Principal, Session, Submission, has_private_key};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use policy::{Refusal, UserId};

use crate::{
    Flash, Problem,
    outcome::{FormName, Outcome},
    paths,
};

/// As many bytes of what was typed into a refused form are kept for the page that shows the form again.
const MOST_TYPED: usize = 16 * 1024;

/// What the server knows of a request before anything is decided. Its router puts one into each request's extensions.
#[derive(Clone, Debug)]
pub struct SessionContext {
    /// The directory.
    pub directory: Directory,
    /// Who is signed in.
    pub session: Option<Session>,
    /// Where the request came from.
    pub origin: Origin,
    /// The outcome of a form sent before, for the page that is asked for.
    pub flash: Option<Flash>,
    /// The outcome of the form that is sent, for the page that its answer leads to: the server keeps it (J11).
    pub to_tell: Arc<OnceLock<Flash>>,
    /// The form that is sent, if its sender is signed in, and whether it was sent before.
    pub submission: Arc<OnceLock<(Submission, bool)>>,
    /// Set once that was kept.
    pub is_kept: Arc<OnceLock<()>>,
    /// The slug of the project last looked at.
    pub last_project: Option<String>,
    /// How cookies are named and sealed.
    pub cookies: Cookies,
    /// The public base URL, which links that leave the console begin with.
    pub url: Arc<str>,
}

impl SessionContext {
    /// Whoever makes the request, as nobody in particular: for what a password or the secret of a link decides.
    #[must_use]
    pub fn anonymous(&self) -> Principal {
        Principal::anonymous(self.origin.clone())
    }
}

/// How cookies are named and sealed: by the `__Host-` prefix, which a browser accepts only over https.
#[derive(Clone, Copy, Debug)]
pub struct Cookies {
    /// Whether the console is reached over https.
    pub is_secure: bool,
}

impl Cookies {
    /// The session cookie's name.
    #[must_use]
    pub const fn session(self) -> &'static str {
        if self.is_secure { "__Host-roster" } else { "roster" }
    }

    /// The flash cookie's name.
    #[must_use]
    pub const fn flash(self) -> &'static str {
        if self.is_secure {
            "__Host-roster-flash"
        } else {
            "roster-flash"
        }
    }

    /// The name of the cookie that leads to what was typed when nobody was signed in any more.
    #[must_use]
    pub const fn kept(self) -> &'static str {
        if self.is_secure {
            "__Host-roster-kept"
        } else {
            "roster-kept"
        }
    }

    /// The name of the cookie that a browser is known by which signed in before (J8).
    #[must_use]
    pub const fn device(self) -> &'static str {
        if self.is_secure {
            "__Host-roster-device"
        } else {
            "roster-device"
        }
    }

    /// The name of the cookie that remembers the project last looked at.
    #[must_use]
    pub const fn last_project(self) -> &'static str {
        if self.is_secure {
            "__Host-roster-project"
        } else {
            "roster-project"
        }
    }

    /// A `Set-Cookie` value. An empty `value` takes the cookie away.
    #[must_use]
    pub fn set(self, name: &str, value: &str, seconds: u64) -> Option<HeaderValue> {
        let seconds = if value.is_empty() { 0 } else { seconds };
        let secure = if self.is_secure { "; Secure" } else { "" };
        HeaderValue::from_str(&format!(
            "{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
        ))
        .ok()
    }

    /// A `Set-Cookie` value that takes away a cookie of that name which somebody else on this host set for a part of
    /// our paths.
    #[must_use]
    pub fn forget_at(self, name: &str, path: &str) -> Option<HeaderValue> {
        let secure = if self.is_secure { "; Secure" } else { "" };
        // A path could otherwise end the attribute and begin another.
        let is_plain = path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b';' && byte != b',');
        is_plain
            .then(|| HeaderValue::from_str(&format!("{name}=; Path={path}; Max-Age=0{secure}")).ok())
            .flatten()
    }
}

/// The request that is being answered.
///
/// # Errors
/// [`Problem::Internal`] outside of one.
pub(crate) fn session_context() -> Result<SessionContext, Problem> {
    use_context::<Parts>()
        .and_then(|parts| parts.extensions.get::<SessionContext>().cloned())
        .ok_or(Problem::Internal)
}

/// The request that is being answered, and who makes it.
///
/// # Errors
/// [`Refusal::SignedOut`].
pub(crate) fn signed_in() -> Result<(SessionContext, Session, Principal), Problem> {
    let context = session_context()?;
    let session = context.session.clone().ok_or(Refusal::SignedOut)?;
    let principal = session.principal(context.origin.clone());
    Ok((context, session, principal))
}

/// Who is signed in.
pub(crate) fn user() -> Option<UserId> {
    session_context().ok()?.session.map(|session| session.user)
}

/// A name for the page that is rendered, which no other has.
pub(crate) fn page_name() -> String {
    session_context()
        .map(|context| context.origin.request_id)
        .unwrap_or_default()
}

/// Whether a server function answers a form that somebody has to be signed in for.
#[must_use]
pub fn is_own_form(path: &str) -> bool {
    FormName::of(path).is_some()
}

/// The page that a form says it was sent from, out of the query of its address.
#[must_use]
pub fn page_of_form(query: &str) -> Option<String> {
    let page = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == paths::PAGE);
    page.map(|(_, page)| page.into_owned())
}

/// What a form came to that was filled in by somebody else than who sends it, decided before anything else is.
#[derive(Debug)]
pub struct Foreign {
    /// Nobody is signed in, or somebody else is.
    pub refusal: Refusal,
    /// What the next page has to tell, and where that is; none for a form that nobody need be signed in for.
    pub flash: Option<Flash>,
}

impl SessionContext {
    /// What comes of a form that somebody else filled in, with what was typed; none if it names nobody, or who is
    /// signed in. `body` is what is in it, and `page` the page it was on. What names nobody that could exist is
    /// somebody else's, too.
    #[must_use]
    pub fn foreign_form(&self, parts: &Parts, body: &[u8], page: &str) -> Option<Foreign> {
        let query = parts.uri.query().unwrap_or_default();
        let in_query = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == paths::FILLED_IN_BY);
        let in_header = parts.headers.get(paths::FILLED_IN_BY_HEADER);
        let filled_in_by: Option<UserId> = match (in_query, in_header) {
            (Some((_, user)), _) => user.parse().ok(),
            (None, Some(user)) => user.to_str().ok().and_then(|user| user.parse().ok()),
            (None, None) => return None,
        };
        let (refusal, told, who) = match &self.session {
            Some(session) if Some(session.user) == filled_in_by => return None,
            Some(session) => {
                let refusal = Refusal::FilledInByAnother;
                (refusal, refusal, Some(session.name.to_string()))
            }
            None => (Refusal::SignedOut, Refusal::SessionWasOver, None),
        };
        let typed: Vec<_> = form_urlencoded::parse(body)
            .filter(|(name, value)| !is_secret(name) && !has_private_key(value))
            .collect();
        let typed: Vec<_> = typed.iter().map(|(name, value)| (&**name, &**value)).collect();
        let page = page.split('?').next().unwrap_or_default();
        let waits_for = filled_in_by.filter(|_| refusal == Refusal::SignedOut);
        let flash = FormName::of(parts.uri.path()).map(|form| Flash {
            form,
            outcome: Err(told.into()),
            typed: fitting(&typed),
            who,
            waits_for: waits_for.map(|user| (user, page.to_owned())),
        });
        Some(Foreign { refusal, flash })
    }
}

/// Whether a field holds what no page is given back: passwords, and what stands in for one. So does one, whatever it is
/// called, that a private key was pasted into.
fn is_secret(field: &str) -> bool {
    field.contains("password") || field == "token"
}

/// The directory, and who acts.
///
/// # Errors
/// [`Refusal::SignedOut`].
pub(crate) fn acting() -> Result<(Directory, Principal), Problem> {
    let (context, _, actor) = signed_in()?;
    Ok((context.directory, actor))
}

/// Takes the person's password again, if one came with a form that asks for it (J7).
///
/// # Errors
/// [`Refusal::CurrentPasswordWrong`], [`Refusal::TooManyAttempts`].
pub(crate) async fn confirm(directory: &Directory, actor: &Principal, password: &str) -> Result<(), Problem> {
    if password.is_empty() {
        return Ok(());
    }
    Ok(directory.confirm(actor, password).await?)
}

/// The flash that came with the request.
pub(crate) fn flash() -> Option<Flash> {
    session_context().ok()?.flash
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => Self::Refused(refusal),
            Error::Unavailable(error) => {
                tracing::warn!(%error, "the database cannot be asked");
                Self::Unavailable
            }
            Error::Busy => Self::Busy,
            Error::Internal(error) => {
                tracing::error!(error, "a fault of ours");
                Self::Internal
            }
        }
    }
}

/// A closed list's choice out of a URL: nothing typed is no choice, anything unknown is refused.
///
/// # Errors
/// [`Refusal::Malformed`].
pub fn choice<T: FromStr>(text: &str) -> Result<Option<T>, Problem> {
    if text.is_empty() {
        Ok(None)
    } else {
        text.parse().map(Some).map_err(|_| Refusal::Malformed.into())
    }
}

/// Sets the status of a page, or of an answer to a script or a program.
pub(crate) fn set_status(status: u16) {
    if let (Some(options), Ok(status)) = (use_context::<ResponseOptions>(), StatusCode::from_u16(status)) {
        options.set_status(status);
    }
}

/// Sets the status of a server function's failure; to a browser without scripts, a failure is a page to go on from.
pub(crate) fn fail(problem: Problem) {
    if problem == Problem::Refused(Refusal::SignedOut) && is_plain_form() {
        // Back to the page the form was on, once signed in again.
        let page = use_context::<Parts>().map(|parts| page_before(&parts.headers));
        redirect(&paths::sign_in_and_return(page.as_deref().unwrap_or(paths::HOME)));
    } else if !is_answered() {
        set_status(problem.status());
    }
}

/// Whether `answer` has sent the browser to a page already.
fn is_answered() -> bool {
    use_context::<ResponseOptions>().is_some_and(|options| {
        options
            .0
            .read()
            .is_ok_and(|options| options.status == Some(StatusCode::SEE_OTHER))
    })
}

fn set_cookie(name: &str, value: &str, seconds: u64, cookies: Cookies) {
    if let (Some(options), Some(cookie)) = (use_context::<ResponseOptions>(), cookies.set(name, value, seconds)) {
        options.append_header(header::SET_COOKIE, cookie);
    }
}

/// Redirects a browser that sent a plain form, or asked for a page.
pub(crate) fn redirect(path: &str) {
    if let (Some(options), Ok(location)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(path)) {
        options.set_status(StatusCode::SEE_OTHER);
        options.insert_header(header::LOCATION, location);
    }
}

/// Whether the request is a form sent without scripts, which wants a page for an answer.
pub(crate) fn is_plain_form() -> bool {
    use_context::<Parts>().is_some_and(|parts| wants_page(&parts.headers))
}

/// Whether a request wants a page for an answer.
#[must_use]
pub fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

/// Whether a request was made by a script of ours. Browsers say so themselves, and no page can make them lie.
#[must_use]
pub fn is_own_script(headers: &HeaderMap) -> bool {
    let says = |name, value: &str| {
        headers
            .get(name)
            .is_some_and(|said| said.as_bytes() == value.as_bytes())
    };
    says("sec-fetch-dest", "empty") && says("sec-fetch-site", "same-origin")
}

/// The page of ours that a request came from, with its query; the first one there is, if it doesn't say.
#[must_use]
pub fn page_before(headers: &HeaderMap) -> String {
    let page = headers
        .get(header::REFERER)
        .and_then(|page| page.to_str().ok()?.parse::<Uri>().ok());
    let page = page.as_ref().and_then(Uri::path_and_query).map(|page| page.as_str());
    page.and_then(paths::local).unwrap_or(paths::HOME).to_owned()
}

/// What was typed, as far as it is kept. What there is no room for is left out, rather than given back cut.
fn fitting(typed: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut room = MOST_TYPED;
    typed
        .iter()
        .filter(|(_, value)| {
            let left = room.checked_sub(value.len());
            room = left.unwrap_or(room);
            left.is_some()
        })
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Sends the outcome of a form back. To a script of ours, as it is; to a browser without, by a redirect to
/// `to(outcome)`, with the outcome and what was typed kept for the page there; to a program, a refusal is an error with
/// its status.
pub(crate) fn answer(
    form: FormName,
    typed: &[(&str, &str)],
    outcome: Outcome,
    to: impl FnOnce(&Outcome) -> String,
) -> Result<Outcome, Problem> {
    if is_plain_form() {
        redirect(&to(&outcome));
        if let Ok(context) = session_context() {
            let typed = match &outcome {
                Ok(_) => Vec::new(),
                Err(_) => fitting(typed),
            };
            let outcome = outcome.clone();
            // Each request is one form, which has one outcome.
            let (who, waits_for) = (None, None);
            drop(context.to_tell.set(Flash {
                form,
                outcome,
                typed,
                who,
                waits_for,
            }));
        }
    }
    match outcome {
        Err(Problem::Refused(refusal))
            if refusal != Refusal::SignedOut
                && use_context::<Parts>().is_some_and(|parts| is_own_script(&parts.headers)) =>
        {
            Ok(Err(refusal.into()))
        }
        Err(problem) => {
            if let Some(retry_after) = problem.retry_after()
                && let Some(options) = use_context::<ResponseOptions>()
            {
                options.insert_header(header::RETRY_AFTER, HeaderValue::from(retry_after));
            }
            Err(problem)
        }
        Ok(done) => Ok(Ok(done)),
    }
}

/// Gives the browser the session that was just begun.
pub(crate) fn begin_session(cookies: Cookies, session: &NewSession) {
    set_cookie(
        cookies.session(),
        &session.token.reveal(),
        session.lifetime.as_secs(),
        cookies,
    );
    if let Some(device) = &session.device {
        let seconds = DeviceToken::LIFETIME.as_secs();
        set_cookie(cookies.device(), &device.reveal(), seconds, cookies);
    }
}

/// Takes the session away from the browser.
pub(crate) fn end_session(cookies: Cookies) {
    set_cookie(cookies.session(), "", 0, cookies);
    set_cookie(cookies.last_project(), "", 0, cookies);
}

/// Remembers the project that is looked at.
pub(crate) fn remember_project(context: &SessionContext, slug: &str) {
    if context.last_project.as_deref() != Some(slug) {
        set_cookie(
            context.cookies.last_project(),
            slug,
            60 * 60 * 24 * 365,
            context.cookies,
        );
    }
}
