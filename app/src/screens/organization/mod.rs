//! Settings > Organization: its settings, members, invitations and projects (RULES O, W, M, P).

pub(crate) mod invitations;
mod invite;
pub(crate) mod members;
pub(crate) mod projects;
pub(crate) mod settings;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

/// The slug in the URL of an organization's screen, as typed.
fn use_organization_slug() -> Memo<String> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get("organization").unwrap_or_default()))
}

/// The path of an organization's screen.
fn path_of(slug: Memo<String>, screen: &'static str) -> Signal<String> {
    Signal::derive(move || slug.with(|slug| format!("/settings/organization/{slug}/{screen}")))
}
