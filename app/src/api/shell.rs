//! Server functions of the frame around every page of a signed-in person: the person, their organizations and projects.

use leptos::{prelude::*, server_fn::codec::GetUrl};
use policy::{Slug, UserId};
use serde::{Deserialize, Serialize};

use super::projects::ProjectHead;
use crate::Problem;

#[cfg(feature = "ssr")]
use {
    crate::request_context::{remember_project, signed_in},
    directory::{FrameView, ProjectSummary, ProjectView},
};

/// What the frame shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ShellView {
    pub(crate) user: UserId,
    pub(crate) name: String,
    pub(crate) email: String,
    /// Whether the address is verified (J1).
    pub(crate) is_proved: bool,
    /// Whether the server sends mail.
    pub(crate) sends_mail: bool,
    /// The organizations they belong to or have a project in.
    pub(crate) organizations: Vec<OrganizationItem>,
    pub(crate) projects: Vec<ProjectItem>,
    /// The project in the URL, or the last one; none if they have access to none.
    pub(crate) current: Option<ProjectHead>,
}

/// An organization in the selector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OrganizationItem {
    pub(crate) slug: Slug,
    pub(crate) name: String,
    /// Whether the person is no member, but an External Collaborator of one of its projects.
    pub(crate) is_external: bool,
    /// The project that the organization's menu item leads to.
    pub(crate) home: Option<Slug>,
}

/// A project in the selector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProjectItem {
    pub(crate) slug: Slug,
    pub(crate) name: String,
    pub(crate) organization: Slug,
}

/// Returns what the frame shows. `project` and `organization` are the slugs in the page's URL, or empty.
#[server(endpoint = "shell", input = GetUrl)]
pub(crate) async fn shell(
    #[server(default)] project: String,
    #[server(default)] organization: String,
) -> Result<ShellView, Problem> {
    let (context, session, principal) = signed_in()?;
    let directory = &context.directory;
    // The project in the URL, else the one last looked at.
    let wanted = if project.is_empty() {
        context.last_project.as_deref()
    } else {
        Some(project.as_str())
    };
    let organization = organization.parse().ok();
    let FrameView {
        projects,
        organizations,
        current,
    } = directory.frame(&principal, wanted, organization.as_ref()).await?;
    if let Some(current) = &current
        && wanted == Some(current.slug.as_str())
    {
        remember_project(&context, current.slug.as_str());
    }

    Ok(ShellView {
        user: session.user,
        name: session.name.to_string(),
        email: session.email.to_string(),
        is_proved: session.is_proved,
        sends_mail: directory.settings().sends_mail,
        organizations: organizations
            .into_iter()
            .map(|organization| OrganizationItem {
                home: projects
                    .iter()
                    .find(|p| p.organization_slug == organization.slug)
                    .map(|p| p.slug.clone()),
                slug: organization.slug,
                name: organization.name.to_string(),
                is_external: organization.standing.is_none(),
            })
            .collect(),
        projects: projects.into_iter().map(Into::into).collect(),
        current: current.map(Into::into),
    })
}

/// Returns the projects of an organization that the person has access to and whose name contains `search`, for the
/// selector.
#[server(endpoint = "find_projects", input = GetUrl)]
pub(crate) async fn find_projects(
    organization: String,
    #[server(default)] search: String,
) -> Result<Vec<ProjectItem>, Problem> {
    let (context, _, principal) = signed_in()?;
    let organization = super::slug(&organization)?;
    let found = context
        .directory
        .find_projects(&principal, Some(&organization), &search, MOST_FOUND)
        .await?;
    Ok(found.into_iter().map(Into::into).collect())
}

/// The most projects that a search in the selector returns.
#[cfg(feature = "ssr")]
const MOST_FOUND: i64 = 50;

#[cfg(feature = "ssr")]
impl From<ProjectSummary> for ProjectItem {
    fn from(project: ProjectSummary) -> Self {
        Self {
            slug: project.slug,
            name: project.name.to_string(),
            organization: project.organization_slug,
        }
    }
}

#[cfg(feature = "ssr")]
impl From<ProjectView> for ProjectItem {
    fn from(project: ProjectView) -> Self {
        Self {
            slug: project.slug,
            name: project.name.to_string(),
            organization: project.organization_slug,
        }
    }
}
