//! The table of collaborators: one row for each person, with their menu at its end.

use leptos::prelude::*;
use policy::{Because, CollaboratorChange, Permission, ProjectRole, ProjectStanding, Refusal, UserId};

use super::actions::Actions;
use crate::{
    api::collaborators::{Dialog, People, Person},
    components::{
        AddressBadge, Avatar, Badge, Empty, Icon, ListAddress, Listing, Menu, MenuExplanation, MenuForm, MenuLink,
        PostForm, Sign, SortHeader, TimestampText, Tone, last_day,
    },
    load::Loaded,
    messages,
};

/// The table of people with access to the project.
#[component]
pub(super) fn PeopleTable(people: Loaded<People>) -> impl IntoView {
    view! {
        <Listing
            of=people
            ids=|people| people.rows.iter().map(|row| row.user).collect()
            next=|people| people.next.clone()
            empty=Empty {
                sign: Sign::People,
                none_fits: ("Nobody found", "No collaborator matches this search and these filters."),
                none: ("Nobody yet", "Nobody has access to this project."),
                show_all: "Show everyone",
            }
            head=|| view! {
                <SortHeader sort="name" label="Person"/>
                <SortHeader sort="role" label="Role"/>
                <SortHeader sort="added" label="Access"/>
                <th scope="col" class="actions-cell"><span class="visually-hidden">"Actions"</span></th>
            }
            row=move |id| view! { <PersonRow people user=id/> }
        />
    }
}

/// The row of a person.
#[component]
fn PersonRow(people: Loaded<People>, user: UserId) -> impl IntoView {
    // Parts of the row change one by one, so that a focused element stays when another part changes.
    let person = Memo::new(move |_| people.with(|people| people.find(user).cloned()));
    let name =
        Signal::derive(move || person.with(|person| person.as_ref().map(|p| p.name.clone()).unwrap_or_default()));
    let email = move || person.with(|person| person.as_ref().map(|p| p.email.clone()));
    let is_proved = Memo::new(move |_| person.with(|person| person.as_ref().is_none_or(|person| person.is_proved)));
    let standing = Memo::new(move |_| person.with(|person| person.as_ref().and_then(|person| person.standing.project)));
    let tone = Signal::derive(move || {
        if standing.get().is_some_and(ProjectStanding::is_admin) {
            Tone::Strong
        } else {
            Tone::Plain
        }
    });
    let is_self = people.peek(|people| people.viewer == user);
    view! {
        <tr>
            <td class="name-cell">
                <div class="person">
                    <Avatar name seed=user.to_string()/>
                    <div class="person-words">
                        <span class="person-name">
                            <bdi>{move || name.get()}</bdi>
                            {is_self.then(|| view! { <span class="you">"You"</span> })}
                        </span>
                        <span class="person-email">{email}<AddressBadge is_proved/></span>
                        <span class="person-access"><Access people person/></span>
                    </div>
                </div>
            </td>
            <td class="role-cell">
                <Badge tone>{move || standing.get().map(|standing| standing.role.to_string())}</Badge>
            </td>
            <td class="added-cell"><Access people person/></td>
            <td class="actions-cell"><PersonMenu people user name/></td>
        </tr>
    }
}

/// Why somebody has access, since when, by whom, until when (C1, C8).
#[component]
fn Access(people: Loaded<People>, person: Memo<Option<Person>>) -> impl IntoView {
    // Externals keep their access when externals are no longer allowed, and are marked then (X1).
    let external = Memo::new(move |_| {
        people.with(|people| {
            if people.project.allow_externals {
                "External"
            } else {
                "External, no longer allowed"
            }
        })
    });
    move || {
        let person = person.get()?;
        let because = person.standing.project?.because;
        let external = external.get();
        let is_owner = person.standing.organization == Some(policy::OrganizationStanding::Owner);
        let reason = match because {
            Because::OrganizationAdmin if is_owner => "Owner of the organization",
            Because::OrganizationAdmin => "Organization Admin",
            Because::OrganizationMember => "Organization member",
            Because::Added | Because::External => "Added",
        };
        let by = match because {
            Because::Added | Because::External => person.added_by,
            Because::OrganizationAdmin | Because::OrganizationMember => None,
        };
        Some(view! {
            <span class="access">
                {(because == Because::External).then(|| view! {
                    <Badge tone=Signal::stored(Tone::Warning)>{external}</Badge>
                })}
                <span>
                    {reason}
                    {by.map(|by| view! { " by "<bdi>{by}</bdi> })}
                    <span class="access-when">" · "<TimestampText at=person.added_at/></span>
                </span>
                {person.expires_at.map(|at| view! {
                    <span class="access-end">"Until "<TimestampText at=last_day(at) is_utc_day=true/></span>
                })}
            </span>
        })
    }
}

/// What a person's menu offers.
#[derive(Clone, PartialEq)]
struct Offered {
    role: Option<ProjectRole>,
    end_date: bool,
    remove: bool,
    why_not: Option<String>,
}

impl Offered {
    /// Asks the policy, as the server does. Returns `None` if the menu could never offer anything for this person.
    fn to(people: &People, user: UserId) -> Option<Self> {
        let person = people.find(user)?;
        let may = |permission| people.project.standing.may(permission);
        if people.viewer != user && !may(Permission::CollaboratorRemove) && !may(Permission::CollaboratorUpdateRole) {
            return None;
        }
        let check = |change| people.check(person, change);
        let (role, remove) = (check(CollaboratorChange::Role), check(CollaboratorChange::Remove));
        let other = person.standing.project.map(|standing| standing.role.other());
        Some(Self {
            role: other.filter(|_| role.is_ok()),
            end_date: check(CollaboratorChange::EndDate).is_ok(),
            remove: remove.is_ok(),
            why_not: explanation(role.err(), remove.err()),
        })
    }
}

/// The menu of a row. It is created again only if what it offers has changed, so that an open menu and its focus stay
/// when the list is reloaded.
#[component]
fn PersonMenu(people: Loaded<People>, user: UserId, #[prop(into)] name: Signal<String>) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    let actions = expect_context::<Actions>();
    let is_self = people.peek(|people| people.viewer == user);
    let project = move || people.with(|people| people.project.slug.to_string());
    let offered = Memo::new(move |_| people.with(|people| Offered::to(people, user)));
    let is_offered = Memo::new(move |_| offered.with(Option::is_some));
    let items = move || {
        let Offered {
            role,
            end_date,
            remove,
            why_not,
        } = offered.get()?;
        Some(view! {
            {role.map(|role| view! {
                <PostForm action=actions.change_role class="menu-form">
                    <input type="hidden" name="project" value=project/>
                    <input type="hidden" name="user" value=user.to_string()/>
                    <input type="hidden" name="role" value=role.code()/>
                    <MenuForm>{format!("Make {role}")}</MenuForm>
                </PostForm>
            })}
            {end_date.then(|| view! { <MenuLink href=address.to(Dialog::EndDate(user))>"Set end date"</MenuLink> })}
            {remove.then(|| view! {
                <MenuLink href=address.to(Dialog::Remove(user)) is_dangerous=true>
                    {if is_self { "Leave Project" } else { "Remove User" }}
                </MenuLink>
            })}
            {why_not.map(|text| view! { <MenuExplanation text/> })}
        })
    };
    move || {
        is_offered.get().then(|| {
            view! {
                <Menu
                    id=format!("menu-{user}")
                    label=Signal::derive(move || format!("Actions for {}", name.get()))
                    face=|| view! { <Icon sign=Sign::Dots/> }
                >
                    {items}
                </Menu>
            }
        })
    }
}

/// Returns why an expected action is missing (C4, D3, W1), if the reason is about the person.
fn explanation(role: Option<Refusal>, remove: Option<Refusal>) -> Option<String> {
    let is_about_the_person = |refusal: &Refusal| {
        matches!(
            refusal,
            Refusal::OwnerProtected | Refusal::OrganizationAdminProtected | Refusal::DefaultProjectForAll
        )
    };
    role.into_iter()
        .chain(remove)
        .find(is_about_the_person)
        .map(|refusal| messages::problem(refusal.into()))
}
