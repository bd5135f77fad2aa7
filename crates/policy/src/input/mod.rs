//! Parsing what people type and paste: names, slugs, addresses and passwords become the one form that is stored and
//! compared.
//!
//! Owns `from_input` of these types, which accepts what mail programs, terminals, chats and input methods produce. It
//! must not know where a text was typed. `FromStr` of the same types parses what is stored, and is strict. Parsing
//! input needs large Unicode tables, so only the server enables the feature `input`.

mod addresses;
mod visible;

use std::str::FromStr;

use unicode_security::{MixedScript, skeleton};

pub use addresses::addresses;
pub use visible::{compatible, visible};

use crate::{FieldInput, FieldValue, Name, Password, PasswordError, Refusal, ResourceField, Slug};

/// The largest number of marks on one letter: more would cover the lines above and below (UTS 39, 5.4).
const MOST_MARKS: usize = 4;
/// The largest number of characters that a composed one is made of (UAX 15).
const MOST_DECOMPOSED: usize = 4;

impl Name {
    /// Parses a name as people see it: NFC, every kind of space as one plain space, and only those invisible characters
    /// that a script or an emoji needs.
    ///
    /// # Errors
    /// [`Refusal::NameInvalid`] if it has no visible character, more than 100 characters, a control character, a mark
    /// that changes the direction of text, or too many marks on a letter; [`Refusal::NameConfusable`] for a word of
    /// several alphabets that looks like one of plain letters (UTS 39).
    pub fn from_input(text: &str) -> Result<Self, Refusal> {
        let seen = visible(text);
        let has_heap = seen
            .split(|c| !visible::is_mark(c))
            .any(|marks| marks.chars().count() > MOST_MARKS);
        if has_heap || !seen.chars().any(visible::has_ink) {
            return Err(Refusal::NameInvalid);
        }
        let name: Self = seen.parse().map_err(|_| Refusal::NameInvalid)?;
        if seen.split(|c: char| !visible::is_letter(c)).any(poses_as_plain) {
            return Err(Refusal::NameConfusable);
        }
        Ok(name)
    }

    /// Returns a name made from a text that was not typed as one, such as a comment: characters that a name can't have
    /// are left out, and it is cut to the length of a name. `None` if nothing visible is left.
    #[must_use]
    pub fn from_remark(text: &str) -> Option<Self> {
        let plain: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .filter(|c| !visible::is_direction_mark(*c))
            .collect();
        let cut: String = visible(&plain).chars().take(Self::MOST_CHARACTERS).collect();
        Self::from_input(&cut).ok()
    }

    /// Returns whether the typed text looks like this name: only the letters count, not how they are composed (UTS 39,
    /// skeletons).
    #[must_use]
    pub fn is_typed_as(&self, text: &str) -> bool {
        let (typed, own) = (visible(text), visible(self.as_str()));
        // An old name without visible characters doesn't match an empty field.
        !text.trim().is_empty() && skeleton(&typed).eq(skeleton(&own))
    }
}

/// Returns whether a word mixes alphabets so that all of it looks like plain letters: a Cyrillic letter in an English
/// name.
fn poses_as_plain(word: &str) -> bool {
    !word.is_ascii() && !word.is_single_script() && skeleton(word).all(|c| c.is_ascii())
}

impl Slug {
    /// Parses a slug: in lower case, without surrounding space, full-width letters as plain ones. It may also be the
    /// URL of its page.
    ///
    /// # Errors
    /// [`Refusal::SlugInvalid`].
    pub fn from_input(text: &str) -> Result<Self, Refusal> {
        let plain = compatible(&visible(text)).to_lowercase();
        let slug = in_address(&plain).unwrap_or(&plain);
        slug.trim().parse().map_err(|_| Refusal::SlugInvalid)
    }
}

/// Returns the slug in the URL of a page of this console.
fn in_address(text: &str) -> Option<&str> {
    let (_, path) = text.split_once("://")?;
    let (_, rest) = ["/organization/", "/projects/"]
        .iter()
        .find_map(|head| path.split_once(head))?;
    rest.split(['/', '?', '#']).next()
}

impl Password {
    /// Returns the forms in which an entered password may have been hashed: NFKC, which is the same from every keyboard
    /// and system (NIST SP 800-63B; UAX 15); and, if it differs, the text as entered, for passwords that were set
    /// before. For a text that is longer than any password it returns a single form, which takes as long to hash and
    /// matches nothing.
    #[must_use]
    pub fn forms_of(typed: &str) -> Vec<String> {
        let cut: String = typed.chars().take(Self::LONGEST * MOST_DECOMPOSED + 1).collect();
        let cut_short = || typed.chars().take(Self::LONGEST + 1).collect();
        if visible::composed(&cut).chars().count() > Self::LONGEST {
            return vec![cut_short()];
        }
        let normalized = compatible(&cut);
        if normalized == cut {
            return vec![normalized];
        }
        vec![normalized, cut_short()]
    }
}

/// Parses a new password. Its length is that of the entered text in its composed form.
impl FromStr for Password {
    type Err = PasswordError;

    fn from_str(text: &str) -> Result<Self, PasswordError> {
        if (Self::SHORTEST..=Self::LONGEST).contains(&visible::composed(text).chars().count()) {
            Ok(Self::of_normalized(compatible(text)))
        } else {
            Err(PasswordError)
        }
    }
}

impl ResourceField {
    /// Parses what was typed into it: a text as people see it, or a number, whose digits may be in groups. An empty
    /// text gives `None`.
    ///
    /// # Errors
    /// [`Refusal::DetailInvalid`].
    pub fn from_input(self, typed: &str) -> Result<Option<FieldValue>, Refusal> {
        let seen = visible(typed);
        match self.input() {
            FieldInput::Text { .. } if !seen.is_empty() => {
                let text = FieldValue::text_from_input(&seen).map_err(|_| Refusal::DetailInvalid(self))?;
                self.check(Some(text))
            }
            FieldInput::Whole { .. } => {
                let plain = compatible(&seen);
                self.read(&ungrouped(&plain).unwrap_or(plain))
            }
            FieldInput::Text { .. } | FieldInput::Choice(_) => self.read(&seen),
        }
    }
}

/// Parses a whole number whose digits are in groups of three, as people write large ones. A point isn't accepted
/// between groups, since it may also begin a fraction.
fn ungrouped(text: &str) -> Option<String> {
    let sign = text.chars().find(|c| !c.is_ascii_digit())?;
    let mut groups = text.split(sign);
    let first = groups.next()?;
    let is_grouped = matches!(sign, ',' | ' ' | '_' | '\'' | '’')
        && (1..=3).contains(&first.len())
        && groups.all(|group| group.len() == 3 && group.bytes().all(|b| b.is_ascii_digit()));
    is_grouped.then(|| text.chars().filter(|c| *c != sign).collect())
}

impl FieldValue {
    /// Parses a text, with the characters that a name may have.
    ///
    /// # Errors
    /// Those of [`Name::from_input`].
    pub fn text_from_input(text: &str) -> Result<Self, Refusal> {
        Ok(Self::Text(Name::from_input(text)?.to_string()))
    }
}
