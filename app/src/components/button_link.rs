//! A link that looks and behaves like a button: it opens or closes something that has an address, so that it works
//! without scripts.

use leptos::{ev::KeyboardEvent, prelude::*};

/// The link. Its role is that of a button, so with scripts the space bar presses it too.
#[component]
pub(crate) fn ButtonLink(
    #[prop(into)] href: Signal<String>,
    #[prop(default = "button")] class: &'static str,
    /// Whether it has the focus when the page opens.
    #[prop(optional)]
    autofocus: bool,
    children: Children,
) -> impl IntoView {
    view! {
        <a class=class role="button" href=move || href.get() autofocus=autofocus on:keydown=press>
            {children()}
        </a>
    }
}

#[cfg(feature = "hydrate")]
fn press(event: KeyboardEvent) {
    use wasm_bindgen::JsCast;

    if event.key() == " " {
        event.prevent_default();
        if let Some(link) = event
            .current_target()
            .and_then(|target| target.dyn_into::<web_sys::HtmlElement>().ok())
        {
            link.click();
        }
    }
}

#[cfg(not(feature = "hydrate"))]
fn press(_: KeyboardEvent) {}
