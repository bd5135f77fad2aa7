//! A link that looks and answers like a button: it opens or closes something that has an address, so that it works
//! without scripts.

use leptos::{ev::KeyboardEvent, prelude::*};

/// The link. It is called a button, so with scripts the space bar presses it too.
#[component]
pub(crate) fn ButtonLink(
    /// Where to.
    #[prop(into)]
    href: Signal<String>,
    /// Its class.
    #[prop(default = "button")]
    class: &'static str,
    /// Whether it has the focus first.
    #[prop(optional)]
    autofocus: bool,
    /// Its text.
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
