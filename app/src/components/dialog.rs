//! A dialog whose being open is in the URL: it opens and closes by links, with and without scripts. With scripts it is
//! modal, closes on Escape, and gives the focus back to where it came from.

use leptos::{html, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};

/// The dialog; it is there as long as it is open.
#[component]
pub(crate) fn Dialog(
    /// Its heading.
    #[prop(into)]
    title: String,
    /// Where it closes to.
    #[prop(into)]
    close: String,
    /// What is in it.
    children: Children,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    let navigate = use_navigate();
    let leave = {
        let close = close.clone();
        // The browser would close it without the URL knowing.
        move |event: leptos::ev::Event| {
            event.prevent_default();
            navigate(
                &close,
                NavigateOptions {
                    replace: true,
                    scroll: false,
                    ..NavigateOptions::default()
                },
            );
        }
    };
    modal::follow(node);
    view! {
        <dialog class="dialog" open=true aria-labelledby="dialog-title" node_ref=node on:cancel=leave>
            <h2 id="dialog-title">{title}</h2>
            {children()}
        </dialog>
    }
}

/// Making it modal, which only a browser can.
#[cfg(feature = "hydrate")]
mod modal {
    use std::cell::RefCell;

    use leptos::{html, prelude::*};
    use wasm_bindgen::JsCast;
    use web_sys::HtmlElement;

    thread_local! {
        /// What a dialog that just closed gives the focus back to: the one that follows it at once does so in its place.
        static WAITING: RefCell<Option<HtmlElement>> = const { RefCell::new(None) };
    }

    pub(super) fn follow(node: NodeRef<html::Dialog>) {
        let before = StoredValue::new_local(None::<HtmlElement>);
        Effect::new(move |_| {
            let Some(dialog) = node.get() else { return };
            before.set_value(WAITING.take().or_else(|| {
                document()
                    .active_element()
                    .and_then(|element| element.dyn_into().ok())
                    .map(opener)
            }));
            // It comes open, for browsers without scripts; only a closed one can be made modal.
            dialog.set_open(false);
            if dialog.show_modal().is_err() {
                dialog.set_open(true);
            }
        });
        on_cleanup(move || {
            WAITING.set(before.try_get_value().flatten());
            // Once the dialog is out of the page and the list is up to date.
            request_animation_frame(move || {
                if document().query_selector("dialog:modal").ok().flatten().is_some() {
                    return;
                }
                let back = WAITING
                    .take()
                    .filter(|element| element.is_connected() && element.tag_name() != "BODY")
                    .or_else(crate::focus::heading);
                if let Some(element) = back {
                    drop(element.focus());
                }
            });
        });
    }

    /// A menu's item is gone with its menu: the focus goes back to the button that opened it.
    fn opener(element: HtmlElement) -> HtmlElement {
        let button = element.closest("[popover]").ok().flatten().and_then(|menu| {
            document()
                .query_selector(&format!("[popovertarget='{}']", menu.id()))
                .ok()
                .flatten()?
                .dyn_into()
                .ok()
        });
        button.unwrap_or(element)
    }
}

#[cfg(not(feature = "hydrate"))]
mod modal {
    use leptos::{html, prelude::NodeRef};

    pub(super) const fn follow(_: NodeRef<html::Dialog>) {}
}
