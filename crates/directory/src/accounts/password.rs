//! Passwords: changed by the person who knows the present one, reset by a link, set by the operator.
//!
//! Owns these use cases and what they end. It must not know how a link is stored (see [`crate::links`]).

use policy::{Email, Password, Refusal, UserId};

use crate::{
    Directory, Error, Hint, LinkToken, NewSession, Principal, Result,
    authorization::permitted::Permitted,
    confirmation, devices,
    error::decode,
    limits,
    notices::Notice,
    outbox,
    secret::Asker,
    secret::check_password,
    sessions,
    takeover::forget_reset_links,
    takeover::{end_everything, lock_organizations_of},
    users, verification,
};

impl Directory {
    /// Changes the password of the person who asks; all their other sessions end.
    ///
    /// # Errors
    /// [`Refusal::CurrentPasswordWrong`], [`Refusal::TooManyAttempts`], [`Refusal::PasswordWeak`];
    /// [`Refusal::SignedOut`] if the account was deleted meanwhile.
    pub async fn change_password(&self, principal: &Principal, current: &str, new: Password) -> Result<()> {
        let actor = principal.user()?;
        let session = principal.session()?;
        let row = sqlx::query!(
            r#"SELECT email AS "email!", password_hash FROM users WHERE id = $1 AND deleted_at IS NULL"#,
            actor.0
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(Refusal::SignedOut)?;
        let email: Email = decode(&row.email, "users", "email")?;
        let limit = limits::current_password(session);
        let within_limit = self.attempt(&limit).await;
        let is_right =
            within_limit.is_ok() && check_password(Asker::Known, current, Some(row.password_hash.clone())).await?;
        let hash = if is_right {
            self.hash_for(&email, new).await
        } else {
            Ok(String::new())
        };
        self.change(principal, "user:update_password", |change| {
            Box::pin(async move {
                let change = &mut change.permit_oneself()?;
                change.set_target(actor);
                within_limit?;
                if !is_right || !users::lock_hash(change.write(), actor, &row.password_hash).await? {
                    return Err(Refusal::CurrentPasswordWrong.into());
                }
                users::set_hash(change.write(), actor, &hash?).await?;
                forget_reset_links(change.write(), actor).await?;
                sessions::end_all(change.write(), actor, Some(session)).await?;
                devices::forget(change.write(), actor, principal.origin.device.as_ref()).await?;
                confirmation::note(change.write(), actor, session).await?;
                outbox::notice(change, actor, &Notice::PasswordChanged).await?;
                change.hint(Hint::User(actor));
                Ok(())
            })
        })
        .await?;
        self.forgive(&limit).await
    }

    /// Requests that a link to a new password is mailed to an address, if it has an account. The answer and the work
    /// are the same either way, since the account is looked up only when the mail is written. They are also the same if
    /// a link was requested a short while ago: that link is still valid, and no second one is sent.
    ///
    /// # Errors
    /// [`Refusal::NoMail`], [`Refusal::EmailInvalid`], [`Refusal::TooManyAttempts`].
    pub async fn request_password_reset(&self, principal: &Principal, email: &str) -> Result<()> {
        let origin = &principal.origin;
        if !self.settings.sends_mail {
            return Err(Refusal::NoMail.into());
        }
        let email = Email::from_input(email)?;
        let within_limit = self.attempt_all(&limits::password_reset(origin)).await;
        let is_due = match within_limit {
            Ok(()) => match self.attempt(&limits::password_reset_mail(email.as_str())).await {
                Ok(()) => true,
                Err(Error::Refused(_)) => false,
                Err(error) => return Err(error),
            },
            Err(_) => false,
        };
        self.change(principal, "user:request_password_reset", |change| {
            Box::pin(async move {
                let change = &mut change.permit_anonymous()?;
                change.record.target = Some(email.to_string());
                within_limit?;
                if is_due {
                    outbox::to_address(change, outbox::Kind::PasswordReset, &email).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Returns the account that a link to a new password belongs to.
    ///
    /// # Errors
    /// [`Refusal::LinkDead`].
    pub async fn open_password_reset(&self, token: &LinkToken) -> Result<OpenedReset> {
        let row = sqlx::query!(
            r#"SELECT u.id, u.email AS "email!", u.email_proved_at IS NOT NULL AS "is_proved!"
               FROM password_reset_tokens t JOIN users u ON u.id = t.user_id
               WHERE t.token_hash = $1 AND t.expires_at > $2"#,
            &token.hash(),
            self.now(),
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(Refusal::LinkDead)?;
        Ok(OpenedReset {
            user: UserId(row.id),
            email: decode(&row.email, "users", "email")?,
            is_proved: row.is_proved,
        })
    }

    /// Sets a new password for the person that a link was mailed to, and signs them in. Their other sessions and links
    /// end, and their address is proved. If it was not proved before, or if they say that somebody else may have used
    /// the account (`was_broken_into`), every other credential by which somebody could act as them ends too (J3).
    ///
    /// # Errors
    /// [`Refusal::LinkDead`], [`Refusal::PasswordWeak`].
    pub async fn reset_password(
        &self,
        principal: &Principal,
        token: &LinkToken,
        new: Password,
        was_broken_into: bool,
    ) -> Result<NewSession> {
        let origin = &principal.origin;
        // The link is checked first, so that an invalid one doesn't cost the hashing of a password.
        let opened = self.open_password_reset(token).await;
        let hash = match &opened {
            Ok(opened) => self.hash_for(&opened.email, new).await,
            Err(_) => Ok(String::new()),
        };
        self.change(principal, "user:reset_password", |change| {
            Box::pin(async move {
                let change = &mut change.permit_anonymous()?;
                let opened = opened?;
                let user = opened.user;
                let ends_everything = was_broken_into || !opened.is_proved;
                // Every change that needs both locks the organizations before the person.
                let organizations = if ends_everything {
                    lock_organizations_of(change.write(), user).await?
                } else {
                    Vec::new()
                };
                use_reset_token(change, token, user).await?;
                users::set_hash(change.write(), user, &hash?).await?;
                verification::prove(change, user).await?;
                if ends_everything {
                    let ended = end_everything(change, user, &organizations).await?;
                    let (before, after) = ended.values();
                    change.values(Some(before), Some(after));
                } else {
                    forget_reset_links(change.write(), user).await?;
                    sessions::end_all(change.write(), user, None).await?;
                    devices::forget(change.write(), user, None).await?;
                    change.hint(Hint::User(user));
                }
                outbox::notice(change, user, &Notice::PasswordChanged).await?;
                sessions::begin(change, user, origin).await
            })
        })
        .await
    }

    /// Sets a new password for a person, as the operator; all their sessions end. If their address is not proved, every
    /// other credential by which the account's creator could act ends too (J3).
    ///
    /// # Errors
    /// [`Refusal::UserNotFound`], [`Refusal::PasswordWeak`]; [`Refusal::Hidden`] for any other principal.
    pub async fn set_password(&self, principal: &Principal, email: &Email, new: Password) -> Result<()> {
        let hash = self.hash_for(email, new).await;
        self.change(principal, "user:update_password", |change| {
            Box::pin(async move {
                let change = &mut change.permit_operator()?;
                change.record.target = Some(email.to_string());
                let row = sqlx::query!(
                    r#"SELECT id, email_proved_at IS NOT NULL AS "is_proved!" FROM users WHERE email = $1"#,
                    email.as_str()
                )
                .fetch_optional(change.write())
                .await?
                .ok_or(Refusal::UserNotFound)?;
                let user = UserId(row.id);
                change.set_target(user);
                if row.is_proved {
                    users::set_hash(change.write(), user, &hash?).await?;
                    forget_reset_links(change.write(), user).await?;
                    sessions::end_all(change.write(), user, None).await?;
                    devices::forget(change.write(), user, None).await?;
                    change.hint(Hint::User(user));
                } else {
                    let organizations = lock_organizations_of(change.write(), user).await?;
                    users::set_hash(change.write(), user, &hash?).await?;
                    let (before, after) = end_everything(change, user, &organizations).await?.values();
                    change.values(Some(before), Some(after));
                }
                outbox::notice(change, user, &Notice::PasswordChanged).await?;
                Ok(())
            })
        })
        .await
    }
}

/// The account that a link to a new password belongs to.
#[derive(Clone, Debug)]
pub struct OpenedReset {
    /// The account.
    pub user: UserId,
    /// Its address.
    pub email: Email,
    /// Whether the address is proved already. If not, every credential of the account ends (J3).
    pub is_proved: bool,
}

/// Locks the account's row and deletes the link to a new password, so that it can be used only once.
async fn use_reset_token(change: &mut Permitted<'_, '_>, token: &LinkToken, user: UserId) -> Result<()> {
    change.set_target(user);
    // Every change of a password locks the person first.
    sqlx::query!("SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE", user.0)
        .fetch_one(change.write())
        .await?;
    sqlx::query!(
        "DELETE FROM password_reset_tokens
         WHERE token_hash = $1 AND user_id = $2 AND expires_at > $3 RETURNING user_id",
        &token.hash(),
        user.0,
        change.at,
    )
    .fetch_optional(change.write())
    .await?
    .ok_or(Refusal::LinkDead)?;
    Ok(())
}
