//! Reading the audit (A2). It is written by [`crate::change`], and by nothing else.

use policy::{EventId, Permission, Slug, UserId};
use serde_json::Value;
use time::OffsetDateTime;

use crate::{Directory, Principal, Result, authorization::lookup::find_project, paging};

/// One thing that was done or refused (A1).
#[derive(Clone, Debug)]
pub struct AuditEvent {
    /// Its id, which grows with time.
    pub id: EventId,
    /// When.
    pub at: OffsetDateTime,
    /// Who: `user`, `api_key`, `meter`, `operator` or `nobody`.
    pub actor_kind: String,
    /// Which user.
    pub actor: Option<UserId>,
    /// By which credential; its id, never its secret (A3).
    pub credential: String,
    /// What: the name of a permission, mostly.
    pub action: String,
    /// Why not, if it was refused.
    pub refusal: Option<String>,
    /// On whom.
    pub target_id: Option<uuid::Uuid>,
    /// On what: the name or address of it.
    pub target: Option<String>,
    /// What it was before.
    pub before: Option<Value>,
    /// What it was after.
    pub after: Option<Value>,
    /// From which address.
    pub address: String,
    /// In which request.
    pub request_id: String,
    /// How often: what is refused again in the same way within ten minutes is counted here (A4).
    pub count: u64,
    /// When it was the last time.
    pub last_at: OffsetDateTime,
}

/// A page of the audit, the latest first.
#[derive(Clone, Debug)]
pub struct AuditPage {
    /// The events.
    pub events: Vec<AuditEvent>,
    /// Where the next page begins; none on the last.
    pub next: Option<EventId>,
}

impl Directory {
    /// What happened in a project, the latest first, for its Admins.
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
        let rows = sqlx::query!(
            r#"SELECT e.id, e.at, e.actor_kind, e.actor_id, e.credential, e.action, e.refusal, e.target_id, e.target,
                      e.before AS "before: Value", e.after AS "after: Value", e.address, e.request_id,
                      COALESCE(r.count, 1) AS "count!", COALESCE(r.last_at, e.at) AS "last_at!"
               FROM audit_events e
               LEFT JOIN audit_repeats r ON r.event_id = e.id
               WHERE e.organization_id = $1 AND e.project_id = $2 AND ($3::uuid IS NULL OR e.id < $3)
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
