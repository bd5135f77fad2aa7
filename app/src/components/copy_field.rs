//! Something to take along, in a field that can be read but not changed, with a button that copies it.

use leptos::{html, prelude::*};

/// The field.
#[component]
pub(crate) fn CopyField(
    /// What it is called.
    #[prop(into)]
    label: String,
    /// Its id, unique in the page.
    #[prop(into)]
    id: String,
    /// What is in it.
    value: String,
) -> impl IntoView {
    let node = NodeRef::<html::Input>::new();
    let is_copied = RwSignal::new(false);
    let label_id = format!("{id}-label");
    view! {
        <div class="field">
            <label id=label_id.clone() for=id.clone()>{label}</label>
            <div class="copy-field">
                <input id=id type="text" readonly=true value=value node_ref=node autocomplete="off" spellcheck="false"/>
                <button type="button" class="button needs-scripts" aria-describedby=label_id on:click=move |_| copy(node, is_copied)>
                    {move || if is_copied.get() { "Copied" } else { "Copy" }}
                </button>
            </div>
            <span class="visually-hidden" role="status">{move || is_copied.get().then_some("Copied")}</span>
        </div>
    }
}

#[cfg(feature = "hydrate")]
fn copy(node: NodeRef<html::Input>, is_copied: RwSignal<bool>) {
    let Some(input) = node.get_untracked() else { return };
    // Selected as well: where a page may not write to the clipboard, the keyboard still can.
    input.select();
    let promise = window().navigator().clipboard().write_text(&input.value());
    leptos::task::spawn_local(async move {
        if wasm_bindgen_futures::JsFuture::from(promise).await.is_ok() {
            is_copied.try_set(true);
        }
    });
}

#[cfg(not(feature = "hydrate"))]
const fn copy(_: NodeRef<html::Input>, _: RwSignal<bool>) {}
