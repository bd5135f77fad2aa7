//! What the frame around every page shows: the projects and the organizations of a person, and the current project.
//!
//! Owns the one query that answers all three. It must not write.

use policy::{ProjectId, Slug};

use crate::{
    Directory, OrganizationSummary, Principal, ProjectView, Result, authorization::standing::standing_in_both,
    error::decode,
};

/// How many projects, and how many organizations, come with the frame.
const MOST: usize = 200;
/// The same, for the database.
const MOST_ROWS: i64 = 200;

/// What the frame shows.
#[derive(Clone, Debug)]
pub struct FrameView {
    /// The projects that the person has access to, by organization and name, the Default Project first; at most 200.
    pub projects: Vec<ProjectView>,
    /// The organizations that the person is a member or an External Collaborator of, by name; at most 200.
    pub organizations: Vec<OrganizationSummary>,
    /// The project in the page's address, else the one that was opened last, else the first one; all of them of the
    /// organization in the address, if there is one and the person has a project in it. None without any access.
    pub current: Option<ProjectView>,
}

impl Directory {
    /// Returns what the frame shows to a person. `wanted` is the slug of the project in the address, or of the one that
    /// was opened last.
    ///
    /// # Errors
    /// [`Refusal::SignedOut`](policy::Refusal::SignedOut) if the principal isn't a person.
    pub async fn frame(
        &self,
        principal: &Principal,
        wanted: Option<&str>,
        organization: Option<&Slug>,
    ) -> Result<FrameView> {
        let (projects, mut organizations) = self.projects_and_organizations(principal).await?;
        let is_here = |project: &&ProjectView| organization.is_none_or(|wanted| *wanted == project.organization_slug);
        let find = |is_here: &dyn Fn(&&ProjectView) -> bool| {
            let mut here = projects.iter().filter(is_here);
            let mut same = here.clone().filter(|project| wanted == Some(project.slug.as_str()));
            same.next().or_else(|| here.next()).cloned()
        };
        let mut current = find(&is_here).or_else(|| find(&|_| true));
        // What was cut off may have the current project, and more organizations.
        if projects.len() == MOST {
            current = self.current_project(principal, wanted, organization).await?.or(current);
            organizations = self.organizations_of(principal, MOST_ROWS).await?;
        }
        Ok(FrameView {
            projects,
            organizations,
            current,
        })
    }

    /// The first projects of a person, and the organizations they are in. Whoever belongs to an organization has a
    /// project in it (D2, X2).
    async fn projects_and_organizations(
        &self,
        principal: &Principal,
    ) -> Result<(Vec<ProjectView>, Vec<OrganizationSummary>)> {
        let user = principal.user()?;
        // OFFSET 0 keeps the order of the joins, as in `find_projects`.
        let rows = sqlx::query!(
            r#"SELECT p.id, s.slug, p.name, p.is_default, p.allow_externals, o.slug AS organization_slug,
                      o.name AS organization_name, o.owner_id, m.role AS "member_role?",
                      p.role AS "role?", p.because AS "because?", p.expires_at AS "expires_at?"
             FROM (
                 SELECT p.organization_id, p.id, p.name, p.is_default, p.allow_externals,
                        mine.role, mine.because, mine.expires_at
                 FROM (SELECT project_id, role, because, expires_at FROM access WHERE user_id = $1 OFFSET 0) mine
                 JOIN projects p ON p.id = mine.project_id
                 OFFSET 0
             ) p
             JOIN organizations o ON o.id = p.organization_id
             JOIN project_slugs s ON s.project_id = p.id AND s.released_at IS NULL
             LEFT JOIN members m ON m.organization_id = o.id AND m.user_id = $1
             ORDER BY o.name, o.id, p.is_default DESC, p.name, p.id LIMIT $2"#,
            user.0,
            MOST_ROWS,
        )
        .fetch_all(&self.pool)
        .await?;
        let mut organizations = Vec::<OrganizationSummary>::new();
        let mut projects = Vec::with_capacity(rows.len());
        for row in rows {
            let project = ProjectView {
                id: ProjectId(row.id),
                slug: decode(&row.slug, "project_slugs", "slug")?,
                name: decode(&row.name, "projects", "name")?,
                organization_slug: decode(&row.organization_slug, "organizations", "slug")?,
                organization_name: decode(&row.organization_name, "organizations", "name")?,
                is_default: row.is_default,
                allow_externals: row.allow_externals,
                standing: standing_in_both(
                    (row.member_role.as_deref(), row.owner_id == user.0),
                    (row.role.as_deref(), row.because.as_deref()),
                )?,
                expires_at: row.expires_at,
            };
            // Rows are in the order of their organizations.
            if organizations
                .last()
                .is_none_or(|last| last.slug != project.organization_slug)
            {
                organizations.push(OrganizationSummary {
                    slug: project.organization_slug.clone(),
                    name: project.organization_name.clone(),
                    standing: project.standing.organization,
                });
            }
            projects.push(project);
        }
        Ok((projects, organizations))
    }
}
