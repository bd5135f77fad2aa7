//! Quotas (J12).
//!
//! Owns counting against a quota. It must not know who asks. Each quota is checked under a lock on what it is counted
//! in, so that two concurrent changes can't both take the last one. What exists stays, even beyond a quota.

use policy::{InvitationId, OrganizationId, ProjectId, Quota, Quotas, Refusal};
use time::{Duration, OffsetDateTime};

use crate::{Result, authorization::writer::Writer, connections::PgConnection};

/// The time window in which usage records are counted.
const WINDOW: Duration = Duration::minutes(1);

/// Checks that the organization may have one more project.
///
/// # Errors
/// [`Refusal::QuotaReached`].
pub(crate) async fn check_project_quota(
    db: &mut PgConnection,
    quotas: &Quotas,
    organization: OrganizationId,
) -> Result<()> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "count!" FROM projects WHERE organization_id = $1"#,
        organization.0
    )
    .fetch_one(db)
    .await?;
    below(quotas, Quota::Projects, row.count)
}

/// Checks that the project may have one more valid API key.
///
/// # Errors
/// [`Refusal::QuotaReached`].
pub(crate) async fn check_api_key_quota(
    db: &mut PgConnection,
    quotas: &Quotas,
    (organization, project): (OrganizationId, ProjectId),
    at: OffsetDateTime,
) -> Result<()> {
    // Counting stops at the quota, as it does for resources.
    let row = sqlx::query!(
        r#"SELECT count(*) AS "count!" FROM (
               SELECT FROM api_keys WHERE organization_id = $1 AND project_id = $2
                   AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3) LIMIT $4) AS counted"#,
        organization.0,
        project.0,
        at,
        i64::from(quotas.api_keys),
    )
    .fetch_one(db)
    .await?;
    below(quotas, Quota::ApiKeys, row.count)
}

/// Checks that this invitation may be open besides the organization's others. An expired one doesn't count (M3).
///
/// # Errors
/// [`Refusal::QuotaReached`].
pub(crate) async fn check_invitation_quota(
    db: &mut PgConnection,
    quotas: &Quotas,
    organization: OrganizationId,
    invitation: InvitationId,
    at: OffsetDateTime,
) -> Result<()> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "count!" FROM invitations
           WHERE organization_id = $1 AND id <> $2 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > $3"#,
        organization.0,
        invitation.0,
        at,
    )
    .fetch_one(db)
    .await?;
    below(quotas, Quota::Invitations, row.count)
}

/// Checks that the project may have one more resource.
///
/// # Errors
/// [`Refusal::QuotaReached`].
pub(crate) async fn check_resource_quota(
    db: &mut PgConnection,
    quotas: &Quotas,
    (organization, project): (OrganizationId, ProjectId),
) -> Result<()> {
    // Counting stops at the quota, so that a refusal in a project with a million resources doesn't count them all.
    let row = sqlx::query!(
        r#"SELECT count(*) AS "count!" FROM (
               SELECT FROM resources WHERE organization_id = $1 AND project_id = $2 LIMIT $3) AS counted"#,
        organization.0,
        project.0,
        i64::from(quotas.resources),
    )
    .fetch_one(db)
    .await?;
    below(quotas, Quota::Resources, row.count)
}

/// Counts the usage records that a project's key reports, in the transaction that inserts them, so that refused ones
/// don't count.
///
/// # Errors
/// [`Refusal::QuotaReached`] if the minute's quota would be exceeded.
pub(crate) async fn count_usage(
    db: &mut Writer,
    quotas: &Quotas,
    project: ProjectId,
    records: usize,
    at: OffsetDateTime,
) -> Result<()> {
    let row = sqlx::query!(
        "INSERT INTO attempts AS a (bucket, window_start, count) VALUES ($1, $2, $4)
         ON CONFLICT ON CONSTRAINT attempts_pkey DO UPDATE SET
             window_start = CASE WHEN a.window_start <= $3 THEN $2 ELSE a.window_start END,
             count = CASE WHEN a.window_start <= $3 THEN $4 ELSE a.count + $4 END
         RETURNING count",
        format!("usage:records {}", project.0),
        at,
        at - WINDOW,
        i32::try_from(records).unwrap_or(i32::MAX),
    )
    .fetch_one(db)
    .await?;
    // One less, since `below` asks for room for one more.
    below(quotas, Quota::UsageRecords, i64::from(row.count) - 1)
}

/// Checks that there is room for one more in addition to `count`.
fn below(quotas: &Quotas, quota: Quota, count: i64) -> Result<()> {
    let limit = quotas.limit(quota);
    if count < i64::from(limit) {
        Ok(())
    } else {
        Err(Refusal::QuotaReached { quota, limit }.into())
    }
}
