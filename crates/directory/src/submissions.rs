//! Forms in progress: a form that is sent twice at once is processed once, and both requests get the same answer. A
//! double click sends a form twice if no script prevents it.
//!
//! Owns the rows of these forms. It must not know what a form does.

use std::time::{Duration, Instant};

use crate::{Directory, Result, SessionToken, error::inconsistent, secret};

/// The time after which a form in progress counts as ended, whatever its outcome: no form takes longer.
const LONGEST: Duration = Duration::from_secs(60);
/// How long the second request waits, which is less than any browser and any proxy does.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often the second request checks whether the first has ended.
const BEAT: Duration = Duration::from_millis(50);

/// A form that was sent.
#[derive(Clone, Debug)]
pub struct Submission {
    lookup: [u8; 32],
    salt: [u8; 32],
}

/// How to process a form.
#[derive(Clone, Debug)]
pub enum Sent {
    /// It was sent for the first time: process it and report its end with [`Directory::end_submission`].
    First(Submission),
    /// It was sent before, and that request has ended; with the location its answer led to, if any.
    Again(Submission, Option<String>),
}

impl Submission {
    /// Returns the value from which, with the session's secret, the ticket to the outcome is derived.
    pub(crate) const fn salt(&self) -> &[u8; 32] {
        &self.salt
    }
}

impl Directory {
    /// Begins a form, identified by its path and content, or waits until the same form that is in progress in the same
    /// session has ended. `page` is the page that the form was on, if known: a form that was completed from there
    /// within the last minute is not processed again.
    ///
    /// What is stored is derived with the session's secret, so that a copy of the table doesn't reveal what was typed.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn begin_submission(
        &self,
        session: &SessionToken,
        [path, body]: [&[u8]; 2],
        page: Option<&str>,
    ) -> Result<Sent> {
        let session = session.reveal();
        let parts = [session.as_bytes(), page.unwrap_or_default().as_bytes(), path, body];
        let lookup = secret::sha256(&parts.map(secret::sha256).concat());
        let salt = secret::random()?;
        let begun = sqlx::query!(
            "INSERT INTO submissions (lookup, salt, started_at) VALUES ($1, $2, statement_timestamp())
             ON CONFLICT (lookup) DO UPDATE SET salt = excluded.salt, started_at = excluded.started_at, ended_at = NULL,
                 is_refused = false, location = NULL
             WHERE submissions.started_at < statement_timestamp() - make_interval(secs => $3)
                OR (submissions.ended_at IS NOT NULL AND (submissions.is_refused OR NOT $4))
             RETURNING lookup",
            &lookup,
            &salt,
            LONGEST.as_secs_f64(),
            page.is_some(),
        )
        .fetch_optional(&self.pool)
        .await?;
        if begun.is_some() {
            return Ok(Sent::First(Submission { lookup, salt }));
        }
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            let row = sqlx::query!(
                "SELECT salt, ended_at, location FROM submissions WHERE lookup = $1",
                &lookup
            )
            .fetch_optional(&self.pool)
            .await?;
            match row {
                // The first request was forgotten, because the server could not answer it.
                None => break,
                Some(row) if row.ended_at.is_some() => {
                    let salt = row.salt.try_into().map_err(|_| inconsistent("submissions", "salt"))?;
                    return Ok(Sent::Again(Submission { lookup, salt }, row.location));
                }
                Some(_) => tokio::time::sleep(BEAT).await,
            }
        }
        Ok(Sent::Again(Submission { lookup, salt }, None))
    }

    /// Records that a form has ended, and where its answer leads to. A refused form changed nothing: if it is sent
    /// again, it is processed again.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn end_submission(
        &self,
        submission: &Submission,
        location: Option<&str>,
        is_refused: bool,
    ) -> Result<()> {
        sqlx::query!(
            "UPDATE submissions SET ended_at = statement_timestamp(), location = $3, is_refused = $4
             WHERE lookup = $1 AND salt = $2",
            &submission.lookup,
            &submission.salt,
            location,
            is_refused,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Forgets a form that the server could not process, so that it can be sent again.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn forget_submission(&self, submission: &Submission) -> Result<()> {
        sqlx::query!(
            "DELETE FROM submissions WHERE lookup = $1 AND salt = $2",
            &submission.lookup,
            &submission.salt
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Deletes forms that ended long ago. The server calls this from time to time.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn forget_old_submissions(&self) -> Result<()> {
        sqlx::query!(
            "DELETE FROM submissions WHERE started_at < statement_timestamp() - make_interval(secs => $1)",
            LONGEST.as_secs_f64()
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
