//! What lists of people share: search, order and cursor. A page is read from an index (C10).
//!
//! Owns these for collaborators and members. It must not know which list it is.

use std::str::FromStr;

use policy::{Email, ProjectRole, Refusal, UserId, visible};
use serde::{Deserialize, Serialize};
use sqlx::{Postgres, QueryBuilder};
use time::OffsetDateTime;

use crate::paging;

/// The column that a list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeopleSort {
    /// By name.
    #[default]
    Name,
    /// By the time access was given.
    Added,
    /// By role, Admins first, then by name.
    Role,
}

/// The direction of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Smallest, earliest first.
    #[default]
    Asc,
    /// Greatest, latest first.
    Desc,
}

impl FromStr for Order {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        match text {
            "asc" => Ok(Self::Asc),
            "desc" => Ok(Self::Desc),
            _ => Err(Refusal::Malformed),
        }
    }
}

impl FromStr for PeopleSort {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        match text {
            "name" => Ok(Self::Name),
            "added" => Ok(Self::Added),
            "role" => Ok(Self::Role),
            _ => Err(Refusal::Malformed),
        }
    }
}

impl Order {
    pub(crate) const fn keyword(self) -> &'static str {
        match self {
            Self::Asc => "ASC",
            Self::Desc => "DESC",
        }
    }

    /// Returns the operator by which a later row compares with an earlier one.
    pub(crate) const fn compare(self) -> char {
        match self {
            Self::Asc => '>',
            Self::Desc => '<',
        }
    }
}

impl PeopleSort {
    /// Returns the columns to sort by. The last one makes the order total.
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Name => &["name", "user_id"],
            Self::Added => &["added_at", "user_id"],
            Self::Role => &["role", "name", "user_id"],
        }
    }
}

/// Returns an ORDER BY list over the columns of `a`.
pub(crate) fn order_by(sort: PeopleSort, order: Order) -> String {
    let direction = order.keyword();
    let columns: Vec<_> = sort.keys().iter().map(|key| format!("a.{key} {direction}")).collect();
    columns.join(", ")
}

/// The cursor of a list of people: the page begins after this row. Opaque to clients; a cursor of a list with another
/// order is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    pub(crate) sort: PeopleSort,
    pub(crate) order: Order,
    /// The role's code, which is the same for both kinds of role.
    pub(crate) role: String,
    pub(crate) name: String,
    pub(crate) added: i128,
    pub(crate) user: UserId,
}

impl Cursor {
    /// Parses what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`Refusal::CursorInvalid`].
    pub fn decode(text: &str) -> Result<Self, Refusal> {
        let cursor: Self = paging::decode(text)?;
        // PostgreSQL's text can't hold a NUL, and its timestamps can't hold every time.
        let fits = !cursor.name.contains('\0')
            && cursor.role.parse::<ProjectRole>().is_ok()
            && cursor.added().is_some_and(|at| (1970..10_000).contains(&at.year()));
        if fits { Ok(cursor) } else { Err(Refusal::CursorInvalid) }
    }

    /// Encodes the cursor for a URL.
    #[must_use]
    pub fn encode(&self) -> String {
        paging::encode(self)
    }

    /// Checks that a cursor belongs to a list with this order.
    ///
    /// # Errors
    /// [`Refusal::CursorInvalid`] for a cursor of another list.
    pub(crate) fn check(after: Option<&Self>, sort: PeopleSort, order: Order) -> Result<(), Refusal> {
        match after {
            Some(after) if (after.sort, after.order) != (sort, order) => Err(Refusal::CursorInvalid),
            Some(_) | None => Ok(()),
        }
    }

    /// Adds a condition to a WHERE clause over the columns of `a`: only rows after this cursor.
    pub(crate) fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        let keys = self.sort.keys();
        let columns = keys.iter().map(|key| format!("a.{key}")).collect::<Vec<_>>().join(", ");
        let compare = self.order.compare();
        sql.push(format!(" AND ({columns}) {compare} ("));
        for key in keys {
            match *key {
                "role" => sql.push_bind(self.role.clone()),
                "name" => sql.push_bind(self.name.clone()),
                "added_at" => sql.push_bind(self.added()),
                _ => sql.push_bind(self.user.0),
            };
            sql.push(if *key == "user_id" { ")" } else { ", " });
        }
    }

    fn added(&self) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp_nanos(self.added).ok()
    }
}

/// Checks a search text.
///
/// # Errors
/// [`Refusal::Malformed`] for an invalid search text.
pub(crate) fn check_search(search: &str) -> Result<(), Refusal> {
    if search.contains('\0') || search.chars().count() > 200 {
        Err(Refusal::Malformed)
    } else {
        Ok(())
    }
}

/// Returns a LIKE pattern that matches the text anywhere, with its special characters escaped. The text is first
/// normalised as names are, and a pasted `Jane Doe <jane@example.com>` is reduced to the address.
pub(crate) fn pattern(search: &str) -> String {
    let seen = match Email::from_input(search) {
        Ok(email) => email.to_string(),
        Err(_) => visible(search),
    };
    let mut pattern = String::from("%");
    for c in seen.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
