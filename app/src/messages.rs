//! The texts that people read when something was done or went wrong: what happened, why, and what to do (N3).

use policy::{
    FieldInput, OrganizationRole, Permission, ProjectRole, Quota, Refusal, ResourceField, SshKeyFormat, Weakness,
};

use crate::{
    Problem,
    outcome::{Done, HowMade},
};

/// What was done.
pub(crate) fn done(done: &Done) -> String {
    match done {
        Done::SignedIn => "You’re signed in.".to_owned(),
        Done::SignedOut => "You’re signed out.".to_owned(),
        Done::Added { name } => format!("{name} was added as a Member."),
        Done::RoleChanged { name, role } => role_changed(name, *role),
        Done::Removed { name, .. } => format!("{name} was removed. Their access ended at once."),
        Done::Left => "You left the project.".to_owned(),
        Done::EndDateSet { name } => format!("The end date of {name}’s access was saved."),
        Done::EndDateCleared { name } => format!("{name}’s access no longer has an end date."),
        Done::Saved { .. } => "Your changes were saved.".to_owned(),
        Done::ExternalsRemoved { count: 1 } => "1 external collaborator was removed.".to_owned(),
        Done::ExternalsRemoved { count } => format!("{count} external collaborators were removed."),
        Done::MemberRoleChanged { name, role } => member_role_changed(name, *role),
        Done::MemberRemoved { name, .. } => {
            format!("{name} was removed from the organization. All access to its projects ended at once.")
        }
        Done::LeftOrganization => "You left the organization.".to_owned(),
        Done::Invited { sent, .. } if sent.len() == 1 => "1 invitation was sent.".to_owned(),
        Done::Invited { sent, .. } => format!("{} invitations were sent.", sent.len()),
        Done::InvitationResent { sent } => format!("The invitation for {} was sent again.", sent.email),
        Done::InvitationRevoked { email } => format!(
            "The invitation for {email} was revoked. \
                     Its link no longer works."
        ),
        Done::Joined { organization } => format!("You’re now a member of {organization}."),
        Done::ProjectCreated { name, .. } => format!("{name} was created. Add the people who work in it."),
        Done::ProjectDeleted { name } => format!("{name} was deleted."),
        Done::Transferred { name } => format!("{name} now owns the organization. You’re still an Admin of it."),
        Done::OrganizationDeleted => "The organization was deleted.".to_owned(),
        Done::ProfileSaved => "Your changes were saved.".to_owned(),
        Done::SessionEnded => "The session was signed out.".to_owned(),
        Done::OtherSessionsEnded => "You were signed out everywhere else.".to_owned(),
        Done::SshKeyAdded { name } => format!("The SSH key {name} was added."),
        Done::SshKeyRemoved { name } => format!("The SSH key {name} was removed. It no longer logs in to any cluster."),
        Done::KeyMade { name, how, .. } => key_made(name, *how),
        Done::KeyExpirationSet { name } => format!("The expiration of {name} was saved."),
        Done::KeyExpirationCancelled { name } => format!("The API key {name} no longer expires."),
        Done::KeyRevoked { name } => format!("The API key {name} was revoked. It no longer works."),
        Done::ResourceCreated { kind, name } => format!("The {} {name} was created.", kind.code()),
        Done::ResourceSaved { name } => format!("Your changes to {name} were saved."),
        Done::ResourceDeleted { kind, name } => format!("The {} {name} was deleted.", kind.code()),
        Done::AccountDeleted => "Your account was deleted.".to_owned(),
        Done::ResetRequested => {
            "If an account has this address, a mail with a link is on its way. The link works for one hour. If one \
             was sent in the last 15 minutes, use that one: no second mail is sent."
                .to_owned()
        }
        Done::PasswordReset { ends_everything } => password_reset(*ends_everything).to_owned(),
        Done::SignUpMailed { email } => format!("We’ve sent a link to {email}."),
        Done::AddressVerified { is_taken_over } => address_verified(*is_taken_over).to_owned(),
        Done::VerificationSent { email } => {
            format!("A link to verify your address is on its way to {email}. It works for 24 hours.")
        }
        Done::EmailChangeMailed { email } => {
            format!(
                "A link to confirm the change is on its way to {email}. It works for 24 hours; \
                until then, your address stays as it is."
            )
        }
        Done::EmailChanged { email } => format!("Your address is {email} now. Sign in with it from now on."),
        Done::EmailRestored => {
            "Your address and your account are yours again: all other sessions ended, and the SSH keys were removed. \
             Add yours again."
                .to_owned()
        }
        Done::MadeKeysRevoked { count: 1 } => "1 API key was revoked. It no longer works.".to_owned(),
        Done::MadeKeysRevoked { count } => format!("{count} API keys were revoked. They no longer work."),
        Done::PasswordChanged => "Your password was changed. You were signed out everywhere else.".to_owned(),
    }
}

fn role_changed(name: &str, role: ProjectRole) -> String {
    match role {
        ProjectRole::Admin => format!("{name} is now an Admin."),
        ProjectRole::Member => format!("{name} is now a Member."),
    }
}

fn member_role_changed(name: &str, role: OrganizationRole) -> String {
    match role {
        OrganizationRole::Admin => format!("{name} is now an Admin of the organization."),
        OrganizationRole::Member => format!("{name} is now a Member of the organization."),
    }
}

fn key_made(name: &str, how: HowMade) -> String {
    match how {
        HowMade::Created => format!("The API key {name} was created."),
        HowMade::Rotated => format!("The API key {name} was rotated."),
        HowMade::Regenerated => format!("The {name} has a new secret."),
    }
}

const fn password_reset(ends_everything: bool) -> &'static str {
    if ends_everything {
        "Your password was changed. You were signed out everywhere else, and your SSH keys were removed: add them \
         again."
    } else {
        "Your password was changed. You were signed out everywhere else."
    }
}

const fn address_verified(is_taken_over: bool) -> &'static str {
    if is_taken_over {
        "Your address is verified, and the account is yours alone: whoever used it until now was signed out, and \
         their SSH keys were removed."
    } else {
        "Your address is verified."
    }
}

/// Somebody else is signed in than who filled a form in.
pub(crate) fn another(name: &str) -> String {
    let now = if name.is_empty() {
        "Somebody else is signed in here now".to_owned()
    } else {
        format!("You are signed in as {name} now")
    };
    format!("{now}. What is on this page is another account’s: nothing was changed.")
}

/// What went wrong.
pub(crate) fn problem(problem: Problem) -> String {
    match problem {
        Problem::Refused(refusal) => refused(refusal),
        Problem::Unavailable => {
            "Roster can’t reach its database right now, so nothing was changed. Try again in a moment.".to_owned()
        }
        Problem::Busy => {
            "Many people are signing in at this moment, so your password wasn’t checked and nothing was changed. Try \
             again in a few seconds."
                .to_owned()
        }
        Problem::Internal => "Something went wrong on our side, and nothing was changed. \
             Try again; if it keeps happening, tell whoever runs this console."
            .to_owned(),
        Problem::Unreachable => "The server didn’t answer. Check your connection and try again.".to_owned(),
    }
}

fn refused(refusal: Refusal) -> String {
    let text = match refusal {
        Refusal::SignedOut => "You’re signed out. Sign in to go on.",
        Refusal::FilledInByAnother => return another(""),
        Refusal::AlreadySent => "This was sent twice at the same moment, and was done once. Reload the page to see it.",
        Refusal::SessionWasOver => {
            "Your session was over when you sent this, so nothing was changed. It’s kept as you typed it: look at it, \
             and send it again."
        }
        Refusal::Hidden => "There is nothing here, or nothing you have access to.",
        Refusal::Forbidden(permission) => return forbidden(permission),
        Refusal::Malformed => "This request isn’t one Roster understands. Reload the page and try again.",
        Refusal::CursorInvalid => {
            "This link leads to a place in a list that doesn’t exist. Start again from the first page."
        }
        Refusal::EmailInvalid => "Enter an email address, like name@example.com.",
        Refusal::EmailSeveral => "These are several addresses. Enter one email address here, and then the next.",
        Refusal::EmailNotAscii => {
            "Enter an email address with letters a–z, digits and signs like . + - before the @: most mailboxes with \
             other letters have one of that form, too."
        }
        Refusal::NameInvalid => {
            "Enter a name of 1 to 100 characters that can be seen, without line breaks or invisible characters."
        }
        Refusal::NameConfusable => {
            "A word of this name mixes letters of several alphabets that look alike. Type it again with letters of one."
        }
        Refusal::SlugInvalid => "Use 3 to 63 characters: a–z, 0–9 and hyphens, with no hyphen at either end.",
        Refusal::PasswordWeak(weakness) => weak(weakness),
        Refusal::PasswordInvalid => "Use 12 to 256 characters. A few unrelated words make a good password.",
        Refusal::EndDateInvalid => "Enter a date: today’s or a later one.",
        Refusal::UserNotFound => {
            "No account has this address, or it isn’t verified yet. Check the spelling, or ask them to sign up and \
             verify their address."
        }
        Refusal::NotInOrganization => {
            "This person isn’t a member of the organization. Invite them to it, or allow external collaborators in \
             the project’s settings."
        }
        Refusal::CannotAdd => {
            "This person can’t be added. Check the spelling, or ask a member of the organization to add them."
        }
        Refusal::AlreadyCollaborator => "This person already has access. Their role stayed as it was.",
        Refusal::NotACollaborator => "This person has no access to the project any more. Nothing was changed.",
        Refusal::ExternalInDefaultProject => {
            "The Default Project is for members of the organization only. Invite this person to it, or add them to \
             another project."
        }
        Refusal::DefaultProjectForAll => {
            "Every member of the organization is in the Default Project. To take it away, remove the person from the \
             organization."
        }
        Refusal::OwnerProtected => {
            "The Owner of the organization stays an Admin, and can’t be removed. Ownership has to be transferred first."
        }
        Refusal::OrganizationAdminProtected => {
            "Admins of the organization are Admins of every project. Change their organization role first."
        }
        Refusal::NoEndDate => "This access comes with membership of the organization, so it has no end date.",
        Refusal::OwnEndDate => "You can’t extend your own access. Ask another Admin.",
        Refusal::SlugTaken => "This slug is taken, or was until recently. Choose another.",
        Refusal::EmailTaken => "An account has this address already. Sign in instead.",
        Refusal::EmailUnchanged => "Your account has this address already. Enter another one.",
        Refusal::CredentialsWrong => "Email or password is wrong. Check both and try again.",
        Refusal::CurrentPasswordWrong => "This isn’t your current password.",
        Refusal::ConfirmationNeeded => {
            "Confirm it’s you: you gave your password more than 10 minutes ago. Enter it, and send this again."
        }
        Refusal::SignUpClosed => {
            "New accounts are made by invitation here. Ask an Admin of your organization to invite you."
        }
        Refusal::AlreadyMember => "This person is a member of the organization already.",
        Refusal::AlreadyInvited => "This address has an open invitation. Send that one again instead.",
        Refusal::TooManyAddresses => "Invite 20 addresses at most at once. Send the rest afterwards.",
        Refusal::NotAMember => "This person isn’t a member of the organization any more. Nothing was changed.",
        Refusal::InvitationExpired => "This invitation has expired. Ask whoever invited you to send it again.",
        Refusal::InvitationRevoked => "This invitation was revoked. Ask an Admin of the organization for a new one.",
        Refusal::InvitationAccepted => "This invitation was accepted already. Sign in to go on.",
        Refusal::InvitationForAnother => {
            "This invitation is for another address. Sign out, and sign in with the address that was invited."
        }
        Refusal::NotTheInvited => "This isn’t the address that was invited. Check the spelling.",
        Refusal::ProjectsSwitchedOff => {
            "Additional projects are switched off for this organization. Ask whoever runs this console to switch them \
             on."
        }
        Refusal::DefaultProjectKept => "Every organization has its Default Project, so it can’t be deleted.",
        Refusal::ConfirmationWrong => "This isn’t what you were asked to type. Type it exactly as shown.",
        Refusal::OwnerOnly => "Only the Owner of the organization can do this.",
        Refusal::NotAnAdmin => "Choose another Admin of the organization. A Member has to be made an Admin first.",
        Refusal::OwnsOrganization => {
            "You own an organization. Transfer it to another Admin, or delete it, before you delete your account."
        }
        Refusal::OrganizationInUse => {
            "The organization still has other members, projects or resources. Remove the members and delete the rest \
             first."
        }
        Refusal::LinkDead => "This link was used already, or is too old. Ask for a new one.",
        Refusal::NoMail => "This console sends no mail. Ask whoever runs it to set a new password for you.",
        Refusal::SshKeyInvalid => {
            "This isn’t an SSH public key. Paste one whole line of a .pub file, like ssh-ed25519 AAAA… you@laptop."
        }
        Refusal::SshKeyFormat(format) => ssh_format(format),
        Refusal::SshKeyPrivate => {
            "This is a private key. Never give it to anyone; if you pasted it elsewhere too, make a new one. Paste \
             the .pub file instead."
        }
        Refusal::SshKeyWeak => "This kind of key is too weak. Use Ed25519, ECDSA, or RSA with at least 2048 bits.",
        Refusal::SshKeyTaken => "This key is in use already. Every account needs a key of its own.",
        Refusal::SshKeyNeedsProof => {
            "Somebody else has registered this key. If it’s yours, sign the text below with it and paste the \
             signature: the key is then yours."
        }
        Refusal::SshSignatureInvalid => {
            "This isn’t a signature of the text below by this key. Sign the text as it’s shown now, and paste all of \
             it, with the lines BEGIN and END."
        }
        Refusal::TooManySshKeys => "You have 50 SSH keys, the most an account can have. Remove one first.",
        Refusal::ManageKeyForAdmins => {
            "Only Admins of the project can create keys with the reach Manage, or change when they expire."
        }
        Refusal::ManageKeysDecide(_) => {
            "They made API keys that manage resources as an Admin may. Choose what becomes of each."
        }
        Refusal::KeyOver => "This key was revoked or has expired. Nothing was changed; create a new one instead.",
        Refusal::KeyRotated => "This key was rotated already: it can only stop working sooner.",
        Refusal::DefaultKeyKept => {
            "The Organization Default Key can’t be revoked. Regenerate it: the old secret stops working at once."
        }
        Refusal::NothingChosen => "Choose at least one API key. None was revoked.",
        Refusal::KeyMissing => "Send an API key: Authorization: Bearer rsk_…",
        Refusal::KeyInvalid => "This API key isn’t one of Roster’s.",
        Refusal::KeyExpired => "This API key has expired. Create a new one.",
        Refusal::KeyRevoked => "This API key was revoked. Create a new one.",
        Refusal::GatewayUnknown => "The gateway’s token is unknown or was revoked.",
        Refusal::GatewayNameTaken => "There is a gateway token of this name. Revoke it first, or choose another name.",
        Refusal::MeterUnknown => "The meter token is unknown or was revoked.",
        Refusal::MeterNameTaken => "There is a meter token of this name. Revoke it first, or choose another name.",
        Refusal::ResourceNameTaken => "The project has one of this kind with this name already. Choose another name.",
        Refusal::StateInvalid => "Choose one of the states.",
        Refusal::ProjectHasResources => {
            "The project still has resources. Delete them first: what runs would otherwise belong to nobody."
        }
        Refusal::UsageInvalid { record } => {
            return not_taken(
                record,
                "has an invalid time or amount: a time before 2000 or in the future, or more than 9007199254740991.",
            );
        }
        Refusal::UsageTooLarge { record } => {
            return not_taken(record, "has a larger quantity or cost than one record may have.");
        }
        Refusal::UsageElsewhere { record } => {
            return not_taken(
                record,
                "isn’t for this project: it is of the playground, or from before the project was there. Report it with \
                 a meter token, or with the Organization Default Key.",
            );
        }
        Refusal::UsageCorrectionInvalid { record } => {
            return not_taken(
                record,
                "corrects no record on these books, or has another time, kind, unit or resource than that one.",
            );
        }
        Refusal::UsageCorrected { record } => {
            return not_taken(
                record,
                "corrects a record that was corrected already: correct its correction.",
            );
        }
        Refusal::UsageNamesNoProject => {
            "Usage that names no project is reported with a meter token, or with the Organization Default Key. Report \
             for the key’s own project instead."
        }
        Refusal::TooManyRecords => "Report 1,000 records at most at once. None of the report was taken.",
        Refusal::DetailInvalid(field) => return detail(field),
        Refusal::QuotaReached { quota, limit } => return quota_reached(quota, limit),
        Refusal::TooManyAttempts { retry_after } => return too_many_attempts(retry_after),
    };
    text.to_owned()
}

fn forbidden(permission: Permission) -> String {
    format!(
        "Your role doesn’t permit this ({permission}). Ask {} to do it, or to change your role.",
        permission.granted_by()
    )
}

/// Why a report of usage was not taken, which is wrong in one record.
fn not_taken(record: u16, problem: &str) -> String {
    format!("Record {record}, counted from 0, {problem} None of the report was taken.")
}

fn too_many_attempts(retry_after: u32) -> String {
    let minutes = retry_after.div_ceil(60);
    let unit = if minutes == 1 { "minute" } else { "minutes" };
    format!("Too many attempts. Try again in {minutes} {unit}.")
}

/// What was pasted instead of an SSH public key, and the way to the right one.
const fn ssh_format(format: SshKeyFormat) -> &'static str {
    match format {
        SshKeyFormat::Options => {
            "This line has something before the key, like the options in authorized_keys or the host in known_hosts. \
             Paste the part from ssh-… or ecdsa-… on: options aren’t kept here."
        }
        SshKeyFormat::Several => "These are several keys. Add them one by one.",
        SshKeyFormat::Certificate => {
            "This is a certificate. Paste the public key it was made for: the .pub file without -cert in its name."
        }
        SshKeyFormat::Pem => {
            "This is a public key in PEM. Turn it into the form of OpenSSH with ssh-keygen -i -m PKCS8 -f FILE (or -m \
             PEM, if it says RSA PUBLIC KEY), and paste what that prints."
        }
        SshKeyFormat::Pgp => {
            "This is a PGP key. If it can sign in by SSH, gpg --export-ssh-key prints its SSH public key: paste that."
        }
        SshKeyFormat::Fingerprint => {
            "This is a key’s fingerprint. Paste the public key itself: one whole line of a .pub file, like \
             ssh-ed25519 AAAA…"
        }
        SshKeyFormat::Path => "This is the name of a file. Open the .pub file, and paste what is in it.",
        SshKeyFormat::Cut => "The end of this key is missing. Copy the whole line of the .pub file again.",
    }
}

fn quota_reached(quota: Quota, limit: u32) -> String {
    let (what, then) = match quota {
        Quota::Projects => ("The organization has reached its limit of projects", "Delete one first"),
        Quota::ApiKeys => (
            "The project has reached its limit of working API keys",
            "Revoke those nobody uses",
        ),
        Quota::Invitations => (
            "The organization has reached its limit of open invitations",
            "Revoke some first",
        ),
        Quota::Resources => (
            "The project has reached its limit of resources",
            "Delete those that are gone",
        ),
        Quota::UsageRecords => (
            "The project has reached its limit of usage records a minute",
            "None of the report was taken: send it again in a minute, with fewer at once",
        ),
        Quota::Streams => (
            "You have reached the limit of open pages that are kept up to date",
            "Close some of them",
        ),
        Quota::OrganizationStreams => (
            "The organization has reached its limit of open pages that are kept up to date",
            "Reload the page to see what is new",
        ),
    };
    let limit = grouped(u64::from(limit));
    format!("{what} ({limit}). {then}, or ask whoever runs this console to raise the limit.")
}

fn detail(field: ResourceField) -> String {
    match field.input() {
        FieldInput::Text { .. } => {
            "Enter a text of 1 to 100 characters, without line breaks or invisible characters.".to_owned()
        }
        FieldInput::Whole { least, most, .. } => {
            format!("Enter a whole number from {} to {}.", grouped(least), grouped(most))
        }
        FieldInput::Choice(_) => "Choose one of the list.".to_owned(),
    }
}

/// What makes a password easy to guess, and what to do (J6).
const fn weak(weakness: Weakness) -> &'static str {
    match weakness {
        Weakness::Common => {
            "Many people use this password, or one much like it, so it is guessed first. Use a few unrelated words."
        }
        Weakness::Repeats => {
            "Repeated characters or words add little, so this is easy to guess. Use a few unrelated words."
        }
        Weakness::Sequence => "Sequences like abcdef or 6543 are easy to guess. Use a few unrelated words.",
        Weakness::Keyboard => "Neighbouring keys are easy to guess. Use a few unrelated words.",
        Weakness::Date => "Dates and years are easy to guess. Use a few unrelated words.",
        Weakness::Words => "One word or name is easy to guess, even with something added. Use a few unrelated words.",
        Weakness::AboutYou => {
            "Your name, your address and your organization’s name are guessed first. Use words that have nothing to \
             do with you."
        }
        Weakness::Guessable => "This is easy to guess. Make it longer, with a few more unrelated words.",
        Weakness::Breached => {
            "This password was stolen from another site, and is on the lists that are tried first. Choose one you use \
             nowhere else."
        }
    }
}

/// Digits in groups of three.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
