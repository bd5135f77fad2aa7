//! The reasons why a new password is weak (J6), as a closed list.
//!
//! Owns the list. It must not know how a password is judged.

use serde::{Deserialize, Serialize};

/// Why a new password is too easy to guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weakness {
    /// Many people use this password, or a similar one.
    Common,
    /// Characters or words that are repeated.
    Repeats,
    /// Characters that follow each other, like abcdef or 6543.
    Sequence,
    /// Keys that are adjacent on a keyboard.
    Keyboard,
    /// A date or a year.
    Date,
    /// A word or a name with too little else.
    Words,
    /// The person's own name or address, or their organization's name.
    AboutYou,
    /// It takes too few guesses, for no particular reason.
    Guessable,
    /// It is in a collection of passwords that were stolen elsewhere.
    Breached,
}

impl Weakness {
    /// Every weakness.
    pub const ALL: &[Self] = &[
        Self::Common,
        Self::Repeats,
        Self::Sequence,
        Self::Keyboard,
        Self::Date,
        Self::Words,
        Self::AboutYou,
        Self::Guessable,
        Self::Breached,
    ];

    /// Returns its stable code, for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Common => "password_common",
            Self::Repeats => "password_repeats",
            Self::Sequence => "password_sequence",
            Self::Keyboard => "password_keyboard",
            Self::Date => "password_date",
            Self::Words => "password_words",
            Self::AboutYou => "password_about_you",
            Self::Guessable => "password_guessable",
            Self::Breached => "password_breached",
        }
    }
}
