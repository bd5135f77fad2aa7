//! The lists of a person's projects and of an organization's projects, in pages.
//!
//! Owns the lists' queries and the cursor. It must not write.

use policy::{Name, Permission, ProjectId, ProjectStanding, Refusal, Slug};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    Directory, Error, OrganizationView, Principal, Result,
    authorization::lookup::find_organization,
    authorization::standing::project_standing,
    error::decode,
    paging,
    people::{check_search, pattern},
};

use super::{ProjectSummary, ProjectView};

/// A project in its organization's list. Every member sees its name (P3).
#[derive(Clone, Debug)]
pub struct ListedProject {
    /// Its permanent id.
    pub id: ProjectId,
    /// Its name.
    pub name: Name,
    /// Its slug, if the principal has access.
    pub slug: Option<Slug>,
    /// Whether it is the Default Project (D1).
    pub is_default: bool,
    /// What the principal is to it; `None` without access.
    pub standing: Option<ProjectStanding>,
    /// When it was created.
    pub created_at: OffsetDateTime,
}

/// The search and page of a list of an organization's projects, which is ordered by name.
#[derive(Clone, Debug, Default)]
pub struct ProjectQuery {
    /// A part of a name; empty for all.
    pub search: String,
    /// The cursor after which the page begins; `None` for the first page.
    pub after: Option<ProjectCursor>,
    /// The largest number of rows.
    pub limit: u16,
}

/// The cursor of a list of projects: the page begins after this project. Opaque to clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectCursor {
    name: String,
    id: ProjectId,
}

impl ProjectCursor {
    /// Parses what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`Refusal::CursorInvalid`].
    pub fn decode(text: &str) -> std::result::Result<Self, Refusal> {
        let cursor: Self = paging::decode(text)?;
        if cursor.name.contains('\0') {
            return Err(Refusal::CursorInvalid);
        }
        Ok(cursor)
    }

    /// Encodes the cursor for a URL.
    #[must_use]
    pub fn encode(&self) -> String {
        paging::encode(self)
    }
}

/// A page of an organization's projects.
#[derive(Clone, Debug)]
pub struct ProjectList {
    /// The organization, as the principal sees it.
    pub organization: OrganizationView,
    /// The projects.
    pub rows: Vec<ListedProject>,
    /// The cursor of the next page; `None` on the last.
    pub next: Option<ProjectCursor>,
}

impl Directory {
    /// Returns the projects that a person has access to, by organization and name, the Default Project first; at most
    /// `limit`. With an organization, returns only its projects; with a `search` that isn't empty, only those whose
    /// name contains it.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] for an invalid search text.
    pub async fn find_projects(
        &self,
        principal: &Principal,
        organization: Option<&Slug>,
        search: &str,
        limit: i64,
    ) -> Result<Vec<ProjectSummary>> {
        let user = principal.user()?;
        check_search(search)?;
        // OFFSET 0 keeps the order of the joins: with organizations first, all projects of one are read once for each
        // of them.
        let rows = sqlx::query!(
            "SELECT s.slug, p.name, o.slug AS organization_slug, o.name AS organization_name
             FROM (
                 SELECT p.organization_id, p.id, p.name, p.is_default
                 FROM (SELECT project_id FROM access WHERE user_id = $1 OFFSET 0) mine
                 JOIN projects p ON p.id = mine.project_id
                 WHERE lower(p.name) LIKE $4
                 OFFSET 0
             ) p
             JOIN organizations o ON o.id = p.organization_id
             JOIN project_slugs s ON s.project_id = p.id AND s.released_at IS NULL
             WHERE $3::text IS NULL OR o.slug = $3
             ORDER BY o.name, o.id, p.is_default DESC, p.name, p.id LIMIT $2",
            user.0,
            limit,
            organization.map(Slug::as_str),
            pattern(search),
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(ProjectSummary {
                    slug: decode(&row.slug, "project_slugs", "slug")?,
                    name: decode(&row.name, "projects", "name")?,
                    organization_slug: decode(&row.organization_slug, "organizations", "slug")?,
                    organization_name: decode(&row.organization_name, "organizations", "name")?,
                })
            })
            .collect()
    }

    /// Returns a person's current project: the one they opened last, if they still have access, else their first;
    /// `None` if they have none. With an organization, considers only its projects.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn current_project(
        &self,
        principal: &Principal,
        last: Option<&str>,
        organization: Option<&Slug>,
    ) -> Result<Option<ProjectView>> {
        if let Some(slug) = last.and_then(|last| last.parse().ok()) {
            match self.project(principal, &slug).await {
                Err(Error::Refused(Refusal::Hidden)) => {}
                Ok(found) if organization.is_some_and(|wanted| *wanted != found.organization_slug) => {}
                found => return found.map(Some),
            }
        }
        match self.find_projects(principal, organization, "", 1).await?.first() {
            Some(first) => self.project(principal, &first.slug).await.map(Some),
            None => Ok(None),
        }
    }

    /// Returns a page of an organization's projects, by name, for every member of it (O3). Slugs are included only for
    /// projects that the principal has access to (P3).
    ///
    /// # Errors
    /// [`Refusal::Hidden`]; [`Refusal::Malformed`] for an invalid search text.
    pub async fn projects(&self, principal: &Principal, slug: &Slug, query: &ProjectQuery) -> Result<ProjectList> {
        let user = principal.user()?;
        let organization = find_organization(&self.pool, slug, principal).await?;
        organization.standing.require(Permission::ProjectList)?;
        check_search(&query.search)?;
        let limit = usize::from(query.limit.max(1));
        let (after_name, after_id) = query
            .after
            .as_ref()
            .map(|after| (after.name.as_str(), after.id.0))
            .unzip();
        let rows = sqlx::query!(
            r#"SELECT p.id, p.name, p.is_default, p.created_at, s.slug,
                      a.role AS "role?", a.because AS "because?"
               FROM projects p
               JOIN project_slugs s ON s.project_id = p.id AND s.released_at IS NULL
               LEFT JOIN LATERAL (
                   SELECT a.role, a.because FROM access a
                   WHERE a.organization_id = p.organization_id AND a.project_id = p.id AND a.user_id = $2
                   OFFSET 0
               ) a ON true
               WHERE p.organization_id = $1 AND lower(p.name) LIKE $3
                 AND ($4::text IS NULL OR (p.name, p.id) > ($4, $5::uuid))
               ORDER BY p.name, p.id LIMIT $6"#,
            organization.id.0,
            user.0,
            pattern(&query.search),
            after_name,
            after_id,
            i64::try_from(limit + 1).unwrap_or(i64::MAX),
        )
        .fetch_all(&self.pool)
        .await?;
        let (rows, has_more) = paging::cut(rows, limit);
        let rows: Vec<_> = rows
            .into_iter()
            .map(|row| {
                let access = project_standing(row.role.as_deref(), row.because.as_deref())?;
                let slug = decode(&row.slug, "project_slugs", "slug")?;
                Ok(ListedProject {
                    id: ProjectId(row.id),
                    name: decode(&row.name, "projects", "name")?,
                    slug: access.is_some().then_some(slug),
                    is_default: row.is_default,
                    standing: access,
                    created_at: row.created_at,
                })
            })
            .collect::<Result<_>>()?;
        let next = rows.last().filter(|_| has_more).map(|last| ProjectCursor {
            name: last.name.to_string(),
            id: last.id,
        });
        Ok(ProjectList {
            organization: organization.into(),
            rows,
            next,
        })
    }
}
