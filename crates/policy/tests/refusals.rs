//! R2, N3: refusals are a closed list of stable codes.

use std::collections::HashSet;

use policy::{Permission, Quota, Refusal, ResourceField, SshKeyFormat, UserId, Weakness};

/// Every refusal. One more, and this does not compile until it is here too.
fn all() -> Vec<Refusal> {
    let mut all = vec![Refusal::SignedOut];
    loop {
        let next = match all[all.len() - 1] {
            Refusal::SignedOut => Refusal::FilledInByAnother,
            Refusal::FilledInByAnother => Refusal::AlreadySent,
            Refusal::AlreadySent => Refusal::SessionWasOver,
            Refusal::SessionWasOver => Refusal::Hidden,
            Refusal::Hidden => Refusal::Forbidden(Permission::CollaboratorAdd),
            Refusal::Forbidden(_) => Refusal::Malformed,
            Refusal::Malformed => Refusal::CursorInvalid,
            Refusal::CursorInvalid => Refusal::EmailInvalid,
            Refusal::EmailInvalid => Refusal::EmailSeveral,
            Refusal::EmailSeveral => Refusal::EmailNotAscii,
            Refusal::EmailNotAscii => Refusal::NameInvalid,
            Refusal::NameInvalid => Refusal::NameConfusable,
            Refusal::NameConfusable => Refusal::SlugInvalid,
            Refusal::SlugInvalid => Refusal::PasswordInvalid,
            Refusal::PasswordInvalid => Refusal::PasswordWeak(Weakness::ALL[0]),
            Refusal::PasswordWeak(weakness) => {
                let next = Weakness::ALL.iter().skip_while(|one| **one != weakness).nth(1);
                next.map_or(Refusal::EndDateInvalid, |next| Refusal::PasswordWeak(*next))
            }
            Refusal::EndDateInvalid => Refusal::UserNotFound,
            Refusal::UserNotFound => Refusal::NotInOrganization,
            Refusal::NotInOrganization => Refusal::CannotAdd,
            Refusal::CannotAdd => Refusal::AlreadyCollaborator,
            Refusal::AlreadyCollaborator => Refusal::NotACollaborator,
            Refusal::NotACollaborator => Refusal::ExternalInDefaultProject,
            Refusal::ExternalInDefaultProject => Refusal::DefaultProjectForAll,
            Refusal::DefaultProjectForAll => Refusal::OwnerProtected,
            Refusal::OwnerProtected => Refusal::OrganizationAdminProtected,
            Refusal::OrganizationAdminProtected => Refusal::NoEndDate,
            Refusal::NoEndDate => Refusal::OwnEndDate,
            Refusal::OwnEndDate => Refusal::SlugTaken,
            Refusal::SlugTaken => Refusal::EmailTaken,
            Refusal::EmailTaken => Refusal::EmailUnchanged,
            Refusal::EmailUnchanged => Refusal::CredentialsWrong,
            Refusal::CredentialsWrong => Refusal::CurrentPasswordWrong,
            Refusal::CurrentPasswordWrong => Refusal::ConfirmationNeeded,
            Refusal::ConfirmationNeeded => Refusal::SignUpClosed,
            Refusal::SignUpClosed => Refusal::AlreadyMember,
            Refusal::AlreadyMember => Refusal::AlreadyInvited,
            Refusal::AlreadyInvited => Refusal::TooManyAddresses,
            Refusal::TooManyAddresses => Refusal::NotAMember,
            Refusal::NotAMember => Refusal::InvitationExpired,
            Refusal::InvitationExpired => Refusal::InvitationRevoked,
            Refusal::InvitationRevoked => Refusal::InvitationAccepted,
            Refusal::InvitationAccepted => Refusal::InvitationForAnother,
            Refusal::InvitationForAnother => Refusal::NotTheInvited,
            Refusal::NotTheInvited => Refusal::ProjectsSwitchedOff,
            Refusal::ProjectsSwitchedOff => Refusal::DefaultProjectKept,
            Refusal::DefaultProjectKept => Refusal::ConfirmationWrong,
            Refusal::ConfirmationWrong => Refusal::OwnerOnly,
            Refusal::OwnerOnly => Refusal::NotAnAdmin,
            Refusal::NotAnAdmin => Refusal::OwnsOrganization,
            Refusal::OwnsOrganization => Refusal::OrganizationInUse,
            Refusal::OrganizationInUse => Refusal::LinkDead,
            Refusal::LinkDead => Refusal::NoMail,
            Refusal::NoMail => Refusal::SshKeyInvalid,
            Refusal::SshKeyInvalid => Refusal::SshKeyFormat(SshKeyFormat::ALL[0]),
            Refusal::SshKeyFormat(format) => {
                let next = SshKeyFormat::ALL.iter().skip_while(|one| **one != format).nth(1);
                next.map_or(Refusal::SshKeyPrivate, |next| Refusal::SshKeyFormat(*next))
            }
            Refusal::SshKeyPrivate => Refusal::SshKeyWeak,
            Refusal::SshKeyWeak => Refusal::SshKeyTaken,
            Refusal::SshKeyTaken => Refusal::SshKeyNeedsProof,
            Refusal::SshKeyNeedsProof => Refusal::SshSignatureInvalid,
            Refusal::SshSignatureInvalid => Refusal::TooManySshKeys,
            Refusal::TooManySshKeys => Refusal::ManageKeyForAdmins,
            Refusal::ManageKeyForAdmins => Refusal::ManageKeysDecide(UserId::NOBODY),
            Refusal::ManageKeysDecide(_) => Refusal::KeyOver,
            Refusal::KeyOver => Refusal::KeyRotated,
            Refusal::KeyRotated => Refusal::DefaultKeyKept,
            Refusal::DefaultKeyKept => Refusal::NothingChosen,
            Refusal::NothingChosen => Refusal::KeyMissing,
            Refusal::KeyMissing => Refusal::KeyInvalid,
            Refusal::KeyInvalid => Refusal::KeyExpired,
            Refusal::KeyExpired => Refusal::KeyRevoked,
            Refusal::KeyRevoked => Refusal::GatewayUnknown,
            Refusal::GatewayUnknown => Refusal::GatewayNameTaken,
            Refusal::GatewayNameTaken => Refusal::MeterUnknown,
            Refusal::MeterUnknown => Refusal::MeterNameTaken,
            Refusal::MeterNameTaken => Refusal::ResourceNameTaken,
            Refusal::ResourceNameTaken => Refusal::StateInvalid,
            Refusal::StateInvalid => Refusal::ProjectHasResources,
            Refusal::ProjectHasResources => Refusal::UsageInvalid { record: 7 },
            Refusal::UsageInvalid { .. } => Refusal::UsageTooLarge { record: 7 },
            Refusal::UsageTooLarge { .. } => Refusal::UsageElsewhere { record: 7 },
            Refusal::UsageElsewhere { .. } => Refusal::UsageCorrectionInvalid { record: 7 },
            Refusal::UsageCorrectionInvalid { .. } => Refusal::UsageCorrected { record: 7 },
            Refusal::UsageCorrected { .. } => Refusal::UsageNamesNoProject,
            Refusal::UsageNamesNoProject => Refusal::TooManyRecords,
            Refusal::TooManyRecords => Refusal::DetailInvalid(ResourceField::Nodes),
            Refusal::DetailInvalid(_) => Refusal::TooManyAttempts { retry_after: 90 },
            Refusal::TooManyAttempts { .. } => Refusal::QuotaReached {
                quota: Quota::Projects,
                limit: 200,
            },
            Refusal::QuotaReached { .. } => return all,
        };
        all.push(next);
    }
}

#[test]
fn codes_statuses_and_fields_are_the_documented_ones() {
    let mut table = String::new();
    for refusal in all() {
        let field = refusal
            .field()
            .map_or(String::new(), |field| format!(" {}", serde_json::json!(field)));
        table.push_str(&format!("{} {}{field}\n", refusal.status(), refusal.code()));
    }
    insta::assert_snapshot!(table);
}

#[test]
fn every_code_is_used_once() {
    let codes: Vec<_> = all().into_iter().map(Refusal::code).collect();
    assert_eq!(codes.iter().collect::<HashSet<_>>().len(), codes.len());
    assert!(
        codes
            .iter()
            .all(|code| code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
    );
}

/// A refusal is the asker's to mend: never a 5xx, never a success.
#[test]
fn every_status_is_a_client_error() {
    for refusal in all() {
        assert!((400..500).contains(&refusal.status()), "{refusal:?}");
    }
}

/// N3: what was typed wrong is said beside the field it was typed in; what no field is about is not.
#[test]
fn a_status_fits_what_the_refusal_is_about() {
    for refusal in all() {
        match refusal.status() {
            // The answer is not about what was typed, but about who asks, or about what is there.
            400 | 401 | 403 | 404 | 410 | 429 => assert_eq!(refusal.field(), None, "{refusal:?}"),
            // It clashes with something that is there, whether that was typed or not.
            409 => {}
            // Something typed cannot be taken as it is. Which of address and password is wrong is not told; a report of
            // usage is typed by nobody; and what wasn't chosen is in no field.
            422 => assert!(
                refusal.field().is_some()
                    || matches!(
                        refusal,
                        Refusal::CredentialsWrong
                            | Refusal::UsageInvalid { .. }
                            | Refusal::UsageTooLarge { .. }
                            | Refusal::UsageElsewhere { .. }
                            | Refusal::UsageCorrectionInvalid { .. }
                            | Refusal::TooManyRecords
                            | Refusal::NothingChosen
                    ),
                "{refusal:?}"
            ),
            status => panic!("{refusal:?} {status}"),
        }
    }
}

/// M3: each end an invitation can come to has an answer of its own; a dead link is gone, not merely refused.
#[test]
fn links_that_lead_nowhere_any_more_are_gone() {
    let gone: Vec<_> = all()
        .into_iter()
        .filter(|refusal| refusal.status() == 410)
        .map(Refusal::code)
        .collect();
    let expected = [
        "invitation_expired",
        "invitation_revoked",
        "invitation_accepted",
        "link_dead",
    ];
    assert_eq!(gone, expected);
}

#[test]
fn refusals_survive_the_way_to_the_browser() {
    for refusal in all() {
        let json = serde_json::to_string(&refusal).unwrap();
        assert_eq!(serde_json::from_str::<Refusal>(&json).unwrap(), refusal, "{json}");
    }
    for &permission in Permission::ALL {
        let json = serde_json::to_string(&Refusal::Forbidden(permission)).unwrap();
        assert_eq!(
            serde_json::from_str::<Refusal>(&json).unwrap(),
            Refusal::Forbidden(permission),
            "{json}"
        );
    }
}
