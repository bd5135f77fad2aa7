//! Wanting a mail, and wanting it no longer: rows of the outbox, written in the caller's transaction.
//!
//! Owns the rows until a server takes them. It must not know what a mail says.

use policy::{Email, InvitationId, OrganizationId, UserId};
use uuid::Uuid;

use crate::{
    Hint, Notice, Result, attempts, authorization::permitted::Permitted, authorization::writer::Writer, limits,
};

use super::Kind;

/// Whether what this person sends to others is mailed. Mail goes out for those alone whose own address is proved (J1):
/// a stranger who signed up as anybody must not write to people in the name of this console.
pub(crate) async fn may_mail(change: &mut Permitted<'_, '_>, sender: UserId) -> Result<bool> {
    let row = sqlx::query!(
        r#"SELECT email_proved_at IS NOT NULL AS "is_proved!" FROM users WHERE id = $1"#,
        sender.0
    )
    .fetch_optional(change.write())
    .await?;
    Ok(row.is_some_and(|row| row.is_proved))
}

/// Counts an invitation by mail, and goes on only if the address, the organization and the person have room for it. It
/// counts once the change is committed, whatever becomes of the organization.
///
/// # Errors
/// [`Refusal::TooManyAttempts`](policy::Refusal::TooManyAttempts).
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

/// Wants an invitation mailed.
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

/// Wants something mailed to an address, if it has an account when the mail is made.
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

/// Wants something mailed about a change of address.
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

/// Nothing is mailed to an address any more that was wanted so far, and that it was is forgotten.
pub(crate) async fn forget_address(db: &mut Writer, email: &str) -> Result<()> {
    sqlx::query!("DELETE FROM outbox WHERE email = $1", email)
        .execute(db)
        .await?;
    Ok(())
}

/// A person's links to a new password need not be sent any more.
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

/// What was not sent so far need not be sent any more: the invitations have ended, or have a newer link.
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

/// Wants a person told, if there is a mail server. The mail goes to the address they have when it is sent.
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
