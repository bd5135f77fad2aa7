//! SSH public keys of people (E4), by which they log in to the nodes of a cluster.
//!
//! Owns their rows, and what key is accepted. It must not know how a key's text or a proof is parsed.

use policy::{Name, Refusal, SshKeyId, UserId, visible};
use serde_json::json;
use ssh_key::{Algorithm, HashAlg, PublicKey};
use time::OffsetDateTime;

use crate::{
    Directory, Hint, Principal, Result, SshKeyProof,
    authorization::writer::Writer,
    authorization::{permitted::Permitted, record::Record},
    confirmation,
    error::{decode, refuse_on},
    notices::Notice,
    outbox,
    ssh_key_text::{self, has_private_key},
};

/// The largest number of keys of an account.
const MOST: i64 = 50;
/// The shortest RSA key that is accepted (NIST SP 800-131A).
const LEAST_RSA_BITS: usize = 2048;

/// An SSH public key of a person.
#[derive(Clone, Debug)]
pub struct SshKey {
    /// Its id.
    pub id: SshKeyId,
    /// The person's name for it.
    pub name: Name,
    /// Its kind, as OpenSSH names it.
    pub algorithm: String,
    /// Its SHA-256 fingerprint, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
    /// When it was added.
    pub created_at: OffsetDateTime,
    /// Whether the person proved that they hold its private half (J10).
    pub is_proved: bool,
}

/// A public key that was parsed and accepted.
struct Checked {
    algorithm: String,
    /// The key as in `authorized_keys`, without options and comment.
    line: String,
    fingerprint: String,
    comment: String,
    key: PublicKey,
}

/// Parses a pasted public key ([`ssh_key_text`]) and checks that it is strong enough.
fn check(text: &str) -> std::result::Result<Checked, Refusal> {
    let mut key = ssh_key_text::read(text)?;
    match key.algorithm() {
        Algorithm::Ed25519 | Algorithm::SkEd25519 | Algorithm::Ecdsa { .. } | Algorithm::SkEcdsaSha2NistP256 => {}
        Algorithm::Rsa { .. } => {
            let bits = key.key_data().rsa().and_then(|rsa| {
                let modulus = rsa.n.as_positive_bytes()?;
                Some(modulus.len() * 8 - usize::try_from(modulus.first()?.leading_zeros()).ok()?)
            });
            if bits.is_none_or(|bits| bits < LEAST_RSA_BITS) {
                return Err(Refusal::SshKeyWeak);
            }
        }
        Algorithm::Dsa | Algorithm::Other(_) | _ => return Err(Refusal::SshKeyWeak),
    }
    let comment = key.comment().to_string();
    key.set_comment("");
    Ok(Checked {
        algorithm: key.algorithm().to_string(),
        fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
        line: key.to_openssh().map_err(|_| Refusal::SshKeyInvalid)?.trim().to_owned(),
        comment,
        key,
    })
}

impl Directory {
    /// Returns a person's SSH keys, the latest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn ssh_keys(&self, principal: &Principal) -> Result<Vec<SshKey>> {
        let user = principal.user()?;
        let rows = sqlx::query!(
            r#"SELECT id, name, algorithm, fingerprint, created_at, proved_at IS NOT NULL AS "is_proved!" FROM ssh_keys
               WHERE user_id = $1 ORDER BY created_at DESC, id"#,
            user.0
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(SshKey {
                    id: SshKeyId(row.id),
                    name: decode(&row.name, "ssh_keys", "name")?,
                    algorithm: row.algorithm,
                    fingerprint: row.fingerprint,
                    created_at: row.created_at,
                    is_proved: row.is_proved,
                })
            })
            .collect()
    }

    /// Adds an SSH public key without a proof: see [`Self::add_proved_ssh_key`].
    ///
    /// # Errors
    /// Those of [`Self::add_proved_ssh_key`].
    pub async fn add_ssh_key(&self, principal: &Principal, name: &str, public_key: &str) -> Result<Name> {
        self.add_proved_ssh_key(principal, name, public_key, None).await
    }

    /// Adds an SSH public key, as it was pasted. Without a name, it is named by its comment. If another account
    /// registered the key without a proof, a proof moves it to the account of the person who asks (J10).
    ///
    /// # Errors
    /// [`Refusal::NameInvalid`]; [`Refusal::SshKeyInvalid`], [`Refusal::SshKeyPrivate`], [`Refusal::SshKeyWeak`],
    /// [`Refusal::SshKeyTaken`], [`Refusal::TooManySshKeys`]; [`Refusal::SshKeyNeedsProof`],
    /// [`Refusal::SshSignatureInvalid`]; [`Refusal::ConfirmationNeeded`] (J7); [`Refusal::SignedOut`] if the account
    /// was deleted meanwhile.
    pub async fn add_proved_ssh_key(
        &self,
        principal: &Principal,
        name: &str,
        public_key: &str,
        proof: Option<SshKeyProof<'_>>,
    ) -> Result<Name> {
        let (actor, session) = (principal.user()?, principal.session()?);
        self.change(principal, "ssh_key:add", |change| {
            Box::pin(async move {
                let change = &mut change.permit_oneself()?;
                change.set_target(actor);
                if [name, proof.map_or("", |proof| proof.signature)]
                    .into_iter()
                    .any(has_private_key)
                {
                    return Err(Refusal::SshKeyPrivate.into());
                }
                let key = check(public_key)?;
                let name = match (visible(name).is_empty(), Name::from_remark(&key.comment)) {
                    (false, _) => Name::from_input(name)?,
                    // A comment is reduced to a valid name and never refused, since the person who left the name empty
                    // didn't write it.
                    (true, Some(comment)) => comment,
                    (true, None) => decode(&key.algorithm, "ssh_keys", "name")?,
                };
                let is_proved = proof.is_some();
                if proof.is_some_and(|proof| !self.is_proved((actor, session), &key.key, proof)) {
                    return Err(Refusal::SshSignatureInvalid.into());
                }
                confirmation::require(change).await?;
                make_room(change, actor).await?;
                take_over(change, actor, &key.fingerprint, is_proved).await?;
                sqlx::query!(
                "INSERT INTO ssh_keys (id, user_id, name, algorithm, public_key, fingerprint, created_at, proved_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                change.new_id(),
                actor.0,
                name.as_str(),
                key.algorithm,
                key.line,
                key.fingerprint,
                change.at,
                is_proved.then_some(change.at),
            )
                .execute(change.write())
                .await
                .map_err(|error| refuse_on(error, "ssh_keys_fingerprint_key", Refusal::SshKeyTaken))?;
                change.values(
                    None,
                    Some(json!({ "name": name, "fingerprint": key.fingerprint, "proved": is_proved })),
                );
                let fingerprint = key.fingerprint;
                outbox::notice(change, actor, &Notice::SshKeyAdded { fingerprint }).await?;
                Ok(name)
            })
        })
        .await
    }

    /// Removes an SSH key of the person who asks. From the next login on it is not accepted.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] for a key that was removed, or that belongs to somebody else.
    pub async fn remove_ssh_key(&self, principal: &Principal, id: SshKeyId) -> Result<Name> {
        let actor = principal.user()?;
        self.change(principal, "ssh_key:remove", |change| {
            Box::pin(async move {
                let change = &mut change.permit_oneself()?;
                change.record.target_id = Some(id.0);
                let row = sqlx::query!(
                    "DELETE FROM ssh_keys WHERE id = $1 AND user_id = $2 RETURNING name, fingerprint",
                    id.0,
                    actor.0
                )
                .fetch_optional(change.write())
                .await?
                .ok_or(Refusal::Hidden)?;
                change.values(Some(json!({ "name": row.name, "fingerprint": row.fingerprint })), None);
                decode(&row.name, "ssh_keys", "name")
            })
        })
        .await
    }
}

/// Checks that the account may have one more key. It locks the account first, so that two concurrent changes can't both
/// add the last one.
async fn make_room(change: &mut Permitted<'_, '_>, actor: UserId) -> Result<()> {
    sqlx::query!(
        "SELECT id FROM users WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE",
        actor.0
    )
    .fetch_optional(change.write())
    .await?
    .ok_or(Refusal::SignedOut)?;
    let count = sqlx::query!(
        r#"SELECT count(*) AS "count!" FROM ssh_keys WHERE user_id = $1"#,
        actor.0
    )
    .fetch_one(change.write())
    .await?
    .count;
    if count >= MOST {
        return Err(Refusal::TooManySshKeys.into());
    }
    Ok(())
}

/// Removes a key from another account that registered it without a proof, if the person who asks has one. The removal
/// is in the audit of that account too.
async fn take_over(change: &mut Permitted<'_, '_>, actor: UserId, fingerprint: &str, is_proved: bool) -> Result<()> {
    let Some(row) = sqlx::query!(
        r#"SELECT id, user_id, name, proved_at IS NOT NULL AS "is_proved!" FROM ssh_keys
           WHERE fingerprint = $1 FOR UPDATE"#,
        fingerprint
    )
    .fetch_optional(change.write())
    .await?
    else {
        return Ok(());
    };
    if row.is_proved || row.user_id == actor.0 {
        return Err(Refusal::SshKeyTaken.into());
    }
    if !is_proved {
        return Err(Refusal::SshKeyNeedsProof.into());
    }
    sqlx::query!("DELETE FROM ssh_keys WHERE id = $1", row.id)
        .execute(change.write())
        .await?;
    change.hint(Hint::User(UserId(row.user_id)));
    let removed = Record {
        target_id: Some(row.user_id),
        before: Some(json!({ "name": row.name, "fingerprint": fingerprint })),
        ..Record::default()
    };
    change.add_event("ssh_key:lose", removed);
    Ok(())
}

/// Removes a person's SSH keys. Returns how many there were.
pub(crate) async fn forget_all(db: &mut Writer, user: UserId) -> Result<u64> {
    let removed = sqlx::query!("DELETE FROM ssh_keys WHERE user_id = $1", user.0)
        .execute(db)
        .await?;
    Ok(removed.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti user@example.com";

    #[test]
    fn e4_a_public_key_is_read_with_its_fingerprint_and_comment() {
        let key = check(&format!("  {ED25519}\n")).unwrap();
        assert_eq!(key.algorithm, "ssh-ed25519");
        assert_eq!(key.comment, "user@example.com");
        assert_eq!(key.fingerprint, "SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ");
        assert_eq!(format!("{} user@example.com", key.line), ED25519);
    }
}
