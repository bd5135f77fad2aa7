//! The mail server: reached, greeted and signed in to. No mail is sent.

use crate::mail::{Mailer, Unmailed};

pub(super) async fn examine(mailer: &Mailer) -> Option<String> {
    mailer.greet().await.err().map(|unmailed| line(&unmailed))
}

/// What is wrong, and what to do. The setting's value isn't shown: it may hold a password.
fn line(unmailed: &Unmailed) -> String {
    match unmailed {
        Unmailed::NoAnswer => {
            "no answer from the mail server of ROSTER_SMTP_URL within 10 s: correct host and port, or open the firewall"
                .to_owned()
        }
        Unmailed::Unreached(why) => {
            format!("the mail server of ROSTER_SMTP_URL can't be reached ({why}): start it, or correct host and port")
        }
        Unmailed::Tls(why) => format!(
            "TLS to the mail server of ROSTER_SMTP_URL failed ({why}): name it as its certificate does, and correct \
             smtps:// or ?tls=required"
        ),
        Unmailed::Refused(said) => format!(
            "the mail server of ROSTER_SMTP_URL refuses ({said}): correct user and password, or let this machine in"
        ),
        Unmailed::NotSmtp(why) => format!(
            "what listens where ROSTER_SMTP_URL leads doesn't answer like a mail server ({why}): correct host and \
             port, and smtp:// or smtps://"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u7_what_is_wrong_with_mail_is_one_line_with_what_to_do() {
        let said = || "as it says".to_owned();
        for (unmailed, says) in [
            (Unmailed::NoAnswer, "open the firewall"),
            (Unmailed::Unreached(said()), "can't be reached (as it says): start it"),
            (Unmailed::Tls(said()), "as its certificate does"),
            (Unmailed::Refused(said()), "correct user and password"),
            (Unmailed::NotSmtp(said()), "smtp:// or smtps://"),
        ] {
            let line = line(&unmailed);
            assert!(line.contains(says) && line.contains("ROSTER_SMTP_URL"), "{line}");
            assert_eq!(line.lines().count(), 1);
        }
    }
}
