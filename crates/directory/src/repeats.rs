//! Repeated refusals (A4): in each time window the first refusal of a kind is an audit row, and those that follow are
//! counted with it, so that nobody can fill the audit by trying.
//!
//! Owns these counts, and the months of the audit. It must not know how an audit row is written.
//!
//! A kind consists of who (the person, the key, or the network of somebody not signed in), the action, the reason and
//! the organization or project. The target isn't part of it, since the principal chooses it and could choose another
//! each time. The exception is the account whose password somebody not signed in tries, as long as the limits on
//! attempts allow it. Refusals of the operator at the command line are never counted together.

use policy::{EventId, Refusal};
use time::{Duration, OffsetDateTime};

use crate::{
    Directory, Result,
    authorization::{
        principal::{Identity, Principal},
        record::Record,
    },
    connections::PgConnection,
    secret::sha256,
};

/// The time window in which one row stands for all refusals of its kind.
const WINDOW: Duration = Duration::minutes(10);

/// Returns the kind of a refusal; `None` for one that is never counted together.
pub(crate) fn kind(principal: &Principal, action: &str, refusal: Refusal, record: &Record) -> Option<[u8; 32]> {
    let who = match principal.identity {
        Identity::User { user, .. } => user.to_string(),
        Identity::ApiKey(key) => key.key.to_string(),
        Identity::Meter(meter) => meter.to_string(),
        Identity::Anonymous => principal.origin.network(),
        Identity::Operator => return None,
    };
    let is_guess = principal.identity == Identity::Anonymous && !matches!(refusal, Refusal::TooManyAttempts { .. });
    let account = record.target_id.filter(|_| is_guess);
    let account = account.map(|id| id.to_string()).unwrap_or_default();
    let scope = (
        record.organization.map(|id| id.to_string()).unwrap_or_default(),
        record.project.map(|id| id.to_string()).unwrap_or_default(),
    );
    let parts = [
        principal.author().kind,
        &who,
        action,
        refusal.code(),
        &scope.0,
        &scope.1,
        &account,
    ];
    Some(sha256(parts.join("\0").as_bytes()))
}

/// Counts a refusal, and returns whether it is the first of its kind in this window. The caller then writes it as
/// `event`, in the same transaction. Of two concurrent ones, one waits for the other.
pub(crate) async fn count_refusal(
    db: &mut PgConnection,
    kind: Option<[u8; 32]>,
    event: EventId,
    at: OffsetDateTime,
) -> Result<bool> {
    let Some(kind) = kind else { return Ok(true) };
    let into_window = at.unix_timestamp().rem_euclid(WINDOW.whole_seconds());
    let window_start = at.replace_nanosecond(0).unwrap_or(at) - Duration::seconds(into_window);
    let row = sqlx::query!(
        r#"INSERT INTO audit_repeats AS r (kind, window_start, event_at, event_id, count, last_at)
           VALUES ($1, $2, $3, $4, 1, $3)
           ON CONFLICT ON CONSTRAINT audit_repeats_pkey DO UPDATE
               SET count = r.count + 1, last_at = greatest(r.last_at, EXCLUDED.last_at)
           RETURNING event_id = $4 AS "is_first!""#,
        &kind,
        window_start,
        at,
        event.0,
    )
    .fetch_one(db)
    .await?;
    Ok(row.is_first)
}

impl Directory {
    /// Creates the partitions for the audit's next months, and drops those that ended more than this many days ago
    /// (A5). The server calls this at the start and every hour. It waits a few seconds at most for concurrent writes;
    /// the next call tries again.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable); [`Error::Internal`](crate::Error::Internal) if it would have
    /// to wait longer.
    pub async fn keep_audit(&self, days: u16) -> Result<()> {
        let now = self.now();
        let oldest = now - Duration::days(i64::from(days));
        let mut tx = self.pool.begin().await?;
        sqlx::query!("SET LOCAL lock_timeout = '3s'").execute(&mut *tx).await?;
        let dropped = sqlx::query!(r#"SELECT keep_audit($1, $2) AS "dropped!""#, now, oldest)
            .fetch_one(&mut *tx)
            .await?
            .dropped;
        tx.commit().await?;
        if dropped > 0 {
            tracing::info!(dropped, days, "old months of the audit were dropped");
        }
        self.forget_single_repeats(oldest).await
    }

    /// Deletes counts of 1, which add nothing to their row, after their window has ended; and counts whose row was
    /// dropped.
    async fn forget_single_repeats(&self, oldest: OffsetDateTime) -> Result<()> {
        let before = self.now() - (WINDOW + WINDOW);
        sqlx::query!(
            "DELETE FROM audit_repeats r
             WHERE r.window_start < $1 AND r.count = 1
                OR r.window_start < $2
                    AND NOT EXISTS (SELECT FROM audit_events e WHERE e.at = r.event_at AND e.id = r.event_id)",
            before,
            oldest,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
