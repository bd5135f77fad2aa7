//! Accounts: signing up, signing in, and passwords.

use policy::{Email, Name, OrganizationId, Password, Permission, ProjectId, Refusal, UserId};
use serde_json::json;

use crate::{
    Actor, Directory, Error, Hint, LinkToken, NewAccount, NewSession, Origin, Result,
    authorization::principal::By,
    change::{Change, Record},
    confirmation,
    connections::PgConnection,
    devices, email_changes,
    error::decode,
    limits, links, members, memberships,
    notices::{self, Notice},
    organizations, outbox,
    secret::{self, Asker},
    sessions,
    takeover::{end_everything, lock_organizations_of},
    users, verification,
};

#[cfg(test)]
pub(crate) use crate::links::add_reset_token;
pub(crate) use crate::users::insert;

/// What a deleted person is called where rows name them.
const DELETED: &str = "Deleted user";

impl Directory {
    /// Makes an account with an organization of its own (O2), and signs in. Its address is not proved by this (J1), and that an
    /// address is taken is told: where mail is sent, [`Self::sign_up_by_mail`] tells nobody.
    ///
    /// # Errors
    /// [`Refusal::SignUpClosed`], [`Refusal::EmailTaken`], [`Refusal::PasswordWeak`], [`Refusal::TooManyAttempts`].
    pub async fn sign_up(&self, account: NewAccount, origin: &Origin) -> Result<NewSession> {
        let within_limit = self.attempt_all(&limits::sign_up(origin)).await;
        let hash = match within_limit {
            Ok(()) => self.hash_new_account(Asker::Stranger, &account).await,
            Err(error) => Err(error),
        };
        self.change(By::Nobody(origin), "user:create", |change| {
            Box::pin(async move {
                change.record.target = Some(account.email.to_string());
                let hash = hash?;
                if !self.settings.open_sign_up {
                    return Err(Refusal::SignUpClosed.into());
                }
                let at = change.at;
                let user = insert(&mut change.tx, &account, &hash, at).await?;
                change.set_target(user);
                organizations::create_own(change, user, &account.name, self.settings.additional_projects).await?;
                sessions::begin(change, user, origin).await
            })
        })
        .await
    }

    /// Signs in. Takes the same time and answers the same whether the address or the password is wrong.
    ///
    /// # Errors
    /// [`Refusal::CredentialsWrong`], [`Refusal::TooManyAttempts`].
    pub async fn sign_in(&self, email: &str, password: &str, origin: &Origin) -> Result<NewSession> {
        let email = Email::from_input(email).map_err(|_| Refusal::CredentialsWrong)?;
        let device = self.known_device(&email, origin).await?;
        self.sign_in_on(&email, password, origin, device.as_deref()).await
    }

    /// Signs in on a device. `device` tells one that signed in to this very account before from others: it has an allowance of its
    /// own, and strangers' attempts don't keep it out (J9).
    pub(crate) async fn sign_in_on(
        &self,
        email: &Email,
        password: &str,
        origin: &Origin,
        device: Option<&str>,
    ) -> Result<NewSession> {
        let limits = limits::sign_in(email, origin, device);
        let asker = if device.is_some() {
            Asker::Known
        } else {
            Asker::Stranger
        };
        let within_limit = self.attempt_all(&limits).await;
        let row = sqlx::query!("SELECT id, password_hash FROM users WHERE email = $1", email.as_str())
            .fetch_optional(&self.pool)
            .await?;
        let (user, hash): (_, Option<String>) = row.map(|row| (UserId(row.id), row.password_hash)).unzip();
        let is_right = match within_limit {
            Ok(()) => match check_password(asker, password, hash.clone()).await {
                Ok(is_right) => is_right,
                Err(error) => {
                    // Nothing was tried.
                    self.forgive_all(&limits).await?;
                    return Err(error);
                }
            },
            Err(_) => false,
        };

        let session = self
            .change(By::Nobody(origin), "session:create", |change| {
                Box::pin(async move {
                    change.record.target = Some(email.to_string());
                    change.record.target_id = user.map(|id| id.0);
                    within_limit?;
                    let (user, hash) = user.zip(hash).filter(|_| is_right).ok_or(Refusal::CredentialsWrong)?;
                    if !users::lock_hash(&mut change.tx, user, &hash).await? {
                        return Err(Refusal::CredentialsWrong.into());
                    }
                    let session = sessions::begin(change, user, origin).await?;
                    if session.device.is_some() {
                        let address = origin.address.clone();
                        notices::tell(change, user, &Notice::NewDevice { address }).await?;
                    }
                    Ok(session)
                })
            })
            .await?;
        self.forgive_all(&limits).await?;
        Ok(session)
    }

    /// Gives oneself a new password; every other session of the person ends.
    ///
    /// # Errors
    /// [`Refusal::CurrentPasswordWrong`], [`Refusal::TooManyAttempts`], [`Refusal::PasswordWeak`]; [`Refusal::SignedOut`] for an
    /// account just deleted.
    pub async fn change_password(&self, actor: &Actor, current: &str, new: Password) -> Result<()> {
        let row = sqlx::query!(
            r#"SELECT email AS "email!", password_hash FROM users WHERE id = $1 AND deleted_at IS NULL"#,
            actor.user.0
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(Refusal::SignedOut)?;
        let email: Email = decode(&row.email, "users", "email")?;
        let limit = limits::current_password(actor.session);
        let within_limit = self.attempt(&limit).await;
        let is_right =
            within_limit.is_ok() && check_password(Asker::Known, current, Some(row.password_hash.clone())).await?;
        let hash = if is_right {
            self.hash_for(&email, new).await
        } else {
            Ok(String::new())
        };
        self.change(By::User(actor), "user:update_password", |change| {
            Box::pin(async move {
                change.set_target(actor.user);
                within_limit?;
                if !is_right || !users::lock_hash(&mut change.tx, actor.user, &row.password_hash).await? {
                    return Err(Refusal::CurrentPasswordWrong.into());
                }
                users::set_hash(&mut change.tx, actor.user, &hash?).await?;
                forget_reset_links(&mut change.tx, actor.user).await?;
                sessions::end_all(&mut change.tx, actor.user, Some(actor.session)).await?;
                devices::forget(&mut change.tx, actor.user, actor.origin.device.as_ref()).await?;
                confirmation::note(&mut change.tx, actor.user, actor.session).await?;
                notices::tell(change, actor.user, &Notice::PasswordChanged).await?;
                change.hint(Hint::User(actor.user));
                Ok(())
            })
        })
        .await?;
        self.forgive(&limit).await
    }

    /// Gives oneself another name.
    ///
    /// # Errors
    /// [`Refusal::SignedOut`] for an account just deleted.
    pub async fn change_name(&self, actor: &Actor, name: &Name) -> Result<()> {
        self.change(By::User(actor), "user:update_name", |change| {
            Box::pin(async move {
                change.set_target(actor.user);
                let before = users::name_of(&mut change.tx, actor.user).await?;
                // Lists have a copy, which the database keeps true.
                let changed = sqlx::query!(
                    "UPDATE users SET name = $2 WHERE id = $1 AND deleted_at IS NULL",
                    actor.user.0,
                    name.as_str()
                )
                .execute(&mut *change.tx)
                .await?
                .rows_affected();
                if changed == 0 {
                    return Err(Refusal::SignedOut.into());
                }
                change.values(Some(json!({ "name": before })), Some(json!({ "name": name })));
                change.hint(Hint::User(actor.user));
                Ok(())
            })
        })
        .await
    }

    /// Deletes one's own account, for good: every session, membership and access ends, open invitations they sent are
    /// revoked, and the address is free. What they made stays (K5, E1), and is by a deleted user from now on.
    ///
    /// # Errors
    /// [`Refusal::CurrentPasswordWrong`], [`Refusal::TooManyAttempts`]; [`Refusal::OwnsOrganization`] (W1);
    /// [`Refusal::SignedOut`] for an account deleted already.
    pub async fn delete_account(&self, actor: &Actor, password: &str) -> Result<()> {
        let row = sqlx::query!(
            r#"SELECT email AS "email!", password_hash FROM users WHERE id = $1 AND deleted_at IS NULL"#,
            actor.user.0
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(Refusal::SignedOut)?;
        let limit = limits::current_password(actor.session);
        let within_limit = self.attempt(&limit).await;
        let is_right =
            within_limit.is_ok() && check_password(Asker::Known, password, Some(row.password_hash.clone())).await?;
        self.change(By::User(actor), "user:delete", |change| {
            Box::pin(async move {
                change.set_target(actor.user);
                within_limit?;
                let organizations = lock_organizations_of(&mut change.tx, actor.user).await?;
                // Mail before the person, as whoever makes a mail does.
                outbox::forget_address(&mut change.tx, &row.email).await?;
                if !is_right || !users::lock_hash(&mut change.tx, actor.user, &row.password_hash).await? {
                    return Err(Refusal::CurrentPasswordWrong.into());
                }
                if organizations.iter().any(|(_, owner)| *owner == actor.user) {
                    return Err(Refusal::OwnsOrganization.into());
                }
                email_changes::forget_all(&mut change.tx, actor.user).await?;
                // The person first: whoever was about to let them in somewhere finds nobody any more.
                sqlx::query!(
                "UPDATE users SET email = NULL, email_proved_at = NULL, name = $2, password_hash = '', deleted_at = $3
                 WHERE id = $1",
                actor.user.0,
                DELETED,
                change.at,
            )
                .execute(&mut *change.tx)
                .await?;
                // Read again: whoever was let in somewhere while the row was waited for is in more of them now.
                let memberships = sqlx::query!(
                    "SELECT organization_id, role FROM members WHERE user_id = $1",
                    actor.user.0
                )
                .fetch_all(&mut *change.tx)
                .await?;
                for row in memberships {
                    let organization = OrganizationId(row.organization_id);
                    let revoked = members::end(change, organization, actor.user).await?;
                    let record = Record {
                        organization: Some(organization),
                        target_id: Some(actor.user.0),
                        before: Some(json!({ "role": row.role })),
                        after: (!revoked.is_empty()).then(|| json!({ "revoked_invitations": revoked })),
                        ..Record::default()
                    };
                    change.add_event(Permission::MemberRemove.name(), record);
                }
                let external = sqlx::query!(
                    "DELETE FROM collaborators WHERE user_id = $1 RETURNING organization_id, project_id, role",
                    actor.user.0
                )
                .fetch_all(&mut *change.tx)
                .await?;
                for row in external {
                    let project = ProjectId(row.project_id);
                    memberships::removed(
                        change,
                        OrganizationId(row.organization_id),
                        project,
                        actor.user,
                        &row.role,
                    );
                    change.hint(Hint::Project(project));
                }
                forget_ssh_keys(&mut change.tx, actor.user).await?;
                devices::forget(&mut change.tx, actor.user, None).await?;
                // Mail to them is dropped when it is due: see `take_mail`.
                links::forget_reset_tokens(&mut change.tx, actor.user).await?;
                verification::forget_tokens(&mut change.tx, actor.user).await?;
                sessions::end_all(&mut change.tx, actor.user, None).await?;
                change.values(Some(json!({ "email": row.email })), None);
                change.hint(Hint::User(actor.user));
                Ok(())
            })
        })
        .await?;
        self.forgive(&limit).await
    }

    /// Has a link to a new password mailed to an address, if it has an account. The answer and the work are the same either way:
    /// whether there is an account is looked up when the mail is made. They are also the same when one was wanted a short while
    /// ago: that link works, and a second one is not sent.
    ///
    /// # Errors
    /// [`Refusal::NoMail`], [`Refusal::EmailInvalid`], [`Refusal::TooManyAttempts`].
    pub async fn request_password_reset(&self, email: &str, origin: &Origin) -> Result<()> {
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
        self.change(By::Nobody(origin), "user:request_password_reset", |change| {
            Box::pin(async move {
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

    /// What a link to a new password leads to.
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

    /// Gives the person a link was mailed to a new password, and signs them in. Their other sessions and links end, and their
    /// address is proved. If it was not proved before, or they say that somebody else may have used the account
    /// (`was_broken_into`), everything else by which somebody could act as them ends too (J3).
    ///
    /// # Errors
    /// [`Refusal::LinkDead`], [`Refusal::PasswordWeak`].
    pub async fn reset_password(
        &self,
        token: &LinkToken,
        new: Password,
        was_broken_into: bool,
        origin: &Origin,
    ) -> Result<NewSession> {
        // Dead links cost no hash.
        let opened = self.open_password_reset(token).await;
        let hash = match &opened {
            Ok(opened) => self.hash_for(&opened.email, new).await,
            Err(_) => Ok(String::new()),
        };
        self.change(By::Nobody(origin), "user:reset_password", |change| {
            Box::pin(async move {
                let opened = opened?;
                let user = opened.user;
                let ends_everything = was_broken_into || !opened.is_proved;
                // Everybody who needs both takes the organizations before the person.
                let organizations = if ends_everything {
                    lock_organizations_of(&mut change.tx, user).await?
                } else {
                    Vec::new()
                };
                use_reset_token(change, token, user).await?;
                users::set_hash(&mut change.tx, user, &hash?).await?;
                verification::prove(change, user).await?;
                if ends_everything {
                    let ended = end_everything(change, user, &organizations).await?;
                    let (before, after) = ended.values();
                    change.values(Some(before), Some(after));
                } else {
                    forget_reset_links(&mut change.tx, user).await?;
                    sessions::end_all(&mut change.tx, user, None).await?;
                    devices::forget(&mut change.tx, user, None).await?;
                    change.hint(Hint::User(user));
                }
                notices::tell(change, user, &Notice::PasswordChanged).await?;
                sessions::begin(change, user, origin).await
            })
        })
        .await
    }

    /// Gives a person a new password, as the operator; every session of theirs ends. If their address is not proved, everything
    /// else ends too that whoever made the account could act by (J3).
    ///
    /// # Errors
    /// [`Refusal::UserNotFound`], [`Refusal::PasswordWeak`].
    pub async fn set_password(&self, email: &Email, new: Password) -> Result<()> {
        let hash = self.hash_for(email, new).await;
        self.change(By::Operator, "user:update_password", |change| {
            Box::pin(async move {
                change.record.target = Some(email.to_string());
                let row = sqlx::query!(
                    r#"SELECT id, email_proved_at IS NOT NULL AS "is_proved!" FROM users WHERE email = $1"#,
                    email.as_str()
                )
                .fetch_optional(&mut *change.tx)
                .await?
                .ok_or(Refusal::UserNotFound)?;
                let user = UserId(row.id);
                change.set_target(user);
                if row.is_proved {
                    users::set_hash(&mut change.tx, user, &hash?).await?;
                    forget_reset_links(&mut change.tx, user).await?;
                    sessions::end_all(&mut change.tx, user, None).await?;
                    devices::forget(&mut change.tx, user, None).await?;
                    change.hint(Hint::User(user));
                } else {
                    let organizations = lock_organizations_of(&mut change.tx, user).await?;
                    users::set_hash(&mut change.tx, user, &hash?).await?;
                    let (before, after) = end_everything(change, user, &organizations).await?.values();
                    change.values(Some(before), Some(after));
                }
                notices::tell(change, user, &Notice::PasswordChanged).await?;
                Ok(())
            })
        })
        .await
    }

    /// Makes an account as the operator, with an organization of its own. Its address is proved by that (J1).
    ///
    /// # Errors
    /// [`Refusal::EmailTaken`], [`Refusal::PasswordWeak`].
    pub async fn create_user(&self, account: NewAccount) -> Result<UserId> {
        let hash = self.hash_new_account(Asker::Known, &account).await;
        self.change(By::Operator, "user:create", |change| {
            Box::pin(async move {
                change.record.target = Some(account.email.to_string());
                let at = change.at;
                let user = insert(&mut change.tx, &account, &hash?, at).await?;
                change.set_target(user);
                verification::prove(change, user).await?;
                organizations::create_own(change, user, &account.name, self.settings.additional_projects).await?;
                Ok(user)
            })
        })
        .await
    }

    /// Hashes the password of an account that is to be, if it is good enough (J6).
    pub(crate) async fn hash_new_account(&self, asker: Asker, account: &NewAccount) -> Result<String> {
        let about = [account.email.as_str(), account.name.as_str()];
        self.hash_new_password(asker, account.password.clone(), &about).await
    }

    /// Hashes a new password for the account with this address, if it is good enough (J6).
    pub(crate) async fn hash_for(&self, email: &Email, new: Password) -> Result<String> {
        let known = self.known_about(email).await?;
        let known: Vec<_> = known.iter().map(String::as_str).collect();
        self.hash_new_password(Asker::Known, new, &known).await
    }
}

/// What a link to a new password leads to.
#[derive(Clone, Debug)]
pub struct OpenedReset {
    /// The account.
    pub user: UserId,
    /// Its address.
    pub email: Email,
    /// Whether the address is proved already: if not, everything the account's holder had ends (J3).
    pub is_proved: bool,
}

/// Uses a link to a new password up, the account's row locked.
async fn use_reset_token(change: &mut Change<'_>, token: &LinkToken, user: UserId) -> Result<()> {
    change.set_target(user);
    // The person first, as everybody does who changes a password.
    sqlx::query!("SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE", user.0)
        .fetch_one(&mut *change.tx)
        .await?;
    sqlx::query!(
        "DELETE FROM password_reset_tokens WHERE token_hash = $1 AND user_id = $2 AND expires_at > $3 RETURNING user_id",
        &token.hash(),
        user.0,
        change.at,
    )
    .fetch_optional(&mut *change.tx)
    .await?
    .ok_or(Refusal::LinkDead)?;
    Ok(())
}

/// Whether a typed password is the one hashed.
pub(crate) async fn check_password(asker: Asker, typed: &str, hash: Option<String>) -> Result<bool> {
    secret::verify_password(asker, Password::forms_of(typed), hash).await
}

/// Links to a new password end with the old one, and so do those that are still to be mailed; the next one that is asked for is
/// mailed at once.
pub(crate) async fn forget_reset_links(db: &mut PgConnection, user: UserId) -> Result<()> {
    links::forget_reset_tokens(db, user).await?;
    outbox::forget_resets(db, user).await
}

/// Removes a person's SSH keys. Answers how many there were.
pub(crate) async fn forget_ssh_keys(db: &mut PgConnection, user: UserId) -> Result<u64> {
    let removed = sqlx::query!("DELETE FROM ssh_keys WHERE user_id = $1", user.0)
        .execute(db)
        .await?;
    Ok(removed.rows_affected())
}
