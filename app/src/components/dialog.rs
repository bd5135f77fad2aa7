//! A dialog whose being open is in the URL: it opens and closes by links, with and without scripts. With scripts it is
//! modal, closes on Escape, and gives the focus back to where it came from.

use leptos::{
    ev::{Event, MouseEvent},
    html,
    prelude::*,
};

use super::{button_link::ButtonLink, form::FormSender, list_address::ListAddress};
use crate::flash::Flashed;

/// The dialog, rendered only while it is open.
#[component]
pub(crate) fn Dialog(
    /// Its heading.
    #[prop(into)]
    title: String,
    /// The address of the page without the dialog.
    #[prop(into)]
    close: String,
    /// Its content.
    children: Children,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    let close_dialog = expect_context::<ListAddress>().closer();
    let leave = {
        let close_dialog = close_dialog.clone();
        // The browser would close it without the URL knowing.
        move |event: Event| {
            event.prevent_default();
            close_dialog();
        }
    };
    // The links that close it are for browsers without scripts: to follow one would be a step further.
    let follow = move |event: MouseEvent| {
        if modal::leads_to(&event, &close) {
            event.prevent_default();
            close_dialog();
        }
    };
    modal::follow(node);
    view! {
        <dialog class="dialog" open=true aria-labelledby="dialog-title" node_ref=node on:cancel=leave on:click=follow>
            <h2 id="dialog-title">{title}</h2>
            {children()}
        </dialog>
    }
}

/// The end of a form in a dialog: the link that cancels it, and the button that sends it.
#[component]
pub(crate) fn DialogActions(
    /// The address of the page without the dialog.
    #[prop(into)]
    close: Signal<String>,
    /// Sends the form.
    action: FormSender,
    /// The label of the button.
    #[prop(into)]
    label: String,
    /// Whether the form does something that cannot be undone: then the link that cancels has the focus.
    #[prop(optional)]
    is_final: bool,
) -> impl IntoView {
    let class = if is_final {
        "button button-danger"
    } else {
        "button button-primary"
    };
    view! {
        <div class="dialog-actions">
            <ButtonLink href=close autofocus=is_final>"Cancel"</ButtonLink>
            <button type="submit" class=class aria-busy=move || action.busy()>{label}</button>
        </div>
    }
}

/// Once no dialog is open: forgets the outcomes of these forms, which are in dialogs, and the flash. A dialog that is
/// opened again shows neither an old problem nor an old secret.
pub(crate) fn forget_when_closed<const N: usize>(forms: [FormSender; N]) {
    let (address, flashed) = (expect_context::<ListAddress>(), expect_context::<Flashed>());
    Effect::new(move |_| {
        if address.is_closed() {
            flashed.clear();
            for form in forms {
                form.forget();
            }
        }
    });
}

/// Making it modal, which only a browser can.
#[cfg(feature = "hydrate")]
mod modal {
    use std::cell::RefCell;

    use leptos::{ev::MouseEvent, html, prelude::*};
    use wasm_bindgen::JsCast;
    use web_sys::{Element, HtmlElement};

    thread_local! {
        /// What a dialog that just closed gives the focus back to: the one that follows it at once does so in its
        /// place.
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

    /// Whether a click follows a link to this address in this window.
    pub(super) fn leads_to(event: &MouseEvent, address: &str) -> bool {
        let is_plain = event.button() == 0
            && !(event.default_prevented()
                || event.alt_key()
                || event.ctrl_key()
                || event.meta_key()
                || event.shift_key());
        let link = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok())
            .and_then(|element| element.closest("a[href]").ok().flatten());
        is_plain && link.and_then(|link| link.get_attribute("href")).as_deref() == Some(address)
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
    use leptos::{ev::MouseEvent, html, prelude::NodeRef};

    pub(super) const fn follow(_: NodeRef<html::Dialog>) {}

    pub(super) const fn leads_to(_: &MouseEvent, _: &str) -> bool {
        false
    }
}
