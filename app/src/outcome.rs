//! The outcome of a form: what was done, or the problem, and which form it was.
//!
//! Holds codes, the values that were typed, and secrets that are shown once; neither markup nor texts (those are in
//! `messages`), and not how an outcome gets to the page that shows it (`flash`).

use policy::{OrganizationRole, ProjectRole, ResourceKind, UserId};
use serde::{Deserialize, Serialize};

use crate::Problem;

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// Signed in, or up.
    SignedIn,
    /// Signed out.
    SignedOut,
    /// Somebody was added (C2).
    Added {
        /// Their name.
        name: String,
    },
    /// Somebody's role was changed (C5).
    RoleChanged {
        /// Their name.
        name: String,
        /// Their role now.
        role: ProjectRole,
    },
    /// Somebody was removed (C6).
    Removed {
        /// Their name.
        name: String,
        /// What ended, and what is still there.
        receipt: Receipt,
    },
    /// The person left (C7).
    Left,
    /// An end was given to somebody's access (C8).
    EndDateSet {
        /// Their name.
        name: String,
    },
    /// The end of somebody's access was taken away (C8).
    EndDateCleared {
        /// Their name.
        name: String,
    },
    /// The settings of a project or an organization were saved.
    Saved {
        /// Its slug from now on.
        slug: String,
    },
    /// The external collaborators were removed (X1).
    ExternalsRemoved {
        /// How many.
        count: u64,
    },
    /// The password was changed.
    PasswordChanged,
    /// A member got another role (M6).
    MemberRoleChanged {
        /// Their name.
        name: String,
        /// Their role now.
        role: OrganizationRole,
    },
    /// A member was removed (M6).
    MemberRemoved {
        /// Their name.
        name: String,
        /// What ended, and what is still there.
        receipt: Receipt,
    },
    /// The person left the organization (M8).
    LeftOrganization,
    /// People were invited (M2).
    Invited {
        /// Those who were.
        sent: Vec<SentInvitation>,
        /// Those who were not, and why.
        failed: Vec<(String, Problem)>,
    },
    /// An invitation was sent again (M3).
    InvitationResent {
        /// The invitation, with its new link.
        sent: SentInvitation,
    },
    /// An invitation was revoked (M3).
    InvitationRevoked {
        /// The address it was for.
        email: String,
    },
    /// The person became a member (M5).
    Joined {
        /// The organization's name.
        organization: String,
    },
    /// A project was created (P1).
    ProjectCreated {
        /// Its name.
        name: String,
        /// Its slug.
        slug: String,
    },
    /// A project was deleted (P4).
    ProjectDeleted {
        /// Its name.
        name: String,
    },
    /// Somebody else owns the organization now (W2).
    Transferred {
        /// Their name.
        name: String,
    },
    /// The organization was deleted.
    OrganizationDeleted,
    /// The person's name was changed.
    ProfileSaved,
    /// A session was ended.
    SessionEnded,
    /// All other sessions were ended.
    OtherSessionsEnded,
    /// An SSH key was added (E4).
    SshKeyAdded {
        /// What it is called.
        name: String,
    },
    /// An SSH key was removed (E4).
    SshKeyRemoved {
        /// What it was called.
        name: String,
    },
    /// A key got a secret, shown this once (K3).
    KeyMade {
        /// What it is called.
        name: String,
        /// The secret.
        secret: Secret,
        /// How it came to be.
        how: HowMade,
    },
    /// A key got an expiration (K6).
    KeyExpirationSet {
        /// What it is called.
        name: String,
    },
    /// A key expires no more (K6).
    KeyExpirationCancelled {
        /// What it is called.
        name: String,
    },
    /// A key was revoked (K7).
    KeyRevoked {
        /// What it is called.
        name: String,
    },
    /// A resource was registered (E2).
    ResourceCreated {
        /// Its kind.
        kind: ResourceKind,
        /// Its name.
        name: String,
    },
    /// A resource was changed.
    ResourceSaved {
        /// Its name now.
        name: String,
    },
    /// A resource was taken out of the register.
    ResourceDeleted {
        /// Its kind.
        kind: ResourceKind,
        /// Its name.
        name: String,
    },
    /// The person's account was deleted.
    AccountDeleted,
    /// A link to a new password is on its way, if there is such an account.
    ResetRequested,
    /// A forgotten password was replaced.
    PasswordReset {
        /// Whether all else ended by which somebody could act as the person (J3).
        ends_everything: bool,
    },
    /// A mail is on its way that says what came of signing up (X6).
    SignUpMailed {
        /// The address.
        email: String,
    },
    /// The address was proved (J1).
    AddressVerified {
        /// Whether everything ended that the account's holder had until then (J3).
        is_taken_over: bool,
    },
    /// The link that proves the address was mailed again.
    VerificationSent {
        /// The address.
        email: String,
    },
    /// The link that confirms a change of address was mailed (J5).
    EmailChangeMailed {
        /// The new address.
        email: String,
    },
    /// The account has another address (J5).
    EmailChanged {
        /// The new address.
        email: String,
    },
    /// The account has its old address again, and everything else by which somebody could act as the person ended (J5).
    EmailRestored,
    /// API keys that the person made were revoked (J3).
    MadeKeysRevoked {
        /// How many.
        count: usize,
    },
}

/// How a key's secret came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HowMade {
    /// With a new key.
    Created,
    /// With the successor of another key.
    Rotated,
    /// In place of another secret of the same key.
    Regenerated,
}

/// A secret on its one way to the person; it does not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// What a removal did: what ended, when, and what is still there that the person made (E5, C6, M6).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// When, in seconds since 1970 UTC.
    pub at: i64,
    /// The role that ended, in a project.
    pub role: Option<ProjectRole>,
    /// How many SSH keys log in no more.
    pub ssh_keys: i64,
    /// How many invitations of theirs were revoked.
    pub invitations: usize,
    /// The first keys that were revoked.
    pub revoked: Vec<String>,
    /// How many were.
    pub revoked_count: i64,
    /// The first keys that go on working.
    pub kept: Vec<String>,
    /// How many do.
    pub kept_count: i64,
    /// How many resources of each kind they made.
    pub resources: Vec<(ResourceKind, i64)>,
}

#[cfg(feature = "ssr")]
impl Receipt {
    /// As many keys are named: more than these nobody reads in a receipt.
    const NAMED: usize = 5;

    pub(crate) fn of_collaborator(removal: directory::Removal) -> Self {
        Self {
            role: removal.role,
            ssh_keys: removal.ssh_keys,
            revoked_count: i64::try_from(removal.revoked.len()).unwrap_or(i64::MAX),
            revoked: removal
                .revoked
                .iter()
                .take(Self::NAMED)
                .map(ToString::to_string)
                .collect(),
            ..Self::of(removal.at, &removal.owned_assets)
        }
    }

    pub(crate) fn of_member(removal: directory::MemberRemoval) -> Self {
        Self {
            invitations: removal.invitations,
            ..Self::of(removal.at, &removal.owned_assets)
        }
    }

    fn of(at: directory::OffsetDateTime, owned_assets: &directory::OwnedAssets) -> Self {
        let kept = owned_assets.keys.iter().take(Self::NAMED);
        Self {
            at: at.unix_timestamp(),
            kept: kept.map(|key| key.name.to_string()).collect(),
            kept_count: owned_assets.key_count,
            resources: owned_assets.resources.clone(),
            ..Self::default()
        }
    }
}

/// An invitation that was just sent, and the link to copy: it is shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentInvitation {
    /// The address it is for.
    pub email: String,
    /// Its link.
    pub link: String,
}

/// What came of a form. A refusal is an outcome like another: a script is told it as one, so that a person's slip is no
/// error in their browser's console; a program gets its status (see `request_context::answer`).
pub type Outcome = Result<Done, Problem>;

/// The forms of the console; each shows its own outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FormName {
    /// Signing in.
    SignIn,
    /// Signing up.
    SignUp,
    /// Adding a collaborator.
    AddCollaborator,
    /// Changing a collaborator's or a member's role.
    ChangeRole,
    /// Removing a collaborator or a member, or leaving.
    Remove,
    /// Setting the end of a collaborator's access.
    EndDate,
    /// A project's settings.
    ProjectSettings,
    /// Removing all externals.
    RemoveExternals,
    /// Changing one's password.
    Password,
    /// An organization's settings.
    OrganizationSettings,
    /// Handing an organization over.
    Transfer,
    /// Deleting an organization.
    DeleteOrganization,
    /// Inviting people.
    Invite,
    /// Sending an invitation again, or revoking it.
    Invitation,
    /// Accepting an invitation.
    Accept,
    /// Creating a project.
    CreateProject,
    /// Deleting a project.
    DeleteProject,
    /// Changing one's name.
    Profile,
    /// Ending sessions.
    Sessions,
    /// Adding an SSH key.
    SshKey,
    /// Removing an SSH key.
    RemoveSshKey,
    /// Creating an API key.
    CreateKey,
    /// Setting the expiration of an API key.
    KeyExpiration,
    /// Rotating an API key.
    RotateKey,
    /// Revoking an API key.
    RevokeKey,
    /// Regenerating the Organization Default Key.
    RegenerateKey,
    /// Registering a resource.
    CreateResource,
    /// Changing a resource.
    Resource,
    /// Taking a resource out of the register.
    DeleteResource,
    /// Deleting one's account.
    DeleteAccount,
    /// Asking for a link to a new password.
    RequestReset,
    /// Replacing a forgotten password.
    Reset,
    /// Proving one's address.
    VerifyEmail,
    /// Having the link mailed again that proves it.
    ResendVerification,
    /// Asking for another address.
    ChangeEmail,
    /// Confirming it.
    ConfirmEmail,
    /// Undoing it.
    UndoEmail,
    /// Revoking API keys that one made.
    MadeKeys,
}

#[cfg(feature = "ssr")]
impl FormName {
    /// The form that a server function answers, by its path; none for those that anybody may send.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        Some(match path.strip_prefix("/api/")? {
            "accept_invitation" => Self::Accept,
            "add_collaborator" => Self::AddCollaborator,
            "add_ssh_key" => Self::SshKey,
            "change_collaborator_role" | "change_member_role" => Self::ChangeRole,
            "change_email" => Self::ConfirmEmail,
            "change_name" => Self::Profile,
            "change_password" => Self::Password,
            "create_api_key" => Self::CreateKey,
            "create_project" => Self::CreateProject,
            "create_resource" => Self::CreateResource,
            "delete_account" => Self::DeleteAccount,
            "delete_organization" => Self::DeleteOrganization,
            "delete_project" => Self::DeleteProject,
            "delete_resource" => Self::DeleteResource,
            "end_other_sessions" | "end_session" => Self::Sessions,
            "invite_members" => Self::Invite,
            "regenerate_default_key" => Self::RegenerateKey,
            "remove_collaborator" | "remove_member" => Self::Remove,
            "remove_externals" => Self::RemoveExternals,
            "remove_ssh_key" => Self::RemoveSshKey,
            "request_email_change" => Self::ChangeEmail,
            "resend_invitation" | "revoke_invitation" => Self::Invitation,
            "resend_verification" => Self::ResendVerification,
            "revoke_api_key" => Self::RevokeKey,
            "revoke_made_keys" => Self::MadeKeys,
            "rotate_api_key" => Self::RotateKey,
            "set_api_key_expiration" => Self::KeyExpiration,
            "set_collaborator_end_date" => Self::EndDate,
            "transfer_ownership" => Self::Transfer,
            "update_organization" => Self::OrganizationSettings,
            "update_project" => Self::ProjectSettings,
            "update_resource" => Self::Resource,
            _ => return None,
        })
    }
}

/// The outcome of a form that was sent without scripts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// Which form.
    pub form: FormName,
    /// What came of it.
    pub outcome: Outcome,
    /// What was typed, so that it is kept (N3). Never a password.
    pub typed: Vec<(String, String)>,
    /// Who is signed in, where somebody else filled the form in.
    #[serde(default)]
    pub who: Option<String>,
    /// Who filled the form in and the path of the page it was on, where nobody was signed in any more: it waits until
    /// they are, and come back to that page.
    #[serde(skip)]
    pub waits_for: Option<(UserId, String)>,
}
