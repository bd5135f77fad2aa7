//! The dialog that is open on a page, as its URL says it: `?dialog=` names it, `?user=` or `?key=` its subject. Because
//! it is in the URL, a dialog opens and closes by links, without scripts too.
//!
//! Each screen has dialogs of its own: an enum beside the server functions of the screen, whose redirects open them as
//! well. This module knows none of them.

use policy::{ApiKeyId, UserId};

/// The dialogs of one screen, which the URL can open.
pub(crate) trait DialogUrl: Copy + 'static {
    /// The parameters of the URL that open this dialog.
    fn to_query(self) -> DialogQuery;

    /// The dialog that is opened by these parameters. None if the screen has no dialog of this name, or if the subject
    /// it needs is missing or is no id.
    fn from_query(name: &str, subject: DialogSubject) -> Option<Self>;
}

/// The parameters of the URL that open a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DialogQuery {
    /// `?dialog=`.
    pub(crate) name: &'static str,
    /// Whom or what it is about.
    pub(crate) subject: DialogSubject,
}

/// The subject of a dialog, as the URL names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DialogSubject {
    /// `?user=`, a person.
    pub(crate) user: Option<UserId>,
    /// `?key=`, an API key.
    pub(crate) key: Option<ApiKeyId>,
}

impl DialogQuery {
    /// A dialog without a subject.
    pub(crate) const fn named(name: &'static str) -> Self {
        let subject = DialogSubject { user: None, key: None };
        Self { name, subject }
    }

    /// A dialog about a person.
    pub(crate) const fn about_user(name: &'static str, user: UserId) -> Self {
        let user = Some(user);
        Self {
            name,
            subject: DialogSubject { user, key: None },
        }
    }

    /// A dialog about an API key.
    pub(crate) const fn about_key(name: &'static str, key: ApiKeyId) -> Self {
        let key = Some(key);
        Self {
            name,
            subject: DialogSubject { user: None, key },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{api_keys, collaborators, invitations, members, projects, resources};

    fn is_read_back<D: DialogUrl>(dialog: D) {
        let query = dialog.to_query();
        let found = D::from_query(query.name, query.subject);
        assert_eq!(found.map(D::to_query), Some(query));
    }

    #[test]
    fn every_dialog_is_found_by_its_own_parameters() {
        let user: UserId = "0192f0c1-2345-7abc-8def-0123456789ab".parse().unwrap();
        let key: ApiKeyId = "0192f0c1-2345-7abc-8def-0123456789ac".parse().unwrap();
        is_read_back(collaborators::Dialog::Add);
        is_read_back(collaborators::Dialog::Remove(user));
        is_read_back(collaborators::Dialog::Lower(user));
        is_read_back(collaborators::Dialog::EndDate(user));
        is_read_back(collaborators::Dialog::Actions(user));
        is_read_back(members::Dialog::Invite);
        is_read_back(members::Dialog::Remove(user));
        is_read_back(members::Dialog::Lower(user));
        is_read_back(members::Dialog::Actions(user));
        is_read_back(invitations::Dialog::Invite);
        is_read_back(invitations::Dialog::Sent);
        is_read_back(projects::ListDialog::Create);
        is_read_back(projects::SettingsDialog::RemoveExternals);
        is_read_back(resources::ListDialog::Create);
        is_read_back(resources::ResourceDialog::Delete);
        is_read_back(api_keys::Dialog::Create);
        is_read_back(api_keys::Dialog::Secret);
        is_read_back(api_keys::Dialog::Expiration(key));
        is_read_back(api_keys::Dialog::Rotate(key));
        is_read_back(api_keys::Dialog::Revoke(key));
        is_read_back(api_keys::Dialog::Regenerate);
    }

    #[test]
    fn what_a_screen_has_no_dialog_for_opens_nothing() {
        assert_eq!(
            collaborators::Dialog::from_query("invite", DialogSubject::default()),
            None
        );
        assert_eq!(
            collaborators::Dialog::from_query("remove", DialogSubject::default()),
            None
        );
        assert_eq!(api_keys::Dialog::from_query("", DialogSubject::default()), None);
    }
}
