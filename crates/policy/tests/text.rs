//! Text at the door (C3, P2): what is let in, in which form, and that nothing typed can make the door fall.

use policy::{Email, Name, Slug};
use proptest::prelude::*;

/// Anything at all, with more than its share of what breaks parsers.
fn anything() -> impl Strategy<Value = String> {
    let awkward = prop::collection::vec(
        prop_oneof![
            Just("@"),
            Just("."),
            Just("-"),
            Just(" "),
            Just("\0"),
            Just("\u{202E}"),
            Just("\u{200D}"),
            Just("\u{FEFF}"),
            Just("\u{A0}"),
            Just("é"),
            Just("İ"),
            Just("\u{1F469}\u{200D}\u{1F4BB}"),
            Just("שלום"),
            Just("a"),
            Just("Z"),
            Just("9"),
            Just("xn--")
        ],
        0..80,
    );
    prop_oneof![any::<String>(), "\\PC*", awkward.prop_map(|parts| parts.concat())]
}

fn address() -> impl Strategy<Value = String> {
    "[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9-]{0,20}[A-Za-z0-9])?(\\.[A-Za-z]{2,10}){0,3}"
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_whatever_makes_a_parser_panic(text in anything()) {
        let _ = text.parse::<Email>();
        let _ = text.parse::<Slug>();
        let _ = text.parse::<Name>();
        let _ = Slug::suggest(&text, "fallback");
    }

    /// C3: trimmed and compared without case.
    #[test]
    fn an_address_is_trimmed_and_put_in_lower_case(address in address(), before in "[ \t\r\n]{0,3}", after in "[ \t\r\n]{0,3}") {
        let email: Email = format!("{before}{address}{after}").parse().unwrap();
        prop_assert_eq!(email.as_str(), address.to_ascii_lowercase());
        prop_assert_eq!(&address.to_uppercase().parse::<Email>().unwrap(), &email);
    }

    #[test]
    fn what_is_let_in_as_an_address_is_let_in_unchanged_again(text in anything()) {
        if let Ok(email) = text.parse::<Email>() {
            prop_assert_eq!(&email.as_str().parse::<Email>().unwrap(), &email);
            prop_assert_eq!(email.as_str().trim(), email.as_str());
            prop_assert!(email.as_str().is_ascii() && email.as_str().len() <= 254);
            prop_assert!(!email.as_str().bytes().any(|b| b.is_ascii_control() || b.is_ascii_uppercase() || b == b' '));
            prop_assert_eq!(email.as_str().matches('@').count(), 1);
            prop_assert_eq!(serde_json::from_str::<Email>(&serde_json::to_string(&email).unwrap()).unwrap(), email);
        }
    }

    #[test]
    fn what_is_let_in_as_a_name_is_let_in_unchanged_again(text in anything()) {
        if let Ok(name) = text.parse::<Name>() {
            prop_assert_eq!(&name.as_str().parse::<Name>().unwrap(), &name);
            prop_assert_eq!(name.as_str(), text.trim());
            prop_assert!((1..=100).contains(&name.as_str().chars().count()));
            prop_assert!(!name.as_str().chars().any(char::is_control));
            prop_assert_eq!(serde_json::from_str::<Name>(&serde_json::to_string(&name).unwrap()).unwrap(), name);
        }
    }

    /// N3: a name is refused for control characters and for marks that turn the direction of the text around it,
    /// wherever they stand.
    #[test]
    fn a_name_with_a_control_or_a_direction_mark_is_refused(
        before in "[a-z]{1,20}", after in "[a-z]{1,20}",
        mark in prop::sample::select(vec![
            '\0', '\n', '\r', '\t', '\u{1B}', '\u{7F}', '\u{85}', '\u{200B}', '\u{200E}', '\u{200F}', '\u{2028}', '\u{2029}', '\u{202A}', '\u{202B}',
            '\u{202C}', '\u{202D}', '\u{202E}', '\u{2060}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}', '\u{FEFF}', '\u{61C}',
        ]),
    ) {
        prop_assert!(format!("{before}{mark}{after}").parse::<Name>().is_err(), "{:?}", mark);
    }

    /// P2: 3 to 63 of a-z, 0-9 and inner hyphens, exactly.
    #[test]
    fn a_slug_is_what_the_rule_says_and_nothing_else(text in prop_oneof![anything(), "[a-z0-9-]{0,70}", "[A-Za-z0-9_.-]{2,5}"]) {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_slug = (3..=63).contains(&text.chars().count())
            && text.chars().all(|c| inner(c) || c == '-')
            && text.starts_with(inner)
            && text.ends_with(inner);
        let slug = text.parse::<Slug>();
        prop_assert_eq!(slug.is_ok(), is_slug);
        if let Ok(slug) = slug {
            prop_assert_eq!(slug.as_str(), &text);
            prop_assert_eq!(serde_json::from_str::<Slug>(&serde_json::to_string(&slug).unwrap()).unwrap(), slug);
        }
    }

    #[test]
    fn a_suggested_slug_is_one_with_room_for_a_suffix(name in anything()) {
        let slug = Slug::suggest(&name, "organization");
        prop_assert!(slug.parse::<Slug>().is_ok(), "{}", slug);
        let longest = format!("{slug}-01234567-default");
        prop_assert!(longest.parse::<Slug>().is_ok(), "{}", longest);
    }

}

#[test]
fn addresses_that_are_none_are_refused() {
    let long_local = format!("{}@acme.test", "a".repeat(65));
    let long_label = format!("a@{}.test", "a".repeat(64));
    let long_whole = format!("{}@{}", "a".repeat(64), vec!["a".repeat(60); 4].join("."));
    for text in [
        "",
        " ",
        "@",
        "a@",
        "@b",
        "maya",
        "maya@@acme.test",
        "maya@acme@test",
        "maya acme@acme.test",
        "maya@acme..test",
        "maya@.acme.test",
        "maya@acme.test.",
        "maya@-acme.test",
        "maya@acme-.test",
        "maya@acme_.test",
        "maya@[192.0.2.1]",
        "\"maya\"@acme.test",
        "maya\0@acme.test",
        "maya@acme.test\0",
        "maya@ac\u{7F}me.test",
        "ma\u{202E}ya@acme.test",
        "mäya@acme.test",
        "maya@äcme.test",
        "maya@acme.test, mia@acme.test",
        "Maya <maya@acme.test>",
        &long_local,
        &long_label,
        &long_whole,
    ] {
        assert!(text.parse::<Email>().is_err(), "{text:?}");
    }
}

#[test]
fn names_of_every_script_are_let_in() {
    for text in [
        "Maya Muster",
        "李小龍",
        "محمد",
        "שרה כהן",
        "Zoë",
        "O’Brien-Ó Súilleabháin",
        "क्षत्रिय",
        "نمی\u{200C}خواهم",
        "\u{1F469}\u{200D}\u{1F4BB}",
        "Ada \u{1F3F3}\u{FE0F}\u{200D}\u{1F308}",
        "X",
        "a  b",
        "<script>",
        "%_\\",
    ] {
        assert_eq!(text.parse::<Name>().unwrap().as_str(), text);
    }
    assert_eq!(" \u{A0}Maya\t\n".parse::<Name>().unwrap().as_str(), "Maya");
    assert!("é".repeat(100).parse::<Name>().is_ok());
    assert!("é".repeat(101).parse::<Name>().is_err());
    for text in ["", " ", "\u{200D}", "\u{200C} \u{200C}", "\u{200B}", "\u{3000}"] {
        assert!(text.parse::<Name>().is_err(), "{text:?}");
    }
}

#[test]
fn ids_are_read_back_from_their_text() {
    let text = "01893c5a-7e00-7000-8000-000000000001";
    let id: policy::ProjectId = text.parse().unwrap();
    assert_eq!(id.to_string(), text);
    assert_eq!(serde_json::to_string(&id).unwrap(), format!("{text:?}"));
    assert!("not-an-id".parse::<policy::ProjectId>().is_err());
}
