//! Brings the rows on the page up to date, in the browser alone: only cells whose text changed are replaced, and the
//! focus stays where it is, or on what took the place of what had it.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::rows::Rows;
use crate::focus;

/// Changes the content of `body`, a table's, from these rows to those.
pub(super) fn patch(body: &Element, from: &Rows, to: &Rows) {
    if from == to {
        return;
    }
    let focused = Focused::within(body);
    let live: Vec<Element> = children(body).collect();
    if live.len() == from.len() {
        replace(body, &live, from, to);
    } else {
        // Something else has changed the page.
        body.set_inner_html(to.html());
    }
    if let Some(focused) = focused {
        focused.restore();
    }
}

fn replace(body: &Element, live: &[Element], from: &Rows, to: &Rows) {
    let old: Vec<_> = from.iter().zip(live).collect();
    let rows: Vec<Element> = to
        .iter()
        .filter_map(|(id, html)| match old.iter().find(|((old_id, _), _)| *old_id == id) {
            Some(((_, same), row)) if *same == html => Some((*row).clone()),
            Some(((_, old), row)) => update(row, old, html),
            None => parse(html),
        })
        .collect();
    for row in live.iter().filter(|row| !rows.contains(row)) {
        row.remove();
    }
    // Rows that are in their place are not moved: what is moved loses the focus for a moment.
    let mut next = body.first_element_child();
    for row in rows {
        if next.as_ref() == Some(&row) {
            next = row.next_element_sibling();
        } else {
            drop(body.insert_before(&row, next.as_ref().map(AsRef::as_ref)));
        }
    }
}

/// Replaces the cells of a row whose text has changed. Returns the row.
fn update(row: &Element, old: &str, new: &str) -> Option<Element> {
    let (old, new) = (parse(old)?, parse(new)?);
    let (live, old, new) = (cells(row), cells(&old), cells(&new));
    for (nth, cell) in new.iter().enumerate() {
        match (live.get(nth), old.get(nth)) {
            (Some(_), Some(old)) if old.is_equal_node(Some(cell)) => {}
            (Some(live), _) => drop(row.replace_child(cell, live)),
            (None, _) => drop(row.append_child(cell)),
        }
    }
    for cell in live.iter().skip(new.len()) {
        cell.remove();
    }
    Some(row.clone())
}

fn cells(row: &Element) -> Vec<Element> {
    children(row).collect()
}

fn children(of: &Element) -> impl Iterator<Item = Element> + use<> {
    std::iter::successors(of.first_element_child(), Element::next_element_sibling)
}

fn parse(row: &str) -> Option<Element> {
    let body = document().create_element("tbody").ok()?;
    body.set_inner_html(row);
    body.first_element_child()
}

/// The element of a row that has the focus.
struct Focused {
    element: HtmlElement,
    row: Element,
    /// The number of its cell.
    cell: usize,
}

impl Focused {
    fn within(body: &Element) -> Option<Self> {
        let element = document()
            .active_element()
            .filter(|active| body.contains(Some(active)))?;
        let row = element.closest("tr").ok()??;
        let cell = children(&row).position(|cell| cell.contains(Some(&element)))?;
        Some(Self {
            element: element.dyn_into().ok()?,
            row,
            cell,
        })
    }

    fn restore(self) {
        if document().active_element().as_ref() == Some(self.element.as_ref()) {
            return;
        }
        let back = if self.element.is_connected() {
            Some(self.element)
        } else {
            self.successor()
        };
        match back {
            Some(element) => focus::quietly(&element),
            None => focus::take_heading(),
        }
    }

    /// What took its place: the same kind of thing in the same cell.
    fn successor(&self) -> Option<HtmlElement> {
        if !self.row.is_connected() {
            return None;
        }
        let cell = children(&self.row).nth(self.cell)?;
        let found = cell.query_selector_all("a, button, [tabindex]").ok()?;
        let wanted = kind(&self.element);
        (0..found.length())
            .filter_map(|nth| found.item(nth)?.dyn_into().ok())
            .find(|element| kind(element) == wanted)
    }
}

/// What doesn't change in an element when its row does: of a button whose name is its text, the text as well.
fn kind(element: &HtmlElement) -> (String, String, Option<String>) {
    let is_button = element.tag_name() == "BUTTON" || element.get_attribute("role").is_some();
    let says = (is_button && !element.has_attribute("name")).then(|| element.text_content().unwrap_or_default());
    (element.tag_name(), element.class_name(), says)
}
