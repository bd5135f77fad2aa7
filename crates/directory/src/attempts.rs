//! Limits on attempts.
//!
//! Owns the counts, which are in the database so that all servers count together. It must not know what is limited.

use policy::Refusal;
use sqlx::PgExecutor;
use time::{Duration, OffsetDateTime};

use crate::{Directory, Result, connections::PgConnection, refused_attempts};

/// How many attempts are allowed in a time window.
pub(crate) struct Limit {
    /// The name under which attempts are counted: what is limited, and for whom.
    pub(crate) bucket: String,
    /// The number of attempts allowed in a window.
    pub(crate) count: i32,
    /// The window's length.
    pub(crate) window: Duration,
}

impl Directory {
    /// Counts an attempt before it is made. The count is a statement of its own, so that concurrent attempts can't all
    /// pass, and a failure that is rolled back still counts. A successful attempt is taken back with [`Self::forgive`].
    ///
    /// # Errors
    /// [`Refusal::TooManyAttempts`] if the limit is exceeded.
    pub(crate) async fn attempt(&self, limit: &Limit) -> Result<()> {
        count(&self.pool, limit, self.now()).await
    }

    /// Counts one attempt against several limits, the broadest first. If one of them is exceeded, the attempt counts
    /// against none.
    ///
    /// # Errors
    /// [`Refusal::TooManyAttempts`] if one of the limits is exceeded.
    pub(crate) async fn attempt_all(&self, limits: &[Limit]) -> Result<()> {
        for (nth, limit) in limits.iter().enumerate() {
            if let Err(refused) = self.attempt(limit).await {
                self.forgive_all(limits.get(..=nth).unwrap_or_default()).await?;
                return Err(refused);
            }
        }
        Ok(())
    }

    /// Takes an attempt back from several limits.
    pub(crate) async fn forgive_all(&self, limits: &[Limit]) -> Result<()> {
        for limit in limits {
            self.forgive(limit).await?;
        }
        Ok(())
    }

    /// Takes back an attempt that succeeded.
    pub(crate) async fn forgive(&self, limit: &Limit) -> Result<()> {
        sqlx::query!(
            "UPDATE attempts SET count = greatest(count - 1, 0) WHERE bucket = $1",
            limit.bucket
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Deletes counts whose window ended long ago. The server calls this from time to time.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn forget_old_attempts(&self) -> Result<()> {
        let before = self.now() - Duration::days(1);
        sqlx::query!("DELETE FROM attempts WHERE window_start < $1", before)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

/// Counts an attempt. In a transaction it counts only if that is committed, which is right for limits on what was done.
///
/// # Errors
/// [`Refusal::TooManyAttempts`] if the limit is exceeded.
pub(crate) async fn count(db: impl PgExecutor<'_>, limit: &Limit, now: OffsetDateTime) -> Result<()> {
    let row = sqlx::query!(
        "INSERT INTO attempts AS a (bucket, window_start, count) VALUES ($1, $2, 1)
         ON CONFLICT ON CONSTRAINT attempts_pkey DO UPDATE SET
             window_start = CASE WHEN a.window_start <= $3 THEN $2 ELSE a.window_start END,
             count = CASE WHEN a.window_start <= $3 THEN 1 ELSE a.count + 1 END
         RETURNING window_start, count",
        limit.bucket,
        now,
        now - limit.window,
    )
    .fetch_one(db)
    .await?;
    if row.count <= limit.count {
        return Ok(());
    }
    refused_attempts::count(&limit.bucket);
    let wait = (row.window_start + limit.window - now).whole_seconds().max(1);
    Err(Refusal::TooManyAttempts {
        retry_after: u32::try_from(wait).unwrap_or(u32::MAX),
    }
    .into())
}

/// Deletes the count of a bucket.
pub(crate) async fn forget(db: &mut PgConnection, bucket: &str) -> Result<()> {
    sqlx::query!("DELETE FROM attempts WHERE bucket = $1", bucket)
        .execute(db)
        .await?;
    Ok(())
}
