//! Parsing addresses as mail programs, browsers and chats write them: with names, quotes, brackets, links, and
//! invisible characters.
//!
//! Owns what surrounds an address. It must not know whether an address has an account.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use percent_encoding::percent_decode_str;

use super::visible::{compatible, is_direction_mark, is_letter, visible};
use crate::{Email, Refusal};

/// The mark that reverses the direction of the text after it: with it, `eve@acme.test` may be displayed for
/// `tset.emca@eve`.
const OVERRIDE: char = '\u{202E}';

/// The longest text that may contain one address, with its name and a signature.
const MOST_BYTES: usize = 4_000;

impl Email {
    /// Parses one address: `jane@example.com`, `Jane Doe <jane@example.com>`, or a `mailto:` link, with quotes,
    /// brackets or invisible marks around it. A domain beyond ASCII is converted to the form that mail servers use
    /// (IDNA).
    ///
    /// # Errors
    /// [`Refusal::EmailInvalid`]; [`Refusal::EmailSeveral`] for more than one; [`Refusal::EmailNotAscii`] for letters
    /// before the `@` that not every mail server accepts.
    pub fn from_input(text: &str) -> Result<Self, Refusal> {
        if text.len() > MOST_BYTES {
            return Err(Refusal::EmailInvalid);
        }
        let all = addresses(text);
        match all.as_slice() {
            [one] => read(one),
            [] => Err(Refusal::EmailInvalid),
            several => match several.iter().map(|one| read(one)).collect::<Result<Vec<_>, _>>() {
                // The same address twice counts as one.
                Ok(same) if same.windows(2).all(|pair| pair.first() == pair.last()) => {
                    same.into_iter().next().ok_or(Refusal::EmailInvalid)
                }
                Ok(_) => Err(Refusal::EmailSeveral),
                Err(_) if several.iter().filter(|one| one.contains('@')).count() > 1 => Err(Refusal::EmailSeveral),
                Err(_) => Err(Refusal::EmailInvalid),
            },
        }
    }
}

/// Parses a text that is one address or none.
fn read(piece: &str) -> Result<Email, Refusal> {
    let (local, domain) = bare(piece).rsplit_once('@').map_or_else(
        || Err(Refusal::EmailInvalid),
        |(local, domain)| Ok((local.to_owned(), domain.to_owned())),
    )?;
    if local.contains('@') || piece.contains(OVERRIDE) {
        return Err(Refusal::EmailInvalid);
    }
    let domain = if domain.is_ascii() {
        domain
    } else {
        Uts46::new()
            .to_ascii(
                domain.as_bytes(),
                AsciiDenyList::STD3,
                Hyphens::Check,
                DnsLength::Verify,
            )
            .map_err(|_| Refusal::EmailInvalid)?
            .into_owned()
    };
    let is_beyond_ascii = !local.is_ascii()
        && local
            .chars()
            .all(|c| is_letter(c) || c.is_numeric() || c.is_ascii_graphic());
    format!("{local}@{domain}").parse().map_err(|_| {
        if is_beyond_ascii {
            Refusal::EmailNotAscii
        } else {
            Refusal::EmailInvalid
        }
    })
}

/// Returns an address without what surrounds it.
fn bare(piece: &str) -> String {
    let mut text = piece.trim();
    // The address of a link counts; what comes before it is how a chat displays it.
    let is_link = match text.to_ascii_lowercase().rfind("mailto:") {
        Some(at) => {
            text = text.get(at + "mailto:".len()..).unwrap_or_default();
            text = text.split(['?', ')', ']', '>', '"']).next().unwrap_or_default();
            true
        }
        None => false,
    };
    loop {
        let trimmed = text
            .trim_matches(|c: char| {
                c.is_whitespace() || matches!(c, '"' | '“' | '”' | '„' | '«' | '»' | '<' | '>' | '(' | ')' | '[' | ']')
            })
            .trim_end_matches([',', ';', '.', ':', '!', '\u{3002}']);
        // A quote that may also begin an address surrounds it only if it also ends it.
        let trimmed = [('\'', '\''), ('‘', '’'), ('`', '`'), ('*', '*'), ('_', '_')]
            .iter()
            .find_map(|(open, close)| trimmed.strip_prefix(*open)?.strip_suffix(*close))
            .unwrap_or(trimmed);
        if trimmed.len() == text.len() {
            break;
        }
        text = trimmed;
    }
    if is_link {
        percent_decode_str(text).decode_utf8_lossy().into_owned()
    } else {
        text.to_owned()
    }
}

/// Splits a text into addresses, by commas, semicolons, lines or spaces. Each is returned as it was typed, without the
/// name that belongs to it. Pieces that are no address are returned too, so that they can be reported.
#[must_use]
pub fn addresses(text: &str) -> Vec<String> {
    let mut list = List::default();
    for line in text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']) {
        // An override is kept, so that it can be reported.
        let line: String = line
            .chars()
            .filter(|c| *c == OVERRIDE || !is_direction_mark(*c))
            .collect();
        // In a row of a table with an address, the other columns are about the address.
        let has_address = line.contains(['@', '＠']);
        for column in line
            .split('\t')
            .filter(|column| !has_address || column.contains(['@', '＠']))
        {
            list.line(&compatible(&visible(column)));
        }
    }
    list.flush();
    list.found
}

/// The state of parsing a list.
#[derive(Default)]
struct List {
    found: Vec<String>,
    /// The words since the last separator.
    words: Vec<String>,
    /// Words that may begin a name: `Doe` in `Doe, Jane <jane@example.com>`.
    loose: Vec<String>,
}

impl List {
    fn line(&mut self, line: &str) {
        // The last closing sign of each kind is searched once, so that a text with many unclosed signs is parsed in
        // linear time.
        let [quote, angle, round] = ['"', '>', ')'].map(|sign| line.rfind(sign));
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            let after = rest.get(c.len_utf8()..).unwrap_or_default();
            let is_closed = |last: Option<usize>| last.is_some_and(|last| last >= line.len() - after.len());
            rest = match c {
                '"' if is_closed(quote) => {
                    let (quoted, after) = after.split_once('"').unwrap_or((after, ""));
                    // A quoted name is no address; a quoted address is one.
                    if quoted.contains('@') && !after.trim_start().starts_with('<') {
                        self.words.push(quoted.to_owned());
                    }
                    after
                }
                '<' if is_closed(angle) => {
                    let (inner, after) = after.split_once('>').unwrap_or((after, ""));
                    self.bracketed(inner);
                    after
                }
                '(' if is_closed(round) => {
                    let (inner, after) = after.split_once(')').unwrap_or((after, ""));
                    // A remark, as in `jane@example.com (Jane Doe)`; or the address of a link, as in
                    // `[Jane](mailto:…)`.
                    if inner.contains('@') {
                        self.bracketed(inner);
                    }
                    after
                }
                ',' | ';' => {
                    self.separate(c == ',');
                    after
                }
                ' ' => after,
                _ => {
                    let end = rest
                        .find([' ', ',', ';', '<', '('])
                        .unwrap_or(rest.len())
                        .max(c.len_utf8());
                    let (word, after) = rest.split_at(end);
                    self.words.push(word.to_owned());
                    after
                }
            };
        }
        self.separate(true);
    }

    /// Adds an address in brackets. The words before it are its name, unless they are other addresses.
    fn bracketed(&mut self, inner: &str) {
        if !inner.contains('@') {
            self.words.push(inner.to_owned());
            return;
        }
        let own = bare(inner).to_lowercase();
        let others = self
            .words
            .drain(..)
            .filter(|word| word.contains('@') && bare(word).to_lowercase() != own);
        self.found.extend(others);
        self.loose.clear();
        self.found.push(inner.to_owned());
    }

    /// Ends an entry.
    fn separate(&mut self, may_be_name: bool) {
        let mut words = std::mem::take(&mut self.words);
        if words.is_empty() {
            return;
        }
        let count = words.iter().filter(|word| word.contains('@')).count();
        if count == 0 && may_be_name {
            self.loose.append(&mut words);
            return;
        }
        // `Jane Doe jane@example.com`, as pasted from a table: the words before the only address are its name.
        let is_named = count == 1 && words.last().is_some_and(|word| word.contains('@'));
        self.found.append(&mut self.loose);
        self.found
            .extend(words.into_iter().filter(|word| !is_named || word.contains('@')));
    }

    fn flush(&mut self) {
        self.separate(false);
        self.found.append(&mut self.loose);
    }
}
