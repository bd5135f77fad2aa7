//! The list: one row a person, the person first, the actions last.

use leptos::{either::Either, prelude::*};
use policy::{Because, CollaboratorChange, Permission, ProjectRole, ProjectStanding, Refusal, Slug, UserId};

use super::{Actions, Address, link};
use crate::{
    api::collaborators::{ListQuery, People, Person},
    components::{Avatar, Badge, Icon, Menu, MenuExplanation, MenuForm, MenuLink, MomentText, PostForm, Sign, Tone},
    load::Loaded,
    paths::Dialog,
    screens::overview::last_day,
    words,
};

/// The table, its empty state, and the way to more.
#[component]
pub(super) fn PeopleTable(people: Loaded<People>) -> impl IntoView {
    let address = expect_context::<Address>();
    let slug = Memo::new(move |_| people.with(|people| Some(people.project.slug.clone())));
    let ids = Memo::new(move |_| people.with(|people| people.rows.iter().map(|row| row.user).collect::<Vec<_>>()));
    let is_empty = Memo::new(move |_| ids.with(Vec::is_empty));
    let next = move || people.with(|people| people.next.clone());
    let to_page = move |after: String| {
        link(
            slug,
            &ListQuery {
                after,
                ..address.query.get()
            },
            Dialog::None,
        )
    };
    let is_first = move || address.query.with(|query| query.after.is_empty());
    view! {
        <div class="table-frame" aria-busy=move || people.busy.get().to_string()>
            {move || if is_empty.get() {
                Either::Left(view! { <Nobody slug/> })
            } else {
                Either::Right(view! {
                    <table class="table people" aria-labelledby="heading">
                        <thead>
                            <tr>
                                <SortHeader slug sort="name" label="Person"/>
                                <SortHeader slug sort="role" label="Role"/>
                                <SortHeader slug sort="added" label="Access"/>
                                <th scope="col" class="actions-cell"><span class="visually-hidden">"Actions"</span></th>
                            </tr>
                        </thead>
                        <tbody>
                            <For each=move || ids.get() key=|user| *user let:user>
                                <PersonRow people slug user/>
                            </For>
                        </tbody>
                    </table>
                })
            }}
        </div>
        {move || (next().is_some() || !is_first()).then(|| view! {
            <nav class="pager" aria-label="Pages">
                {(!is_first()).then(|| view! { <a class="button" href=to_page(String::new())>"First page"</a> })}
                {next().map(|after| view! { <a class="button" rel="next" href=to_page(after)>"Next page"</a> })}
            </nav>
        })}
    }
}

/// What the list says when nobody is in it.
#[component]
fn Nobody(slug: Memo<Option<Slug>>) -> impl IntoView {
    let address = expect_context::<Address>();
    let all = move || link(slug, &ListQuery::default(), Dialog::None);
    move || {
        let is_narrowed = address.query.with(ListQuery::is_narrowed);
        let (title, text) = if is_narrowed {
            ("Nobody found", "No collaborator matches this search and these filters.")
        } else {
            ("No more people", "You’re past the end of the list.")
        };
        view! {
            <div class="empty">
                <span class="empty-sign"><Icon sign=Sign::People/></span>
                <h2>{title}</h2>
                <p>{text}</p>
                <p><a class="button" href=all>"Show everyone"</a></p>
            </div>
        }
    }
}

/// A column's heading: sorts by it, and turns the order around when it is sorted by already.
#[component]
fn SortHeader(slug: Memo<Option<Slug>>, sort: &'static str, label: &'static str) -> impl IntoView {
    let address = expect_context::<Address>();
    let state = move || {
        address.query.with(|query| {
            let by = if query.sort.is_empty() { "name" } else { &query.sort };
            (by == sort).then(|| query.order != "desc")
        })
    };
    let href = move || {
        let order = if state() == Some(true) { "desc" } else { "" };
        let sort = if sort == "name" { "" } else { sort };
        let query = ListQuery {
            sort: sort.to_owned(),
            order: order.to_owned(),
            after: String::new(),
            ..address.query.get()
        };
        link(slug, &query, Dialog::None)
    };
    view! {
        <th
            scope="col"
            class=format!("{sort}-cell")
            aria-sort=move || state().map(|ascends| if ascends { "ascending" } else { "descending" })
        >
            <a class="sort" href=href>
                {label}
                {move || state().map(|ascends| view! { <Icon sign=if ascends { Sign::SortUp } else { Sign::SortDown }/> })}
            </a>
        </th>
    }
}

/// A person.
#[component]
fn PersonRow(people: Loaded<People>, slug: Memo<Option<Slug>>, user: UserId) -> impl IntoView {
    // Parts of the row change one by one, so that the focus stays where it is when something else does.
    let person = Memo::new(move |_| people.with(|people| people.find(user).cloned()));
    let name =
        Signal::derive(move || person.with(|person| person.as_ref().map(|p| p.name.clone()).unwrap_or_default()));
    let email = move || person.with(|person| person.as_ref().map(|p| p.email.clone()));
    let place = Memo::new(move |_| person.with(|person| person.as_ref().and_then(|person| person.standing.project)));
    let tone = Signal::derive(move || {
        if place.get().is_some_and(ProjectStanding::is_admin) {
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
                        <span class="person-email">{email}</span>
                        <span class="person-access"><Access people person/></span>
                    </div>
                </div>
            </td>
            <td class="role-cell">
                <Badge tone>{move || place.get().map(|place| place.role.to_string())}</Badge>
            </td>
            <td class="added-cell"><Access people person/></td>
            <td class="actions-cell"><PersonMenu people slug person/></td>
        </tr>
    }
}

/// Why somebody has access, since when, by whom, until when (C1, C8).
#[component]
fn Access(people: Loaded<People>, person: Memo<Option<Person>>) -> impl IntoView {
    // Externals stay when they are disallowed, and are marked (X1).
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
                {(because == Because::External).then(|| view! { <Badge tone=Signal::stored(Tone::Warning)>{external.get()}</Badge> })}
                <span>
                    {reason}
                    {by.map(|by| view! { " by "<bdi>{by}</bdi> })}
                    <span class="access-when">" · "<MomentText at=person.added_at/></span>
                </span>
                {person.expires_at.map(|at| view! { <span class="access-end">"Until "<MomentText at=last_day(at) is_utc_day=true/></span> })}
            </span>
        })
    }
}

/// What may be done to a person; the policy says what, here as on the server.
#[component]
fn PersonMenu(people: Loaded<People>, slug: Memo<Option<Slug>>, person: Memo<Option<Person>>) -> impl IntoView {
    let address = expect_context::<Address>();
    let actions = expect_context::<Actions>();
    move || {
        let person = person.get()?;
        let user = person.user;
        let check = move |change| people.with(|people| Some(people.check(&person, change)));
        let (role, remove, end) = (
            check(CollaboratorChange::Role)?,
            check(CollaboratorChange::Remove)?,
            check(CollaboratorChange::EndDate)?,
        );
        // No menu for somebody who could never do anything in it.
        let may_any = people.with(|people| {
            people.viewer == user
                || [Permission::CollaboratorRemove, Permission::CollaboratorUpdateRole]
                    .iter()
                    .any(|permission| people.project.standing.may(*permission))
        });
        if !may_any {
            return None;
        }
        let is_self = people.with(|people| people.viewer == user);
        let name = Signal::derive(move || {
            people.with(|people| people.find(user).map(|person| person.name.clone()).unwrap_or_default())
        });
        let other = people
            .with(|people| people.find(user)?.standing.project)
            .map_or(ProjectRole::Member, |p| p.role.other());
        let project = slug.get().map(|slug| slug.to_string()).unwrap_or_default();
        let to = move |dialog| Signal::derive(move || link(slug, &address.query.get(), dialog));
        let why = explanation(role.err(), remove.err());
        Some(view! {
            <Menu id=format!("menu-{user}") label=Signal::derive(move || format!("Actions for {}", name.get())) face=|| view! { <Icon sign=Sign::Dots/> }>
                {role.is_ok().then(|| view! {
                    <PostForm action=actions.change_role class="menu-form">
                        <input type="hidden" name="project" value=project/>
                        <input type="hidden" name="user" value=user.to_string()/>
                        <input type="hidden" name="role" value=other.code()/>
                        <MenuForm>{format!("Make {other}")}</MenuForm>
                    </PostForm>
                })}
                {end.is_ok().then(|| view! { <MenuLink href=to(Dialog::EndDate(user))>"Set end date"</MenuLink> })}
                {remove.is_ok().then(|| view! {
                    <MenuLink href=to(Dialog::Remove(user)) is_dangerous=true>
                        {if is_self { "Leave Project" } else { "Remove User" }}
                    </MenuLink>
                })}
                {why.map(|text| view! { <MenuExplanation text/> })}
            </Menu>
        })
    }
}

/// Why an action one would look for is not there (C4, D3, W1): the reason for what is missing, if it is about the person.
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
        .map(|refusal| words::problem(refusal.into()))
}
