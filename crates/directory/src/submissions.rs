//! Forms under way: one that is sent twice at once is done once, and both get the same answer. A double click sends a
//! form twice where no script holds the second one back.

use std::time::{Duration, Instant};

use crate::{Directory, Result, SessionToken, error::inconsistent, secret};

/// One that was begun so long ago is over, whatever became of it: nothing takes longer.
const LONGEST: Duration = Duration::from_secs(60);
/// The second one waits for so long, less than any browser and any proxy.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it looks for the end of the first.
const BEAT: Duration = Duration::from_millis(50);

/// A form that was sent.
#[derive(Clone, Debug)]
pub struct Submission {
    lookup: [u8; 32],
    salt: [u8; 32],
}

/// What is to be done with it.
#[derive(Clone, Debug)]
pub enum Sent {
    /// It is the first: tell how it ended by [`Directory::end_submission`].
    First(Submission),
    /// It was sent before, and that is done; where the answer led to, if anywhere.
    Again(Submission, Option<String>),
}

impl Submission {
    /// What the ticket to its outcome is derived from, beside the session's secret.
    pub(crate) const fn salt(&self) -> &[u8; 32] {
        &self.salt
    }
}

impl Directory {
    /// Begins with a form, by its path and what is in it, or waits until the same one is done that is under way in the
    /// same session. `page` is the page it was on, if it says so: what was done from there within the last minute is
    /// done.
    ///
    /// What is kept of it is derived with the session's secret: a copy of the table tells nobody what was typed.
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
                // It came to nothing: the server could not answer.
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

    /// Notes that a form is done, and where its answer leads to. One that was refused changed nothing: sent once more,
    /// it is another one.
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

    /// Forgets a form that came to nothing: it can be sent again.
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

    /// Throws away what was done long ago. Called now and then by the server.
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
