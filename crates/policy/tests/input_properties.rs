//! Whatever people type and paste: nothing makes the door fall, and what is let in stays as it is.

use policy::{Email, Name, Password, Refusal, ResourceField, Slug, addresses, visible};
use proptest::prelude::*;

/// Whatever fills a form is read in no time: nothing looks at every character for each.
#[test]
fn no_text_takes_long() {
    let start = std::time::Instant::now();
    for part in [
        "\u{301}\u{200C}",
        "\u{E0067}",
        "\u{200D}",
        "ب\u{200D}\u{200C}",
        "\u{FE0F}",
        "<a@b",
        "\"",
        "(@",
        "mailto:",
        "1,",
        "\u{FDFA}",
    ] {
        let text = part.repeat(16_384 / part.len());
        let _ = (
            Name::from_input(&text),
            Email::from_input(&text),
            Slug::from_input(&text),
            Password::forms_of(&text),
        );
        let _ = (Name::from_remark(&text), ResourceField::SizeBytes.from_input(&text));
    }
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

/// Anything at all, with more than its share of what breaks parsers.
fn anything() -> impl Strategy<Value = String> {
    let parts = [
        "@",
        ".",
        "<",
        ">",
        "\"",
        "(",
        ")",
        "'",
        ",",
        ";",
        "\n",
        "\r",
        "\t",
        " ",
        "mailto:",
        "?",
        "%",
        "%ff",
        "\0",
        "\u{202E}",
        "\u{202A}",
        "\u{200C}",
        "\u{200D}",
        "\u{FE0F}",
        "\u{FEFF}",
        "\u{E0067}",
        "\u{E007F}",
        "\u{1F3F4}",
        "\u{1F469}",
        "\u{94D}",
        "\u{301}",
        "ي",
        "é",
        "İ",
        "ß",
        "a",
        "Z",
        "9",
        "xn--",
        "://",
        "/projects/",
        "。",
    ];
    let awkward = prop::collection::vec(prop::sample::select(parts.to_vec()), 0..60).prop_map(|parts| parts.concat());
    prop_oneof![any::<String>(), "\\PC*", awkward]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_let_in_is_let_in_unchanged_again(text in anything()) {
        if let Ok(one) = Name::from_input(&text) {
            prop_assert_eq!(&Name::from_input(one.as_str()).unwrap(), &one);
            prop_assert_eq!(&one.as_str().parse::<Name>().unwrap(), &one);
            prop_assert!(one.is_typed_as(&text));
        }
        if let Ok(one) = Email::from_input(&text) {
            prop_assert_eq!(&Email::from_input(one.as_str()).unwrap(), &one);
        }
        if let Ok(one) = Slug::from_input(&text) {
            prop_assert_eq!(&Slug::from_input(one.as_str()).unwrap(), &one);
        }
        if let Ok(one) = text.parse::<Password>() {
            prop_assert_eq!(&Password::forms_of(&text)[0], one.as_str());
        }
        let _ = (Name::from_remark(&text), addresses(&text), ResourceField::Nodes.from_input(&text));
        prop_assert_eq!(visible(&visible(&text)), visible(&text));
    }

    /// C3: whatever could be typed before still can.
    #[test]
    fn an_address_by_itself_is_taken_as_before(
        local in "[A-Za-z0-9.!#$%&+/=?^{|}~-]{0,30}[a-z]",
        domain in "[A-Za-z0-9]([A-Za-z0-9-]{0,20}[A-Za-z0-9])?(\\.[A-Za-z]{2,10}){0,3}",
    ) {
        let address = format!("{local}@{domain}");
        prop_assert_eq!(Email::from_input(&address), address.parse::<Email>().map_err(|_| Refusal::EmailInvalid));
    }
}
