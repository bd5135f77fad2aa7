//! Settings > Organization: its settings, members, invitations and projects (RULES O, W, M, P).

pub(crate) mod invitations;
mod invite;
pub(crate) mod members;
pub(crate) mod projects;
pub(crate) mod settings;

use leptos::prelude::*;

use crate::address::use_param;

/// Returns the slug in the URL of an organization's screen, as typed.
fn use_organization_slug() -> Memo<String> {
    use_param("organization")
}

/// Returns the path of one of the organization's screens.
fn path_of(slug: Memo<String>, screen: &'static str) -> Signal<String> {
    Signal::derive(move || slug.with(|slug| format!("/settings/organization/{slug}/{screen}")))
}
