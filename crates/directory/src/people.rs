//! Lists of people, whatever they are people of: searched, sorted, and read page by page from an index (C10).

use std::str::FromStr;

use policy::{Email, ProjectRole, Refusal, UserId, visible};
use serde::{Deserialize, Serialize};
use sqlx::{Postgres, QueryBuilder};
use time::OffsetDateTime;

use crate::paging;

/// The order of a list.
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

/// The direction of a list.
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

    /// What compares a row that comes after another with it.
    pub(crate) const fn compare(self) -> char {
        match self {
            Self::Asc => '>',
            Self::Desc => '<',
        }
    }
}

impl PeopleSort {
    /// The columns it sorts by. The last makes every place in the list a place of its own.
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Name => &["name", "user_id"],
            Self::Added => &["added_at", "user_id"],
            Self::Role => &["role", "name", "user_id"],
        }
    }
}

/// An ORDER BY list over the columns of `a`.
pub(crate) fn order_by(sort: PeopleSort, order: Order) -> String {
    let direction = order.keyword();
    let columns: Vec<_> = sort.keys().iter().map(|key| format!("a.{key} {direction}")).collect();
    columns.join(", ")
}

/// A place in a list: after this row. Opaque to the outside; one that does not fit the list is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    pub(crate) sort: PeopleSort,
    pub(crate) order: Order,
    /// As stored: the codes of both kinds of role are the same.
    pub(crate) role: String,
    pub(crate) name: String,
    pub(crate) added: i128,
    pub(crate) user: UserId,
}

impl Cursor {
    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`Refusal::CursorInvalid`].
    pub fn decode(text: &str) -> Result<Self, Refusal> {
        let cursor: Self = paging::decode(text)?;
        // PostgreSQL's text cannot hold a NUL, nor its time every instant.
        let fits = !cursor.name.contains('\0')
            && cursor.role.parse::<ProjectRole>().is_ok()
            && cursor.added().is_some_and(|at| (1970..10_000).contains(&at.year()));
        if fits { Ok(cursor) } else { Err(Refusal::CursorInvalid) }
    }

    /// As a URL carries it.
    #[must_use]
    pub fn encode(&self) -> String {
        paging::encode(self)
    }

    /// # Errors
    /// [`Refusal::CursorInvalid`] for a place in another list.
    pub(crate) fn check(after: Option<&Self>, sort: PeopleSort, order: Order) -> Result<(), Refusal> {
        match after {
            Some(after) if (after.sort, after.order) != (sort, order) => Err(Refusal::CursorInvalid),
            Some(_) | None => Ok(()),
        }
    }

    /// Goes on with a WHERE clause over the columns of `a`: only what comes after this place.
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

/// # Errors
/// [`Refusal::Malformed`] for a search text that cannot be one.
pub(crate) fn check_search(search: &str) -> Result<(), Refusal> {
    if search.contains('\0') || search.chars().count() > 200 {
        Err(Refusal::Malformed)
    } else {
        Ok(())
    }
}

/// A LIKE pattern for a part of a text, whatever characters it has. What is searched for is what people see: composed
/// as names are, and of a pasted `Jane Doe <jane@example.com>` the address.
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
