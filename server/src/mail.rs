//! Mail: takes what the outbox has, and gives it to the mail server.
//!
//! It must not know who wants what sent, or why; only how it is said, and where the links lead.

use std::{fmt::Display, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use directory::{Directory, Hint, LinkToken, Mail, MailAbout, Notice, OffsetDateTime};
use http::Uri;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
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
pub(crate) struct Post {
    transport: Transport,
    from: Mailbox,
}

impl Post {
    /// Reads the mail server's URL: `smtp://`, `smtps://`, or `smtp://…?tls=required`, with user and password in it if it
    /// wants them.
    ///
    /// In the clear only to this machine, unless that is allowed all the same: links that stand in for passwords go this way.
    pub(crate) fn new(url: &str, from: Mailbox, is_insecure_allowed: bool) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let is_near = matches!(uri.host()?, "localhost" | "127.0.0.1" | "[::1]");
        let asks_for_tls = |query: &str| query.split('&').any(|part| part == "tls=required");
        let is_sealed = uri.scheme_str() == Some("smtps") || uri.query().is_some_and(asks_for_tls);
        if !(is_near || is_sealed || is_insecure_allowed) {
            return None;
        }
        let transport = Transport::from_url(url).ok()?.timeout(Some(PATIENCE)).build();
        Some(Self { transport, from })
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
        let (subject, text) = words(mail, url);
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, mail.to.as_str().parse().map_err(NotTaken::never)?))
            .message_id(Some(format!("<{}@roster>", mail.id)))
            .subject("")
            .header(ContentType::TEXT_PLAIN)
            .body(text)
            .map_err(NotTaken::never)?;
        let encoded = encoded_words(&subject);
        let name = HeaderName::new_from_ascii_str("Subject");
        message
            .headers_mut()
            .insert_raw(HeaderValue::dangerous_new_pre_encoded(name, subject, encoded));
        let sent = self.transport.send(message).await;
        sent.map(drop).map_err(|error| NotTaken {
            is_final: error.status().is_some_and(|code| refuses_recipient(&code.to_string())),
            why: error.to_string(),
        })
    }
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

/// A header's text as encoded words (RFC 2047), all of it: left as it is, a name that looks like an encoded word would be read
/// as one.
fn encoded_words(text: &str) -> String {
    // A word has 75 characters at most, twelve of them around what is encoded.
    const MOST_BYTES: usize = 45;
    let (mut words, mut word) = (Vec::new(), String::new());
    for c in text.chars() {
        if word.len() + c.len_utf8() > MOST_BYTES {
            words.push(std::mem::take(&mut word));
        }
        word.push(c);
    }
    words.push(word);
    let encoded: Vec<_> = words
        .iter()
        .map(|word| format!("=?utf-8?b?{}?=", STANDARD.encode(word)))
        .collect();
    encoded.join("\r\n ")
}

/// What a mail says.
fn words(mail: &Mail, url: &str) -> (String, String) {
    let token = mail.token.as_ref().map(LinkToken::reveal).unwrap_or_default();
    match &mail.about {
        MailAbout::Invitation {
            organization,
            invited_by,
            expires_at,
        } => {
            let link = format!("{url}{}", app::invitation_path(&token));
            let who = match invited_by {
                Some(name) => format!("{} invites you", plain(name, "Somebody")),
                None => "You are invited".to_owned(),
            };
            let organization = plain(organization, "an organization");
            let subject = format!("{who} to join {organization}");
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
            let link = format!("{url}{}", app::reset_password_path(&token));
            let text = format!(
                "Hello {},\n\nsomebody, most likely you, asked for a new password for {} on Roster.\n\n\
                 Choose it here:\n\n{link}\n\n\
                 The link works once, within an hour. If it wasn\u{2019}t you, do nothing: your password stays as it is.\n",
                plain(name, "there"),
                mail.to,
            );
            ("A new password for Roster".to_owned(), text)
        }
        MailAbout::Notice { name, notice, at } => {
            let (subject, what) = noticed(notice);
            let text = format!(
                "Hello {},\n\n{what}\n\nIt was on {} (UTC), to the Roster account of {}.\n\n\
                 If you know of it, there\u{2019}s nothing to do. If not, somebody else can use your account: change your \
                 password and look at your sessions and SSH keys at\n\n{url}{}\n",
                plain(name, "there"),
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
        Notice::BecameOwner { organization } => (
            "You own an organization on Roster",
            format!("you were made the Owner of {}.", plain(organization, "an organization")),
        ),
        Notice::BecameAdmin { organization } => (
            "You are an Admin on Roster",
            format!("you were made an Admin of {}.", plain(organization, "an organization")),
        ),
    }
}

/// A name in a mail. One that mail programs would make a link of could lead anywhere, in our name: it is left out.
fn plain<'a>(name: &'a Name, instead: &'a str) -> &'a str {
    let looks_like_link = name.as_str().contains("://") || name.as_str().to_lowercase().contains("www.");
    if looks_like_link { instead } else { name.as_str() }
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
    use super::{Post, encoded_words};

    #[test]
    fn a_subject_is_encoded_whole_in_words_of_75_characters() {
        let subject = encoded_words(&("=?utf-8?q?call=0Aus?= ".repeat(4) + "\u{1F680}é"));
        let mut words = subject.split("\r\n ");
        assert!(
            words.all(|word| word.len() <= 75 && word.starts_with("=?utf-8?b?")),
            "{subject}"
        );
        assert!(!subject.contains("call"));
    }

    #[test]
    fn a_mail_servers_url_is_read_or_refused() {
        let from = || "Roster <roster@acme.test>".parse().unwrap();
        for url in [
            "smtp://127.0.0.1:1025",
            "smtps://user:secret@mail.acme.test",
            "smtp://mail.acme.test:587?tls=required",
        ] {
            assert!(Post::new(url, from(), false).is_some(), "{url}");
        }
        for url in [
            "mail.acme.test",
            "http://mail.acme.test",
            "smtp://mail.acme.test?tls=maybe",
            "smtp://user:secret@mail.acme.test",
        ] {
            assert!(Post::new(url, from(), false).is_none(), "{url}");
        }
        assert!(Post::new("smtp://mail.acme.test", from(), true).is_some());
    }
}
