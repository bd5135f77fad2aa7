//! Answers in the browser: those that came with the page, and the latest of those that were asked for since.

use std::{cell::RefCell, collections::VecDeque};

use gloo_net::http::Request;
use js_sys::Date;
use leptos::prelude::document;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsCast;
use web_sys::Element;

use super::page_state::{ANSWERS, PROBLEM, PageState, STATE};
use crate::Problem;

/// The bytes of an answer, or why there is none.
type Answer = Result<Vec<u8>, Problem>;

/// An answer that was asked for ahead is used for so long, in milliseconds.
const FRESH: f64 = 5_000.0;
/// How many answers are kept, for going back.
const MOST: usize = 24;

struct Kept {
    key: String,
    /// Until when it is shown without asking again, by the browser's clock.
    fresh_until: f64,
    answer: Answer,
}

thread_local! {
    static KEPT: RefCell<VecDeque<Kept>> = const { RefCell::new(VecDeque::new()) };
}

/// Takes the answers out of the page, so that nothing shown once stays in it, and returns what the page knows of the
/// request it was rendered for. `key_of` says by which address a server function's path was asked.
pub(crate) fn wake(key_of: impl Fn(&str) -> String) -> PageState {
    let mut state = None;
    let Ok(found) = document().query_selector_all(&format!("script[{ANSWERS}]")) else {
        return PageState::default();
    };
    for nth in 0..found.length() {
        let Some(element) = found.get(nth).and_then(|node| node.dyn_into::<Element>().ok()) else {
            continue;
        };
        let bytes = element.text_content().unwrap_or_default().into_bytes();
        let path = element.get_attribute(ANSWERS).unwrap_or_default();
        let is_problem = element.has_attribute(PROBLEM);
        element.remove();
        if path == STATE {
            state = decode(&bytes);
            continue;
        }
        let answer = if is_problem {
            Err(decode(&bytes).unwrap_or(Problem::Internal))
        } else {
            Ok(bytes)
        };
        // Whenever the program wakes, the page is what it wakes.
        put(key_of(&path), f64::INFINITY, answer);
    }
    state.unwrap_or_default()
}

/// The answer under this key to begin with: one that came with the page or was asked for ahead, once.
pub(crate) fn first<T: DeserializeOwned>(key: &str) -> Option<Result<T, Problem>> {
    let now = Date::now();
    let answer = KEPT.with_borrow_mut(|kept| {
        let kept = kept.iter_mut().find(|kept| kept.key == key && now < kept.fresh_until)?;
        kept.fresh_until = 0.0;
        Some(kept.answer.clone())
    });
    Some(read(answer?))
}

/// The last answer under this key, which may be out of date: shown on the way back while another is asked for.
pub(crate) fn last<T: DeserializeOwned>(key: &str) -> Option<T> {
    let answer = KEPT.with_borrow(|kept| Some(kept.iter().find(|kept| kept.key == key)?.answer.clone()));
    read(answer?).ok()
}

/// Whether an answer is there that need not be asked for again.
pub(crate) fn is_fresh(key: &str) -> bool {
    let now = Date::now();
    KEPT.with_borrow(|kept| kept.iter().any(|kept| kept.key == key && now < kept.fresh_until))
}

/// Asks for what a page will show when it is opened.
pub(crate) async fn ask_ahead(url: String) {
    let answer = fetch(&url).await;
    put(url, Date::now() + FRESH, answer);
}

/// Has everything asked for again: something was changed.
pub(crate) fn expire() {
    KEPT.with_borrow_mut(|kept| {
        for kept in kept {
            kept.fresh_until = 0.0;
        }
    });
}

/// Asks the server function under this address.
pub(crate) async fn ask<T: DeserializeOwned>(url: String) -> Result<T, Problem> {
    let answer = fetch(&url).await;
    put(url, 0.0, answer.clone());
    read(answer)
}

/// The bytes that a server function answers.
async fn fetch(url: &str) -> Answer {
    let unreachable = |_| Problem::Unreachable;
    let request = Request::get(url).header("accept", "application/json");
    let response = request.send().await.map_err(unreachable)?;
    let bytes = response.binary().await.map_err(unreachable)?;
    if response.ok() {
        Ok(bytes)
    } else {
        Err(decode(&bytes).unwrap_or(Problem::Unreachable))
    }
}

fn read<T: DeserializeOwned>(answer: Answer) -> Result<T, Problem> {
    decode(&answer?).ok_or(Problem::Unreachable)
}

/// Reads JSON. It is parsed once for all types, so that each adds only what is its own to the program: a parser for
/// each type was a tenth of it.
pub(crate) fn decode<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    let value: serde_json::Value = serde_json::from_slice(json).ok()?;
    T::deserialize(value).ok()
}

fn put(key: String, fresh_until: f64, answer: Answer) {
    KEPT.with_borrow_mut(|kept| {
        kept.retain(|kept| kept.key != key);
        kept.push_front(Kept {
            key,
            fresh_until,
            answer,
        });
        kept.truncate(MOST);
    });
}
