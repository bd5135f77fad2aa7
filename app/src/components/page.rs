//! The title and the heading of a page, and the focus after a navigation.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::icon::{Icon, Sign};
use crate::api::projects::ProjectHead;

/// The path of the page that was navigated to last.
#[derive(Clone, Copy)]
pub(crate) struct Arrived(StoredValue<Option<String>>);

impl Arrived {
    /// Provides it to all screens.
    pub(crate) fn provide() {
        provide_context(Self(StoredValue::new(None)));
    }

    /// Stores the path; returns whether it replaces another one, which is not so for the page that the browser loaded.
    fn is_another(self, path: &str) -> bool {
        self.0
            .try_update_value(|arrived| arrived.replace(path.to_owned()).is_some_and(|before| before != path))
            .unwrap_or_default()
    }
}

/// The title of the page that is rendered on the server.
#[cfg(feature = "ssr")]
#[derive(Clone, Default)]
pub(crate) struct RenderedTitle(std::sync::Arc<std::sync::Mutex<String>>);

#[cfg(feature = "ssr")]
impl RenderedTitle {
    /// Returns it, as text.
    pub(crate) fn take(&self) -> String {
        self.0
            .lock()
            .map(|mut title| std::mem::take(&mut *title))
            .unwrap_or_default()
    }
}

/// The document's title: of the part of the page that was rendered last.
#[component]
pub(crate) fn PageTitle(#[prop(into)] text: Signal<String>) -> impl IntoView {
    follow(text);
    let whole = move |text: String| format!("{text} · Roster");
    #[cfg(feature = "ssr")]
    if let Some(RenderedTitle(title)) = use_context()
        && let Ok(mut title) = title.lock()
    {
        *title = whole(text.get_untracked());
    }
    Effect::new(move |_| document().set_title(&whole(text.get())));
}

/// Focuses the heading after a navigation, once the new page has set its title. A screen reader begins to read a page
/// that the browser loads, but says nothing of one that only changes, and the element that was pressed is gone or
/// belongs to another page (N2).
fn follow(text: Signal<String>) {
    let (arrived, path) = (expect_context::<Arrived>(), use_location().pathname);
    Effect::new(move |_| {
        text.track();
        if path.with_untracked(|path| arrived.is_another(path)) {
            #[cfg(feature = "hydrate")]
            crate::focus::to_heading();
        }
    });
}

/// The heading of a page, a sentence about it, and its main actions.
#[component]
pub(crate) fn PageHeader(
    #[prop(into)] title: String,
    /// The sentence.
    #[prop(into)]
    lead: Signal<String>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <header class="page-header">
            <div class="page-heading">
                <h1 id="heading" tabindex="-1">{title}</h1>
                <p class="lead">{move || lead.get()}</p>
            </div>
            {children.map(|children| view! { <div class="page-actions">{children()}</div> })}
        </header>
    }
}

/// The notice on the pages of a Default Project (D7).
#[component]
pub(crate) fn DefaultProjectNotice(#[prop(into)] project: Signal<Option<ProjectHead>>) -> impl IntoView {
    let organization = Memo::new(move |_| {
        let project = project.get().filter(|project| project.is_default)?;
        Some(project.organization_name)
    });
    move || {
        organization.get().map(|organization| view! {
            <aside class="banner" aria-label="About the Default Project">
                <Icon sign=Sign::Info/>
                <p>
                    {format!(
                        "All members of {organization} have access to this project, so don’t keep sensitive resources \
                         here. Create a separate project for them."
                    )}
                </p>
            </aside>
        })
    }
}
