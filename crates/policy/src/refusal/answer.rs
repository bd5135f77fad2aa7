//! The HTTP status of a refusal, and the field it is about.
//!
//! Owns these two tables. It must not know codes or texts.

use super::{Field, Refusal};

impl Refusal {
    /// Returns the HTTP status of the answer.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed | Self::CursorInvalid => 400,
            Self::SignedOut
            | Self::SessionWasOver
            | Self::KeyMissing
            | Self::KeyInvalid
            | Self::KeyExpired
            | Self::KeyRevoked
            | Self::GatewayUnknown
            | Self::MeterUnknown => 401,
            Self::InvitationForAnother
            | Self::ProjectsSwitchedOff
            | Self::OwnerOnly
            | Self::Forbidden(_)
            | Self::SignUpClosed
            | Self::UsageNamesNoProject
            | Self::ManageKeyForAdmins => 403,
            Self::NotAMember | Self::Hidden | Self::NotACollaborator => 404,
            Self::AlreadyMember
            | Self::AlreadyInvited
            | Self::DefaultProjectKept
            | Self::NotAnAdmin
            | Self::OwnsOrganization
            | Self::OrganizationInUse
            | Self::NoMail
            | Self::SshKeyTaken
            | Self::TooManySshKeys
            | Self::AlreadyCollaborator
            | Self::DefaultProjectForAll
            | Self::OwnerProtected
            | Self::OrganizationAdminProtected
            | Self::NoEndDate
            | Self::OwnEndDate
            | Self::SlugTaken
            | Self::EmailTaken
            | Self::EmailUnchanged
            | Self::FilledInByAnother
            | Self::AlreadySent
            | Self::ManageKeysDecide(_)
            | Self::KeyOver
            | Self::KeyRotated
            | Self::DefaultKeyKept
            | Self::GatewayNameTaken
            | Self::MeterNameTaken
            | Self::SshKeyNeedsProof
            | Self::UsageCorrected { .. }
            | Self::ResourceNameTaken
            | Self::ProjectHasResources => 409,
            Self::TooManyAddresses
            | Self::NotTheInvited
            | Self::NothingChosen
            | Self::ConfirmationWrong
            | Self::SshKeyInvalid
            | Self::SshKeyFormat(_)
            | Self::SshKeyPrivate
            | Self::SshKeyWeak
            | Self::EmailInvalid
            | Self::EmailSeveral
            | Self::EmailNotAscii
            | Self::NameInvalid
            | Self::NameConfusable
            | Self::SlugInvalid
            | Self::PasswordInvalid
            | Self::PasswordWeak(_)
            | Self::EndDateInvalid
            | Self::UserNotFound
            | Self::NotInOrganization
            | Self::CannotAdd
            | Self::ExternalInDefaultProject
            | Self::CredentialsWrong
            | Self::CurrentPasswordWrong
            | Self::ConfirmationNeeded
            | Self::StateInvalid
            | Self::UsageInvalid { .. }
            | Self::UsageTooLarge { .. }
            | Self::UsageElsewhere { .. }
            | Self::UsageCorrectionInvalid { .. }
            | Self::SshSignatureInvalid
            | Self::TooManyRecords
            | Self::DetailInvalid(_) => 422,
            Self::InvitationExpired | Self::InvitationRevoked | Self::InvitationAccepted | Self::LinkDead => 410,
            // There will be room after waiting, or after somebody removed something.
            Self::QuotaReached { quota, .. } => match quota.retry_after() {
                Some(_) => 429,
                None => 409,
            },
            Self::TooManyAttempts { .. } => 429,
        }
    }

    /// Returns the field it is about, so that it is shown beside the field (N3).
    #[must_use]
    pub const fn field(self) -> Option<Field> {
        match self {
            Self::AlreadyMember
            | Self::AlreadyInvited
            | Self::TooManyAddresses
            | Self::NotTheInvited
            | Self::EmailInvalid
            | Self::EmailSeveral
            | Self::EmailNotAscii
            | Self::UserNotFound
            | Self::NotInOrganization
            | Self::CannotAdd
            | Self::AlreadyCollaborator
            | Self::ExternalInDefaultProject
            | Self::EmailTaken
            | Self::EmailUnchanged => Some(Field::Email),
            Self::NameInvalid
            | Self::NameConfusable
            | Self::GatewayNameTaken
            | Self::MeterNameTaken
            | Self::ResourceNameTaken => Some(Field::Name),
            Self::SshKeyNeedsProof | Self::SshSignatureInvalid => Some(Field::Signature),
            Self::StateInvalid => Some(Field::State),
            Self::DetailInvalid(field) => Some(Field::Detail(field)),
            Self::SlugInvalid | Self::SlugTaken => Some(Field::Slug),
            Self::PasswordInvalid | Self::PasswordWeak(_) => Some(Field::Password),
            Self::ConfirmationWrong => Some(Field::Confirmation),
            Self::SshKeyInvalid
            | Self::SshKeyFormat(_)
            | Self::SshKeyPrivate
            | Self::SshKeyWeak
            | Self::SshKeyTaken
            | Self::TooManySshKeys => Some(Field::PublicKey),
            Self::CurrentPasswordWrong | Self::ConfirmationNeeded => Some(Field::CurrentPassword),
            Self::EndDateInvalid | Self::OwnEndDate | Self::NoEndDate => Some(Field::ExpiresOn),
            Self::NotAMember
            | Self::InvitationExpired
            | Self::InvitationRevoked
            | Self::InvitationAccepted
            | Self::InvitationForAnother
            | Self::ProjectsSwitchedOff
            | Self::DefaultProjectKept
            | Self::OwnerOnly
            | Self::NotAnAdmin
            | Self::OwnsOrganization
            | Self::OrganizationInUse
            | Self::LinkDead
            | Self::NoMail
            | Self::SignedOut
            | Self::FilledInByAnother
            | Self::AlreadySent
            | Self::SessionWasOver
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
            | Self::ManageKeyForAdmins
            | Self::ManageKeysDecide(_)
            | Self::KeyOver
            | Self::KeyRotated
            | Self::DefaultKeyKept
            | Self::NothingChosen
            | Self::KeyMissing
            | Self::KeyInvalid
            | Self::KeyExpired
            | Self::KeyRevoked
            | Self::GatewayUnknown
            | Self::ProjectHasResources
            | Self::MeterUnknown
            | Self::UsageInvalid { .. }
            | Self::UsageTooLarge { .. }
            | Self::UsageElsewhere { .. }
            | Self::UsageCorrectionInvalid { .. }
            | Self::UsageCorrected { .. }
            | Self::UsageNamesNoProject
            | Self::TooManyRecords
            | Self::QuotaReached { .. }
            | Self::TooManyAttempts { .. } => None,
        }
    }
}
