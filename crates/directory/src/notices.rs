//! Notices to a person about their own account (J8), mailed through the outbox, so that they learn what somebody else
//! may have done in their name. A notice contains no link that gives access.
//!
//! Owns the kinds of notices and how they are stored. It must not know how they are worded or sent.

use policy::Name;

use crate::{
    Result,
    error::{decode, inconsistent},
};

/// What a notice is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Somebody signed in on a device that the account was not used on before.
    NewDevice {
        /// The device's network address.
        address: String,
    },
    /// The password was replaced.
    PasswordChanged,
    /// The account's address was changed.
    EmailChanged,
    /// An SSH key was added.
    SshKeyAdded {
        /// Its fingerprint.
        fingerprint: String,
    },
    /// The person became the Owner of an organization.
    BecameOwner {
        /// Its name.
        organization: Name,
    },
    /// The person became an Admin of an organization.
    BecameAdmin {
        /// Its name.
        organization: Name,
    },
    /// The person became an Admin of a project.
    BecameProjectAdmin {
        /// Its name.
        project: Name,
    },
}

impl Notice {
    /// Returns the columns of the outbox: the kind, and its detail.
    pub(crate) fn columns(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::NewDevice { address } => ("new_device", Some(address)),
            Self::PasswordChanged => ("password_changed", None),
            Self::EmailChanged => ("email_changed", None),
            Self::SshKeyAdded { fingerprint } => ("ssh_key_added", Some(fingerprint)),
            Self::BecameOwner { organization } => ("became_owner", Some(organization.as_str())),
            Self::BecameAdmin { organization } => ("became_admin", Some(organization.as_str())),
            Self::BecameProjectAdmin { project } => ("became_project_admin", Some(project.as_str())),
        }
    }

    /// Parses what [`Self::columns`] returned.
    pub(crate) fn read(kind: &str, detail: Option<String>) -> Result<Self> {
        let text = detail.unwrap_or_default();
        let name = || decode(&text, "outbox", "notice_detail");
        Ok(match kind {
            "new_device" => Self::NewDevice { address: text },
            "password_changed" => Self::PasswordChanged,
            "email_changed" => Self::EmailChanged,
            "ssh_key_added" => Self::SshKeyAdded { fingerprint: text },
            "became_owner" => Self::BecameOwner { organization: name()? },
            "became_admin" => Self::BecameAdmin { organization: name()? },
            "became_project_admin" => Self::BecameProjectAdmin { project: name()? },
            _ => return Err(inconsistent("outbox", "notice")),
        })
    }
}
