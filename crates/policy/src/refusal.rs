//! Every refusal, as a closed list: what happened, without internal texts.
//!
//! Owns the list and its codes. It must not know the text that a person reads, which belongs to the console. A refusal
//! has a stable code, an HTTP status and, if it is about something typed, the field.

mod answer;

use serde::{Deserialize, Serialize};

use crate::{Permission, Quota, ResourceField, SshKeyFormat, UserId, Weakness};

/// The input that a refusal is about, named as in forms and JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// An email address.
    Email,
    /// A password.
    Password,
    /// The present password, which is required to set a new one.
    CurrentPassword,
    /// A name.
    Name,
    /// A slug.
    Slug,
    /// A role.
    Role,
    /// An end date.
    ExpiresOn,
    /// A name typed to confirm a dangerous change.
    Confirmation,
    /// An SSH public key.
    PublicKey,
    /// An SSH signature.
    Signature,
    /// The state of a resource.
    State,
    /// A field that only some kinds of resources have.
    Detail(ResourceField),
}

/// Why something was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Nobody is signed in.
    SignedOut,
    /// The form was filled in by a person other than the one who is signed in now.
    FilledInByAnother,
    /// The same form was sent a moment ago, and was processed.
    AlreadySent,
    /// The session had ended when the form was sent. Shown after the person has signed in again.
    SessionWasOver,
    /// There is no such target, or the principal has no access to it (P3).
    Hidden,
    /// The role does not permit this (R2).
    Forbidden(Permission),
    /// The request has the wrong form.
    Malformed,
    /// The cursor is not one that this list returned.
    CursorInvalid,
    /// Not an email address (C3).
    EmailInvalid,
    /// Several addresses where one is required.
    EmailSeveral,
    /// An address with letters beyond ASCII before the `@`.
    EmailNotAscii,
    /// Not a name.
    NameInvalid,
    /// A name with a word of several alphabets that looks like one of plain letters (UTS 39).
    NameConfusable,
    /// Not a slug (P2).
    SlugInvalid,
    /// A password too short or too long.
    PasswordInvalid,
    /// A password that is too easy to guess (J6).
    PasswordWeak(Weakness),
    /// Not a date, or not one in the future (C8).
    EndDateInvalid,
    /// No account has this address (C3).
    UserNotFound,
    /// The person is not a member, and the project allows no externals (C3, X1).
    NotInOrganization,
    /// One of the two above, without telling which (X6).
    CannotAdd,
    /// The person has access already (C3).
    AlreadyCollaborator,
    /// The person has no access to the project, so there is nothing to change.
    NotACollaborator,
    /// The Default Project can't have External Collaborators (D4).
    ExternalInDefaultProject,
    /// Nobody can be removed from the Default Project (D3).
    DefaultProjectForAll,
    /// The Owner cannot be demoted or removed (W1).
    OwnerProtected,
    /// An organization Admin is an Admin of every project (C4).
    OrganizationAdminProtected,
    /// Access that follows from membership has no end date (C8).
    NoEndDate,
    /// Nobody extends their own access (C8).
    OwnEndDate,
    /// The slug belongs to a project, or belonged to one until less than 90 days ago (P2).
    SlugTaken,
    /// An account has this address.
    EmailTaken,
    /// The account has this address already.
    EmailUnchanged,
    /// The address or the password is wrong; it isn't told which.
    CredentialsWrong,
    /// The present password was not entered correctly.
    CurrentPasswordWrong,
    /// The person has to enter their password again before this is done (J7).
    ConfirmationNeeded,
    /// Accounts can be created by invitation only.
    SignUpClosed,
    /// The person is a member of the organization already.
    AlreadyMember,
    /// The address has an open invitation to the organization already (M3).
    AlreadyInvited,
    /// There are more addresses in one request than are allowed.
    TooManyAddresses,
    /// The person is not, or no longer, a member of the organization.
    NotAMember,
    /// The invitation expired (M3).
    InvitationExpired,
    /// The invitation was revoked (M3).
    InvitationRevoked,
    /// The invitation was accepted already: it is single-use (M3).
    InvitationAccepted,
    /// The invitation is for another address (M4).
    InvitationForAnother,
    /// The entered address is not the one that was invited (M4).
    NotTheInvited,
    /// Additional projects are switched off for the organization (P1).
    ProjectsSwitchedOff,
    /// The Default Project can't be deleted without its organization (D1, P4).
    DefaultProjectKept,
    /// The typed confirmation is wrong (W2, P4).
    ConfirmationWrong,
    /// Only the Owner may do this (W2).
    OwnerOnly,
    /// Ownership can be transferred only to another Admin of the organization (W2).
    NotAnAdmin,
    /// A person who owns an organization can't delete their account (W1).
    OwnsOrganization,
    /// The organization has other members, projects or resources, so it is not deleted.
    OrganizationInUse,
    /// The link was used, or has expired.
    LinkDead,
    /// There is no mail server, so no mail with a link can be sent.
    NoMail,
    /// Not an SSH public key (E4).
    SshKeyInvalid,
    /// A key, or a text about one, in a form that isn't accepted (E4).
    SshKeyFormat(SshKeyFormat),
    /// An SSH private key, which must never be given away (E4).
    SshKeyPrivate,
    /// An SSH public key of a kind or length that is too weak (E4).
    SshKeyWeak,
    /// The SSH public key belongs to an account already (E4).
    SshKeyTaken,
    /// Another account registered the SSH public key: adding it requires a proof of its private half (J10).
    SshKeyNeedsProof,
    /// Not a valid signature of that text by that key (J10).
    SshSignatureInvalid,
    /// The account has the largest number of SSH keys.
    TooManySshKeys,
    /// Only project Admins may create keys with the scope `manage` (K11).
    ManageKeyForAdmins,
    /// This person created API keys with the scope `manage`: lowering their role requires a decision about each.
    ManageKeysDecide(UserId),
    /// The API key is revoked or expired, so it can't be changed (K6, K7).
    KeyOver,
    /// The API key already has a successor, and an expiration (K7).
    KeyRotated,
    /// The Organization Default Key can be regenerated, never revoked (K8).
    DefaultKeyKept,
    /// None of the keys was chosen to be revoked (J3).
    NothingChosen,
    /// No API key came with the request (K1).
    KeyMissing,
    /// There is no such API key, and never was (K3).
    KeyInvalid,
    /// The API key reached its expiration (K6).
    KeyExpired,
    /// The API key was revoked (K7).
    KeyRevoked,
    /// The gateway token is unknown.
    GatewayUnknown,
    /// A valid gateway token has this name.
    GatewayNameTaken,
    /// The meter token is unknown.
    MeterUnknown,
    /// A valid meter token has this name.
    MeterNameTaken,
    /// The project has a resource of this kind and name.
    ResourceNameTaken,
    /// Not a state of this kind of resource.
    StateInvalid,
    /// The project still has resources, so it is not deleted (P4).
    ProjectHasResources,
    /// A record of usage with an impossible time or amount. Records are numbered by their position in the report, the
    /// first as 0.
    UsageInvalid {
        /// Its position.
        record: u16,
    },
    /// A record of usage with a larger amount than one record may have (E9).
    UsageTooLarge {
        /// Its position.
        record: u16,
    },
    /// A record of usage that has to be booked to another project than the key's (E9, D5).
    UsageElsewhere {
        /// Its position.
        record: u16,
    },
    /// A correction that names no record booked to this project, or that changes more than the amounts (E9).
    UsageCorrectionInvalid {
        /// Its position.
        record: u16,
    },
    /// A correction of a record that was corrected already (E9).
    UsageCorrected {
        /// Its position.
        record: u16,
    },
    /// Only a meter token or the Organization Default Key may report usage that names no project (E9).
    UsageNamesNoProject,
    /// There are more records of usage in one report than are allowed.
    TooManyRecords,
    /// Not a value of this field of a resource.
    DetailInvalid(ResourceField),
    /// The quota is reached (J12).
    QuotaReached {
        /// The quota.
        quota: Quota,
        /// Its limit.
        limit: u32,
    },
    /// Too many attempts; try again after this many seconds.
    TooManyAttempts {
        /// Seconds until the next attempt can succeed.
        retry_after: u32,
    },
}

impl Refusal {
    /// Returns after how many seconds the same request may succeed; `None` if waiting doesn't help.
    #[must_use]
    pub const fn retry_after(self) -> Option<u32> {
        if let Self::TooManyAttempts { retry_after } = self {
            return Some(retry_after);
        }
        if let Self::QuotaReached { quota, .. } = self {
            return quota.retry_after();
        }
        None
    }

    /// Returns its stable code, for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::FilledInByAnother => "signed_in_as_another",
            Self::AlreadySent => "already_sent",
            Self::SessionWasOver => "session_was_over",
            Self::Hidden => "not_found",
            Self::Forbidden(_) => "forbidden",
            Self::Malformed => "malformed",
            Self::CursorInvalid => "cursor_invalid",
            Self::EmailInvalid => "email_invalid",
            Self::EmailSeveral => "email_several",
            Self::EmailNotAscii => "email_not_ascii",
            Self::NameInvalid => "name_invalid",
            Self::NameConfusable => "name_confusable",
            Self::SlugInvalid => "slug_invalid",
            Self::PasswordInvalid => "password_invalid",
            Self::PasswordWeak(weakness) => weakness.code(),
            Self::EndDateInvalid => "end_date_invalid",
            Self::UserNotFound => "user_not_found",
            Self::NotInOrganization => "not_in_organization",
            Self::CannotAdd => "cannot_add",
            Self::AlreadyCollaborator => "already_collaborator",
            Self::NotACollaborator => "not_a_collaborator",
            Self::ExternalInDefaultProject => "external_in_default_project",
            Self::DefaultProjectForAll => "default_project_for_all",
            Self::OwnerProtected => "owner_protected",
            Self::OrganizationAdminProtected => "organization_admin_protected",
            Self::NoEndDate => "no_end_date",
            Self::OwnEndDate => "own_end_date",
            Self::SlugTaken => "slug_taken",
            Self::EmailTaken => "email_taken",
            Self::EmailUnchanged => "email_unchanged",
            Self::CredentialsWrong => "credentials_wrong",
            Self::CurrentPasswordWrong => "current_password_wrong",
            Self::ConfirmationNeeded => "confirmation_needed",
            Self::SignUpClosed => "sign_up_closed",
            Self::AlreadyMember => "already_member",
            Self::AlreadyInvited => "already_invited",
            Self::TooManyAddresses => "too_many_addresses",
            Self::NotAMember => "not_a_member",
            Self::InvitationExpired => "invitation_expired",
            Self::InvitationRevoked => "invitation_revoked",
            Self::InvitationAccepted => "invitation_accepted",
            Self::InvitationForAnother => "invitation_for_another",
            Self::NotTheInvited => "not_the_invited",
            Self::ProjectsSwitchedOff => "projects_switched_off",
            Self::DefaultProjectKept => "default_project_kept",
            Self::ConfirmationWrong => "confirmation_wrong",
            Self::OwnerOnly => "owner_only",
            Self::NotAnAdmin => "not_an_admin",
            Self::OwnsOrganization => "owns_organization",
            Self::OrganizationInUse => "organization_in_use",
            Self::LinkDead => "link_dead",
            Self::NoMail => "no_mail",
            Self::SshKeyInvalid => "ssh_key_invalid",
            Self::SshKeyFormat(format) => format.code(),
            Self::SshKeyPrivate => "ssh_key_private",
            Self::SshKeyWeak => "ssh_key_weak",
            Self::SshKeyTaken => "ssh_key_taken",
            Self::SshKeyNeedsProof => "ssh_key_needs_proof",
            Self::SshSignatureInvalid => "ssh_signature_invalid",
            Self::TooManySshKeys => "too_many_ssh_keys",
            Self::ManageKeyForAdmins => "manage_key_for_admins",
            Self::ManageKeysDecide(_) => "manage_keys_decide",
            Self::KeyOver => "key_over",
            Self::KeyRotated => "key_rotated",
            Self::DefaultKeyKept => "default_key_kept",
            Self::NothingChosen => "nothing_chosen",
            Self::KeyMissing => "key_missing",
            Self::KeyInvalid => "key_invalid",
            Self::KeyExpired => "key_expired",
            Self::KeyRevoked => "key_revoked",
            Self::GatewayUnknown => "gateway_unknown",
            Self::GatewayNameTaken => "gateway_name_taken",
            Self::MeterUnknown => "meter_unknown",
            Self::MeterNameTaken => "meter_name_taken",
            Self::ResourceNameTaken => "resource_name_taken",
            Self::StateInvalid => "state_invalid",
            Self::ProjectHasResources => "project_has_resources",
            Self::UsageInvalid { .. } => "usage_invalid",
            Self::UsageTooLarge { .. } => "usage_too_large",
            Self::UsageElsewhere { .. } => "usage_elsewhere",
            Self::UsageCorrectionInvalid { .. } => "usage_correction_invalid",
            Self::UsageCorrected { .. } => "usage_corrected",
            Self::UsageNamesNoProject => "usage_names_no_project",
            Self::TooManyRecords => "too_many_records",
            Self::DetailInvalid(_) => "detail_invalid",
            Self::QuotaReached { .. } => "quota_reached",
            Self::TooManyAttempts { .. } => "too_many_attempts",
        }
    }
}
