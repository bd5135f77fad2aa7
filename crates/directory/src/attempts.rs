//! Limits on attempts, counted in the database so that every server counts together.

use policy::Refusal;
use time::Duration;

use crate::{Directory, Result};

/// How often something may be tried in a window of time.
pub(crate) struct Limit {
    /// What is limited, for whom.
    pub(crate) bucket: String,
    /// Attempts allowed in a window.
    pub(crate) count: i32,
    /// The window's length.
    pub(crate) window: Duration,
}

impl Directory {
    /// Counts an attempt before it is made, in a statement of its own: attempts side by side cannot pass together, and a
    /// failure that rolls back does not uncount it. What succeeds is taken back with [`Self::forgive`].
    ///
    /// # Errors
    /// [`Refusal::TooManyAttempts`] once the limit is passed.
    pub(crate) async fn attempt(&self, limit: &Limit) -> Result<()> {
        let now = self.now();
        let opened_after = now - limit.window;
        let row = sqlx::query!(
            "INSERT INTO attempts AS a (bucket, window_start, count) VALUES ($1, $2, 1)
             ON CONFLICT ON CONSTRAINT attempts_pkey DO UPDATE SET
                 window_start = CASE WHEN a.window_start <= $3 THEN $2 ELSE a.window_start END,
                 count = CASE WHEN a.window_start <= $3 THEN 1 ELSE a.count + 1 END
             RETURNING window_start, count",
            limit.bucket,
            now,
            opened_after,
        )
        .fetch_one(&self.pool)
        .await?;
        if row.count <= limit.count {
            return Ok(());
        }
        let wait = (row.window_start + limit.window - now).whole_seconds().max(1);
        Err(Refusal::TooManyAttempts {
            retry_after: u32::try_from(wait).unwrap_or(u32::MAX),
        }
        .into())
    }

    /// Takes an attempt back that turned out to be a good one.
    pub(crate) async fn forgive(&self, limit: &Limit) -> Result<()> {
        sqlx::query!(
            "UPDATE attempts SET count = greatest(count - 1, 0) WHERE bucket = $1",
            limit.bucket
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Throws away counts whose window is long over. Called now and then by the server.
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
