//! Accounts: signing up, signing in, and passwords.

use policy::{Email, Name, OrganizationId, Password, Permission, ProjectId, Refusal, UserId};
use serde_json::json;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{
    Actor, Directory, Hint, LinkToken, NewSession, Origin, Result,
    attempts::Limit,
    change::{By, Record},
    confirmation, devices,
    error::{inconsistent, refuse_on},
    members,
    notices::{self, Notice},
    organizations, outbox, secret, sessions,
};

/// What a deleted person is called where rows name them.
const DELETED: &str = "Deleted user";

/// A link to a new password is good for this long.
const RESET_LIFETIME: Duration = Duration::hours(1);

/// What it takes to make an account.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// The address to sign in with.
    pub email: Email,
    /// The person's name.
    pub name: Name,
    /// The password to sign in with.
    pub password: Password,
}

/// Failed attempts at one account, from anywhere.
pub(crate) fn account_limit(email: &Email) -> Limit {
    Limit {
        bucket: format!("sign_in account {email}"),
        count: 10,
        window: Duration::minutes(15),
    }
}

/// Failed attempts from one address, at any account.
fn address_limit(origin: &Origin) -> Limit {
    Limit {
        bucket: format!("sign_in address {}", origin.address),
        count: 100,
        window: Duration::minutes(15),
    }
}

/// New accounts from one address.
fn sign_up_limit(origin: &Origin) -> Limit {
    Limit {
        bucket: format!("sign_up address {}", origin.address),
        count: 300,
        window: Duration::hours(1),
    }
}

/// Links to a new password wanted for one address: each is a mail.
fn reset_limit(email: &Email) -> Limit {
    Limit {
        bucket: format!("password_reset account {email}"),
        count: 5,
        window: Duration::hours(1),
    }
}

/// Links to a new password wanted from one address.
fn reset_origin_limit(origin: &Origin) -> Limit {
    Limit {
        bucket: format!("password_reset address {}", origin.address),
        count: 100,
        window: Duration::hours(1),
    }
}

impl Directory {
    /// Makes an account with an organization of its own (O2), and signs in.
    ///
    /// # Errors
    /// [`Refusal::SignUpClosed`], [`Refusal::EmailTaken`], [`Refusal::PasswordWeak`], [`Refusal::TooManyAttempts`].
    pub async fn sign_up(&self, account: NewAccount, origin: &Origin) -> Result<NewSession> {
        let limit = sign_up_limit(origin);
        let within_limit = self.attempt(&limit).await;
        let hash = match within_limit {
            Ok(()) => self.hash_new_account(&account).await,
            Err(error) => Err(error),
        };
        let mut change = self.change(By::Nobody(origin), "user:create").await?;
        let outcome = async {
            change.record.target = Some(account.email.to_string());
            let hash = hash?;
            if !self.settings.open_sign_up {
                return Err(Refusal::SignUpClosed.into());
            }
            let at = change.at;
            let user = insert(&mut change.tx, &account, &hash, at).await?;
            change.about(user);
            organizations::create_own(&mut change, user, &account.name, self.settings.additional_projects).await?;
            sessions::begin(&mut change, user, origin).await
        }
        .await;
        change.finish(outcome).await
    }

    /// Signs in. Takes the same time and answers the same whether the address or the password is wrong.
    ///
    /// # Errors
    /// [`Refusal::CredentialsWrong`], [`Refusal::TooManyAttempts`].
    pub async fn sign_in(&self, email: &str, password: &str, origin: &Origin) -> Result<NewSession> {
        let email: Email = email.parse().map_err(|_| Refusal::CredentialsWrong)?;
        let (by_account, by_address) = (account_limit(&email), address_limit(origin));
        let within_limit = async {
            self.attempt(&by_address).await?;
            self.attempt(&by_account).await
        }
        .await;
        let row = sqlx::query!("SELECT id, password_hash FROM users WHERE email = $1", email.as_str())
            .fetch_optional(&self.pool)
            .await?;
        let (user, hash): (_, Option<String>) = row.map(|row| (UserId(row.id), row.password_hash)).unzip();
        // A password longer than any that was ever set is not hashed: that would be work for free.
        let typed = password.chars().take(257).collect();
        let is_right = within_limit.is_ok() && secret::verify_password(typed, hash.clone()).await?;

        let mut change = self.change(By::Nobody(origin), "session:create").await?;
        change.record.target = Some(email.to_string());
        change.record.target_id = user.map(|id| id.0);
        let outcome = async {
            within_limit?;
            let (user, hash) = user.zip(hash).filter(|_| is_right).ok_or(Refusal::CredentialsWrong)?;
            if !lock_hash(&mut change.tx, user, &hash).await? {
                return Err(Refusal::CredentialsWrong.into());
            }
            let session = sessions::begin(&mut change, user, origin).await?;
            if session.device.is_some() {
                let address = origin.address.clone();
                notices::tell(&mut change, user, &Notice::NewDevice { address }).await?;
            }
            Ok(session)
        }
        .await;
        let session = change.finish(outcome).await?;
        self.forgive(&by_account).await?;
        self.forgive(&by_address).await?;
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
        let email: Email = row.email.parse().map_err(|_| inconsistent("users", "email"))?;
        let limit = account_limit(&email);
        let within_limit = self.attempt(&limit).await;
        let typed = current.chars().take(257).collect();
        let is_right = within_limit.is_ok() && secret::verify_password(typed, Some(row.password_hash.clone())).await?;
        let hash = if is_right {
            self.hash_for(&email, new).await
        } else {
            Ok(String::new())
        };
        let mut change = self.change(By::User(actor), "user:update_password").await?;
        change.about(actor.user);
        let outcome = async {
            within_limit?;
            if !is_right || !lock_hash(&mut change.tx, actor.user, &row.password_hash).await? {
                return Err(Refusal::CurrentPasswordWrong.into());
            }
            set_hash(&mut change.tx, actor.user, &hash?).await?;
            forget_reset_tokens(&mut change.tx, actor.user).await?;
            forget_reset_mail(&mut change.tx, actor.user).await?;
            sessions::end_all(&mut change.tx, actor.user, Some(actor.session)).await?;
            devices::forget(&mut change.tx, actor.user, actor.origin.device.as_ref()).await?;
            confirmation::note(&mut change.tx, actor.user, actor.session).await?;
            notices::tell(&mut change, actor.user, &Notice::PasswordChanged).await?;
            change.hint(Hint::User(actor.user));
            Ok(())
        }
        .await;
        change.finish(outcome).await?;
        self.forgive(&limit).await
    }

    /// Gives oneself another name.
    ///
    /// # Errors
    /// [`Refusal::SignedOut`] for an account just deleted.
    pub async fn change_name(&self, actor: &Actor, name: &Name) -> Result<()> {
        let mut change = self.change(By::User(actor), "user:update_name").await?;
        change.about(actor.user);
        let outcome = async {
            let before = members::name_of(&mut change.tx, actor.user).await?;
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
        }
        .await;
        change.finish(outcome).await
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
        let limit = account_limit(&row.email.parse().map_err(|_| inconsistent("users", "email"))?);
        let within_limit = self.attempt(&limit).await;
        let typed = password.chars().take(257).collect();
        let is_right = within_limit.is_ok() && secret::verify_password(typed, Some(row.password_hash.clone())).await?;
        let mut change = self.change(By::User(actor), "user:delete").await?;
        change.about(actor.user);
        let outcome = async {
            within_limit?;
            // In one order, so that two who do this at once do not wait for each other.
            sqlx::query!(
                "SELECT pg_advisory_xact_lock(turn_in(m.organization_id))
                 FROM (SELECT organization_id FROM members WHERE user_id = $1 ORDER BY organization_id) m",
                actor.user.0
            )
            .execute(&mut *change.tx)
            .await?;
            let organizations = sqlx::query!(
                "SELECT o.id, o.owner_id FROM organizations o
                 WHERE o.id IN (SELECT organization_id FROM members WHERE user_id = $1) ORDER BY o.id FOR NO KEY UPDATE",
                actor.user.0
            )
            .fetch_all(&mut *change.tx)
            .await?;
            if !is_right || !lock_hash(&mut change.tx, actor.user, &row.password_hash).await? {
                return Err(Refusal::CurrentPasswordWrong.into());
            }
            if organizations.iter().any(|row| row.owner_id == actor.user.0) {
                return Err(Refusal::OwnsOrganization.into());
            }
            // The person first: whoever was about to let them in somewhere finds nobody any more.
            sqlx::query!(
                "UPDATE users SET email = NULL, name = $2, password_hash = '', deleted_at = $3 WHERE id = $1",
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
                let revoked = members::end(&mut change, organization, actor.user).await?;
                let record = Record {
                    organization: Some(organization),
                    target_id: Some(actor.user.0),
                    before: Some(json!({ "role": row.role })),
                    after: (!revoked.is_empty()).then(|| json!({ "revoked_invitations": revoked })),
                    ..Record::default()
                };
                change.also(Permission::MemberRemove.name(), record);
            }
            let external = sqlx::query!(
                "DELETE FROM collaborators WHERE user_id = $1 RETURNING organization_id, project_id, role",
                actor.user.0
            )
            .fetch_all(&mut *change.tx)
            .await?;
            for row in external {
                let project = ProjectId(row.project_id);
                members::removed(
                    &mut change,
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
            forget_reset_tokens(&mut change.tx, actor.user).await?;
            sessions::end_all(&mut change.tx, actor.user, None).await?;
            change.values(Some(json!({ "email": row.email })), None);
            change.hint(Hint::User(actor.user));
            Ok(())
        }
        .await;
        change.finish(outcome).await?;
        self.forgive(&limit).await
    }

    /// Has a link to a new password mailed to an address, if it has an account. Answers the same either way.
    ///
    /// # Errors
    /// [`Refusal::NoMail`], [`Refusal::EmailInvalid`], [`Refusal::TooManyAttempts`].
    pub async fn request_password_reset(&self, email: &str, origin: &Origin) -> Result<()> {
        if !self.settings.sends_mail {
            return Err(Refusal::NoMail.into());
        }
        let email: Email = email.parse().map_err(|_| Refusal::EmailInvalid)?;
        let within_limit = async {
            self.attempt(&reset_origin_limit(origin)).await?;
            self.attempt(&reset_limit(&email)).await
        }
        .await;
        let mut change = self.change(By::Nobody(origin), "user:request_password_reset").await?;
        change.record.target = Some(email.to_string());
        let outcome = async {
            within_limit?;
            if let Some(user) = find_by_email(&mut change.tx, &email).await? {
                change.about(user);
                outbox::password_reset(&mut change, user).await?;
            }
            Ok(())
        }
        .await;
        change.finish(outcome).await
    }

    /// The address of the account that a link gives a new password to.
    ///
    /// # Errors
    /// [`Refusal::LinkDead`].
    pub async fn open_password_reset(&self, token: &LinkToken) -> Result<Email> {
        let row = sqlx::query!(
            r#"SELECT u.email AS "email!" FROM password_reset_tokens t JOIN users u ON u.id = t.user_id
               WHERE t.token_hash = $1 AND t.expires_at > $2"#,
            &token.hash(),
            self.now(),
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(Refusal::LinkDead)?;
        row.email.parse().map_err(|_| inconsistent("users", "email"))
    }

    /// Gives the person a link was mailed to a new password, and signs them in. Their other sessions and links end, and their SSH
    /// keys are removed: the mail proves the address, which whoever had the account before need not have had.
    ///
    /// # Errors
    /// [`Refusal::LinkDead`], [`Refusal::PasswordWeak`].
    pub async fn reset_password(&self, token: &LinkToken, new: Password, origin: &Origin) -> Result<NewSession> {
        // Dead links cost no hash.
        let opened = self.open_password_reset(token).await;
        let hash = match &opened {
            Ok(email) => self.hash_for(email, new).await,
            Err(_) => Ok(String::new()),
        };
        let mut change = self.change(By::Nobody(origin), "user:reset_password").await?;
        let outcome = async {
            opened?;
            // The person first, as everybody does who changes a password.
            sqlx::query!(
                "SELECT u.id FROM password_reset_tokens t JOIN users u ON u.id = t.user_id
                 WHERE t.token_hash = $1 FOR NO KEY UPDATE OF u",
                &token.hash(),
            )
            .fetch_optional(&mut *change.tx)
            .await?
            .ok_or(Refusal::LinkDead)?;
            let row = sqlx::query!(
                "DELETE FROM password_reset_tokens WHERE token_hash = $1 AND expires_at > $2 RETURNING user_id",
                &token.hash(),
                change.at,
            )
            .fetch_optional(&mut *change.tx)
            .await?
            .ok_or(Refusal::LinkDead)?;
            let user = UserId(row.user_id);
            change.about(user);
            set_hash(&mut change.tx, user, &hash?).await?;
            forget_reset_tokens(&mut change.tx, user).await?;
            forget_reset_mail(&mut change.tx, user).await?;
            devices::forget(&mut change.tx, user, None).await?;
            notices::tell(&mut change, user, &Notice::PasswordChanged).await?;
            // Whoever had the account before could add keys to it, which would outlive them.
            let keys = forget_ssh_keys(&mut change.tx, user).await?;
            change.values(Some(json!({ "ssh_keys": keys })), Some(json!({ "ssh_keys": 0 })));
            sessions::end_all(&mut change.tx, user, None).await?;
            change.hint(Hint::User(user));
            sessions::begin(&mut change, user, origin).await
        }
        .await;
        change.finish(outcome).await
    }

    /// Gives a person a new password, as the operator; every session of theirs ends.
    ///
    /// # Errors
    /// [`Refusal::UserNotFound`], [`Refusal::PasswordWeak`].
    pub async fn set_password(&self, email: &Email, new: Password) -> Result<()> {
        let hash = self.hash_for(email, new).await;
        let mut change = self.change(By::Operator, "user:update_password").await?;
        change.record.target = Some(email.to_string());
        let outcome = async {
            let user = find_by_email(&mut change.tx, email)
                .await?
                .ok_or(Refusal::UserNotFound)?;
            change.about(user);
            set_hash(&mut change.tx, user, &hash?).await?;
            forget_reset_tokens(&mut change.tx, user).await?;
            forget_reset_mail(&mut change.tx, user).await?;
            sessions::end_all(&mut change.tx, user, None).await?;
            devices::forget(&mut change.tx, user, None).await?;
            notices::tell(&mut change, user, &Notice::PasswordChanged).await?;
            change.hint(Hint::User(user));
            Ok(())
        }
        .await;
        change.finish(outcome).await
    }

    /// Makes an account as the operator, with an organization of its own.
    ///
    /// # Errors
    /// [`Refusal::EmailTaken`], [`Refusal::PasswordWeak`].
    pub async fn create_user(&self, account: NewAccount) -> Result<UserId> {
        let hash = self.hash_new_account(&account).await;
        let mut change = self.change(By::Operator, "user:create").await?;
        change.record.target = Some(account.email.to_string());
        let outcome = async {
            let at = change.at;
            let user = insert(&mut change.tx, &account, &hash?, at).await?;
            change.about(user);
            organizations::create_own(&mut change, user, &account.name, self.settings.additional_projects).await?;
            Ok(user)
        }
        .await;
        change.finish(outcome).await
    }

    /// Hashes the password of an account that is to be, if it is good enough (J6).
    async fn hash_new_account(&self, account: &NewAccount) -> Result<String> {
        let about = [account.email.as_str(), account.name.as_str()];
        self.hash_new_password(account.password.clone(), &about).await
    }

    /// Hashes a new password for the account with this address, if it is good enough (J6).
    async fn hash_for(&self, email: &Email, new: Password) -> Result<String> {
        let known = self.known_about(email).await?;
        let known: Vec<_> = known.iter().map(String::as_str).collect();
        self.hash_new_password(new, &known).await
    }
}

/// Writes an account.
pub(crate) async fn insert(
    db: &mut PgConnection,
    account: &NewAccount,
    hash: &str,
    at: OffsetDateTime,
) -> Result<UserId> {
    let id = UserId(Uuid::now_v7());
    sqlx::query!(
        "INSERT INTO users (id, email, name, password_hash, created_at) VALUES ($1, $2, $3, $4, $5)",
        id.0,
        account.email.as_str(),
        account.name.as_str(),
        hash,
        at,
    )
    .execute(db)
    .await
    .map_err(|error| refuse_on(error, "users_email_key", Refusal::EmailTaken))?;
    Ok(id)
}

/// The person with this address.
pub(crate) async fn find_by_email(db: &mut PgConnection, email: &Email) -> Result<Option<UserId>> {
    let row = sqlx::query!("SELECT id FROM users WHERE email = $1", email.as_str())
        .fetch_optional(db)
        .await?;
    Ok(row.map(|row| UserId(row.id)))
}

/// Holds an account's password until the change ends, if it is still the one that was verified: verifying takes a while,
/// and a password that was replaced meanwhile opens nothing any more.
pub(crate) async fn lock_hash(db: &mut PgConnection, user: UserId, verified: &str) -> Result<bool> {
    let row = sqlx::query!(
        "SELECT id FROM users WHERE id = $1 AND password_hash = $2 FOR NO KEY UPDATE",
        user.0,
        verified
    )
    .fetch_optional(db)
    .await?;
    Ok(row.is_some())
}

async fn set_hash(db: &mut PgConnection, user: UserId, hash: &str) -> Result<()> {
    sqlx::query!("UPDATE users SET password_hash = $2 WHERE id = $1", user.0, hash)
        .execute(db)
        .await?;
    Ok(())
}

/// Makes a link to a new password for a person.
pub(crate) async fn add_reset_token(db: &mut PgConnection, user: UserId, at: OffsetDateTime) -> Result<LinkToken> {
    let token = LinkToken::random()?;
    sqlx::query!(
        "INSERT INTO password_reset_tokens (token_hash, user_id, expires_at) VALUES ($1, $2, $3)",
        &token.hash(),
        user.0,
        at + RESET_LIFETIME,
    )
    .execute(db)
    .await?;
    Ok(token)
}

/// Links to a new password end with the old one.
async fn forget_reset_tokens(db: &mut PgConnection, user: UserId) -> Result<()> {
    sqlx::query!("DELETE FROM password_reset_tokens WHERE user_id = $1", user.0)
        .execute(db)
        .await?;
    Ok(())
}

/// So do those that are still to be mailed.
async fn forget_reset_mail(db: &mut PgConnection, user: UserId) -> Result<()> {
    sqlx::query!(
        "DELETE FROM outbox WHERE user_id = $1 AND sent_at IS NULL AND notice IS NULL",
        user.0
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Removes a person's SSH keys. Answers how many there were.
async fn forget_ssh_keys(db: &mut PgConnection, user: UserId) -> Result<u64> {
    let removed = sqlx::query!("DELETE FROM ssh_keys WHERE user_id = $1", user.0)
        .execute(db)
        .await?;
    Ok(removed.rows_affected())
}
