//! What people type and paste: in which form it is let in.

use policy::{Email, Field, Name, Password, Refusal, ResourceField, Slug, addresses};

fn name(text: &str) -> Result<String, Refusal> {
    Name::from_input(text).map(|name| name.to_string())
}

fn email(text: &str) -> Result<String, Refusal> {
    Email::from_input(text).map(|email| email.to_string())
}

#[test]
fn a_name_without_ink_is_refused() {
    for text in [
        "",
        " ",
        "\u{3164}",
        "\u{2800}",
        "\u{AD}",
        "\u{FE0F}",
        "\u{115F}",
        "\u{1160}",
        "\u{FFA0}",
        "\u{34F}",
        "\u{180E}",
        "\u{180B}",
        "\u{200B}",
        "\u{200C}",
        "\u{200D}",
        "\u{2060}",
        "\u{2063}",
        "\u{FEFF}",
        "\u{3000}",
        "\u{301}",
        "\u{20DD}",
        "\u{E0041}",
        "\u{E0100}",
        "\u{1D159}",
        "\u{1D173}",
        "\u{17B4}",
        "\u{206A}",
        "\u{3164} \u{2800}\u{AD}",
        "\u{202A}\u{202C}",
        "\u{FFF0}",
        "\u{E000}",
        "\u{200E}",
        "\u{A0}\u{2003}",
    ] {
        assert_eq!(name(text), Err(Refusal::NameInvalid), "{text:?}");
    }
}

/// What shows nothing where it stands is left out: two names that look the same are the same.
#[test]
fn names_that_look_the_same_are_the_same() {
    for text in [
        "Olivia Owner",
        "Olivia\u{200C} Owner",
        "Oli\u{200D}via Owner",
        "Olivia\u{200B} Owner",
        "Oliv\u{AD}ia Owner",
        "Olivia\u{A0}Owner",
        "Olivia\u{3164}Owner",
        "Olivia\u{2800}Owner",
        "Olivia  Owner",
        "Olivia\u{2009}\u{200A}Owner",
        "\u{FEFF}\u{202A}Olivia Owner\u{202C}",
        "\u{2068}Olivia Owner\u{2069}",
        "\u{202D}Olivia Owner\u{202C}\u{200E}",
        "\tOlivia Owner\r\n",
        "Olivia Owner\u{FE0F}",
        "Olivia Owner\u{E0041}\u{E0042}\u{E007F}",
        "Olivia\u{2060} Owner",
        "O\u{34F}livia Owner\u{180E}",
    ] {
        assert_eq!(name(text).as_deref(), Ok("Olivia Owner"), "{text:?}");
    }
    assert_eq!(name("Zoe\u{308}"), name("Zoë"));
    assert_eq!(name("Zoe\u{200B}\u{308}"), name("Zoë"));
    assert_eq!(name("\u{212B}sa"), name("Åsa"));
    assert_eq!(name("O\u{FB01}elia \u{2163}"), name("Ofielia IV"));
    assert_eq!(name("Acme\u{2011}Labs"), name("Acme-Labs"));
    assert_eq!(name("\u{FEE1}\u{FEA4}\u{FEE4}\u{FEAA}"), name("محمد"));
    // Between letters that don't join anyway a non-joiner shows nothing.
    assert_eq!(name("کار\u{200C}ها"), name("کارها"));
}

/// What a script or an emoji needs stays.
#[test]
fn names_of_every_script_and_emoji_are_let_in_as_they_are() {
    for text in [
        "Maya Muster",
        "李小龍",
        "山田 太郎",
        "Tシャツ部",
        "محمد",
        "שרה כהן",
        "О’Генри Анна",
        "Петя Smith",
        "O’Brien-Ó Súilleabháin",
        "क्षत्रिय",
        "क्\u{200D}ष",
        "शरद्\u{200C}चन्द्र",
        "র\u{200D}্য",
        "නිශ්\u{200D}ශංක",
        "نمی\u{200C}خواهم",
        "علی\u{200C}اکبر",
        "ه\u{200D} ق",
        "ᠬᠠᠭᠠᠨ",
        "ᠬᠠᠷ\u{180E}ᠠ",
        "ᠭ\u{180B}ᠠ",
        "葛\u{E0100}城",
        "\u{1F469}\u{200D}\u{1F4BB}",
        "\u{1F469}\u{1F3FD}\u{200D}\u{1F4BB}",
        "Ada \u{1F3F3}\u{FE0F}\u{200D}\u{1F308}",
        "\u{1F9D1}\u{200D}\u{1F91D}\u{200D}\u{1F9D1}",
        "\u{26F9}\u{FE0F}\u{200D}\u{2640}\u{FE0F}",
        "\u{2764}\u{FE0F}",
        "1\u{FE0F}\u{20E3}",
        "\u{1F3F4}\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F} Scots",
        "X",
        "β-test",
        "βeta",
        "ΔV",
        "5 µm",
        "<script>",
        "%_\\",
    ] {
        assert_eq!(name(text).as_deref(), Ok(text), "{text:?}");
    }
}

#[test]
fn names_that_deceive_are_refused() {
    for text in [
        "a\u{202E}b",
        "\u{202E}renwO",
        "a\u{2066}b",
        "a\u{200E}b",
        "a\u{61C}b",
        "a\nb",
        "a\tb",
        "a\0b",
        "a\u{2028}b",
        "a\u{85}b",
        "Z\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}algo",
    ] {
        assert_eq!(name(text), Err(Refusal::NameInvalid), "{text:?}");
    }
    // A Cyrillic О, а Greek ο, a Cyrillic а.
    for text in ["Оlivia Owner", "Olivia οwner", "Pаypal", "Acme Reseаrch"] {
        assert_eq!(name(text), Err(Refusal::NameConfusable), "{text:?}");
    }
    assert_eq!(Refusal::NameConfusable.field(), Some(Field::Name));
    assert!(name(&"e\u{301}".repeat(100)).is_ok());
    assert!(name(&"e\u{301}".repeat(101)).is_err());
}

/// A name that was let in before is read as it is.
#[test]
fn what_is_stored_is_read_as_it_is() {
    for text in ["\u{3164}", "\u{2800}", "Olivia\u{200C} Owner", "Zoe\u{308}", "Оlivia"] {
        assert_eq!(text.parse::<Name>().unwrap().as_str(), text);
    }
}

#[test]
fn a_remark_becomes_a_name_as_far_as_it_can() {
    let remark = |text: &str| Name::from_remark(text).map(|name| name.to_string());
    assert_eq!(remark("me@laptop").as_deref(), Some("me@laptop"));
    assert_eq!(remark(&"x".repeat(120)).unwrap().len(), 100);
    assert_eq!(remark("my\tlaptop \u{202E}x").as_deref(), Some("my laptop x"));
    assert_eq!(remark("\u{200B} "), None);
}

#[test]
fn a_name_is_confirmed_by_what_is_seen() {
    let is_typed = |stored: &str, typed: &str| stored.parse::<Name>().unwrap().is_typed_as(typed);
    assert!(is_typed("Acme Research", " Acme\u{A0}Research\u{200B}"));
    assert!(is_typed("Acme\u{200C} Research", "Acme Research"));
    assert!(is_typed("Zoe\u{308}’s", "Zoë's"));
    assert!(!is_typed("Acme Research", "acme research"));
    assert!(!is_typed("Acme Research", "Acme"));
    assert!(!is_typed("Acme Research", ""));
    assert!(!is_typed("\u{3164}", ""));
    assert!(is_typed("\u{3164}", "\u{3164}"));
}

#[test]
fn an_address_is_taken_as_mail_programs_give_it() {
    for text in [
        "jane.doe@example.com",
        " Jane.Doe@Example.COM\t",
        "Jane Doe <jane.doe@example.com>",
        "\"Doe, Jane\" <jane.doe@example.com>",
        "Doe, Jane <jane.doe@example.com>;",
        "<jane.doe@example.com>",
        "jane.doe@example.com <jane.doe@example.com>",
        "jane.doe@example.com <mailto:jane.doe@example.com>",
        "'jane.doe@example.com' <jane.doe@example.com>",
        "mailto:jane.doe@example.com",
        "MAILTO:jane.doe@example.com?subject=Hello%20there&cc=x",
        "<mailto:jane.doe@example.com?subject=x>",
        "mailto:jane%2Edoe@example.com",
        "[jane.doe@example.com](mailto:jane.doe@example.com)",
        "jane.doe@example.com (Jane Doe)",
        "(jane.doe@example.com)",
        "\"jane.doe@example.com\"",
        "'jane.doe@example.com'",
        "“jane.doe@example.com”",
        "`jane.doe@example.com`",
        "jane.doe@example.com,",
        "jane.doe@example.com;",
        "jane.doe@example.com.",
        "jane.doe@example.com>",
        "\u{200B}jane.doe@example.com",
        "\u{FEFF}jane.doe@example.com\u{A0}",
        "\u{202A}jane.doe@example.com\u{202C}",
        "\u{2068}jane.doe@example.com\u{2069}",
        "jane.doe\u{200B}@example.com",
        "jane.doe@exam\u{AD}ple.com",
        "jane.doe＠example.com",
        "ｊａｎｅ.doe＠example．com",
        "Jane Doe\tjane.doe@example.com",
        "jane.doe@example.com\tJane Doe\tResearch",
        "Jane Doe [mailto:jane.doe@example.com]",
        "To: jane.doe@example.com",
        "Jane Doe (jane.doe@example.com)",
        "Jane Doe\r\n <jane.doe@example.com>",
        "\u{200F}Jane Doe\u{202C} <\u{202A}jane.doe@example.com\u{202C}>",
        "jane.doe@example.com\njane.doe@example.com\n",
    ] {
        assert_eq!(email(text).as_deref(), Ok("jane.doe@example.com"), "{text:?}");
    }
    assert_eq!(email("o'brien@example.com").as_deref(), Ok("o'brien@example.com"));
    assert_eq!(email("jane+tag@example.com").as_deref(), Ok("jane+tag@example.com"));
}

#[test]
fn a_domain_beyond_ascii_has_the_form_of_mail_servers() {
    for text in [
        "user@münchen.example",
        "user@mu\u{308}nchen.example",
        "user@MÜNCHEN.example",
        "user@münchen。example",
        "user@xn--mnchen-3ya.example",
        "U <user@XN--MNCHEN-3YA.example>",
    ] {
        assert_eq!(email(text).as_deref(), Ok("user@xn--mnchen-3ya.example"), "{text:?}");
    }
}

#[test]
fn an_address_that_is_none_says_why() {
    for text in [
        "",
        "maya",
        "@",
        "a@",
        "@b",
        "Jane Doe",
        "<>",
        "mailto:",
        "maya@@acme.test",
        "maya@-acme.test",
        "maya\0@acme.test",
        "\u{202E}moc.tset@eve",
        "maya@ac me.test",
        "maya@acme..test",
        "user@mün_chen.example",
        "https://example.com",
        "🦀@example.com",
    ] {
        assert_eq!(email(text), Err(Refusal::EmailInvalid), "{text:?}");
    }
    for text in [
        "a@x.test, b@x.test",
        "a@x.test b@x.test",
        "A <a@x.test>; B <b@x.test>",
        "a@x.test\nb@x.test",
        "a@x.test <b@x.test>",
    ] {
        assert_eq!(email(text), Err(Refusal::EmailSeveral), "{text:?}");
    }
    for text in ["jörg@example.com", "Jörg <jörg@example.com>", "用户@example.com"] {
        assert_eq!(email(text), Err(Refusal::EmailNotAscii), "{text:?}");
    }
}

#[test]
fn a_list_of_addresses_is_read_as_mail_programs_write_it() {
    let list = |text: &str| -> Vec<String> {
        addresses(text)
            .iter()
            .map(|one| email(one).unwrap_or_else(|_| format!("!{one}")))
            .collect()
    };
    let three = ["a@x.test", "b@x.test", "c@x.test"];
    for text in [
        "a@x.test, b@x.test; c@x.test",
        "a@x.test b@x.test\tc@x.test",
        "a@x.test\nb@x.test\r\nc@x.test\n",
        "Doe, A <a@x.test>; Roe, B <b@x.test>; C <c@x.test>",
        "Doe, A <a@x.test>, \"Roe, B\" <b@x.test>, c@x.test",
        "A Doe <a@x.test> B Roe <b@x.test> <c@x.test>",
        "A Doe\ta@x.test\nB Roe\tb@x.test\nC\tc@x.test",
        "mailto:a@x.test,mailto:b@x.test\n\u{200B}c@x.test",
        "a@x.test，b@x.test；c@x.test",
        "“a@x.test”, 'b@x.test', <c@x.test>",
    ] {
        assert_eq!(list(text), three, "{text:?}");
    }
    // What is no address is told, save where it is a name.
    assert_eq!(list("maya; a@x.test"), ["!maya", "a@x.test"]);
    assert_eq!(list("maya, a@x.test"), ["!maya", "a@x.test"]);
    assert_eq!(list("a@x.test, maya"), ["a@x.test", "!maya"]);
    assert_eq!(list("a@x.test maya b@x.test"), ["a@x.test", "!maya", "b@x.test"]);
    assert_eq!(list("maya mia"), ["!maya", "!mia"]);
    assert_eq!(list(" ,;\n"), Vec::<String>::new());
}

#[test]
fn a_slug_is_lowered_and_taken_out_of_an_address() {
    for text in [
        "acme",
        "Acme",
        " ACME\u{A0}",
        "\u{FEFF}acme\u{200B}",
        "Ａｃｍｅ",
        "https://roster.test/settings/organization/acme/members?q=x",
        "http://127.0.0.1:3000/projects/acme",
        "https://roster.test/settings/projects/Acme#top",
    ] {
        assert_eq!(Slug::from_input(text).unwrap().as_str(), "acme", "{text:?}");
    }
    for text in ["", "ab", "a b c", "acme_x", "äcme", "-acme", "https://roster.test/"] {
        assert_eq!(Slug::from_input(text), Err(Refusal::SlugInvalid), "{text:?}");
    }
}

/// NIST SP 800-63B: one password, whatever the keyboard and the system make of it.
#[test]
fn a_password_is_one_in_every_form() {
    let composed = "größe und überfluß";
    let decomposed: String = composed.replace('ö', "o\u{308}").replace('ü', "u\u{308}");
    let read = |text: &str| text.parse::<Password>().unwrap();
    assert_eq!(read(composed), read(&decomposed));
    assert_eq!(read("correct-horse-battery").as_str(), "correct-horse-battery");
    assert_eq!(
        read("ｃｏｒｒｅｃｔ-horse\u{A0}battery").as_str(),
        "correct-horse battery"
    );
    assert_eq!(Password::forms_of(composed), [composed]);
    assert_eq!(Password::forms_of(&decomposed), [composed, &decomposed]);
    // Counted in composed characters, and not in what one is a sign for.
    assert!("e\u{301}".repeat(11).parse::<Password>().is_err());
    assert!("e\u{301}".repeat(256).parse::<Password>().is_ok());
    assert!("e\u{301}".repeat(257).parse::<Password>().is_err());
    assert!("\u{FDFA}".parse::<Password>().is_err());
    assert_eq!(Password::forms_of(&"e\u{301}".repeat(256)).len(), 2);
    // Longer than any that can be set: no work for free.
    for text in ["x".repeat(65_536), "e\u{301}".repeat(65_536)] {
        let forms = Password::forms_of(&text);
        assert!(forms.len() == 1 && forms[0].chars().count() == 257);
    }
}

#[test]
fn numbers_are_taken_with_their_digits_in_groups() {
    let read = |text: &str| {
        ResourceField::SizeBytes
            .from_input(text)
            .map(|value| value.map(|value| value.to_string()))
    };
    for text in [
        "1234567",
        "1,234,567",
        "1 234 567",
        "1\u{A0}234\u{202F}567",
        "1_234_567",
        "1'234'567",
        "１２３４５６７",
    ] {
        assert_eq!(read(text), Ok(Some("1234567".to_owned())), "{text}");
    }
    for text in [
        "1.234.567",
        "1,23",
        "12,3456",
        ",123",
        "1,,234",
        "1e3",
        "-1",
        "1 GiB",
        "1,234 567",
    ] {
        assert_eq!(
            read(text),
            Err(Refusal::DetailInvalid(ResourceField::SizeBytes)),
            "{text}"
        );
    }
}

/// A text of thousands of signs that nothing closes is read once, not once for each of them.
#[test]
fn a_text_of_open_brackets_is_read_once() {
    for sign in ["(", "<", "\"", "<(\""] {
        let text = sign.repeat(200_000);
        assert!(addresses(&text).iter().all(|found| !found.contains('@')));
        assert_eq!(email(&text), Err(Refusal::EmailInvalid));
    }
}
