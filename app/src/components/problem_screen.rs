//! The pages shown in place of one that cannot be shown.

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use policy::Refusal;

use super::{
    icon::{Icon, Sign},
    page::PageTitle,
};
use crate::{Problem, messages, paths};

/// The page that says why another cannot be shown. What is hidden and what does not exist look the same (P3).
#[component]
pub(crate) fn ProblemScreen(problem: Problem) -> impl IntoView {
    #[cfg(feature = "ssr")]
    crate::request_context::set_status(problem.status());
    #[cfg(feature = "hydrate")]
    if problem == Problem::Refused(Refusal::SignedOut) {
        leave_for_sign_in();
    }
    let title = match problem {
        Problem::Refused(Refusal::Hidden) => "Page not found",
        Problem::Refused(Refusal::Forbidden(_)) => "You can’t do this",
        Problem::Refused(Refusal::SignedOut) => "You’re signed out",
        Problem::Refused(_) => "This link doesn’t work",
        Problem::Unavailable | Problem::Busy | Problem::Unreachable => "Roster can’t answer right now",
        Problem::Internal => "Something went wrong",
    };
    let sign = if problem == Problem::Refused(Refusal::Hidden) {
        Sign::Search
    } else {
        Sign::Alert
    };
    // The page may exist while the query of its address is wrong.
    let location = use_location();
    let is_about_query = matches!(problem, Problem::Refused(Refusal::Malformed | Refusal::CursorInvalid))
        && location.search.with_untracked(|search| !search.is_empty());
    let (text, way) = if is_about_query {
        let here = location.pathname.get_untracked();
        (
            "It asks for something this page doesn’t have: a filter, an order or a place in a list.".to_owned(),
            view! { <a class="button" href=here>"Open the page without it"</a> },
        )
    } else {
        (
            messages::problem(problem),
            view! { <a class="button" href=paths::HOME.to_owned()>"Go to your projects"</a> },
        )
    };
    view! {
        <PageTitle text=title/>
        <section class="empty empty-page" aria-labelledby="heading">
            <span class="empty-sign"><Icon sign/></span>
            <h1 id="heading" tabindex="-1">{title}</h1>
            <p>{text}</p>
            <p>{way}</p>
        </section>
    }
}

/// The page for every address without a route.
#[component]
pub(crate) fn NotFoundScreen() -> impl IntoView {
    view! { <ProblemScreen problem=Problem::Refused(Refusal::Hidden)/> }
}

/// Leads to the sign-in page, which leads back here.
#[cfg(feature = "hydrate")]
fn leave_for_sign_in() {
    let location = window().location();
    let here = format!(
        "{}{}",
        location.pathname().unwrap_or_default(),
        location.search().unwrap_or_default()
    );
    drop(location.assign(&paths::sign_in_and_return(&here)));
}
