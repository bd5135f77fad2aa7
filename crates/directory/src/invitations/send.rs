//! Sending, sending again and revoking an invitation: the use cases of the inviting organization.
//!
//! Owns the row of an invitation until it is accepted. It must not know who accepts.

use policy::{Email, InvitationId, Permission, Refusal, Slug, UserId};
use serde_json::json;
use time::Duration;

use crate::{
    Directory, Hint, LinkToken, Principal, Result,
    authorization::lock::lock_organization,
    authorization::standing::find_membership,
    authorization::target::OrganizationSeen,
    authorization::{change::Change, permitted::Permitted},
    error::decode,
    limits, links, open_invitations, outbox, quotas, users,
};

/// The time after which an invitation expires (M3).
const LIFETIME: Duration = Duration::days(7);

/// An invitation that was just sent. Its link can't be read again later.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    /// Its id.
    pub id: InvitationId,
    /// The address it is for.
    pub email: Email,
    /// The secret of its link.
    pub token: LinkToken,
}

impl Directory {
    /// Invites the person with this address, whether or not they have an account (M2). An expired invitation to the
    /// address is replaced by a new one.
    ///
    /// # Errors
    /// [`Refusal::Hidden`], [`Refusal::Forbidden`]; [`Refusal::EmailInvalid`], [`Refusal::AlreadyMember`],
    /// [`Refusal::AlreadyInvited`], [`Refusal::TooManyAttempts`].
    pub async fn invite_member(&self, principal: &Principal, slug: &Slug, email: &str) -> Result<NewInvitation> {
        let actor = principal.user()?;
        let limit = limits::invitation(actor);
        let within_limit = self.attempt(&limit).await;
        self.change(principal, Permission::MemberInvite.name(), |change| {
            Box::pin(async move {
                // Only a valid address goes into the audit, so that nobody can leave arbitrary text there (A4).
                change.record.target = Email::from_input(email).ok().map(|email| email.to_string());
                let organization = lock_organization(change, slug).await?;
                let change = &mut change.permit(organization.standing.require(Permission::MemberInvite)?);
                within_limit?;
                let email = Email::from_input(email)?;
                if let Some(user) = users::find_by_email(change.write(), &email).await?
                    && find_membership(change.write(), &organization, user).await?.is_some()
                {
                    change.set_target(user);
                    return Err(Refusal::AlreadyMember.into());
                }
                let open = sqlx::query!(
                    "SELECT id, expires_at FROM invitations
                     WHERE organization_id = $1 AND email = $2 AND accepted_at IS NULL AND revoked_at IS NULL",
                    organization.id.0,
                    email.as_str(),
                )
                .fetch_optional(change.read())
                .await?;
                let id = match open {
                    Some(open) if open.expires_at > change.at => return Err(Refusal::AlreadyInvited.into()),
                    Some(open) => InvitationId(open.id),
                    None => {
                        let id = InvitationId(change.new_id());
                        sqlx::query!(
                            "INSERT INTO invitations (organization_id, id, email, created_at, sent_at, expires_at)
                             VALUES ($1, $2, $3, $4, $4, $4)",
                            organization.id.0,
                            id.0,
                            email.as_str(),
                            change.at,
                        )
                        .execute(change.write())
                        .await?;
                        id
                    }
                };
                self.send(change, &organization, id, email, actor).await
            })
        })
        .await
    }

    /// Sends an open invitation again, with a new link that is valid for another 7 days; the old links stop working
    /// (M3).
    ///
    /// # Errors
    /// [`Refusal::Hidden`], [`Refusal::Forbidden`]; [`Refusal::InvitationAccepted`], [`Refusal::InvitationRevoked`];
    /// [`Refusal::TooManyAttempts`].
    pub async fn resend_invitation(
        &self,
        principal: &Principal,
        slug: &Slug,
        id: InvitationId,
    ) -> Result<NewInvitation> {
        let actor = principal.user()?;
        let limit = limits::invitation(actor);
        let within_limit = self.attempt(&limit).await;
        self.change(principal, "invitation:resend", |change| {
            Box::pin(async move {
                let (mut permitted, organization, email) = lock_open(change, slug, id).await?;
                let change = &mut permitted;
                within_limit?;
                self.send(change, &organization, id, email, actor).await
            })
        })
        .await
    }

    /// Revokes an open invitation; its links stop working (M3). Returns the address it was for.
    ///
    /// # Errors
    /// [`Refusal::Hidden`], [`Refusal::Forbidden`]; [`Refusal::InvitationAccepted`], [`Refusal::InvitationRevoked`].
    pub async fn revoke_invitation(&self, principal: &Principal, slug: &Slug, id: InvitationId) -> Result<Email> {
        self.change(principal, "invitation:revoke", |change| {
            Box::pin(async move {
                let (mut permitted, organization, email) = lock_open(change, slug, id).await?;
                let change = &mut permitted;
                open_invitations::revoke(change, organization.id, &[id.0]).await?;
                Ok(email)
            })
        })
        .await
    }

    /// Gives an invitation a new link and another 7 days, and puts its mail into the outbox.
    async fn send(
        &self,
        change: &mut Permitted<'_, '_>,
        organization: &OrganizationSeen,
        id: InvitationId,
        email: Email,
        inviter: UserId,
    ) -> Result<NewInvitation> {
        let at = change.at;
        quotas::check_invitation_quota(change.write(), &self.settings.quotas, organization.id, id, at).await?;
        sqlx::query!(
            "UPDATE invitations SET sent_at = $3, expires_at = $4, invited_by = $5
             WHERE organization_id = $1 AND id = $2",
            organization.id.0,
            id.0,
            change.at,
            change.at + LIFETIME,
            inviter.0,
        )
        .execute(change.write())
        .await?;
        let is_mailed = self.settings.sends_mail && outbox::may_mail(change, inviter).await?;
        if is_mailed {
            outbox::require_room(change, inviter, organization.id, &email).await?;
        }
        // Mail is deleted first: this waits for a mail that is being written, so that its link is among those that are
        // deleted.
        outbox::forget(change.write(), organization.id, &[id.0]).await?;
        sqlx::query!(
            "DELETE FROM invitation_tokens WHERE organization_id = $1 AND invitation_id = $2",
            organization.id.0,
            id.0,
        )
        .execute(change.write())
        .await?;
        let token = links::add_token(change.write(), organization.id, id, false).await?;
        if is_mailed {
            outbox::invitation(change, organization.id, id).await?;
        }
        change.record.target = Some(email.to_string());
        let expires_at = (change.at + LIFETIME).unix_timestamp();
        change.values(None, Some(json!({ "expires_at": expires_at })));
        change.hint(Hint::Invitations(organization.id));
        Ok(NewInvitation { id, email, token })
    }
}

/// Locks the organization, and returns one of its invitations if that is still open.
async fn lock_open<'c, 'a>(
    change: &'c mut Change<'a>,
    slug: &Slug,
    id: InvitationId,
) -> Result<(Permitted<'c, 'a>, OrganizationSeen, Email)> {
    change.record.target_id = Some(id.0);
    let organization = lock_organization(change, slug).await?;
    let mut change = change.permit(organization.standing.require(Permission::MemberInvite)?);
    let row = sqlx::query!(
        "SELECT email, accepted_at, revoked_at FROM invitations WHERE organization_id = $1 AND id = $2",
        organization.id.0,
        id.0,
    )
    .fetch_optional(change.read())
    .await?
    .ok_or(Refusal::Hidden)?;
    change.record.target = Some(row.email.clone());
    match (row.accepted_at, row.revoked_at) {
        (Some(_), _) => Err(Refusal::InvitationAccepted.into()),
        (None, Some(_)) => Err(Refusal::InvitationRevoked.into()),
        (None, None) => Ok((change, organization, decode(&row.email, "invitations", "email")?)),
    }
}
