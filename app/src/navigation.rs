//! Following a link within the console: what the other page shows is asked for first, and the page that is shown stays
//! until it is there. Pointing at a link asks ahead. In the browser alone.
//!
//! Without it the router would open the other page at once, empty.

use std::{cell::RefCell, time::Duration};

use futures::future::join_all;
use leptos::{prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Element, Event, HtmlAnchorElement, MouseEvent};

use crate::{address::PageAddress, answers, page_data::asks, readable::Ask};

/// How long a pointer has to rest on a link.
const REST: Duration = Duration::from_millis(65);

thread_local! {
    /// The link that is followed, or that the pointer rests on: a later one replaces it.
    static FOLLOWED: RefCell<String> = const { RefCell::new(String::new()) };
    static POINTED_AT: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Listens to the links of the page for as long as the frame is there.
pub(crate) fn listen() {
    let navigate = use_navigate();
    // After the listeners of the page's elements and before the router's, which is the window's.
    on("click", move |event| {
        if let Some(link) = event.dyn_ref::<MouseEvent>().and_then(followed) {
            follow(&link, event, navigate.clone());
        }
    });
    on("pointerover", |event| {
        let link = event
            .target()
            .and_then(|target| target.dyn_into().ok())
            .and_then(|on| link(&on));
        ask_ahead(link);
    });
}

/// A listener on the document, until it is dropped: with the component that listens.
struct Listener {
    name: &'static str,
    closure: Closure<dyn FnMut(Event)>,
}

fn on(name: &'static str, mut handle: impl FnMut(&Event) + 'static) {
    let closure = Closure::new(move |event: Event| handle(&event));
    drop(document().add_event_listener_with_callback(name, closure.as_ref().unchecked_ref()));
    StoredValue::new_local(Listener { name, closure });
}

impl Drop for Listener {
    fn drop(&mut self) {
        let callback = self.closure.as_ref().unchecked_ref();
        drop(document().remove_event_listener_with_callback(self.name, callback));
    }
}

/// The link that a click follows in this window, to another page of the console.
fn followed(event: &MouseEvent) -> Option<HtmlAnchorElement> {
    let is_plain = event.button() == 0
        && !(event.default_prevented() || event.alt_key() || event.ctrl_key() || event.meta_key() || event.shift_key());
    let target = event.target()?.dyn_into::<Element>().ok()?;
    link(&target).filter(|_| is_plain)
}

/// The link around an element, if it leads to another page of the console.
fn link(element: &Element) -> Option<HtmlAnchorElement> {
    let link: HtmlAnchorElement = element.closest("a[href]").ok()??.dyn_into().ok()?;
    let location = window().location();
    let is_ours = link.origin() == location.origin().ok()?
        && link.pathname() != location.pathname().ok()?
        && link.target().is_empty()
        && !link.has_attribute("download")
        && !link.rel().split_whitespace().any(|word| word == "external");
    is_ours.then_some(link)
}

fn address(link: &HtmlAnchorElement) -> String {
    format!("{}{}{}", link.pathname(), link.search(), link.hash())
}

/// What the page behind a link asks for and is not there yet. Not all of it is asked for by pointing: the frame's
/// answer says which project was looked at last.
fn missing(link: &HtmlAnchorElement, with_frame: bool) -> Vec<Ask> {
    let asks = asks(&PageAddress::parse(&link.pathname(), &link.search()));
    let all = if with_frame { asks } else { asks.without_frame() };
    all.all()
        .filter(|ask| !ask.is_secret && !answers::is_fresh(&ask.key()))
        .collect()
}

async fn ask_all(asks: Vec<Ask>) {
    join_all(asks.into_iter().map(|ask| answers::ask_ahead(ask.key()))).await;
}

/// Asks for what the other page shows, then opens it.
fn follow(link: &HtmlAnchorElement, event: &Event, navigate: impl Fn(&str, NavigateOptions) + 'static) {
    let missing = missing(link, true);
    let to = address(link);
    FOLLOWED.replace(to.clone());
    if missing.is_empty() {
        return;
    }
    event.prevent_default();
    set_busy(true);
    spawn_local(async move {
        ask_all(missing).await;
        if FOLLOWED.with_borrow(|followed| *followed == to) {
            set_busy(false);
            FOLLOWED.take();
            navigate(&to, NavigateOptions::default());
        }
    });
}

/// Asks for what the page behind a link shows, once the pointer rests on it.
fn ask_ahead(link: Option<HtmlAnchorElement>) {
    let to = link.as_ref().map(address).unwrap_or_default();
    let is_same = POINTED_AT.with_borrow(|pointed_at| *pointed_at == to);
    POINTED_AT.replace(to.clone());
    let Some(link) = link.filter(|_| !is_same) else { return };
    set_timeout(
        move || {
            if POINTED_AT.with_borrow(|pointed_at| *pointed_at == to) {
                spawn_local(ask_all(missing(&link, false)));
            }
        },
        REST,
    );
}

/// Says that another page is on its way, to screen readers and by the look of the page.
fn set_busy(is_busy: bool) {
    if let Some(main) = document().get_element_by_id("main") {
        let set = if is_busy {
            main.set_attribute("aria-busy", "true")
        } else {
            main.remove_attribute("aria-busy")
        };
        drop(set);
    }
}
