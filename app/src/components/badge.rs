//! Badges: a role or a state in a word.

use leptos::prelude::*;

use crate::markup::Markup;

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

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Plain => "badge",
            Self::Strong => "badge badge-strong",
            Self::Done => "badge badge-done",
            Self::Warning => "badge badge-warning",
            Self::Danger => "badge badge-danger",
        }
    }
}

#[component]
pub(crate) fn Badge(#[prop(into)] tone: Signal<Tone>, children: Children) -> impl IntoView {
    view! { <span class=move || tone.get().class()>{children()}</span> }
}

/// Writes a badge.
pub(crate) fn write_badge(out: &mut Markup, tone: Tone, text: &str) {
    out.open("span").attribute("class", tone.class());
    out.text(text).raw("</span>");
}

/// The badge beside an address that is not verified (J2); nothing beside a verified one.
#[component]
pub(crate) fn AddressBadge(#[prop(into)] is_proved: Signal<bool>) -> impl IntoView {
    move || {
        (!is_proved.get())
            .then(|| view! { " "<Badge tone=Signal::stored(Tone::Warning)>"Address not verified"</Badge> })
    }
}

/// Writes an address, and a badge if it is not verified (J2).
pub(crate) fn write_address(out: &mut Markup, address: &str, is_proved: bool) {
    out.raw("<span class=\"person-email\">").text(address);
    if !is_proved {
        write_badge(out.raw(" "), Tone::Warning, "Address not verified");
    }
    out.raw("</span>");
}
