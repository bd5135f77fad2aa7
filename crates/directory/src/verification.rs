//! The proof of an address (J1 to J4). A person who confirms a mailed link reads the mailbox of the account's address.
//!
//! Owns signing up by mail and the use cases of the link, which is created when it is mailed and stored as a hash (see
//! [`crate::outbox`]). Opening it changes nothing.

use policy::{Email, Password, Refusal, UserId};
use serde_json::{Value, json};

use crate::{
    Directory, Error, Hint, LinkToken, NewAccount, NewSession, Principal, Result,
    authorization::permitted::Permitted,
    error::{decode, inconsistent},
    limits, links, organizations, outbox,
    secret::Asker,
    secret::check_password,
    sessions,
    takeover::{end_everything, lock_organizations_of},
    users,
};

/// The account that a link which proves an address belongs to.
#[derive(Clone, Debug)]
pub struct OpenedVerification {
    /// The account.
    pub user: UserId,
    /// The address.
    pub email: Email,
}

/// The result of proving an address without being signed in to its account.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The new session of the person.
    pub session: NewSession,
    /// Whether a new password was entered: every credential that the account's holder had before has ended (J3).
    pub is_taken_over: bool,
}

impl Directory {
    /// Signs up if mail is sent. The answer and the work are the same whether or not the address has an account (X6). A
    /// new account gets an organization of its own (O2) and a mailed link that proves its address; the holder of an
    /// existing one is told by mail that somebody tried. This doesn't sign in.
    ///
    /// # Errors
    /// [`Refusal::NoMail`], [`Refusal::SignUpClosed`], [`Refusal::TooManyAttempts`].
    pub async fn sign_up_by_mail(&self, principal: &Principal, account: NewAccount) -> Result<()> {
        let origin = &principal.origin;
        if !self.settings.sends_mail {
            return Err(Refusal::NoMail.into());
        }
        let within_limit = async {
            self.attempt_all(&limits::sign_up(origin)).await?;
            let hash = self.hash_new_account(Asker::Stranger, &account).await?;
            self.attempt(&limits::sign_up_mail(&account.email)).await?;
            Ok::<_, Error>(hash)
        }
        .await;
        self.change(principal, "user:create", |change| {
            Box::pin(async move {
                let change = &mut change.permit_anonymous()?;
                change.record.target = Some(account.email.to_string());
                let hash = within_limit?;
                if !self.settings.open_sign_up {
                    return Err(Refusal::SignUpClosed.into());
                }
                sign_up_equally(change, &account, &hash, self.settings.additional_projects).await?;
                outbox::to_address(change, outbox::Kind::SignUp, &account.email).await
            })
        })
        .await
    }

    /// Requests that the link which proves the person's own address is mailed again.
    ///
    /// # Errors
    /// [`Refusal::NoMail`], [`Refusal::TooManyAttempts`]; [`Refusal::SignedOut`] if the account was deleted meanwhile.
    pub async fn resend_verification(&self, principal: &Principal) -> Result<Email> {
        let actor = principal.user()?;
        let within_limit = self.attempt(&limits::verification_mail(actor)).await;
        self.change(principal, "user:resend_verification", |change| {
            Box::pin(async move {
                let change = &mut change.permit_oneself()?;
                change.set_target(actor);
                within_limit?;
                if !self.settings.sends_mail {
                    return Err(Refusal::NoMail.into());
                }
                let row = sqlx::query!("SELECT email FROM users WHERE id = $1", actor.0)
                    .fetch_one(change.write())
                    .await?;
                let email: Email = row
                    .email
                    .ok_or(Refusal::SignedOut)?
                    .parse()
                    .map_err(|_| inconsistent("users", "email"))?;
                outbox::to_address(change, outbox::Kind::VerifyEmail, &email).await?;
                Ok(email)
            })
        })
        .await
    }

    /// Returns the account that a link which proves an address belongs to. This proves nothing.
    ///
    /// # Errors
    /// [`Refusal::LinkDead`].
    pub async fn open_verification(&self, token: &LinkToken) -> Result<OpenedVerification> {
        self.find_verification(token).await.map(|(opened, _)| opened)
    }

    async fn find_verification(&self, token: &LinkToken) -> Result<(OpenedVerification, String)> {
        let row = sqlx::query!(
            "SELECT u.id, t.email, u.password_hash FROM email_verification_tokens t
             JOIN users u ON u.id = t.user_id AND u.email = t.email
             WHERE t.token_hash = $1 AND t.expires_at > $2",
            &token.hash(),
            self.now(),
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(Refusal::LinkDead)?;
        let opened = OpenedVerification {
            user: UserId(row.id),
            email: decode(&row.email, "email_verification_tokens", "email")?,
        };
        Ok((opened, row.password_hash))
    }

    /// Proves the address of the signed-in account: the holder of the session has the link, and so reads the mailbox.
    /// No credential ends.
    ///
    /// # Errors
    /// [`Refusal::LinkDead`], also for another account's link.
    pub async fn verify_own_address(&self, principal: &Principal, token: &LinkToken) -> Result<()> {
        let actor = principal.user()?;
        self.change(principal, VERIFY, |change| {
            Box::pin(async move {
                let change = &mut change.permit_oneself()?;
                change.set_target(actor);
                if lock_token(change, token).await? != actor {
                    return Err(Refusal::LinkDead.into());
                }
                prove(change, actor).await?;
                change.values(None, Some(proved()));
                Ok(())
            })
        })
        .await
    }

    /// Proves an address as somebody who is not signed in to its account, and signs them in. If they enter the
    /// account's password, they are its creator, and no credential ends. Otherwise `password` becomes the new password,
    /// and every credential that the account's holder had before ends (J3): whoever reads the mailbox owns the account.
    ///
    /// # Errors
    /// [`Refusal::LinkDead`]; [`Refusal::PasswordInvalid`] for a text that is neither the account's password nor a
    /// valid new one.
    pub async fn verify_address(&self, principal: &Principal, token: &LinkToken, password: &str) -> Result<Verified> {
        let origin = &principal.origin;
        // The link is checked first, so that an invalid one doesn't cost the hashing of a password.
        let opened = self.find_verification(token).await;
        let typed = match &opened {
            Ok((opened, hash)) => Some(self.compare_or_hash(&opened.email, password, hash.clone()).await?),
            Err(_) => None,
        };
        self.change(principal, VERIFY, |change| {
            Box::pin(async move {
                let change = &mut change.permit_anonymous()?;
                let (opened, hash) = opened?;
                let user = opened.user;
                change.set_target(user);
                let new = match typed.ok_or(Refusal::LinkDead)? {
                    Typed::Own => None,
                    Typed::New(new) => Some(new),
                    Typed::Neither => return Err(Refusal::PasswordInvalid.into()),
                };
                // Every change that needs both locks the organizations first.
                let organizations = match new {
                    Some(_) => lock_organizations_of(change.write(), user).await?,
                    None => Vec::new(),
                };
                if lock_token(change, token).await? != user {
                    return Err(Refusal::LinkDead.into());
                }
                // A password that was replaced meanwhile doesn't prove who asks.
                if new.is_none() && !users::lock_hash(change.write(), user, &hash).await? {
                    return Err(Refusal::LinkDead.into());
                }
                prove(change, user).await?;
                change.values(None, Some(proved()));
                if let Some(new) = &new {
                    users::set_hash(change.write(), user, new).await?;
                    let ended = end_everything(change, user, &organizations).await?;
                    let (before, after) = ended.values();
                    change.values(Some(before), Some(after));
                    change.set_action(TAKE_OVER);
                }
                Ok(Verified {
                    session: sessions::begin(change, user, origin).await?,
                    is_taken_over: new.is_some(),
                })
            })
        })
        .await
    }

    /// Proves an address as the operator (J4), who has verified whose account it is. No credential ends.
    ///
    /// # Errors
    /// [`Refusal::UserNotFound`]; [`Refusal::Hidden`] for any other principal.
    pub async fn verify_as_operator(&self, principal: &Principal, email: &Email) -> Result<UserId> {
        self.change(principal, VERIFY, |change| {
            Box::pin(async move {
                let change = &mut change.permit_operator()?;
                change.record.target = Some(email.to_string());
                let user = users::find_by_email(change.write(), email)
                    .await?
                    .ok_or(Refusal::UserNotFound)?;
                change.set_target(user);
                if prove(change, user).await? {
                    change.values(None, Some(proved()));
                }
                Ok(user)
            })
        })
        .await
    }

    /// Compares the entered password with the present one, and if it differs, returns the hash of it as a new one.
    async fn compare_or_hash(&self, email: &Email, password: &str, hash: String) -> Result<Typed> {
        if check_password(Asker::Known, password, Some(hash)).await? {
            return Ok(Typed::Own);
        }
        match password.parse::<Password>() {
            Ok(new) => Ok(Typed::New(self.hash_for(email, new).await?)),
            Err(_) => Ok(Typed::Neither),
        }
    }
}

/// The audit's names of proving an address, and of proving it so that every credential ended.
pub(crate) const VERIFY: &str = "user:verify_email";
const TAKE_OVER: &str = "user:take_over";

/// The result of comparing the password that was entered to prove an address.
enum Typed {
    /// The account's password.
    Own,
    /// Another password, with its hash.
    New(String),
    /// A text that can't be a password.
    Neither,
}

/// Creates the account and its organization; if the address already has an account, creates both and rolls them back.
/// Both cases execute the same statements, so that the time taken doesn't reveal who has an account.
async fn sign_up_equally(
    change: &mut Permitted<'_, '_>,
    account: &NewAccount,
    hash: &str,
    additional_projects: bool,
) -> Result<()> {
    sqlx::query("SAVEPOINT sign_up").execute(change.write()).await?;
    let made = make(change, account, hash, additional_projects).await;
    let is_new = match made {
        Ok(is_new) => is_new,
        // Somebody signed up with this address at the same time.
        Err(Error::Refused(Refusal::EmailTaken)) => false,
        Err(error) => return Err(error),
    };
    let end = if is_new {
        "RELEASE SAVEPOINT sign_up"
    } else {
        "ROLLBACK TO SAVEPOINT sign_up"
    };
    sqlx::query(end).execute(change.write()).await?;
    if !is_new {
        change.set_action("user:create_again");
        change.record.organization = None;
        change.record.target_id = None;
        change.values(None, None);
    }
    Ok(())
}

/// Creates the account and its organization. Returns whether the account has the wanted address.
async fn make(
    change: &mut Permitted<'_, '_>,
    account: &NewAccount,
    hash: &str,
    additional_projects: bool,
) -> Result<bool> {
    let at = change.at;
    let (user, is_new) = users::insert_if_new(change.write(), account, hash, at).await?;
    change.set_target(user);
    organizations::create_own(change, user, &account.name, additional_projects).await?;
    Ok(is_new)
}

/// Locks the account's row and deletes the link, so that it can be used only once. Returns the account.
async fn lock_token(change: &mut Permitted<'_, '_>, token: &LinkToken) -> Result<UserId> {
    let hash = token.hash();
    // Every change of an account locks the person first.
    sqlx::query!(
        "SELECT u.id FROM email_verification_tokens t JOIN users u ON u.id = t.user_id
         WHERE t.token_hash = $1 FOR NO KEY UPDATE OF u",
        &hash,
    )
    .fetch_optional(change.write())
    .await?
    .ok_or(Refusal::LinkDead)?;
    let row = sqlx::query!(
        "DELETE FROM email_verification_tokens t USING users u
         WHERE t.token_hash = $1 AND t.expires_at > $2 AND u.id = t.user_id AND u.email = t.email
         RETURNING u.id, t.email",
        &hash,
        change.at,
    )
    .fetch_optional(change.write())
    .await?
    .ok_or(Refusal::LinkDead)?;
    change.record.target = Some(row.email);
    Ok(UserId(row.id))
}

/// Records that an account's address is proved, and deletes the links that would prove it. Returns whether it was not
/// proved before.
pub(crate) async fn prove(change: &mut Permitted<'_, '_>, user: UserId) -> Result<bool> {
    let first = sqlx::query!(
        "UPDATE users SET email_proved_at = $2 WHERE id = $1 AND email IS NOT NULL AND email_proved_at IS NULL",
        user.0,
        change.at,
    )
    .execute(change.write())
    .await?
    .rows_affected();
    links::forget_verification_tokens(change.write(), user).await?;
    change.hint(Hint::User(user));
    Ok(first > 0)
}

/// Returns the "after" of a proof, for the audit.
fn proved() -> Value {
    json!({ "is_proved": true })
}
