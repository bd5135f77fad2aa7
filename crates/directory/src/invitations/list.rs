//! The list of an organization's invitations.
//!
//! Owns its query, and the state of an invitation at a given time. It must not write, and must not know links.

use policy::{Email, InvitationId, Name, Permission, Slug};
use time::OffsetDateTime;

use crate::{
    Directory, OrganizationView, Principal, Result,
    authorization::lookup::find_organization,
    error::decode,
    paging,
    people::{check_search, pattern},
};

use super::{Delivery, InvitationState};

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
    /// When that link expires.
    pub expires_at: OffsetDateTime,
    /// Its state.
    pub state: InvitationState,
    /// The delivery state of its mail.
    pub delivery: Delivery,
}

/// The search, filter and page of a list of invitations, the latest first.
#[derive(Clone, Debug, Default)]
pub struct InvitationQuery {
    /// A part of an address; empty for all.
    pub search: String,
    /// Only this state; `None` for all that are open: pending and expired ones.
    pub state: Option<InvitationState>,
    /// The cursor: the page begins after this invitation; `None` for the first page.
    pub after: Option<InvitationId>,
    /// The largest number of rows.
    pub limit: u16,
}

/// A page of an organization's invitations.
#[derive(Clone, Debug)]
pub struct InvitationList {
    /// The organization, as the principal sees it.
    pub organization: OrganizationView,
    /// The invitations.
    pub rows: Vec<Invitation>,
    /// The cursor of the next page; `None` on the last.
    pub next: Option<InvitationId>,
}

impl Directory {
    /// Returns a page of an organization's invitations, for people who may invite.
    ///
    /// # Errors
    /// [`policy::Refusal::Hidden`], [`policy::Refusal::Forbidden`], [`policy::Refusal::Malformed`] for an invalid
    /// search text.
    pub async fn invitations(
        &self,
        principal: &Principal,
        slug: &Slug,
        query: &InvitationQuery,
    ) -> Result<InvitationList> {
        let organization = find_organization(&self.pool, slug, principal).await?;
        organization.standing.require(Permission::MemberInvite)?;
        check_search(&query.search)?;
        let limit = usize::from(query.limit.max(1));
        let state = query.state.map(InvitationState::code);
        let now = self.now();
        let rows = sqlx::query!(
            r#"SELECT i.id, i.email, inviter.name AS "invited_by?", i.sent_at, i.expires_at, i.accepted_at,
                      i.revoked_at, mail.attempts AS "attempts?", mail.sent_at AS mailed_at, mail.failed_at
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
                 AND i.id < COALESCE($5::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
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
}

pub(super) fn state_of(
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
