//! Mail: takes what the outbox has, and gives it to the mail server.
//!
//! It must not know who wants what sent, or why; only how it is said, and where the links lead.

use std::{fmt::Display, net::IpAddr, sync::Arc, time::Duration};

use directory::{Directory, Hint, LinkToken, Mail, MailAbout, Notice, OffsetDateTime};
use http::Uri;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox, SinglePart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::extension::ClientId,
};
use policy::Name;
use time::macros::format_description;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::sleep,
};

/// Where mail is given to.
pub(crate) type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// How long the mail server has to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Without a hint the outbox is looked into this often: for what is to be tried again, and what another server left.
const BEAT: Duration = Duration::from_secs(2);

/// A mail server, and whom mail is from.
#[derive(Clone, Debug)]
pub(crate) struct Mailer {
    transport: Transport,
    from: Mailbox,
    /// The name that this server goes by among mail servers.
    name: Arc<str>,
}

impl Mailer {
    /// Reads the mail server's URL: `smtp://`, `smtps://`, or `smtp://…?tls=required`, with user and password in it if it
    /// wants them.
    ///
    /// In the clear only to this machine, unless that is allowed all the same: links that stand in for passwords go this way.
    ///
    /// It greets by the console's host name: relays turn away who greets by an address. Where the console has none, by the name that
    /// mail is from.
    pub(crate) fn new(url: &str, from: Mailbox, console_url: &str, is_insecure_allowed: bool) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let is_near = matches!(uri.host()?, "localhost" | "127.0.0.1" | "[::1]");
        let asks_for_tls = |query: &str| query.split('&').any(|part| part == "tls=required");
        let is_sealed = uri.scheme_str() == Some("smtps") || uri.query().is_some_and(asks_for_tls);
        if !(is_near || is_sealed || is_insecure_allowed) {
            return None;
        }
        let name = own_name(console_url, from.email.domain());
        let transport = Transport::from_url(url)
            .ok()?
            .timeout(Some(PATIENCE))
            .hello_name(ClientId::Domain(name.clone()))
            .build();
        Some(Self {
            transport,
            from,
            name: name.into(),
        })
    }

    /// Delivers for as long as the server runs.
    pub(crate) async fn deliver(self, directory: Directory, mut hints: Receiver<Hint>, url: Arc<str>) {
        loop {
            match directory.take_mail().await {
                Ok(Some(mail)) => {
                    let done = match self.send(&mail, &url).await {
                        Ok(()) => directory.mail_sent(mail.id).await,
                        Err(NotTaken { why, is_final }) => {
                            // Mail servers repeat addresses in what they say, but never the text.
                            tracing::warn!(mail = %mail.id, why, is_final, "a mail was not taken");
                            directory.mail_failed(mail.id, is_final).await
                        }
                    };
                    if let Err(error) = done {
                        tracing::warn!(%error, "what came of a mail could not be noted");
                        sleep(BEAT).await;
                    }
                }
                Ok(None) => wait(&mut hints).await,
                Err(error) => {
                    tracing::warn!(%error, "mail has to wait");
                    sleep(BEAT).await;
                }
            }
        }
    }

    async fn send(&self, mail: &Mail, url: &str) -> Result<(), NotTaken> {
        let message = self.message(mail, url)?;
        let sent = self.transport.send(message).await;
        sent.map(drop).map_err(|error| NotTaken {
            is_final: error.status().is_some_and(|code| refuses_recipient(&code.to_string())),
            why: error.to_string(),
        })
    }

    /// The mail as it travels. Whoever is away doesn't answer it, and it is the same mail however often it is sent.
    fn message(&self, mail: &Mail, url: &str) -> Result<Message, NotTaken> {
        let (subject, text) = words(mail, url);
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, mail.to.as_str().parse().map_err(NotTaken::never)?))
            .message_id(Some(format!("<{}@{}>", mail.id, self.name)))
            .subject(subject)
            .singlepart(SinglePart::plain(text))
            .map_err(NotTaken::never)?;
        for (name, value) in [
            ("Auto-Submitted", "auto-generated"),
            ("X-Auto-Response-Suppress", "All"),
        ] {
            let name = HeaderName::new_from_ascii_str(name);
            message
                .headers_mut()
                .insert_raw(HeaderValue::new(name, value.to_owned()));
        }
        Ok(message)
    }
}

/// The name of this server among mail servers: the console's host name; where that is an address, or a name of this machine alone,
/// the domain that mail is from.
fn own_name(console_url: &str, from: &str) -> String {
    let host = host(console_url);
    let is_known_elsewhere = host.contains('.')
        && !host.starts_with('[')
        && !host.ends_with(".localhost")
        && host.parse::<IpAddr>().is_err();
    if is_known_elsewhere { host } else { from.to_owned() }
}

/// Why a mail was not sent.
struct NotTaken {
    /// For the log.
    why: String,
    /// Whether it never will be.
    is_final: bool,
}

/// Whether an SMTP reply says no to whom a mail is for (RFC 5321, 4.2.3), which trying again does not change. What is wrong with
/// our own sign-in or our own words can be mended meanwhile.
fn refuses_recipient(code: &str) -> bool {
    ["550", "551", "553"].contains(&code)
}

impl NotTaken {
    /// It cannot even be made: an address or a name that no mail can have.
    fn never(error: impl Display) -> Self {
        Self {
            why: error.to_string(),
            is_final: true,
        }
    }
}

/// Until there is mail, or it is time to look again.
async fn wait(hints: &mut Receiver<Hint>) {
    let told = async {
        loop {
            match hints.recv().await {
                Ok(Hint::Mail | Hint::Everything) | Err(RecvError::Lagged(_)) => return,
                Ok(_) => {}
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    };
    tokio::select! {
        () = told => {}
        () = sleep(BEAT) => {}
    }
}

/// What a mail says.
fn words(mail: &Mail, url: &str) -> (String, String) {
    let link = |path: fn(&str) -> String| {
        let token = mail.token.as_ref().map(LinkToken::reveal).unwrap_or_default();
        format!("{url}{}", path(&token))
    };
    match &mail.about {
        MailAbout::Invitation {
            organization,
            invited_by,
            expires_at,
        } => {
            let link = link(app::invitation_path);
            let who = match invited_by.as_ref().and_then(quoted) {
                Some(name) => format!("{name} invites you"),
                None => "You are invited".to_owned(),
            };
            let organization = match quoted(organization) {
                Some(name) => format!("the organization {name}"),
                None => "an organization".to_owned(),
            };
            // Nobody's words but ours: whoever made the organization chose its name.
            let subject = format!("An invitation to join an organization on {}", host(url));
            let text = format!(
                "{who} to join {organization} on Roster.\n\n\
                 Accept the invitation here:\n\n{link}\n\n\
                 The link is for {} and works once, until {} (UTC). If you didn\u{2019}t expect it, do nothing.\n",
                mail.to,
                day(*expires_at),
            );
            (subject, text)
        }
        MailAbout::PasswordReset { name } => {
            let text = format!(
                "Hello {},\n\nsomebody, most likely you, asked for a new password for {} on Roster.\n\n\
                 Choose it here:\n\n{}\n\n\
                 The link works once, within an hour. If it wasn\u{2019}t you, do nothing: your password stays as it is.\n",
                quoted(name).unwrap_or_else(|| "there".to_owned()),
                mail.to,
                link(app::reset_password_path),
            );
            ("A new password for Roster".to_owned(), text)
        }
        MailAbout::VerifyEmail => {
            let text = format!(
                "Hello,\n\nsomebody, most likely you, made an account with {} on Roster.\n\n\
                 Verify the address here:\n\n{}\n\n\
                 The link works once, within 24 hours. If it wasn\u{2019}t you, do nothing: nobody is let in by this address \
                 alone while it isn\u{2019}t verified. By the same link you can make the account yours.\n",
                mail.to,
                link(app::verify_email_path),
            );
            ("Verify your address for Roster".to_owned(), text)
        }
        MailAbout::ChangeEmail => {
            let text = format!(
                "Hello,\n\nsomebody, most likely you, asked that their account on Roster have the address {}.\n\n\
                 Confirm it here, in the browser in which you are signed in:\n\n{}\n\n\
                 The link works once, within 24 hours, and for that account alone. If it wasn\u{2019}t you, do nothing.\n",
                mail.to,
                link(app::change_email_path),
            );
            ("Confirm your new address for Roster".to_owned(), text)
        }
        MailAbout::EmailTaken => {
            let text = format!(
                "Hello,\n\nsomebody, perhaps you, asked that their account on Roster have the address {}. It is the address \
                 of an account already, so nothing was changed.\n\nIf it wasn\u{2019}t you, do nothing.\n",
                mail.to,
            );
            ("Your address on Roster".to_owned(), text)
        }
        MailAbout::EmailChanged { name, email, at, until } => {
            let undo = match until {
                Some(until) => format!(
                    "If it wasn\u{2019}t you, undo it here, and whoever did it is shut out of your account:\n\n{}\n\n\
                     The link works once, until {} (UTC).",
                    link(app::undo_email_change_path),
                    day(*until),
                ),
                None => "Whoever runs Roster did it. If you don\u{2019}t know why, ask them.".to_owned(),
            };
            let text = format!(
                "Hello {},\n\non {} (UTC) the address of your account on Roster was changed from {} to {email}.\n\n\
                 If it was you, do nothing.\n\n{undo}\n",
                quoted(name).unwrap_or_else(|| "there".to_owned()),
                moment(*at),
                mail.to,
            );
            ("Your Roster address was changed".to_owned(), text)
        }
        MailAbout::SignUpAgain => {
            let [sign_in, forgot] = app::WAYS_IN;
            let text = format!(
                "Hello,\n\nsomebody, perhaps you, tried to sign up with {} on Roster. The address has an account already, so \
                 nothing was changed.\n\n\
                 Sign in here:\n\n{url}{sign_in}\n\n\
                 If you forgot your password, ask for a new one here:\n\n{url}{forgot}\n\n\
                 If it wasn\u{2019}t you, do nothing.\n",
                mail.to,
            );
            ("Your account on Roster".to_owned(), text)
        }
        MailAbout::Notice { name, notice, at } => {
            let (subject, what) = noticed(notice);
            let text = format!(
                "Hello {},\n\n{what}\n\nIt was on {} (UTC), to the Roster account of {}.\n\n\
                 If you know of it, there\u{2019}s nothing to do. If not, somebody else can use your account: change your \
                 password and look at your sessions and SSH keys at\n\n{url}{}\n",
                quoted(name).unwrap_or_else(|| "there".to_owned()),
                moment(*at),
                mail.to,
                app::PROFILE_PATH,
            );
            (subject.to_owned(), text)
        }
    }
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

/// A name in a mail, in quotation marks: whoever bears it chose it. None for one that mail programs would make a link of, since
/// that could lead anywhere, in our name.
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
fn host(url: &str) -> String {
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
    use directory::{LinkToken, Mail, MailAbout, OffsetDateTime};

    use super::{Mailer, own_name, quoted, words};

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
        let (subject, text) = words(&mail, "https://roster.acme.test:8443");
        assert_eq!(subject, "An invitation to join an organization on roster.acme.test");
        assert!(text.starts_with(
            "\u{201C}Your bank\u{201D} invites you to join the organization \u{201C}Cheap pills, call now\u{201D} on Roster."
        ));
    }

    /// It greeted as `[127.0.0.1]`, to which Google's relay hangs up; a message without MIME-Version has no charset to some.
    #[test]
    fn a_mail_is_as_relays_expect_it() {
        let from = "Jörg’s Roster <roster@acme.test>".parse().unwrap();
        let mailer = Mailer::new("smtp://127.0.0.1:1025", from, "https://roster.acme.test:8443", false).unwrap();
        let mail = Mail {
            id: uuid::Uuid::nil(),
            to: "nina@new.test".parse().unwrap(),
            about: MailAbout::PasswordReset {
                name: "Zoë ".repeat(15).trim().parse().unwrap(),
            },
            token: LinkToken::parse(&"A".repeat(43)),
        };
        let message = mailer.message(&mail, "https://roster.acme.test").ok().unwrap();
        let sent = String::from_utf8(message.formatted()).unwrap();
        let (head, _) = sent.split_once("\r\n\r\n").unwrap();
        for line in [
            "Message-ID: <00000000-0000-0000-0000-000000000000@roster.acme.test>",
            "MIME-Version: 1.0",
            "Auto-Submitted: auto-generated",
            "Content-Type: text/plain; charset=utf-8",
            "To: nina@new.test",
            "Subject: A new password for Roster",
        ] {
            assert!(head.lines().any(|found| found == line), "{line}: {head}");
        }
        assert!(head.contains("\r\nDate: ") || head.starts_with("Date: "), "{head}");
        assert!(
            sent.is_ascii() && sent.split("\r\n").all(|line| line.len() <= 78 && !line.contains('\n')),
            "{sent}"
        );
        assert_eq!(message.envelope().from().unwrap().to_string(), "roster@acme.test");
    }

    #[test]
    fn mail_servers_are_greeted_by_a_name_that_they_can_know() {
        for (console, name) in [
            ("https://roster.example.com:8443", "roster.example.com"),
            ("http://127.0.0.1:3000", "acme.test"),
            ("http://[::1]:3000", "acme.test"),
            ("http://localhost:3000", "acme.test"),
            ("http://roster", "acme.test"),
            ("http://roster.localhost", "acme.test"),
        ] {
            assert_eq!(own_name(console, "acme.test"), name);
        }
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

    #[test]
    fn a_mail_servers_url_is_read_or_refused() {
        let from = || "Roster <roster@acme.test>".parse().unwrap();
        for url in [
            "smtp://127.0.0.1:1025",
            "smtps://user:secret@mail.acme.test",
            "smtp://mail.acme.test:587?tls=required",
        ] {
            assert!(
                Mailer::new(url, from(), "https://roster.acme.test", false).is_some(),
                "{url}"
            );
        }
        for url in [
            "mail.acme.test",
            "http://mail.acme.test",
            "smtp://mail.acme.test?tls=maybe",
            "smtp://user:secret@mail.acme.test",
        ] {
            assert!(
                Mailer::new(url, from(), "https://roster.acme.test", false).is_none(),
                "{url}"
            );
        }
        assert!(Mailer::new("smtp://mail.acme.test", from(), "https://roster.acme.test", true).is_some());
    }
}
