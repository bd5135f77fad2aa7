//! Every answer that says no, as a closed list: what happened, never words from inside.
//!
//! A refusal has a stable code, an HTTP status and, where it is about something typed, the field. The words a person
//! reads belong to the console.

mod answer;

use serde::{Deserialize, Serialize};

use crate::{Permission, Quota, ResourceField, SshKeyFormat, UserId, Weakness};

/// The input a refusal is about; as named in forms and JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// An email address.
    Email,
    /// A password.
    Password,
    /// The password in force, asked for before a new one.
    CurrentPassword,
    /// A name.
    Name,
    /// A slug.
    Slug,
    /// A role.
    Role,
    /// An end date.
    ExpiresOn,
    /// A name typed to confirm something dangerous.
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
    /// The form was filled in by somebody else than who is signed in now.
    FilledInByAnother,
    /// The same form was sent a moment ago, and is done.
    AlreadySent,
    /// Nobody was signed in any more when the form was sent. Told once they are again.
    SessionWasOver,
    /// There is no such thing, or not for the one who asks (P3).
    Hidden,
    /// The role does not permit this (R2).
    Forbidden(Permission),
    /// The request is not of the form it must have.
    Malformed,
    /// The place in a list is not one that a list gave out.
    CursorInvalid,
    /// Not an email address (C3).
    EmailInvalid,
    /// Several addresses where one is asked for.
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
    /// One of the two above, not told which (X6).
    CannotAdd,
    /// The person has access already (C3).
    AlreadyCollaborator,
    /// The person has no access to the project, so there is nothing to change.
    NotACollaborator,
    /// No External Collaborators in a Default Project (D4).
    ExternalInDefaultProject,
    /// Nobody leaves the Default Project (D3).
    DefaultProjectForAll,
    /// The Owner cannot be demoted or removed (W1).
    OwnerProtected,
    /// An organization Admin is an Admin of every project (C4).
    OrganizationAdminProtected,
    /// Access that follows from membership has no end date (C8).
    NoEndDate,
    /// Nobody extends their own access (C8).
    OwnEndDate,
    /// The slug belongs to a project, or did until less than 90 days ago (P2).
    SlugTaken,
    /// An account has this address.
    EmailTaken,
    /// The account has this address already.
    EmailUnchanged,
    /// Address or password are wrong; not told which.
    CredentialsWrong,
    /// The password in force was not given right.
    CurrentPasswordWrong,
    /// The person has to give their password again before this is done (J7).
    ConfirmationNeeded,
    /// Accounts are made by invitation.
    SignUpClosed,
    /// The person is a member of the organization already.
    AlreadyMember,
    /// The address has an open invitation to the organization already (M3).
    AlreadyInvited,
    /// More addresses at once than are taken.
    TooManyAddresses,
    /// The person is no member of the organization (any more).
    NotAMember,
    /// The invitation lapsed (M3).
    InvitationExpired,
    /// The invitation was revoked (M3).
    InvitationRevoked,
    /// The invitation was accepted already: it is single-use (M3).
    InvitationAccepted,
    /// The invitation is for another address (M4).
    InvitationForAnother,
    /// The address named is not the one that was invited (M4).
    NotTheInvited,
    /// Additional projects are switched off for the organization (P1).
    ProjectsSwitchedOff,
    /// The Default Project stays as long as its organization (D1, P4).
    DefaultProjectKept,
    /// What was typed to confirm is not what was asked for (W2, P4).
    ConfirmationWrong,
    /// The Owner alone may do this (W2).
    OwnerOnly,
    /// Ownership goes to another Admin of the organization only (W2).
    NotAnAdmin,
    /// Whoever owns an organization cannot delete their account (W1).
    OwnsOrganization,
    /// The organization has other members or projects, so it is not deleted.
    OrganizationInUse,
    /// The link to a new password was used, or is too old.
    LinkDead,
    /// There is no mail server, so no mail with a link can be sent.
    NoMail,
    /// Not an SSH public key (E4).
    SshKeyInvalid,
    /// A key, or something about one, in a form that isn't taken (E4).
    SshKeyFormat(SshKeyFormat),
    /// An SSH private key, which must never be given away (E4).
    SshKeyPrivate,
    /// An SSH public key of a kind or length that is too weak (E4).
    SshKeyWeak,
    /// The SSH public key belongs to an account already (E4).
    SshKeyTaken,
    /// Somebody else has registered the SSH public key: it is for whoever shows that they hold its private half (J10).
    SshKeyNeedsProof,
    /// Not a signature of that text by that key (J10).
    SshSignatureInvalid,
    /// The account has as many SSH keys as it may have.
    TooManySshKeys,
    /// Only project Admins make keys that manage (K11).
    ManageKeyForAdmins,
    /// This person made API keys that manage: whoever lowers their role says what becomes of each.
    ManageKeysDecide(UserId),
    /// The API key is revoked or expired: there is nothing left to change (K6, K7).
    KeyOver,
    /// The API key has a successor already, and an end (K7).
    KeyRotated,
    /// The Organization Default Key is regenerated, never revoked (K8).
    DefaultKeyKept,
    /// Of the keys to revoke none was chosen (J3).
    NothingChosen,
    /// No API key came with the request (K1).
    KeyMissing,
    /// No API key there is, or ever was (K3).
    KeyInvalid,
    /// The API key reached its expiration (K6).
    KeyExpired,
    /// The API key was revoked (K7).
    KeyRevoked,
    /// No gateway that the operator let in.
    GatewayUnknown,
    /// A gateway token of this name is good.
    GatewayNameTaken,
    /// No meter that the operator let report.
    MeterUnknown,
    /// A meter token of this name is good.
    MeterNameTaken,
    /// The project has a resource of this kind and name.
    ResourceNameTaken,
    /// No state that a resource of this kind can be in.
    StateInvalid,
    /// The project still has resources, so it is not deleted (P4).
    ProjectHasResources,
    /// A record of usage with a time or an amount that cannot be: the one at this place in the report, the first at 0.
    UsageInvalid {
        /// The place.
        record: u16,
    },
    /// A record of usage with a larger amount than one record may have (E9).
    UsageTooLarge {
        /// The place.
        record: u16,
    },
    /// A record of usage that belongs on other books than the key's project's (E9, D5).
    UsageElsewhere {
        /// The place.
        record: u16,
    },
    /// A correction that names no record on these books, or says other things of it than amounts (E9).
    UsageCorrectionInvalid {
        /// The place.
        record: u16,
    },
    /// A correction of a record that was corrected already (E9).
    UsageCorrected {
        /// The place.
        record: u16,
    },
    /// Usage that names no project is reported by a meter token or the Organization Default Key alone (E9).
    UsageNamesNoProject,
    /// More records of usage at once than are taken.
    TooManyRecords,
    /// Not a value of this field of a resource.
    DetailInvalid(ResourceField),
    /// There are as many of these as there may be (J12).
    QuotaReached {
        /// Of what.
        quota: Quota,
        /// How many there may be.
        limit: u32,
    },
    /// Too many attempts; try again after this many seconds.
    TooManyAttempts {
        /// Seconds until the next attempt can succeed.
        retry_after: u32,
    },
}

impl Refusal {
    /// After how many seconds the same may succeed; `None` if waiting is of no use.
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

    /// Its stable code, for programs.
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
