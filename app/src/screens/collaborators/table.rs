//! The table of collaborators: one row for each person, as text, and the menu of what can be done about them.

use leptos::prelude::*;
use policy::{
    Because, CollaboratorChange, OrganizationStanding, Permission, ProjectRole, ProjectStanding, Refusal, UserId,
};

use super::actions::Actions;
use crate::{
    api::collaborators::{Dialog, People, Person},
    components::{
        Empty, ListAddress, Listing, MenuExplanation, MenuForm, MenuLink, PostForm, RowMenu, RowMenuItems, Rows, Shown,
        Sign, SortHeader, Tone, Zone, last_day, write_badge, write_menu_button, write_person, write_time,
    },
    load::Loaded,
    markup::Markup,
    messages,
};

/// The table of people with access to the project.
#[component]
pub(super) fn PeopleTable(people: Loaded<People>) -> impl IntoView {
    let menu = RowMenu::new();
    let user = Signal::derive(move || menu.user());
    let name = Signal::derive(move || {
        let user = user.get();
        people.with(|people| {
            user.and_then(|user| people.find(user))
                .map(|person| person.name.clone())
        })
    });
    view! {
        <Listing
            rows=Rows::follow(Box::new(move |rows| people.with(|people| write_rows(people, rows))))
            next=Signal::derive(move || people.with(|people| people.next.clone()))
            busy=people.busy
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
                <th scope="col" role="columnheader" class="actions-cell">
                    <span class="visually-hidden">"Actions"</span>
                </th>
            }
            menu
        />
        <RowMenuItems menu name=Signal::derive(move || name.get().unwrap_or_default())>
            <PersonActions people user/>
        </RowMenuItems>
    }
}

fn write_rows(people: &People, rows: &mut Rows) {
    let zone = rows.zone;
    for person in &people.rows {
        write_row(people, person, zone, rows.row(person.user.0.as_u128()));
    }
}

fn write_row(people: &People, person: &Person, zone: Zone, out: &mut Markup) {
    out.raw("<tr role=\"row\">");
    let is_self = person.user == people.viewer;
    write_person(out, person.user, is_self, &person.name, &person.email, person.is_proved);
    out.raw("<td role=\"cell\" class=\"role-cell\">");
    if let Some(standing) = person.standing.project {
        let tone = if standing.is_admin() { Tone::Strong } else { Tone::Plain };
        write_badge(out, tone, &standing.role.to_string());
    }
    out.raw("</td><td role=\"cell\" class=\"added-cell\">");
    if let Some(standing) = person.standing.project {
        write_access(people, person, standing, zone, out);
    }
    out.raw("</td><td role=\"cell\" class=\"actions-cell\">");
    if may_offer(people, person) {
        write_menu_button(out, person.user, &person.name);
    }
    out.raw("</td></tr>");
}

/// Writes why somebody has access, since when, by whom, until when (C1, C8).
fn write_access(people: &People, person: &Person, standing: ProjectStanding, zone: Zone, out: &mut Markup) {
    let is_owner = person.standing.organization == Some(OrganizationStanding::Owner);
    let (reason, by) = match standing.because {
        Because::OrganizationAdmin if is_owner => ("Owner of the organization", None),
        Because::OrganizationAdmin => ("Organization Admin", None),
        Because::OrganizationMember => ("Organization member", None),
        Because::Added | Because::External => ("Added", person.added_by.as_deref()),
    };
    if standing.because == Because::External {
        // Externals keep their access when externals are no longer allowed, and are marked then (X1).
        let external = if people.project.allow_externals {
            "External"
        } else {
            "External, no longer allowed"
        };
        write_badge(out, Tone::Warning, external);
        out.raw(" ");
    }
    out.text(reason);
    if let Some(by) = by {
        out.raw(" by <bdi>").text(by).raw("</bdi>");
    }
    out.raw(" · ");
    write_time(out, person.added_at, Shown::Day, zone);
    if let Some(end) = person.expires_at {
        out.raw(" <span class=\"access-end\">Until ");
        write_time(out, last_day(end), Shown::UtcDay, zone);
        out.raw("</span>");
    }
}

/// Returns whether anything could ever be offered for this person.
pub(super) fn may_offer(people: &People, person: &Person) -> bool {
    let may = |permission| people.project.standing.may(permission);
    people.viewer == person.user || may(Permission::CollaboratorRemove) || may(Permission::CollaboratorUpdateRole)
}

/// What can be done about a person.
#[derive(Clone, PartialEq)]
struct Offered {
    role: Option<ProjectRole>,
    end_date: bool,
    remove: bool,
    why_not: Option<String>,
}

impl Offered {
    /// Asks the policy, as the server does. Returns `None` if nothing could ever be offered for this person.
    fn to(people: &People, user: UserId) -> Option<Self> {
        let person = people.find(user).filter(|person| may_offer(people, person))?;
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

/// What can be done about a person, as the items of a menu. They are created again only if they change, so that the
/// focus in an open menu stays when the list is reloaded.
#[component]
pub(super) fn PersonActions(people: Loaded<People>, user: Signal<Option<UserId>>) -> impl IntoView {
    let address = expect_context::<ListAddress>();
    let actions = expect_context::<Actions>();
    let offered = Memo::new(move |_| {
        let user = user.get()?;
        people.with(|people| Some((user, user == people.viewer, Offered::to(people, user)?)))
    });
    let project = move || people.with(|people| people.project.slug.to_string());
    move || {
        let (user, is_self, offered) = offered.get()?;
        let Offered {
            role,
            end_date,
            remove,
            why_not,
        } = offered;
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

#[cfg(test)]
mod tests {
    use policy::Standing;

    use super::*;
    use crate::{
        api::{Timestamp, projects::ProjectHead},
        markup::tests::{HOSTILE, Piece, read, shape},
    };

    const VIEWER: &str = "0192f0c1-2345-7abc-8def-0123456789ab";
    const OTHER: &str = "0192f0c1-2345-7abc-8def-0123456789ac";

    fn standing(role: ProjectRole, because: Because) -> Standing {
        Standing {
            organization: None,
            project: Some(ProjectStanding { role, because }),
        }
    }

    fn person(name: &str) -> Person {
        Person {
            user: OTHER.parse().unwrap(),
            name: name.to_owned(),
            email: name.to_owned(),
            is_proved: false,
            standing: standing(ProjectRole::Member, Because::External),
            added_by: Some(name.to_owned()),
            added_at: Timestamp(1_795_442_400),
            expires_at: Some(Timestamp(1_795_478_400)),
        }
    }

    fn people(rows: Vec<Person>) -> People {
        let slug: policy::Slug = "ml-research".parse().unwrap();
        People {
            project: ProjectHead {
                slug: slug.clone(),
                name: "ML Research".to_owned(),
                organization: slug,
                organization_name: "Acme".to_owned(),
                is_default: false,
                allow_externals: true,
                standing: standing(ProjectRole::Admin, Because::Added),
                expires_at: None,
            },
            viewer: VIEWER.parse().unwrap(),
            rows,
            next: None,
            subject: None,
            made: None,
            managing: Vec::new(),
        }
    }

    fn html(people: &People) -> String {
        let mut rows = Rows::default();
        write_rows(people, &mut rows);
        rows.iter().map(|(_, html)| html).collect()
    }

    #[test]
    fn a_row_says_who_somebody_is_and_why_they_have_access() {
        let html = html(&people(vec![person("Eve External")]));
        let texts: Vec<_> = read(&html)
            .into_iter()
            .filter_map(|piece| match piece {
                Piece::Text(text) => Some(text),
                Piece::Tag(..) => None,
            })
            .collect();
        assert_eq!(
            texts.concat(),
            "EEEve ExternalEve External Address not verifiedMemberExternal Added by Eve External · 23 Nov 2026 Until \
             23 Nov 2026 UTC"
        );
        assert!(html.contains("aria-label=\"Actions for Eve External\""), "{html}");
        assert!(html.len() < 1_050, "{} bytes: {html}", html.len());
    }

    #[test]
    fn no_name_becomes_markup() {
        let plain = shape(&html(&people(vec![person("Eve")])));
        for name in HOSTILE {
            let html = html(&people(vec![person(name)]));
            assert_eq!(shape(&html), plain, "{html}");
            assert!(read(&html).contains(&Piece::Text(name.to_owned())), "{html}");
        }
    }

    #[test]
    fn a_row_without_a_menu_has_no_button() {
        let mut people = people(vec![person("Eve")]);
        people.project.standing = standing(ProjectRole::Member, Because::Added);
        assert!(!html(&people).contains("<button"));
    }
}
