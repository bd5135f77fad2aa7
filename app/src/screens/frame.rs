//! The frame around every signed-in page: selectors, navigation, the account, messages.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::{components::Outlet, hooks::use_location};
use policy::Slug;

use crate::{
    api::{
        accounts::SignOut,
        shell::{ShellView, shell},
    },
    components::{Avatar, Icon, Menu, MenuForm, MenuLink, NoticeRegion, PageTitle, Sign},
    flash::Notices,
    live::Live,
    load::{Loaded, load_or},
    paths,
};

/// The frame.
#[component]
pub(crate) fn Frame() -> impl IntoView {
    let path = use_location().pathname;
    let project = Memo::new(move |_| path.with(|path| project_in(path).to_owned()));
    let live = Live::provide();
    let notices = expect_context::<Notices>();
    // A message is about the page it was shown on. Home only leads on to one.
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
    let lost = Memo::new(move |_| live.gone.with(Option::is_some));
    view! {
        <a class="skip-link" href="#main" rel="external">"Skip to content"</a>
        <div class="frame">
            <aside class="sidebar">
                {load_or(
                    move || (project.get(), live.ticks.get()),
                    |(project, _)| shell(project),
                    move |shell| view! { <Sidebar shell project/> },
                    // The page says what is wrong.
                    |_| (),
                )}
            </aside>
            <main id="main" class="main" tabindex="-1">
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

/// The project's slug in a path, or nothing.
fn project_in(path: &str) -> &str {
    let mut parts = path.trim_start_matches('/').split('/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some("projects"), Some(slug), _) | (Some("settings"), Some("projects"), Some(slug)) => slug,
        _ => "",
    }
}

#[component]
fn Sidebar(
    shell: Loaded<ShellView>,
    /// The slug in the URL, if it is a project's page.
    project: Memo<String>,
) -> impl IntoView {
    // Only a project that the person has access to can be followed.
    expect_context::<Live>().follow(Memo::new(move |_| {
        let current = shell.with(|shell| shell.current.as_ref().map(|current| current.slug.clone()));
        current.filter(|slug| project.with(|project| project == slug.as_str()))
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

/// What somebody sees who was removed while looking (E5).
#[component]
fn Lost() -> impl IntoView {
    view! {
        <PageTitle text="Access ended"/>
        <section class="empty empty-page" role="alert" aria-labelledby="heading">
            <span class="empty-sign"><Icon sign=Sign::Shield/></span>
            <h1 id="heading" tabindex="-1">"Your access to this project has ended"</h1>
            <p>"Somebody removed you from it, or it is gone. Ask an Admin of the project if you think this is a mistake."</p>
            <p><a class="button" href=paths::HOME rel="external">"Go to your projects"</a></p>
        </section>
    }
}

/// The organization and the project that are looked at, and the way to others.
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
    let project = move || {
        shell.with(|shell| {
            shell
                .current
                .as_ref()
                .map(|project| project.name.clone())
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
    let projects = move || {
        shell.with(|shell| {
            let Some(here) = shell.current.clone() else {
                return Vec::new();
            };
            let siblings = shell
                .projects
                .iter()
                .filter(|item| item.organization == here.organization);
            siblings
                .map(|item| (item.clone(), item.slug == here.slug))
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
                    <MenuLink href=item.home.as_ref().map_or_else(|| paths::HOME.to_owned(), paths::project) is_current>
                        <span class="menu-item-name">{item.name}</span>
                        {item.is_external.then(|| view! { <span class="menu-item-note">"External"</span> })}
                    </MenuLink>
                }).collect_view()}
            </Menu>
            <Menu
                id="projects"
                label=Signal::derive(move || format!("Project: {}. Switch project", project()))
                class="selector"
                face=move || view! {
                    <span class="selector-face">
                        <span class="selector-kind">"Project"</span>
                        <span class="selector-name">{project}</span>
                    </span>
                    <Icon sign=Sign::ChevronUpDown/>
                }
            >
                {move || projects().into_iter().map(|(item, is_current)| view! {
                    <MenuLink href=paths::project(&item.slug) is_current>
                        <span class="menu-item-name">{item.name}</span>
                    </MenuLink>
                }).collect_view()}
            </Menu>
        </div>
    }
}

#[component]
fn Navigation(shell: Loaded<ShellView>) -> impl IntoView {
    let slug = Memo::new(move |_| shell.with(|shell| shell.current.as_ref().map(|project| project.slug.clone())));
    let path = use_location().pathname;
    let item = move |to: fn(&Slug) -> String, sign: Sign, label: &'static str| {
        let href = move || slug.with(|slug| slug.as_ref().map(to)).unwrap_or_default();
        let current = move || path.with(|path| *path == href()).then_some("page");
        view! { <li><a class="nav-item" href=href aria-current=current><Icon sign/>{label}</a></li> }
    };
    view! {
        <nav class="nav" aria-label="Project">
            {move || slug.with(Option::is_some).then(|| view! {
                <ul>{item(paths::project, Sign::Folder, "Overview")}</ul>
                <p class="nav-group" id="nav-settings">"Settings"</p>
                <ul aria-labelledby="nav-settings">
                    {item(paths::project_settings, Sign::Gear, "Project")}
                    {item(paths::collaborators, Sign::People, "Collaborators")}
                </ul>
            })}
        </nav>
    }
}

#[component]
fn Account(
    shell: Loaded<ShellView>,
    /// The frame shows it in two places, by the width of the screen.
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
            <MenuLink href=paths::ROLES><Icon sign=Sign::Shield/>"Roles and permissions"</MenuLink>
            // Signing out leaves everything behind: a whole new page.
            <form method="post" action=SignOut::url() role="none" on:submit=move |_| live.stop()>
                <MenuForm><Icon sign=Sign::Leave/>"Sign out"</MenuForm>
            </form>
        </Menu>
    }
}

/// A page inside the frame for somebody with no project at all.
#[component]
pub(crate) fn NoProjects() -> impl IntoView {
    view! {
        <PageTitle text="No projects"/>
        <section class="empty empty-page" aria-labelledby="heading">
            <span class="empty-sign"><Icon sign=Sign::Folder/></span>
            <h1 id="heading" tabindex="-1">"No projects yet"</h1>
            <p>"You have no access to any project. Ask an Admin of your organization to add you to one: they need the address you signed up with."</p>
        </section>
    }
}
