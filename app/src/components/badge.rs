//! A word in a pill: a role, a state.

use leptos::prelude::*;

/// How much a badge stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Usual.
    Plain,
    /// May do more.
    Strong,
    /// Works, or did.
    Done,
    /// Needs a second look.
    Warning,
    /// Went wrong.
    Danger,
}

/// A badge.
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

/// What stands beside an address that nobody has proved (J2); nothing beside one that is.
#[component]
pub(crate) fn AddressBadge(#[prop(into)] is_proved: Signal<bool>) -> impl IntoView {
    move || {
        (!is_proved.get())
            .then(|| view! { " "<Badge tone=Signal::stored(Tone::Warning)>"Address not verified"</Badge> })
    }
}
