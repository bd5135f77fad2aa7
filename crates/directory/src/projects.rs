//! Projects: their names, slugs and settings.

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

/// A slug let go is given to nobody else for this long (P2).
const QUARANTINE: Duration = Duration::days(90);

/// A project somebody has access to.
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

/// What is in a project and bears on deleting it (P4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProjectContents {
    /// How many API keys work now: they end with it.
    pub keys: i64,
    /// How many resources there are: they stand in the way.
    pub resources: i64,
}

/// What a project's settings are to be.
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
    /// A project, for somebody with access to it.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] if there is none, or not for them (P3).
    pub async fn project(&self, principal: &Principal, slug: &Slug) -> Result<ProjectView> {
        let seen = find_project(&self.pool, slug, principal).await?;
        seen.standing.require(Permission::ProjectRead)?;
        Ok(seen.into())
    }

    /// Creates a project (P1, P2). Organization Admins are its Admins by that (C4); nobody else is in it.
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
                quotas::one_more_project(change.write(), &self.settings.quotas, organization.id).await?;
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

    /// Deletes a project for good (P4); everybody's access to it ends, its keys die, its slug rests for 90 days (P2),
    /// and what was used in it is on the Default Project's books from then on (D5). `confirmation` is the slug as
    /// typed.
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

    /// Whether somebody has access to a project, by its permanent id; for connections that stay open.
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

    /// The permanent ids behind a slug, for somebody with access.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] if there is none, or not for them (P3).
    pub async fn project_ids(&self, principal: &Principal, slug: &Slug) -> Result<(OrganizationId, ProjectId)> {
        let seen = find_project(&self.pool, slug, principal).await?;
        seen.standing.require(Permission::ProjectRead)?;
        Ok((seen.organization, seen.project))
    }

    /// How many External Collaborators a project has now.
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

    /// What is in a project and bears on deleting it, for those who may (P4).
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

    /// Changes a project's name, slug and settings (P2, X1). Externals who are there stay when they are disallowed.
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

    /// Removes every External Collaborator of a project (X1), and revokes those of the keys they made that were chosen:
    /// the others go on working (C6, K5). Each has a row of their own in the audit. Answers how many there were.
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

/// What ends with a project, in numbers: whose access, and which keys are told nowhere else once it is gone (A1).
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

/// Writes a project with its first slug.
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

/// Takes a project's slug from it: nobody has it now, and nobody gets it for 90 days (P2).
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

/// Gives a project a slug that is free, was its own before, or was let go long enough ago.
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
