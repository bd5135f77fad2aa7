//! How a list is searched, filtered, sorted and paged: all of it is in the URL.

use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use {crate::Problem, directory::Cursor};

/// Rows on a page.
#[cfg(feature = "ssr")]
pub(crate) const PAGE: u16 = 50;

/// As typed into the URL, unchecked. No list has all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ListQuery {
    /// A part of a name or address.
    pub(crate) q: String,
    /// `admin` or `member`.
    pub(crate) role: String,
    /// `member`, `admin` or `external`.
    pub(crate) kind: String,
    /// `pending`, `expired`, `accepted` or `revoked`.
    pub(crate) state: String,
    /// `name`, `added` or `role`.
    pub(crate) sort: String,
    /// `asc` or `desc`.
    pub(crate) order: String,
    /// The cursor of the page: the row after which it begins.
    pub(crate) after: String,
}

impl ListQuery {
    /// Its parts, as named in the URL.
    pub(crate) fn pairs(&self) -> [(&'static str, &str); 7] {
        [
            ("q", &self.q),
            ("role", &self.role),
            ("kind", &self.kind),
            ("state", &self.state),
            ("sort", &self.sort),
            ("order", &self.order),
            ("after", &self.after),
        ]
    }

    /// Whether anything narrows the list.
    pub(crate) fn is_narrowed(&self) -> bool {
        !(self.q.trim().is_empty() && self.role.is_empty() && self.kind.is_empty() && self.state.is_empty())
    }
}

#[cfg(feature = "ssr")]
impl ListQuery {
    /// The cursor of a page in a list of people; none for the first page.
    pub(crate) fn people_after(&self) -> Result<Option<Cursor>, Problem> {
        if self.after.is_empty() {
            Ok(None)
        } else {
            Ok(Some(Cursor::decode(&self.after)?))
        }
    }
}
