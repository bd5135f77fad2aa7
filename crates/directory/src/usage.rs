//! What was used, as gateways and schedulers report it: record by record, and added up by day.

use policy::{OrganizationId, ProjectId};
use sqlx::PgConnection;

use crate::Result;

/// Puts everything used in a project that is about to go on the books of the organization's Default Project: it names no project
/// that exists any more (D5).
pub(crate) async fn rebook(db: &mut PgConnection, organization: OrganizationId, project: ProjectId) -> Result<()> {
    sqlx::query!(
        "UPDATE usage_records r SET project_id = o.default_project_id FROM organizations o
         WHERE o.id = $1 AND r.organization_id = $1 AND r.project_id = $2",
        organization.0,
        project.0,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "INSERT INTO usage_days AS d (organization_id, project_id, day, kind, unit, quantity, cost_micros)
         SELECT u.organization_id, o.default_project_id, u.day, u.kind, u.unit, u.quantity, u.cost_micros
         FROM usage_days u JOIN organizations o ON o.id = u.organization_id
         WHERE u.organization_id = $1 AND u.project_id = $2
         ORDER BY u.day, u.kind, u.unit
         ON CONFLICT ON CONSTRAINT usage_days_pkey DO UPDATE
             SET quantity = d.quantity + EXCLUDED.quantity, cost_micros = d.cost_micros + EXCLUDED.cost_micros",
        organization.0,
        project.0,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "DELETE FROM usage_days WHERE organization_id = $1 AND project_id = $2",
        organization.0,
        project.0,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets everything used in an organization that is about to go.
pub(crate) async fn forget(db: &mut PgConnection, organization: OrganizationId) -> Result<()> {
    sqlx::query!("DELETE FROM usage_records WHERE organization_id = $1", organization.0)
        .execute(&mut *db)
        .await?;
    sqlx::query!("DELETE FROM usage_days WHERE organization_id = $1", organization.0)
        .execute(db)
        .await?;
    Ok(())
}
