//! The head of a page, and its title.

use leptos::prelude::*;
use leptos_meta::Title;

/// The document's title. Leptos writes titles into the page as they are, so a name with markup in it is made harmless here.
#[component]
pub(crate) fn PageTitle(#[prop(into)] text: Signal<String>) -> impl IntoView {
    let whole = move |text: String| format!("{text} · Roster");
    // On the server the title is written when the page is done, and what made it may be gone by then: it is read here and now.
    #[cfg(feature = "ssr")]
    let text = escape(&whole(text.get_untracked()));
    #[cfg(not(feature = "ssr"))]
    let text = move || whole(text.get());
    view! { <Title text=text/> }
}

#[cfg(feature = "ssr")]
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
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

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::escape;

    #[test]
    fn a_title_cannot_end_the_title_element() {
        assert_eq!(escape("</title><script>&"), "&lt;/title&gt;&lt;script&gt;&amp;");
    }
}
