//! The dialogs of the collaborators screen: adding somebody, removing somebody or leaving, lowering a role, and the end
//! date of an access.

use leptos::prelude::*;
use policy::{Because, CollaboratorChange, Field as About, Permission, ProjectRole, ProjectStanding};

use super::{
    actions::Actions,
    table::{PersonActions, may_offer},
};
use crate::{
    api::collaborators::{Dialog, People, Person},
    components::{
        Dialog as DialogBox, DialogActions, Field, Icon, ListAddress, PostForm, RowActionsDialog, Sign, form_error,
        form_problem, input_day, last_day,
    },
    flash::Flashed,
    load::Loaded,
    outcome::FormName,
    screens::owned_assets::{ManageKeys, OwnedAssetsHere},
};

/// The dialog that the URL names, if the person may use it.
#[component]
pub(super) fn Dialogs(people: Loaded<People>) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    // Created once when the dialog opens, so that what is typed in it stays when the list behind it changes.
    let open = Memo::new(move |_| {
        address.dialog().filter(|dialog| {
            people.with(|people| match *dialog {
                Dialog::Add => people.project.standing.may(Permission::CollaboratorAdd),
                // Opens once the server has sent what the removal leaves behind.
                Dialog::Remove(user) => {
                    people.made.as_ref().is_some_and(|(whose, _)| *whose == user)
                        && is_usable(people, user, CollaboratorChange::Remove)
                }
                // Likewise.
                Dialog::Lower(user) => {
                    people.made.as_ref().is_some_and(|(whose, _)| *whose == user)
                        && is_usable(people, user, CollaboratorChange::Role)
                }
                Dialog::EndDate(user) => is_usable(people, user, CollaboratorChange::EndDate),
                Dialog::Actions(user) => people.find(user).is_some_and(|person| may_offer(people, person)),
            })
        })
    });
    move || {
        let dialog = open.get()?;
        let close = untrack(|| address.closed().get());
        let loaded = people;
        let people = loaded.peek(|people| Some(people.clone()))?;
        let find = |user| people.find(user).cloned();
        Some(match dialog {
            Dialog::Add => view! { <AddDialog people close/> }.into_any(),
            Dialog::Remove(user) => view! { <RemoveDialog person=find(user)? people close/> }.into_any(),
            Dialog::Lower(user) => view! { <LowerDialog person=find(user)? people close/> }.into_any(),
            Dialog::EndDate(user) => view! { <EndDateDialog person=find(user)? people close/> }.into_any(),
            Dialog::Actions(user) => view! {
                <RowActionsDialog name=find(user)?.name close>
                    <PersonActions people=loaded user=Signal::stored(Some(user))/>
                </RowActionsDialog>
            }
            .into_any(),
        })
    }
}

fn is_usable(people: &People, user: policy::UserId, change: CollaboratorChange) -> bool {
    people
        .find(user)
        .is_some_and(|person| people.check(person, change).is_ok())
}

/// Adds somebody by their address, at once, as a Member (C2).
#[component]
fn AddDialog(people: People, close: String) -> impl IntoView {
    let action = expect_context::<Actions>().add;
    let flashed = expect_context::<Flashed>();
    let project = people.project;
    let who = if project.is_default {
        format!(
            "Every member of {} is here already; nobody else can be added.",
            project.organization_name
        )
    } else if project.allow_externals {
        format!(
            "They need an account. People outside {} become External Collaborators.",
            project.organization_name
        )
    } else {
        format!(
            "They need an account, and to be a member of {}.",
            project.organization_name
        )
    };
    let value = action.outcome();
    view! {
        <DialogBox title="Add Collaborator" close=close.clone()>
            <PostForm action class="form">
                <p>
                    {format!(
                        "They get access to {} as a Member, at once. You can change their role afterwards.",
                        project.name,
                    )}
                </p>
                {form_problem(value, FormName::AddCollaborator, &[About::Email])}
                <input type="hidden" name="project" value=project.slug.to_string()/>
                <Field
                    label="Email"
                    name="email"
                    kind="email"
                    hint=who
                    value=flashed.typed(FormName::AddCollaborator, "email").unwrap_or_default()
                    error=form_error(value, FormName::AddCollaborator, About::Email)
                    autofocus=true
                />
                <DialogActions close action label="Confirm"/>
            </PostForm>
        </DialogBox>
    }
}

/// Removes somebody (C6), or leaves (C7): says what ends and what stays.
#[component]
fn RemoveDialog(people: People, person: Person, close: String) -> impl IntoView {
    let action = expect_context::<Actions>().remove;
    let is_self = person.user == people.viewer;
    let is_admin = person.standing.project.is_some_and(ProjectStanding::is_admin);
    let project = people.project;
    let made = people.made.map(|(_, made)| made);
    let (title, lead, confirm) = if is_self {
        let lead = format!("Your access to {} ends at once:", project.name);
        (format!("Leave {}?", project.name), lead, "Leave Project")
    } else {
        let lead = format!("Their access to {} ends at once:", project.name);
        (format!("Remove {}?", person.name), lead, "Remove User")
    };
    view! {
        <DialogBox title close=close.clone()>
            <PostForm action class="form">
                <input type="hidden" name="project" value=project.slug.to_string()/>
                <input type="hidden" name="user" value=person.user.to_string()/>
                <p>{lead}</p>
                <ul class="crosses">
                    <li>"Clusters, volumes, models, endpoints, evaluations and files of the project"</li>
                    <li>"SSH access to the nodes of its clusters"</li>
                    {is_admin.then(|| view! { <li>"Managing its collaborators and settings"</li> })}
                </ul>
                {made.map(|made| view! { <OwnedAssetsHere made who=if is_self { "You" } else { "They" }/> })}
                <DialogActions close action label=confirm is_final=true/>
            </PostForm>
        </DialogBox>
    }
}

/// Lowers the role of somebody who made keys with the reach Manage (C5, K11).
#[component]
fn LowerDialog(people: People, person: Person, close: String) -> impl IntoView {
    let action = expect_context::<Actions>().change_role;
    let project = people.project;
    view! {
        <DialogBox title=format!("Make {} a Member?", person.name) close=close.clone()>
            <PostForm action class="form">
                <input type="hidden" name="project" value=project.slug.to_string()/>
                <input type="hidden" name="user" value=person.user.to_string()/>
                <input type="hidden" name="role" value=ProjectRole::Member.code()/>
                <p>
                    {format!("They keep access to {}, and manage it no more from their next request on.", project.name)}
                </p>
                <ManageKeys keys=people.managing has_project=false/>
                <DialogActions close action label="Make Member" is_final=true/>
            </PostForm>
        </DialogBox>
    }
}

/// Sets the end date of somebody's access (C8).
#[component]
fn EndDateDialog(people: People, person: Person, close: String) -> impl IntoView {
    let action = expect_context::<Actions>().end_date;
    let flashed = expect_context::<Flashed>();
    let value = action.outcome();
    let now = person.expires_at.map(|at| input_day(last_day(at))).unwrap_or_default();
    let is_external = person
        .standing
        .project
        .is_some_and(|standing| standing.because == Because::External);
    view! {
        <DialogBox title=format!("End date for {}", person.name) close=close.clone()>
            <PostForm action class="form">
                <input type="hidden" name="project" value=people.project.slug.to_string()/>
                <input type="hidden" name="user" value=person.user.to_string()/>
                {form_problem(value, FormName::EndDate, &[About::ExpiresOn])}
                {is_external.then(|| view! {
                    <p class="card-line">
                        <Icon sign=Sign::Info/>
                        <span>"External collaborators are best given an end date."</span>
                    </p>
                })}
                <Field
                    label="Access until"
                    name="expires_on"
                    kind="date"
                    hint="The last day of access, to its end in UTC. Leave it empty for no end date."
                    value=flashed.typed(FormName::EndDate, "expires_on").unwrap_or(now)
                    error=form_error(value, FormName::EndDate, About::ExpiresOn)
                    autofocus=true
                />
                <DialogActions close action label="Save"/>
            </PostForm>
        </DialogBox>
    }
}
