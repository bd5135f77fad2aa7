//! The avatar: a person's initials in a coloured circle. Decorative, since the name stands beside it.

use leptos::prelude::*;

/// The avatar of a person with this name. The colour is computed from `seed`, so that it stays when the name changes.
#[component]
pub(crate) fn Avatar(#[prop(into)] name: Signal<String>, #[prop(into)] seed: String) -> impl IntoView {
    const COLOURS: u32 = 8;
    let colour = seed
        .bytes()
        .fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)))
        % COLOURS;
    let class = format!("avatar avatar-{colour}");
    view! { <span class=class aria-hidden="true">{move || name.with(|name| initials(name))}</span> }
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
