//! The outbox: mail is requested in the transaction that it follows from, and delivered after it.
//!
//! Owns the rows and their delivery state. It must not know how mail is transported. A row holds what to send and to
//! whom, never the text and never a link: those are made at each attempt, so that no secret is stored in a table.
//! Several servers may deliver at the same time; each takes rows that no other has taken.

mod backlog;
mod want;
mod write;

pub use backlog::MailBacklog;
pub(crate) use want::{
    email_change, forget, forget_address, forget_resets, invitation, may_mail, notice, require_room, to_address,
};
pub use write::{Mail, MailAbout};

use policy::{InvitationId, OrganizationId, UserId};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{Directory, Hint, Result, authorization::writer::Writer, error::inconsistent};

use write::write;

/// The time for which a mail that is being sent is reserved for the server that took it.
const LEASE: Duration = Duration::minutes(2);

/// The wait after the first failed attempt. It doubles with each further one, up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::seconds(2);

const LONGEST_WAIT: Duration = Duration::hours(1);

/// The time after which a mail is given up.
const PATIENCE: Duration = Duration::days(3);

/// The kinds of mail; each has a stable name in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An invitation (M2).
    Invitation,
    /// A link to a new password.
    PasswordReset,
    /// The mail that follows a sign-up with an address: a link that proves the address, or the information that it has
    /// an account (X6).
    SignUp,
    /// A link that proves an address (J1).
    VerifyEmail,
    /// A notice of something that was done to an account (J8).
    Notice,
    /// A link that confirms a change of address, to the new one (J5).
    ChangeEmail,
    /// A notice of a change of address to the old one, with a link that undoes it (J5).
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

/// A row of the outbox that was taken.
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
    /// Takes a mail that is due, with a new link for it; `None` if no mail is due. The caller reports the result with
    /// [`Self::mail_sent`] or [`Self::mail_failed`]; without a report the mail is due again after a while. A mail that
    /// has no recipient any more is deleted.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn take_mail(&self) -> Result<Option<Mail>> {
        loop {
            let now = self.now();
            let mut tx = Writer::for_worker(self.pool.begin().await?, self.ids);
            let Some(wanted) = take(&mut tx, now).await? else {
                return Ok(None);
            };
            let mail = write(&mut tx, &wanted, now).await?;
            if mail.is_none() {
                sqlx::query!("DELETE FROM outbox WHERE id = $1", wanted.id)
                    .execute(&mut *tx)
                    .await?;
            }
            tx.into_transaction().commit().await?;
            if mail.is_some() {
                return Ok(mail);
            }
        }
    }

    /// Records that the mail server accepted a mail.
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

    /// Records that the mail server did not accept a mail. It is tried again later, and given up after days, or at once
    /// if `is_final`.
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

    /// Deletes mail that was sent or given up long ago, expired links of accounts, and old changes of address. The
    /// server calls this from time to time.
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
        // These are kept longer, since their mail may still be on its way.
        sqlx::query!("DELETE FROM email_changes WHERE expires_at < $1", before)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Sends a hint that the state of an organization's mail changed to the open pages that show it.
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

/// Takes the row that is due first. Links that a person waits for go before invitations.
async fn take(db: &mut Writer, now: OffsetDateTime) -> Result<Option<Wanted>> {
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
