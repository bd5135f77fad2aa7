//! Bad input, for every function and every argument (issue 2): a clear 4xx that is a closed code, and nothing changed;
//! or, where the text is a good one after all, done. Never a 5xx.

mod bodies;
mod lists;

use app::Problem;

use crate::{
    functions::FUNCTIONS,
    test_app::{Answer, Ask, Manner, TestApp},
};
use axum::http::header;

use sqlx::PgPool;

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
