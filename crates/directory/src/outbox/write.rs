//! What a wanted mail says and to whom, read from the database when it is sent; links are made here.
//!
//! Owns the way from a row of the outbox to a [`Mail`]. It must not know when or how mail is delivered.

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
    /// Names it in the outbox; also its Message-ID, so that a mail server that gets it twice can tell.
    pub id: Uuid,
    /// To whom.
    pub to: Email,
    /// What it is about.
    pub about: MailAbout,
    /// What its link carries; none in a mail that has no secret to tell.
    pub token: Option<LinkToken>,
}

/// What a mail is about.
#[derive(Clone, Debug)]
pub enum MailAbout {
    /// An invitation to an organization (M2).
    Invitation {
        /// The organization's name.
        organization: Name,
        /// Who invites.
        invited_by: Option<Name>,
        /// When the link lapses.
        expires_at: OffsetDateTime,
    },
    /// A link to a new password.
    PasswordReset {
        /// The person's name.
        name: Name,
    },
    /// A link that proves the address (J1). The name isn't told: somebody else may have typed it.
    VerifyEmail,
    /// Somebody tried to sign up with an address that has an account.
    SignUpAgain,
    /// A link that confirms a change of address, to the new one (J5). The name isn't told: whoever asked may have
    /// mistyped the address.
    ChangeEmail,
    /// Somebody asked for an address that has an account (X6).
    EmailTaken,
    /// The account has another address, which the old one is told (J5).
    EmailChanged {
        /// The person's name.
        name: Name,
        /// The new address.
        email: Email,
        /// When.
        at: OffsetDateTime,
        /// Until when the link undoes it; none if the operator did it.
        until: Option<OffsetDateTime>,
    },
    /// Word of something that was done to the account (J8).
    Notice {
        /// The person's name.
        name: Name,
        /// What.
        notice: Notice,
        /// When.
        at: OffsetDateTime,
    },
}

/// Makes the mail, and the link in it; nothing if it is for nobody any more.
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

/// Word of something that was done to an account, for the address that it has now.
async fn write_notice(db: &mut Writer, wanted: &Wanted) -> Result<Option<Mail>> {
    let (Some(user), Some((notice, detail))) = (wanted.user, &wanted.notice) else {
        return Err(inconsistent("outbox", "notice"));
    };
    let person = sqlx::query!("SELECT email, name FROM users WHERE id = $1 FOR KEY SHARE", user.0)
        .fetch_one(db)
        .await?;
    // Without an address the account was deleted meanwhile.
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

/// A mail that was wanted for an address: only now is looked up whether that has an account.
async fn write_to_address(db: &mut Writer, wanted: &Wanted, email: &str, now: OffsetDateTime) -> Result<Option<Mail>> {
    // Held: whoever deletes their account now waits, and the link ends with it.
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
        // Proved meanwhile.
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

/// An address without an account: whoever signs up with one that can be given back to its account (J5) is told as of
/// one that has one.
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

/// Makes a mail about a change, with a new link: to confirm it at the new address, or to undo it at the old one.
/// Nothing if there is nothing left to confirm.
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
        // Asked for so long ago that the link would be dead.
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
        // Confirmed, or undone, meanwhile.
        _ => Ok(None),
    }
}

fn read_changed(email: &str) -> Result<Email> {
    decode(email, "email_changes", "email")
}
