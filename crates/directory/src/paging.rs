//! Pages of lists: where a page ends, and the encoding of a cursor.
//!
//! Owns both for all lists. It must not know what a list contains.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use policy::Refusal;
use serde::{Serialize, de::DeserializeOwned};

/// Cuts the rows to a page, and returns whether there are more. Lists read one row more than they show.
pub(crate) fn cut<T>(mut rows: Vec<T>, limit: usize) -> (Vec<T>, bool) {
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    (rows, has_more)
}

/// Encodes a cursor for a URL; opaque to clients.
pub(crate) fn encode(cursor: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(cursor).unwrap_or_default())
}

/// Parses what [`encode`] wrote. The list checks whether the cursor fits it.
///
/// # Errors
/// [`Refusal::CursorInvalid`].
pub(crate) fn decode<T: DeserializeOwned>(text: &str) -> Result<T, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Refusal::CursorInvalid)?;
    serde_json::from_slice(&bytes).map_err(|_| Refusal::CursorInvalid)
}
