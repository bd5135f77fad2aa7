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
