//! Confirmation by password (J7): a change that can't be undone, or that gives access, requires that the person entered
//! their password a short while ago. A session that was left open or stolen is not enough.
//!
//! Owns entering it and checking it. It must not know which changes require it.

use policy::{Refusal, SessionId, UserId};

use crate::{
    Directory, Principal, Result, authorization::change::Change, authorization::writer::Writer, limits, secret::Asker,
    secret::check_password, users::lock_hash,
};

impl Directory {
    /// Verifies the person's password. For 10 minutes, changes in this session that require a confirmation are allowed.
    ///
    /// # Errors
    /// [`Refusal::CurrentPasswordWrong`], [`Refusal::TooManyAttempts`]; [`Refusal::SignedOut`] if the account was
    /// deleted meanwhile.
    pub async fn confirm(&self, principal: &Principal, password: &str) -> Result<()> {
        let actor = principal.user()?;
        let session = principal.session()?;
        let row = sqlx::query!(
            "SELECT password_hash FROM users WHERE id = $1 AND deleted_at IS NULL",
            actor.0
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(Refusal::SignedOut)?;
        let limit = limits::current_password(session);
        let within_limit = self.attempt(&limit).await;
        let is_right =
            within_limit.is_ok() && check_password(Asker::Known, password, Some(row.password_hash.clone())).await?;
        self.change(principal, "session:confirm", |change| {
            Box::pin(async move {
                let change = &mut change.permit_oneself()?;
                change.record.target_id = Some(session.0);
                within_limit?;
                if !is_right || !lock_hash(change.write(), actor, &row.password_hash).await? {
                    return Err(Refusal::CurrentPasswordWrong.into());
                }
                note(change.write(), actor, session).await
            })
        })
        .await?;
        self.forgive(&limit).await
    }
}

/// Records that the person of a session has just confirmed.
pub(crate) async fn note(db: &mut Writer, user: UserId, session: SessionId) -> Result<()> {
    sqlx::query!(
        "UPDATE sessions SET confirmed_at = statement_timestamp() WHERE id = $1 AND user_id = $2",
        session.0,
        user.0
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Checks that the person confirmed within the last 10 minutes, in the same session. It is called in the transaction of
/// the change, after all other checks.
///
/// # Errors
/// [`Refusal::ConfirmationNeeded`]; [`Refusal::SignedOut`] if the session ended meanwhile.
pub(crate) async fn require(change: &mut Change<'_>) -> Result<()> {
    let (user, session) = (change.principal.user()?, change.principal.session()?);
    let row = sqlx::query!(
        r#"SELECT confirmed_at > statement_timestamp() - interval '10 minutes' AS "is_fresh!"
           FROM sessions WHERE id = $1 AND user_id = $2"#,
        session.0,
        user.0,
    )
    .fetch_optional(change.read())
    .await?
    .ok_or(Refusal::SignedOut)?;
    if row.is_fresh {
        Ok(())
    } else {
        Err(Refusal::ConfirmationNeeded.into())
    }
}
