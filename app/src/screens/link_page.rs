//! What the pages of mailed links share: what the link opens, or that it doesn't work. Only a button acts, since
//! programs that check mail open links.

use leptos::prelude::*;

use super::invitation::DeadLink;
use crate::{
    address::{use_address, use_param},
    load::{load_or, once},
    readable::Readable,
};

/// Shows what `S` answers for the link's token through `render`; if it answers with a problem, shows that the link
/// doesn't work, with the reason `dead`.
pub(super) fn link_page<S: Readable, V: IntoView + 'static>(
    dead: &'static str,
    render: impl Fn(S::Output, String) -> V + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let token = use_param("token");
    view! {
        <main id="main" class="entry">
            <p class="brand"><span class="brand-mark" aria-hidden="true"></span>"Roster"</p>
            {load_or::<S, _, _>(
                use_address(),
                once,
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
