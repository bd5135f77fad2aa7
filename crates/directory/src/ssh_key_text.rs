//! Parsing what people paste as an SSH public key (E4): a line of a `.pub` file, wrapped by a terminal, quoted by a
//! chat, or in the form of RFC 4716; and recognizing what else it is if it isn't one.
//!
//! Owns the text's form. It must not know whose key it is.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use policy::{Refusal, SshKeyFormat};
use ssh_key::PublicKey;

/// The longest text of a public key: the longest RSA key in use has some 2,800 characters.
const MOST_CHARACTERS: usize = 16_384;
/// The largest number of lines that a key is wrapped into: 16,384 bits of RSA at 16 columns.
const MOST_PIECES: usize = 200;
/// The kinds of keys, as lines begin with them. A kind that is a prefix of another stands for both.
const KINDS: [&str; 7] = [
    "ssh-ed25519",
    "ssh-rsa",
    "ssh-dss",
    "ecdsa-sha2-",
    "sk-ssh-ed25519@",
    "sk-ecdsa-sha2-",
    "rsa-sha2-",
];
/// The beginning of one kind of private key, in base64: `openssh-key-v1`.
const OPENSSH_PRIVATE: &str = "b3BlbnNzaC1rZXktdjE";

/// Returns whether a text contains a private key, or a recognizable part of one, with or without its header lines.
#[must_use]
pub fn has_private_key(text: &str) -> bool {
    let tight: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    tight.contains("PRIVATEKEY")
        || tight.contains("PuTTY-User-Key-File-")
        || tight.contains("Private-Lines:")
        || tight.contains(OPENSSH_PRIVATE)
        || is_private_der(&tight)
}

/// Returns whether it is the base64 of a private key in DER, without its header lines: a sequence that begins with a
/// small number, its version (RFC 8017, 5958 and 5915). A public key begins with another sequence, or with a large
/// number.
fn is_private_der(tight: &str) -> bool {
    let Ok(bytes) = BASE64.decode(tight.get(..12).unwrap_or_default()) else {
        return false;
    };
    let body = match bytes.as_slice() {
        [0x30, length, body @ ..] if *length < 0x80 => body,
        [0x30, 0x81, _, body @ ..] | [0x30, 0x82, _, _, body @ ..] => body,
        _ => return false,
    };
    matches!(body, [0x02, 0x01, 0 | 1, ..])
}

/// Parses one public key.
///
/// # Errors
/// [`Refusal::SshKeyPrivate`]; [`Refusal::SshKeyFormat`] for a text that is something else; [`Refusal::SshKeyInvalid`];
/// [`Refusal::SshKeyWeak`] for a kind that OpenSSH has removed.
pub(crate) fn read(text: &str) -> Result<PublicKey, Refusal> {
    if has_private_key(text) {
        return Err(Refusal::SshKeyPrivate);
    }
    if text.len() > MOST_CHARACTERS || text.contains('\0') {
        return Err(Refusal::SshKeyInvalid);
    }
    let text = unwrapped(text);
    if text.contains("BEGIN SSH2 PUBLIC KEY") {
        return in_rfc_4716(&text);
    }
    let mut words = text.split_whitespace();
    let kind = words.next().ok_or(Refusal::SshKeyInvalid)?;
    if !is_kind(kind) {
        return Err(other(&text));
    }
    if kind.contains("-cert-v0") {
        return Err(Refusal::SshKeyFormat(SshKeyFormat::Certificate));
    }
    if kind == "ssh-dss" {
        return Err(Refusal::SshKeyWeak);
    }
    folded(&text, kind)
}

/// Returns a text without what a chat, a terminal or a program adds: quotes, back-ticks, and invisible characters.
fn unwrapped(text: &str) -> String {
    let visible: String = text
        .chars()
        .map(|c| if c == '\u{A0}' { ' ' } else { c })
        .filter(|c| c.is_ascii() || c.is_alphanumeric())
        .collect();
    let mut text = visible.trim();
    while let Some(inner) = ['`', '"', '\'']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))
    {
        text = inner.trim();
    }
    text.to_owned()
}

fn is_kind(word: &str) -> bool {
    KINDS.iter().any(|kind| word.starts_with(kind))
}

/// Parses a key of this kind whose base64 may be in several pieces. It joins as few pieces as make a whole key; the
/// rest is the key's comment.
fn folded(text: &str, kind: &str) -> Result<PublicKey, Refusal> {
    let mut rest = text.get(kind.len()..).unwrap_or_default();
    let mut base64 = String::new();
    for _ in 0..MOST_PIECES {
        rest = rest.trim_start();
        let (piece, after) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
        if piece.is_empty() {
            break;
        }
        base64.push_str(piece);
        rest = after;
        let Some(mut key) = decode(&base64) else { continue };
        if key.algorithm().as_str() != kind {
            return Err(Refusal::SshKeyInvalid);
        }
        let words: Vec<&str> = rest.split_whitespace().collect();
        if words
            .windows(2)
            .any(|pair| matches!(pair, [kind, base64] if is_kind(kind) && base64.starts_with("AAAA")))
        {
            return Err(Refusal::SshKeyFormat(SshKeyFormat::Several));
        }
        // A line break in the middle of a comment was added by the terminal.
        key.set_comment(rest.trim().replace(['\r', '\n'], ""));
        return Ok(key);
    }
    let is_cut = base64.len() > "AAAA".len() && base64.starts_with("AAAA");
    Err(if is_cut {
        Refusal::SshKeyFormat(SshKeyFormat::Cut)
    } else {
        Refusal::SshKeyInvalid
    })
}

fn decode(base64: &str) -> Option<PublicKey> {
    PublicKey::from_bytes(&BASE64.decode(base64).ok()?).ok()
}

/// Parses the form of PuTTY and of SSH2 (RFC 4716): headers, of which a line that ends in a backslash continues on the
/// next; then base64.
fn in_rfc_4716(text: &str) -> Result<PublicKey, Refusal> {
    let is_frame = |line: &str| line.trim().starts_with("----");
    if text
        .lines()
        .filter(|line| is_frame(line) && line.contains("BEGIN"))
        .count()
        > 1
    {
        return Err(Refusal::SshKeyFormat(SshKeyFormat::Several));
    }
    let joined = text.replace('\r', "").replace("\\\n", "");
    let (mut base64, mut comment) = (String::new(), String::new());
    for line in joined.lines().filter(|line| !is_frame(line)) {
        match line.split_once(':') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("comment") => {
                comment = value.trim().trim_matches('"').to_owned();
            }
            Some(_) => {}
            None => base64.extend(line.split_whitespace()),
        }
    }
    let mut key = decode(&base64).ok_or(if joined.contains("---- END") {
        Refusal::SshKeyInvalid
    } else {
        Refusal::SshKeyFormat(SshKeyFormat::Cut)
    })?;
    key.set_comment(comment);
    Ok(key)
}

/// Returns the refusal for a text that is no SSH public key, by what it is.
fn other(text: &str) -> Refusal {
    let has = |part: &str| text.contains(part);
    let format = if has("BEGIN CERTIFICATE") {
        SshKeyFormat::Certificate
    } else if has("BEGIN PUBLIC KEY") || has("BEGIN RSA PUBLIC KEY") {
        SshKeyFormat::Pem
    } else if has("BEGIN PGP") {
        SshKeyFormat::Pgp
    } else if has("AAAA") && text.split([' ', '\t', '\n', ',', '"']).any(is_kind) {
        SshKeyFormat::Options
    } else if has("SHA256:") || has("MD5:") {
        SshKeyFormat::Fingerprint
    } else if !text.contains(char::is_whitespace) && (text.ends_with(".pub") || text.contains(".ssh/")) {
        SshKeyFormat::Path
    } else {
        return Refusal::SshKeyInvalid;
    };
    Refusal::SshKeyFormat(format)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti user@example.com";

    fn line(text: &str) -> Result<String, Refusal> {
        read(text).map(|key| key.to_openssh().unwrap().trim().to_owned())
    }

    /// Returns a text with a line end after every `columns` characters, as a terminal copies it.
    fn folded_at(columns: usize, end: &str) -> String {
        let chars: Vec<char> = ED25519.chars().collect();
        chars
            .chunks(columns)
            .map(String::from_iter)
            .collect::<Vec<_>>()
            .join(end)
    }

    #[test]
    fn e4_a_key_is_taken_as_terminals_and_chats_give_it() {
        for columns in [14, 40, 72, 80, 91] {
            for end in ["\n", "\r\n"] {
                assert_eq!(
                    line(&folded_at(columns, end)).as_deref(),
                    Ok(ED25519),
                    "{columns} {end:?}"
                );
            }
        }
        for text in [
            format!("\u{FEFF}{ED25519}\r\n"),
            format!("`{ED25519}`"),
            format!("```\n{ED25519}\n```"),
            format!("\"{ED25519}\""),
            format!("'{ED25519}\n'"),
            format!("“{ED25519}”"),
            ED25519.replace(' ', "\u{A0}"),
            ED25519.replace("AAAAC", "AAA\u{200B}AC"),
            ED25519.replace(' ', "\n"),
            ED25519.replace("AAAAC", "AAAAC\n    "),
        ] {
            assert_eq!(line(&text).as_deref(), Ok(ED25519), "{text:?}");
        }
    }

    #[test]
    fn e4_a_key_in_the_form_of_putty_is_taken() {
        let base64 = ED25519.split(' ').nth(1).unwrap();
        let (first, second) = base64.split_at(50);
        for head in [
            "Comment: \"user@example.com\"\n",
            "Subject: me\nComment: user@\\\nexample.com\n",
        ] {
            let text =
                format!("---- BEGIN SSH2 PUBLIC KEY ----\n{head}{first}\n{second}\n---- END SSH2 PUBLIC KEY ----\n");
            assert_eq!(line(&text).as_deref(), Ok(ED25519), "{text}");
            assert_eq!(line(&text.replace('\n', "\r\n")).as_deref(), Ok(ED25519));
            let cut = text.split("---- END").next().unwrap().replace(second, "");
            assert_eq!(line(&cut), Err(Refusal::SshKeyFormat(SshKeyFormat::Cut)));
        }
    }

    #[test]
    fn e4_what_is_no_public_key_is_named_and_a_private_one_most_of_all() {
        use SshKeyFormat as Is;

        let format = Refusal::SshKeyFormat;
        for (text, refusal) in [
            ("", Refusal::SshKeyInvalid),
            ("my key", Refusal::SshKeyInvalid),
            ("ssh-ed25519", Refusal::SshKeyInvalid),
            ("ssh-ed25519 !", Refusal::SshKeyInvalid),
            (&ED25519.replace("ed25519 ", "rsa "), Refusal::SshKeyInvalid),
            (&ED25519[..60], format(Is::Cut)),
            (&format!("{ED25519}\n{ED25519}"), format(Is::Several)),
            (&format!("command=\"/bin/sh\" {ED25519}"), format(Is::Options)),
            (&format!("no-pty,from=\"10.0.0.0/8\" {ED25519}"), format(Is::Options)),
            (&format!("github.com {ED25519}"), format(Is::Options)),
            (
                "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQ",
                format(Is::Certificate),
            ),
            ("-----BEGIN CERTIFICATE-----\nMIIB", format(Is::Certificate)),
            ("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA", format(Is::Pem)),
            ("-----BEGIN RSA PUBLIC KEY-----\nMIIBCgKCAQEA", format(Is::Pem)),
            ("-----BEGIN PGP PUBLIC KEY BLOCK-----", format(Is::Pgp)),
            (
                "256 SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ me (ED25519)",
                format(Is::Fingerprint),
            ),
            ("~/.ssh/id_ed25519.pub", format(Is::Path)),
            ("-----BEGIN OPENSSH PRIVATE KEY-----", Refusal::SshKeyPrivate),
            ("-----BEGIN OPENSSH\nPRIVATE KEY-----", Refusal::SshKeyPrivate),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----", Refusal::SshKeyPrivate),
            ("PuTTY-User-Key-File-3: ssh-ed25519", Refusal::SshKeyPrivate),
            ("b3BlbnNzaC1rZXktdjEAAAAABG5vbmU", Refusal::SshKeyPrivate),
            ("MIIEpAIBAAKCAQEAvZ", Refusal::SshKeyPrivate),
            ("MC4CAQAwBQYDK2VwBCIEIA", Refusal::SshKeyPrivate),
            ("MHcCAQEEIKxy", Refusal::SshKeyPrivate),
            ("ssh-dss AAAAB3NzaC1kc3MAAACBAJ", Refusal::SshKeyWeak),
        ] {
            assert_eq!(read(text).err(), Some(refusal), "{text}");
        }
        assert!(
            !has_private_key(ED25519) && !has_private_key("MIIBCgKCAQEAvZ") && !has_private_key("MCowBQYDK2VwAyEA")
        );
    }
}
