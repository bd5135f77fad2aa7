//! The content and the recipient of a mail, read from the database when it is sent. Links are created here.
//!
//! Owns the conversion of a row of the outbox to a [`Mail`]. It must not know when or how mail is delivered.

use policy::{Email, InvitationId, Name, OrganizationId, UserId};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    LinkToken, Notice, Result,
    authorization::writer::Writer,
    error::{decode, inconsistent},
    links,
};

use super::{Kind, Wanted};

/// A mail to send now.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Its id in the outbox; also its Message-ID, by which a mail server that gets it twice can detect that.
    pub id: Uuid,
    /// The recipient.
    pub to: Email,
    /// Its content.
    pub about: MailAbout,
    /// The secret of its link; `None` for a mail without a link.
    pub token: Option<LinkToken>,
}

/// The content of a mail.
#[derive(Clone, Debug)]
pub enum MailAbout {
    /// An invitation to an organization (M2).
    Invitation {
        /// The organization's name.
        organization: Name,
        /// The name of the person who invites.
        invited_by: Option<Name>,
        /// When the link expires.
        expires_at: OffsetDateTime,
    },
    /// A link to a new password.
    PasswordReset {
        /// The person's name.
        name: Name,
    },
    /// A link that proves the address (J1). It doesn't contain the name, which somebody else may have typed.
    VerifyEmail,
    /// Somebody tried to sign up with an address that has an account.
    SignUpAgain,
    /// A link that confirms a change of address, to the new one (J5). It doesn't contain the name, since the person may
    /// have mistyped the address.
    ChangeEmail,
    /// Somebody requested an address that has an account (X6).
    EmailTaken,
    /// The account's address was changed; sent to the old one (J5).
    EmailChanged {
        /// The person's name.
        name: Name,
        /// The new address.
        email: Email,
        /// When it was changed.
        at: OffsetDateTime,
        /// Until when the link undoes it; `None` if the operator changed it.
        until: Option<OffsetDateTime>,
    },
    /// A notice of something that was done to the account (J8).
    Notice {
        /// The person's name.
        name: Name,
        /// What was done.
        notice: Notice,
        /// When it was done.
        at: OffsetDateTime,
    },
}

/// Returns the mail, with a new link; `None` if it has no recipient any more.
pub(super) async fn write(db: &mut Writer, wanted: &Wanted, now: OffsetDateTime) -> Result<Option<Mail>> {
    if let Some(change) = wanted.email_change {
        return write_email_change(db, wanted.id, wanted.kind, change, now).await;
    }
    match (wanted.invitation, &wanted.email) {
        (Some((organization, invitation)), _) => write_invitation(db, wanted.id, organization, invitation)
            .await
            .map(Some),
        (None, Some(email)) => write_to_address(db, wanted, email, now).await,
        (None, None) => write_notice(db, wanted).await,
    }
}

/// Returns a notice of something that was done to an account, to its present address.
async fn write_notice(db: &mut Writer, wanted: &Wanted) -> Result<Option<Mail>> {
    let (Some(user), Some((notice, detail))) = (wanted.user, &wanted.notice) else {
        return Err(inconsistent("outbox", "notice"));
    };
    let person = sqlx::query!("SELECT email, name FROM users WHERE id = $1 FOR KEY SHARE", user.0)
        .fetch_one(db)
        .await?;
    // An account without an address was deleted meanwhile.
    let Some(email) = person.email else { return Ok(None) };
    Ok(Some(Mail {
        id: wanted.id,
        to: decode(&email, "users", "email")?,
        about: MailAbout::Notice {
            name: decode(&person.name, "users", "name")?,
            notice: Notice::read(notice, detail.clone())?,
            at: wanted.created_at,
        },
        token: None,
    }))
}

async fn write_invitation(
    db: &mut Writer,
    id: Uuid,
    organization: OrganizationId,
    invitation: InvitationId,
) -> Result<Mail> {
    let about = sqlx::query!(
        r#"SELECT o.name, inviter.name AS "invited_by?", i.email, i.expires_at
           FROM invitations i JOIN organizations o ON o.id = i.organization_id
           LEFT JOIN users inviter ON inviter.id = i.invited_by
           WHERE i.organization_id = $1 AND i.id = $2"#,
        organization.0,
        invitation.0,
    )
    .fetch_one(&mut *db)
    .await?;
    Ok(Mail {
        id,
        to: decode(&about.email, "invitations", "email")?,
        about: MailAbout::Invitation {
            organization: decode(&about.name, "organizations", "name")?,
            invited_by: about
                .invited_by
                .map(|name| decode(&name, "users", "name"))
                .transpose()?,
            expires_at: about.expires_at,
        },
        token: Some(links::add_token(db, organization, invitation, true).await?),
    })
}

/// Returns a mail that was requested for an address. Whether the address has an account is looked up only now.
async fn write_to_address(db: &mut Writer, wanted: &Wanted, email: &str, now: OffsetDateTime) -> Result<Option<Mail>> {
    // The account is locked, so that a concurrent deletion waits, and then deletes the link too.
    let person = sqlx::query!(
        r#"SELECT id, name, email_proved_at IS NOT NULL AS "is_proved!" FROM users WHERE email = $1 FOR KEY SHARE"#,
        email
    )
    .fetch_optional(&mut *db)
    .await?;
    let to: Email = decode(email, "outbox", "email")?;
    let Some(person) = person else {
        return write_to_reserved(db, wanted, to).await;
    };
    let user = UserId(person.id);
    let (about, token) = match (wanted.kind, person.is_proved) {
        (Kind::PasswordReset, _) => (
            MailAbout::PasswordReset {
                name: decode(&person.name, "users", "name")?,
            },
            Some(links::add_reset_token(db, user, now).await?),
        ),
        (Kind::SignUp | Kind::VerifyEmail, false) => (
            MailAbout::VerifyEmail,
            Some(links::add_verification_token(db, user, &to, now).await?),
        ),
        (Kind::SignUp, true) => (MailAbout::SignUpAgain, None),
        // The address was proved meanwhile.
        (Kind::VerifyEmail, true) => return Ok(None),
        (Kind::Invitation | Kind::Notice | Kind::ChangeEmail | Kind::EmailChanged, _) => {
            return Err(inconsistent("outbox", "kind"));
        }
    };
    Ok(Some(Mail {
        id: wanted.id,
        to,
        about,
        token,
    }))
}

/// Returns a mail to an address without an account. If the address is reserved for an account that can get it back
/// (J5), a person who signs up with it gets the mail for an address that has an account.
async fn write_to_reserved(db: &mut Writer, wanted: &Wanted, to: Email) -> Result<Option<Mail>> {
    if wanted.kind != Kind::SignUp {
        return Ok(None);
    }
    let row = sqlx::query!(r#"SELECT is_reserved_email($1, NULL) AS "is_reserved!""#, to.as_str())
        .fetch_one(db)
        .await?;
    Ok(row.is_reserved.then_some(Mail {
        id: wanted.id,
        to,
        about: MailAbout::SignUpAgain,
        token: None,
    }))
}

/// Returns a mail about a change of address, with a new link: to confirm it at the new address, or to undo it at the
/// old one. `None` if there is nothing left to confirm.
async fn write_email_change(
    db: &mut Writer,
    id: Uuid,
    kind: Kind,
    change: Uuid,
    now: OffsetDateTime,
) -> Result<Option<Mail>> {
    let row = sqlx::query!(
        r#"SELECT c.old_email, c.new_email, c.changed_at, c.expires_at, u.name,
               EXISTS (SELECT FROM users o WHERE o.email = c.new_email)
                   OR is_reserved_email(c.new_email, c.user_id) AS "is_taken!"
           FROM email_changes c JOIN users u ON u.id = c.user_id WHERE c.id = $1 AND u.email IS NOT NULL"#,
        change,
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let mail = |to: &str, about, token| -> Result<Option<Mail>> {
        let to = read_changed(to)?;
        Ok(Some(Mail { id, to, about, token }))
    };
    match (kind, row.changed_at) {
        // The request is so old that its link would have expired.
        (Kind::ChangeEmail, None) if row.expires_at <= now => Ok(None),
        (Kind::ChangeEmail, None) if row.is_taken => mail(&row.new_email, MailAbout::EmailTaken, None),
        (Kind::ChangeEmail, None) => {
            let token = links::add_email_change_token(db, change).await?;
            mail(&row.new_email, MailAbout::ChangeEmail, Some(token))
        }
        (Kind::EmailChanged, Some(at)) => {
            let can_undo = row.expires_at > now;
            let token = if can_undo {
                Some(links::add_email_change_token(db, change).await?)
            } else {
                None
            };
            let about = MailAbout::EmailChanged {
                name: decode(&row.name, "users", "name")?,
                email: read_changed(&row.new_email)?,
                at,
                until: can_undo.then_some(row.expires_at),
            };
            mail(&row.old_email, about, token)
        }
        // The change was confirmed or undone meanwhile.
        _ => Ok(None),
    }
}

fn read_changed(email: &str) -> Result<Email> {
    decode(email, "email_changes", "email")
}
