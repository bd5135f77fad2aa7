//! Text as people see it: normalised, without characters that show nothing where they stand.
//!
//! Owns the classes of characters. It must not know what a text is for.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::{
    CodePointMapData, CodePointSetData, CodePointSetDataBorrowed,
    props::{
        CanonicalCombiningClass, DefaultIgnorableCodePoint, Emoji, ExtendedPictographic, GeneralCategory,
        GeneralCategoryGroup, JoiningType, Script, UnifiedIdeograph,
    },
};

const NON_JOINER: char = '\u{200C}';
const JOINER: char = '\u{200D}';
const KEYCAP: char = '\u{20E3}';
const BLACK_FLAG: char = '\u{1F3F4}';
const CANCEL_TAG: char = '\u{E007F}';

static IGNORABLE: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<DefaultIgnorableCodePoint>();
static PICTOGRAPHIC: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<ExtendedPictographic>();
static EMOJI: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<Emoji>();
static IDEOGRAPH: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<UnifiedIdeograph>();

/// The largest number of passes: a text that changes with each of them was made to keep the server busy.
const MOST_PASSES: usize = 4;
/// How far to search for the letter that a mark is on, bounded for the same reason.
const MOST_AWAY: usize = 16;

/// Returns the text canonically composed (NFC).
pub(super) fn composed(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned()
}

/// Returns the text composed, with compatibility forms of letters replaced by the plain ones (NFKC).
#[must_use]
pub fn compatible(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfkc().normalize(text).into_owned()
}

/// Returns a text as people see it: composed; each run of blank characters as one space, none at the ends; and without
/// characters that show nothing where they stand. Control characters and marks that change the direction of text are
/// kept, except at the ends.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut seen = without_hidden(text);
    // Removing a character may change whether the one beside it is needed, so this is repeated.
    for _ in 0..MOST_PASSES {
        let again = without_hidden(&seen);
        if again == seen {
            return seen;
        }
        seen = again;
    }
    // No text that people write needs this many passes.
    let plain: String = seen
        .chars()
        .filter(|c| !IGNORABLE.contains(*c) || is_direction_mark(*c))
        .collect();
    without_hidden(&plain)
}

fn without_hidden(text: &str) -> String {
    let text = composed(&plain(text));
    let text: Vec<char> = text.trim_matches(is_wrapping).chars().collect();
    let mut seen = String::with_capacity(text.len());
    for (at, c) in text.iter().copied().enumerate() {
        if is_blank(c) {
            if !seen.is_empty() && !seen.ends_with(' ') {
                seen.push(' ');
            }
        } else if !IGNORABLE.contains(c) || is_direction_mark(c) || is_needed(&text, at) {
            seen.push(c);
        }
    }
    seen.trim_end().to_owned()
}

/// Returns whether a character is visible.
pub(super) fn has_ink(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let inked = GeneralCategoryGroup::Letter
        .union(GeneralCategoryGroup::Number)
        .union(GeneralCategoryGroup::Punctuation)
        .union(GeneralCategoryGroup::Symbol);
    inked.contains(category) && !is_blank(c) && !IGNORABLE.contains(c)
}

/// Returns whether it is a mark on the letter before it.
pub(super) fn is_mark(c: char) -> bool {
    CodePointMapData::<GeneralCategory>::new().get(c) == GeneralCategory::NonspacingMark
}

/// Returns whether it is a part of a word.
pub(super) fn is_letter(c: char) -> bool {
    let word = GeneralCategoryGroup::Letter.union(GeneralCategoryGroup::Mark);
    word.contains(CodePointMapData::<GeneralCategory>::new().get(c))
}

/// Returns whether it changes the direction of text (UAX 9).
pub(super) const fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Returns whether programs put this character around text that they paste. An override from right to left is not one
/// of them, since it changes what is read.
fn is_wrapping(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200B}' | '\u{2060}' | '\u{FEFF}') || (is_direction_mark(c) && c != '\u{202E}')
}

/// Replaces each character by the plain ones that look the same: ligatures, digraphs, Roman numerals and the forms that
/// letters have within words exist only for older encodings. A non-breaking hyphen becomes a hyphen.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{2010}' | '\u{2011}' => plain.push('-'),
            '\u{132}'..='\u{133}'
            | '\u{1C4}'..='\u{1CC}'
            | '\u{1F1}'..='\u{1F3}'
            | '\u{2160}'..='\u{217F}'
            | '\u{FB00}'..='\u{FDFF}'
            | '\u{FE70}'..='\u{FEFE}' => plain.push_str(&compatible(c.encode_utf8(&mut [0; 4]))),
            _ => plain.push(c),
        }
    }
    plain
}

/// Returns whether it takes space and shows nothing. Line ends and tabs are control characters and not among these.
const fn is_blank(c: char) -> bool {
    matches!(
        c,
        ' ' | '\u{A0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200A}'
            | '\u{202F}'
            | '\u{205F}'
            | '\u{3000}'
            // Fillers of Hangul, the empty Braille cell, the null notehead, and blanks of hieroglyphs.
            | '\u{115F}'
            | '\u{1160}'
            | '\u{3164}'
            | '\u{FFA0}'
            | '\u{2800}'
            | '\u{1D159}'
            | '\u{13441}'
            | '\u{13442}'
    )
}

/// Returns whether an ignorable character changes what is displayed at this position.
fn is_needed(text: &[char], at: usize) -> bool {
    let (before, after) = text.split_at(at);
    let (Some((c, after)), Some(last)) = (after.split_first(), before.last()) else {
        return false;
    };
    match c {
        &JOINER => joins_emoji(before, after) || is_in_cluster(before, after) || joins_letter(before, after),
        &NON_JOINER => {
            after.first().is_some_and(|c| is_letter(*c)) && (is_virama(*last) || parts_letters(before, after))
        }
        '\u{FE0E}' | '\u{FE0F}' if last.is_ascii() => after.first() == Some(&KEYCAP),
        '\u{FE0E}' | '\u{FE0F}' => EMOJI.contains(*last),
        '\u{FE00}'..='\u{FE0D}' | '\u{E0100}'..='\u{E01EF}' => IDEOGRAPH.contains(*last),
        '\u{180B}'..='\u{180D}' | '\u{180F}' => is_mongolian(*last),
        '\u{180E}' => is_mongolian(*last) && after.first().copied().is_some_and(is_mongolian),
        '\u{E0020}'..='\u{E007F}' => is_flag(before, *c, after),
        _ => false,
    }
}

/// Returns whether a joiner combines two emoji into one. A skin tone or a selector may follow the first.
fn joins_emoji(before: &[char], after: &[char]) -> bool {
    let first = before
        .iter()
        .rev()
        .take(MOST_AWAY)
        .find(|c| !matches!(c, '\u{FE0F}' | '\u{1F3FB}'..='\u{1F3FF}'));
    first.is_some_and(|c| PICTOGRAPHIC.contains(*c)) && after.first().is_some_and(|c| PICTOGRAPHIC.contains(*c))
}

/// Returns whether a joiner stands beside the sign that binds consonants of Indic scripts, where it selects the form
/// (RFC 5892, A.2).
fn is_in_cluster(before: &[char], after: &[char]) -> bool {
    before.last().copied().is_some_and(is_virama)
        || (before.last().copied().is_some_and(is_letter) && after.first().copied().is_some_and(is_virama))
}

fn is_virama(c: char) -> bool {
    CodePointMapData::<CanonicalCombiningClass>::new().get(c) == CanonicalCombiningClass::Virama
}

/// Returns whether a non-joiner separates two letters that would otherwise be joined (RFC 5892, A.1).
fn parts_letters(before: &[char], after: &[char]) -> bool {
    reaches_on(before) && reaches_back(after)
}

/// Returns whether a joiner gives a letter its form within a word, with only one of the sides joining.
fn joins_letter(before: &[char], after: &[char]) -> bool {
    reaches_on(before) != reaches_back(after)
}

/// Returns whether the last letter joins the one after it.
fn reaches_on(before: &[char]) -> bool {
    let last = before
        .iter()
        .rev()
        .take(MOST_AWAY)
        .map(|c| joining(*c))
        .find(is_no_mark);
    last.is_some_and(|kind| matches!(kind, JoiningType::DualJoining | JoiningType::LeftJoining))
}

/// Returns whether the next letter joins the one before it.
fn reaches_back(after: &[char]) -> bool {
    let next = after.iter().take(MOST_AWAY).map(|c| joining(*c)).find(is_no_mark);
    next.is_some_and(|kind| matches!(kind, JoiningType::DualJoining | JoiningType::RightJoining))
}

fn joining(c: char) -> JoiningType {
    CodePointMapData::<JoiningType>::new().get(c)
}

fn is_no_mark(kind: &JoiningType) -> bool {
    *kind != JoiningType::Transparent
}

fn is_mongolian(c: char) -> bool {
    CodePointMapData::<Script>::new().get(c) == Script::Mongolian
}

/// Returns whether a tag is part of a flag: a black flag, three to six letters or digits, and an end (UTS 51, ED-14a).
fn is_flag(before: &[char], tag: char, after: &[char]) -> bool {
    let is_tag = |c: &char| matches!(c, '\u{E0030}'..='\u{E0039}' | '\u{E0061}'..='\u{E007A}');
    let head = before.iter().rev().take(MOST_AWAY).take_while(|c| is_tag(c)).count();
    let starts = before.iter().rev().nth(head) == Some(&BLACK_FLAG);
    if tag == CANCEL_TAG {
        return starts && (3..=6).contains(&head);
    }
    let tail = after.iter().take(MOST_AWAY).take_while(|c| is_tag(c)).count();
    let ends = after.get(tail) == Some(&CANCEL_TAG);
    starts && ends && is_tag(&tag) && (3..=6).contains(&(head + 1 + tail))
}
