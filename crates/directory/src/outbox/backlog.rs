//! How much mail waits to be sent, for whoever watches the installation (U1).

use time::Duration;

use crate::{Directory, Result};

/// The mail that waits to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailBacklog {
    /// How many mails wait, for their first attempt or for another one.
    pub waiting: u64,
    /// How long the oldest of them has waited; zero if none waits.
    pub oldest: Duration,
}

impl Directory {
    /// Returns how much mail waits to be sent. Mail that was given up doesn't wait.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn mail_backlog(&self) -> Result<MailBacklog> {
        let now = self.now();
        let row = sqlx::query!(
            r#"SELECT count(*) AS "waiting!", min(created_at) AS oldest FROM outbox
               WHERE sent_at IS NULL AND failed_at IS NULL"#
        )
        .fetch_one(&self.pool)
        .await?;
        let oldest = row.oldest.map_or(Duration::ZERO, |created| now - created);
        Ok(MailBacklog {
            waiting: u64::try_from(row.waiting).unwrap_or_default(),
            oldest: oldest.max(Duration::ZERO),
        })
    }
}
