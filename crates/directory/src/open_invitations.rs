//! Open invitations as rows: ending them.
//!
//! Owns these statements. It must not know who may end an invitation, nor why one ends.

use policy::{OrganizationId, UserId};
use uuid::Uuid;

use crate::{Hint, Result, authorization::permitted::Permitted, outbox};

/// Revokes the open invitations of a person who may no longer invite: accepting them would rest on a right that the
/// inviter has lost. Returns the addresses they were for.
pub(crate) async fn revoke_of(
    change: &mut Permitted<'_, '_>,
    organization: OrganizationId,
    user: UserId,
) -> Result<Vec<String>> {
    let open = sqlx::query!(
        "SELECT id, email FROM invitations
         WHERE organization_id = $1 AND invited_by = $2 AND accepted_at IS NULL AND revoked_at IS NULL ORDER BY email",
        organization.0,
        user.0,
    )
    .fetch_all(change.write())
    .await?;
    let (ids, emails): (Vec<_>, Vec<_>) = open.into_iter().map(|row| (row.id, row.email)).unzip();
    revoke(change, organization, &ids).await?;
    Ok(emails)
}

/// Revokes invitations of an organization, and the mail that would have been sent with them.
pub(crate) async fn revoke(change: &mut Permitted<'_, '_>, organization: OrganizationId, ids: &[Uuid]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE invitations SET revoked_at = $3 WHERE organization_id = $1 AND id = ANY($2)",
        organization.0,
        ids,
        change.at,
    )
    .execute(change.write())
    .await?;
    outbox::forget(change.write(), organization, ids).await?;
    change.hint(Hint::Invitations(organization));
    Ok(())
}
