//! The pages that mailed links lead to: what a link opens, or that it leads nowhere. Only a button does something:
//! programs that check links in mail open them.

use std::future::Future;

use leptos::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

use super::invitation::DeadLink;
use crate::{Problem, address::use_param, load::load_or};

/// Shows what `fetch` answers for the link's secret through `render`; where it answers with a problem, the link is
/// dead, and `dead` says why.
pub(super) fn link_page<T, Fut, V>(
    fetch: impl Fn(String) -> Fut + Copy + Send + Sync + 'static,
    dead: &'static str,
    render: impl Fn(T, String) -> V + Copy + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    Fut: Future<Output = Result<T, Problem>> + Send + 'static,
    V: IntoView + 'static,
{
    let token = use_param("token");
    view! {
        <main id="main" class="entry">
            <p class="brand"><span class="brand-mark" aria-hidden="true"></span>"Roster"</p>
            {load_or(
                move || token.get(),
                fetch,
                move |opened| {
                    let opened = opened.peek(|opened| Some(opened.clone()));
                    opened.map(|opened| render(opened, token.get_untracked()))
                },
                move |problem| {
                    #[cfg(feature = "ssr")]
                    crate::request_context::set_status(problem.status());
                    let _ = problem;
                    view! { <DeadLink text=dead/> }
                },
            )}
        </main>
    }
}
