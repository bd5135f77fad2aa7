//! Where the focus goes when what had it is gone; in the browser alone.

use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// The page's heading, which can take the focus.
pub(crate) fn heading() -> Option<HtmlElement> {
    document().get_element_by_id("heading")?.dyn_into().ok()
}

/// Called before what is in `frame` changes: if what has the focus there goes with it, the heading gets it.
pub(crate) fn keep_near(frame: NodeRef<html::Div>) {
    let had = frame.get_untracked().and_then(|frame| {
        document()
            .active_element()
            .filter(|active| frame.contains(Some(active)))
    });
    if let Some(had) = had {
        request_animation_frame(move || {
            if !had.is_connected()
                && let Some(heading) = heading()
            {
                drop(heading.focus());
            }
        });
    }
}
