//! Where everything is: the paths of INTERFACES, made from typed parts so that no link or redirect is a loose string.

use policy::{ResourceId, ResourceKind, Slug};

use crate::{
    api::list::ListQuery,
    dialog_url::{DialogQuery, DialogUrl},
};

/// Signing in.
pub(crate) const SIGN_IN: &str = "/sign-in";
/// Signing up.
pub(crate) const SIGN_UP: &str = "/sign-up";
/// The current project.
pub(crate) const HOME: &str = "/";
/// The person's own profile.
pub(crate) const PROFILE: &str = "/settings/profile";
/// Where the person is signed in.
pub(crate) const SESSIONS: &str = "/settings/sessions";
/// The person's SSH keys.
pub(crate) const SSH_KEYS: &str = "/settings/ssh-keys";
/// The API keys the person made.
pub(crate) const MADE_KEYS: &str = "/settings/my-api-keys";
/// A forgotten password.
pub(crate) const FORGOT_PASSWORD: &str = "/forgot-password";
/// The printed permissions.
pub(crate) const ROLES: &str = "/docs/roles";

/// What says, in the query of a form's address, who filled it in.
pub(crate) const FILLED_IN_BY: &str = "as";

/// The header in which a script says the same.
pub(crate) const FILLED_IN_BY_HEADER: &str = "x-roster-as";

/// What says there on which page.
pub(crate) const PAGE: &str = "page";

/// The header of an answer that says who is signed in, where that is not who filled the form in: their name,
/// percent-encoded.
pub(crate) const SIGNED_IN: &str = "x-roster-signed-in";

/// A project.
pub(crate) fn project(slug: &Slug) -> String {
    format!("/projects/{slug}")
}

/// A project's resources of a kind.
pub(crate) fn resources(slug: &Slug, kind: ResourceKind) -> String {
    format!("/projects/{slug}/{}", kind.path())
}

/// One of them.
pub(crate) fn resource(slug: &Slug, kind: ResourceKind, id: ResourceId) -> String {
    format!("/projects/{slug}/{}/{id}", kind.path())
}

/// What was used in a project.
pub(crate) fn usage(slug: &Slug) -> String {
    format!("/projects/{slug}/usage")
}

/// A project's settings.
pub(crate) fn project_settings(slug: &Slug) -> String {
    format!("/settings/projects/{slug}")
}

/// A project's collaborators.
pub(crate) fn collaborators(slug: &Slug) -> String {
    format!("/settings/projects/{slug}/collaborators")
}

/// A project's API keys.
pub(crate) fn api_keys(slug: &Slug) -> String {
    format!("/settings/projects/{slug}/api-keys")
}

/// An organization's settings.
pub(crate) fn organization(slug: &Slug) -> String {
    format!("/settings/organization/{slug}")
}

/// An organization's members.
pub(crate) fn members(slug: &Slug) -> String {
    format!("/settings/organization/{slug}/members")
}

/// An organization's invitations.
pub(crate) fn invitations(slug: &Slug) -> String {
    format!("/settings/organization/{slug}/invitations")
}

/// An organization's projects.
pub(crate) fn projects(slug: &Slug) -> String {
    format!("/settings/organization/{slug}/projects")
}

/// An invitation, by what its link carries.
pub(crate) fn invitation(token: &str) -> String {
    format!("/invitations/{token}")
}

/// An invitation, with the address that was named for it.
#[cfg(feature = "ssr")]
pub(crate) fn invitation_named(token: &str, email: &str) -> String {
    let path = invitation(token);
    if email.is_empty() {
        return path;
    }
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("email", email)
        .finish();
    format!("{path}?{query}")
}

/// A new password, by what its link carries.
#[cfg(feature = "ssr")]
pub(crate) fn reset_password(token: &str) -> String {
    format!("/reset-password/{token}")
}

/// The proof of an address, by what its link carries.
#[cfg(feature = "ssr")]
pub(crate) fn verify_email(token: &str) -> String {
    format!("/verify-email/{token}")
}

/// The confirmation of a change of address, by what its link carries.
pub(crate) fn change_email(token: &str) -> String {
    format!("/change-email/{token}")
}

/// The end of a change of address, by what its link carries.
#[cfg(feature = "ssr")]
pub(crate) fn undo_email_change(token: &str) -> String {
    format!("/undo-email-change/{token}")
}

/// The page at `path` as it is when nothing is searched, with a dialog open, or with none.
pub(crate) fn with_dialog<D: DialogUrl>(path: &str, dialog: Option<D>) -> String {
    with_query(path, &ListQuery::default(), dialog.map(D::to_query))
}

/// A list as searched, filtered and sorted, with a dialog open, or with none.
pub(crate) fn with_query(path: &str, query: &ListQuery, dialog: Option<DialogQuery>) -> String {
    let mut parts = form_urlencoded::Serializer::new(String::new());
    for (name, value) in query.pairs() {
        if !value.is_empty() {
            parts.append_pair(name, value);
        }
    }
    if let Some(DialogQuery { name, subject }) = dialog {
        parts.append_pair("dialog", name);
        if let Some(user) = subject.user {
            parts.append_pair("user", &user.to_string());
        }
        if let Some(key) = subject.key {
            parts.append_pair("key", &key.to_string());
        }
    }
    let query = parts.finish();
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
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
