//! The person's SSH public keys (E4).

use leptos::{prelude::*, server_fn::codec::GetUrl};
use policy::SshKeyId;
use serde::{Deserialize, Serialize};

use super::{Moment, NothingElse};
use crate::{Problem, flash::Outcome};

#[cfg(feature = "ssr")]
use {
    crate::{
        flash::{Done, FormName},
        gate::{acting, answer, confirm, signed_in},
        paths,
    },
    policy::Refusal,
};

/// A key in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SshKeyRow {
    /// Its id.
    pub(crate) id: SshKeyId,
    /// What the person calls it.
    pub(crate) name: String,
    /// Its kind.
    pub(crate) algorithm: String,
    /// Its fingerprint.
    pub(crate) fingerprint: String,
    /// Since when it is there.
    pub(crate) since: Moment,
}

/// The person's keys, the latest first.
#[server(endpoint = "ssh_keys", input = GetUrl)]
pub(crate) async fn ssh_keys() -> Result<Vec<SshKeyRow>, Problem> {
    let (visit, session) = signed_in()?;
    let keys = visit.directory.ssh_keys(session.user).await?;
    Ok(keys
        .into_iter()
        .map(|key| SshKeyRow {
            id: key.id,
            name: key.name.to_string(),
            algorithm: key.algorithm,
            fingerprint: key.fingerprint,
            since: Moment(key.created_at.unix_timestamp()),
        })
        .collect())
}

/// Adds a key.
#[server(endpoint = "add_ssh_key")]
pub(crate) async fn add_ssh_key(
    public_key: String,
    #[server(default)] name: String,
    #[server(default)] current_password: String,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let outcome = async {
        confirm(&directory, &actor, &current_password).await?;
        let name = directory.add_ssh_key(&actor, &name, &public_key).await?.to_string();
        Ok(Done::SshKeyAdded { name })
    }
    .await;
    // A private key pasted by mistake is not sent back and forth any more.
    let kept = if outcome == Err(Refusal::SshKeyPrivate.into()) {
        ""
    } else {
        &public_key
    };
    answer(
        FormName::SshKey,
        &[("name", &name), ("public_key", kept)],
        outcome,
        |_| paths::SSH_KEYS.to_owned(),
    )
}

/// Removes a key.
#[server(endpoint = "remove_ssh_key")]
pub(crate) async fn remove_ssh_key(key: SshKeyId, #[server(flatten)] rest: NothingElse) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let outcome = directory
        .remove_ssh_key(&actor, key)
        .await
        .map(|name| Done::SshKeyRemoved { name: name.to_string() })
        .map_err(Problem::from);
    answer(FormName::RemoveSshKey, &[], outcome, |_| paths::SSH_KEYS.to_owned())
}
