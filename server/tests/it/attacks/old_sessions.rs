//! J7: sessions that were left behind. Signing in as somebody else left the former session good, and a session that was
//! found open days later added an SSH key, made API keys and gave the organization away.

use axum::http::{StatusCode, header};
use policy::Refusal;
use sqlx::PgPool;

use crate::test_app::{ACME, API_KEY, Ask, EMPTY, Manner, PASSWORD, RESEARCH, TestApp, Who};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMftuJW0uUz2Kyopq2B+vhXt7u/fEqf0qAocmZ7tmyuu";

/// Every session's password was given eleven minutes ago.
const AGE: &str = "UPDATE sessions SET confirmed_at = now() - interval '11 minutes'";

/// The session that a browser had ends when somebody signs in on it.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn j7_the_session_behind_a_new_one_is_over(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let cookie = app.cookie(Who::Admin).unwrap();
    let profile = || Ask::get("/settings/profile").with(header::COOKIE, cookie.clone());
    assert_eq!(app.ask(profile()).await.status, StatusCode::OK);
    let fields = [("email", Who::Owner.email()), ("password", PASSWORD)];
    let form = Ask::post("/api/sign_in", fields).with(header::COOKIE, cookie.clone());
    let signed_in = app.ask(form.manner(Manner::Plain)).await;
    assert!(signed_in.cookie("roster").is_some());
    let device = signed_in.set_cookie("roster-device").unwrap();
    assert!(
        device.contains("HttpOnly") && device.contains("SameSite=Lax"),
        "{device}"
    );
    let after = app.ask(profile()).await;
    assert_eq!(
        after.location(),
        "/sign-in?next=%2Fsettings%2Fprofile",
        "{}",
        after.status
    );
}

/// What asks for a second look: who does it, by which form, with what.
type Fields = &'static [(&'static str, &'static str)];
const SENSITIVE: &[(Who, &str, Fields)] = &[
    (Who::Admin, "/api/add_ssh_key", &[("public_key", KEY), ("name", "Mine")]),
    (
        Who::Member,
        "/api/create_api_key",
        &[("project", RESEARCH), ("name", "Backdoor")],
    ),
    (
        Who::Admin,
        "/api/rotate_api_key",
        &[("project", RESEARCH), ("key", API_KEY), ("overlap", "24")],
    ),
    (
        Who::Owner,
        "/api/regenerate_default_key",
        &[("project", "acme-default")],
    ),
    (
        Who::Owner,
        "/api/transfer_ownership",
        &[
            ("organization", ACME),
            ("user", "{OrganizationAdmin}"),
            ("confirmation", "Acme Research"),
        ],
    ),
    (
        Who::Owner,
        "/api/delete_project",
        &[("project", EMPTY), ("confirmation", EMPTY)],
    ),
    (
        Who::Stranger,
        "/api/delete_organization",
        &[
            ("organization", "sam-stranger"),
            ("confirmation", "Sam Stranger\u{2019}s organization"),
        ],
    ),
];

/// In a session whose password was given eleven minutes ago nothing of it is done; with the password in the same form
/// it is, and with a wrong one it is not.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn j7_a_session_that_was_left_open_is_not_enough(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let before = app.fingerprint().await;
    for (who, path, fields) in SENSITIVE {
        sqlx::query(AGE).execute(&app.pool).await.unwrap();
        let form = |more: &[(&'static str, &'static str)]| {
            let fields: Vec<_> = fields
                .iter()
                .chain(more)
                .map(|(name, value)| (*name, app.fill(value)))
                .collect();
            Ask::post(*path, fields).by(*who).manner(Manner::Plain)
        };
        for (more, refusal) in [
            (&[][..], Refusal::ConfirmationNeeded),
            (
                &[("current_password", "not-their-password")],
                Refusal::CurrentPasswordWrong,
            ),
        ] {
            let refused = app.ask(form(more)).await;
            assert_eq!(refused.status, StatusCode::SEE_OTHER, "{path}");
            let flash = refused.flash().unwrap();
            assert_eq!(flash.outcome, Err(refusal.into()), "{path}");
            assert!(!format!("{flash:?}").contains("not-their-password"), "{path}");
            assert_eq!(app.fingerprint().await, before, "{path}");
        }
        let done = app.ask(form(&[("current_password", PASSWORD)])).await;
        assert!(
            done.flash().is_some_and(|flash| flash.outcome.is_ok()),
            "{path} {:?}",
            done.flash()
        );
        app.restore().await;
    }
}

/// The page that the refusal leads to asks for the password in the same form, with what was typed still in it.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn j7_the_form_asks_for_the_password_and_keeps_what_was_typed(pool: PgPool) {
    let app = TestApp::new(pool).await;
    sqlx::query(AGE).execute(&app.pool).await.unwrap();
    let fields = [("project", RESEARCH), ("name", "Nightly builds"), ("expires", "90")];
    let form = Ask::post("/api/create_api_key", fields)
        .by(Who::Admin)
        .manner(Manner::Plain);
    let refused = app.ask(form).await;
    let page = Ask::get(refused.location());
    let cookies = format!(
        "{}; roster-flash={}",
        app.cookie(Who::Admin).unwrap(),
        refused.cookie("roster-flash").unwrap()
    );
    let page = app.ask(page.with(header::COOKIE, cookies)).await;
    for wanted in ["Confirm it’s you", "name=\"current_password\"", "Nightly builds"] {
        assert!(page.text.contains(wanted), "{wanted}");
    }
}
