//! API keys of a project (RULES K): made, listed, given an end, rotated and revoked by people; and found by the secret that a
//! program shows. They belong to the project, and outlive whoever made them (K5).

use policy::{OrganizationId, ProjectId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::Result;

/// What the Organization Default Key is called (K8).
pub(crate) const DEFAULT_NAME: &str = "Organization Default Key";

/// Gives a new organization its default key (D6). Nobody knows a secret of it before the Owner regenerates it.
pub(crate) async fn insert_default(
    db: &mut PgConnection,
    organization: OrganizationId,
    project: ProjectId,
    at: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO api_keys (organization_id, project_id, id, name, reach, is_default, secret_start, secret_end, created_at)
         VALUES ($1, $2, $3, $4, 'use', true, '', '', $5)",
        organization.0,
        project.0,
        Uuid::now_v7(),
        DEFAULT_NAME,
        at,
    )
    .execute(db)
    .await?;
    Ok(())
}
