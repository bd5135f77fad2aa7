//! Accounts: signing up, signing in, and the person's name.
//!
//! Owns these use cases and the operator's creation of an account. It must not know how an address is proved by mail.

mod delete;
mod password;

pub use password::OpenedReset;

use policy::{Email, Name, Password, Refusal, UserId};
use serde_json::json;

use crate::{
    Directory, Hint, NewAccount, NewSession, Principal, Result, limits,
    notices::Notice,
    organizations, outbox,
    secret::{Asker, check_password},
    sessions, users, verification,
};

impl Directory {
    /// Creates an account with an organization of its own (O2), and signs in. This doesn't prove the address (J1), and
    /// the answer reveals whether the address is taken. If mail is sent, [`Self::sign_up_by_mail`] is used, which
    /// reveals nothing.
    ///
    /// # Errors
    /// [`Refusal::SignUpClosed`], [`Refusal::EmailTaken`], [`Refusal::PasswordWeak`], [`Refusal::TooManyAttempts`].
    pub async fn sign_up(&self, principal: &Principal, account: NewAccount) -> Result<NewSession> {
        let origin = &principal.origin;
        let within_limit = self.attempt_all(&limits::sign_up(origin)).await;
        let hash = match within_limit {
            Ok(()) => self.hash_new_account(Asker::Stranger, &account).await,
            Err(error) => Err(error),
        };
        self.change(principal, "user:create", |change| {
            Box::pin(async move {
                let change = &mut change.permit_anonymous()?;
                change.record.target = Some(account.email.to_string());
                let hash = hash?;
                if !self.settings.open_sign_up {
                    return Err(Refusal::SignUpClosed.into());
                }
                let at = change.at;
                let user = users::insert(change.write(), &account, &hash, at).await?;
                change.set_target(user);
                organizations::create_own(change, user, &account.name, self.settings.additional_projects).await?;
                sessions::begin(change, user, origin).await
            })
        })
        .await
    }

    /// Signs in. Takes the same time and gives the same answer whether the address or the password is wrong.
    ///
    /// # Errors
    /// [`Refusal::CredentialsWrong`], [`Refusal::TooManyAttempts`].
    pub async fn sign_in(&self, principal: &Principal, email: &str, password: &str) -> Result<NewSession> {
        let email = Email::from_input(email).map_err(|_| Refusal::CredentialsWrong)?;
        let device = self.known_device(&email, &principal.origin).await?;
        self.sign_in_on(principal, &email, password, device.as_deref()).await
    }

    /// Signs in on a device. `device` identifies a device that signed in to this account before: it has a limit of its
    /// own, so that the attempts of strangers don't lock it out (J9).
    pub(crate) async fn sign_in_on(
        &self,
        principal: &Principal,
        email: &Email,
        password: &str,
        device: Option<&str>,
    ) -> Result<NewSession> {
        let origin = &principal.origin;
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
                    // No password was compared, so the attempt doesn't count.
                    self.forgive_all(&limits).await?;
                    return Err(error);
                }
            },
            Err(_) => false,
        };

        let session = self
            .change(principal, "session:create", |change| {
                Box::pin(async move {
                    let change = &mut change.permit_anonymous()?;
                    change.record.target = Some(email.to_string());
                    change.record.target_id = user.map(|id| id.0);
                    within_limit?;
                    let (user, hash) = user.zip(hash).filter(|_| is_right).ok_or(Refusal::CredentialsWrong)?;
                    if !users::lock_hash(change.write(), user, &hash).await? {
                        return Err(Refusal::CredentialsWrong.into());
                    }
                    let session = sessions::begin(change, user, origin).await?;
                    if session.device.is_some() {
                        let address = origin.address.clone();
                        outbox::notice(change, user, &Notice::NewDevice { address }).await?;
                    }
                    Ok(session)
                })
            })
            .await?;
        self.forgive_all(&limits).await?;
        Ok(session)
    }

    /// Changes the name of the person who asks.
    ///
    /// # Errors
    /// [`Refusal::SignedOut`] if the account was deleted meanwhile.
    pub async fn change_name(&self, principal: &Principal, name: &Name) -> Result<()> {
        let actor = principal.user()?;
        self.change(principal, "user:update_name", |change| {
            Box::pin(async move {
                let change = &mut change.permit_oneself()?;
                change.set_target(actor);
                let before = users::name_of(change.write(), actor).await?;
                // Lists have a copy of the name, which the database keeps equal.
                let changed = sqlx::query!(
                    "UPDATE users SET name = $2 WHERE id = $1 AND deleted_at IS NULL",
                    actor.0,
                    name.as_str()
                )
                .execute(change.write())
                .await?
                .rows_affected();
                if changed == 0 {
                    return Err(Refusal::SignedOut.into());
                }
                change.values(Some(json!({ "name": before })), Some(json!({ "name": name })));
                change.hint(Hint::User(actor));
                Ok(())
            })
        })
        .await
    }

    /// Creates an account as the operator, with an organization of its own. Its address counts as proved (J1).
    ///
    /// # Errors
    /// [`Refusal::EmailTaken`], [`Refusal::PasswordWeak`]; [`Refusal::Hidden`] for any other principal.
    pub async fn create_user(&self, principal: &Principal, account: NewAccount) -> Result<UserId> {
        let hash = self.hash_new_account(Asker::Known, &account).await;
        self.change(principal, "user:create", |change| {
            Box::pin(async move {
                let change = &mut change.permit_operator()?;
                change.record.target = Some(account.email.to_string());
                let at = change.at;
                let user = users::insert(change.write(), &account, &hash?, at).await?;
                change.set_target(user);
                verification::prove(change, user).await?;
                organizations::create_own(change, user, &account.name, self.settings.additional_projects).await?;
                Ok(user)
            })
        })
        .await
    }

    /// Checks and hashes the password of a new account (J6).
    pub(crate) async fn hash_new_account(&self, asker: Asker, account: &NewAccount) -> Result<String> {
        let about = [account.email.as_str(), account.name.as_str()];
        self.hash_new_password(asker, account.password.clone(), &about).await
    }

    /// Checks and hashes a new password for the account with this address (J6).
    pub(crate) async fn hash_for(&self, email: &Email, new: Password) -> Result<String> {
        let known = self.known_about(email).await?;
        let known: Vec<_> = known.iter().map(String::as_str).collect();
        self.hash_new_password(Asker::Known, new, &known).await
    }
}
