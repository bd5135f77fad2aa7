//! A word in a pill: a role, a state.

use leptos::prelude::*;

/// How much a badge stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Usual.
    Plain,
    /// May do more.
    Strong,
    /// Needs a second look.
    Warning,
}

/// A badge.
#[component]
pub(crate) fn Badge(#[prop(into)] tone: Signal<Tone>, children: Children) -> impl IntoView {
    let class = move || match tone.get() {
        Tone::Plain => "badge",
        Tone::Strong => "badge badge-strong",
        Tone::Warning => "badge badge-warning",
    };
    view! { <span class=class>{children()}</span> }
}
