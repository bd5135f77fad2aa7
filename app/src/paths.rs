//! Where everything is: the paths of INTERFACES, made from typed parts so that no link or redirect is a loose string.

use policy::{Slug, UserId};

use crate::api::collaborators::ListQuery;

/// Signing in.
pub(crate) const SIGN_IN: &str = "/sign-in";
/// Signing up.
pub(crate) const SIGN_UP: &str = "/sign-up";
/// The current project.
pub(crate) const HOME: &str = "/";
/// The person's own profile.
pub(crate) const PROFILE: &str = "/settings/profile";
/// The printed permissions.
pub(crate) const ROLES: &str = "/docs/roles";

/// A project.
pub(crate) fn project(slug: &Slug) -> String {
    format!("/projects/{slug}")
}

/// A project's settings.
pub(crate) fn project_settings(slug: &Slug) -> String {
    format!("/settings/projects/{slug}")
}

/// A project's collaborators.
pub(crate) fn collaborators(slug: &Slug) -> String {
    format!("/settings/projects/{slug}/collaborators")
}

/// A project's collaborators as searched, filtered and sorted, with an open dialog.
pub(crate) fn collaborators_with(slug: &Slug, query: &ListQuery, dialog: &Dialog) -> String {
    let mut parts = form_urlencoded::Serializer::new(String::new());
    for (name, value) in query.pairs() {
        if !value.is_empty() {
            parts.append_pair(name, value);
        }
    }
    let (name, user) = match dialog {
        Dialog::None => (None, None),
        Dialog::Add => (Some(Dialog::ADD), None),
        Dialog::Remove(user) => (Some(Dialog::REMOVE), Some(user)),
        Dialog::EndDate(user) => (Some(Dialog::END_DATE), Some(user)),
    };
    if let Some(name) = name {
        parts.append_pair("dialog", name);
    }
    if let Some(user) = user {
        parts.append_pair("user", &user.to_string());
    }
    let query = parts.finish();
    let path = collaborators(slug);
    if query.is_empty() {
        path
    } else {
        format!("{path}?{query}")
    }
}

/// The dialog that is open on Collaborators; the URL holds it, so that it opens without scripts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Dialog {
    /// None.
    #[default]
    None,
    /// Adding somebody.
    Add,
    /// Removing this person.
    Remove(UserId),
    /// Setting the end of this person's access.
    EndDate(UserId),
}

impl Dialog {
    const ADD: &'static str = "add";
    const REMOVE: &'static str = "remove";
    const END_DATE: &'static str = "end-date";

    /// Reads `?dialog=` and `?user=`; what makes no sense opens nothing.
    pub(crate) fn parse(dialog: &str, user: &str) -> Self {
        match (dialog, user.parse()) {
            (Self::ADD, _) => Self::Add,
            (Self::REMOVE, Ok(user)) => Self::Remove(user),
            (Self::END_DATE, Ok(user)) => Self::EndDate(user),
            _ => Self::None,
        }
    }

    /// Whom it is about.
    pub(crate) const fn user(self) -> Option<UserId> {
        match self {
            Self::Remove(user) | Self::EndDate(user) => Some(user),
            Self::None | Self::Add => None,
        }
    }
}

/// A path of this console that somebody was on the way to, if the text is one: `/x`, and neither `//x` nor `/\x`, which
/// browsers take for another site.
pub(crate) fn local(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('/')?;
    let is_safe =
        !rest.starts_with(['/', '\\']) && text.len() <= 2_000 && text.bytes().all(|b| (0x21..0x7f).contains(&b));
    is_safe.then_some(text)
}

/// The path to sign in and come back.
pub(crate) fn sign_in_and_return(to: &str) -> String {
    match local(to) {
        Some(to) if to != HOME => {
            let next = form_urlencoded::Serializer::new(String::new())
                .append_pair("next", to)
                .finish();
            format!("{SIGN_IN}?{next}")
        }
        _ => SIGN_IN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_console_are_returned_to() {
        for good in ["/", "/settings/projects/ml-research/collaborators?q=a%20b"] {
            assert_eq!(local(good), Some(good));
        }
        for bad in [
            "",
            "x",
            "//evil.test",
            "/\\evil.test",
            "https://evil.test",
            "/a b",
            "/a\r\nSet-Cookie: x",
            "/\u{e9}",
        ] {
            assert_eq!(local(bad), None, "{bad:?}");
        }
    }
}
