//! A dialog whose state is in the URL: it opens and closes by links, with and without scripts. With scripts it is
//! modal, closes on Escape, and returns the focus to the element that opened it.

use leptos::{
    ev::{Event, MouseEvent},
    html,
    prelude::*,
};

use super::{button_link::ButtonLink, form::FormSender, list_address::ListAddress};
use crate::flash::Flashed;

/// The dialog. Render it only while it is open.
#[component]
pub(crate) fn Dialog(
    #[prop(into)] title: String,
    /// The address of the page without the dialog.
    #[prop(into)]
    close: String,
    children: Children,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    let close_dialog = expect_context::<ListAddress>().closer();
    let leave = {
        let close_dialog = close_dialog.clone();
        // Keeps the browser from closing it while the URL says that it is open.
        move |event: Event| {
            event.prevent_default();
            close_dialog();
        }
    };
    // The links that close it are for browsers without scripts: following one would add a step to the history.
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

/// The last row of a form in a dialog: the link that cancels, and the button that sends.
#[component]
pub(crate) fn DialogActions(
    /// The address of the page without the dialog.
    #[prop(into)]
    close: Signal<String>,
    action: FormSender,
    #[prop(into)] label: String,
    /// Whether the action cannot be undone: then the link that cancels has the focus.
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

/// Forgets the outcomes of these forms, which are in dialogs, and the flash, whenever no dialog is open. A dialog that
/// is opened again then shows neither an old problem nor an old secret.
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

/// Makes a dialog modal, which only a browser can.
#[cfg(feature = "hydrate")]
mod modal {
    use std::cell::RefCell;

    use leptos::{ev::MouseEvent, html, prelude::*};
    use wasm_bindgen::JsCast;
    use web_sys::{Element, HtmlElement};

    thread_local! {
        /// The element that a dialog which just closed returns the focus to. A dialog that opens right after it takes
        /// this over.
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
            // The dialog is rendered open, for browsers without scripts; only a closed one can be made modal.
            dialog.set_open(false);
            if dialog.show_modal().is_err() {
                dialog.set_open(true);
            }
        });
        on_cleanup(move || {
            WAITING.set(before.try_get_value().flatten());
            // In the next frame, when the dialog is out of the page and the list is up to date.
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

    /// Returns whether a click follows a link to this address in this window.
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

    /// Returns the element that gets the focus back. An item of a menu disappears with its menu: then it is the button
    /// that opened the menu.
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
