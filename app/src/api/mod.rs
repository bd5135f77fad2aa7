//! The console's server functions: who asks, parse, one use case, and the answer. Nothing is decided here.

pub(crate) mod accounts;
pub(crate) mod api_keys;
pub(crate) mod collaborators;
pub(crate) mod invitations;
pub(crate) mod list;
pub(crate) mod members;
pub(crate) mod organizations;
pub(crate) mod projects;
pub(crate) mod resources;
pub(crate) mod sessions;
pub(crate) mod shell;
pub(crate) mod ssh_keys;
pub(crate) mod usage;
pub(crate) mod verification;

use std::fmt;

use policy::{ApiKeyId, Name, Refusal, Slug};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Problem;

/// An instant, in seconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Moment(pub(crate) i64);

/// The end of every form's arguments: nothing may come after them. A field that nobody knows is refused, rather than taken
/// for something that was done.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct NothingElse {}

impl<'de> Deserialize<'de> for NothingElse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = NothingElse;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("no other field")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<NothingElse, A::Error> {
                if map.next_entry::<de::IgnoredAny, de::IgnoredAny>()?.is_some() {
                    return Err(de::Error::custom("unknown field"));
                }
                Ok(NothingElse {})
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}

/// A slug out of a URL. What cannot be one does not exist.
#[cfg_attr(
    not(feature = "ssr"),
    expect(dead_code, reason = "parsing is the server's; the browser sends what was typed")
)]
fn slug(text: &str) -> Result<Slug, Problem> {
    text.parse().map_err(|_| Refusal::Hidden.into())
}

/// The end of the arguments of a form with a checkbox for each of some keys, named `revoke-` and the key's id: those that are
/// checked, and nothing else.
#[derive(Clone, Debug, Default)]
pub(crate) struct Revoked(pub(crate) Vec<ApiKeyId>);

impl Revoked {
    /// What the name of a checkbox begins with.
    pub(crate) const NAME: &str = "revoke-";
}

impl Serialize for Revoked {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|id| (format!("{}{id}", Self::NAME), "on")))
    }
}

impl<'de> Deserialize<'de> for Revoked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Revoked;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("keys to revoke")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Revoked, A::Error> {
                let mut chosen = Vec::new();
                while let Some((name, _)) = map.next_entry::<String, String>()? {
                    let id = name.strip_prefix(Revoked::NAME).and_then(|id| id.parse().ok());
                    let id = id.filter(|id| !chosen.contains(id));
                    chosen.push(id.ok_or_else(|| de::Error::custom("unknown field"))?);
                }
                Ok(Revoked(chosen))
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}

/// The instant a day ends, in UTC; nothing for no day.
#[cfg(feature = "ssr")]
fn end_of_day(day: &str) -> Result<Option<directory::OffsetDateTime>, Problem> {
    if day.is_empty() {
        return Ok(None);
    }
    let format = time::macros::format_description!("[year]-[month]-[day]");
    let day = directory::Date::parse(day, format).map_err(|_| Refusal::EndDateInvalid)?;
    end_of(day).map(Some)
}

/// The end of a day, in UTC.
#[cfg(feature = "ssr")]
fn end_of(day: directory::Date) -> Result<directory::OffsetDateTime, Problem> {
    let next = day.next_day().ok_or(Refusal::EndDateInvalid)?;
    Ok(next.midnight().assume_utc())
}

/// A name out of a form.
#[cfg_attr(
    not(feature = "ssr"),
    expect(dead_code, reason = "parsing is the server's; the browser sends what was typed")
)]
fn name(text: &str) -> Result<Name, Problem> {
    text.parse().map_err(|_| Refusal::NameInvalid.into())
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use serde_qs::Config;

    use super::collaborators::{AddCollaborator, RemoveCollaborator};

    fn read(form: &str) -> Result<AddCollaborator, String> {
        Config::new(5, false)
            .deserialize_str(form)
            .map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn c6_the_checked_keys_are_read_and_nothing_else() {
        let id = "0192f0c1-2345-7abc-8def-0123456789ab";
        let read = |form: &str| Config::new(5, false).deserialize_str::<RemoveCollaborator>(form);
        let none = read(&format!("project=a&user={id}")).unwrap();
        assert!(none.revoke.0.is_empty());
        let two = read(&format!(
            "project=a&user={id}&revoke-{id}=on&revoke-{}=on",
            id.replace('1', "2")
        ))
        .unwrap();
        assert_eq!(two.revoke.0.len(), 2);
        for wrong in [
            "revoke-x=on",
            "role=admin",
            "revoke=on",
            "revoke-0192f0c1-2345-7abc-8def-0123456789ab[x]=on",
        ] {
            assert!(read(&format!("project=a&user={id}&{wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_field_that_nobody_knows_is_refused() {
        assert!(read("project=a&email=b").is_ok());
        for form in [
            "project=a&email=b&role=admin",
            "project=a&email=b&role[x]=admin",
            "project=a&email=b&x",
        ] {
            assert!(read(form).is_err(), "{form}");
        }
    }
}
