//! The requirements on a new password (J6): it can't be guessed by somebody who knows the person, and it isn't among
//! passwords that were stolen elsewhere.
//!
//! Owns these checks. It must not know how a password is changed.

use policy::{Email, Password, Refusal, Weakness};
use zxcvbn::{
    Score,
    feedback::{Feedback, Warning},
    zxcvbn,
};

use crate::{
    Directory, Error, Result,
    secret::{self, Asker},
};

/// The longest text that is passed to the estimator, whose time more than doubles with twice the length.
const MOST_ESTIMATED: usize = 100;
/// The lowest accepted score, of 0 to 4: 3 stands for 10^8 guesses or more (decision 80).
const LEAST: Score = Score::Three;
/// The lowest accepted score of the password without the words about the person.
const LEAST_LEFT: Score = Score::Two;
/// The shortest word about a person that is looked for: a shorter one may be a part of any other word.
const SHORTEST_WORD: usize = 4;

/// Returns why a password is weak for the person whom these texts are about; `None` if it isn't.
fn weakness(password: &str, about: &[String]) -> Option<Weakness> {
    let text: String = password.chars().take(MOST_ESTIMATED).collect();
    let estimate = zxcvbn(&text, &[]);
    if estimate.score() >= LEAST {
        // The estimator counts at least 10,000 guesses for every word, even if two of three are the person's own name.
        // So the words about the person are removed and the rest is estimated too.
        let left = without(&text, about);
        let is_about_them = left.len() < text.to_lowercase().len() && zxcvbn(&left, &[]).score() < LEAST_LEFT;
        let about: Vec<&str> = about.iter().map(String::as_str).collect();
        let is_known = is_about_them || zxcvbn(&text, &about).score() < LEAST;
        return is_known.then_some(Weakness::AboutYou);
    }
    let warning = estimate.feedback().and_then(Feedback::warning);
    Some(warning.map_or(Weakness::Guessable, named))
}

/// Returns the text without these words, in lower case.
fn without(text: &str, words: &[String]) -> String {
    let mut words: Vec<&String> = words
        .iter()
        .filter(|word| word.chars().count() >= SHORTEST_WORD)
        .collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words
        .into_iter()
        .fold(text.to_lowercase(), |left, word| left.replace(word.as_str(), ""))
}

const fn named(warning: Warning) -> Weakness {
    match warning {
        Warning::StraightRowsOfKeysAreEasyToGuess | Warning::ShortKeyboardPatternsAreEasyToGuess => Weakness::Keyboard,
        Warning::RepeatsLikeAaaAreEasyToGuess | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => {
            Weakness::Repeats
        }
        Warning::ThisIsATop10Password
        | Warning::ThisIsATop100Password
        | Warning::ThisIsACommonPassword
        | Warning::ThisIsSimilarToACommonlyUsedPassword => Weakness::Common,
        Warning::SequencesLikeAbcAreEasyToGuess => Weakness::Sequence,
        Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess => Weakness::Date,
        Warning::AWordByItselfIsEasyToGuess
        | Warning::NamesAndSurnamesByThemselvesAreEasyToGuess
        | Warning::CommonNamesAndSurnamesAreEasyToGuess => Weakness::Words,
    }
}

/// Returns the texts about a person for the estimator: each as a whole, and each of its words.
fn words_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for text in texts {
        let parts = text.split(|c: char| !c.is_alphanumeric()).filter(|part| part.len() > 2);
        for word in std::iter::once(text).chain(parts) {
            let word = word.to_lowercase();
            if !words.contains(&word) {
                words.push(word);
            }
        }
    }
    words
}

impl Directory {
    /// Checks a new password for the person whom these texts are about (their name, their address, and the names of
    /// their organizations), and returns its hash.
    ///
    /// # Errors
    /// [`Refusal::PasswordWeak`]; [`Error::Internal`] if the breached passwords cannot be read.
    pub(crate) async fn hash_new_password(&self, asker: Asker, password: Password, about: &[&str]) -> Result<String> {
        let (about, breached, text) = (words_of(about.iter().copied()), self.breached.clone(), password.clone());
        let found = secret::in_turn(asker, move || match breached {
            Some(breached) if breached.has(text.as_bytes())? => Ok(Some(Weakness::Breached)),
            Some(_) | None => Ok(weakness(text.as_str(), &about)),
        })
        .await?
        .map_err(|error: std::io::Error| Error::Internal(format!("breached passwords: {error}")))?;
        match found {
            Some(weakness) => Err(Refusal::PasswordWeak(weakness).into()),
            None => secret::hash_password(asker, password).await,
        }
    }

    /// Returns the texts about the person with this address: their name, the address, and the names of their
    /// organizations. If no account has the address, returns the address alone.
    pub(crate) async fn known_about(&self, email: &Email) -> Result<Vec<String>> {
        let rows = sqlx::query!(
            r#"SELECT u.name, o.name AS "organization?" FROM users u
               LEFT JOIN members m ON m.user_id = u.id LEFT JOIN organizations o ON o.id = m.organization_id
               WHERE u.email = $1 LIMIT 20"#,
            email.as_str(),
        )
        .fetch_all(&self.pool)
        .await?;
        let mut known = vec![email.to_string()];
        for row in rows {
            if known.len() == 1 {
                known.push(row.name);
            }
            known.extend(row.organization);
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {

    use super::{MOST_ESTIMATED, weakness, words_of};

    /// A few words are accepted, even if one of them is the person's own; so are the passwords of tests and of the
    /// seed.
    #[test]
    fn j6_a_few_words_are_a_good_password() {
        let nina = words_of(["nina.newman@acme.test", "Nina Newman", "Acme Research"]);
        for text in [
            "correct-horse-battery",
            "staple-battery-horse",
            "a long enough password",
            "another good password",
            "a very good password",
            "acme tulip gravel lantern",
            "Ünïcode ist äuch erlaubt",
        ] {
            assert_eq!(weakness(text, &nina), None, "{text}");
        }
    }

    /// The longest password takes no longer than one of a hundred characters, since the rest is not estimated.
    #[test]
    fn j6_a_long_password_is_judged_by_its_beginning() {
        let about = words_of(["nina.newman@acme.test", "Nina Newman"]);
        for text in ["aB3$".repeat(64), "password1".repeat(28), "\u{1F511}".repeat(256)] {
            let beginning: String = text.chars().take(MOST_ESTIMATED).collect();
            assert_eq!(weakness(&text, &about), weakness(&beginning, &about));
        }
    }
}
