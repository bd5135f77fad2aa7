//! What the pages of mailed links share: what the link opens, or that it doesn't work. Only a button acts, since
//! programs that check mail open links.

use std::future::Future;

use leptos::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

use super::invitation::DeadLink;
use crate::{Problem, address::use_param, load::load_or};

/// Shows what `fetch` returns for the link's token through `render`; if it returns a problem, shows that the link
/// doesn't work, with the reason `dead`.
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
