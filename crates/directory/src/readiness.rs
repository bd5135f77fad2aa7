//! Whether a change could be made now.
//!
//! Owns the probe of the database. It must not know any use case.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::{Directory, Error, Result};

/// How long the probe may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a result is reused, so that frequent requests don't load the database.
const FRESH: Duration = Duration::from_secs(1);

impl Directory {
    /// Makes a change in the database and rolls it back (`GET /readyz`). Returns within 2 s.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if no change can be made now.
    pub async fn ready(&self) -> Result<()> {
        match timeout(PATIENCE, self.probe_once()).await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Error::Unavailable(sqlx::Error::PoolTimedOut)),
        }
    }

    /// Runs one probe at a time; callers that waited for another's probe get its result.
    async fn probe_once(&self) -> bool {
        let mut last = self.last_probe.lock().await;
        if let Some((at, outcome)) = *last
            && at.elapsed() < FRESH
        {
            return outcome;
        }
        let tried = timeout(PATIENCE, self.try_change()).await;
        let outcome = matches!(tried, Ok(Ok(())));
        if let Ok(Err(error)) = tried {
            tracing::warn!(%error, "not ready: the database takes no changes");
        }
        *last = Some((Instant::now(), outcome));
        outcome
    }

    async fn try_change(&self) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        sqlx::query!("INSERT INTO write_probes (at) VALUES (statement_timestamp())")
            .execute(&mut *tx)
            .await?;
        Ok(tx.rollback().await?)
    }
}
