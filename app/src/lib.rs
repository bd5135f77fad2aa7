//! What people see: routes, screens, components, and the thin server functions behind them.
//!
//! Builds twice: with `ssr` into the server, which renders every page whole and answers plain forms, and with `hydrate`
//! into the browser, where the same code makes the page quicker to the hand. It must not know SQL, and decides nothing:
//! the directory acts, the policy decides.

#![recursion_limit = "256"]

mod address;
mod answers;
mod api;
mod app;
#[cfg(feature = "ssr")]
mod chart;
mod components;
mod dialog_url;
mod flash;
#[cfg(feature = "hydrate")]
mod focus;
mod live;
mod load;
mod loaded;
mod markup;
mod messages;
#[cfg(feature = "hydrate")]
mod navigation;
mod outcome;
mod page_data;
mod paths;
mod problem;
mod problem_transport;
mod readable;
#[cfg(feature = "ssr")]
mod render;
mod screens;
mod signed;

#[cfg(feature = "ssr")]
pub mod request_context;

pub use app::App;
pub use outcome::{Flash, Outcome};
pub use problem::Problem;
#[cfg(feature = "ssr")]
pub use render::{Page, Site, render};

/// The message for a problem, for the command line, which has no screen.
#[cfg(feature = "ssr")]
#[must_use]
pub fn explain(problem: Problem) -> String {
    messages::problem(problem)
}

/// The path to sign in at, and to come back from to the path `to`.
#[cfg(feature = "ssr")]
#[must_use]
pub fn sign_in_path(to: &str) -> String {
    paths::sign_in_and_return(to)
}

/// The path of a project.
#[cfg(feature = "ssr")]
#[must_use]
pub fn project_path(project: &policy::Slug) -> String {
    paths::project(project)
}

/// The path of an invitation, by what its link carries.
#[cfg(feature = "ssr")]
#[must_use]
pub fn invitation_path(token: &str) -> String {
    paths::invitation(token)
}

/// The path to a new password, by what its link carries.
#[cfg(feature = "ssr")]
#[must_use]
pub fn reset_password_path(token: &str) -> String {
    paths::reset_password(token)
}

/// The path to the proof of an address, by what its link carries.
#[cfg(feature = "ssr")]
#[must_use]
pub fn verify_email_path(token: &str) -> String {
    paths::verify_email(token)
}

/// The path to the confirmation of a change of address, by what its link carries.
#[cfg(feature = "ssr")]
#[must_use]
pub fn change_email_path(token: &str) -> String {
    paths::change_email(token)
}

/// The path to the end of a change of address, by what its link carries.
#[cfg(feature = "ssr")]
#[must_use]
pub fn undo_email_change_path(token: &str) -> String {
    paths::undo_email_change(token)
}

/// The path of this console that a text is, or home.
#[cfg(feature = "ssr")]
#[must_use]
pub fn local_path(text: &str) -> &str {
    paths::local(text).unwrap_or(paths::HOME)
}

/// The header of an answer that says who is signed in, where somebody else filled the form in.
#[cfg(feature = "ssr")]
pub const SIGNED_IN_HEADER: &str = paths::SIGNED_IN;

/// Where to sign in, and where to ask for a new password.
#[cfg(feature = "ssr")]
pub const WAYS_IN: [&str; 2] = [paths::SIGN_IN, paths::FORGOT_PASSWORD];
/// The path of the person's own profile.
#[cfg(feature = "ssr")]
pub const PROFILE_PATH: &str = paths::PROFILE;

/// Wakes the page in the browser.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(App);
}
