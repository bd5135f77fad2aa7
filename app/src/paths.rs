//! Where everything is: the paths of INTERFACES, made from typed parts so that no link or redirect is a loose string.

use policy::{ApiKeyId, Refusal, ResourceId, ResourceKind, Slug, UserId};

use crate::{Problem, api::list::ListQuery};

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

/// A list as searched, filtered and sorted, with an open dialog.
pub(crate) fn with_query(path: &str, query: &ListQuery, dialog: Dialog) -> String {
    let mut parts = form_urlencoded::Serializer::new(String::new());
    for (name, value) in query.pairs() {
        if !value.is_empty() {
            parts.append_pair(name, value);
        }
    }
    if let Some(name) = dialog.name() {
        parts.append_pair("dialog", name);
    }
    if let Some(user) = dialog.user() {
        parts.append_pair("user", &user.to_string());
    }
    if let Some(key) = dialog.key() {
        parts.append_pair("key", &key.to_string());
    }
    let query = parts.finish();
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

/// The dialog that is open on a list; the URL holds it, so that it opens without scripts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Dialog {
    /// None.
    #[default]
    None,
    /// Adding somebody to a project.
    Add,
    /// Inviting somebody to an organization.
    Invite,
    /// The new link of an invitation that was sent again.
    Sent,
    /// Creating a project.
    Create,
    /// Removing this person.
    Remove(UserId),
    /// Lowering the role of this person, who made keys that manage.
    Lower(UserId),
    /// Setting the end of this person's access.
    EndDate(UserId),
    /// The secret of a key that was just made.
    Secret,
    /// Setting the expiration of this key.
    Expiration(ApiKeyId),
    /// Rotating this key.
    Rotate(ApiKeyId),
    /// Revoking this key.
    Revoke(ApiKeyId),
    /// Regenerating the Organization Default Key.
    Regenerate,
    /// Removing every External Collaborator.
    RemoveExternals,
    /// Deleting what the page is about.
    Delete,
}

impl Dialog {
    /// Reads `?dialog=`, `?user=` and `?key=`; what makes no sense opens nothing.
    pub(crate) fn parse(dialog: &str, user: &str, key: &str) -> Self {
        let (user, key) = (user.parse(), key.parse());
        let known = [
            Self::Add,
            Self::Invite,
            Self::Sent,
            Self::Create,
            Self::Secret,
            Self::Regenerate,
            Self::RemoveExternals,
            Self::Delete,
        ]
        .into_iter()
        .chain(
            user.iter()
                .flat_map(|user| [Self::Remove(*user), Self::Lower(*user), Self::EndDate(*user)]),
        )
        .chain(
            key.iter()
                .flat_map(|key| [Self::Expiration(*key), Self::Rotate(*key), Self::Revoke(*key)]),
        );
        known
            .into_iter()
            .find(|known| known.name() == Some(dialog))
            .unwrap_or_default()
    }

    /// As in the URL.
    const fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Add => Some("add"),
            Self::Invite => Some("invite"),
            Self::Sent => Some("sent"),
            Self::Create => Some("create"),
            Self::Remove(_) => Some("remove"),
            Self::Lower(_) => Some("lower"),
            Self::EndDate(_) => Some("end-date"),
            Self::Secret => Some("secret"),
            Self::Expiration(_) => Some("expiration"),
            Self::Rotate(_) => Some("rotate"),
            Self::Revoke(_) => Some("revoke"),
            Self::Regenerate => Some("regenerate"),
            Self::RemoveExternals => Some("remove-externals"),
            Self::Delete => Some("delete"),
        }
    }

    /// The dialog that a problem leads to: the one that asks what becomes of a person's keys.
    pub(crate) const fn deciding(problem: Option<Problem>) -> Self {
        match problem {
            Some(Problem::Refused(Refusal::ManageKeysDecide(user))) => Self::Lower(user),
            _ => Self::None,
        }
    }

    /// Whom it is about.
    pub(crate) const fn user(self) -> Option<UserId> {
        match self {
            Self::Remove(user) | Self::Lower(user) | Self::EndDate(user) => Some(user),
            Self::None
            | Self::Add
            | Self::Invite
            | Self::Sent
            | Self::Create
            | Self::Secret
            | Self::Expiration(_)
            | Self::Rotate(_)
            | Self::Revoke(_)
            | Self::Regenerate
            | Self::RemoveExternals
            | Self::Delete => None,
        }
    }

    /// Which key it is about.
    pub(crate) const fn key(self) -> Option<ApiKeyId> {
        match self {
            Self::Expiration(key) | Self::Rotate(key) | Self::Revoke(key) => Some(key),
            Self::None
            | Self::Add
            | Self::Invite
            | Self::Sent
            | Self::Create
            | Self::Remove(_)
            | Self::Lower(_)
            | Self::EndDate(_)
            | Self::Secret
            | Self::Regenerate
            | Self::RemoveExternals
            | Self::Delete => None,
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
