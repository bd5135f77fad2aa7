//! Says that the session of the page is over, or that somebody else is signed in now, with a link to go on. What is
//! typed on the page stays.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::icon::{Icon, Sign};
use crate::{
    Problem, messages, paths,
    signed::{Now, Signed},
};

/// The banner above the page that says so.
#[component]
pub(crate) fn SignedBanner() -> impl IntoView {
    let signed = expect_context::<Signed>();
    move || {
        signed.now().map(|now| {
            view! {
                <div class="banner banner-session" role="alert">
                    <Icon sign=Sign::Alert/>
                    <p>{say(now)}</p>
                </div>
            }
        })
    }
}

/// Returns the message and the link for a form that somebody else filled in, or whose session is over; `None` for any
/// other problem.
pub(crate) fn way_on(problem: Problem) -> Option<impl IntoView> {
    let now = match problem {
        Problem::Refused(policy::Refusal::SignedOut) => Now::Over,
        Problem::Refused(policy::Refusal::FilledInByAnother) => {
            let signed = expect_context::<Signed>();
            signed.now().unwrap_or(Now::Another(String::new()))
        }
        Problem::Refused(_) | Problem::Unavailable | Problem::Busy | Problem::Internal | Problem::Unreachable => {
            return None;
        }
    };
    Some(say(now))
}

fn say(now: Now) -> impl IntoView {
    let (pathname, search) = (use_location().pathname, use_location().search);
    let here = move || {
        let (path, search) = (pathname.get(), search.get());
        if search.is_empty() {
            path
        } else {
            format!("{path}?{}", search.trim_start_matches('?'))
        }
    };
    let (text, href, way, rest) = match now {
        Now::Over => (
            "You’re signed out.".to_owned(),
            Signal::derive(move || paths::sign_in_and_return(&here())),
            "Sign in",
            " to go on.",
        ),
        Now::Another(name) => (
            messages::another(&name),
            Signal::derive(here),
            "Reload",
            " to go on as who is signed in.",
        ),
    };
    view! { {text}" "<a href=move || href.get() rel="external">{way}</a>{rest} }
}
