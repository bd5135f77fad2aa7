//! The console's server functions. Each of them reads who asks, parses its arguments, calls one use case of the
//! directory, and returns the answer.
//!
//! Owns the arguments and answers of the browser's requests. Must not know SQL, and decides nothing.

pub(crate) mod accounts;
pub(crate) mod api_keys;
pub(crate) mod collaborators;
pub(crate) mod email_changes;
pub(crate) mod invitations;
pub(crate) mod list;
pub(crate) mod members;
pub(crate) mod organizations;
pub(crate) mod owned_assets;
pub(crate) mod projects;
pub(crate) mod resources;
pub(crate) mod sessions;
pub(crate) mod shell;
pub(crate) mod ssh_keys;
pub(crate) mod typed_details;
pub(crate) mod usage;
pub(crate) mod verification;

use std::fmt;

use policy::{ApiKeyId, KeyFate, Refusal, Slug};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Problem;

/// An instant, in seconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Timestamp(pub(crate) i64);

/// The last, flattened argument of each form's server function. It refuses unknown fields, which would otherwise be
/// ignored.
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

/// Parses a slug of a URL. A text that is not one is answered like an unknown slug.
#[cfg_attr(
    not(feature = "ssr"),
    expect(dead_code, reason = "parsing is the server's; the browser sends what was typed")
)]
fn slug(text: &str) -> Result<Slug, Problem> {
    text.parse().map_err(|_| Refusal::Hidden.into())
}

/// The last, flattened argument of a form that decides about API keys: a field for each key, named `revoke-`, `lower-`
/// or `keep-` and the key's id. It refuses other fields. Of several choices for one key the strictest counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyChoices(pub(crate) Vec<(ApiKeyId, KeyFate)>);

impl KeyChoices {
    /// The prefixes of the fields' names.
    const NAMES: [(KeyFate, &str); 3] = [
        (KeyFate::Keep, "keep-"),
        (KeyFate::Lower, "lower-"),
        (KeyFate::Revoke, "revoke-"),
    ];

    /// Returns the name of the field that chooses this for a key.
    pub(crate) fn field(fate: KeyFate, key: ApiKeyId) -> String {
        let head = match fate {
            KeyFate::Keep => "keep-",
            KeyFate::Lower => "lower-",
            KeyFate::Revoke => "revoke-",
        };
        format!("{head}{key}")
    }

    /// Returns the keys of a form in which each can only be revoked. Fails if something else is chosen for one.
    #[cfg(feature = "ssr")]
    pub(crate) fn revoked(&self) -> Result<Vec<ApiKeyId>, Refusal> {
        let revoked = |(key, fate): &(ApiKeyId, KeyFate)| (*fate == KeyFate::Revoke).then_some(*key);
        let revoked = self.0.iter().map(revoked).collect::<Option<_>>();
        revoked.ok_or(Refusal::Malformed)
    }

    fn choose(&mut self, key: ApiKeyId, fate: KeyFate) {
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, chosen)) => *chosen = fate.max(*chosen),
            None => self.0.push((key, fate)),
        }
    }
}

impl Serialize for KeyChoices {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, fate)| (Self::field(*fate, *key), "on")))
    }
}

impl<'de> Deserialize<'de> for KeyChoices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = KeyChoices;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("what becomes of keys")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<KeyChoices, A::Error> {
                let (mut choices, mut seen) = (KeyChoices::default(), Vec::new());
                while let Some((name, _)) = map.next_entry::<String, String>()? {
                    let choice = KeyChoices::NAMES
                        .iter()
                        .find_map(|(fate, head)| Some((name.strip_prefix(head)?.parse().ok()?, *fate)));
                    let (key, fate) = choice.ok_or_else(|| de::Error::custom("unknown field"))?;
                    if seen.contains(&name) {
                        return Err(de::Error::custom("doubled field"));
                    }
                    seen.push(name);
                    choices.choose(key, fate);
                }
                Ok(choices)
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}

/// Parses a day and returns the instant it ends, in UTC; `None` for an empty text.
#[cfg(feature = "ssr")]
fn end_of_day(day: &str) -> Result<Option<directory::OffsetDateTime>, Problem> {
    let day = policy::compatible(&policy::visible(day));
    if day.is_empty() {
        return Ok(None);
    }
    let format = time::macros::format_description!("[year]-[month]-[day]");
    let day = directory::Date::parse(&day, format).map_err(|_| Refusal::EndDateInvalid)?;
    end_of(day).map(Some)
}

/// Returns the instant a day ends, in UTC.
#[cfg(feature = "ssr")]
fn end_of(day: directory::Date) -> Result<directory::OffsetDateTime, Problem> {
    let next = day.next_day().ok_or(Refusal::EndDateInvalid)?;
    Ok(next.midnight().assume_utc())
}

/// Parses a name.
#[cfg(feature = "ssr")]
fn name(text: &str) -> Result<policy::Name, Problem> {
    Ok(policy::Name::from_input(text)?)
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
        assert!(none.keys.0.is_empty());
        let two = read(&format!(
            "project=a&user={id}&revoke-{id}=on&revoke-{}=on",
            id.replace('1', "2")
        ))
        .unwrap();
        assert_eq!(two.keys.0.len(), 2);
        let both = read(&format!(
            "project=a&user={id}&keep-{id}=on&revoke-{id}=on&lower-{id}=on"
        ))
        .unwrap();
        assert_eq!(both.keys.0, [(id.parse().unwrap(), policy::KeyFate::Revoke)]);
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
