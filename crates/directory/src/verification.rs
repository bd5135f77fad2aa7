//! Proof of address (J1 to J4). Whoever presses the button behind a mailed link reads the mailbox that the account is
//! named after.
//!
//! The link is made when it is mailed and kept as a hash (see [`crate::outbox`]). Opening it changes nothing.

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

/// What a link that proves an address leads to.
#[derive(Clone, Debug)]
pub struct OpenedVerification {
    /// The account.
    pub user: UserId,
    /// The address.
    pub email: Email,
}

/// An address just proved by somebody who was not signed in to its account.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The person, signed in.
    pub session: NewSession,
    /// Whether what was typed was a new password: everything the account's holder had until then has ended (J3).
    pub is_taken_over: bool,
}

impl Directory {
    /// Signs up where mail is sent: the answer, and the work, are the same whether the address has an account or not
    /// (X6). A new account gets an organization of its own (O2) and a link that proves its address; to an existing one
    /// a mail says that somebody tried. Nobody is signed in by it.
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

    /// Has the link mailed again that proves one's own address.
    ///
    /// # Errors
    /// [`Refusal::NoMail`], [`Refusal::TooManyAttempts`]; [`Refusal::SignedOut`] for an account just deleted.
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

    /// What a link that proves an address leads to. Reading it proves nothing.
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

    /// Proves the address of the account that is signed in: the session's holder has the link, and so reads the
    /// mailbox. Nothing ends by it.
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

    /// Proves an address as somebody who is not signed in to its account, and signs them in. If they type the account's
    /// password, they are who made it, and nothing ends. Otherwise it becomes the new password, and everything the
    /// account's holder had until now ends (J3): the mailbox decides whose the account is.
    ///
    /// # Errors
    /// [`Refusal::LinkDead`]; [`Refusal::PasswordInvalid`] for what is neither the account's password nor can be a new
    /// one.
    pub async fn verify_address(&self, principal: &Principal, token: &LinkToken, password: &str) -> Result<Verified> {
        let origin = &principal.origin;
        // Dead links cost no hash.
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
                // Everybody who needs both takes the organizations first.
                let organizations = match new {
                    Some(_) => lock_organizations_of(change.write(), user).await?,
                    None => Vec::new(),
                };
                if lock_token(change, token).await? != user {
                    return Err(Refusal::LinkDead.into());
                }
                // A password that was replaced meanwhile says nothing of who is asking.
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

    /// Proves an address as the operator (J4). Whose the account is, the operator has made sure of: nothing ends by it.
    ///
    /// # Errors
    /// [`Refusal::UserNotFound`].
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

    /// Whether what was typed is the password in force, or else the hash of a new one.
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

/// What proving an address is called in the audit, and what it is called where everything ended by it.
pub(crate) const VERIFY: &str = "user:verify_email";
const TAKE_OVER: &str = "user:take_over";

/// What was typed where an address is proved.
enum Typed {
    /// The account's password.
    Own,
    /// Another one; its hash.
    New(String),
    /// Nothing that can be a password.
    Neither,
}

/// Makes the account and its organization, or, where the address has an account already, makes them and takes them
/// back: both take the same statements, so nobody learns from the time it took who has an account.
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
        // Somebody signed up with this address at the same moment.
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

/// Answers whether the account has the address it was to have.
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

/// Uses a link up, the account's row locked. Answers whose it is.
async fn lock_token(change: &mut Permitted<'_, '_>, token: &LinkToken) -> Result<UserId> {
    let hash = token.hash();
    // The person first, as everybody does who changes an account.
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

/// Notes that an account's address is proved, and ends the links that would prove it. Answers whether it was not proved
/// before.
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

/// As the audit has a proof.
fn proved() -> Value {
    json!({ "is_proved": true })
}
