//! The screens, one to a file or folder.
//!
//! Owns what a person sees of each address. Must not know SQL or rules: data and changes go through `api`, and the
//! policy says what to offer.

pub(crate) mod api_keys;
pub(crate) mod change_email;
pub(crate) mod collaborators;
pub(crate) mod forgot_password;
pub(crate) mod frame;
pub(crate) mod home;
pub(crate) mod invitation;
mod link_page;
pub(crate) mod made_keys;
pub(crate) mod organization;
pub(crate) mod overview;
pub(crate) mod owned_assets;
pub(crate) mod profile;
mod project_selector;
pub(crate) mod project_settings;
pub(crate) mod resources;
pub(crate) mod roles;
pub(crate) mod sessions;
mod settings_form;
pub(crate) mod sign_in;
pub(crate) mod sign_up;
pub(crate) mod ssh_keys;
pub(crate) mod usage;
pub(crate) mod verify_email;

use leptos::prelude::*;

use crate::address::use_param;

/// Returns the slug in the URL of a project's screen, as typed.
fn use_project_slug() -> Memo<String> {
    use_param("project")
}
