//! J6: passwords that are guessed first. `123456789012`, `passwordpassword` and twelve spaces made an account.

use policy::{Refusal, Weakness};
use sqlx::PgPool;

use crate::test_app::{Ask, Manner, PASSWORD, TestApp, Who};

const GUESSED: [(&str, Weakness); 4] = [
    ("123456789012", Weakness::Sequence),
    ("passwordpassword", Weakness::Repeats),
    ("            ", Weakness::Repeats),
    ("Nina.Newman1", Weakness::AboutYou),
];

/// Signing up with one makes nothing; the form says why, and keeps what else was typed.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn j6_a_guessed_password_makes_no_account(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let before = app.fingerprint().await;
    for (password, weakness) in GUESSED {
        let fields = [
            ("name", "Nina Newman"),
            ("email", "nina@new.test"),
            ("password", password),
        ];
        let form = Ask::post("/api/sign_up", fields);
        let told = app.ask(form.clone().manner(Manner::Script)).await;
        assert!(told.text.contains("password_weak"), "{password:?}: {}", told.text);
        let plain = app.ask(form.manner(Manner::Plain)).await;
        assert_eq!(plain.location(), "/sign-up", "{password:?}");
        let flash = plain.flash().unwrap();
        assert_eq!(
            flash.outcome,
            Err(Refusal::PasswordWeak(weakness).into()),
            "{password:?}"
        );
        assert_eq!(flash.typed.len(), 2, "{:?}", flash.typed);
        assert!(!format!("{flash:?}").contains(password));
    }
    assert_eq!(app.fingerprint().await, before);
}

/// Nor is it anybody's new one.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn j6_a_guessed_password_replaces_none(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let fields = [("current_password", PASSWORD), ("password", "maya@acme.test")];
    let form = Ask::post("/api/change_password", fields).by(Who::Admin);
    let plain = app.ask(form.manner(Manner::Plain)).await;
    let expected = Refusal::PasswordWeak(Weakness::AboutYou);
    assert_eq!(plain.flash().unwrap().outcome, Err(expected.into()));
    let fields = [("email", Who::Admin.email()), ("password", PASSWORD)];
    let signed_in = app.ask(Ask::post("/api/sign_in", fields).manner(Manner::Plain)).await;
    assert!(signed_in.cookie("roster").is_some(), "the old one is good");
}
