//! What travels with a page, and how its elements are called.

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

/// The attribute of an element with an answer: the path of the server function. Its arguments may be what was typed.
#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub(super) const ANSWERS: &str = "data-answers";
/// The attribute of an answer that is a problem.
#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub(super) const PROBLEM: &str = "data-problem";
/// What the [`PageState`] answers.
#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub(super) const STATE: &str = "page";
