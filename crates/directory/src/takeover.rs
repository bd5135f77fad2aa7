//! What ends when a person who is not signed in to an account proves that it is theirs (J3): the previous holder keeps
//! no access to it. The API keys they created belong to projects and keep working (K5); the person is shown them, and
//! may revoke them.
//!
//! Owns what ends, and the list of those keys. It must not know how the account was proved.

use policy::{ApiKeyId, Name, OrganizationId, Permission, ProjectId, Refusal, UserId};
use serde_json::{Value, json};

use crate::{
    Directory, Hint, MadeKey, OwnedAssets, Principal, Result, api_keys,
    authorization::standing::key_scope,
    authorization::writer::Writer,
    authorization::{permitted::Permitted, record::Record},
    connections::PgConnection,
    devices,
    error::decode,
    links, open_invitations, outbox, sessions, ssh_keys,
};

/// The credentials of an account that ended, for the audit.
pub(crate) struct Ended {
    sessions: u64,
    ssh_keys: u64,
}

impl Ended {
    /// Returns "before" and "after" for the audit.
    pub(crate) fn values(&self) -> (Value, Value) {
        (
            json!({ "sessions": self.sessions, "ssh_keys": self.ssh_keys }),
            json!({ "sessions": 0, "ssh_keys": 0 }),
        )
    }
}

/// Locks the organizations of a person, each with its queue, always in the same order, so that two such changes can't
/// deadlock. Returns each with its owner. Must be called before the person's own row is locked.
pub(crate) async fn lock_organizations_of(
    db: &mut PgConnection,
    user: UserId,
) -> Result<Vec<(OrganizationId, UserId)>> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(turn_in(m.organization_id))
         FROM (SELECT organization_id FROM members WHERE user_id = $1 ORDER BY organization_id) m",
        user.0
    )
    .execute(&mut *db)
    .await?;
    let rows = sqlx::query!(
        "SELECT o.id, o.owner_id FROM organizations o
         WHERE o.id IN (SELECT organization_id FROM members WHERE user_id = $1) ORDER BY o.id FOR NO KEY UPDATE",
        user.0
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (OrganizationId(row.id), UserId(row.owner_id)))
        .collect())
}

/// Ends every credential by which somebody could act as this person: sessions, SSH keys and links, the invitations they
/// sent, and the secrets of the Organization Default Keys that they own (W3). The caller has locked the organizations
/// and the person's row.
pub(crate) async fn end_everything(
    change: &mut Permitted<'_, '_>,
    user: UserId,
    organizations: &[(OrganizationId, UserId)],
) -> Result<Ended> {
    let sessions = sessions::end_all(change.write(), user, None).await?;
    let ssh_keys = ssh_keys::forget_all(change.write(), user).await?;
    devices::forget(change.write(), user, None).await?;
    forget_reset_links(change.write(), user).await?;
    links::forget_verification_tokens(change.write(), user).await?;
    links::forget_email_change_requests(change.write(), user, None).await?;
    for (organization, owner) in organizations {
        let revoked = open_invitations::revoke_of(change, *organization, user).await?;
        if !revoked.is_empty() {
            let record = Record {
                organization: Some(*organization),
                target_id: Some(user.0),
                after: Some(json!({ "revoked_invitations": revoked })),
                ..Record::default()
            };
            change.add_event("user:end_invitations", record);
        }
        if *owner == user && api_keys::forget_default_secret(change.write(), *organization, None).await? {
            let record = Record {
                organization: Some(*organization),
                ..Record::default()
            };
            change.add_event("api_key:forget_default", record);
        }
    }
    change.hint(Hint::User(user));
    Ok(Ended { sessions, ssh_keys })
}

/// Deletes the links to a new password, which end with the old password, and those that are still to be mailed. The
/// next one that is requested is mailed at once.
pub(crate) async fn forget_reset_links(db: &mut Writer, user: UserId) -> Result<()> {
    links::forget_reset_tokens(db, user).await?;
    outbox::forget_resets(db, user).await
}

impl Directory {
    /// Returns the valid API keys that a person created, in the projects they have access to now (P3), by name. The
    /// Organization Default Key is not among them.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn made_keys(&self, principal: &Principal) -> Result<OwnedAssets> {
        let user = principal.user()?;
        let rows = sqlx::query!(
            r#"SELECT k.id, k.name, k.reach, k.secret_start, k.secret_end, p.name AS project,
                      count(*) OVER () AS "count!"
               FROM api_keys k
               JOIN projects p ON p.organization_id = k.organization_id AND p.id = k.project_id
               WHERE k.created_by = $1 AND NOT k.is_default
                 AND EXISTS (SELECT FROM access a WHERE a.organization_id = k.organization_id
                                 AND a.project_id = k.project_id AND a.user_id = $1)
                 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > statement_timestamp())
               ORDER BY k.name, k.id LIMIT $2"#,
            user.0,
            OwnedAssets::MOST,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(OwnedAssets {
            key_count: rows.first().map_or(0, |row| row.count),
            keys: rows
                .into_iter()
                .map(|row| {
                    Ok(MadeKey {
                        id: ApiKeyId(row.id),
                        name: decode(&row.name, "api_keys", "name")?,
                        reach: key_scope(&row.reach)?,
                        secret_start: row.secret_start,
                        secret_end: row.secret_end,
                        project: decode(&row.project, "projects", "name")?,
                    })
                })
                .collect::<Result<_>>()?,
            resources: Vec::new(),
        })
    }

    /// Revokes the chosen ones of the API keys that a person created, in the projects they have access to now. Each has
    /// a row of its own in its project's audit. Returns their names; a key that isn't theirs or has already ended is
    /// left out.
    ///
    /// # Errors
    /// [`Refusal::NothingChosen`]; [`Refusal::Hidden`] if none of them is theirs and valid.
    pub async fn revoke_made_keys(&self, principal: &Principal, chosen: &[ApiKeyId]) -> Result<Vec<Name>> {
        let actor = principal.user()?;
        let chosen: Vec<_> = chosen.iter().map(|id| id.0).collect();
        self.change(principal, "user:revoke_made_keys", |change| {
            Box::pin(async move {
                let change = &mut change.permit_oneself()?;
                change.set_target(actor);
                let rows = sqlx::query!(
                    "UPDATE api_keys k SET revoked_at = statement_timestamp()
                     WHERE k.created_by = $1 AND k.id = ANY($2) AND NOT k.is_default AND k.revoked_at IS NULL
                       AND EXISTS (SELECT FROM access a WHERE a.organization_id = k.organization_id
                                       AND a.project_id = k.project_id AND a.user_id = $1)
                     RETURNING k.organization_id, k.project_id, k.id, k.name",
                    actor.0,
                    &chosen,
                )
                .fetch_all(change.write())
                .await?;
                if chosen.is_empty() {
                    return Err(Refusal::NothingChosen.into());
                }
                if rows.is_empty() {
                    return Err(Refusal::Hidden.into());
                }
                let mut names = Vec::new();
                for row in rows {
                    let project = ProjectId(row.project_id);
                    let record = Record {
                        organization: Some(OrganizationId(row.organization_id)),
                        project: Some(project),
                        target_id: Some(row.id),
                        target: Some(row.name.clone()),
                        before: Some(json!({ "name": row.name })),
                        after: None,
                    };
                    change.add_event(Permission::ApiKeyRevoke.name(), record);
                    change.hint(Hint::Project(project));
                    names.push(decode(&row.name, "api_keys", "name")?);
                }
                names.sort();
                change.values(None, Some(json!({ "revoked": names })));
                Ok(names)
            })
        })
        .await
    }
}
