//! The second look (J7): whoever does what can't be undone, or what lets somebody in, gave their password a short while
//! ago. A session that was left open, or stolen, is not enough.

use policy::{Refusal, SessionId, UserId};

use crate::{
    Directory, Principal, Result, authorization::change::Change, authorization::writer::Writer, limits, secret::Asker,
    secret::check_password, users::lock_hash,
};

impl Directory {
    /// Takes the person's password again. For 10 minutes they may do in this session what asks for it.
    ///
    /// # Errors
    /// [`Refusal::CurrentPasswordWrong`], [`Refusal::TooManyAttempts`]; [`Refusal::SignedOut`] for an account just
    /// deleted.
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

/// Notes that the person of a session has just proved to be there.
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

/// Goes on only if the person proved to be there within the last 10 minutes, in the session they act by. Asked in the
/// transaction of the change, when everything else about it is found to be right.
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
