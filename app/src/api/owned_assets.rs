//! What a person owns in projects in the sense that they created it: API keys and resources. Dialogs about a removal or
//! a lower role list it, and so does the page of the keys one created (J3).
//!
//! Holds the types alone; the server functions that return them are with the collaborators, the members and the
//! projects.

use policy::{ApiKeyId, KeyScope, ResourceKind};
use serde::{Deserialize, Serialize};

/// An API key that somebody created and that still works (C6).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OwnedKey {
    /// Its id.
    pub(crate) id: ApiKeyId,
    /// Its name.
    pub(crate) name: String,
    /// Whether it uses resources or manages them (K11).
    pub(crate) reach: KeyScope,
    /// The start and the end of its secret, which tell keys of the same name apart.
    pub(crate) visible: String,
    /// The name of its project.
    pub(crate) project: String,
}

/// What somebody created in a project or an organization: it stays when their access ends (K5, E1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OwnedAssets {
    /// The first keys, ordered by name.
    pub(crate) keys: Vec<OwnedKey>,
    /// The number of keys beyond those.
    pub(crate) more_keys: i64,
    /// The number of resources of each kind.
    pub(crate) resources: Vec<(ResourceKind, i64)>,
}

#[cfg(feature = "ssr")]
impl From<directory::MadeKey> for OwnedKey {
    fn from(key: directory::MadeKey) -> Self {
        Self {
            id: key.id,
            name: key.name.to_string(),
            reach: key.reach,
            visible: format!("{}…{}", key.secret_start, key.secret_end),
            project: key.project.to_string(),
        }
    }
}

#[cfg(feature = "ssr")]
impl From<directory::OwnedAssets> for OwnedAssets {
    fn from(owned_assets: directory::OwnedAssets) -> Self {
        let named = i64::try_from(owned_assets.keys.len()).unwrap_or(i64::MAX);
        Self {
            more_keys: owned_assets.key_count - named,
            keys: owned_assets.keys.into_iter().map(Into::into).collect(),
            resources: owned_assets.resources,
        }
    }
}
