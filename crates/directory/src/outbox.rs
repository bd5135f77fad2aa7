//! The outbox: mail written in the transaction that wants it sent, and delivered after it.
//!
//! A row says what to send and to whom, never the text and never a link: those are made at each attempt, so that no secret
//! waits in a table. Several servers may deliver at once; each takes rows nobody else has.

use policy::{Email, InvitationId, Name, OrganizationId, UserId};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{
    Directory, Hint, LinkToken, Notice, Result, attempts,
    change::Change,
    connections::PgConnection,
    email_changes,
    error::{decode, inconsistent},
    limits, links, verification,
};

/// A mail that is being sent is nobody else's for this long.
const LEASE: Duration = Duration::minutes(2);
/// The first attempt after a failed one; each later one waits twice as long, up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::seconds(2);
const LONGEST_WAIT: Duration = Duration::hours(1);
/// A mail is given up after this.
const PATIENCE: Duration = Duration::days(3);

/// What the outbox wants mailed; its name in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An invitation (M2).
    Invitation,
    /// A link to a new password.
    PasswordReset,
    /// What follows a sign-up with an address: a link that proves it, or word that it has an account (X6).
    SignUp,
    /// A link that proves an address (J1).
    VerifyEmail,
    /// Word of something that was done to an account (J8).
    Notice,
    /// A link that confirms a change of address, to the new one (J5).
    ChangeEmail,
    /// Word of a change of address to the old one, with a link that undoes it (J5).
    EmailChanged,
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::Invitation,
        Self::PasswordReset,
        Self::SignUp,
        Self::VerifyEmail,
        Self::Notice,
        Self::ChangeEmail,
        Self::EmailChanged,
    ];

    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::PasswordReset => "password_reset",
            Self::SignUp => "sign_up",
            Self::VerifyEmail => "verify_email",
            Self::Notice => "notice",
            Self::ChangeEmail => "change_email",
            Self::EmailChanged => "email_changed",
        }
    }
}

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

/// A mail as the outbox wants it.
struct Wanted {
    id: Uuid,
    kind: Kind,
    invitation: Option<(OrganizationId, InvitationId)>,
    email: Option<String>,
    user: Option<UserId>,
    notice: Option<(String, Option<String>)>,
    email_change: Option<Uuid>,
    created_at: OffsetDateTime,
}

impl Directory {
    /// Takes a mail that is due, if there is one, with a new link for it. Tell what came of it by [`Self::mail_sent`] or
    /// [`Self::mail_failed`]; without either it is due again after a while. What turns out to be for nobody is thrown away.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn take_mail(&self) -> Result<Option<Mail>> {
        loop {
            let now = self.now();
            let mut tx = self.pool.begin().await?;
            let Some(wanted) = take(&mut tx, now).await? else {
                return Ok(None);
            };
            let mail = write(&mut tx, &wanted, now).await?;
            if mail.is_none() {
                sqlx::query!("DELETE FROM outbox WHERE id = $1", wanted.id)
                    .execute(&mut *tx)
                    .await?;
            }
            tx.commit().await?;
            if mail.is_some() {
                return Ok(mail);
            }
        }
    }

    /// The mail server took it.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn mail_sent(&self, id: Uuid) -> Result<()> {
        let now = self.now();
        let row = sqlx::query!(
            "UPDATE outbox SET sent_at = $2, failed_at = NULL WHERE id = $1 RETURNING organization_id",
            id,
            now
        )
        .fetch_optional(&self.pool)
        .await?;
        self.tell(row.and_then(|row| row.organization_id)).await
    }

    /// The mail server did not take it: it is tried again later, and given up after days, or at once if it never would.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn mail_failed(&self, id: Uuid, is_final: bool) -> Result<()> {
        let now = self.now();
        let row = sqlx::query!(
            "UPDATE outbox SET failed_at = CASE WHEN $6 OR created_at < $3 THEN $2::timestamptz END,
                 next_attempt_at = $2 + least($4::float8 * 2 ^ (least(attempts, 20) - 1), $5) * interval '1 second'
             WHERE id = $1 AND sent_at IS NULL RETURNING organization_id",
            id,
            now,
            now - PATIENCE,
            FIRST_WAIT.as_seconds_f64(),
            LONGEST_WAIT.as_seconds_f64(),
            is_final,
        )
        .fetch_optional(&self.pool)
        .await?;
        self.tell(row.and_then(|row| row.organization_id)).await
    }

    /// Throws away what was sent or given up long ago, and links to accounts that are too old. Called now and then by the server.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn forget_old_mail(&self) -> Result<()> {
        let now = self.now();
        let before = now - Duration::days(30);
        sqlx::query!("DELETE FROM outbox WHERE coalesce(sent_at, failed_at) < $1", before)
            .execute(&self.pool)
            .await?;
        sqlx::query!("DELETE FROM password_reset_tokens WHERE expires_at < $1", now)
            .execute(&self.pool)
            .await?;
        sqlx::query!("DELETE FROM email_verification_tokens WHERE expires_at < $1", now)
            .execute(&self.pool)
            .await?;
        // Not those whose mail may still be under way.
        sqlx::query!("DELETE FROM email_changes WHERE expires_at < $1", before)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Tells the organization's open screens that a mail's state changed.
    async fn tell(&self, organization: Option<Uuid>) -> Result<()> {
        if let Some(organization) = organization {
            let hint = Hint::Invitations(OrganizationId(organization));
            sqlx::query!("SELECT pg_notify($1, $2)", Hint::CHANNEL, hint.to_string())
                .execute(&self.pool)
                .await?;
        }
        Ok(())
    }
}

/// Whether what this person sends to others is mailed. Mail goes out for those alone whose own address is proved (J1): a
/// stranger who signed up as anybody must not write to people in the name of this console.
pub(crate) async fn may_mail(change: &mut Change<'_>, sender: UserId) -> Result<bool> {
    let row = sqlx::query!(
        r#"SELECT email_proved_at IS NOT NULL AS "is_proved!" FROM users WHERE id = $1"#,
        sender.0
    )
    .fetch_optional(&mut *change.tx)
    .await?;
    Ok(row.is_some_and(|row| row.is_proved))
}

/// Counts an invitation by mail, and goes on only if the address, the organization and the person have room for it. It counts
/// once the change is committed, whatever becomes of the organization.
///
/// # Errors
/// [`Refusal::TooManyAttempts`](policy::Refusal::TooManyAttempts).
pub(crate) async fn require_room(
    change: &mut Change<'_>,
    inviter: UserId,
    organization: OrganizationId,
    email: &Email,
) -> Result<()> {
    for limit in limits::invitation_mail(inviter, organization, email) {
        attempts::count(&mut *change.tx, &limit, change.at).await?;
    }
    Ok(())
}

/// Takes the row that is due first. Links that somebody waits for go before invitations.
async fn take(db: &mut PgConnection, now: OffsetDateTime) -> Result<Option<Wanted>> {
    let row = sqlx::query!(
        "UPDATE outbox SET attempts = attempts + 1, next_attempt_at = $2 WHERE id = (
             SELECT id FROM outbox WHERE sent_at IS NULL AND failed_at IS NULL AND next_attempt_at <= $1
             ORDER BY invitation_id IS NOT NULL, next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED
         ) RETURNING id, kind, organization_id, invitation_id, email, user_id, notice, notice_detail, email_change_id,
             created_at",
        now,
        now + LEASE,
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let kind = Kind::ALL.into_iter().find(|kind| kind.code() == row.kind);
    Ok(Some(Wanted {
        id: row.id,
        kind: kind.ok_or_else(|| inconsistent("outbox", "kind"))?,
        invitation: row
            .organization_id
            .zip(row.invitation_id)
            .map(|(organization, invitation)| (OrganizationId(organization), InvitationId(invitation))),
        email: row.email,
        user: row.user_id.map(UserId),
        notice: row.notice.map(|notice| (notice, row.notice_detail)),
        email_change: row.email_change_id,
        created_at: row.created_at,
    }))
}

/// Makes the mail, and the link in it; nothing if it is for nobody any more.
async fn write(db: &mut PgConnection, wanted: &Wanted, now: OffsetDateTime) -> Result<Option<Mail>> {
    if let Some(change) = wanted.email_change {
        return email_changes::write_mail(db, wanted.id, wanted.kind, change, now).await;
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
async fn write_notice(db: &mut PgConnection, wanted: &Wanted) -> Result<Option<Mail>> {
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
    db: &mut PgConnection,
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
async fn write_to_address(
    db: &mut PgConnection,
    wanted: &Wanted,
    email: &str,
    now: OffsetDateTime,
) -> Result<Option<Mail>> {
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
            Some(verification::add_token(db, user, &to, now).await?),
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

/// An address without an account: whoever signs up with one that can be given back to its account (J5) is told as of one
/// that has one.
async fn write_to_reserved(db: &mut PgConnection, wanted: &Wanted, to: Email) -> Result<Option<Mail>> {
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

/// Wants an invitation mailed.
pub(crate) async fn invitation(change: &mut Change<'_>, organization: OrganizationId, id: InvitationId) -> Result<()> {
    sqlx::query!(
        "INSERT INTO outbox (id, kind, organization_id, invitation_id, created_at, next_attempt_at)
         VALUES ($1, $2, $3, $4, $5, $5)",
        Uuid::now_v7(),
        Kind::Invitation.code(),
        organization.0,
        id.0,
        change.at,
    )
    .execute(&mut *change.tx)
    .await?;
    change.hint(Hint::Mail);
    Ok(())
}

/// Wants something mailed to an address, if it has an account when the mail is made.
pub(crate) async fn to_address(change: &mut Change<'_>, kind: Kind, email: &Email) -> Result<()> {
    sqlx::query!(
        "INSERT INTO outbox (id, kind, email, created_at, next_attempt_at) VALUES ($1, $2, $3, $4, $4)",
        Uuid::now_v7(),
        kind.code(),
        email.as_str(),
        change.at,
    )
    .execute(&mut *change.tx)
    .await?;
    change.hint(Hint::Mail);
    Ok(())
}

/// Wants something mailed about a change of address.
pub(crate) async fn email_change(change: &mut Change<'_>, kind: Kind, id: Uuid) -> Result<()> {
    sqlx::query!(
        "INSERT INTO outbox (id, kind, email_change_id, created_at, next_attempt_at) VALUES ($1, $2, $3, $4, $4)",
        Uuid::now_v7(),
        kind.code(),
        id,
        change.at,
    )
    .execute(&mut *change.tx)
    .await?;
    change.hint(Hint::Mail);
    Ok(())
}

/// Nothing is mailed to an address any more that was wanted so far, and that it was is forgotten.
pub(crate) async fn forget_address(db: &mut PgConnection, email: &str) -> Result<()> {
    sqlx::query!("DELETE FROM outbox WHERE email = $1", email)
        .execute(db)
        .await?;
    Ok(())
}

/// A person's links to a new password need not be sent any more.
pub(crate) async fn forget_resets(db: &mut PgConnection, user: UserId) -> Result<()> {
    sqlx::query!(
        "DELETE FROM outbox WHERE kind = $2 AND sent_at IS NULL AND email = (SELECT email FROM users WHERE id = $1)",
        user.0,
        Kind::PasswordReset.code(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What was not sent so far need not be sent any more: the invitations have ended, or have a newer link.
pub(crate) async fn forget(db: &mut PgConnection, organization: OrganizationId, invitations: &[Uuid]) -> Result<()> {
    sqlx::query!(
        "DELETE FROM outbox WHERE organization_id = $1 AND invitation_id = ANY($2) AND sent_at IS NULL",
        organization.0,
        invitations,
    )
    .execute(db)
    .await?;
    Ok(())
}
