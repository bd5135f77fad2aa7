//! Invitations to an organization (M2 to M5, M7, O2): sent, sent again, revoked, accepted.
//!
//! An invitation is open, accepted or revoked; an open one is pending until it lapses. Its links are secrets, kept as hashes:
//! one is answered to whoever invites, to be copied; each mail gets one of its own when it is sent (see [`crate::outbox`]).

use std::str::FromStr;

use policy::{
    Email, InvitationId, Name, OrganizationId, OrganizationRole, Password, Permission, ProjectId, Refusal, Slug, UserId,
};
use serde_json::json;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{
    Actor, Directory, Hint, LinkToken, NewAccount, NewSession, OrganizationView, Origin, Result,
    authorization::lock::lock_in_organization,
    authorization::lookup::find_organization,
    authorization::principal::By,
    authorization::standing::find_place,
    authorization::target::OrganizationSeen,
    change::{Change, Record},
    error::decode,
    limits, memberships, outbox, paging,
    people::{check_search, pattern},
    quotas,
    secret::Asker,
    sessions, users, verification,
};

pub(crate) use crate::links::add_token;

/// An invitation lapses after this (M3).
const LIFETIME: Duration = Duration::days(7);

/// What has become of an invitation (M3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvitationState {
    /// It can be accepted.
    Pending,
    /// It lapsed.
    Expired,
    /// It was accepted.
    Accepted,
    /// It was revoked.
    Revoked,
}

/// What has become of the mail with an invitation's link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// None was wanted: there is no mail server.
    None,
    /// It waits to be sent.
    Waiting,
    /// The mail server did not take it so far; it is tried again.
    Retrying,
    /// The mail server took it.
    Sent,
    /// The mail server would not take it, for days.
    Failed,
}

/// An invitation, as Admins see it.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// The address it is for.
    pub email: Email,
    /// Who sent it.
    pub invited_by: Option<Name>,
    /// When its present link was made.
    pub sent_at: OffsetDateTime,
    /// When that lapses.
    pub expires_at: OffsetDateTime,
    /// What has become of it.
    pub state: InvitationState,
    /// What has become of its mail.
    pub delivery: Delivery,
}

/// Which part of an organization's invitations, the latest first.
#[derive(Clone, Debug, Default)]
pub struct InvitationQuery {
    /// A part of an address; empty for all.
    pub search: String,
    /// Only these; none for those that are open, pending or expired.
    pub state: Option<InvitationState>,
    /// The place to go on from: after this one.
    pub after: Option<InvitationId>,
    /// How many, at most.
    pub limit: u16,
}

/// A page of an organization's invitations.
#[derive(Clone, Debug)]
pub struct InvitationList {
    /// The organization, as the one who asks sees it.
    pub organization: OrganizationView,
    /// The invitations.
    pub rows: Vec<Invitation>,
    /// Where the next page begins; none on the last.
    pub next: Option<InvitationId>,
}

/// An invitation just sent; the only time its link is at hand.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    /// Its id.
    pub id: InvitationId,
    /// The address it is for.
    pub email: Email,
    /// What its link carries.
    pub token: LinkToken,
}

/// An invitation, as whoever opens its link sees it (M4).
#[derive(Clone, Debug)]
pub struct Opened {
    /// The organization's name.
    pub organization: Name,
    /// Who invites.
    pub invited_by: Option<Name>,
    /// The address it is for.
    pub email: Email,
    /// What has become of it.
    pub state: InvitationState,
    /// Whether the address has an account, to sign in with first.
    pub has_account: bool,
    /// Whether the link was mailed: whoever has it then reads that mailbox. One that was shown to copy says nothing of its holder.
    pub is_mailed: bool,
}

/// Membership just begun: where to go.
#[derive(Clone, Debug)]
pub struct Joined {
    /// The organization's name.
    pub organization: Name,
    /// The slug of its Default Project, which every member is in (M5).
    pub default_project: Slug,
}

impl Directory {
    /// A page of an organization's invitations, for those who may invite.
    ///
    /// # Errors
    /// [`Refusal::Hidden`], [`Refusal::Forbidden`], [`Refusal::Malformed`] for a search text that cannot be one.
    pub async fn invitations(&self, user: UserId, slug: &Slug, query: &InvitationQuery) -> Result<InvitationList> {
        let organization = find_organization(&self.pool, slug, user).await?;
        organization.standing.require(Permission::MemberInvite)?;
        check_search(&query.search)?;
        let limit = usize::from(query.limit.max(1));
        let state = query.state.map(InvitationState::code);
        let now = self.now();
        let rows = sqlx::query!(
            r#"SELECT i.id, i.email, inviter.name AS "invited_by?", i.sent_at, i.expires_at, i.accepted_at, i.revoked_at,
                      mail.attempts AS "attempts?", mail.sent_at AS mailed_at, mail.failed_at
               FROM invitations i
               LEFT JOIN users inviter ON inviter.id = i.invited_by
               LEFT JOIN LATERAL (
                   SELECT o.attempts, o.sent_at, o.failed_at FROM outbox o
                   WHERE o.organization_id = i.organization_id AND o.invitation_id = i.id
                   ORDER BY o.id DESC LIMIT 1
               ) mail ON true
               WHERE i.organization_id = $1
                 AND i.email LIKE $2
                 AND CASE coalesce($3, 'open')
                     WHEN 'open' THEN i.accepted_at IS NULL AND i.revoked_at IS NULL
                     WHEN 'pending' THEN i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > $4
                     WHEN 'expired' THEN i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at <= $4
                     WHEN 'accepted' THEN i.accepted_at IS NOT NULL
                     ELSE i.revoked_at IS NOT NULL
                 END
                 AND ($5::uuid IS NULL OR i.id < $5)
               ORDER BY i.id DESC LIMIT $6"#,
            organization.id.0,
            pattern(&query.search),
            state,
            now,
            query.after.map(|id| id.0),
            i64::try_from(limit + 1).unwrap_or(i64::MAX),
        )
        .fetch_all(&self.pool)
        .await?;
        let (rows, has_more) = paging::cut(rows, limit);
        let rows: Vec<_> = rows
            .into_iter()
            .map(|row| {
                Ok(Invitation {
                    id: InvitationId(row.id),
                    email: decode(&row.email, "invitations", "email")?,
                    invited_by: row.invited_by.map(|name| decode(&name, "users", "name")).transpose()?,
                    sent_at: row.sent_at,
                    expires_at: row.expires_at,
                    state: state_of(row.accepted_at, row.revoked_at, row.expires_at, now),
                    delivery: match (row.attempts, row.mailed_at, row.failed_at) {
                        (None, _, _) => Delivery::None,
                        (Some(_), Some(_), _) => Delivery::Sent,
                        (Some(_), None, Some(_)) => Delivery::Failed,
                        (Some(0), None, None) => Delivery::Waiting,
                        (Some(_), None, None) => Delivery::Retrying,
                    },
                })
            })
            .collect::<Result<_>>()?;
        let next = rows.last().filter(|_| has_more).map(|last| last.id);
        Ok(InvitationList {
            organization: organization.into(),
            rows,
            next,
        })
    }

    /// Invites the person with this address, account or none (M2). A lapsed invitation to the address becomes a new one.
    ///
    /// # Errors
    /// [`Refusal::Hidden`], [`Refusal::Forbidden`]; [`Refusal::EmailInvalid`], [`Refusal::AlreadyMember`], [`Refusal::AlreadyInvited`], [`Refusal::TooManyAttempts`].
    pub async fn invite_member(&self, actor: &Actor, slug: &Slug, email: &str) -> Result<NewInvitation> {
        let limit = limits::invitation(actor.user);
        let within_limit = self.attempt(&limit).await;
        self.change(By::User(actor), Permission::MemberInvite.name(), |change| {
            Box::pin(async move {
                // Only what is an address: words that aren't are nobody's to leave in the audit (A4).
                change.record.target = Email::from_input(email).ok().map(|email| email.to_string());
                let organization = lock_in_organization(change, slug, actor.user).await?;
                organization.standing.require(Permission::MemberInvite)?;
                within_limit?;
                let email = Email::from_input(email)?;
                if let Some(user) = users::find_by_email(&mut change.tx, &email).await?
                    && find_place(&mut *change.tx, &organization, user).await?.is_some()
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
                .fetch_optional(&mut *change.tx)
                .await?;
                let id = match open {
                    Some(open) if open.expires_at > change.at => return Err(Refusal::AlreadyInvited.into()),
                    Some(open) => InvitationId(open.id),
                    None => {
                        let id = InvitationId(Uuid::now_v7());
                        sqlx::query!(
                            "INSERT INTO invitations (organization_id, id, email, created_at, sent_at, expires_at)
                             VALUES ($1, $2, $3, $4, $4, $4)",
                            organization.id.0,
                            id.0,
                            email.as_str(),
                            change.at,
                        )
                        .execute(&mut *change.tx)
                        .await?;
                        id
                    }
                };
                self.send(change, &organization, id, email, actor.user).await
            })
        })
        .await
    }

    /// Sends an open invitation again: a new link for another 7 days; the old ones are dead (M3).
    ///
    /// # Errors
    /// [`Refusal::Hidden`], [`Refusal::Forbidden`]; [`Refusal::InvitationAccepted`], [`Refusal::InvitationRevoked`];
    /// [`Refusal::TooManyAttempts`].
    pub async fn resend_invitation(&self, actor: &Actor, slug: &Slug, id: InvitationId) -> Result<NewInvitation> {
        let limit = limits::invitation(actor.user);
        let within_limit = self.attempt(&limit).await;
        self.change(By::User(actor), "invitation:resend", |change| {
            Box::pin(async move {
                let (organization, email) = lock_open(change, actor, slug, id).await?;
                within_limit?;
                self.send(change, &organization, id, email, actor.user).await
            })
        })
        .await
    }

    /// Revokes an open invitation: its links are dead (M3).
    ///
    /// # Errors
    /// [`Refusal::Hidden`], [`Refusal::Forbidden`]; [`Refusal::InvitationAccepted`], [`Refusal::InvitationRevoked`].
    pub async fn revoke_invitation(&self, actor: &Actor, slug: &Slug, id: InvitationId) -> Result<Email> {
        self.change(By::User(actor), "invitation:revoke", |change| {
            Box::pin(async move {
                let (organization, email) = lock_open(change, actor, slug, id).await?;
                revoke(change, organization.id, &[id.0]).await?;
                Ok(email)
            })
        })
        .await
    }

    /// What an invitation's link leads to (M4). Reading it accepts nothing.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] for a link that was replaced by another, or never was one.
    pub async fn open_invitation(&self, token: &LinkToken) -> Result<Opened> {
        let row = sqlx::query!(
            r#"SELECT o.name, inviter.name AS "invited_by?", i.email, i.accepted_at, i.revoked_at, i.expires_at, t.is_mailed,
                      EXISTS (SELECT FROM users u WHERE u.email = i.email) AS "has_account!"
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

    /// Whether whoever opened a link knows the address it is for (M4). A mailed link says so by itself; of one that was shown to
    /// copy the address is asked first, and wrong ones are limited. The answer to those is the same whoever has an account.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] for a dead link; [`Refusal::NotTheInvited`], [`Refusal::EmailInvalid`], [`Refusal::TooManyAttempts`].
    pub async fn confirm_invited(&self, token: &LinkToken, named: &str, origin: &Origin) -> Result<()> {
        let opened = self.open_invitation(token).await?;
        if opened.is_mailed {
            return Ok(());
        }
        let named = Email::from_input(named)?;
        let limit = limits::invitation_address(origin);
        self.attempt(&limit).await?;
        if named != opened.email {
            return Err(Refusal::NotTheInvited.into());
        }
        self.forgive(&limit).await
    }

    /// Accepts an invitation as the signed-in person it is for (M4, M5, O2). By a mailed link that proves their address (J1):
    /// whoever holds the session holds the mailbox, so nothing ends by it.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] for a dead link; [`Refusal::InvitationForAnother`]; [`Refusal::InvitationAccepted`],
    /// [`Refusal::InvitationRevoked`], [`Refusal::InvitationExpired`]; [`Refusal::SignedOut`] for an account just deleted.
    pub async fn accept_invitation(&self, actor: &Actor, token: &LinkToken) -> Result<Joined> {
        self.change(By::User(actor), "invitation:accept", |change| {
            Box::pin(async move {
                change.set_target(actor.user);
                let invited = lock_by_token(change, token).await?;
                let row = sqlx::query!("SELECT email FROM users WHERE id = $1 FOR KEY SHARE", actor.user.0)
                    .fetch_one(&mut *change.tx)
                    .await?;
                // Without an address the account was deleted just now.
                let email = row.email.ok_or(Refusal::SignedOut)?;
                // The address first: whoever has somebody else's link learns nothing from it (M4).
                if email != invited.email.as_str() {
                    return Err(Refusal::InvitationForAnother.into());
                }
                invited.require_pending(change.at)?;
                let joined = join(change, &invited, actor.user).await?;
                invited.prove(change, actor.user).await?;
                Ok(joined)
            })
        })
        .await
    }

    /// Accepts an invitation as somebody without an account: makes one, in the inviting organization and no other (O2), and
    /// signs in. The address is proved if the link was mailed (J1). If it was copied, the inviter vouches to their own
    /// organization, and to nobody else, for whom they passed it to; where mail is sent, a link that proves the address follows.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] for a dead link; [`Refusal::EmailTaken`] if the address has an account; [`Refusal::InvitationAccepted`],
    /// [`Refusal::InvitationRevoked`], [`Refusal::InvitationExpired`].
    pub async fn accept_invitation_as_new(
        &self,
        token: &LinkToken,
        name: Name,
        password: Password,
        origin: &Origin,
    ) -> Result<(NewSession, Joined)> {
        // Links that cannot make an account cost no hash.
        let opened = self.open_invitation(token).await;
        let hash = match &opened {
            Ok(opened) if opened.state == InvitationState::Pending && !opened.has_account => {
                let about = [opened.email.as_str(), name.as_str(), opened.organization.as_str()];
                Some(self.hash_new_password(Asker::Known, password.clone(), &about).await)
            }
            Ok(_) | Err(_) => None,
        };
        self.change(By::Nobody(origin), "invitation:accept", |change| {
            Box::pin(async move {
                opened?;
                let invited = lock_by_token(change, token).await?;
                invited.require_pending(change.at)?;
                // It had an account when the link was opened. If that was deleted since, the next attempt makes one.
                let hash = hash.ok_or(Refusal::EmailTaken)??;
                let account = NewAccount {
                    email: invited.email.clone(),
                    name,
                    password,
                };
                let at = change.at;
                let user = users::insert(&mut change.tx, &account, &hash, at).await?;
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

    /// Gives an invitation a new link and 7 days, and puts its mail into the outbox.
    async fn send(
        &self,
        change: &mut Change<'_>,
        organization: &OrganizationSeen,
        id: InvitationId,
        email: Email,
        inviter: UserId,
    ) -> Result<NewInvitation> {
        let at = change.at;
        quotas::one_more_invitation(&mut change.tx, &self.settings.quotas, organization.id, id, at).await?;
        sqlx::query!(
            "UPDATE invitations SET sent_at = $3, expires_at = $4, invited_by = $5 WHERE organization_id = $1 AND id = $2",
            organization.id.0,
            id.0,
            change.at,
            change.at + LIFETIME,
            inviter.0,
        )
        .execute(&mut *change.tx)
        .await?;
        let is_mailed = self.settings.sends_mail && outbox::may_mail(change, inviter).await?;
        if is_mailed {
            outbox::require_room(change, inviter, organization.id, &email).await?;
        }
        // The mail first: one that is being made right now is waited for, so that its link is among those that end.
        outbox::forget(&mut change.tx, organization.id, &[id.0]).await?;
        sqlx::query!(
            "DELETE FROM invitation_tokens WHERE organization_id = $1 AND invitation_id = $2",
            organization.id.0,
            id.0,
        )
        .execute(&mut *change.tx)
        .await?;
        let token = add_token(&mut change.tx, organization.id, id, false).await?;
        if is_mailed {
            outbox::invitation(change, organization.id, id).await?;
        }
        change.record.target = Some(email.to_string());
        change.values(
            None,
            Some(json!({ "expires_at": (change.at + LIFETIME).unix_timestamp() })),
        );
        change.hint(Hint::Invitations(organization.id));
        Ok(NewInvitation { id, email, token })
    }
}

impl InvitationState {
    const ALL: [Self; 4] = [Self::Pending, Self::Expired, Self::Accepted, Self::Revoked];

    /// As in URLs.
    const fn code(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Expired => "expired",
            Self::Accepted => "accepted",
            Self::Revoked => "revoked",
        }
    }
}

impl FromStr for InvitationState {
    type Err = Refusal;

    fn from_str(text: &str) -> std::result::Result<Self, Refusal> {
        Self::ALL
            .into_iter()
            .find(|state| state.code() == text)
            .ok_or(Refusal::Malformed)
    }
}

/// An invitation whose link was used, locked with its organization.
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
    /// Proves the address of whoever accepts, if the link that was used was mailed to it (J1). That is a row of its own in the
    /// audit: it is about the account, not the organization.
    async fn prove(&self, change: &mut Change<'_>, user: UserId) -> Result<()> {
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

fn state_of(
    accepted_at: Option<OffsetDateTime>,
    revoked_at: Option<OffsetDateTime>,
    expires_at: OffsetDateTime,
    now: OffsetDateTime,
) -> InvitationState {
    match (accepted_at, revoked_at) {
        (Some(_), _) => InvitationState::Accepted,
        (None, Some(_)) => InvitationState::Revoked,
        (None, None) if expires_at <= now => InvitationState::Expired,
        (None, None) => InvitationState::Pending,
    }
}

/// Locks the organization, then finds an invitation of it that is still open.
async fn lock_open(
    change: &mut Change<'_>,
    actor: &Actor,
    slug: &Slug,
    id: InvitationId,
) -> Result<(OrganizationSeen, Email)> {
    change.record.target_id = Some(id.0);
    let organization = lock_in_organization(change, slug, actor.user).await?;
    organization.standing.require(Permission::MemberInvite)?;
    let row = sqlx::query!(
        "SELECT email, accepted_at, revoked_at FROM invitations WHERE organization_id = $1 AND id = $2",
        organization.id.0,
        id.0,
    )
    .fetch_optional(&mut *change.tx)
    .await?
    .ok_or(Refusal::Hidden)?;
    change.record.target = Some(row.email.clone());
    match (row.accepted_at, row.revoked_at) {
        (Some(_), _) => Err(Refusal::InvitationAccepted.into()),
        (None, Some(_)) => Err(Refusal::InvitationRevoked.into()),
        (None, None) => Ok((organization, decode(&row.email, "invitations", "email")?)),
    }
}

/// Finds the invitation of a link, its organization locked: accepting, revoking and removing take turns.
async fn lock_by_token(change: &mut Change<'_>, token: &LinkToken) -> Result<Invited> {
    let hash = token.hash();
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(turn_in(organization_id)) FROM invitation_tokens WHERE token_hash = $1",
        &hash,
    )
    .execute(&mut *change.tx)
    .await?;
    sqlx::query!(
        "SELECT o.id FROM invitation_tokens t JOIN organizations o ON o.id = t.organization_id
         WHERE t.token_hash = $1 FOR NO KEY UPDATE OF o",
        &hash,
    )
    .fetch_optional(&mut *change.tx)
    .await?
    .ok_or(Refusal::Hidden)?;
    // Read again: the wait for the lock may have changed everything.
    let row = sqlx::query!(
        "SELECT o.id AS organization_id, o.name, o.default_project_id, i.id, i.email, i.invited_by, i.accepted_at, i.revoked_at,
                i.expires_at, t.is_mailed
         FROM invitation_tokens t
         JOIN invitations i ON i.organization_id = t.organization_id AND i.id = t.invitation_id
         JOIN organizations o ON o.id = i.organization_id
         WHERE t.token_hash = $1",
        &hash,
    )
    .fetch_optional(&mut *change.tx)
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

/// Makes the person a member (M5), and the invitation an accepted one.
async fn join(change: &mut Change<'_>, invited: &Invited, user: UserId) -> Result<Joined> {
    let at = change.at;
    let already = sqlx::query!(
        "SELECT role FROM members WHERE organization_id = $1 AND user_id = $2",
        invited.organization.0,
        user.0,
    )
    .fetch_optional(&mut *change.tx)
    .await?;
    if already.is_none() {
        let (role, by) = (OrganizationRole::Member, invited.invited_by);
        memberships::insert(&mut change.tx, invited.organization, user, role, by, at).await?;
        change.values(None, Some(json!({ "role": role })));
    }
    sqlx::query!(
        "UPDATE invitations SET accepted_at = $3 WHERE organization_id = $1 AND id = $2",
        invited.organization.0,
        invited.id.0,
        at,
    )
    .execute(&mut *change.tx)
    .await?;
    outbox::forget(&mut change.tx, invited.organization, &[invited.id.0]).await?;
    memberships::changed(change, invited.organization, user);
    let slug = sqlx::query!(
        "SELECT slug FROM project_slugs WHERE project_id = $1 AND released_at IS NULL",
        invited.default_project.0,
    )
    .fetch_one(&mut *change.tx)
    .await?
    .slug;
    Ok(Joined {
        organization: invited.organization_name.clone(),
        default_project: decode(&slug, "project_slugs", "slug")?,
    })
}

/// Revokes the invitations somebody sent who may invite no more: what they let in would come in on a right they lost. Answers
/// whom they were for.
pub(crate) async fn revoke_of(
    change: &mut Change<'_>,
    organization: OrganizationId,
    user: UserId,
) -> Result<Vec<String>> {
    let open = sqlx::query!(
        "SELECT id, email FROM invitations
         WHERE organization_id = $1 AND invited_by = $2 AND accepted_at IS NULL AND revoked_at IS NULL ORDER BY email",
        organization.0,
        user.0,
    )
    .fetch_all(&mut *change.tx)
    .await?;
    let (ids, emails): (Vec<_>, Vec<_>) = open.into_iter().map(|row| (row.id, row.email)).unzip();
    revoke(change, organization, &ids).await?;
    Ok(emails)
}

async fn revoke(change: &mut Change<'_>, organization: OrganizationId, ids: &[Uuid]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE invitations SET revoked_at = $3 WHERE organization_id = $1 AND id = ANY($2)",
        organization.0,
        ids,
        change.at,
    )
    .execute(&mut *change.tx)
    .await?;
    outbox::forget(&mut change.tx, organization, ids).await?;
    change.hint(Hint::Invitations(organization));
    Ok(())
}
