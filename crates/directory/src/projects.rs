//! Projects: their names, slugs and settings.
//!
//! Owns creating, changing and deleting a project, its slugs, and removing its externals. It must not know how a single
//! collaborator is changed.

mod list;

pub use list::{ListedProject, ProjectCursor, ProjectList, ProjectQuery};

use policy::{Name, OrganizationId, Permission, ProjectId, Refusal, Slug, Standing, UserId};
use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::{
    Directory, Hint, Principal, ProjectView, Result,
    authorization::lock::{lock_organization, lock_project},
    authorization::lookup::find_project,
    authorization::record::Record,
    authorization::standing::project_standing,
    authorization::target::ProjectSeen,
    authorization::writer::Writer,
    confirmation,
    connections::PgConnection,
    error::refuse_on,
    made_keys::{self, KeyChoice, Within},
    quotas, resources, usage,
};

/// The time for which a released slug is given to no other project (P2).
const QUARANTINE: Duration = Duration::days(90);

/// A project that a person has access to.
#[derive(Clone, Debug)]
pub struct ProjectSummary {
    /// Its slug.
    pub slug: Slug,
    /// Its name.
    pub name: Name,
    /// The slug of its organization.
    pub organization_slug: Slug,
    /// The name of its organization.
    pub organization_name: Name,
}

/// The contents of a project that matter for deleting it (P4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProjectContents {
    /// How many API keys are valid. They end with the project.
    pub keys: i64,
    /// How many resources exist. They prevent the deletion.
    pub resources: i64,
}

/// The new settings of a project.
#[derive(Clone, Debug)]
pub struct ProjectChange {
    /// Its name.
    pub name: Name,
    /// Its slug.
    pub slug: Slug,
    /// Whether externals may be added (X1).
    pub allow_externals: bool,
}

impl Directory {
    /// Returns a project, for a person with access to it.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] if there is none, or if they have no access (P3).
    pub async fn project(&self, principal: &Principal, slug: &Slug) -> Result<ProjectView> {
        let seen = find_project(&self.pool, slug, principal).await?;
        seen.standing.require(Permission::ProjectRead)?;
        Ok(seen.into())
    }

    /// Creates a project (P1, P2). Organization Admins are its Admins (C4); nobody else has access to it.
    ///
    /// # Errors
    /// [`Refusal::Hidden`], [`Refusal::Forbidden`], [`Refusal::ProjectsSwitchedOff`], [`Refusal::SlugTaken`].
    pub async fn create_project(
        &self,
        principal: &Principal,
        organization: &Slug,
        name: &Name,
        slug: &Slug,
    ) -> Result<()> {
        self.change(principal, Permission::ProjectCreate.name(), |change| {
            Box::pin(async move {
                change.record.target = Some(slug.to_string());
                let organization = lock_organization(change, organization).await?;
                let change = &mut change.permit(organization.standing.require(Permission::ProjectCreate)?);
                if !organization.additional_projects {
                    return Err(Refusal::ProjectsSwitchedOff.into());
                }
                quotas::check_project_quota(change.write(), &self.settings.quotas, organization.id).await?;
                let (id, at) = (ProjectId(change.new_id()), change.at);
                insert(change.write(), organization.id, id, name, slug, false, at).await?;
                change.record.project = Some(id);
                change.values(None, Some(json!({ "name": name, "slug": slug })));
                change.hint(Hint::Organization(organization.id));
                Ok(())
            })
        })
        .await
    }

    /// Deletes a project permanently (P4). All access to it ends, its keys are deleted, its slug is reserved for 90
    /// days (P2), and its recorded usage is moved to the Default Project (D5). `confirmation` is the slug as typed.
    /// Returns the project's name.
    ///
    /// # Errors
    /// [`Refusal::Hidden`], [`Refusal::Forbidden`], [`Refusal::DefaultProjectKept`] (D1),
    /// [`Refusal::ProjectHasResources`], [`Refusal::ConfirmationWrong`].
    pub async fn delete_project(&self, principal: &Principal, slug: &Slug, confirmation: &str) -> Result<Name> {
        self.change(principal, Permission::ProjectDelete.name(), |change| {
            Box::pin(async move {
                change.record.target = Some(slug.to_string());
                let project = lock_project(change, slug).await?;
                let change = &mut change.permit(project.standing.require_on_project(Permission::ProjectDelete)?);
                if project.is_default {
                    return Err(Refusal::DefaultProjectKept.into());
                }
                if resources::any(change.write(), project.organization, project.project).await? {
                    return Err(Refusal::ProjectHasResources.into());
                }
                if Slug::from_input(confirmation).as_ref() != Ok(&project.slug) {
                    return Err(Refusal::ConfirmationWrong.into());
                }
                confirmation::require(change).await?;
                let (at, ends) = (change.at, what_ends(change.write(), &project).await?);
                release_slug(change.write(), project.project, at).await?;
                usage::rebook(change.write(), project.organization, project.project).await?;
                sqlx::query!(
                    "DELETE FROM projects WHERE organization_id = $1 AND id = $2",
                    project.organization.0,
                    project.project.0,
                )
                .execute(change.write())
                .await
                .map_err(|error| refuse_on(error, "resources_project_fkey", Refusal::ProjectHasResources))?;
                change.values(
                Some(json!({
                    "name": project.name, "slug": project.slug, "collaborators": ends.collaborators, "keys": ends.keys
                })),
                None,
            );
                change.hint(Hint::Project(project.project));
                change.hint(Hint::Organization(project.organization));
                Ok(project.name)
            })
        })
        .await
    }

    /// Returns whether a person has access to a project, by its permanent id; for connections that stay open.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`].
    pub async fn has_access(
        &self,
        principal: &Principal,
        organization: OrganizationId,
        project: ProjectId,
    ) -> Result<bool> {
        let user = principal.user()?;
        let row = sqlx::query!(
            r#"SELECT role AS "role!", because AS "because!" FROM access
               WHERE organization_id = $1 AND project_id = $2 AND user_id = $3"#,
            organization.0,
            project.0,
            user.0,
        )
        .fetch_optional(&self.pool)
        .await?;
        let project = row
            .map(|row| project_standing(Some(&row.role), Some(&row.because)))
            .transpose()?
            .flatten();
        Ok(Standing {
            organization: None,
            project,
        }
        .may(Permission::ProjectRead))
    }

    /// Returns the permanent ids that belong to a slug, for a person with access.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] if there is no such project, or if they have no access (P3).
    pub async fn project_ids(&self, principal: &Principal, slug: &Slug) -> Result<(OrganizationId, ProjectId)> {
        let seen = find_project(&self.pool, slug, principal).await?;
        seen.standing.require(Permission::ProjectRead)?;
        Ok((seen.organization, seen.project))
    }

    /// Returns how many External Collaborators a project has now.
    ///
    /// # Errors
    /// [`Refusal::Hidden`], [`Refusal::Forbidden`].
    pub async fn count_externals(&self, principal: &Principal, slug: &Slug) -> Result<i64> {
        let seen = find_project(&self.pool, slug, principal).await?;
        seen.standing.require(Permission::CollaboratorList)?;
        let row = sqlx::query!(
            r#"SELECT count(*) AS "count!" FROM access_collaborators
               WHERE organization_id = $1 AND project_id = $2 AND is_external"#,
            seen.organization.0,
            seen.project.0,
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(row.count)
    }

    /// Returns the contents of a project that matter for deleting it, for a person who may delete it (P4).
    ///
    /// # Errors
    /// [`Refusal::Hidden`], [`Refusal::Forbidden`].
    pub async fn project_contents(&self, principal: &Principal, slug: &Slug) -> Result<ProjectContents> {
        let seen = find_project(&self.pool, slug, principal).await?;
        seen.standing.require_on_project(Permission::ProjectDelete)?;
        let contents = sqlx::query_as!(
            ProjectContents,
            r#"SELECT (SELECT count(*) FROM api_keys
                       WHERE organization_id = $1 AND project_id = $2 AND revoked_at IS NULL
                         AND (expires_at IS NULL OR expires_at > statement_timestamp()) AND NOT is_default) AS "keys!",
                      (SELECT count(*) FROM resources WHERE organization_id = $1 AND project_id = $2) AS "resources!""#,
            seen.organization.0,
            seen.project.0,
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(contents)
    }

    /// Changes a project's name, slug and settings (P2, X1). When externals are disallowed, those who have access keep
    /// it.
    ///
    /// # Errors
    /// [`Refusal::Hidden`], [`Refusal::Forbidden`], [`Refusal::SlugTaken`], [`Refusal::ExternalInDefaultProject`] (D4).
    pub async fn update_project(&self, principal: &Principal, slug: &Slug, wanted: &ProjectChange) -> Result<()> {
        self.change(principal, Permission::ProjectUpdate.name(), |change| {
            Box::pin(async move {
                let project = lock_project(change, slug).await?;
                let change = &mut change.permit(project.standing.require(Permission::ProjectUpdate)?);
                if project.is_default && wanted.allow_externals {
                    return Err(Refusal::ExternalInDefaultProject.into());
                }
                change.values(
                Some(json!({ "name": project.name, "slug": project.slug, "allow_externals": project.allow_externals })),
                Some(json!({ "name": wanted.name, "slug": wanted.slug, "allow_externals": wanted.allow_externals })),
            );
                sqlx::query!(
                    "UPDATE projects SET name = $3, allow_externals = $4 WHERE organization_id = $1 AND id = $2",
                    project.organization.0,
                    project.project.0,
                    wanted.name.as_str(),
                    wanted.allow_externals,
                )
                .execute(change.write())
                .await?;
                if wanted.slug != project.slug {
                    let at = change.at;
                    release_slug(change.write(), project.project, at).await?;
                    take_slug(change.write(), project.organization, project.project, &wanted.slug, at).await?;
                }
                change.hint(Hint::Project(project.project));
                change.hint(Hint::Organization(project.organization));
                Ok(())
            })
        })
        .await
    }

    /// Removes every External Collaborator of a project (X1), and revokes those of their keys that were chosen; the
    /// other keys keep working (C6, K5). Each removal has its own audit row. Returns how many people were removed.
    ///
    /// # Errors
    /// [`Refusal::Hidden`], [`Refusal::Forbidden`].
    pub async fn remove_externals(&self, principal: &Principal, slug: &Slug, keys: &[KeyChoice]) -> Result<u64> {
        self.change(principal, Permission::CollaboratorRemove.name(), |change| {
            Box::pin(async move {
                let project = lock_project(change, slug).await?;
                let change = &mut change.permit(project.standing.require(Permission::CollaboratorRemove)?);
                let rows = sqlx::query!(
                    "DELETE FROM collaborators
                     WHERE organization_id = $1 AND project_id = $2 AND member_id IS NULL RETURNING user_id, role",
                    project.organization.0,
                    project.project.0,
                )
                .fetch_all(change.write())
                .await?;
                change.record.target = Some("external collaborators".to_owned());
                change.values(Some(json!({ "count": rows.len() })), None);
                for row in &rows {
                    let record = Record {
                        organization: Some(project.organization),
                        project: Some(project.project),
                        target_id: Some(row.user_id),
                        before: Some(json!({ "role": row.role })),
                        ..Record::default()
                    };
                    change.add_event(Permission::CollaboratorRemove.name(), record);
                    change.hint(Hint::User(UserId(row.user_id)));
                }
                let users: Vec<_> = rows.iter().map(|row| UserId(row.user_id)).collect();
                let within = Within::Project(project.project);
                made_keys::decide(change, project.organization, within, &users, keys).await?;
                change.hint(Hint::Project(project.project));
                Ok(rows.len() as u64)
            })
        })
        .await
    }
}

/// How many collaborators and API keys a deleted project had, for its audit row: nothing else records the keys once the
/// project is deleted (A1).
struct Ends {
    collaborators: i64,
    keys: i64,
}

async fn what_ends(db: &mut PgConnection, project: &ProjectSeen) -> Result<Ends> {
    Ok(sqlx::query_as!(
        Ends,
        r#"SELECT (SELECT count(*) FROM collaborators WHERE organization_id = $1 AND project_id = $2)
                      AS "collaborators!",
                  (SELECT count(*) FROM api_keys WHERE organization_id = $1 AND project_id = $2) AS "keys!""#,
        project.organization.0,
        project.project.0,
    )
    .fetch_one(db)
    .await?)
}

/// Inserts a project with its first slug.
///
/// # Errors
/// [`Refusal::SlugTaken`].
pub(crate) async fn insert(
    db: &mut Writer,
    organization: OrganizationId,
    id: ProjectId,
    name: &Name,
    slug: &Slug,
    is_default: bool,
    at: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO projects (organization_id, id, name, is_default, created_at) VALUES ($1, $2, $3, $4, $5)",
        organization.0,
        id.0,
        name.as_str(),
        is_default,
        at,
    )
    .execute(&mut *db)
    .await?;
    take_slug(db, organization, id, slug, at).await
}

/// Releases a project's slug: no project has it now, and none gets it for 90 days (P2).
pub(crate) async fn release_slug(db: &mut Writer, project: ProjectId, at: OffsetDateTime) -> Result<()> {
    sqlx::query!(
        "UPDATE project_slugs SET released_at = $2 WHERE project_id = $1 AND released_at IS NULL",
        project.0,
        at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives a project a slug that is free, was its own before, or was released long enough ago.
async fn take_slug(
    db: &mut Writer,
    organization: OrganizationId,
    project: ProjectId,
    slug: &Slug,
    at: OffsetDateTime,
) -> Result<()> {
    let taken = sqlx::query!(
        "INSERT INTO project_slugs AS s (slug, organization_id, project_id) VALUES ($1, $2, $3)
         ON CONFLICT ON CONSTRAINT project_slugs_pkey DO UPDATE
             SET organization_id = $2, project_id = $3, released_at = NULL
             WHERE s.released_at IS NOT NULL AND (s.project_id = $3 OR s.released_at <= $4)",
        slug.as_str(),
        organization.0,
        project.0,
        at - QUARANTINE,
    )
    .execute(db)
    .await
    .map_err(|error| refuse_on(error, "project_slugs_one_current_index", Refusal::SlugTaken))?
    .rows_affected();
    if taken == 1 {
        Ok(())
    } else {
        Err(Refusal::SlugTaken.into())
    }
}
