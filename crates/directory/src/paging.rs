//! Pages of lists: where one ends, and how the place where the next begins is written for the outside.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use policy::Refusal;
use serde::{Serialize, de::DeserializeOwned};

/// Cuts what was read to a page, and says whether there is more. Lists read one row more than they show.
pub(crate) fn cut<T>(mut rows: Vec<T>, limit: usize) -> (Vec<T>, bool) {
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    (rows, has_more)
}

/// A place in a list as a URL carries it: opaque to the outside.
pub(crate) fn encode(cursor: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(cursor).unwrap_or_default())
}

/// Reads what [`encode`] wrote. Whether it is a place that there can be is for its list to say.
///
/// # Errors
/// [`Refusal::CursorInvalid`].
pub(crate) fn decode<T: DeserializeOwned>(text: &str) -> Result<T, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Refusal::CursorInvalid)?;
    serde_json::from_slice(&bytes).map_err(|_| Refusal::CursorInvalid)
}
