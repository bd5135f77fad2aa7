//! Badges: a role or a state in a word.

use leptos::prelude::*;

/// How much a badge stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Neutral.
    Plain,
    /// Of a role with more permissions.
    Strong,
    /// Of something that works, or has succeeded.
    Done,
    /// Of something that needs attention.
    Warning,
    /// Of something that failed.
    Danger,
}

#[component]
pub(crate) fn Badge(#[prop(into)] tone: Signal<Tone>, children: Children) -> impl IntoView {
    let class = move || match tone.get() {
        Tone::Plain => "badge",
        Tone::Strong => "badge badge-strong",
        Tone::Done => "badge badge-done",
        Tone::Warning => "badge badge-warning",
        Tone::Danger => "badge badge-danger",
    };
    view! { <span class=class>{children()}</span> }
}

/// The badge beside an address that is not verified (J2); nothing beside a verified one.
#[component]
pub(crate) fn AddressBadge(#[prop(into)] is_proved: Signal<bool>) -> impl IntoView {
    move || {
        (!is_proved.get())
            .then(|| view! { " "<Badge tone=Signal::stored(Tone::Warning)>"Address not verified"</Badge> })
    }
}
