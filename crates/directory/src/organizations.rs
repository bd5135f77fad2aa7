//! Organizations: created together with their Owner and their Default Project, in one change (O1, D1).
//!
//! Owns their settings and deletion, and the operator's list. It must not know how a person becomes a member or leaves.

mod create;
mod transfer;

pub(crate) use create::{create, create_own};

use policy::{
    Email, Name, OrganizationId, OrganizationRole, OrganizationStanding, Permission, Refusal, Slug, UserId,
    require_owner,
};
use serde_json::json;

use crate::{
    Directory, Hint, OrganizationView, Principal, Result,
    authorization::lock::{join_queue, lock_organization},
    authorization::lookup::find_organization,
    authorization::standing::organization_standing,
    confirmation,
    error::{decode, refuse_on},
    memberships, projects, usage,
};

use create::wait_for_slug;

/// An organization that a person is a member or an External Collaborator of.
#[derive(Clone, Debug)]
pub struct OrganizationSummary {
    /// Its slug.
    pub slug: Slug,
    /// Its name.
    pub name: Name,
    /// The person's membership; `None` for an External Collaborator (X3).
    pub standing: Option<OrganizationStanding>,
}

/// An organization's settings, as a member sees them (O3).
#[derive(Clone, Debug)]
pub struct OrganizationSettings {
    /// The organization.
    pub organization: OrganizationView,
    /// The Owner's name.
    pub owner: Name,
    /// The other Admins by name, to whom the Owner may transfer the organization (W2): at most 1,000; empty unless the
    /// principal is the Owner.
    pub transfer_candidates: Vec<(UserId, Name, Email)>,
}

/// An organization, as the operator sees it.
#[derive(Clone, Debug)]
pub struct OrganizationReport {
    /// Its slug.
    pub slug: Slug,
    /// Its name.
    pub name: Name,
    /// The Owner's address.
    pub owner: Email,
    /// How many members it has.
    pub members: i64,
    /// How many projects it has.
    pub projects: i64,
    /// Whether projects besides the default one may be created (P1).
    pub additional_projects: bool,
}

impl Directory {
    /// Returns an organization, for its members.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] if there is none, or if the principal is no member.
    pub async fn organization(&self, principal: &Principal, slug: &Slug) -> Result<OrganizationView> {
        let seen = find_organization(&self.pool, slug, principal).await?;
        seen.standing.require(Permission::OrganizationRead)?;
        Ok(seen.into())
    }

    /// Returns an organization's settings, for its members (O3).
    ///
    /// # Errors
    /// [`Refusal::Hidden`] if there is none, or if the principal is no member.
    pub async fn organization_settings(&self, principal: &Principal, slug: &Slug) -> Result<OrganizationSettings> {
        let seen = find_organization(&self.pool, slug, principal).await?;
        seen.standing.require(Permission::OrganizationRead)?;
        let owner = sqlx::query!("SELECT name FROM users WHERE id = $1", seen.owner.0)
            .fetch_one(&self.pool)
            .await?
            .name;
        let is_owner = seen.standing.organization.is_some_and(OrganizationStanding::is_owner);
        let transfer_candidates = if is_owner {
            sqlx::query!(
                r#"SELECT m.user_id, m.name, u.email AS "email!" FROM members m JOIN users u ON u.id = m.user_id
                   WHERE m.organization_id = $1 AND m.role = $2 AND m.user_id <> $3
                   ORDER BY m.name, m.user_id LIMIT 1000"#,
                seen.id.0,
                OrganizationRole::Admin.code(),
                seen.owner.0,
            )
            .fetch_all(&self.pool)
            .await?
        } else {
            Vec::new()
        };
        Ok(OrganizationSettings {
            owner: decode(&owner, "users", "name")?,
            transfer_candidates: transfer_candidates
                .into_iter()
                .map(|row| {
                    Ok((
                        UserId(row.user_id),
                        decode(&row.name, "users", "name")?,
                        decode(&row.email, "users", "email")?,
                    ))
                })
                .collect::<Result<_>>()?,
            organization: seen.into(),
        })
    }

    /// Changes an organization's name and slug.
    ///
    /// # Errors
    /// [`Refusal::Hidden`], [`Refusal::Forbidden`], [`Refusal::SlugTaken`].
    pub async fn update_organization(
        &self,
        principal: &Principal,
        slug: &Slug,
        name: &Name,
        new_slug: &Slug,
    ) -> Result<()> {
        self.change(principal, Permission::OrganizationUpdate.name(), |change| {
            Box::pin(async move {
                let organization = lock_organization(change, slug).await?;
                let change = &mut change.permit(organization.standing.require(Permission::OrganizationUpdate)?);
                wait_for_slug(change.write(), new_slug.as_str()).await?;
                sqlx::query!(
                    "UPDATE organizations SET name = $2, slug = $3 WHERE id = $1",
                    organization.id.0,
                    name.as_str(),
                    new_slug.as_str(),
                )
                .execute(change.write())
                .await
                .map_err(|error| refuse_on(error, "organizations_slug_key", Refusal::SlugTaken))?;
                change.values(
                    Some(json!({ "name": organization.name, "slug": organization.slug })),
                    Some(json!({ "name": name, "slug": new_slug })),
                );
                change.hint(Hint::Organization(organization.id));
                Ok(())
            })
        })
        .await
    }

    /// Deletes an organization that has no other member, no resources and no project but its default one. Only the
    /// Owner may. A person who owns no organization can then delete their account (W1). `confirmation` is its name as
    /// typed.
    ///
    /// # Errors
    /// [`Refusal::Hidden`], [`Refusal::OwnerOnly`], [`Refusal::OrganizationInUse`], [`Refusal::ConfirmationWrong`],
    /// [`Refusal::ConfirmationNeeded`] (J7).
    pub async fn delete_organization(&self, principal: &Principal, slug: &Slug, confirmation: &str) -> Result<()> {
        let actor = principal.user()?;
        self.change(principal, "organization:delete", |change| {
            Box::pin(async move {
                let organization = lock_organization(change, slug).await?;
                change.record.target = Some(organization.slug.to_string());
                let change = &mut change.permit(require_owner(&organization.standing)?);
                let in_use = sqlx::query!(
                    r#"SELECT EXISTS (SELECT FROM members WHERE organization_id = $1 AND user_id <> $2)
                       OR EXISTS (SELECT FROM projects WHERE organization_id = $1 AND NOT is_default)
                       OR EXISTS (SELECT FROM resources WHERE organization_id = $1) AS "in_use!""#,
                    organization.id.0,
                    actor.0,
                )
                .fetch_one(change.read())
                .await?
                .in_use;
                if in_use {
                    return Err(Refusal::OrganizationInUse.into());
                }
                if !organization.name.is_typed_as(confirmation) {
                    return Err(Refusal::ConfirmationWrong.into());
                }
                confirmation::require(change).await?;
                let at = change.at;
                projects::release_slug(change.write(), organization.default_project, at).await?;
                // Mail is deleted first: this waits for a mail that is being written, before its invitation is deleted.
                sqlx::query!("DELETE FROM outbox WHERE organization_id = $1", organization.id.0)
                    .execute(change.write())
                    .await?;
                usage::forget(change.write(), organization.id).await?;
                sqlx::query!("DELETE FROM organizations WHERE id = $1", organization.id.0)
                    .execute(change.write())
                    .await
                    .map_err(|error| refuse_on(error, "resources_project_fkey", Refusal::OrganizationInUse))?;
                change.values(Some(json!({ "name": organization.name })), None);
                memberships::changed(change, organization.id, actor);
                Ok(())
            })
        })
        .await
    }

    /// Returns every organization, by slug, for the operator.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] for any other principal; [`crate::Error::Unavailable`].
    pub async fn organizations(&self, principal: &Principal) -> Result<Vec<OrganizationReport>> {
        principal.require_operator()?;
        let rows = sqlx::query!(
            r#"SELECT o.slug, o.name, u.email AS "email!", o.additional_projects,
                      (SELECT count(*) FROM members m WHERE m.organization_id = o.id) AS "members!",
                      (SELECT count(*) FROM projects p WHERE p.organization_id = o.id) AS "projects!"
               FROM organizations o JOIN users u ON u.id = o.owner_id ORDER BY o.slug"#
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(OrganizationReport {
                    slug: decode(&row.slug, "organizations", "slug")?,
                    name: decode(&row.name, "organizations", "name")?,
                    owner: decode(&row.email, "users", "email")?,
                    members: row.members,
                    projects: row.projects,
                    additional_projects: row.additional_projects,
                })
            })
            .collect()
    }

    /// Switches additional projects on or off for an organization, for the operator (P1). Existing projects stay.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] if there is no such organization, or for any other principal.
    pub async fn set_additional_projects(&self, principal: &Principal, slug: &Slug, on: bool) -> Result<()> {
        self.change(principal, "organization:additional_projects", |change| {
            Box::pin(async move {
                let change = &mut change.permit_operator()?;
                change.record.target = Some(slug.to_string());
                join_queue(change.write(), slug).await?;
                let row = sqlx::query!(
                    "SELECT id, additional_projects FROM organizations WHERE slug = $1 FOR NO KEY UPDATE",
                    slug.as_str()
                )
                .fetch_optional(change.write())
                .await?
                .ok_or(Refusal::Hidden)?;
                let organization = OrganizationId(row.id);
                change.record.organization = Some(organization);
                sqlx::query!(
                    "UPDATE organizations SET additional_projects = $2 WHERE id = $1",
                    organization.0,
                    on
                )
                .execute(change.write())
                .await?;
                change.values(
                    Some(json!({ "additional_projects": row.additional_projects })),
                    Some(json!({ "additional_projects": on })),
                );
                change.hint(Hint::Organization(organization));
                Ok(())
            })
        })
        .await
    }

    /// Returns the organizations that a person is a member or an External Collaborator of, by name; at most `limit`.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`].
    pub async fn organizations_of(&self, principal: &Principal, limit: i64) -> Result<Vec<OrganizationSummary>> {
        let user = principal.user()?;
        let rows = sqlx::query!(
            r#"SELECT o.slug, o.name, o.owner_id, m.role AS "role?"
               FROM (
                   SELECT organization_id FROM members WHERE user_id = $1
                   UNION
                   SELECT organization_id FROM access_collaborators WHERE user_id = $1
               ) mine
               JOIN organizations o ON o.id = mine.organization_id
               LEFT JOIN members m ON m.organization_id = o.id AND m.user_id = $1
               ORDER BY o.name, o.id LIMIT $2"#,
            user.0,
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(OrganizationSummary {
                    slug: decode(&row.slug, "organizations", "slug")?,
                    name: decode(&row.name, "organizations", "name")?,
                    standing: organization_standing(row.role.as_deref(), row.owner_id == user.0)?,
                })
            })
            .collect()
    }
}
