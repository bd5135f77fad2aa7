//! The targets of requests, as the principal sees them: organizations, projects, people.
//!
//! Owns these types. It must not know how they are found ([`super::lookup`]) nor what may be done to them.

use std::{convert::Infallible, str::FromStr};

use policy::{Name, OrganizationId, PrincipalStanding, ProjectId, Reason, Slug, Standing, UserId};
use time::OffsetDateTime;

/// A project, and what the principal is to it.
pub(crate) struct ProjectSeen {
    pub(crate) organization: OrganizationId,
    pub(crate) organization_slug: Slug,
    pub(crate) organization_name: Name,
    pub(crate) owner: UserId,
    pub(crate) project: ProjectId,
    pub(crate) slug: Slug,
    pub(crate) name: Name,
    pub(crate) is_default: bool,
    pub(crate) allow_externals: bool,
    pub(crate) standing: Standing,
    pub(crate) expires_at: Option<OffsetDateTime>,
}

/// A person, and what they are to a project.
pub(crate) struct PersonSeen {
    pub(crate) user: UserId,
    pub(crate) name: Name,
    pub(crate) standing: Standing,
    /// Every reason for which they have access, the one that counts first; empty if they have none.
    pub(crate) reasons: Vec<Reason>,
    pub(crate) expires_at: Option<OffsetDateTime>,
}

/// An organization, and what the principal is in it.
pub(crate) struct OrganizationSeen {
    pub(crate) id: OrganizationId,
    pub(crate) slug: Slug,
    pub(crate) name: Name,
    pub(crate) owner: UserId,
    pub(crate) default_project: ProjectId,
    pub(crate) additional_projects: bool,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) standing: Standing,
}

/// A project, as a URL names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProjectRef {
    /// By its permanent id. A text that can be an id is taken as one.
    Id(ProjectId),
    /// By its slug.
    Slug(Slug),
    /// By a text that can be neither an id nor a slug, so no project has it.
    Nothing,
}

impl FromStr for ProjectRef {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match (text.parse(), text.parse()) {
            (Ok(id), _) => Self::Id(id),
            (Err(_), Ok(slug)) => Self::Slug(slug),
            (Err(_), Err(_)) => Self::Nothing,
        })
    }
}

impl From<Slug> for ProjectRef {
    fn from(slug: Slug) -> Self {
        Self::Slug(slug)
    }
}

/// A project, as a person with access to it sees it.
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
    /// What the principal is to it.
    pub standing: Standing,
    /// When the principal's access ends (C8).
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

/// A project, and what the principal that works in it may do there.
#[derive(Clone, Debug)]
pub struct ProjectContext {
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// The project. For an API key, its own `standing` field is empty: see `standing` here.
    pub project: ProjectView,
    /// The standing that decides what the principal may do to its resources.
    pub standing: PrincipalStanding,
}

impl ProjectContext {
    /// Returns whether the principal has access at all: attempts of others are not in the project's audit (A4).
    pub(crate) const fn is_visible(&self) -> bool {
        match self.standing {
            PrincipalStanding::Person(standing) => standing.project.is_some(),
            PrincipalStanding::ApiKey(_) => true,
        }
    }
}

impl From<ProjectSeen> for ProjectContext {
    fn from(seen: ProjectSeen) -> Self {
        Self {
            organization: seen.organization,
            standing: PrincipalStanding::Person(seen.standing),
            project: seen.into(),
        }
    }
}

/// An organization, as a member sees it.
#[derive(Clone, Debug)]
pub struct OrganizationView {
    /// Its permanent id.
    pub id: OrganizationId,
    /// Its slug.
    pub slug: Slug,
    /// Its name.
    pub name: Name,
    /// Whether projects besides the default one may be created (P1).
    pub additional_projects: bool,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// What the principal is in it.
    pub standing: Standing,
}

impl From<OrganizationSeen> for OrganizationView {
    fn from(seen: OrganizationSeen) -> Self {
        Self {
            id: seen.id,
            slug: seen.slug,
            name: seen.name,
            additional_projects: seen.additional_projects,
            created_at: seen.created_at,
            standing: seen.standing,
        }
    }
}
