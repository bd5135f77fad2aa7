//! Server functions of projects: the list of an organization, a project's settings, creating and deleting one (RULES
//! P).

use leptos::{prelude::*, server_fn::codec::GetUrl};
use policy::{ProjectId, ProjectRole, Slug, Standing};
use serde::{Deserialize, Serialize};

use super::{
    KeyChoices, NothingElse, Timestamp, list::ListQuery, organizations::OrganizationHead, owned_assets::OwnedAssets,
};
use crate::{
    Problem,
    dialog_url::{DialogQuery, DialogSubject, DialogUrl},
    outcome::Outcome,
};

#[cfg(feature = "ssr")]
use {
    super::{list::PAGE, slug},
    crate::{
        outcome::{Done, FormName},
        paths,
        request_context::{acting, answer, confirm, signed_in},
    },
    directory::{ProjectChange, ProjectCursor, ProjectQuery, ProjectView, Target},
    policy::Permission,
};

/// A project as the person sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProjectHead {
    pub(crate) slug: Slug,
    pub(crate) name: String,
    pub(crate) organization: Slug,
    pub(crate) organization_name: String,
    pub(crate) is_default: bool,
    /// Whether external collaborators may be added.
    pub(crate) allow_externals: bool,
    /// The person's roles in it.
    pub(crate) standing: Standing,
    /// When the person's access ends.
    pub(crate) expires_at: Option<Timestamp>,
}

#[cfg(feature = "ssr")]
impl From<ProjectView> for ProjectHead {
    fn from(view: ProjectView) -> Self {
        Self {
            slug: view.slug,
            name: view.name.to_string(),
            organization: view.organization_slug,
            organization_name: view.organization_name.to_string(),
            is_default: view.is_default,
            allow_externals: view.allow_externals,
            standing: view.standing,
            expires_at: view.expires_at.map(|at| Timestamp(at.unix_timestamp())),
        }
    }
}

/// The settings of a project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SettingsView {
    pub(crate) project: ProjectHead,
    /// The number of External Collaborators.
    pub(crate) externals: i64,
    /// What they created, for those who may remove them because externals are no longer allowed (X1).
    pub(crate) leftover: Option<OwnedAssets>,
    /// What deleting the project needs to know, for those who may delete it.
    pub(crate) deletion: Option<Deletion>,
}

/// What deleting a project ends, and what prevents it (P4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deletion {
    /// The number of API keys that are revoked with it.
    pub(crate) keys: i64,
    /// The number of resources, which have to be deleted first.
    pub(crate) resources: i64,
}

/// The dialog of an organization's list of projects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListDialog {
    /// Creating a project.
    Create,
}

impl DialogUrl for ListDialog {
    fn to_query(self) -> DialogQuery {
        match self {
            Self::Create => DialogQuery::named("create"),
        }
    }

    fn from_query(name: &str, _: DialogSubject) -> Option<Self> {
        (name == "create").then_some(Self::Create)
    }
}

/// The dialog of a project's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SettingsDialog {
    /// Removing all External Collaborators.
    RemoveExternals,
}

impl DialogUrl for SettingsDialog {
    fn to_query(self) -> DialogQuery {
        match self {
            Self::RemoveExternals => DialogQuery::named("remove-externals"),
        }
    }

    fn from_query(name: &str, _: DialogSubject) -> Option<Self> {
        (name == "remove-externals").then_some(Self::RemoveExternals)
    }
}

/// Returns a project's settings.
#[server(endpoint = "project_settings", input = GetUrl)]
pub(crate) async fn project_settings(project: String) -> Result<SettingsView, Problem> {
    let (context, _, principal) = signed_in()?;
    let slug = slug(&project)?;
    let project = ProjectHead::from(context.directory.project(&principal, &slug).await?);
    let deletion = if project.standing.may(Permission::ProjectDelete) && !project.is_default {
        let contents = context.directory.project_contents(&principal, &slug).await?;
        Some(Deletion {
            keys: contents.keys,
            resources: contents.resources,
        })
    } else {
        None
    };
    let externals = context.directory.count_externals(&principal, &slug).await?;
    let is_leftover = externals > 0 && !project.allow_externals;
    let leftover = if is_leftover && project.standing.may(Permission::CollaboratorRemove) {
        Some(context.directory.assets_of_externals(&principal, &slug).await?.into())
    } else {
        None
    };
    Ok(SettingsView {
        project,
        externals,
        leftover,
        deletion,
    })
}

/// Changes a project's name, slug and settings (P2, X1). `allow_externals` is a checkbox: present if it is checked.
#[server(endpoint = "update_project")]
pub(crate) async fn update_project(
    project: String,
    name: String,
    slug: String,
    #[server(default)] allow_externals: String,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let before = super::slug(&project)?;
    let outcome = async {
        // Asks for the permission before the input is checked: only those who may change it are told what is wrong with
        // it.
        directory
            .authorize(
                &actor,
                Permission::ProjectUpdate,
                Target::Project(&before.clone().into()),
            )
            .await?;
        let wanted = ProjectChange {
            name: super::name(&name)?,
            slug: Slug::from_input(&slug)?,
            allow_externals: !allow_externals.is_empty(),
        };
        directory.update_project(&actor, &before, &wanted).await?;
        Ok(Done::Saved {
            slug: wanted.slug.to_string(),
        })
    }
    .await;
    answer(
        FormName::ProjectSettings,
        &[("name", &name), ("slug", &slug), ("allow_externals", &allow_externals)],
        outcome,
        |outcome| match outcome {
            Ok(_) => {
                Slug::from_input(&slug).map_or_else(|_| paths::HOME.to_owned(), |slug| paths::project_settings(&slug))
            }
            Err(_) => paths::project_settings(&before),
        },
    )
}

/// Removes all External Collaborators of a project (X1). `keys` says what to do with the keys they created.
#[server(endpoint = "remove_externals")]
pub(crate) async fn remove_externals(project: String, #[server(flatten)] keys: KeyChoices) -> Result<Outcome, Problem> {
    let (directory, actor) = acting()?;
    let slug = slug(&project)?;
    let outcome = directory
        .remove_externals(&actor, &slug, &keys.0)
        .await
        .map(|count| Done::ExternalsRemoved { count });
    answer(FormName::RemoveExternals, &[], outcome.map_err(Problem::from), |_| {
        paths::project_settings(&slug)
    })
}

/// A row of an organization's list of projects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProjectRow {
    pub(crate) id: ProjectId,
    pub(crate) name: String,
    /// Its slug, if the person has access to it.
    pub(crate) slug: Option<Slug>,
    pub(crate) is_default: bool,
    pub(crate) role: Option<ProjectRole>,
    /// When it was created.
    pub(crate) since: Timestamp,
}

/// A page of an organization's projects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProjectsPage {
    pub(crate) organization: OrganizationHead,
    pub(crate) rows: Vec<ProjectRow>,
    /// The cursor of the next page.
    pub(crate) next: Option<String>,
}

/// Returns a page of an organization's projects (O3, P3).
#[server(endpoint = "projects", input = GetUrl)]
pub(crate) async fn projects(
    organization: String,
    #[server(default)] query: ListQuery,
) -> Result<ProjectsPage, Problem> {
    let (context, _, principal) = signed_in()?;
    let query = ProjectQuery {
        after: if query.after.is_empty() {
            None
        } else {
            Some(ProjectCursor::decode(&query.after)?)
        },
        search: query.q,
        limit: PAGE,
    };
    let list = context
        .directory
        .projects(&principal, &slug(&organization)?, &query)
        .await?;
    Ok(ProjectsPage {
        organization: list.organization.into(),
        rows: list
            .rows
            .into_iter()
            .map(|row| ProjectRow {
                id: row.id,
                name: row.name.to_string(),
                slug: row.slug,
                is_default: row.is_default,
                role: row.standing.map(|standing| standing.role),
                since: Timestamp(row.created_at.unix_timestamp()),
            })
            .collect(),
        next: list.next.map(|cursor| cursor.encode()),
    })
}

/// Creates a project (P1, P2).
#[server(endpoint = "create_project")]
pub(crate) async fn create_project(
    organization: String,
    name: String,
    slug: String,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let organization = super::slug(&organization)?;
    let outcome = async {
        // Asks for the permission before the input is checked: only those who may create are told what is wrong with
        // it.
        directory
            .authorize(&actor, Permission::ProjectCreate, Target::Organization(&organization))
            .await?;
        let title = super::name(&name)?;
        let slug = Slug::from_input(&slug)?;
        directory.create_project(&actor, &organization, &title, &slug).await?;
        Ok(Done::ProjectCreated {
            name: title.to_string(),
            slug: slug.to_string(),
        })
    }
    .await;
    answer(
        FormName::CreateProject,
        &[("name", &name), ("slug", &slug)],
        outcome,
        |outcome| match outcome {
            Ok(_) => Slug::from_input(&slug).map_or_else(|_| paths::HOME.to_owned(), |slug| paths::project(&slug)),
            Err(_) => paths::with_dialog(&paths::projects(&organization), Some(ListDialog::Create)),
        },
    )
}

/// Deletes a project (P4). This can't be undone.
#[server(endpoint = "delete_project")]
pub(crate) async fn delete_project(
    project: String,
    confirmation: String,
    #[server(default)] current_password: String,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let slug = slug(&project)?;
    let organization = directory
        .project(&actor, &slug)
        .await
        .map(|project| project.organization_slug);
    let outcome = async {
        confirm(&directory, &actor, &current_password).await?;
        let name = directory
            .delete_project(&actor, &slug, &confirmation)
            .await?
            .to_string();
        Ok(Done::ProjectDeleted { name })
    }
    .await;
    answer(
        FormName::DeleteProject,
        &[("confirmation", &confirmation)],
        outcome,
        |outcome| match (outcome, organization) {
            (Ok(_), Ok(organization)) => paths::projects(&organization),
            (Ok(_), Err(_)) => paths::HOME.to_owned(),
            (Err(_), _) => paths::project_settings(&slug),
        },
    )
}
