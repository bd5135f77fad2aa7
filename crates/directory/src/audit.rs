//! Reading the audit (A2).
//!
//! Owns the query and its page. It must not write: only [`crate::authorization::change`] writes the audit.

use policy::{EventId, Permission, Slug, UserId};
use serde_json::Value;
use time::OffsetDateTime;

use crate::{Directory, Principal, Result, authorization::lookup::find_project, paging};

/// An action that was done or refused (A1).
#[derive(Clone, Debug)]
pub struct AuditEvent {
    /// Its id, which grows with time.
    pub id: EventId,
    /// When it happened.
    pub at: OffsetDateTime,
    /// The kind of the principal: `user`, `api_key`, `meter`, `operator` or `nobody`.
    pub actor_kind: String,
    /// The user, if the principal is one.
    pub actor: Option<UserId>,
    /// The id of the credential, never its secret (A3).
    pub credential: String,
    /// The action; usually the name of a permission.
    pub action: String,
    /// The code of the refusal, if it was refused.
    pub refusal: Option<String>,
    /// The id of the person or thing that it was about.
    pub target_id: Option<uuid::Uuid>,
    /// The name or address of the person or thing that it was about.
    pub target: Option<String>,
    /// The values before.
    pub before: Option<Value>,
    /// The values after.
    pub after: Option<Value>,
    /// The client's address.
    pub address: String,
    /// The id of the request.
    pub request_id: String,
    /// How often it happened: the same refusal again within ten minutes is counted here (A4).
    pub count: u64,
    /// When it happened last.
    pub last_at: OffsetDateTime,
}

/// A page of the audit, the latest first.
#[derive(Clone, Debug)]
pub struct AuditPage {
    /// The events.
    pub events: Vec<AuditEvent>,
    /// The cursor of the next page; `None` on the last.
    pub next: Option<EventId>,
}

impl Directory {
    /// Returns a page of a project's audit, the latest first, for its Admins.
    ///
    /// # Errors
    /// [`Refusal::Hidden`](policy::Refusal::Hidden), [`Refusal::Forbidden`](policy::Refusal::Forbidden).
    pub async fn project_audit(
        &self,
        principal: &Principal,
        slug: &Slug,
        after: Option<EventId>,
        limit: u16,
    ) -> Result<AuditPage> {
        let project = find_project(&self.pool, slug, principal).await?;
        project.standing.require(Permission::AuditRead)?;
        let limit = usize::from(limit.max(1));
        // Without a cursor the page begins after the greatest id. `$3 IS NULL OR` would be no condition for an index,
        // and the plan for any cursor would read all that is later.
        let rows = sqlx::query!(
            r#"SELECT e.id, e.at, e.actor_kind, e.actor_id, e.credential, e.action, e.refusal, e.target_id, e.target,
                      e.before AS "before: Value", e.after AS "after: Value", e.address, e.request_id,
                      COALESCE(r.count, 1) AS "count!", COALESCE(r.last_at, e.at) AS "last_at!"
               FROM audit_events e
               LEFT JOIN audit_repeats r ON r.event_id = e.id
               WHERE e.organization_id = $1 AND e.project_id = $2
                 AND e.id < COALESCE($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
               ORDER BY e.id DESC LIMIT $4"#,
            project.organization.0,
            project.project.0,
            after.map(|id| id.0),
            i64::try_from(limit + 1).unwrap_or(i64::MAX),
        )
        .fetch_all(&self.pool)
        .await?;
        let (rows, has_more) = paging::cut(rows, limit);
        let events: Vec<_> = rows
            .into_iter()
            .map(|row| AuditEvent {
                id: EventId(row.id),
                at: row.at,
                actor_kind: row.actor_kind,
                actor: row.actor_id.map(UserId),
                credential: row.credential,
                action: row.action,
                refusal: row.refusal,
                target_id: row.target_id,
                target: row.target,
                before: row.before,
                after: row.after,
                address: row.address,
                request_id: row.request_id,
                count: row.count.unsigned_abs(),
                last_at: row.last_at,
            })
            .collect();
        let next = events.last().filter(|_| has_more).map(|last| last.id);
        Ok(AuditPage { events, next })
    }
}
