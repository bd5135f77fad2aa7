//! The deletion of an account: its preconditions, and what is deleted with it.
//!
//! Owns this use case. It must not know how people sign in.

use policy::{OrganizationId, Permission, ProjectId, Refusal};
use serde_json::json;

use crate::{
    Directory, Hint, Principal, Result, authorization::record::Record, devices, email_changes, limits, links, members,
    memberships, outbox, secret::Asker, secret::check_password, sessions, ssh_keys, takeover::lock_organizations_of,
    users,
};

/// The name of a deleted person, in rows that refer to them.
const DELETED: &str = "Deleted user";

impl Directory {
    /// Deletes the account of the person who asks, permanently: every session, membership and access ends, the open
    /// invitations they sent are revoked, and the address becomes free. What they created stays (K5, E1), and is shown
    /// as created by a deleted user.
    ///
    /// # Errors
    /// [`Refusal::CurrentPasswordWrong`], [`Refusal::TooManyAttempts`]; [`Refusal::OwnsOrganization`] (W1);
    /// [`Refusal::SignedOut`] if the account is already deleted.
    pub async fn delete_account(&self, principal: &Principal, password: &str) -> Result<()> {
        let actor = principal.user()?;
        let session = principal.session()?;
        let row = sqlx::query!(
            r#"SELECT email AS "email!", password_hash FROM users WHERE id = $1 AND deleted_at IS NULL"#,
            actor.0
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(Refusal::SignedOut)?;
        let limit = limits::current_password(session);
        let within_limit = self.attempt(&limit).await;
        let is_right =
            within_limit.is_ok() && check_password(Asker::Known, password, Some(row.password_hash.clone())).await?;
        self.change(principal, "user:delete", |change| {
            Box::pin(async move {
                let change = &mut change.permit_oneself()?;
                change.set_target(actor);
                within_limit?;
                let organizations = lock_organizations_of(change.write(), actor).await?;
                // Mail is locked before the person, in the same order as by the worker that writes mail.
                outbox::forget_address(change.write(), &row.email).await?;
                if !is_right || !users::lock_hash(change.write(), actor, &row.password_hash).await? {
                    return Err(Refusal::CurrentPasswordWrong.into());
                }
                if organizations.iter().any(|(_, owner)| *owner == actor) {
                    return Err(Refusal::OwnsOrganization.into());
                }
                email_changes::forget_all(change.write(), actor).await?;
                // The account is deleted first, so that a concurrent change that adds the person finds nobody.
                sqlx::query!(
                "UPDATE users SET email = NULL, email_proved_at = NULL, name = $2, password_hash = '', deleted_at = $3
                 WHERE id = $1",
                actor.0,
                DELETED,
                change.at,
            )
                .execute(change.write())
                .await?;
                // Read again: they may have been added to another organization during the wait for the row.
                let memberships = sqlx::query!("SELECT organization_id, role FROM members WHERE user_id = $1", actor.0)
                    .fetch_all(change.write())
                    .await?;
                for row in memberships {
                    let organization = OrganizationId(row.organization_id);
                    let revoked = members::end(change, organization, actor).await?;
                    let record = Record {
                        organization: Some(organization),
                        target_id: Some(actor.0),
                        before: Some(json!({ "role": row.role })),
                        after: (!revoked.is_empty()).then(|| json!({ "revoked_invitations": revoked })),
                        ..Record::default()
                    };
                    change.add_event(Permission::MemberRemove.name(), record);
                }
                let external = sqlx::query!(
                    "DELETE FROM collaborators WHERE user_id = $1 RETURNING organization_id, project_id, role",
                    actor.0
                )
                .fetch_all(change.write())
                .await?;
                for row in external {
                    let project = ProjectId(row.project_id);
                    memberships::removed(change, OrganizationId(row.organization_id), project, actor, &row.role);
                    change.hint(Hint::Project(project));
                }
                ssh_keys::forget_all(change.write(), actor).await?;
                devices::forget(change.write(), actor, None).await?;
                // Mail to them is dropped when it is due: see `take_mail`.
                links::forget_reset_tokens(change.write(), actor).await?;
                links::forget_verification_tokens(change.write(), actor).await?;
                sessions::end_all(change.write(), actor, None).await?;
                change.values(Some(json!({ "email": row.email })), None);
                change.hint(Hint::User(actor));
                Ok(())
            })
        })
        .await?;
        self.forgive(&limit).await
    }
}
