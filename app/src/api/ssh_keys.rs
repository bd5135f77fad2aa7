//! Server functions of the person's own SSH public keys (E4).

use leptos::{prelude::*, server_fn::codec::GetUrl};
use policy::SshKeyId;
use serde::{Deserialize, Serialize};

use super::{NothingElse, Timestamp};
use crate::{Problem, outcome::Outcome};

#[cfg(feature = "ssr")]
use {
    crate::{
        outcome::{Done, FormName},
        paths,
        request_context::{acting, answer, confirm, signed_in},
    },
    directory::{SshKeyProof, has_private_key},
};

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SshKeyRow {
    pub(crate) id: SshKeyId,
    /// The name that the person gave it.
    pub(crate) name: String,
    pub(crate) algorithm: String,
    pub(crate) fingerprint: String,
    /// When it was added.
    pub(crate) since: Timestamp,
    /// Whether the person has proved that the key is theirs.
    pub(crate) is_proved: bool,
}

/// What a person signs to prove that a key is theirs (J10).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SshProof {
    /// The namespace of the signature: `ssh-keygen -n`.
    pub(crate) namespace: String,
    /// The text to sign.
    pub(crate) text: String,
}

/// The page of the keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SshKeyPage {
    /// The person's keys, the latest first.
    pub(crate) keys: Vec<SshKeyRow>,
    /// What to sign to prove that a key is theirs.
    pub(crate) proof: SshProof,
}

/// Returns the namespace of signatures for this console. It has the console's host name, so that a signature for
/// another console is not valid here.
#[cfg(feature = "ssr")]
fn namespace(url: &str) -> String {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split_once('/').map_or(host, |(host, _)| host);
    let host = match host.rsplit_once(':') {
        // Removes the port. An IPv6 address has colons as well, but in brackets.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    format!("roster@{host}")
}

/// Returns the person's keys, and what to sign to prove that another one is theirs.
#[server(endpoint = "ssh_keys", input = GetUrl)]
pub(crate) async fn ssh_keys() -> Result<SshKeyPage, Problem> {
    let (context, _, principal) = signed_in()?;
    let keys = context.directory.ssh_keys(&principal).await?;
    let proof = SshProof {
        namespace: namespace(&context.url),
        text: context.directory.ssh_key_text(&principal)?,
    };
    let keys = keys
        .into_iter()
        .map(|key| SshKeyRow {
            id: key.id,
            name: key.name.to_string(),
            algorithm: key.algorithm,
            fingerprint: key.fingerprint,
            since: Timestamp(key.created_at.unix_timestamp()),
            is_proved: key.is_proved,
        })
        .collect();
    Ok(SshKeyPage { keys, proof })
}

#[server(endpoint = "add_ssh_key")]
pub(crate) async fn add_ssh_key(
    public_key: String,
    #[server(default)] name: String,
    #[server(default)] signature: String,
    #[server(default)] current_password: String,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let (context, _, _) = signed_in()?;
    let namespace = namespace(&context.url);
    let proof = (!signature.trim().is_empty()).then_some(SshKeyProof {
        namespace: &namespace,
        signature: &signature,
    });
    // A private key that was pasted by mistake is refused before anything else, and is not sent back.
    let is_private = [&name, &public_key, &signature]
        .into_iter()
        .any(|text| has_private_key(text));
    let outcome = async {
        if !is_private {
            confirm(&directory, &actor, &current_password).await?;
        }
        let name = directory.add_proved_ssh_key(&actor, &name, &public_key, proof).await?;
        Ok(Done::SshKeyAdded { name: name.to_string() })
    }
    .await;
    let typed = [("name", &*name), ("public_key", &*public_key)];
    let kept: Vec<_> = typed.into_iter().filter(|(_, text)| !has_private_key(text)).collect();
    answer(FormName::SshKey, &kept, outcome, |_| paths::SSH_KEYS.to_owned())
}

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

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::namespace;

    #[test]
    fn j10_signatures_are_for_the_host_of_the_console() {
        for (url, expected) in [
            ("https://roster.example.com", "roster@roster.example.com"),
            ("http://127.0.0.1:3000", "roster@127.0.0.1"),
            ("http://[::1]:3000", "roster@[::1]"),
            ("http://[::1]", "roster@[::1]"),
        ] {
            assert_eq!(namespace(url), expected);
        }
    }
}
