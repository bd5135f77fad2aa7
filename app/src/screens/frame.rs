//! The frame around every page of a signed-in person: selectors, navigation, the account menu, messages.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::{components::Outlet, hooks::use_location};
use policy::{Permission, ResourceKind, Slug};

use super::project_selector::ProjectSelector;
use crate::{
    address::use_page_address,
    api::{
        accounts::SignOut,
        shell::{OrganizationItem, Shell, ShellView},
    },
    components::{Avatar, Icon, Menu, MenuForm, MenuLink, NoticeRegion, OwnAddress, PageTitle, Sign, SignedBanner},
    flash::Notices,
    live::{Followed, Live},
    load::{Loaded, load_or},
    paths,
    signed::Signed,
};

#[component]
pub(crate) fn Frame() -> impl IntoView {
    let path = use_location().pathname;
    let scope = Memo::new(move |_| path.with(|path| scope_in(path)));
    let live = Live::provide();
    OwnAddress::provide();
    let notices = expect_context::<Notices>();
    // A message is about the page it was shown on. The page `/` only redirects to another, so it keeps the message.
    Effect::new(move |before: Option<String>| {
        let now = path.get();
        match before {
            Some(before) if now == paths::HOME => before,
            Some(before) => {
                if before != now {
                    notices.turn_page();
                }
                now
            }
            None => now,
        }
    });
    #[cfg(feature = "hydrate")]
    crate::navigation::listen();
    let lost = Memo::new(move |_| live.gone.with(Option::is_some));
    view! {
        <a class="skip-link" href="#main" rel="external">"Skip to content"</a>
        <div class="frame">
            <aside class="sidebar">
                {load_or::<Shell, _, _>(
                    use_page_address(),
                    move || live.ticks.get(),
                    move |shell| view! { <Sidebar shell scope/> },
                    // The page itself shows the problem.
                    |_| (),
                )}
            </aside>
            <main id="main" class="main" tabindex="-1">
                <SignedBanner/>
                <NoticeRegion/>
                {move || if lost.get() {
                    view! { <Lost/> }.into_any()
                } else {
                    view! { <Outlet/> }.into_any()
                }}
            </main>
        </div>
    }
}

/// The slug of the project or the organization that the URL is about; the other one, or both, are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct UrlScope {
    project: String,
    organization: String,
}

fn scope_in(path: &str) -> UrlScope {
    let mut parts = path.trim_start_matches('/').split('/');
    let (project, organization) = match (parts.next(), parts.next(), parts.next()) {
        (Some("projects"), Some(slug), _) | (Some("settings"), Some("projects"), Some(slug)) => (slug, ""),
        (Some("settings"), Some("organization"), Some(slug)) => ("", slug),
        _ => ("", ""),
    };
    UrlScope {
        project: project.to_owned(),
        organization: organization.to_owned(),
    }
}

#[component]
fn Sidebar(
    shell: Loaded<ShellView>,
    /// What the URL is about.
    scope: Memo<UrlScope>,
) -> impl IntoView {
    let signed = expect_context::<Signed>();
    Effect::new(move |_| {
        let seen = shell.with(|shell| Some((shell.user, shell.name.clone())));
        if let Some((user, name)) = seen {
            signed.seen(user, name);
        }
    });
    let own = expect_context::<OwnAddress>();
    Effect::new(move |_| own.set(shell.with(|shell| shell.email.clone())));
    // Only what the person has access to can be followed.
    expect_context::<Live>().follow(Memo::new(move |_| {
        let current = shell.with(|shell| shell.current.clone())?;
        scope.with(|scope| {
            if scope.project == current.slug.as_str() {
                Some(Followed::Project(current.slug))
            } else if scope.organization == current.organization.as_str() && current.standing.organization.is_some() {
                Some(Followed::Organization(current.organization))
            } else {
                None
            }
        })
    }));
    view! {
        <div class="sidebar-top">
            <a class="brand" href=paths::HOME>
                <span class="brand-mark" aria-hidden="true"></span>
                "Roster"
            </a>
            <div class="account-compact"><Account shell prefix="compact"/></div>
        </div>
        <Selectors shell/>
        <Navigation shell/>
        <div class="account-full"><Account shell prefix="full"/></div>
    }
}

/// The page for somebody who was removed while they looked at it (E5).
#[component]
fn Lost() -> impl IntoView {
    let gone = expect_context::<Live>().gone;
    let what = match gone.get_untracked() {
        Some(Followed::Organization(_)) => "organization",
        Some(Followed::Project(_)) | None => "project",
    };
    view! {
        <PageTitle text="Access ended"/>
        <section class="empty empty-page" role="alert" aria-labelledby="heading">
            <span class="empty-sign"><Icon sign=Sign::Shield/></span>
            <h1 id="heading" tabindex="-1">{format!("Your access to this {what} has ended")}</h1>
            <p>
                {format!(
                    "Somebody removed you from it, or it is gone. Ask an Admin of the {what} if you think this is a \
                     mistake."
                )}
            </p>
            <p><a class="button" href=paths::HOME rel="external">"Go to your projects"</a></p>
        </section>
    }
}

/// The current organization and project, with menus that switch to others.
#[component]
fn Selectors(shell: Loaded<ShellView>) -> impl IntoView {
    let organization = move || {
        shell.with(|shell| {
            shell
                .current
                .as_ref()
                .map(|project| project.organization_name.clone())
                .unwrap_or_default()
        })
    };
    let organizations = move || {
        shell.with(|shell| {
            let here = shell.current.as_ref().map(|project| project.organization.clone());
            let items = shell.organizations.iter();
            items
                .map(|item| (item.clone(), here.as_ref() == Some(&item.slug)))
                .collect::<Vec<_>>()
        })
    };
    view! {
        <div class="selectors">
            <Menu
                id="organizations"
                label=Signal::derive(move || format!("Organization: {}. Switch organization", organization()))
                class="selector"
                face=move || view! {
                    <span class="selector-face">
                        <span class="selector-kind">"Organization"</span>
                        <span class="selector-name">{organization}</span>
                    </span>
                    <Icon sign=Sign::ChevronUpDown/>
                }
            >
                {move || organizations().into_iter().map(|(item, is_current)| view! {
                    <MenuLink href=home(&item) is_current>
                        <span class="menu-item-name">{item.name}</span>
                        {item.is_external.then(|| view! { <span class="menu-item-note">"External"</span> })}
                    </MenuLink>
                }).collect_view()}
            </Menu>
            <ProjectSelector shell/>
        </div>
    }
}

/// Returns the page that an organization's menu item leads to: its project that comes with the frame, else the list of
/// its projects, or for an External Collaborator, who cannot see that list, the page `/`.
fn home(item: &OrganizationItem) -> String {
    match &item.home {
        Some(project) => paths::project(project),
        None if item.is_external => paths::HOME.to_owned(),
        None => paths::projects(&item.slug),
    }
}

/// Returns the page of the navigation that a path belongs to. A project's resources belong to its overview.
fn section_of(path: &str) -> String {
    let (slug, rest) = path
        .strip_prefix("/projects/")
        .and_then(|path| path.split_once('/'))
        .unwrap_or_default();
    let kind = rest.split('/').next().unwrap_or_default();
    if ResourceKind::from_path(kind).is_ok() {
        format!("/projects/{slug}")
    } else {
        path.to_owned()
    }
}

#[component]
fn Navigation(shell: Loaded<ShellView>) -> impl IntoView {
    let slug = Memo::new(move |_| shell.with(|shell| shell.current.as_ref().map(|project| project.slug.clone())));
    // An External Collaborator sees nothing of the organization (X3).
    let organization = Memo::new(move |_| {
        shell.with(|shell| {
            let current = shell.current.as_ref()?;
            let may = |permission| current.standing.may(permission);
            may(Permission::OrganizationRead).then(|| (current.organization.clone(), may(Permission::MemberInvite)))
        })
    });
    let path = use_location().pathname;
    let section = Memo::new(move |_| path.with(|path| section_of(path)));
    let item = move |slug: &Slug, to: fn(&Slug) -> String, sign: Sign, label: &'static str| {
        let href = to(slug);
        let here = href.clone();
        let current = move || {
            let is_page = path.with(|path| *path == here);
            let is_section = section.with(|section| *section == here);
            is_section.then_some(if is_page { "page" } else { "true" })
        };
        view! { <li><a class="nav-item" href=href aria-current=current><Icon sign/>{label}</a></li> }
    };
    view! {
        <nav class="nav" aria-label="Main">
            {move || slug.get().map(|slug| view! {
                <ul>
                    {item(&slug, paths::project, Sign::Folder, "Overview")}
                    {item(&slug, paths::usage, Sign::Chart, "Usage")}
                </ul>
                <p class="nav-group" id="nav-project">"Project"</p>
                <ul aria-labelledby="nav-project">
                    {item(&slug, paths::project_settings, Sign::Gear, "Project settings")}
                    {item(&slug, paths::collaborators, Sign::People, "Collaborators")}
                    {item(&slug, paths::api_keys, Sign::Key, "API keys")}
                </ul>
            })}
            {move || organization.get().map(|(slug, may_invite)| view! {
                <p class="nav-group" id="nav-organization">"Organization"</p>
                <ul aria-labelledby="nav-organization">
                    {item(&slug, paths::organization, Sign::Building, "Organization settings")}
                    {item(&slug, paths::members, Sign::People, "Members")}
                    {may_invite.then(|| item(&slug, paths::invitations, Sign::Mail, "Invitations"))}
                    {item(&slug, paths::projects, Sign::Folder, "Projects")}
                </ul>
            })}
        </nav>
    }
}

#[component]
fn Account(
    shell: Loaded<ShellView>,
    /// Distinguishes the ids of the two places in which the frame shows it, by the width of the screen.
    prefix: &'static str,
) -> impl IntoView {
    let live = expect_context::<Live>();
    let name = Signal::derive(move || shell.with(|shell| shell.name.clone()));
    let seed = shell.peek(|shell| shell.user.to_string());
    view! {
        <Menu
            id=format!("account-{prefix}")
            label=Signal::derive(move || format!("Account: {}", name.get()))
            class="account"
            face=move || view! {
                <Avatar name seed=seed.clone()/>
                <span class="account-words">
                    <span class="account-name">{move || name.get()}</span>
                    <span class="account-email">{move || shell.with(|shell| shell.email.clone())}</span>
                </span>
            }
        >
            <MenuLink href=paths::PROFILE><Icon sign=Sign::Person/>"Profile"</MenuLink>
            <MenuLink href=paths::SESSIONS><Icon sign=Sign::Screen/>"Sessions"</MenuLink>
            <MenuLink href=paths::SSH_KEYS><Icon sign=Sign::Key/>"SSH keys"</MenuLink>
            <MenuLink href=paths::ROLES><Icon sign=Sign::Shield/>"Roles and permissions"</MenuLink>
            // Signing out loads a whole new page, so that nothing of this one is left.
            <form method="post" action=SignOut::url() role="none" on:submit=move |_| live.stop()>
                <MenuForm><Icon sign=Sign::Leave/>"Sign out"</MenuForm>
            </form>
        </Menu>
    }
}

/// The page in the frame for a person without any project.
#[component]
pub(crate) fn NoProjects() -> impl IntoView {
    view! {
        <PageTitle text="No projects"/>
        <section class="empty empty-page" aria-labelledby="heading">
            <span class="empty-sign"><Icon sign=Sign::Folder/></span>
            <h1 id="heading" tabindex="-1">"No projects yet"</h1>
            <p>
                "You have no access to any project. Ask an Admin of your organization to add you to one: they need \
                 the address you signed up with."
            </p>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::section_of;

    #[test]
    fn resources_belong_to_the_overview_of_their_project() {
        for (path, section) in [
            ("/projects/ml", "/projects/ml"),
            ("/projects/ml/clusters", "/projects/ml"),
            ("/projects/ml/clusters/some-id", "/projects/ml"),
            ("/projects/ml/usage", "/projects/ml/usage"),
            ("/settings/projects/ml", "/settings/projects/ml"),
        ] {
            assert_eq!(section_of(path), section);
        }
    }
}
