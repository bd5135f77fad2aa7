//! Where an API key reaches, by name: for the program that shows it.

use policy::{Name, OrganizationId, ProjectId, Refusal, Slug};
use time::OffsetDateTime;

use crate::{Directory, KeyActor, Result, error::inconsistent};

/// A key as it sees itself, with its project and organization.
#[derive(Clone, Debug)]
pub struct KeyPlace {
    /// What the key is called.
    pub key_name: Name,
    /// Since when it is there.
    pub created_at: OffsetDateTime,
    /// When it stops working, if it does by itself (K6).
    pub expires_at: Option<OffsetDateTime>,
    /// The project it belongs to.
    pub project: ProjectId,
    /// That project's slug.
    pub project_slug: Slug,
    /// That project's name.
    pub project_name: Name,
    /// The organization of the project.
    pub organization: OrganizationId,
    /// That organization's slug.
    pub organization_slug: Slug,
    /// That organization's name.
    pub organization_name: Name,
}

impl Directory {
    /// Where a key reaches.
    ///
    /// # Errors
    /// [`Refusal::KeyInvalid`] if it went with its project meanwhile (P4).
    pub async fn key_place(&self, actor: &KeyActor) -> Result<KeyPlace> {
        let row = sqlx::query!(
            "SELECT k.name AS key_name, k.created_at, k.expires_at, s.slug AS project_slug, p.name AS project_name,
                    o.slug AS organization_slug, o.name AS organization_name
             FROM api_keys k
             JOIN projects p ON p.organization_id = k.organization_id AND p.id = k.project_id
             JOIN project_slugs s ON s.project_id = p.id AND s.released_at IS NULL
             JOIN organizations o ON o.id = k.organization_id
             WHERE k.organization_id = $1 AND k.project_id = $2 AND k.id = $3",
            actor.organization.0,
            actor.project.0,
            actor.key.0,
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(Refusal::KeyInvalid)?;
        let name = |text: String, table| text.parse::<Name>().map_err(|_| inconsistent(table, "name"));
        let slug = |text: String, table| text.parse::<Slug>().map_err(|_| inconsistent(table, "slug"));
        Ok(KeyPlace {
            key_name: name(row.key_name, "api_keys")?,
            created_at: row.created_at,
            expires_at: row.expires_at,
            project: actor.project,
            project_slug: slug(row.project_slug, "project_slugs")?,
            project_name: name(row.project_name, "projects")?,
            organization: actor.organization,
            organization_slug: slug(row.organization_slug, "organizations")?,
            organization_name: name(row.organization_name, "organizations")?,
        })
    }
}
