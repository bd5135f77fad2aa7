//! Lists, page by page.

use serde::Serialize;
use utoipa::ToSchema;

use super::body::Parameters;
use crate::http::problem::Wrong;

/// Rows on a page, unless it is said otherwise.
pub(crate) const USUAL: u16 = 50;
/// Rows on a page, at most.
pub(crate) const MOST: u16 = 1_000;

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List<T> {
    pub(crate) data: Vec<T>,
    /// Where the next page begins, to be sent as `after`; null on the last one.
    #[schema(required = true)]
    pub(crate) next_cursor: Option<String>,
}

/// Which part of a list.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) limit: u16,
    pub(crate) after: Option<String>,
}

/// Reads which part of a list is asked for.
pub(crate) fn read(parameters: &mut Parameters) -> Page {
    let limit = parameters.given("limit", |text| {
        text.parse()
            .ok()
            .filter(|limit| (1..=MOST).contains(limit))
            .ok_or_else(|| Wrong::form(format!("Send a whole number from 1 to {MOST}.")))
    });
    Page {
        limit: limit.unwrap_or(USUAL),
        after: parameters.given("after", |text| Ok(text.to_owned())),
    }
}
