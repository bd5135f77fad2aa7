//! Requesting mail, and cancelling it: rows of the outbox, written in the caller's transaction.
//!
//! Owns the rows until a server takes them. It must not know what a mail says.

use policy::{Email, InvitationId, OrganizationId, UserId};
use uuid::Uuid;

use crate::{
    Hint, Notice, Result, attempts, authorization::permitted::Permitted, authorization::writer::Writer, limits,
};

use super::Kind;

/// Returns whether mail from this person to others is sent. It is sent only if their own address is proved (J1):
/// somebody who signed up with another's address must not be able to write to people in the name of this console.
pub(crate) async fn may_mail(change: &mut Permitted<'_, '_>, sender: UserId) -> Result<bool> {
    let row = sqlx::query!(
        r#"SELECT email_proved_at IS NOT NULL AS "is_proved!" FROM users WHERE id = $1"#,
        sender.0
    )
    .fetch_optional(change.write())
    .await?;
    Ok(row.is_some_and(|row| row.is_proved))
}

/// Counts an invitation by mail against the limits of the address, the organization and the inviter. It counts once the
/// change is committed, even if the organization is deleted later.
///
/// # Errors
/// [`Refusal::TooManyAttempts`](policy::Refusal::TooManyAttempts) if one of the limits is reached.
pub(crate) async fn require_room(
    change: &mut Permitted<'_, '_>,
    inviter: UserId,
    organization: OrganizationId,
    email: &Email,
) -> Result<()> {
    let at = change.at;
    for limit in limits::invitation_mail(inviter, organization, email) {
        attempts::count(change.write(), &limit, at).await?;
    }
    Ok(())
}

/// Requests the mail of an invitation.
pub(crate) async fn invitation(
    change: &mut Permitted<'_, '_>,
    organization: OrganizationId,
    id: InvitationId,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO outbox (id, kind, organization_id, invitation_id, created_at, next_attempt_at)
         VALUES ($1, $2, $3, $4, $5, $5)",
        change.new_id(),
        Kind::Invitation.code(),
        organization.0,
        id.0,
        change.at,
    )
    .execute(change.write())
    .await?;
    change.hint(Hint::Mail);
    Ok(())
}

/// Requests a mail to an address. Whether it has an account is looked up when the mail is written.
pub(crate) async fn to_address(change: &mut Permitted<'_, '_>, kind: Kind, email: &Email) -> Result<()> {
    sqlx::query!(
        "INSERT INTO outbox (id, kind, email, created_at, next_attempt_at) VALUES ($1, $2, $3, $4, $4)",
        change.new_id(),
        kind.code(),
        email.as_str(),
        change.at,
    )
    .execute(change.write())
    .await?;
    change.hint(Hint::Mail);
    Ok(())
}

/// Requests a mail about a change of address.
pub(crate) async fn email_change(change: &mut Permitted<'_, '_>, kind: Kind, id: Uuid) -> Result<()> {
    sqlx::query!(
        "INSERT INTO outbox (id, kind, email_change_id, created_at, next_attempt_at) VALUES ($1, $2, $3, $4, $4)",
        change.new_id(),
        kind.code(),
        id,
        change.at,
    )
    .execute(change.write())
    .await?;
    change.hint(Hint::Mail);
    Ok(())
}

/// Deletes all mail that was requested for an address, sent or not.
pub(crate) async fn forget_address(db: &mut Writer, email: &str) -> Result<()> {
    sqlx::query!("DELETE FROM outbox WHERE email = $1", email)
        .execute(db)
        .await?;
    Ok(())
}

/// Cancels the mail with links to a new password that was not sent so far.
pub(crate) async fn forget_resets(db: &mut Writer, user: UserId) -> Result<()> {
    sqlx::query!(
        "DELETE FROM outbox WHERE kind = $2 AND sent_at IS NULL AND email = (SELECT email FROM users WHERE id = $1)",
        user.0,
        Kind::PasswordReset.code(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Cancels the mail of these invitations that was not sent so far, since they have ended or have a newer link.
pub(crate) async fn forget(db: &mut Writer, organization: OrganizationId, invitations: &[Uuid]) -> Result<()> {
    sqlx::query!(
        "DELETE FROM outbox WHERE organization_id = $1 AND invitation_id = ANY($2) AND sent_at IS NULL",
        organization.0,
        invitations,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Requests a notice to a person, if there is a mail server. It goes to the address they have when it is sent.
pub(crate) async fn notice(change: &mut Permitted<'_, '_>, user: UserId, notice: &Notice) -> Result<()> {
    if !change.settings().sends_mail {
        return Ok(());
    }
    let (kind, detail) = notice.columns();
    sqlx::query!(
        "INSERT INTO outbox (id, kind, user_id, notice, notice_detail, created_at, next_attempt_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6)",
        change.new_id(),
        Kind::Notice.code(),
        user.0,
        kind,
        detail,
        change.at,
    )
    .execute(change.write())
    .await?;
    change.hint(Hint::Mail);
    Ok(())
}
