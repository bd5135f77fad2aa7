//! Server functions of the person's own sessions: the list, and ending them.

use leptos::{prelude::*, server_fn::codec::GetUrl};
use policy::SessionId;
use serde::{Deserialize, Serialize};

use super::{NothingElse, Timestamp};
use crate::{Problem, outcome::Outcome};

#[cfg(feature = "ssr")]
use crate::{
    outcome::{Done, FormName},
    paths,
    request_context::{acting, answer, signed_in},
};

/// A session of the person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SessionRow {
    pub(crate) id: SessionId,
    /// Whether it is the session that asks.
    pub(crate) is_this: bool,
    /// The browser and the operating system, as far as the browser names them.
    pub(crate) device: String,
    /// The client address that it was begun from.
    pub(crate) address: String,
    /// When it was begun.
    pub(crate) since: Timestamp,
    pub(crate) last_seen: Timestamp,
}

/// Returns the person's sessions, the last used first.
#[server(endpoint = "sessions", input = GetUrl)]
pub(crate) async fn sessions() -> Result<Vec<SessionRow>, Problem> {
    let (context, session, principal) = signed_in()?;
    let mut rows: Vec<_> = context
        .directory
        .sessions(&principal)
        .await?
        .into_iter()
        .map(|row| SessionRow {
            id: row.id,
            is_this: row.id == session.id,
            device: device(&row.user_agent),
            address: row.address,
            since: Timestamp(row.created_at.unix_timestamp()),
            last_seen: Timestamp(row.last_seen_at.unix_timestamp()),
        })
        .collect();
    rows.sort_by_key(|row| !row.is_this);
    Ok(rows)
}

/// Describes a browser from its user agent: "Chrome on Linux". Only for people to recognize their own devices; nothing
/// relies on it.
#[cfg(feature = "ssr")]
fn device(user_agent: &str) -> String {
    // The order matters, since most browsers also name others.
    let browser = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    let system = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let known = |names: &[(&str, &'static str)]| {
        let found = names.iter().find(|(part, _)| user_agent.contains(part));
        found.map(|(_, name)| *name)
    };
    match (known(&browser), known(&system)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "Unknown device".to_owned(),
    }
}

/// Ends one of the person's sessions.
#[server(endpoint = "end_session")]
pub(crate) async fn end_session(session: SessionId, #[server(flatten)] rest: NothingElse) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let outcome = directory
        .end_session(&actor, session)
        .await
        .map(|()| Done::SessionEnded)
        .map_err(Problem::from);
    answer(FormName::Sessions, &[], outcome, |_| paths::SESSIONS.to_owned())
}

/// Ends all of the person's sessions but the one that asks.
#[server(endpoint = "end_other_sessions")]
pub(crate) async fn end_other_sessions(#[server(flatten)] rest: NothingElse) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let outcome = directory
        .end_other_sessions(&actor)
        .await
        .map(|()| Done::OtherSessionsEnded)
        .map_err(Problem::from);
    answer(FormName::Sessions, &[], outcome, |_| paths::SESSIONS.to_owned())
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::device;

    #[test]
    fn a_device_is_told_by_what_its_browser_says() {
        for (user_agent, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
                "Chrome on Linux",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 14.5; rv:133.0) Gecko/20100101 Firefox/133.0",
                "Firefox on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 \
                 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.10.1", "curl"),
            ("", "Unknown device"),
        ] {
            assert_eq!(device(user_agent), name);
        }
    }
}
