//! The answers that pages are made of, by what they were asked by. On the server they are there before the page is
//! rendered, and are written into it; in the browser they come with the page, or are asked for before another page is
//! opened. It must not know what an answer says, nor which page asks for what.

#[cfg(feature = "hydrate")]
mod browser;
#[cfg(feature = "ssr")]
mod server;

#[cfg(feature = "hydrate")]
pub(crate) use browser::{ask, ask_ahead, expire, first, is_fresh, last, page_state};
#[cfg(feature = "ssr")]
pub(crate) use server::{Answered, Answers, first, page_state, run};

use policy::UserId;
use serde::{Deserialize, Serialize};

use crate::Flash;

/// What a page knows of the request it was rendered for, beside its answers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct PageState {
    /// Who was signed in.
    pub(crate) user: Option<UserId>,
    /// A name of the page, which no other has.
    pub(crate) page: String,
    /// What came of a form that was sent before.
    pub(crate) flash: Option<Flash>,
}

/// The attribute that says what the script element with an answer answers.
#[cfg(any(feature = "ssr", feature = "hydrate"))]
const ANSWERS: &str = "data-answers";
/// The attribute of an answer that is a problem.
#[cfg(any(feature = "ssr", feature = "hydrate"))]
const PROBLEM: &str = "data-problem";
/// What the [`PageState`] answers.
#[cfg(any(feature = "ssr", feature = "hydrate"))]
const STATE: &str = "page";
