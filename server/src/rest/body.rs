//! Reads what a program sends, JSON bodies and queries, field by field, so that one answer names every field that is
//! wrong.
//!
//! A field that is not known is refused (decision 0011), and so is one that comes twice in a query.

use std::{collections::BTreeMap, ops::RangeInclusive};

use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use directory::OffsetDateTime;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use policy::{Name, Refusal};
use serde_json::{Map, Value};
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::http::{
    layers::is_utf8,
    problem::{ApiError, FieldError, MOST_BYTES, Wrong},
};

/// Characters of a name.
pub(crate) const MOST_NAME: usize = 100;

/// The most errors in one answer, so that an answer cannot be many times as large as its request.
const MOST_ERRORS: usize = 100;

/// Reads a body that is a JSON object.
pub(crate) async fn object(headers: &HeaderMap, body: Body) -> Result<Fields, ApiError> {
    read_object(headers, &bytes(body, MOST_BYTES).await?)
}

/// The same, of bytes that were read.
pub(crate) fn read_object(headers: &HeaderMap, body: &[u8]) -> Result<Fields, ApiError> {
    if !is_json(headers) {
        return Err(ApiError::MediaType);
    }
    match serde_json::from_slice(body).map_err(|_| Refusal::Malformed)? {
        Value::Object(map) => Ok(Fields::new(String::new(), map)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(ApiError::Body(vec![Wrong::form("Send a JSON object.").at("")]))
        }
    }
}

/// The whole body, unless it is larger than `most` bytes.
pub(crate) async fn bytes(body: Body, most: usize) -> Result<Vec<u8>, ApiError> {
    match Limited::new(body, most).collect().await {
        Ok(body) => Ok(body.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(ApiError::TooLarge { most }),
        // The connection broke off: nobody reads this answer.
        Err(_) => Err(Refusal::Malformed.into()),
    }
}

/// Whether a body is said to be JSON; a merge patch (RFC 7396) is.
fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|media| {
            ["application/json", "application/merge-patch+json"]
                .iter()
                .any(|known| media.trim().eq_ignore_ascii_case(known))
        })
}

/// The fields of a JSON object, taken out one by one.
#[derive(Debug)]
pub(crate) struct Fields {
    /// The path of this object in the body: empty, or ending in a dot.
    path: String,
    map: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// The fields of `map`, which is at `path`.
    pub(crate) fn new(path: String, map: Map<String, Value>) -> Self {
        Self {
            path,
            map,
            errors: Vec::new(),
        }
    }

    /// What is in a field as it came, `null` included.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name)
    }

    /// A field that must be there.
    pub(crate) fn needed<T>(&mut self, name: &str, read: impl FnOnce(&Value) -> Result<T, Wrong>) -> Option<T> {
        if !self.map.contains_key(name) {
            self.wrong(name, Wrong::missing());
        }
        self.given(name, read)
    }

    /// A field that may be left out.
    pub(crate) fn given<T>(&mut self, name: &str, read: impl FnOnce(&Value) -> Result<T, Wrong>) -> Option<T> {
        let value = self.take(name)?;
        match read(&value) {
            Ok(value) => Some(value),
            Err(wrong) => {
                self.wrong(name, wrong);
                None
            }
        }
    }

    /// A field that is an object itself, and must be there.
    pub(crate) fn needed_object(&mut self, name: &str) -> Option<Self> {
        if !self.map.contains_key(name) {
            self.wrong(name, Wrong::missing());
        }
        self.object(name)
    }

    /// A field that is an object itself.
    pub(crate) fn object(&mut self, name: &str) -> Option<Self> {
        let map = self.given(name, |value| {
            value
                .as_object()
                .cloned()
                .ok_or_else(|| Wrong::form("Send a JSON object."))
        })?;
        Some(Self::new(format!("{}{name}.", self.path), map))
    }

    /// Notes what is wrong with a field.
    pub(crate) fn wrong(&mut self, name: &str, wrong: Wrong) {
        if self.errors.len() < MOST_ERRORS {
            self.errors.push(wrong.at(format!("{}{name}", self.path)));
        }
    }

    /// Adds the errors of an object inside this one.
    pub(crate) fn join(&mut self, inner: Self) {
        self.errors.extend(inner.end());
        self.errors.truncate(MOST_ERRORS);
    }

    /// Ends the reading: every error so far, up to a limit. Fields that were not taken count as unknown.
    pub(crate) fn end(mut self) -> Vec<FieldError> {
        let unknown = std::mem::take(&mut self.map);
        for (name, _) in unknown.into_iter().take(MOST_ERRORS) {
            self.wrong(&name, Wrong::unknown());
        }
        self.errors
    }

    /// What was read, if all of it could be.
    pub(crate) fn done<T>(self, read: Option<T>) -> Result<T, ApiError> {
        let errors = self.end();
        match read {
            Some(read) if errors.is_empty() => Ok(read),
            _ => Err(ApiError::Body(errors)),
        }
    }
}

/// A text.
pub(crate) fn text(value: &Value) -> Result<String, Wrong> {
    value
        .as_str()
        .map(ToOwned::to_owned)
        .ok_or_else(|| Wrong::form("Send a string."))
}

/// A name.
pub(crate) fn name(value: &Value) -> Result<Name, Wrong> {
    let text = value.as_str().and_then(line).ok_or(Refusal::NameInvalid)?;
    Ok(Name::from_input(text)?)
}

/// A line of text, trimmed. Unlike in forms, the space around it counts towards the limit, and a line break is refused
/// even at the ends.
pub(crate) fn line(text: &str) -> Option<&str> {
    let ends = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    (text.chars().count() <= MOST_NAME && !text.contains(ends)).then(|| text.trim())
}

/// One of the codes that `T` knows.
pub(crate) fn code<T: std::str::FromStr>(value: &Value) -> Result<T, Wrong> {
    value
        .as_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Wrong::form("Send one of the known codes."))
}

/// An id.
pub(crate) fn id(value: &Value) -> Result<Uuid, Wrong> {
    value
        .as_str()
        .and_then(plain_id)
        .ok_or_else(|| Wrong::form("Send a UUID, with its hyphens."))
}

/// An id in the one form that JSON and paths have: 36 characters with hyphens.
pub(crate) fn plain_id(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == 36)
}

/// A moment.
pub(crate) fn moment(value: &Value) -> Result<OffsetDateTime, Wrong> {
    value
        .as_str()
        .and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok())
        .ok_or_else(|| Wrong::form("Send a date and time (RFC 3339), like 2026-11-24T09:30:00Z."))
}

/// A whole number, also written like `1.0`: to JSON that is the same.
pub(crate) fn whole(value: &Value, range: RangeInclusive<u64>) -> Result<u64, Wrong> {
    whole_number(value)
        .filter(|number| range.contains(number))
        .ok_or_else(|| {
            Wrong::form(format!(
                "Send a whole number from {} to {}.",
                range.start(),
                range.end()
            ))
        })
}

/// The value of a JSON number, if it is whole.
pub(crate) fn whole_number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let number = value.as_f64()?;
        // Both bounds are exact, so nothing is lost.
        ((0.0..=9_007_199_254_740_991.0).contains(&number) && number.fract() == 0.0).then_some(number as u64)
    })
}

/// The parameters of a query, taken out one by one.
#[derive(Debug)]
pub(crate) struct Parameters {
    map: BTreeMap<String, String>,
    errors: Vec<FieldError>,
}

impl Parameters {
    /// Reads a query.
    pub(crate) fn read(query: &str) -> Result<Self, ApiError> {
        let mut parameters = Self {
            map: BTreeMap::new(),
            errors: Vec::new(),
        };
        if !is_utf8(query.as_bytes()) {
            return Err(ApiError::Query(vec![Wrong::form("Send UTF-8.").at("")]));
        }
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if parameters
                .map
                .insert(name.clone().into_owned(), value.into_owned())
                .is_some()
            {
                parameters.errors.push(Wrong::repeated().at(name));
            }
        }
        Ok(parameters)
    }

    /// A parameter, if it is there.
    pub(crate) fn given<T>(&mut self, name: &str, read: impl FnOnce(&str) -> Result<T, Wrong>) -> Option<T> {
        let value = self.map.remove(name)?;
        match read(&value) {
            Ok(value) => Some(value),
            Err(wrong) => {
                self.errors.push(wrong.at(name));
                None
            }
        }
    }

    /// Ends the reading. Parameters that were not taken count as unknown.
    pub(crate) fn end(mut self) -> Result<(), ApiError> {
        let unknown = self.map.into_keys().map(|name| Wrong::unknown().at(name));
        self.errors.extend(unknown.take(MOST_ERRORS));
        self.errors.truncate(MOST_ERRORS);
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(ApiError::Query(self.errors))
        }
    }
}

/// One of the codes that `T` knows, in a query.
pub(crate) fn word<T: std::str::FromStr>(text: &str) -> Result<T, Wrong> {
    text.parse().map_err(|_| Wrong::form("Send one of the known codes."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Fields {
        Fields::new(String::new(), value.as_object().cloned().unwrap_or_default())
    }

    #[test]
    fn everything_wrong_is_said_at_once_and_by_name() {
        let mut outer = fields(json!({ "name": 3, "inner": { "count": -1, "more": 1 }, "extra": null }));
        outer.needed("name", name);
        outer.needed("state", text);
        let mut inner = outer.object("inner").unwrap();
        inner.needed("count", |value| whole(value, 0..=9));
        outer.join(inner);
        let found: Vec<_> = outer
            .end()
            .into_iter()
            .map(|error| format!("{} {}", error.field, error.code))
            .collect();
        assert_eq!(
            found,
            [
                "name name_invalid",
                "state missing",
                "inner.count wrong_form",
                "inner.more unknown",
                "extra unknown"
            ]
        );
    }

    /// An answer that lists as many errors as a body has fields is many times as large as the body.
    #[test]
    fn no_more_than_a_hundred_faults_are_said() {
        let many: Map<_, _> = (0..5_000).map(|n| (format!("f{n}"), Value::Null)).collect();
        let mut outer = fields(json!({ "inner": many.clone() }));
        let mut inner = outer.object("inner").unwrap();
        inner.wrong("first", Wrong::missing());
        outer.join(inner);
        let found = outer.end();
        assert_eq!((found.len(), &*found[0].field), (100, "inner.first"));
        assert_eq!(fields(Value::Object(many)).end().len(), 100);
        let query: Vec<_> = (0..5_000).map(|n| format!("f{n}=")).collect();
        let Err(ApiError::Query(found)) = Parameters::read(&query.join("&")).unwrap().end() else {
            panic!("read as if it were known")
        };
        assert_eq!(found.len(), 100);
    }

    #[test]
    fn a_whole_number_is_whole_however_it_is_written() {
        assert_eq!(whole_number(&json!(3)), Some(3));
        assert_eq!(whole_number(&json!(3.0)), Some(3));
        for not in [
            json!(3.5),
            json!(-1),
            json!(1e300),
            json!("3"),
            json!(null),
            json!(true),
        ] {
            assert_eq!(whole_number(&not), None, "{not}");
        }
    }

    #[test]
    fn an_id_has_one_form() {
        let id = "01900000-0000-7000-8000-000000000001";
        assert!(plain_id(id).is_some());
        for not in [
            "",
            "x",
            "01900000000070008000000000000001",
            "{01900000-0000-7000-8000-000000000001}",
        ] {
            assert_eq!(plain_id(not), None, "{not}");
        }
    }

    #[test]
    fn a_query_is_read_strictly() {
        let read = |query: &str| {
            let mut parameters = Parameters::read(query)?;
            let limit = parameters.given("limit", word::<u16>);
            parameters.end().map(|()| limit)
        };
        assert_eq!(read("").unwrap(), None);
        assert_eq!(read("limit=5").unwrap(), Some(5));
        for query in ["limit=x", "limit=5&limit=5", "limits=5", "limit=%ff"] {
            assert!(matches!(read(query), Err(ApiError::Query(_))), "{query}");
        }
    }
}
