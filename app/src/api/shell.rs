//! What the frame around every signed-in page shows: the person, their organizations and projects.

use leptos::{prelude::*, server_fn::codec::GetUrl};
use policy::{Slug, UserId};
use serde::{Deserialize, Serialize};

use super::projects::ProjectHead;
use crate::Problem;

#[cfg(feature = "ssr")]
use {
    crate::request_context::{remember_project, signed_in},
    directory::ProjectSummary,
};

/// The frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ShellView {
    /// The person.
    pub(crate) user: UserId,
    /// Their name.
    pub(crate) name: String,
    /// Their address.
    pub(crate) email: String,
    /// Whether they have shown that it is theirs (J1).
    pub(crate) is_proved: bool,
    /// Whether mail is sent.
    pub(crate) sends_mail: bool,
    /// The organizations they have to do with.
    pub(crate) organizations: Vec<OrganizationItem>,
    /// The projects they have access to.
    pub(crate) projects: Vec<ProjectItem>,
    /// The project that is looked at, or was last; none if they have access to none.
    pub(crate) current: Option<ProjectHead>,
}

/// An organization in the selector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OrganizationItem {
    /// Its slug.
    pub(crate) slug: Slug,
    /// Its name.
    pub(crate) name: String,
    /// Whether the person is an External Collaborator of one of its projects, and no member.
    pub(crate) is_external: bool,
    /// The project to go to.
    pub(crate) home: Option<Slug>,
}

/// A project in the selector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProjectItem {
    /// Its slug.
    pub(crate) slug: Slug,
    /// Its name.
    pub(crate) name: String,
    /// The slug of its organization.
    pub(crate) organization: Slug,
}

/// The frame around a page; `project` and `organization` are the slugs in its URL, empty if there are none.
#[server(endpoint = "shell", input = GetUrl)]
pub(crate) async fn shell(
    #[server(default)] project: String,
    #[server(default)] organization: String,
) -> Result<ShellView, Problem> {
    let (context, session) = signed_in()?;
    let principal = context.principal();
    let directory = &context.directory;
    let projects = directory.find_projects(&principal, None, "", MOST).await?;
    let organizations = directory.organizations_of(&principal, MOST).await?;

    // The project in the URL, else the one last looked at, else the first; of the organization in the URL, if there is
    // one.
    let wanted = if project.is_empty() {
        context.last_project.as_deref()
    } else {
        Some(project.as_str())
    };
    let organization = organization.parse().ok();
    let mut current = directory
        .current_project(&principal, wanted, organization.as_ref())
        .await?;
    if current.is_none() && organization.is_some() {
        current = directory.current_project(&principal, wanted, None).await?;
    }
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

/// The projects of an organization that the person has access to and that have `search` in their name, for the
/// selector.
#[server(endpoint = "find_projects", input = GetUrl)]
pub(crate) async fn find_projects(
    organization: String,
    #[server(default)] search: String,
) -> Result<Vec<ProjectItem>, Problem> {
    let (context, _) = signed_in()?;
    let principal = context.principal();
    let organization = super::slug(&organization)?;
    let found = context
        .directory
        .find_projects(&principal, Some(&organization), &search, MOST_FOUND)
        .await?;
    Ok(found.into_iter().map(Into::into).collect())
}

/// Projects and organizations that come with the frame.
#[cfg(feature = "ssr")]
const MOST: i64 = 200;
/// Projects that a search in the selector shows.
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
