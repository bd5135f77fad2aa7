//! Server functions of a project's collaborators: the list, and the changes to it (RULES C).

use leptos::{prelude::*, server_fn::codec::GetUrl};
use policy::{CollaboratorChange, Refusal, Standing, Target, UserId, check_collaborator_change};
use serde::{Deserialize, Serialize};

use super::{
    KeyChoices, NothingElse, Timestamp,
    list::ListQuery,
    owned_assets::{OwnedAssets, OwnedKey},
    projects::ProjectHead,
};
use crate::{
    Problem,
    dialog_url::{DialogQuery, DialogSubject, DialogUrl},
    outcome::Outcome,
};

#[cfg(feature = "ssr")]
use {
    super::end_of_day,
    super::slug,
    crate::{
        outcome::{Done, FormName, Receipt},
        paths,
        request_context::{acting, answer, choice, signed_in},
    },
    directory::{Collaborator, CollaboratorQuery},
    policy::{Permission, ProjectRole, Slug},
};

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) user: UserId,
    pub(crate) name: String,
    pub(crate) email: String,
    /// Whether the address is verified (J1).
    pub(crate) is_proved: bool,
    /// Their roles in the organization and the project.
    pub(crate) standing: Standing,
    /// The name of who gave them access.
    pub(crate) added_by: Option<String>,
    pub(crate) added_at: Timestamp,
    /// The end of their access.
    pub(crate) expires_at: Option<Timestamp>,
}

/// A page of the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct People {
    pub(crate) project: ProjectHead,
    /// The person who asks.
    pub(crate) viewer: UserId,
    pub(crate) rows: Vec<Person>,
    /// The cursor of the next page.
    pub(crate) next: Option<String>,
    /// The person that an open dialog is about, if they are not among the rows.
    pub(crate) subject: Option<Person>,
    /// What the person that an open dialog is about created in this project.
    pub(crate) made: Option<(UserId, OwnedAssets)>,
    /// Those of their keys that have the reach Manage, if the viewer may lower their role.
    pub(crate) managing: Vec<OwnedKey>,
}

impl People {
    /// Returns the person with this id.
    pub(crate) fn find(&self, user: UserId) -> Option<&Person> {
        self.rows.iter().chain(&self.subject).find(|person| person.user == user)
    }

    /// Returns whether the viewer may make this change to the person. Asks the policy, as the server does before the
    /// change.
    pub(crate) fn check(&self, person: &Person, change: CollaboratorChange) -> Result<(), Refusal> {
        let target = Target {
            standing: person.standing,
            in_default_project: self.project.is_default,
            is_self: person.user == self.viewer,
        };
        check_collaborator_change(&self.project.standing, &target, change).map(|_permit| ())
    }
}

/// The dialogs of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialog {
    /// Adding a person.
    Add,
    /// Removing this person, or leaving.
    Remove(UserId),
    /// Lowering the role of this person, who created keys with the reach Manage.
    Lower(UserId),
    /// Setting the end date of this person's access.
    EndDate(UserId),
    /// What can be done about this person, without scripts.
    Actions(UserId),
}

impl DialogUrl for Dialog {
    fn to_query(self) -> DialogQuery {
        match self {
            Self::Add => DialogQuery::named("add"),
            Self::Remove(user) => DialogQuery::about_user("remove", user),
            Self::Lower(user) => DialogQuery::about_user("lower", user),
            Self::EndDate(user) => DialogQuery::about_user("end-date", user),
            Self::Actions(user) => DialogQuery::about_user("actions", user),
        }
    }

    fn from_query(name: &str, subject: DialogSubject) -> Option<Self> {
        match name {
            "add" => Some(Self::Add),
            "remove" => subject.user.map(Self::Remove),
            "lower" => subject.user.map(Self::Lower),
            "end-date" => subject.user.map(Self::EndDate),
            "actions" => subject.user.map(Self::Actions),
            _ => None,
        }
    }
}

/// Returns a page of the list. `subject` is the person that an open dialog is about, or empty.
#[server(endpoint = "collaborators", input = GetUrl)]
pub(crate) async fn collaborators(
    project: String,
    #[server(default)] query: ListQuery,
    #[server(default)] subject: String,
) -> Result<People, Problem> {
    let (context, session, principal) = signed_in()?;
    let slug = slug(&project)?;
    let query = CollaboratorQuery {
        role: choice(&query.role)?,
        kind: choice(&query.kind)?,
        sort: choice(&query.sort)?.unwrap_or_default(),
        order: choice(&query.order)?.unwrap_or_default(),
        after: query.people_after()?,
        search: query.q,
        limit: super::list::PAGE,
    };
    let list = context.directory.collaborators(&principal, &slug, &query).await?;
    let subject: Option<UserId> = subject.parse().ok();
    let made = match subject {
        Some(user) => Some((
            user,
            context.directory.owned_assets(&principal, &slug, user).await?.into(),
        )),
        None => None,
    };
    let managing = match subject {
        Some(user) => match context
            .directory
            .manage_keys_of_collaborator(&principal, &slug, user)
            .await
        {
            Ok(keys) => keys.into_iter().map(Into::into).collect(),
            // The viewer may not lower anybody's role.
            Err(directory::Error::Refused(_)) => Vec::new(),
            Err(error) => return Err(error.into()),
        },
        None => Vec::new(),
    };
    let subject = match subject.filter(|id| list.rows.iter().all(|row| row.user != *id)) {
        Some(user) => match context.directory.collaborator(&principal, &slug, user).await {
            Ok(found) => Some(found.into()),
            // The person no longer has access: the dialog does not open.
            Err(directory::Error::Refused(_)) => None,
            Err(error) => return Err(error.into()),
        },
        None => None,
    };
    Ok(People {
        project: list.project.into(),
        viewer: session.user,
        rows: list.rows.into_iter().map(Into::into).collect(),
        next: list.next.map(|cursor| cursor.encode()),
        subject,
        made,
        managing,
    })
}

#[cfg(feature = "ssr")]
impl From<Collaborator> for Person {
    fn from(row: Collaborator) -> Self {
        Self {
            user: row.user,
            name: row.name.to_string(),
            email: row.email.to_string(),
            is_proved: row.is_proved,
            standing: row.standing,
            added_by: row.added_by.map(|name| name.to_string()),
            added_at: Timestamp(row.added_at.unix_timestamp()),
            expires_at: row.expires_at.map(|at| Timestamp(at.unix_timestamp())),
        }
    }
}

/// Returns the path of the list, with a dialog open or with none.
#[cfg(feature = "ssr")]
fn list(slug: &Slug, dialog: Option<Dialog>) -> String {
    paths::with_dialog(&paths::collaborators(slug), dialog)
}

/// Adds the person with this address as a Member, at once (C2).
#[server(endpoint = "add_collaborator")]
pub(crate) async fn add_collaborator(
    project: String,
    email: String,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let slug = slug(&project)?;
    let outcome = directory
        .add_collaborator(&actor, &slug, &email)
        .await
        .map_err(Problem::from);
    let outcome = outcome.map(|added| Done::Added {
        name: added.name.to_string(),
    });
    answer(FormName::AddCollaborator, &[("email", &email)], outcome, |outcome| {
        list(&slug, outcome.is_err().then_some(Dialog::Add))
    })
}

/// Changes a collaborator's role (C5). `keys` says what to do with the keys with the reach Manage that they created, if
/// the role is lowered.
#[server(endpoint = "change_collaborator_role")]
pub(crate) async fn change_collaborator_role(
    project: String,
    user: UserId,
    role: String,
    #[server(flatten)] keys: KeyChoices,
) -> Result<Outcome, Problem> {
    let (directory, actor) = acting()?;
    let slug = slug(&project)?;
    let role: ProjectRole = role.parse().map_err(|_| Refusal::Malformed)?;
    let outcome = directory
        .change_collaborator_role_and_keys(&actor, &slug, user, role, &keys.0)
        .await
        .map_err(Problem::from);
    let outcome = outcome.map(|name| Done::RoleChanged {
        name: name.to_string(),
        role,
    });
    answer(FormName::ChangeRole, &[], outcome, |outcome| {
        let undecided = outcome.as_ref().err().and_then(|problem| problem.undecided_keys_of());
        list(&slug, undecided.map(Dialog::Lower))
    })
}

/// Ends a collaborator's access (C6), or the person's own (C7). `keys` says what to do with the keys they created.
#[server(endpoint = "remove_collaborator")]
pub(crate) async fn remove_collaborator(
    project: String,
    user: UserId,
    #[server(flatten)] keys: KeyChoices,
) -> Result<Outcome, Problem> {
    let (directory, actor) = acting()?;
    let slug = slug(&project)?;
    let outcome = async {
        let removal = directory.remove_collaborator(&actor, &slug, user, &keys.0).await?;
        Ok(if actor.user() == Ok(user) {
            Done::Left
        } else {
            Done::Removed {
                name: removal.name.to_string(),
                receipt: Receipt::of_collaborator(removal),
            }
        })
    }
    .await;
    answer(FormName::Remove, &[], outcome, |outcome| match outcome {
        Ok(Done::Left) => paths::HOME.to_owned(),
        _ => list(&slug, None),
    })
}

/// Sets the last day of a collaborator's access, `YYYY-MM-DD` in UTC; an empty text removes the end (C8).
#[server(endpoint = "set_collaborator_end_date")]
pub(crate) async fn set_collaborator_end_date(
    project: String,
    user: UserId,
    expires_on: String,
    #[server(flatten)] rest: NothingElse,
) -> Result<Outcome, Problem> {
    let NothingElse {} = rest;
    let (directory, actor) = acting()?;
    let slug = slug(&project)?;
    let outcome = async {
        // Asks for the permission before the input is checked: only those who may change it are told what is wrong with
        // it.
        directory
            .authorize(
                &actor,
                Permission::CollaboratorUpdateRole,
                directory::Target::Project(&slug.clone().into()),
            )
            .await?;
        let expires_at = end_of_day(expires_on.trim())?;
        let name = directory
            .set_collaborator_end_date(&actor, &slug, user, expires_at)
            .await?
            .to_string();
        Ok(if expires_at.is_some() {
            Done::EndDateSet { name }
        } else {
            Done::EndDateCleared { name }
        })
    }
    .await;
    answer(FormName::EndDate, &[("expires_on", &expires_on)], outcome, |outcome| {
        list(&slug, outcome.is_err().then_some(Dialog::EndDate(user)))
    })
}
