//! The project selector of the frame: the current project, and links to others, from the list or by a part of a name.

use leptos::prelude::*;
use policy::{Permission, Slug};

use crate::{
    api::shell::{ProjectItem, ShellView},
    components::{Icon, Popover, Sign},
    load::Loaded,
    paths,
};

/// The search of the project selector: the typed text, and the projects that the server found.
#[derive(Clone, Copy)]
struct ProjectSearch {
    text: RwSignal<String>,
    /// None while the text is empty, since the server is not asked then.
    found: RwSignal<Option<Vec<ProjectItem>>>,
    /// The number of the latest search. The answers to earlier ones are dropped.
    latest: StoredValue<u32>,
}

impl ProjectSearch {
    fn new() -> Self {
        Self {
            text: RwSignal::new(String::new()),
            found: RwSignal::new(None),
            latest: StoredValue::new(0),
        }
    }

    fn clear(self) {
        self.text.set(String::new());
        self.found.set(None);
    }

    fn has_found_none(self) -> bool {
        self.found.with(|found| found.as_ref().is_some_and(Vec::is_empty))
    }

    /// Asks the server, once typing pauses, for the projects of this organization whose name contains the text.
    fn find(self, organization: Option<String>, text: String) {
        let Self { found, latest, .. } = self;
        self.text.set(text.clone());
        let number = latest.get_value().wrapping_add(1);
        latest.set_value(number);
        let Some(organization) = organization else { return };
        if text.trim().is_empty() {
            found.set(None);
            return;
        }
        set_timeout(
            move || {
                if latest.try_get_value() == Some(number) {
                    self.ask(number, &organization, &text);
                }
            },
            std::time::Duration::from_millis(150),
        );
    }

    #[cfg(not(feature = "hydrate"))]
    const fn ask(self, _number: u32, _organization: &str, _text: &str) {}

    #[cfg(feature = "hydrate")]
    fn ask(self, number: u32, organization: &str, text: &str) {
        use crate::{answers, api::shell::FindProjects, readable::ask};

        let Self { found, latest, .. } = self;
        let asked = ask::<FindProjects>(&[("organization", organization), ("search", text)]);
        leptos::task::spawn_local(async move {
            let answer = answers::ask::<Vec<ProjectItem>>(asked.key()).await;
            if latest.try_get_value() == Some(number)
                && let Ok(items) = answer
            {
                found.set(Some(items));
            }
        });
    }
}

/// The popover of the project selector.
#[component]
pub(super) fn ProjectSelector(shell: Loaded<ShellView>) -> impl IntoView {
    let current = Memo::new(move |_| {
        shell.with(|shell| {
            let current = shell.current.as_ref()?;
            Some((current.organization.clone(), current.slug.clone(), current.name.clone()))
        })
    });
    let name = move || current.get().map(|(_, _, name)| name).unwrap_or_default();
    let search = ProjectSearch::new();
    let find = move |text: String| {
        search.find(
            current
                .get_untracked()
                .map(|(organization, ..)| organization.to_string()),
            text,
        );
    };
    // Ends the search when another project is opened.
    Effect::new(move |_| {
        current.track();
        search.clear();
    });
    let all = move || {
        shell.with(|shell| {
            let current = shell.current.as_ref()?;
            current
                .standing
                .may(Permission::ProjectList)
                .then(|| paths::projects(&current.organization))
        })
    };
    view! {
        <Popover
            id="projects"
            label=Signal::derive(move || format!("Project: {}. Switch project", name()))
            class="selector"
            face=move || view! {
                <span class="selector-face">
                    <span class="selector-kind">"Project"</span>
                    <span class="selector-name">{name}</span>
                </span>
                <Icon sign=Sign::ChevronUpDown/>
            }
        >
            <div class="search-field needs-scripts">
                <Icon sign=Sign::Search/>
                <input
                    type="search"
                    aria-label="Find a project"
                    placeholder="Find a project"
                    autocomplete="off"
                    spellcheck="false"
                    prop:value=move || search.text.get()
                    on:input:target=move |event| find(event.target().value())
                />
            </div>
            <ProjectChoices shell current search/>
            <p class="choices-none" role="status">
                {move || search.has_found_none().then_some("No project found")}
            </p>
            {move || all().map(|href| view! { <a class="menu-item choices-all" href=href>"All projects"</a> })}
        </Popover>
    }
}

/// The projects to choose from: those that the search found, or without a search those of the current organization.
#[component]
fn ProjectChoices(
    shell: Loaded<ShellView>,
    /// The organization, the slug and the name of the current project.
    current: Memo<Option<(Slug, Slug, String)>>,
    search: ProjectSearch,
) -> impl IntoView {
    let projects = move || {
        let Some((organization, slug, _)) = current.get() else {
            return Vec::new();
        };
        let items = search.found.get().unwrap_or_else(|| {
            shell.with(|shell| {
                let siblings = shell.projects.iter().filter(|item| item.organization == organization);
                siblings.cloned().collect()
            })
        });
        items
            .into_iter()
            .map(|item| {
                let is_current = item.slug == slug;
                (item, is_current)
            })
            .collect::<Vec<_>>()
    };
    view! {
        <ul class="choices" aria-label="Projects">
            {move || projects().into_iter().map(|(item, is_current)| view! {
                <li>
                    <a class="menu-item" href=paths::project(&item.slug) aria-current=is_current.then_some("true")>
                        <span class="menu-item-name">{item.name}</span>
                    </a>
                </li>
            }).collect_view()}
        </ul>
    }
}
