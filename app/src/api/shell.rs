//! What the frame around every signed-in page shows: the person, their organizations and projects.

use leptos::{prelude::*, server_fn::codec::GetUrl};
use policy::{Slug, UserId};
use serde::{Deserialize, Serialize};

use super::projects::ProjectHead;
use crate::Problem;

#[cfg(feature = "ssr")]
use crate::gate::{remember_project, signed_in};

/// The frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ShellView {
    /// The person.
    pub(crate) user: UserId,
    /// Their name.
    pub(crate) name: String,
    /// Their address.
    pub(crate) email: String,
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

/// The frame around a page; `project` is the slug in its URL, empty if there is none.
#[server(endpoint = "shell", input = GetUrl)]
pub(crate) async fn shell(#[server(default)] project: String) -> Result<ShellView, Problem> {
    const MOST: i64 = 200;
    let (visit, session) = signed_in()?;
    let directory = &visit.directory;
    let projects = directory.projects_of(session.user, MOST).await?;
    let organizations = directory.organizations_of(session.user, MOST).await?;

    // The project in the URL, else the one last looked at, else the first.
    let wanted = if project.is_empty() {
        visit.last_project.as_deref()
    } else {
        Some(project.as_str())
    };
    let current = directory.current_project(session.user, wanted).await?;
    if let Some(current) = &current
        && wanted == Some(current.slug.as_str())
    {
        remember_project(&visit, current.slug.as_str());
    }

    Ok(ShellView {
        user: session.user,
        name: session.name.to_string(),
        email: session.email.to_string(),
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
        projects: projects
            .into_iter()
            .map(|project| ProjectItem {
                slug: project.slug,
                name: project.name.to_string(),
                organization: project.organization_slug,
            })
            .collect(),
        current: current.map(Into::into),
    })
}
