//! Word to a person about their own account (J8), mailed through the outbox: so that they find out what somebody else
//! did in their name. It carries no link that opens anything.

use policy::Name;

use crate::{
    Result,
    error::{decode, inconsistent},
};

/// What a person is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Somebody signed in on a device that the account was not used on before.
    NewDevice {
        /// The network address of it.
        address: String,
    },
    /// The password was replaced.
    PasswordChanged,
    /// The account has another address.
    EmailChanged,
    /// An SSH key was added.
    SshKeyAdded {
        /// Its fingerprint.
        fingerprint: String,
    },
    /// The person owns an organization now.
    BecameOwner {
        /// What it is called.
        organization: Name,
    },
    /// The person is an Admin of an organization now.
    BecameAdmin {
        /// What it is called.
        organization: Name,
    },
    /// The person is an Admin of a project now.
    BecameProjectAdmin {
        /// What it is called.
        project: Name,
    },
}

impl Notice {
    /// As the outbox has it: the kind, and what goes with it.
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

    /// Reads what [`Self::columns`] wrote.
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
