//! The outbox: mail written in the transaction that wants it sent, and delivered after it.
//!
//! A row says what to send and to whom, never the text and never a link: those are made at each attempt, so that no secret
//! waits in a table. Several servers may deliver at once; each takes rows nobody else has.

use policy::{Email, InvitationId, Name, OrganizationId, Refusal, UserId};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{Directory, Hint, LinkToken, Notice, Result, accounts, change::Change, error::inconsistent, invitations};

/// A mail that is being sent is nobody else's for this long.
const LEASE: Duration = Duration::minutes(2);
/// The first attempt after a failed one; each later one waits twice as long, up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::seconds(2);
const LONGEST_WAIT: Duration = Duration::hours(1);
/// A mail is given up after this.
const PATIENCE: Duration = Duration::days(3);

/// A mail to send now.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Names it in the outbox; also its Message-ID, so that a mail server that gets it twice can tell.
    pub id: Uuid,
    /// To whom.
    pub to: Email,
    /// What it is about.
    pub about: MailAbout,
    /// What its link carries, if it has one that stands in for a password.
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

impl Directory {
    /// Takes a mail that is due, if there is one, with a new link for it. Tell what came of it by [`Self::mail_sent`] or
    /// [`Self::mail_failed`]; without either it is due again after a while.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn take_mail(&self) -> Result<Option<Mail>> {
        let now = self.now();
        let mut tx = self.pool.begin().await?;
        let row = sqlx::query!(
            "UPDATE outbox SET attempts = attempts + 1, next_attempt_at = $2 WHERE id = (
                 SELECT id FROM outbox WHERE sent_at IS NULL AND failed_at IS NULL AND next_attempt_at <= $1
                 ORDER BY user_id IS NULL, next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED
             ) RETURNING id, organization_id, invitation_id, user_id, notice, notice_detail, created_at",
            now,
            now + LEASE,
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let mail = match (row.organization_id, row.invitation_id, row.user_id) {
            (Some(organization), Some(invitation), _) => {
                let (organization, invitation) = (OrganizationId(organization), InvitationId(invitation));
                let about = sqlx::query!(
                    r#"SELECT o.name, inviter.name AS "invited_by?", i.email, i.expires_at
                       FROM invitations i JOIN organizations o ON o.id = i.organization_id
                       LEFT JOIN users inviter ON inviter.id = i.invited_by
                       WHERE i.organization_id = $1 AND i.id = $2"#,
                    organization.0,
                    invitation.0,
                )
                .fetch_one(&mut *tx)
                .await?;
                Mail {
                    id: row.id,
                    to: about.email.parse().map_err(|_| inconsistent("invitations", "email"))?,
                    about: MailAbout::Invitation {
                        organization: about.name.parse().map_err(|_| inconsistent("organizations", "name"))?,
                        invited_by: about
                            .invited_by
                            .map(|name| name.parse().map_err(|_| inconsistent("users", "name")))
                            .transpose()?,
                        expires_at: about.expires_at,
                    },
                    token: Some(invitations::add_token(&mut tx, organization, invitation).await?),
                }
            }
            (_, _, Some(user)) => {
                // Held: whoever deletes their account now waits, and the link ends with it.
                let person = sqlx::query!("SELECT email, name FROM users WHERE id = $1 FOR KEY SHARE", user)
                    .fetch_one(&mut *tx)
                    .await?;
                let Some(email) = person.email else {
                    // They deleted their account meanwhile: on to the next.
                    sqlx::query!("DELETE FROM outbox WHERE id = $1", row.id)
                        .execute(&mut *tx)
                        .await?;
                    tx.commit().await?;
                    return Box::pin(self.take_mail()).await;
                };
                let name = person.name.parse().map_err(|_| inconsistent("users", "name"))?;
                let (about, token) = if let Some(kind) = row.notice {
                    let (notice, at) = (Notice::read(&kind, row.notice_detail)?, row.created_at);
                    (MailAbout::Notice { name, notice, at }, None)
                } else {
                    let token = accounts::add_reset_token(&mut tx, UserId(user), now).await?;
                    (MailAbout::PasswordReset { name }, Some(token))
                };
                Mail {
                    id: row.id,
                    to: email.parse().map_err(|_| inconsistent("users", "email"))?,
                    about,
                    token,
                }
            }
            _ => return Err(inconsistent("outbox", "user_id")),
        };
        tx.commit().await?;
        Ok(Some(mail))
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

    /// Throws away what was sent or given up long ago, and links to new passwords that are too old. Called now and then by the server.
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

/// Goes on only if an address got no more than `most` invitations by mail within an hour, whoever sent them.
///
/// # Errors
/// [`Refusal::TooManyAttempts`].
pub(crate) async fn require_room(change: &mut Change<'_>, email: &Email, most: i64) -> Result<()> {
    let hour = Duration::hours(1);
    let since = change.at - hour;
    let mails = sqlx::query!(
        r#"SELECT count(*) AS "count!", min(o.created_at) AS first FROM outbox o
           JOIN invitations i ON i.organization_id = o.organization_id AND i.id = o.invitation_id
           WHERE i.email = $1 AND o.created_at > $2"#,
        email.as_str(),
        since,
    )
    .fetch_one(&mut *change.tx)
    .await?;
    if mails.count < most {
        return Ok(());
    }
    let wait = mails.first.map_or(hour, |first| first - since).whole_seconds().max(1);
    Err(Refusal::TooManyAttempts {
        retry_after: u32::try_from(wait).unwrap_or(u32::MAX),
    }
    .into())
}

/// Wants an invitation mailed.
pub(crate) async fn invitation(change: &mut Change<'_>, organization: OrganizationId, id: InvitationId) -> Result<()> {
    sqlx::query!(
        "INSERT INTO outbox (id, organization_id, invitation_id, created_at, next_attempt_at) VALUES ($1, $2, $3, $4, $4)",
        Uuid::now_v7(),
        organization.0,
        id.0,
        change.at,
    )
    .execute(&mut *change.tx)
    .await?;
    change.hint(Hint::Mail);
    Ok(())
}

/// Wants a person sent a link to a new password.
pub(crate) async fn password_reset(change: &mut Change<'_>, user: UserId) -> Result<()> {
    sqlx::query!(
        "INSERT INTO outbox (id, user_id, created_at, next_attempt_at) VALUES ($1, $2, $3, $3)",
        Uuid::now_v7(),
        user.0,
        change.at,
    )
    .execute(&mut *change.tx)
    .await?;
    change.hint(Hint::Mail);
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
