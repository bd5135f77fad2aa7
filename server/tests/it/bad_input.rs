//! Bad input, for every function and every argument (issue 2): a clear 4xx that is a closed code, and nothing changed;
//! or, where the text is a good one after all, done. Never a 5xx.

use app::Problem;
use axum::http::header;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use policy::Refusal;
use sqlx::PgPool;

use crate::{
    functions::{FUNCTIONS, Function, function},
    security::closed_code,
    test_app::{Answer, Ask, Manner, RESEARCH, TestApp, Who, encode},
};

/// What is put into each argument. `UPPER` and `SPACED` are the good value, changed.
const UPPER: &str = "the value in upper case";
const SPACED: &str = "the value with spaces around it";
const LONG: &str = "10,000 characters";
const BAD: [(&str, &[u8]); 18] = [
    ("empty", b""),
    ("spaces", b"   "),
    (UPPER, b""),
    (SPACED, b""),
    (LONG, b""),
    ("sql", b"'; drop table users; --"),
    ("sql wildcards", b"%_\\"),
    ("markup", b"<script>alert(1)</script>"),
    ("emoji", "👩‍👩‍👧 🚀".as_bytes()),
    ("right-to-left", "שלום عالم".as_bytes()),
    ("direction override", "abc\u{202e}cba".as_bytes()),
    ("NUL", b"ab\0cdefghijklmnop"),
    ("control characters", b"ab\r\nX-Evil: 1"),
    ("broken UTF-8", b"ab\xff\xfecdefghijkl"),
    ("surrogate", b"ab\xed\xa0\x80cdefghijkl"),
    ("unknown id", b"00000000-0000-7000-8000-000000000000"),
    ("malformed id", b"00000000-0000"),
    ("number", b"-1"),
];

/// What is good after all: function, argument, and which of [`BAD`].
const GOOD: &[(&str, &str, &[&str])] = &[
    // An address is trimmed and compared without case (C3).
    ("/api/sign_in", "email", &[UPPER, SPACED]),
    ("/api/sign_up", "email", &[UPPER, SPACED]),
    ("/api/add_collaborator", "email", &[UPPER, SPACED]),
    // A name is nearly any text; a project's slug is not, but may be typed in upper case.
    ("/api/sign_up", "name", NAMES),
    ("/api/update_project", "name", NAMES),
    ("/api/update_project", "slug", SLUGS),
    // A checkbox is there or it is not.
    (
        "/api/update_project",
        "allow_externals",
        &[
            "empty",
            "spaces",
            UPPER,
            SPACED,
            LONG,
            "sql",
            "sql wildcards",
            "markup",
            "emoji",
            "right-to-left",
            "direction override",
            "NUL",
            "control characters",
            "unknown id",
            "malformed id",
            "number",
        ],
    ),
    // Where to go next is a wish: one that cannot be granted leads home.
    ("/api/sign_in", "next", ANYTHING),
    ("/api/sign_up", "next", ANYTHING),
    // A password is any text that is long enough.
    ("/api/sign_up", "password", PASSWORDS),
    ("/api/change_password", "password", PASSWORDS),
    // A date is trimmed; none at all is no end.
    (
        "/api/set_collaborator_end_date",
        "expires_on",
        &["empty", "spaces", UPPER, SPACED],
    ),
    // A search may be for anything that a name or address could have; nobody may be found.
    ("/api/collaborators", "query[q]", SEARCHES),
    ("/api/collaborators", "query[role]", &["empty"]),
    ("/api/collaborators", "query[kind]", &["empty"]),
    ("/api/collaborators", "query[sort]", &["empty"]),
    ("/api/collaborators", "query[order]", &["empty"]),
    ("/api/collaborators", "query[after]", &["empty", UPPER]),
    // A person who is not there: the dialog does not open.
    ("/api/collaborators", "subject", ANYTHING),
    // Resources: names and texts, numbers and choices with space around them, and what may be left out.
    ("/api/resources", "query[q]", SEARCHES),
    ("/api/resources", "query[state]", &["empty"]),
    ("/api/resources", "query[sort]", &["empty"]),
    ("/api/resources", "query[order]", &["empty"]),
    ("/api/resources", "query[after]", &["empty", UPPER]),
    ("/api/resource", "id", &[UPPER]),
    ("/api/usage", "days", &["empty", UPPER]),
    ("/api/usage", "measure", &["empty"]),
    ("/api/create_resource", "name", NAMES),
    ("/api/create_resource", "state", &["empty"]),
    ("/api/create_resource", "purpose", &[SPACED]),
    ("/api/create_resource", "size_bytes", &[UPPER, SPACED]),
    ("/api/update_resource", "id", &[UPPER]),
    ("/api/update_resource", "name", NAMES),
    // What is no note of ours is none.
    ("/api/update_resource", "seen", ANYTHING),
    ("/api/update_resource", "gpu", NAMES),
    ("/api/update_resource", "nodes", &[UPPER, SPACED]),
    ("/api/update_resource", "scheduler", &[SPACED]),
    (
        "/api/update_resource",
        "region",
        &[
            "empty",
            "spaces",
            UPPER,
            SPACED,
            "sql",
            "sql wildcards",
            "markup",
            "emoji",
            "right-to-left",
            "unknown id",
            "malformed id",
            "number",
        ],
    ),
    ("/api/delete_resource", "id", &[UPPER]),
    // The frame of a page for a project that is not there shows another.
    ("/api/shell", "project", ANYTHING),
    // Addresses, one or several.
    ("/api/invite_members", "email", &[UPPER, SPACED]),
    ("/api/request_password_reset", "email", &[UPPER, SPACED]),
    ("/api/request_email_change", "email", &[UPPER, SPACED]),
    // Names of people, organizations and projects; slugs.
    ("/api/accept_invitation_as_new", "name", NAMES),
    ("/api/change_name", "name", NAMES),
    ("/api/update_organization", "name", NAMES),
    ("/api/create_project", "name", NAMES),
    ("/api/update_organization", "slug", SLUGS),
    ("/api/create_project", "slug", SLUGS),
    // What a mail program leaves around the secret of a link is none of it.
    ("/api/invitation", "token", &[SPACED]),
    ("/api/accept_invitation", "token", &[SPACED]),
    ("/api/accept_invitation_as_new", "token", &[SPACED]),
    ("/api/password_reset", "token", &[SPACED]),
    ("/api/reset_password", "token", &[SPACED]),
    ("/api/email_verification", "token", &[SPACED]),
    ("/api/verify_email", "token", &[SPACED]),
    ("/api/email_change", "token", &[SPACED]),
    ("/api/email_undo", "token", &[SPACED]),
    ("/api/change_email", "token", &[SPACED]),
    ("/api/undo_email_change", "token", &[SPACED]),
    // A key need not be given a name: it has its comment.
    (
        "/api/add_ssh_key",
        "name",
        &[
            "empty",
            "spaces",
            UPPER,
            SPACED,
            "sql",
            "sql wildcards",
            "markup",
            "emoji",
            "right-to-left",
            "unknown id",
            "malformed id",
            "number",
        ],
    ),
    ("/api/add_ssh_key", "public_key", &[SPACED]),
    ("/api/accept_invitation_as_new", "password", PASSWORDS),
    ("/api/reset_password", "password", PASSWORDS),
    ("/api/verify_email", "password", PASSWORDS),
    ("/api/undo_email_change", "password", PASSWORDS),
    // A checkbox is there or it is not.
    (
        "/api/revoke_made_keys",
        "revoke-01900000-0000-7000-8000-000000000005",
        ANYTHING,
    ),
    // What is typed to confirm may have space around it; a slug has no case.
    ("/api/transfer_ownership", "confirmation", &[SPACED]),
    ("/api/delete_organization", "confirmation", &[SPACED]),
    ("/api/delete_project", "confirmation", &[UPPER, SPACED]),
    // API keys: no reach is `use`, no expiration is none, and a date is trimmed.
    ("/api/api_keys", "query[q]", SEARCHES),
    ("/api/api_keys", "query[state]", &["empty"]),
    ("/api/api_keys", "query[after]", &["empty", UPPER, "unknown id"]),
    ("/api/api_keys", "subject", ANYTHING),
    ("/api/create_api_key", "name", NAMES),
    ("/api/create_api_key", "reach", &["empty"]),
    ("/api/create_api_key", "expires", &["empty"]),
    ("/api/create_api_key", "expires_on", &[UPPER, SPACED]),
    ("/api/set_api_key_expiration", "key", &[UPPER]),
    ("/api/set_api_key_expiration", "expires", &["empty"]),
    ("/api/set_api_key_expiration", "expires_on", &[UPPER, SPACED]),
    ("/api/rotate_api_key", "key", &[UPPER]),
    ("/api/rotate_api_key", "overlap", &[UPPER]),
    ("/api/rotate_api_key", "expires", &["empty"]),
    ("/api/rotate_api_key", "expires_on", &[UPPER, SPACED]),
    ("/api/revoke_api_key", "key", &[UPPER]),
    // Searches.
    ("/api/members", "query[q]", SEARCHES),
    ("/api/members", "query[role]", &["empty"]),
    ("/api/members", "query[sort]", &["empty"]),
    ("/api/members", "query[order]", &["empty"]),
    ("/api/members", "query[after]", &["empty", UPPER]),
    ("/api/members", "subject", ANYTHING),
    ("/api/invitations", "query[q]", SEARCHES),
    ("/api/invitations", "query[state]", &["empty"]),
    ("/api/invitations", "query[after]", &["empty", UPPER, "unknown id"]),
    ("/api/projects", "query[q]", SEARCHES),
    ("/api/projects", "query[after]", &["empty", UPPER]),
    ("/api/find_projects", "search", SEARCHES),
    // Where there is no such organization, there is nothing of it to be found.
    ("/api/find_projects", "organization", &["unknown id", "malformed id"]),
    // Hexadecimal digits have no case.
    ("/api/transfer_ownership", "user", &[UPPER]),
    ("/api/change_member_role", "user", &[UPPER]),
    ("/api/remove_member", "user", &[UPPER]),
    ("/api/resend_invitation", "invitation", &[UPPER]),
    ("/api/revoke_invitation", "invitation", &[UPPER]),
    ("/api/end_session", "session", &[UPPER]),
    ("/api/remove_ssh_key", "key", &[UPPER]),
    ("/api/change_collaborator_role", "user", &[UPPER]),
    ("/api/remove_collaborator", "user", &[UPPER]),
    ("/api/set_collaborator_end_date", "user", &[UPPER]),
];

const NAMES: &[&str] = &[
    UPPER,
    SPACED,
    "sql",
    "sql wildcards",
    "markup",
    "emoji",
    "right-to-left",
    "unknown id",
    "malformed id",
    "number",
];

const SLUGS: &[&str] = &[UPPER, SPACED, "unknown id", "malformed id"];

const SEARCHES: &[&str] = &[
    "empty",
    "spaces",
    UPPER,
    SPACED,
    "sql",
    "sql wildcards",
    "markup",
    "emoji",
    "right-to-left",
    "direction override",
    "control characters",
    "unknown id",
    "malformed id",
    "number",
];

const PASSWORDS: &[&str] = &[UPPER, SPACED, "sql", "markup", "control characters", "unknown id"];

/// Any text: what is no text (broken UTF-8) is refused all the same.
const ANYTHING: &[&str] = &[
    "empty",
    "spaces",
    UPPER,
    SPACED,
    LONG,
    "sql",
    "sql wildcards",
    "markup",
    "emoji",
    "right-to-left",
    "direction override",
    "NUL",
    "control characters",
    "unknown id",
    "malformed id",
    "number",
];

fn value(kind: &str, bad: &[u8], good: &[u8]) -> Vec<u8> {
    match kind {
        UPPER => good.to_ascii_uppercase(),
        SPACED => [b"  ", good, b" \t "].concat(),
        LONG => vec![b'a'; 10_000],
        _ => bad.to_vec(),
    }
}

/// A refusal, as it should be.
fn is_refused(answer: &Answer) -> bool {
    answer.status.is_client_error() && serde_json::from_str::<Problem>(&answer.text).is_ok()
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn every_argument_takes_what_is_good_and_refuses_the_rest(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let before = app.fingerprint().await;
    let mut wrong = Vec::new();
    for function in &FUNCTIONS {
        let base = function.filled(&app);
        for (at, (name, good)) in base.iter().enumerate() {
            for (kind, bad) in BAD {
                let mut fields = base.clone();
                fields[at].1 = value(kind, bad, good);
                let what = format!("{} {name} {kind}", function.path);
                let answer = app.ask(function.call(&fields).by(function.who)).await;
                let is_good = GOOD
                    .iter()
                    .any(|(path, field, kinds)| (*path, field) == (function.path, name) && kinds.contains(&kind));
                let is_done = answer.status.is_success() || answer.status == 303;
                if is_good && !is_done || !is_good && !is_refused(&answer) {
                    wrong.push(format!("{what}: {} {}", answer.status, answer.text));
                }
                let is_changed = app.fingerprint().await != before;
                if is_changed && !(is_good && function.is_write()) {
                    wrong.push(format!("{what}: something changed"));
                }
                if function.is_write() {
                    app.restore().await;
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// As a browser without scripts sends it: led on, with the problem in the flash or a plain refusal; the page then
/// shows.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn plain_forms_with_bad_input_lead_to_a_page_that_can_be_shown(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let before = app.fingerprint().await;
    for function in FUNCTIONS.iter().filter(|function| function.is_write()) {
        let base = function.filled(&app);
        for (at, (name, good)) in base.iter().enumerate() {
            for (kind, bad) in BAD {
                let mut fields = base.clone();
                fields[at].1 = value(kind, bad, good);
                let what = format!("{} {name} {kind}", function.path);
                let answer = app
                    .ask(function.call(&fields).by(function.who).manner(Manner::Plain))
                    .await;
                assert!(answer.status == 303 || is_refused(&answer), "{what}: {}", answer.status);
                if let Some(flash) = answer.flash()
                    && flash.outcome.is_err()
                {
                    assert_eq!(app.fingerprint().await, before, "{what}");
                    let cookie = format!("roster-flash={}", answer.cookie("roster-flash").unwrap());
                    // What browsers keep of a cookie.
                    assert!(cookie.len() < 4_096, "{what}: a cookie of {} bytes", cookie.len());
                    let page = Ask::get(answer.location())
                        .by(function.who)
                        .with(header::COOKIE, cookie);
                    let page = app.ask(page).await;
                    assert!(!page.status.is_server_error(), "{what}: {}", page.status);
                }
                app.restore().await;
            }
        }
    }
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn fields_that_are_missing_doubled_or_unknown_are_refused(pool: PgPool) {
    /// What may be left out.
    const OPTIONAL: [(&str, &str); 15] = [
        ("/api/create_resource", "state"),
        // Of a change, what is left out stays.
        ("/api/update_resource", "seen"),
        ("/api/update_resource", "gpu"),
        ("/api/update_resource", "nodes"),
        ("/api/update_resource", "scheduler"),
        ("/api/update_resource", "region"),
        ("/api/sign_in", "next"),
        ("/api/sign_up", "next"),
        ("/api/update_project", "allow_externals"),
        ("/api/transfer_ownership", "user"),
        ("/api/add_ssh_key", "name"),
        ("/api/create_api_key", "reach"),
        ("/api/create_api_key", "expires"),
        ("/api/set_api_key_expiration", "expires"),
        ("/api/rotate_api_key", "expires"),
    ];
    let app = TestApp::new(pool).await;
    let before = app.fingerprint().await;
    let mut wrong = Vec::new();
    for function in FUNCTIONS.iter().filter(|function| function.is_write()) {
        let base = function.filled(&app);
        let mut variants = Vec::new();
        for (at, (name, good)) in base.iter().enumerate() {
            let mut fields = base.clone();
            fields.remove(at);
            if !OPTIONAL.contains(&(function.path, name)) {
                variants.push((format!("without {name}"), fields));
            }
            let mut fields = base.clone();
            fields.push((name, good.clone()));
            variants.push((format!("{name} twice"), fields));
            let mut fields = base.clone();
            fields.push((name, b"another".to_vec()));
            variants.push((format!("{name} twice, another"), fields));
        }
        for (name, value) in [
            ("role", "admin"),
            ("unknown", ""),
            ("unknown", "x"),
            ("user_id", "1"),
            ("rest", "x"),
            ("rest[x]", "y"),
            ("unknown[]", "x"),
            ("unknown[a][b][c][d][e][f][g]", "x"),
            ("is_admin", "true"),
            ("%00", "x"),
            ("%ff", "x"),
            ("", "x"),
        ] {
            if base.iter().any(|(known, _)| *known == name) {
                continue;
            }
            let mut fields = base.clone();
            fields.push((name, value.as_bytes().to_vec()));
            variants.push((format!("with {name:?}={value:?}"), fields));
        }
        for (what, fields) in variants {
            let answer = app.ask(function.call(&fields).by(function.who)).await;
            if !is_refused(&answer) {
                wrong.push(format!("{} {what}: {} {}", function.path, answer.status, answer.text));
            }
            if app.fingerprint().await != before {
                wrong.push(format!("{} {what}: something changed", function.path));
                app.restore().await;
            }
        }
        sqlx::query("DELETE FROM attempts").execute(&app.pool).await.unwrap();
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(
        app.ask(Ask::get("/api/shell").by(Who::Admin)).await.status,
        200,
        "nobody was signed out"
    );
}

/// A body that is no form at all.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn bodies_that_are_no_form_are_refused(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let before = app.fingerprint().await;
    let bodies: [&[u8]; 8] = [
        b"",
        b"{\"project\":\"ml-research\",\"email\":\"noah@acme.test\"}",
        b"\xff\xfe\x00",
        b"&&&&",
        b"====",
        b"[[[]]]",
        b"project=ml-research&email[]=noah@acme.test",
        b"project[slug]=ml-research&email=noah@acme.test",
    ];
    for function in FUNCTIONS
        .iter()
        .filter(|function| function.is_write() && !function.fields.is_empty())
    {
        for body in bodies {
            for kind in [
                "application/x-www-form-urlencoded",
                "application/json",
                "text/plain",
                "multipart/form-data",
                "\u{7f}x",
            ] {
                let mut ask = Ask::post(function.path, [("", ""); 0]).by(function.who);
                body.clone_into(&mut ask.body);
                ask.headers = match kind {
                    "\u{7f}x" => Vec::new(),
                    kind => vec![(header::CONTENT_TYPE, kind.to_owned())],
                };
                let answer = app.ask(ask).await;
                let what = format!("{} {kind} {:?}", function.path, String::from_utf8_lossy(body));
                assert!(is_refused(&answer), "{what}: {} {}", answer.status, answer.text);
            }
        }
    }
    assert_eq!(app.fingerprint().await, before);
}

/// The address of the list (C10): whatever is in it, the function and the page say 400 or show a list.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_list_address_that_was_tampered_with_is_refused(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let cursor = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let good = concat!(
        r#"{"sort":"name","order":"asc","role":"member","name":"Maya","added":1700000000000000000,"#,
        r#""user":"00000000-0000-7000-8000-000000000000"}"#,
    );
    let change = |from: &str, to: &str| {
        assert!(good.contains(from));
        cursor(&good.replace(from, to))
    };
    let after: Vec<String> = vec![
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
    ];
    for after in &after {
        refused(&app, "after", after, Refusal::CursorInvalid).await;
    }
    // It is the tampering that is refused.
    for after in [
        cursor(good),
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
