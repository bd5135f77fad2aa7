//! Projects: their names, slugs and settings.

use policy::{Name, OrganizationId, Permission, ProjectId, Refusal, Slug, Standing, UserId};
use serde_json::json;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{
    Actor, Directory, Error, Hint, Result,
    access::{ProjectSeen, find_project, lock_project, project_standing},
    change::By,
    error::{inconsistent, refuse_on},
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

/// A project, as somebody with access to it sees it.
#[derive(Clone, Debug)]
pub struct ProjectView {
    /// Its permanent id.
    pub id: ProjectId,
    /// Its slug.
    pub slug: Slug,
    /// Its name.
    pub name: Name,
    /// The slug of its organization.
    pub organization_slug: Slug,
    /// The name of its organization.
    pub organization_name: Name,
    /// Whether it is the Default Project (D1).
    pub is_default: bool,
    /// Whether externals may be added (X1).
    pub allow_externals: bool,
    /// What the one who asks is to it.
    pub standing: Standing,
    /// When the access of the one who asks ends (C8).
    pub expires_at: Option<OffsetDateTime>,
}

impl From<ProjectSeen> for ProjectView {
    fn from(seen: ProjectSeen) -> Self {
        Self {
            id: seen.project,
            slug: seen.slug,
            name: seen.name,
            organization_slug: seen.organization_slug,
            organization_name: seen.organization_name,
            is_default: seen.is_default,
            allow_externals: seen.allow_externals,
            standing: seen.standing,
            expires_at: seen.expires_at,
        }
    }
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
    pub async fn project(&self, user: UserId, slug: &Slug) -> Result<ProjectView> {
        let seen = find_project(&self.pool, slug, user).await?;
        seen.standing.require(Permission::ProjectRead)?;
        Ok(seen.into())
    }

    /// The projects a person has access to, by organization and name, the Default Project first; at most `limit`.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn projects_of(&self, user: UserId, limit: i64) -> Result<Vec<ProjectSummary>> {
        let rows = sqlx::query!(
            "SELECT s.slug, p.name, o.slug AS organization_slug, o.name AS organization_name
             FROM (SELECT organization_id, project_id FROM access WHERE user_id = $1) mine
             JOIN projects p ON p.organization_id = mine.organization_id AND p.id = mine.project_id
             JOIN project_slugs s ON s.project_id = p.id AND s.released_at IS NULL
             JOIN organizations o ON o.id = p.organization_id
             ORDER BY o.name, o.id, p.is_default DESC, p.name, p.id LIMIT $2",
            user.0,
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(ProjectSummary {
                    slug: row.slug.parse().map_err(|_| inconsistent("project_slugs", "slug"))?,
                    name: row.name.parse().map_err(|_| inconsistent("projects", "name"))?,
                    organization_slug: row
                        .organization_slug
                        .parse()
                        .map_err(|_| inconsistent("organizations", "slug"))?,
                    organization_name: row
                        .organization_name
                        .parse()
                        .map_err(|_| inconsistent("organizations", "name"))?,
                })
            })
            .collect()
    }

    /// The project a person is at: the one last looked at, if they may still, else their first; none if they have none.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn current_project(&self, user: UserId, last: Option<&str>) -> Result<Option<ProjectView>> {
        if let Some(slug) = last.and_then(|last| last.parse().ok()) {
            match self.project(user, &slug).await {
                Err(Error::Refused(Refusal::Hidden)) => {}
                found => return found.map(Some),
            }
        }
        match self.projects_of(user, 1).await?.first() {
            Some(first) => self.project(user, &first.slug).await.map(Some),
            None => Ok(None),
        }
    }

    /// Whether somebody has access to a project, by its permanent id; for connections that stay open.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn has_access(&self, user: UserId, organization: OrganizationId, project: ProjectId) -> Result<bool> {
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

    /// Asks for a permission before what was typed is looked at, so that a slip in it says nothing to somebody who may not do
    /// this anyway (P3, R2). A refusal is audited like one of the change itself; the change asks again, under its lock.
    ///
    /// # Errors
    /// [`Refusal::Hidden`], [`Refusal::Forbidden`].
    pub async fn authorize(&self, actor: &Actor, slug: &Slug, permission: Permission) -> Result<()> {
        let project = find_project(&self.pool, slug, actor.user).await;
        let (ids, decision) = match project {
            Ok(project) => (
                Some((project.organization, project.project)),
                project.standing.require(permission).map_err(Error::from),
            ),
            Err(error) => (None, Err(error)),
        };
        if decision.is_ok() {
            return Ok(());
        }
        let mut change = self.change(By::User(actor), permission.name()).await?;
        (change.record.organization, change.record.project) = ids.unzip();
        change.finish(decision).await
    }

    /// The permanent ids behind a slug, for somebody with access.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] if there is none, or not for them (P3).
    pub async fn project_ids(&self, user: UserId, slug: &Slug) -> Result<(OrganizationId, ProjectId)> {
        let seen = find_project(&self.pool, slug, user).await?;
        seen.standing.require(Permission::ProjectRead)?;
        Ok((seen.organization, seen.project))
    }

    /// How many External Collaborators a project has now.
    ///
    /// # Errors
    /// [`Refusal::Hidden`], [`Refusal::Forbidden`].
    pub async fn count_externals(&self, user: UserId, slug: &Slug) -> Result<i64> {
        let seen = find_project(&self.pool, slug, user).await?;
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

    /// Changes a project's name, slug and settings (P2, X1). Externals who are there stay when they are disallowed.
    ///
    /// # Errors
    /// [`Refusal::Hidden`], [`Refusal::Forbidden`], [`Refusal::SlugTaken`], [`Refusal::ExternalInDefaultProject`] (D4).
    pub async fn update_project(&self, actor: &Actor, slug: &Slug, wanted: &ProjectChange) -> Result<()> {
        let mut change = self.change(By::User(actor), Permission::ProjectUpdate.name()).await?;
        let outcome = async {
            let project = lock_project(&mut change.tx, slug, actor.user).await?;
            change.record.organization = Some(project.organization);
            change.record.project = Some(project.project);
            project.standing.require(Permission::ProjectUpdate)?;
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
            .execute(&mut *change.tx)
            .await?;
            if wanted.slug != project.slug {
                let at = change.at;
                sqlx::query!(
                    "UPDATE project_slugs SET released_at = $2 WHERE slug = $1",
                    project.slug.as_str(),
                    at
                )
                .execute(&mut *change.tx)
                .await?;
                take_slug(&mut change.tx, project.organization, project.project, &wanted.slug, at).await?;
            }
            change.hint(Hint::Project(project.project));
            Ok(())
        }
        .await;
        change.finish(outcome).await
    }

    /// Removes every External Collaborator of a project (X1). Answers how many there were.
    ///
    /// # Errors
    /// [`Refusal::Hidden`], [`Refusal::Forbidden`].
    pub async fn remove_externals(&self, actor: &Actor, slug: &Slug) -> Result<u64> {
        let mut change = self
            .change(By::User(actor), Permission::CollaboratorRemove.name())
            .await?;
        let outcome = async {
            let project = lock_project(&mut change.tx, slug, actor.user).await?;
            change.record.organization = Some(project.organization);
            change.record.project = Some(project.project);
            project.standing.require(Permission::CollaboratorRemove)?;
            let rows = sqlx::query!(
                "DELETE FROM collaborators
                 WHERE organization_id = $1 AND project_id = $2 AND member_id IS NULL RETURNING user_id",
                project.organization.0,
                project.project.0,
            )
            .fetch_all(&mut *change.tx)
            .await?;
            let users: Vec<_> = rows.iter().map(|row| UserId(row.user_id)).collect();
            change.record.target = Some("external collaborators".to_owned());
            change.values(Some(json!({ "users": users })), None);
            for user in &users {
                change.hint(Hint::User(*user));
            }
            change.hint(Hint::Project(project.project));
            Ok(rows.len() as u64)
        }
        .await;
        change.finish(outcome).await
    }
}

/// Writes a project with its first slug.
///
/// # Errors
/// [`Refusal::SlugTaken`].
pub(crate) async fn insert(
    db: &mut PgConnection,
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

/// Gives a project a slug that is free, was its own before, or was let go long enough ago.
async fn take_slug(
    db: &mut PgConnection,
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

/// A new project's id.
pub(crate) fn new_id() -> ProjectId {
    ProjectId(Uuid::now_v7())
}
