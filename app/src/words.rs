//! The words people read when something was done or went wrong: what happened, why, and what to do (N3).

use policy::Refusal;

use crate::{Problem, flash::Done};

/// What was done.
pub(crate) fn done(done: &Done) -> String {
    match done {
        Done::SignedIn => "You’re signed in.".to_owned(),
        Done::SignedOut => "You’re signed out.".to_owned(),
        Done::Added { name } => format!("{name} was added as a Member."),
        Done::RoleChanged {
            name,
            role: policy::ProjectRole::Admin,
        } => format!("{name} is now an Admin."),
        Done::RoleChanged {
            name,
            role: policy::ProjectRole::Member,
        } => format!("{name} is now a Member."),
        Done::Removed { name } => format!("{name} was removed. Their access ended at once."),
        Done::Left => "You left the project.".to_owned(),
        Done::EndDateSet { name } => format!("The end date of {name}’s access was saved."),
        Done::EndDateCleared { name } => format!("{name}’s access has no end date any more."),
        Done::Saved { .. } => "Your changes were saved.".to_owned(),
        Done::ExternalsRemoved { count: 1 } => "1 external collaborator was removed.".to_owned(),
        Done::ExternalsRemoved { count } => format!("{count} external collaborators were removed."),
        Done::PasswordChanged => "Your password was changed. You were signed out everywhere else.".to_owned(),
    }
}

/// What went wrong.
pub(crate) fn problem(problem: Problem) -> String {
    match problem {
        Problem::Refused(refusal) => refused(refusal),
        Problem::Unavailable => {
            "Roster can’t reach its database right now, so nothing was changed. Try again in a moment.".to_owned()
        }
        Problem::Internal => "Something went wrong on our side, and nothing was changed. Try again; if it keeps happening, tell whoever runs this console.".to_owned(),
        Problem::Unreachable => "The server didn’t answer. Check your connection and try again.".to_owned(),
    }
}

fn refused(refusal: Refusal) -> String {
    let text = match refusal {
        Refusal::SignedOut => "You’re signed out. Sign in to go on.",
        Refusal::Hidden => "There is nothing here, or nothing you have access to.",
        Refusal::Forbidden(permission) => {
            return format!(
                "Your role doesn’t permit this ({permission}). Ask {} to do it, or to change your role.",
                permission.granted_by()
            );
        }
        Refusal::Malformed => "This request isn’t one Roster understands. Reload the page and try again.",
        Refusal::CursorInvalid => {
            "This link leads to a place in a list that doesn’t exist. Start again from the first page."
        }
        Refusal::EmailInvalid => "Enter an email address, like name@example.com.",
        Refusal::NameInvalid => "Enter a name of 1 to 100 characters, without control characters.",
        Refusal::SlugInvalid => "Use 3 to 63 characters: a–z, 0–9 and hyphens, with no hyphen at either end.",
        Refusal::PasswordInvalid => "Use 12 to 256 characters. A few unrelated words make a good password.",
        Refusal::EndDateInvalid => "Enter a date: today’s or a later one.",
        Refusal::UserNotFound => "No account has this address. Check the spelling, or ask them to sign up first.",
        Refusal::NotInOrganization => {
            "This person isn’t a member of the organization. Invite them to it, or allow external collaborators in the project’s settings."
        }
        Refusal::CannotAdd => {
            "This person can’t be added. Check the spelling, or ask a member of the organization to add them."
        }
        Refusal::AlreadyCollaborator => "This person already has access. Their role stayed as it was.",
        Refusal::NotACollaborator => "This person has no access to the project any more. Nothing was changed.",
        Refusal::ExternalInDefaultProject => {
            "The Default Project is for members of the organization only. Invite this person to it, or add them to another project."
        }
        Refusal::DefaultProjectForAll => {
            "Every member of the organization is in the Default Project. To take it away, remove the person from the organization."
        }
        Refusal::OwnerProtected => {
            "This person owns the organization: they stay an Admin, and can’t be removed. Ownership has to be transferred first."
        }
        Refusal::OrganizationAdminProtected => {
            "Admins of the organization are Admins of every project. Change their organization role first."
        }
        Refusal::NoEndDate => "This access comes with membership of the organization, so it has no end date.",
        Refusal::OwnEndDate => "You can’t extend your own access. Ask another Admin.",
        Refusal::SlugTaken => "This slug is taken, or was until recently. Choose another.",
        Refusal::EmailTaken => "An account has this address already. Sign in instead.",
        Refusal::CredentialsWrong => "Email or password is wrong. Check both and try again.",
        Refusal::CurrentPasswordWrong => "This isn’t your current password.",
        Refusal::SignUpClosed => {
            "New accounts are made by invitation here. Ask an Admin of your organization to invite you."
        }
        Refusal::TooManyAttempts { retry_after } => {
            let minutes = retry_after.div_ceil(60);
            let unit = if minutes == 1 { "minute" } else { "minutes" };
            return format!("Too many attempts. Try again in {minutes} {unit}.");
        }
    };
    text.to_owned()
}
