//! Where the focus goes when what had it is gone, or something else has to be read; in the browser alone.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{FocusOptions, HtmlElement, HtmlFormElement, HtmlInputElement, HtmlTextAreaElement};

/// The page's heading, which can take the focus.
pub(crate) fn heading() -> Option<HtmlElement> {
    document().get_element_by_id("heading")?.dyn_into().ok()
}

/// Whether something was typed or chosen in a form of the page that is not sent.
pub(crate) fn is_typed_in() -> bool {
    let Ok(fields) = document().query_selector_all("form[method=post] :is(input, textarea)") else {
        return false;
    };
    (0..fields.length())
        .filter_map(|nth| fields.item(nth))
        .any(|field| match field.dyn_into::<HtmlInputElement>() {
            Ok(input) => input.value() != input.default_value() || input.checked() != input.default_checked(),
            Err(other) => other
                .dyn_into::<HtmlTextAreaElement>()
                .is_ok_and(|area| area.default_value().is_ok_and(|value| value != area.value())),
        })
}

/// Whether nothing has the focus: what had it is gone.
pub(crate) fn is_lost() -> bool {
    document()
        .active_element()
        .is_none_or(|active| active.tag_name() == "BODY")
}

/// Once the page is up to date, gives the focus to its heading, and leaves the window where it is scrolled to. What is
/// behind a dialog cannot take it. Who has begun to type or to choose meanwhile is left there.
pub(crate) fn to_heading() {
    request_animation_frame(|| {
        let is_free = document().active_element().is_none_or(|active| {
            !active
                .matches("input, select, textarea, [popover]:popover-open *")
                .unwrap_or_default()
        });
        if is_free {
            take_heading();
        }
    });
}

/// The same, unless something has the focus.
pub(crate) fn to_heading_if_lost() {
    request_animation_frame(|| {
        if is_lost() {
            take_heading();
        }
    });
}

/// Gives the focus to the page's heading, and leaves the window where it is scrolled to.
pub(crate) fn take_heading() {
    if let Some(heading) = heading() {
        quietly(&heading);
    }
}

/// Gives the focus to an element, and leaves the window where it is scrolled to.
pub(crate) fn quietly(element: &HtmlElement) {
    let options = FocusOptions::new();
    options.set_prevent_scroll(true);
    drop(element.focus_with_options(&options));
}

/// Leads to what is wrong in a form that was refused, or else to what it says above its fields (N3): on a small window
/// that may be far from the button. Who went on to something else meanwhile is left there.
pub(crate) fn lead_to_error(form: HtmlFormElement) {
    request_animation_frame(move || {
        let is_here = is_lost() || form.contains(document().active_element().as_deref());
        let wrong = ["[aria-invalid=true]", "[role=alert]:not(:empty)"]
            .iter()
            .find_map(|wanted| form.query_selector(wanted).ok().flatten());
        if is_here && let Some(wrong) = wrong.and_then(|wrong| wrong.dyn_into::<HtmlElement>().ok()) {
            drop(wrong.focus());
        }
    });
}
