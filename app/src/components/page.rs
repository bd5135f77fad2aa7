//! The head of a page, and its title.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;

use super::icon::{Icon, Sign};
use crate::api::projects::ProjectHead;
#[cfg(feature = "ssr")]
use crate::markup::escape;

/// The path of the page that has been arrived at.
#[derive(Clone, Copy)]
pub(crate) struct Arrived(StoredValue<Option<String>>);

impl Arrived {
    /// Makes it known to all screens.
    pub(crate) fn provide() {
        provide_context(Self(StoredValue::new(None)));
    }

    /// Notes the path; answers whether another page was left for it, other than by the browser loading a document.
    fn is_another(self, path: &str) -> bool {
        self.0
            .try_update_value(|arrived| arrived.replace(path.to_owned()).is_some_and(|before| before != path))
            .unwrap_or_default()
    }
}

/// The document's title. Leptos writes titles into the page as they are, so a name with markup in it is made harmless
/// here.
#[component]
pub(crate) fn PageTitle(#[prop(into)] text: Signal<String>) -> impl IntoView {
    follow(text);
    let whole = move |text: String| format!("{text} · Roster");
    // On the server the title is written when the page is done, and what made it may be gone by then: it is read here
    // and now.
    #[cfg(feature = "ssr")]
    let text = escape(&whole(text.get_untracked()));
    #[cfg(not(feature = "ssr"))]
    let text = move || whole(text.get());
    view! { <Title text=text/> }
}

/// A browser that loads a page begins to read it from the top; one that only changes it says nothing. So the heading
/// gets the focus, once the page that a link led to has a title of its own: what was pressed is gone, or is about
/// another page (N2).
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

/// A page's heading, a line about it, and its main actions.
#[component]
pub(crate) fn PageHeader(
    /// The heading.
    #[prop(into)]
    title: String,
    /// What the page is for.
    #[prop(into)]
    lead: Signal<String>,
    /// The actions.
    #[prop(optional)]
    children: Option<Children>,
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

/// The notice of the Default Project's pages (D7).
#[component]
pub(crate) fn DefaultProjectNotice(
    /// The project of the page.
    #[prop(into)]
    project: Signal<Option<ProjectHead>>,
) -> impl IntoView {
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
