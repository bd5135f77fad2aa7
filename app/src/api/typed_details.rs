//! The fields of a resource as they were typed into a form, unchecked. The policy checks them.

use std::{collections::BTreeMap, fmt};

use policy::ResourceField;
use serde::{Deserialize, Deserializer, Serialize, de};

#[cfg(feature = "ssr")]
use {
    crate::Problem,
    policy::{Refusal, ResourceKind},
};

/// What was typed into the fields of a resource: the last argument of a form, like [`super::NothingElse`]. It refuses a
/// field that no resource has, and a field that is sent twice.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct TypedDetails(pub(super) BTreeMap<ResourceField, String>);

impl<'de> Deserialize<'de> for TypedDetails {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = TypedDetails;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("fields of a resource")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<TypedDetails, A::Error> {
                let mut typed = BTreeMap::new();
                while let Some((field, text)) = map.next_entry::<ResourceField, String>()? {
                    if typed.insert(field, text).is_some() {
                        return Err(de::Error::custom("duplicate field"));
                    }
                }
                Ok(TypedDetails(typed))
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(feature = "ssr")]
impl TypedDetails {
    /// Returns everything that was typed into a form, these fields and the `rest`, so that it is kept when the form is
    /// shown again (N3).
    pub(super) fn with<'a>(&'a self, rest: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let details = self.0.iter().map(|(field, typed)| (field.code(), typed.as_str()));
        rest.iter().copied().chain(details).collect()
    }

    /// Returns what was typed into a field; empty if it was not sent.
    pub(super) fn get(&self, field: ResourceField) -> &str {
        self.0.get(&field).map(String::as_str).unwrap_or_default()
    }

    /// Refuses fields that a resource of this kind does not have, which no form sends.
    pub(super) fn check_kind(&self, kind: ResourceKind) -> Result<(), Problem> {
        if self.0.keys().all(|field| kind.fields().contains(field)) {
            Ok(())
        } else {
            Err(Refusal::Malformed.into())
        }
    }
}
