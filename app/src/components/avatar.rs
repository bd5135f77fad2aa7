//! The avatar: a person's initials in a coloured circle. Decorative, since the name stands beside it.

use leptos::prelude::*;

use super::written::Written;
use crate::markup::Markup;

/// The avatar of a person with this name.
#[component]
pub(crate) fn Avatar(#[prop(into)] name: Signal<String>, seed: String) -> impl IntoView {
    view! { <Written write=Box::new(move |out| name.with(|name| write_avatar(out, name, &seed)))/> }
}

/// Writes the avatar of a person with this name. The colour is computed from `seed`, so that it stays when the name
/// changes.
pub(super) fn write_avatar(out: &mut Markup, name: &str, seed: &str) {
    const CLASSES: [&str; 8] = [
        "avatar",
        "avatar avatar-1",
        "avatar avatar-2",
        "avatar avatar-3",
        "avatar avatar-4",
        "avatar avatar-5",
        "avatar avatar-6",
        "avatar avatar-7",
    ];
    let sum = seed
        .bytes()
        .fold(0_usize, |sum, byte| (sum * 31 + usize::from(byte)) % CLASSES.len());
    out.open("span")
        .attribute("class", CLASSES[sum])
        .attribute("aria-hidden", "true");
    out.text(&initials(name)).raw("</span>");
}

/// Returns the first letters of the first and the last word.
fn initials(name: &str) -> String {
    let mut parts = name
        .split_whitespace()
        .filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let first = parts.next();
    first
        .into_iter()
        .chain(parts.next_back())
        .flat_map(char::to_uppercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::initials;

    #[test]
    fn initials_are_of_the_first_and_last_word() {
        for (name, expected) in [
            ("Olivia Owner", "OO"),
            ("Ada", "A"),
            ("Jean-Luc van der Berg", "JB"),
            ("", ""),
            ("🦀 crab", "C"),
            ("مريم علي", "مع"),
        ] {
            assert_eq!(initials(name), expected, "{name}");
        }
    }
}
