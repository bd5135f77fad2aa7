//! Delivers mail: takes rows that are due from the outbox and hands them to the mail server.
//!
//! It must not know who wants what sent, or why; what mails say is in [`text`].

mod text;

use std::{error::Error, fmt::Display, io, net::IpAddr, sync::Arc, time::Duration};

use directory::{Directory, Hint, Mail};
use http::Uri;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox, SinglePart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{self, extension::ClientId},
};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{sleep, timeout},
};

use text::{host, subject_and_text};

/// Where mail is given to.
pub(crate) type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// How long the mail server has to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long it has to answer when it is only looked at.
const PATIENCE_OF_A_LOOK: Duration = Duration::from_secs(10);
/// How often the outbox is checked without a hint: for retries, and for mail that another server left.
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
    /// Reads the mail server's URL: `smtp://`, `smtps://`, or `smtp://…?tls=required`, with user and password in it if
    /// it wants them.
    ///
    /// In the clear only to this machine, unless that is allowed all the same: links that stand in for passwords go
    /// this way.
    ///
    /// It greets by the console's host name: relays turn away who greets by an address. Where the console has none, by
    /// the name that mail is from.
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

    /// Connects to the mail server, greets it and signs in, and sends no mail.
    ///
    /// # Errors
    /// Why no mail could be sent.
    pub(crate) async fn greet(&self) -> Result<(), Unmailed> {
        match timeout(PATIENCE_OF_A_LOOK, self.transport.test_connection()).await {
            Err(_) => Err(Unmailed::NoAnswer),
            Ok(Err(error)) => Err(Unmailed::of(&error)),
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(Unmailed::NotSmtp("it hangs up".to_owned())),
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

    /// The message. Its headers ask for no automatic replies, and its id is the same at every attempt.
    fn message(&self, mail: &Mail, url: &str) -> Result<Message, NotTaken> {
        let (subject, text) = subject_and_text(mail, url);
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

/// The name of this server among mail servers: the console's host name; where that is an address, or a name of this
/// machine alone, the domain that mail is from.
fn own_name(console_url: &str, from: &str) -> String {
    let host = host(console_url);
    let is_known_elsewhere = host.contains('.')
        && !host.starts_with('[')
        && !host.ends_with(".localhost")
        && host.parse::<IpAddr>().is_err();
    if is_known_elsewhere { host } else { from.to_owned() }
}

/// Why a mail server can't be used. Contains what it, or the system, said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unmailed {
    /// No answer within the time.
    NoAnswer,
    /// No connection can be made.
    Unreached(String),
    /// TLS failed, or isn't offered.
    Tls(String),
    /// It doesn't let this server in.
    Refused(String),
    /// The listener isn't a mail server.
    NotSmtp(String),
}

impl Unmailed {
    fn of(error: &smtp::Error) -> Self {
        let cause = error.source();
        let said = one_line(&cause.map_or_else(|| error.to_string(), ToString::to_string));
        let kind = cause
            .and_then(|cause| cause.downcast_ref::<io::Error>())
            .map(io::Error::kind);
        if error.is_timeout() || kind == Some(io::ErrorKind::TimedOut) {
            Self::NoAnswer
        } else if error.is_tls() || said.contains("STARTTLS") {
            Self::Tls(said)
        } else if error.is_transient() || error.is_permanent() || error.is_client() {
            Self::Refused(said)
        } else if error.is_response() || matches!(kind, Some(io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData))
        {
            Self::NotSmtp(said)
        } else {
            Self::Unreached(said)
        }
    }
}

/// Reduces what a mail server said to one line.
fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Why a mail was not sent.
struct NotTaken {
    /// For the log.
    why: String,
    /// Whether another attempt is pointless.
    is_final: bool,
}

/// Whether an SMTP reply says no to whom a mail is for (RFC 5321, 4.2.3), which trying again does not change. What is
/// wrong with our own sign-in or our own words can be mended meanwhile.
fn refuses_recipient(code: &str) -> bool {
    ["550", "551", "553"].contains(&code)
}

impl NotTaken {
    /// For a message that cannot be built: an address or a name that mail does not allow.
    fn never(error: impl Display) -> Self {
        Self {
            why: error.to_string(),
            is_final: true,
        }
    }
}

/// Waits for a hint about mail, at most [`BEAT`].
async fn wait(hints: &mut Receiver<Hint>) {
    let hinted = async {
        loop {
            match hints.recv().await {
                Ok(Hint::Mail | Hint::Everything) | Err(RecvError::Lagged(_)) => return,
                Ok(_) => {}
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    };
    tokio::select! {
        () = hinted => {}
        () = sleep(BEAT) => {}
    }
}

#[cfg(test)]
mod tests {
    use directory::{LinkToken, Mail, MailAbout};

    use super::{Mailer, own_name};

    /// It greeted as `[127.0.0.1]`, to which Google's relay hangs up; a message without MIME-Version has no charset to
    /// some.
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
