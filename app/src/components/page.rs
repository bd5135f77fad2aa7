//! The head of a page, and its title.

use leptos::prelude::*;
use leptos_meta::Title;

/// The document's title. Leptos writes titles into the page as they are, so a name with markup in it is made harmless here.
#[component]
pub(crate) fn PageTitle(#[prop(into)] text: Signal<String>) -> impl IntoView {
    let text = move || {
        let text = format!("{} · Roster", text.get());
        if cfg!(feature = "ssr") { escape(&text) } else { text }
    };
    view! { <Title text=text/> }
}

fn escape(text: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn a_title_cannot_end_the_title_element() {
        assert_eq!(escape("</title><script>&"), "&lt;/title&gt;&lt;script&gt;&amp;");
    }
}
