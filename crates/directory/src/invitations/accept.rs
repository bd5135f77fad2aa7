//! Opening and accepting an invitation: the use cases of the invited person.
//!
//! Owns the steps from a link to a membership. It must not know how invitations are listed or sent.

use policy::{Email, InvitationId, Name, OrganizationId, OrganizationRole, Password, ProjectId, Refusal, Slug, UserId};
use serde_json::json;
use time::OffsetDateTime;

use crate::{
    Directory, LinkToken, NewAccount, NewSession, Principal, Result,
    authorization::{permitted::Permitted, record::Record},
    error::decode,
    limits, memberships, outbox,
    secret::Asker,
    sessions, users, verification,
};

use super::{InvitationState, list::state_of};

/// An invitation, as anybody who opens its link sees it (M4).
#[derive(Clone, Debug)]
pub struct Opened {
    /// The organization's name.
    pub organization: Name,
    /// The name of the person who sent it.
    pub invited_by: Option<Name>,
    /// The address it is for.
    pub email: Email,
    /// Its state.
    pub state: InvitationState,
    /// Whether the address has an account, which has to sign in first.
    pub has_account: bool,
    /// Whether the link was mailed, which shows that its holder reads that mailbox. A link that was shown to be copied
    /// shows nothing about its holder.
    pub is_mailed: bool,
}

/// A membership that has just begun, with what is needed for the next page.
#[derive(Clone, Debug)]
pub struct Joined {
    /// The organization's name.
    pub organization: Name,
    /// The slug of its Default Project, to which every member has access (M5).
    pub default_project: Slug,
}

impl Directory {
    /// Returns the invitation that a link belongs to (M4). This accepts nothing.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] for a link that was replaced by another, or never existed.
    pub async fn open_invitation(&self, token: &LinkToken) -> Result<Opened> {
        let row = sqlx::query!(
            r#"SELECT o.name, inviter.name AS "invited_by?", i.email, i.accepted_at, i.revoked_at, i.expires_at,
                      t.is_mailed, EXISTS (SELECT FROM users u WHERE u.email = i.email) AS "has_account!"
               FROM invitation_tokens t
               JOIN invitations i ON i.organization_id = t.organization_id AND i.id = t.invitation_id
               JOIN organizations o ON o.id = i.organization_id
               LEFT JOIN users inviter ON inviter.id = i.invited_by
               WHERE t.token_hash = $1"#,
            &token.hash(),
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(Refusal::Hidden)?;
        Ok(Opened {
            organization: decode(&row.name, "organizations", "name")?,
            invited_by: row.invited_by.map(|name| decode(&name, "users", "name")).transpose()?,
            email: decode(&row.email, "invitations", "email")?,
            state: state_of(row.accepted_at, row.revoked_at, row.expires_at, self.now()),
            has_account: row.has_account,
            is_mailed: row.is_mailed,
        })
    }

    /// Checks that the person who opened a link knows the address it is for (M4). A mailed link proves that by itself.
    /// For a link that was shown to be copied, the address has to be entered, and wrong ones are limited. A wrong
    /// address gets the same answer whether or not it has an account.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] for an invalid link; [`Refusal::NotTheInvited`], [`Refusal::EmailInvalid`],
    /// [`Refusal::TooManyAttempts`].
    pub async fn confirm_invited(&self, principal: &Principal, token: &LinkToken, named: &str) -> Result<()> {
        let opened = self.open_invitation(token).await?;
        if opened.is_mailed {
            return Ok(());
        }
        let named = Email::from_input(named)?;
        let limit = limits::invitation_address(&principal.origin);
        self.attempt(&limit).await?;
        if named != opened.email {
            return Err(Refusal::NotTheInvited.into());
        }
        self.forgive(&limit).await
    }

    /// Accepts an invitation as the signed-in person it is for (M4, M5, O2). A mailed link also proves their address
    /// (J1): the holder of the session also reads the mailbox, so no session or other credential ends.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] for an invalid link; [`Refusal::InvitationForAnother`]; [`Refusal::InvitationAccepted`],
    /// [`Refusal::InvitationRevoked`], [`Refusal::InvitationExpired`]; [`Refusal::SignedOut`] if the account was
    /// deleted meanwhile.
    pub async fn accept_invitation(&self, principal: &Principal, token: &LinkToken) -> Result<Joined> {
        let actor = principal.user()?;
        self.change(principal, "invitation:accept", |change| {
            Box::pin(async move {
                let change = &mut change.permit_oneself()?;
                change.set_target(actor);
                let invited = lock_by_token(change, token).await?;
                let row = sqlx::query!("SELECT email FROM users WHERE id = $1 FOR KEY SHARE", actor.0)
                    .fetch_one(change.write())
                    .await?;
                // An account without an address was deleted meanwhile.
                let email = row.email.ok_or(Refusal::SignedOut)?;
                // The address is compared first, so that a person with somebody else's link learns nothing from it
                // (M4).
                if email != invited.email.as_str() {
                    return Err(Refusal::InvitationForAnother.into());
                }
                invited.require_pending(change.at)?;
                let joined = join(change, &invited, actor).await?;
                invited.prove(change, actor).await?;
                Ok(joined)
            })
        })
        .await
    }

    /// Accepts an invitation as a person without an account: creates an account in the inviting organization and no
    /// other (O2), and signs in. The address is proved if the link was mailed (J1). If the link was copied, the inviter
    /// vouches for the person to whom they passed it, towards their own organization and nobody else; if mail is sent,
    /// a link that proves the address follows.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] for an invalid link; [`Refusal::EmailTaken`] if the address has an account;
    /// [`Refusal::InvitationAccepted`], [`Refusal::InvitationRevoked`], [`Refusal::InvitationExpired`].
    pub async fn accept_invitation_as_new(
        &self,
        principal: &Principal,
        token: &LinkToken,
        name: Name,
        password: Password,
    ) -> Result<(NewSession, Joined)> {
        let origin = &principal.origin;
        // The link is checked first, so that an invalid one doesn't cost the hashing of a password.
        let opened = self.open_invitation(token).await;
        let hash = match &opened {
            Ok(opened) if opened.state == InvitationState::Pending && !opened.has_account => {
                let about = [opened.email.as_str(), name.as_str(), opened.organization.as_str()];
                Some(self.hash_new_password(Asker::Known, password.clone(), &about).await)
            }
            Ok(_) | Err(_) => None,
        };
        self.change(principal, "invitation:accept", |change| {
            Box::pin(async move {
                let change = &mut change.permit_anonymous()?;
                opened?;
                let invited = lock_by_token(change, token).await?;
                invited.require_pending(change.at)?;
                // The address had an account when the link was opened. If that was deleted since, the next attempt
                // creates one.
                let hash = hash.ok_or(Refusal::EmailTaken)??;
                let account = NewAccount {
                    email: invited.email.clone(),
                    name,
                    password,
                };
                let at = change.at;
                let user = users::insert(change.write(), &account, &hash, at).await?;
                change.set_target(user);
                let joined = join(change, &invited, user).await?;
                invited.prove(change, user).await?;
                if !invited.is_mailed && self.settings.sends_mail {
                    outbox::to_address(change, outbox::Kind::VerifyEmail, &invited.email).await?;
                }
                let session = sessions::begin(change, user, origin).await?;
                Ok((session, joined))
            })
        })
        .await
    }
}

/// The invitation of a link that is being used, locked with its organization.
struct Invited {
    organization: OrganizationId,
    organization_name: Name,
    default_project: ProjectId,
    id: InvitationId,
    email: Email,
    invited_by: Option<UserId>,
    accepted_at: Option<OffsetDateTime>,
    revoked_at: Option<OffsetDateTime>,
    expires_at: OffsetDateTime,
    is_mailed: bool,
}

impl Invited {
    /// Proves the address of the person who accepts, if the link was mailed to it (J1). The proof has an audit row of
    /// its own, since it is about the account and not the organization.
    async fn prove(&self, change: &mut Permitted<'_, '_>, user: UserId) -> Result<()> {
        if !self.is_mailed || !verification::prove(change, user).await? {
            return Ok(());
        }
        let record = Record {
            target_id: Some(user.0),
            target: Some(self.email.to_string()),
            after: Some(json!({ "is_proved": true })),
            ..Record::default()
        };
        change.add_event(verification::VERIFY, record);
        Ok(())
    }

    fn require_pending(&self, now: OffsetDateTime) -> std::result::Result<(), Refusal> {
        match state_of(self.accepted_at, self.revoked_at, self.expires_at, now) {
            InvitationState::Pending => Ok(()),
            InvitationState::Expired => Err(Refusal::InvitationExpired),
            InvitationState::Accepted => Err(Refusal::InvitationAccepted),
            InvitationState::Revoked => Err(Refusal::InvitationRevoked),
        }
    }
}

/// Finds the invitation of a link, and locks its organization, so that accepting, revoking and removing are serialized.
async fn lock_by_token(change: &mut Permitted<'_, '_>, token: &LinkToken) -> Result<Invited> {
    let hash = token.hash();
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(turn_in(organization_id)) FROM invitation_tokens WHERE token_hash = $1",
        &hash,
    )
    .execute(change.write())
    .await?;
    sqlx::query!(
        "SELECT o.id FROM invitation_tokens t JOIN organizations o ON o.id = t.organization_id
         WHERE t.token_hash = $1 FOR NO KEY UPDATE OF o",
        &hash,
    )
    .fetch_optional(change.write())
    .await?
    .ok_or(Refusal::Hidden)?;
    // Read again: it may have changed during the wait for the lock.
    let row = sqlx::query!(
        "SELECT o.id AS organization_id, o.name, o.default_project_id, i.id, i.email, i.invited_by, i.accepted_at,
                i.revoked_at, i.expires_at, t.is_mailed
         FROM invitation_tokens t
         JOIN invitations i ON i.organization_id = t.organization_id AND i.id = t.invitation_id
         JOIN organizations o ON o.id = i.organization_id
         WHERE t.token_hash = $1",
        &hash,
    )
    .fetch_optional(change.write())
    .await?
    .ok_or(Refusal::Hidden)?;
    change.record.organization = Some(OrganizationId(row.organization_id));
    change.record.target = Some(row.email.clone());
    Ok(Invited {
        organization: OrganizationId(row.organization_id),
        organization_name: decode(&row.name, "organizations", "name")?,
        default_project: ProjectId(row.default_project_id),
        id: InvitationId(row.id),
        email: decode(&row.email, "invitations", "email")?,
        invited_by: row.invited_by.map(UserId),
        accepted_at: row.accepted_at,
        revoked_at: row.revoked_at,
        expires_at: row.expires_at,
        is_mailed: row.is_mailed,
    })
}

/// Makes the person a member (M5), and marks the invitation as accepted.
async fn join(change: &mut Permitted<'_, '_>, invited: &Invited, user: UserId) -> Result<Joined> {
    let at = change.at;
    let already = sqlx::query!(
        "SELECT role FROM members WHERE organization_id = $1 AND user_id = $2",
        invited.organization.0,
        user.0,
    )
    .fetch_optional(change.write())
    .await?;
    if already.is_none() {
        let (role, by) = (OrganizationRole::Member, invited.invited_by);
        memberships::insert(change.write(), invited.organization, user, role, by, at).await?;
        change.values(None, Some(json!({ "role": role })));
    }
    sqlx::query!(
        "UPDATE invitations SET accepted_at = $3 WHERE organization_id = $1 AND id = $2",
        invited.organization.0,
        invited.id.0,
        at,
    )
    .execute(change.write())
    .await?;
    outbox::forget(change.write(), invited.organization, &[invited.id.0]).await?;
    memberships::changed(change, invited.organization, user);
    let slug = sqlx::query!(
        "SELECT slug FROM project_slugs WHERE project_id = $1 AND released_at IS NULL",
        invited.default_project.0,
    )
    .fetch_one(change.write())
    .await?
    .slug;
    Ok(Joined {
        organization: invited.organization_name.clone(),
        default_project: decode(&slug, "project_slugs", "slug")?,
    })
}
