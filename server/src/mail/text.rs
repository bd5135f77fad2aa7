//! What mails say: the subject and the text of each kind, in plain text.
//!
//! Names that others chose stand in no subject, and in quotation marks in a text (J9). It must not know how mail is
//! sent.

use directory::{LinkToken, Mail, MailAbout, Notice, OffsetDateTime};
use http::Uri;
use policy::{Email, Name};
use time::macros::format_description;

/// The subject and the text of a mail. `url` is the public base URL, under which the links lie.
pub(super) fn subject_and_text(mail: &Mail, url: &str) -> (String, String) {
    let link = |path: fn(&str) -> String| {
        let token = mail.token.as_ref().map(LinkToken::reveal).unwrap_or_default();
        format!("{url}{}", path(&token))
    };
    match &mail.about {
        MailAbout::Invitation {
            organization,
            invited_by,
            expires_at,
        } => invitation(
            mail,
            organization,
            invited_by.as_ref(),
            *expires_at,
            &link(app::invitation_path),
            url,
        ),
        MailAbout::PasswordReset { name } => password_reset(mail, name, &link(app::reset_password_path)),
        MailAbout::VerifyEmail => {
            let text = format!(
                "Hello,\n\nsomebody, most likely you, made an account with {} on Roster.\n\n\
                 Verify the address here:\n\n{}\n\n\
                 The link works once, within 24 hours. If it wasn\u{2019}t you, do nothing: nobody is let in by this \
                 address alone while it isn\u{2019}t verified. By the same link you can make the account yours.\n",
                mail.to,
                link(app::verify_email_path),
            );
            ("Verify your address for Roster".to_owned(), text)
        }
        MailAbout::ChangeEmail => {
            let text = format!(
                "Hello,\n\nsomebody, most likely you, asked that their account on Roster have the address {}.\n\n\
                 Confirm it here, in the browser in which you are signed in:\n\n{}\n\n\
                 The link works once, within 24 hours, and for that account alone. If it wasn\u{2019}t you, do \
                 nothing.\n",
                mail.to,
                link(app::change_email_path),
            );
            ("Confirm your new address for Roster".to_owned(), text)
        }
        MailAbout::EmailTaken => {
            let text = format!(
                "Hello,\n\nsomebody, perhaps you, asked that their account on Roster have the address {}. It is the \
                 address of an account already, so nothing was changed.\n\nIf it wasn\u{2019}t you, do nothing.\n",
                mail.to,
            );
            ("Your address on Roster".to_owned(), text)
        }
        MailAbout::EmailChanged { name, email, at, until } => email_changed(
            mail,
            name,
            email,
            *at,
            until.map(|until| (until, link(app::undo_email_change_path))),
        ),
        MailAbout::SignUpAgain => {
            let [sign_in, forgot] = app::WAYS_IN;
            let text = format!(
                "Hello,\n\nsomebody, perhaps you, tried to sign up with {} on Roster. The address has an account \
                 already, so nothing was changed.\n\n\
                 Sign in here:\n\n{url}{sign_in}\n\n\
                 If you forgot your password, ask for a new one here:\n\n{url}{forgot}\n\n\
                 If it wasn\u{2019}t you, do nothing.\n",
                mail.to,
            );
            ("Your account on Roster".to_owned(), text)
        }
        MailAbout::Notice { name, notice, at } => notice_of_change(mail, name, notice, *at, url),
    }
}

fn invitation(
    mail: &Mail,
    organization: &Name,
    invited_by: Option<&Name>,
    expires_at: OffsetDateTime,
    link: &str,
    url: &str,
) -> (String, String) {
    let who = match invited_by.and_then(quoted) {
        Some(name) => format!("{name} invites you"),
        None => "You are invited".to_owned(),
    };
    let organization = match quoted(organization) {
        Some(name) => format!("the organization {name}"),
        None => "an organization".to_owned(),
    };
    // No name in the subject: whoever made the organization chose it.
    let subject = format!("An invitation to join an organization on {}", host(url));
    let text = format!(
        "{who} to join {organization} on Roster.\n\n\
         Accept the invitation here:\n\n{link}\n\n\
         The link is for {} and works once, until {} (UTC). If you didn\u{2019}t expect it, do nothing.\n",
        mail.to,
        day(expires_at),
    );
    (subject, text)
}

fn password_reset(mail: &Mail, name: &Name, link: &str) -> (String, String) {
    let text = format!(
        "Hello {},\n\nsomebody, most likely you, asked for a new password for {} on Roster.\n\n\
         Choose it here:\n\n{link}\n\n\
         The link works once, within an hour. If it wasn\u{2019}t you, do nothing: your password stays as it is.\n",
        quoted(name).unwrap_or_else(|| "there".to_owned()),
        mail.to,
    );
    ("A new password for Roster".to_owned(), text)
}

/// `undo` is the link that undoes the change, and when it lapses; an operator's change has none.
fn email_changed(
    mail: &Mail,
    name: &Name,
    email: &Email,
    at: OffsetDateTime,
    undo: Option<(OffsetDateTime, String)>,
) -> (String, String) {
    let undo = match undo {
        Some((until, link)) => format!(
            "If it wasn\u{2019}t you, undo it here, and whoever did it is shut out of your account:\n\n{}\n\n\
             The link works once, until {} (UTC).",
            link,
            day(until),
        ),
        None => "Whoever runs Roster did it. If you don\u{2019}t know why, ask them.".to_owned(),
    };
    let text = format!(
        "Hello {},\n\non {} (UTC) the address of your account on Roster was changed from {} to {email}.\n\n\
         If it was you, do nothing.\n\n{undo}\n",
        quoted(name).unwrap_or_else(|| "there".to_owned()),
        moment(at),
        mail.to,
    );
    ("Your Roster address was changed".to_owned(), text)
}

fn notice_of_change(mail: &Mail, name: &Name, notice: &Notice, at: OffsetDateTime, url: &str) -> (String, String) {
    let (subject, what) = noticed(notice);
    let text = format!(
        "Hello {},\n\n{what}\n\nIt was on {} (UTC), to the Roster account of {}.\n\n\
         If you know of it, there\u{2019}s nothing to do. If not, somebody else can use your account: change your \
         password and look at your sessions and SSH keys at\n\n{url}{}\n",
        quoted(name).unwrap_or_else(|| "there".to_owned()),
        moment(at),
        mail.to,
        app::PROFILE_PATH,
    );
    (subject.to_owned(), text)
}

/// What a notice is called, and what it says (J8). What others could have worded is in no subject.
fn noticed(notice: &Notice) -> (&'static str, String) {
    let organization = |name| {
        quoted(name).map_or_else(
            || "an organization".to_owned(),
            |name| format!("the organization {name}"),
        )
    };
    match notice {
        Notice::NewDevice { address } => (
            "A new sign-in to Roster",
            format!("somebody signed in on a device that your account wasn\u{2019}t used on before, from {address}."),
        ),
        Notice::PasswordChanged => (
            "Your Roster password was changed",
            "your password was changed.".to_owned(),
        ),
        Notice::EmailChanged => (
            "Your Roster address was changed",
            "your account has this address now.".to_owned(),
        ),
        Notice::SshKeyAdded { fingerprint } => (
            "An SSH key was added to your Roster account",
            format!("an SSH key was added to your account. Its fingerprint is {fingerprint}."),
        ),
        Notice::BecameOwner { organization: name } => (
            "You own an organization on Roster",
            format!("you were made the Owner of {}.", organization(name)),
        ),
        Notice::BecameProjectAdmin { project } => (
            "You are an Admin on Roster",
            match quoted(project) {
                Some(name) => format!("you were made an Admin of the project {name}."),
                None => "you were made an Admin of a project.".to_owned(),
            },
        ),
        Notice::BecameAdmin { organization: name } => (
            "You are an Admin on Roster",
            format!("you were made an Admin of {}.", organization(name)),
        ),
    }
}

/// A name in quotation marks, since its bearer chose it. None for a name that mail programs would turn into a link: it
/// could lead anywhere, in a mail of the operator's.
fn quoted(name: &Name) -> Option<String> {
    let name = name.as_str();
    let mut letters = name.chars().peekable();
    let mut before = ' ';
    while let Some(letter) = letters.next() {
        let is_inside = |c: &char| c.is_alphanumeric();
        if matches!(letter, '.' | ':' | '@') && is_inside(&before) && letters.peek().is_some_and(is_inside) {
            return None;
        }
        before = letter;
    }
    (!name.contains("://")).then(|| format!("\u{201C}{}\u{201D}", name.replace(['\u{201C}', '\u{201D}'], "\"")))
}

/// The host of the console, as a subject names it.
pub(super) fn host(url: &str) -> String {
    let uri = url.parse::<Uri>().ok();
    uri.as_ref().and_then(Uri::host).unwrap_or("Roster").to_owned()
}

fn moment(at: OffsetDateTime) -> String {
    at.format(format_description!(
        "[day padding:none] [month repr:long] [year] at [hour]:[minute]"
    ))
    .unwrap_or_default()
}

fn day(at: OffsetDateTime) -> String {
    at.format(format_description!("[day padding:none] [month repr:long] [year]"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// J9: what strangers call themselves and their organizations is no subject, and quoted in the text.
    #[test]
    fn j9_a_subject_holds_no_strangers_words() {
        let mail = Mail {
            id: uuid::Uuid::nil(),
            to: "nina@new.test".parse().unwrap(),
            about: MailAbout::Invitation {
                organization: "Cheap pills, call now".parse().unwrap(),
                invited_by: Some("Your bank".parse().unwrap()),
                expires_at: OffsetDateTime::UNIX_EPOCH,
            },
            token: LinkToken::parse(&"A".repeat(43)),
        };
        let (subject, text) = subject_and_text(&mail, "https://roster.acme.test:8443");
        assert_eq!(subject, "An invitation to join an organization on roster.acme.test");
        assert!(text.starts_with(
            "\u{201C}Your bank\u{201D} invites you to join the organization \u{201C}Cheap pills, call now\u{201D} on \
             Roster."
        ));
    }

    #[test]
    fn a_name_that_mail_programs_make_a_link_of_is_left_out() {
        let quoted = |name: &str| quoted(&name.parse().unwrap());
        for name in [
            "evil.test",
            "see www.evil.test/x",
            "http://evil",
            "mailto:a",
            "a@b",
            "Mr.Evil.test",
        ] {
            assert_eq!(quoted(name), None, "{name}");
        }
        for name in ["Acme Inc.", "J. R. Muster", "Dr. No: the lab", "50 % off"] {
            assert_eq!(quoted(name), Some(format!("\u{201C}{name}\u{201D}")));
        }
        assert_eq!(
            quoted("\u{201D} on Roster.").as_deref(),
            Some("\u{201C}\" on Roster.\u{201D}")
        );
    }
}
