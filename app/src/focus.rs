//! Where the focus goes when what had it is gone; in the browser alone.

use leptos::prelude::document;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// The page's heading, which can take the focus.
pub(crate) fn heading() -> Option<HtmlElement> {
    document().get_element_by_id("heading")?.dyn_into().ok()
}
