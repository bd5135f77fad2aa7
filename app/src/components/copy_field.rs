//! A read-only field with a button that copies its text.

use leptos::{html, prelude::*};

#[component]
pub(crate) fn CopyField(
    #[prop(into)] label: String,
    /// Its id, unique in the page.
    #[prop(into)]
    id: String,
    /// The text that is shown and copied.
    value: String,
) -> impl IntoView {
    let node = NodeRef::<html::Input>::new();
    let state = RwSignal::new(Copying::Ready);
    let label_id = format!("{id}-label");
    let said = move || match state.get() {
        Copying::Ready => None,
        Copying::Copied => Some("Copied"),
        Copying::ByHand => Some("This browser doesn’t let the page copy. It’s selected: press Ctrl+C (⌘C on a Mac)."),
    };
    let class = move || match state.get() {
        Copying::Ready | Copying::Copied => "visually-hidden",
        Copying::ByHand => "hint",
    };
    view! {
        <div class="field">
            <label id=label_id.clone() for=id.clone()>{label}</label>
            <div class="copy-field">
                <input id=id type="text" readonly=true value=value node_ref=node autocomplete="off" spellcheck="false"/>
                <button
                    type="button"
                    class="button needs-scripts"
                    aria-describedby=label_id
                    on:click=move |_| copy(node, state)
                >
                    {move || if state.get() == Copying::Copied { "Copied" } else { "Copy" }}
                </button>
            </div>
            <span class=class role="status">{said}</span>
        </div>
    }
}

/// The state of copying.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Copying {
    /// Nothing was copied yet.
    Ready,
    /// It is in the clipboard.
    Copied,
    /// The text is selected, to be copied with the keyboard: this page may not write to the clipboard.
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "copying is the browser's"))]
    ByHand,
}

#[cfg(feature = "hydrate")]
fn copy(node: NodeRef<html::Input>, state: RwSignal<Copying>) {
    let Some(input) = node.get_untracked() else { return };
    // In some browsers, selecting moves the focus.
    let had_focus = document().active_element();
    // Selects it as well: where a page may not write to the clipboard, the keyboard still can.
    input.select();
    let navigator = window().navigator();
    // Browsers have the clipboard on https and on localhost alone, whatever the types say.
    let has_clipboard = js_sys::Reflect::get(&navigator, &"clipboard".into()).is_ok_and(|it| it.is_object());
    if !has_clipboard {
        state.set(copy_selected(&input, had_focus));
        return;
    }
    let promise = navigator.clipboard().write_text(&input.value());
    leptos::task::spawn_local(async move {
        let is_written = wasm_bindgen_futures::JsFuture::from(promise).await.is_ok();
        state.try_set(if is_written {
            Copying::Copied
        } else {
            copy_selected(&input, had_focus)
        });
    });
}

/// Copies by the older command of browsers, and gives the focus back. If that fails as well, the text stays selected.
#[cfg(feature = "hydrate")]
fn copy_selected(input: &web_sys::HtmlInputElement, had_focus: Option<web_sys::Element>) -> Copying {
    use wasm_bindgen::JsCast;

    drop(input.focus());
    input.select();
    let document = document();
    let is_copied = js_sys::Reflect::get(&document, &"execCommand".into())
        .and_then(|command| command.dyn_into::<js_sys::Function>())
        .and_then(|command| command.call1(&document, &"copy".into()))
        .is_ok_and(|copied| copied.is_truthy());
    if !is_copied {
        return Copying::ByHand;
    }
    if let Some(before) = had_focus.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) {
        drop(before.focus());
    }
    Copying::Copied
}

#[cfg(not(feature = "hydrate"))]
const fn copy(_: NodeRef<html::Input>, _: RwSignal<Copying>) {}
