//! Forms under way: one that is sent twice at once is done once, and both get the same answer. A double click sends a form
//! twice where no script holds the second one back.

use policy::SessionId;
use time::Duration;

use crate::{Directory, Result, error::inconsistent, secret};

/// One that was sent so long ago is over, whatever became of it: no request takes longer.
const LONGEST: Duration = Duration::minutes(1);
/// How often the second one looks for the end of the first.
const BEAT: std::time::Duration = std::time::Duration::from_millis(50);

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
    #[must_use]
    pub const fn salt(&self) -> &[u8; 32] {
        &self.salt
    }
}

impl Directory {
    /// Begins with a form, or waits until the same one is done that is under way in the same session. `page` is the page it
    /// was on, if it says so: sent from there once more within a minute, it is the same one still.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn begin_submission(&self, session: SessionId, form: &[&[u8]], page: Option<&str>) -> Result<Sent> {
        let parts = [session.0.as_bytes().as_slice(), page.unwrap_or_default().as_bytes()];
        let lookup = secret::sha256(
            &parts
                .iter()
                .chain(form)
                .flat_map(|part| [secret::sha256(part)])
                .flatten()
                .collect::<Vec<u8>>(),
        );
        let salt = secret::random()?;
        let begun = sqlx::query!(
            "INSERT INTO submissions (lookup, salt, started_at) VALUES ($1, $2, statement_timestamp())
             ON CONFLICT (lookup) DO UPDATE SET salt = excluded.salt, started_at = excluded.started_at, ended_at = NULL,
                 location = NULL
             WHERE submissions.started_at < statement_timestamp() - make_interval(secs => $3)
                OR (submissions.ended_at IS NOT NULL AND NOT $4)
             RETURNING lookup",
            &lookup,
            &salt,
            LONGEST.as_seconds_f64(),
            page.is_some(),
        )
        .fetch_optional(&self.pool)
        .await?;
        if begun.is_some() {
            return Ok(Sent::First(Submission { lookup, salt }));
        }
        let tries = LONGEST.unsigned_abs().as_millis() / BEAT.as_millis() / 2;
        for _ in 0..tries {
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

    /// Notes that a form is done, and where its answer leads to.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn end_submission(&self, submission: &Submission, location: Option<&str>) -> Result<()> {
        sqlx::query!(
            "UPDATE submissions SET ended_at = statement_timestamp(), location = $3 WHERE lookup = $1 AND salt = $2",
            &submission.lookup,
            &submission.salt,
            location,
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
            LONGEST.as_seconds_f64()
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
