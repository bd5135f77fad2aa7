//! Server functions of an organization's members: the list, and the changes to it (RULES M).

use leptos::{prelude::*, server_fn::codec::GetUrl};
use policy::{MemberChange, OrganizationStanding, Refusal, UserId, check_member_change};
use serde::{Deserialize, Serialize};

use super::{
    KeyChoices, Timestamp,
    list::ListQuery,
    organizations::OrganizationHead,
    owned_assets::{OwnedAssets, OwnedKey},
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
        outcome::{Done, FormName, Receipt},
        paths,
        request_context::{acting, answer, choice, signed_in},
    },
    directory::{Member, MemberQuery, RemovalPreview},
    policy::OrganizationRole,
};

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MemberRow {
    pub(crate) user: UserId,
    pub(crate) name: String,
    pub(crate) email: String,
    /// Whether the address is verified (J1).
    pub(crate) is_proved: bool,
    /// Their role in the organization.
    pub(crate) standing: OrganizationStanding,
    /// The name of who invited them.
    pub(crate) added_by: Option<String>,
    pub(crate) added_at: Timestamp,
}

/// What ends with a person's membership (M6).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ending {
    /// The person.
    pub(crate) user: UserId,
    /// The names of the first projects they lose access to.
    pub(crate) projects: Vec<String>,
    /// The number of further projects.
    pub(crate) more_projects: i64,
    /// The first addresses they invited whose invitations are open.
    pub(crate) invitations: Vec<String>,
    /// The number of further invitations.
    pub(crate) more_invitations: i64,
    /// What they created, which stays.
    pub(crate) made: OwnedAssets,
    /// Those of their keys that have the reach Manage in projects where they are an Admin by their organization role
    /// alone.
    pub(crate) managing: Vec<OwnedKey>,
}

/// A page of the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MembersPage {
    pub(crate) organization: OrganizationHead,
    /// The person who asks.
    pub(crate) viewer: UserId,
    pub(crate) rows: Vec<MemberRow>,
    /// The cursor of the next page.
    pub(crate) next: Option<String>,
    /// The person that the open dialog is about, if they are not among the rows.
    pub(crate) subject: Option<MemberRow>,
    /// What would end for that person.
    pub(crate) ending: Option<Ending>,
    /// Whether the server sends mail.
    pub(crate) sends_mail: bool,
}

impl MembersPage {
    /// Returns the person with this id.
    pub(crate) fn find(&self, user: UserId) -> Option<&MemberRow> {
        self.rows.iter().chain(&self.subject).find(|row| row.user == user)
    }

    /// Returns whether the viewer may make this change to the person. Asks the policy, as the server does before the
    /// change.
    pub(crate) fn check(&self, row: &MemberRow, change: MemberChange) -> Result<(), Refusal> {
        check_member_change(
            &self.organization.standing,
            Some(row.standing),
            row.user == self.viewer,
            change,
        )
        .map(|_permit| ())
    }
}

/// The dialogs of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialog {
    /// Inviting people.
    Invite,
    /// Removing this person, or leaving.
    Remove(UserId),
    /// Lowering the role of this person, who created keys with the reach Manage.
    Lower(UserId),
    /// What can be done about this person, without scripts.
    Actions(UserId),
}

impl DialogUrl for Dialog {
    fn to_query(self) -> DialogQuery {
        match self {
            Self::Invite => DialogQuery::named("invite"),
            Self::Remove(user) => DialogQuery::about_user("remove", user),
            Self::Lower(user) => DialogQuery::about_user("lower", user),
            Self::Actions(user) => DialogQuery::about_user("actions", user),
        }
    }

    fn from_query(name: &str, subject: DialogSubject) -> Option<Self> {
        match name {
            "invite" => Some(Self::Invite),
            "remove" => subject.user.map(Self::Remove),
            "lower" => subject.user.map(Self::Lower),
            "actions" => subject.user.map(Self::Actions),
            _ => None,
        }
    }
}

/// Returns a page of the list. `subject` is the person that a dialog is about, or empty.
#[server(endpoint = "members", input = GetUrl)]
pub(crate) async fn members(
    organization: String,
    #[server(default)] query: ListQuery,
    #[server(default)] subject: String,
) -> Result<MembersPage, Problem> {
    let (context, session, principal) = signed_in()?;
    let slug = slug(&organization)?;
    let directory = &context.directory;
    let query = MemberQuery {
        role: choice(&query.role)?,
        sort: choice(&query.sort)?.unwrap_or_default(),
        order: choice(&query.order)?.unwrap_or_default(),
        after: query.people_after()?,
        search: query.q,
        limit: PAGE,
    };
    let list = directory.members(&principal, &slug, &query).await?;
    let subject: Option<UserId> = subject.parse().ok();
    let mut page = MembersPage {
        organization: list.organization.into(),
        viewer: session.user,
        rows: list.rows.into_iter().map(Into::into).collect(),
        next: list.next.map(|cursor| cursor.encode()),
        subject: None,
        ending: None,
        sends_mail: directory.settings().sends_mail,
    };
    if let Some(user) = subject {
        // The person is no longer a member, or may not be removed: the dialog does not open.
        page.ending = match directory.removal_preview(&principal, &slug, user).await {
            Ok(removal_preview) => {
                let managing = match directory.manage_keys_of_member(&principal, &slug, user).await {
                    Ok(keys) => keys,
                    // The viewer may not lower anybody's role.
                    Err(directory::Error::Refused(_)) => Vec::new(),
                    Err(error) => return Err(error.into()),
                };
                Some(Ending::new(user, removal_preview, managing))
            }
            Err(directory::Error::Refused(_)) => None,
            Err(error) => return Err(error.into()),
        };
        if page.ending.is_some() && page.find(user).is_none() {
            page.subject = Some(directory.member(&principal, &slug, user).await?.into());
        }
    }
    Ok(page)
}

#[cfg(feature = "ssr")]
impl From<Member> for MemberRow {
    fn from(row: Member) -> Self {
        Self {
            user: row.user,
            name: row.name.to_string(),
            email: row.email.to_string(),
            is_proved: row.is_proved,
            standing: row.standing,
            added_by: row.added_by.map(|name| name.to_string()),
            added_at: Timestamp(row.added_at.unix_timestamp()),
        }
    }
}

#[cfg(feature = "ssr")]
impl Ending {
    fn new(user: UserId, removal_preview: RemovalPreview, managing: Vec<directory::MadeKey>) -> Self {
        let more = |count: i64, named: usize| count - i64::try_from(named).unwrap_or(i64::MAX);
        Self {
            user,
            made: OwnedAssets::from(removal_preview.owned_assets),
            managing: managing.into_iter().map(Into::into).collect(),
            more_projects: more(removal_preview.project_count, removal_preview.projects.len()),
            projects: removal_preview.projects.iter().map(ToString::to_string).collect(),
            more_invitations: more(removal_preview.invitation_count, removal_preview.invitations.len()),
            invitations: removal_preview.invitations.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Changes a member's organization role (M6). `keys` says what to do with the keys with the reach Manage that they
/// created, if the role is lowered.
#[server(endpoint = "change_member_role")]
pub(crate) async fn change_member_role(
    organization: String,
    user: UserId,
    role: String,
    #[server(flatten)] keys: KeyChoices,
) -> Result<Outcome, Problem> {
    let (directory, actor) = acting()?;
    let slug = slug(&organization)?;
    let role: OrganizationRole = role.parse().map_err(|_| Refusal::Malformed)?;
    let outcome = directory
        .change_member_role_and_keys(&actor, &slug, user, role, &keys.0)
        .await
        .map(|name| Done::MemberRoleChanged {
            name: name.to_string(),
            role,
        })
        .map_err(Problem::from);
    answer(FormName::ChangeRole, &[], outcome, |outcome| {
        let undecided = outcome.as_ref().err().and_then(|problem| problem.undecided_keys_of());
        paths::with_dialog(&paths::members(&slug), undecided.map(Dialog::Lower))
    })
}

/// Ends a membership (M6), or the person's own (M8). `keys` says what to do with the keys they created.
#[server(endpoint = "remove_member")]
pub(crate) async fn remove_member(
    organization: String,
    user: UserId,
    #[server(flatten)] keys: KeyChoices,
) -> Result<Outcome, Problem> {
    let (directory, actor) = acting()?;
    let slug = slug(&organization)?;
    let outcome = directory
        .remove_member_and_keys(&actor, &slug, user, &keys.0)
        .await
        .map(|removal| {
            if actor.user() == Ok(user) {
                Done::LeftOrganization
            } else {
                Done::MemberRemoved {
                    name: removal.name.to_string(),
                    receipt: Receipt::of_member(removal),
                }
            }
        })
        .map_err(Problem::from);
    answer(FormName::Remove, &[], outcome, |outcome| match outcome {
        Ok(Done::LeftOrganization) => paths::HOME.to_owned(),
        _ => paths::members(&slug),
    })
}
