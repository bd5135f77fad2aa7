//! Server functions of an organization: its settings, transferring it, and deleting it.

use leptos::{prelude::*, server_fn::codec::GetUrl};
use policy::{Slug, Standing, UserId};
use serde::{Deserialize, Serialize};

use super::{NothingElse, Timestamp};
use crate::{Problem, outcome::Outcome};

#[cfg(feature = "ssr")]
use {
    super::slug,
    crate::{
        outcome::{Done, FormName},
        paths,
        request_context::{acting, answer, confirm, signed_in},
    },
    directory::{OrganizationView, Target},
    policy::Permission,
};

/// An organization, as a member sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OrganizationHead {
    pub(crate) slug: Slug,
    pub(crate) name: String,
    /// Whether projects other than the default one may be created.
    pub(crate) additional_projects: bool,
    pub(crate) created_at: Timestamp,
    /// The person's roles in it.
    pub(crate) standing: Standing,
}

#[cfg(feature = "ssr")]
impl From<OrganizationView> for OrganizationHead {
    fn from(view: OrganizationView) -> Self {
        Self {
            slug: view.slug,
            name: view.name.to_string(),
            additional_projects: view.additional_projects,
            created_at: Timestamp(view.created_at.unix_timestamp()),
            standing: view.standing,
        }
    }
}

/// The settings of an organization.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OrganizationPage {
    pub(crate) organization: OrganizationHead,
    /// The Owner's name.
    pub(crate) owner: String,
    /// The people that the Owner may transfer it to; empty for everybody else.
    pub(crate) transfer_candidates: Vec<TransferCandidate>,
}

/// A person that ownership may be transferred to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TransferCandidate {
    pub(crate) user: UserId,
    pub(crate) name: String,
    pub(crate) email: String,
}

/// Returns an organization's settings (O3).
#[server(endpoint = "organization", input = GetUrl)]
pub(crate) async fn organization(organization: String) -> Result<OrganizationPage, Problem> {
    let (context, _, principal) = signed_in()?;
    let settings = context
        .directory
        .organization_settings(&principal, &slug(&organization)?)
        .await?;
    Ok(OrganizationPage {
        organization: settings.organization.into(),
        owner: settings.owner.to_string(),
        transfer_candidates: settings
            .transfer_candidates
            .into_iter()
            .map(|(user, name, email)| TransferCandidate {
                user,
                name: name.to_string(),
                email: email.to_string(),
            })
            .collect(),
    })
}

/// Changes an organization's name and slug.
#[server(endpoint = "update_organization")]
pub(crate) async fn update_organization(
    organization: String,
    name: String,
    slug: String,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let before = super::slug(&organization)?;
    let outcome = async {
        // Asks for the permission before the input is checked: only those who may change it are told what is wrong with
        // it.
        directory
            .authorize(&actor, Permission::OrganizationUpdate, Target::Organization(&before))
            .await?;
        let name = super::name(&name)?;
        let slug = Slug::from_input(&slug)?;
        directory.update_organization(&actor, &before, &name, &slug).await?;
        Ok(Done::Saved { slug: slug.to_string() })
    }
    .await;
    answer(
        FormName::OrganizationSettings,
        &[("name", &name), ("slug", &slug)],
        outcome,
        |outcome| match outcome {
            Ok(_) => Slug::from_input(&slug).map_or_else(|_| paths::HOME.to_owned(), |slug| paths::organization(&slug)),
            Err(_) => paths::organization(&before),
        },
    )
}

/// Makes another Admin the Owner (W2).
#[server(endpoint = "transfer_ownership")]
pub(crate) async fn transfer_ownership(
    organization: String,
    #[server(default)] user: String,
    confirmation: String,
    #[server(default)] current_password: String,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let slug = slug(&organization)?;
    let outcome = async {
        confirm(&directory, &actor, &current_password).await?;
        // An invalid id becomes one that nobody has, so that it is refused after the permission was asked for.
        let user = user.parse().unwrap_or(UserId::NOBODY);
        let name = directory
            .transfer_ownership(&actor, &slug, user, &confirmation)
            .await?
            .to_string();
        Ok(Done::Transferred { name })
    }
    .await;
    answer(
        FormName::Transfer,
        &[("user", &user), ("confirmation", &confirmation)],
        outcome,
        |_| paths::organization(&slug),
    )
}

/// Deletes an organization in which nothing is left but its Owner and its Default Project.
#[server(endpoint = "delete_organization")]
pub(crate) async fn delete_organization(
    organization: String,
    confirmation: String,
    #[server(default)] current_password: String,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let slug = slug(&organization)?;
    let outcome = async {
        confirm(&directory, &actor, &current_password).await?;
        directory.delete_organization(&actor, &slug, &confirmation).await?;
        Ok(Done::OrganizationDeleted)
    }
    .await;
    answer(
        FormName::DeleteOrganization,
        &[("confirmation", &confirmation)],
        outcome,
        |outcome| match outcome {
            Ok(_) => paths::HOME.to_owned(),
            Err(_) => paths::organization(&slug),
        },
    )
}
