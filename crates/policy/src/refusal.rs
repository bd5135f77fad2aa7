//! Every answer that says no, as a closed list: what happened, never words from inside.
//!
//! A refusal has a stable code, an HTTP status and, where it is about something typed, the field. The words a person
//! reads belong to the console.

use serde::{Deserialize, Serialize};

use crate::Permission;

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
}

/// Why something was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Nobody is signed in.
    SignedOut,
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
    /// Not a name.
    NameInvalid,
    /// Not a slug (P2).
    SlugInvalid,
    /// A password too short or too long.
    PasswordInvalid,
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
    /// Address or password are wrong; not told which.
    CredentialsWrong,
    /// The password in force was not given right.
    CurrentPasswordWrong,
    /// Accounts are made by invitation.
    SignUpClosed,
    /// Too many attempts; try again after this many seconds.
    TooManyAttempts {
        /// Seconds until the next attempt can succeed.
        retry_after: u32,
    },
}

impl Refusal {
    /// Its stable code, for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Hidden => "not_found",
            Self::Forbidden(_) => "forbidden",
            Self::Malformed => "malformed",
            Self::CursorInvalid => "cursor_invalid",
            Self::EmailInvalid => "email_invalid",
            Self::NameInvalid => "name_invalid",
            Self::SlugInvalid => "slug_invalid",
            Self::PasswordInvalid => "password_invalid",
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
            Self::CredentialsWrong => "credentials_wrong",
            Self::CurrentPasswordWrong => "current_password_wrong",
            Self::SignUpClosed => "sign_up_closed",
            Self::TooManyAttempts { .. } => "too_many_attempts",
        }
    }

    /// The HTTP status it answers with.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed | Self::CursorInvalid => 400,
            Self::SignedOut => 401,
            Self::Forbidden(_) | Self::SignUpClosed => 403,
            Self::Hidden | Self::NotACollaborator => 404,
            Self::AlreadyCollaborator
            | Self::DefaultProjectForAll
            | Self::OwnerProtected
            | Self::OrganizationAdminProtected
            | Self::NoEndDate
            | Self::OwnEndDate
            | Self::SlugTaken
            | Self::EmailTaken => 409,
            Self::EmailInvalid
            | Self::NameInvalid
            | Self::SlugInvalid
            | Self::PasswordInvalid
            | Self::EndDateInvalid
            | Self::UserNotFound
            | Self::NotInOrganization
            | Self::CannotAdd
            | Self::ExternalInDefaultProject
            | Self::CredentialsWrong
            | Self::CurrentPasswordWrong => 422,
            Self::TooManyAttempts { .. } => 429,
        }
    }

    /// The field it is about, so that it is shown beside it (N3).
    #[must_use]
    pub const fn field(self) -> Option<Field> {
        match self {
            Self::EmailInvalid
            | Self::UserNotFound
            | Self::NotInOrganization
            | Self::CannotAdd
            | Self::AlreadyCollaborator
            | Self::ExternalInDefaultProject
            | Self::EmailTaken => Some(Field::Email),
            Self::NameInvalid => Some(Field::Name),
            Self::SlugInvalid | Self::SlugTaken => Some(Field::Slug),
            Self::PasswordInvalid => Some(Field::Password),
            Self::CurrentPasswordWrong => Some(Field::CurrentPassword),
            Self::EndDateInvalid | Self::OwnEndDate | Self::NoEndDate => Some(Field::ExpiresOn),
            Self::SignedOut
            | Self::Hidden
            | Self::Forbidden(_)
            | Self::Malformed
            | Self::CursorInvalid
            | Self::NotACollaborator
            | Self::DefaultProjectForAll
            | Self::OwnerProtected
            | Self::OrganizationAdminProtected
            | Self::CredentialsWrong
            | Self::SignUpClosed
            | Self::TooManyAttempts { .. } => None,
        }
    }
}
