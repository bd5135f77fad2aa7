//! Changing the address of an account (J5). The new address is proved by a mailed link before it counts. If the old one
//! was proved, it gets a mail by which the change can be undone for 7 days; during that time no other account can have
//! it.
//!
//! Owns the requests, the changes and undoing them. It must not know how a link is stored or mailed.
//!
//! The link to confirm works only in a session of the account that requested it. Otherwise somebody could make another
//! person confirm the link, and so have that person's address proved for their own account.

use policy::{Email, Password, Refusal, UserId};
use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::{
    Directory, Hint, LinkToken, NewSession, Notice, Principal, Result, attempts,
    authorization::{permitted::Permitted, writer::Writer},
    confirmation,
    connections::PgConnection,
    error::{decode, refuse_on},
    limits, links, outbox, sessions,
    takeover::{end_everything, lock_organizations_of},
    users,
};

/// How long a link that confirms a change is valid.
const TO_CONFIRM: Duration = Duration::hours(24);
/// How long a change can be undone.
const TO_UNDO: Duration = Duration::days(7);

/// The audit's name of a change of address.
const UPDATE: &str = "user:update_email";

/// The request that a link which confirms a change belongs to.
#[derive(Clone, Debug)]
pub struct OpenedEmailChange {
    /// The account that requested it.
    pub user: UserId,
    /// The new address.
    pub email: Email,
}

/// The change that a link which undoes a change belongs to.
#[derive(Clone, Debug)]
pub struct OpenedEmailUndo {
    /// The account.
    pub user: UserId,
    /// The old address, which is restored.
    pub old: Email,
    /// The present address.
    pub current: Email,
}

impl Directory {
    /// Requests another address: a link to confirm it is mailed there. The answer is the same whether or not that
    /// address has an account (X6). An earlier request of the person is deleted.
    ///
    /// # Errors
    /// [`Refusal::NoMail`], [`Refusal::EmailUnchanged`], [`Refusal::TooManyAttempts`], [`Refusal::ConfirmationNeeded`];
    /// [`Refusal::SignedOut`] if the account was deleted meanwhile.
    pub async fn request_email_change(&self, principal: &Principal, new: &Email) -> Result<()> {
        let actor = principal.user()?;
        self.change(principal, "user:request_email_change", |change| {
            Box::pin(async move {
                let change = &mut change.permit_oneself()?;
                change.set_target(actor);
                if !self.settings.sends_mail {
                    return Err(Refusal::NoMail.into());
                }
                confirmation::require(change).await?;
                // Every change of an account locks the person first.
                let old = lock_email(change.write(), actor).await?.ok_or(Refusal::SignedOut)?;
                if old == *new {
                    return Err(Refusal::EmailUnchanged.into());
                }
                let at = change.at;
                for limit in limits::email_change(actor, new) {
                    attempts::count(change.write(), &limit, at).await?;
                }
                links::forget_email_change_requests(change.write(), actor, None).await?;
                let id = change.new_id();
                sqlx::query!(
                    "INSERT INTO email_changes (id, user_id, old_email, new_email, requested_at, expires_at)
                     VALUES ($1, $2, $3, $4, $5, $6)",
                    id,
                    actor.0,
                    old.as_str(),
                    new.as_str(),
                    change.at,
                    change.at + TO_CONFIRM,
                )
                .execute(change.write())
                .await?;
                outbox::email_change(change, outbox::Kind::ChangeEmail, id).await?;
                change.values(Some(json!({ "email": old })), Some(json!({ "email": new })));
                Ok(())
            })
        })
        .await
    }

    /// Returns the request that a link which confirms a change belongs to. This changes nothing.
    ///
    /// # Errors
    /// [`Refusal::LinkDead`].
    pub async fn open_email_change(&self, token: &LinkToken) -> Result<OpenedEmailChange> {
        let row = sqlx::query!(
            "SELECT c.user_id, c.new_email FROM email_change_tokens t JOIN email_changes c ON c.id = t.change_id
             WHERE t.token_hash = $1 AND c.changed_at IS NULL AND c.expires_at > $2",
            &token.hash(),
            self.now(),
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(Refusal::LinkDead)?;
        Ok(OpenedEmailChange {
            user: UserId(row.user_id),
            email: read(&row.new_email)?,
        })
    }

    /// Gives the signed-in account the address that it requested: the holder of the link reads its mailbox. Links that
    /// were mailed to the old address end, except the one that undoes this change. Returns the new address.
    ///
    /// # Errors
    /// [`Refusal::LinkDead`], also for another account's link; [`Refusal::EmailTaken`] if another account got the
    /// address meanwhile.
    pub async fn change_email(&self, principal: &Principal, token: &LinkToken) -> Result<Email> {
        let actor = principal.user()?;
        self.change(principal, UPDATE, |change| {
            Box::pin(async move {
                let change = &mut change.permit_oneself()?;
                change.set_target(actor);
                let row = sqlx::query!(
                    "SELECT c.id, c.old_email, c.new_email
                     FROM email_change_tokens t JOIN email_changes c ON c.id = t.change_id
                     WHERE t.token_hash = $1 AND c.user_id = $2 AND c.changed_at IS NULL AND c.expires_at > $3",
                    &token.hash(),
                    actor.0,
                    change.at,
                )
                .fetch_optional(change.write())
                .await?
                .ok_or(Refusal::LinkDead)?;
                let (old, new) = (read(&row.old_email)?, read(&row.new_email)?);
                let was_proved = lock(change, actor, &old).await?;
                // Of two concurrent requests, the first makes the change.
                let done = sqlx::query!(
                    "UPDATE email_changes SET changed_at = $2, expires_at = $3 WHERE id = $1 AND changed_at IS NULL",
                    row.id,
                    change.at,
                    change.at + TO_UNDO,
                )
                .execute(change.write())
                .await?;
                if done.rows_affected() == 0 {
                    return Err(Refusal::LinkDead.into());
                }
                links::forget_email_change_requests(change.write(), actor, Some(row.id)).await?;
                set(change, actor, &old, &new).await?;
                if was_proved {
                    outbox::email_change(change, outbox::Kind::EmailChanged, row.id).await?;
                } else {
                    // The old address was not proved, so nobody is known to read its mailbox: it gets no mail and can't
                    // be restored.
                    sqlx::query!("DELETE FROM email_changes WHERE id = $1", row.id)
                        .execute(change.write())
                        .await?;
                }
                Ok(new)
            })
        })
        .await
    }

    /// Returns the change that a link which undoes a change belongs to. This changes nothing.
    ///
    /// # Errors
    /// [`Refusal::LinkDead`].
    pub async fn open_email_undo(&self, token: &LinkToken) -> Result<OpenedEmailUndo> {
        self.find_undo(token).await.map(|(opened, _)| opened)
    }

    async fn find_undo(&self, token: &LinkToken) -> Result<(OpenedEmailUndo, OffsetDateTime)> {
        let row = sqlx::query!(
            r#"SELECT u.id, c.old_email, u.email AS "email!", c.changed_at AS "changed_at!"
               FROM email_change_tokens t JOIN email_changes c ON c.id = t.change_id JOIN users u ON u.id = c.user_id
               WHERE t.token_hash = $1 AND c.changed_at IS NOT NULL AND c.expires_at > $2 AND u.email IS NOT NULL"#,
            &token.hash(),
            self.now(),
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(Refusal::LinkDead)?;
        let opened = OpenedEmailUndo {
            user: UserId(row.id),
            old: read(&row.old_email)?,
            current: read(&row.email)?,
        };
        Ok((opened, row.changed_at))
    }

    /// Restores the old address of an account, by the link that was mailed there, with a new password, and signs in.
    /// Whoever changed the address may have had the account for days: every credential by which they could act ends
    /// (J3), and later changes of the address can no longer be undone.
    ///
    /// # Errors
    /// [`Refusal::LinkDead`], [`Refusal::PasswordWeak`].
    pub async fn undo_email_change(
        &self,
        principal: &Principal,
        token: &LinkToken,
        new: Password,
    ) -> Result<NewSession> {
        let origin = &principal.origin;
        // The link is checked first, so that an invalid one doesn't cost the hashing of a password.
        let opened = self.find_undo(token).await;
        let hash = match &opened {
            Ok((opened, _)) => self.hash_for(&opened.current, new).await,
            Err(_) => Ok(String::new()),
        };
        self.change(principal, "user:undo_email_change", |change| {
            Box::pin(async move {
                let change = &mut change.permit_anonymous()?;
                let (opened, changed_at) = opened?;
                let user = opened.user;
                change.set_target(user);
                let hash = hash?;
                // Every change that needs both locks the organizations first.
                let organizations = lock_organizations_of(change.write(), user).await?;
                lock(change, user, &opened.current).await?;
                // Of two concurrent requests, the first undoes the change.
                if !forget_since(change.write(), user, changed_at).await? {
                    return Err(Refusal::LinkDead.into());
                }
                users::set_hash(change.write(), user, &hash).await?;
                let ended = end_everything(change, user, &organizations).await?;
                set(change, user, &opened.current, &opened.old).await?;
                let (before, after) = ended.values();
                change.values(
                    Some(json!({ "email": opened.current, "ended": before })),
                    Some(json!({ "email": opened.old, "ended": after })),
                );
                outbox::notice(change, user, &Notice::PasswordChanged).await?;
                sessions::begin(change, user, origin).await
            })
        })
        .await
    }

    /// Changes the address of an account as the operator, who has verified whose both addresses are. The new one counts
    /// as proved. The old one is told by mail, but can't undo the change.
    ///
    /// # Errors
    /// [`Refusal::UserNotFound`], [`Refusal::EmailTaken`], [`Refusal::EmailUnchanged`]; [`Refusal::Hidden`] for any
    /// other principal.
    pub async fn set_email(&self, principal: &Principal, old: &Email, new: &Email) -> Result<UserId> {
        self.change(principal, UPDATE, |change| {
            Box::pin(async move {
                let change = &mut change.permit_operator()?;
                change.record.target = Some(old.to_string());
                let user = users::find_by_email(change.write(), old)
                    .await?
                    .ok_or(Refusal::UserNotFound)?;
                change.set_target(user);
                if old == new {
                    return Err(Refusal::EmailUnchanged.into());
                }
                let was_proved = lock(change, user, old).await?;
                forget_all(change.write(), user).await?;
                set(change, user, old, new).await?;
                if was_proved && self.settings.sends_mail {
                    let id = change.new_id();
                    sqlx::query!(
                    "INSERT INTO email_changes (id, user_id, old_email, new_email, requested_at, changed_at, expires_at)
                     VALUES ($1, $2, $3, $4, $5, $5, $5)",
                    id,
                    user.0,
                    old.as_str(),
                    new.as_str(),
                    change.at,
                )
                    .execute(change.write())
                    .await?;
                    outbox::email_change(change, outbox::Kind::EmailChanged, id).await?;
                }
                Ok(user)
            })
        })
        .await
    }
}

/// Locks the account. Returns whether its address is proved.
///
/// # Errors
/// [`Refusal::LinkDead`] if its address is no longer `email`.
async fn lock(change: &mut Permitted<'_, '_>, user: UserId, email: &Email) -> Result<bool> {
    // Mail is locked before the person, in the same order as by the worker that writes mail. Mail that was requested
    // for the old address is deleted.
    outbox::forget_address(change.write(), email.as_str()).await?;
    // The address is part of a key, so this lock also excludes concurrent references to the row.
    let row = sqlx::query!(
        r#"SELECT email_proved_at IS NOT NULL AS "is_proved!" FROM users WHERE id = $1 AND email = $2 FOR UPDATE"#,
        user.0,
        email.as_str(),
    )
    .fetch_optional(change.write())
    .await?
    .ok_or(Refusal::LinkDead)?;
    Ok(row.is_proved)
}

/// Sets the address of a locked account, as proved. Links that were mailed to the old one end.
async fn set(change: &mut Permitted<'_, '_>, user: UserId, old: &Email, new: &Email) -> Result<()> {
    links::forget_reset_tokens(change.write(), user).await?;
    links::forget_verification_tokens(change.write(), user).await?;
    sqlx::query!(
        "UPDATE users SET email = $2, email_proved_at = $3 WHERE id = $1",
        user.0,
        new.as_str(),
        change.at,
    )
    .execute(change.write())
    .await
    .map_err(|error| refuse_on(error, "users_email_key", Refusal::EmailTaken))?;
    change.values(Some(json!({ "email": old })), Some(json!({ "email": new })));
    change.hint(Hint::User(user));
    outbox::notice(change, user, &Notice::EmailChanged).await
}

async fn lock_email(db: &mut PgConnection, user: UserId) -> Result<Option<Email>> {
    let row = sqlx::query!("SELECT email FROM users WHERE id = $1 FOR NO KEY UPDATE", user.0)
        .fetch_one(db)
        .await?;
    row.email.map(|email| read(&email)).transpose()
}

fn read(email: &str) -> Result<Email> {
    decode(email, "email_changes", "email")
}

/// Deletes the changes that were made at `since` or later. Returns whether there was one. Mail is deleted first,
/// because the worker that writes mail locks that first.
async fn forget_since(db: &mut Writer, user: UserId, since: OffsetDateTime) -> Result<bool> {
    sqlx::query!(
        "DELETE FROM outbox WHERE email_change_id IN
             (SELECT id FROM email_changes WHERE user_id = $1 AND changed_at >= $2)",
        user.0,
        since,
    )
    .execute(&mut *db)
    .await?;
    let forgotten = sqlx::query!(
        "DELETE FROM email_changes WHERE user_id = $1 AND changed_at >= $2",
        user.0,
        since,
    )
    .execute(db)
    .await?;
    Ok(forgotten.rows_affected() > 0)
}

/// Deletes every change of a person's address: none can be confirmed or undone, and no address stays reserved.
pub(crate) async fn forget_all(db: &mut Writer, user: UserId) -> Result<()> {
    links::forget_email_change_requests(db, user, None).await?;
    forget_since(db, user, OffsetDateTime::UNIX_EPOCH).await?;
    Ok(())
}
