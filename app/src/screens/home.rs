//! The page `/`, which leads to the current project.

use leptos::prelude::*;
use leptos_router::components::Redirect;

use crate::{
    api::shell::Shell,
    load::{load, once},
    paths,
    screens::frame::NoProjects,
};

/// Redirects to the project last looked at, or says that there is none.
#[component]
pub(crate) fn HomeScreen() -> impl IntoView {
    load::<Shell, _>(once, |shell| {
        let slug = shell.peek(|shell| shell.current.as_ref().map(|project| project.slug.clone()));
        match slug {
            Some(slug) => view! { <Redirect path=paths::project(&slug)/> }.into_any(),
            None => view! { <NoProjects/> }.into_any(),
        }
    })
}
