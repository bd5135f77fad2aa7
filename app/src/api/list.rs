//! The search, filters, order and cursor of a list, as they are in the URL.

use serde::{Deserialize, Serialize};

use crate::address::PageAddress;

#[cfg(feature = "ssr")]
use {crate::Problem, directory::Cursor};

/// The number of rows on a page.
#[cfg(feature = "ssr")]
pub(crate) const PAGE: u16 = 50;

/// The query of the URL, unchecked. Each list uses some of the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ListQuery {
    /// The text that names or addresses must contain.
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
    /// The cursor: the page begins after its row.
    pub(crate) after: String,
}

impl ListQuery {
    /// Reads it from the address of a list's page.
    pub(crate) fn of(address: &PageAddress) -> Self {
        let part = |name| address.query(name);
        Self {
            q: part("q"),
            role: part("role"),
            kind: part("kind"),
            state: part("state"),
            sort: part("sort"),
            order: part("order"),
            after: part("after"),
        }
    }

    /// Returns the fields with their names in the URL.
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

    /// Returns whether a search or a filter narrows the list.
    pub(crate) fn is_narrowed(&self) -> bool {
        !(self.q.trim().is_empty() && self.role.is_empty() && self.kind.is_empty() && self.state.is_empty())
    }
}

#[cfg(feature = "ssr")]
impl ListQuery {
    /// Parses the cursor of a list of people; returns `None` for the first page.
    pub(crate) fn people_after(&self) -> Result<Option<Cursor>, Problem> {
        if self.after.is_empty() {
            Ok(None)
        } else {
            Ok(Some(Cursor::decode(&self.after)?))
        }
    }
}
