//! What people type and paste, read once: names, slugs, addresses and passwords in the one form that is stored and
//! compared.
//!
//! `FromStr` of these types reads what is stored already, and is strict. What comes from a person passes
//! `from_input`, which takes what mail programs, terminals, chats and input methods give. The tables of Unicode that
//! this takes are large: the feature `input` is the server's alone.

mod addresses;
mod visible;

use std::str::FromStr;

use unicode_security::{MixedScript, skeleton};

pub use addresses::addresses;
pub use visible::{compatible, visible};

use crate::{FieldInput, FieldValue, Name, Password, PasswordError, Refusal, ResourceField, Slug};

/// More marks than this on one letter grow over the lines above and below (UTS 39, 5.4).
const MOST_MARKS: usize = 4;
/// As many characters a composed one is at most made up of (UAX 15).
const MOST_DECOMPOSED: usize = 4;

impl Name {
    /// Reads a name as people see it: NFC, spaces of every kind as one plain space, and of the characters that show
    /// nothing those alone that a script or an emoji needs.
    ///
    /// # Errors
    /// [`Refusal::NameInvalid`] if it has nothing to see, more than 100 characters, a control character, a mark that
    /// turns the direction of text, or marks heaped on a letter; [`Refusal::NameConfusable`] for a word of several
    /// alphabets that looks like one of plain letters (UTS 39).
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

    /// A name out of a text that was not typed as one, like a comment: what a name can't have is left out, and it is
    /// cut to the length of one. `None` if nothing is left to see.
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

    /// Whether what was typed is this name to the eye: its letters alone count, not how they are made up (UTS 39,
    /// skeletons).
    #[must_use]
    pub fn is_typed_as(&self, text: &str) -> bool {
        let (typed, own) = (visible(text), visible(self.as_str()));
        // One from before that shows nothing is no empty field.
        !text.trim().is_empty() && skeleton(&typed).eq(skeleton(&own))
    }
}

/// Whether a word mixes alphabets such that all of it looks like plain letters: a Cyrillic letter in an English name.
fn poses_as_plain(word: &str) -> bool {
    !word.is_ascii() && !word.is_single_script() && skeleton(word).all(|c| c.is_ascii())
}

impl Slug {
    /// Reads a slug: in lower case, without space around it, full-width letters as plain ones; out of the address of
    /// its page, too.
    ///
    /// # Errors
    /// [`Refusal::SlugInvalid`].
    pub fn from_input(text: &str) -> Result<Self, Refusal> {
        let plain = compatible(&visible(text)).to_lowercase();
        let slug = in_address(&plain).unwrap_or(&plain);
        slug.trim().parse().map_err(|_| Refusal::SlugInvalid)
    }
}

/// The slug in the address of a page of this console.
fn in_address(text: &str) -> Option<&str> {
    let (_, path) = text.split_once("://")?;
    let (_, rest) = ["/organization/", "/projects/"]
        .iter()
        .find_map(|head| path.split_once(head))?;
    rest.split(['/', '?', '#']).next()
}

impl Password {
    /// The forms in which a typed password may have been hashed: NFKC, so that it is the same from every keyboard and
    /// system (NIST SP 800-63B; UAX 15); and, if that is another one, as it came, for those that were set before. One
    /// that is longer than any that can be set has a single form, which is as long to hash and matches nothing.
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

/// Reads a new password. Its length is that of what was typed in its composed form, whatever it is made up of.
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
    /// Reads what was typed into it: a text as people see it, a number also with its digits in groups; empty is
    /// nothing.
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

/// A whole number whose digits are in groups of three, as people write large ones; a point is none of the signs
/// between them, since it may as well begin a fraction.
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
    /// Reads a text, with the characters that a name may have.
    ///
    /// # Errors
    /// Those of [`Name::from_input`].
    pub fn text_from_input(text: &str) -> Result<Self, Refusal> {
        Ok(Self::Text(Name::from_input(text)?.to_string()))
    }
}
