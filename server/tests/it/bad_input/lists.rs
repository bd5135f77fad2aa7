//! Addresses of lists and slugs that were tampered with.

use app::Problem;

use crate::{
    functions::{Function, function},
    security::closed_code,
    test_app::{Answer, Ask, Manner, RESEARCH, TestApp, Who, encode},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use policy::Refusal;
use sqlx::PgPool;

/// A cursor of the list of collaborators, as it is before it is encoded.
const GOOD_CURSOR: &str = concat!(
    r#"{"sort":"name","order":"asc","role":"member","name":"Maya","added":1700000000000000000,"#,
    r#""user":"00000000-0000-7000-8000-000000000000"}"#,
);

fn cursor(json: &str) -> String {
    URL_SAFE_NO_PAD.encode(json)
}

/// The good cursor with something else in the place of `from`.
fn change(from: &str, to: &str) -> String {
    assert!(GOOD_CURSOR.contains(from));
    cursor(&GOOD_CURSOR.replace(from, to))
}

fn tampered_cursors() -> Vec<String> {
    vec![
        "nonsense".into(),
        "%%%".into(),
        "=".into(),
        "-".into(),
        "a".repeat(10_000),
        cursor("null"),
        cursor("[]"),
        cursor("{}"),
        cursor("\0"),
        cursor(&"[".repeat(5_000)),
        URL_SAFE_NO_PAD.encode([0xff, 0xfe]),
        change("member", "owner"),
        change("\"name\",\"order\"", "\"password_hash\",\"order\""),
        change("\"asc\"", "\"asc; drop table users\""),
        // Of another list.
        change("\"asc\"", "\"desc\""),
        change("\"sort\":\"name\"", "\"sort\":\"added\""),
        change("1700000000000000000", "170141183460469231731687303715884105727"),
        change("1700000000000000000", "-170141183460469231731687303715884105728"),
        change("1700000000000000000", "99999999999999999999999999999999999999999"),
        change("1700000000000000000", "1.5"),
        change("1700000000000000000", "253402300800000000000"),
        change("1700000000000000000", "-1"),
        change("Maya", "M\\u0000aya"),
        change("Maya", "M\\ud800aya"),
        change("00000000-0000-7000-8000-000000000000", "1"),
    ]
}

/// The address of the list (C10): whatever is in it, the function and the page say 400 or show a list.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_list_address_that_was_tampered_with_is_refused(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for after in &tampered_cursors() {
        refused(&app, "after", after, Refusal::CursorInvalid).await;
    }
    // It is the tampering that is refused.
    for after in [
        cursor(GOOD_CURSOR),
        change("Maya", "'; drop table users; --"),
        change("Maya", ""),
    ] {
        let answer = list(&app, &[("after", after.as_bytes())]).await;
        assert_eq!(answer.0.status, 200, "{}", answer.0.text);
        assert_eq!(answer.1.status, 200);
    }
    for part in ["role", "kind", "sort", "order"] {
        for unknown in [
            "x",
            "Admin",
            "admin ",
            "owner",
            "name desc",
            "1",
            "'; drop table users; --",
            "admin\0",
            "ascending",
        ] {
            refused(&app, part, unknown, Refusal::Malformed).await;
        }
        refused(&app, part, &"a".repeat(10_000), Refusal::Malformed).await;
    }
    refused(&app, "q", "a\0b", Refusal::Malformed).await;
    refused(&app, "q", &"a".repeat(10_000), Refusal::Malformed).await;
    for q in [
        "%",
        "_",
        "\\",
        "'",
        "''; --",
        "\u{202e}",
        "İ",
        "ß",
        "👩‍👩‍👧",
        "a".repeat(200).as_str(),
    ] {
        let (answer, page) = list(&app, &[("q", q.as_bytes())]).await;
        assert_eq!(
            (answer.status.as_u16(), page.status.as_u16()),
            (200, 200),
            "{q:?}: {}",
            answer.text
        );
        // Every character counts as itself: nobody's name has one of these.
        assert!(answer.text.contains("\"rows\":[]"), "{q:?}: {}", answer.text);
    }
    // Broken UTF-8 is no text.
    for part in ["q", "role", "kind", "sort", "order", "after"] {
        let (answer, page) = list(&app, &[(part, b"a\xff")]).await;
        assert_eq!(closed_code(part, &answer), Problem::from(Refusal::Malformed), "{part}");
        assert!([200, 400].contains(&page.status.as_u16()), "{part}: {}", page.status);
    }
}

async fn refused(app: &TestApp, part: &str, text: &str, refusal: Refusal) {
    let (answer, page) = list(app, &[(part, text.as_bytes())]).await;
    let what = format!("{part} {}", text.chars().take(60).collect::<String>());
    assert_eq!(closed_code(&what, &answer), Problem::from(refusal), "{what}");
    assert_eq!(page.status, 400, "{what}");
    assert!(page.text.contains("This link doesn’t work"), "{what}: in words");
}

/// The list with this in its address, as the function and as the page.
async fn list(app: &TestApp, parts: &[(&str, &[u8])]) -> (Answer, Answer) {
    let page = format!(
        "/settings/projects/{RESEARCH}/collaborators?{}",
        encode(parts.iter().copied())
    );
    let mut fields = vec![("project".to_owned(), RESEARCH.as_bytes().to_vec())];
    fields.extend(
        parts
            .iter()
            .map(|(name, value)| (format!("query[{name}]"), value.to_vec())),
    );
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    (
        app.ask(list_function().call(&fields).by(Who::Admin)).await,
        app.ask(Ask::get(page).by(Who::Admin).manner(Manner::Plain)).await,
    )
}

fn list_function() -> &'static Function {
    function("/api/collaborators")
}

/// A project's name in an address that cannot be one is a project that is not there (P3).
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_slug_that_cannot_be_one_is_not_found(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for slug in [
        "ML-Research",
        "ml_research",
        "ml",
        "-ml-research",
        "ml-research-",
        "ml-research%00",
        "ml%2fresearch",
        "%27%3b--",
        "%f0%9f%9a%80",
        &"a".repeat(64),
        &"a".repeat(10_000),
    ] {
        for page in [
            "/projects/{slug}",
            "/projects/{slug}/clusters",
            "/projects/{slug}/usage",
            "/settings/projects/{slug}",
            "/settings/projects/{slug}/collaborators",
        ] {
            let answer = app.ask(Ask::get(page.replace("{slug}", slug)).by(Who::Owner)).await;
            assert_eq!(answer.status, 404, "{page} {slug}");
        }
        let answer = app
            .ask(Ask::get(format!("/events?project={slug}")).by(Who::Owner))
            .await;
        assert_eq!(answer.status, 404, "{slug}");
    }
}
