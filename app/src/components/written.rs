//! A part of a page that is written as text, where a list writes the same part of its rows.

use leptos::prelude::*;

use crate::markup::Markup;

/// Writes a part of a page. Follows what it reads.
type Write = Box<dyn Fn(&mut Markup) + Send + Sync>;

/// Shows what `write` writes.
#[component]
pub(crate) fn Written(write: Write) -> impl IntoView {
    let html = move || {
        let mut out = Markup::default();
        write(&mut out);
        out.into_html()
    };
    view! { <span class="written" inner_html=html></span> }
}
