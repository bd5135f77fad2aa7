//! Signing in by a form, passwords, and how scripts and programs are answered.

use app::Problem;

use super::{
    done::{DONE, DONE_WITH_KEYS},
    input,
    refused::REFUSED,
    words,
};
use crate::{
    functions::FUNCTIONS,
    test_app::{Ask, Manner, PASSWORD, TestApp, Who},
};
use axum::http::{HeaderName, header};
use sqlx::PgPool;

/// A password is in no flash, no page and no audit, whatever came of the form.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_password_is_never_kept(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let (one, other) = ("a-secret-to-look-for", "another-secret-to-look-for");
    let forms: [(&str, Vec<(&str, &str)>); 6] = [
        ("/api/sign_in", vec![("email", "mia@acme.test"), ("password", one)]),
        ("/api/sign_in", vec![("email", one), ("password", other)]),
        (
            "/api/sign_up",
            vec![("name", "N"), ("email", "mia@acme.test"), ("password", one)],
        ),
        ("/api/sign_up", vec![("name", ""), ("email", "x"), ("password", one)]),
        (
            "/api/change_password",
            vec![("current_password", one), ("password", other)],
        ),
        (
            "/api/change_password",
            vec![("current_password", PASSWORD), ("password", other)],
        ),
    ];
    for (path, fields) in forms {
        for manner in Manner::ALL {
            let answer = app
                .ask(Ask::post(path, fields.clone()).by(Who::Member).manner(manner))
                .await;
            let flash = serde_json::to_string(&answer.flash()).unwrap();
            let typed_as_address = fields.iter().any(|(name, value)| *name == "email" && *value == one);
            for secret in [one, other] {
                let is_address = secret == one && typed_as_address;
                assert!(is_address || !flash.contains(secret), "{path}: {flash}");
                assert!(!answer.text.contains(secret), "{path}: {}", answer.text);
                assert!(!answer.location().contains(secret), "{path}: {}", answer.location());
            }
            app.restore().await;
        }
    }
    // A3. Even what was typed into the wrong field does not stay: an address that is none is not recorded.
    let audit: Vec<String> = sqlx::query_scalar("SELECT a::text FROM audit_events a")
        .fetch_all(&app.pool)
        .await
        .unwrap();
    assert!(audit.len() > 5);
    for row in audit {
        assert!(!row.contains("secret-to-look-for") && !row.contains(PASSWORD), "{row}");
    }
}

/// With scripts: JSON, the outcome in it; 200 also for a slip of a person, whose browser need not shout about it.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn with_scripts_the_answer_is_json(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for (sent, is_done) in DONE
        .iter()
        .chain(DONE_WITH_KEYS)
        .map(|sent| (sent, true))
        .chain(REFUSED.iter().map(|(sent, _)| (sent, false)))
    {
        let answer = app.ask(sent.ask(&app, Manner::Script)).await;
        let what = format!("{} {:?}", sent.path, sent.fields);
        assert_eq!(answer.status, 200, "{what}: {}", answer.text);
        assert_eq!(answer.header("content-type"), "application/json", "{what}");
        assert_eq!(
            (answer.location(), answer.set_cookie("roster-flash")),
            ("", None),
            "{what}"
        );
        let json: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(json.get("Ok").is_some(), is_done, "{what}: {json}");
        assert_eq!(json.get("Err").is_some(), !is_done, "{what}: {json}");
        app.restore().await;
    }
}

/// A program is told by the status; and only a browser, which no page can make lie, is taken for a script of ours.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn programs_are_told_by_the_status(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let dest = || HeaderName::from_static("sec-fetch-dest");
    for (sent, refusal) in REFUSED {
        for ask in [
            sent.ask(&app, Manner::Program),
            sent.ask(&app, Manner::Program).with(header::ACCEPT, "application/json"),
            sent.ask(&app, Manner::Program).with(dest(), "empty"),
        ] {
            let answer = app.ask(ask).await;
            let problem = crate::security::closed_code(sent.path, &answer);
            assert_eq!(problem, Problem::from(*refusal), "{}", sent.path);
            app.restore().await;
        }
    }
}

/// Unknown person and wrong password: the same words and status, in every manner; the password is checked either way.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn signing_in_does_not_tell_who_has_an_account(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for manner in Manner::ALL {
        let mut answers = Vec::new();
        for email in ["mia@acme.test", "aia@acme.test"] {
            let enter = [
                ("email", email),
                ("password", "not-the-password"),
                ("next", "/docs/roles"),
            ];
            let answer = app.ask(Ask::post("/api/sign_in", enter).manner(manner)).await;
            assert_eq!(answer.set_cookie("roster"), None);
            answers.push(answer.anonymous(email));
        }
        assert_eq!(answers[0], answers[1]);
    }
}

/// Attempts are counted, for an account that is there and for one that is not; the answer says when to come back.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn signing_in_is_limited_for_known_and_unknown_alike(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for email in ["mia@acme.test", "nobody@nowhere.test"] {
        let enter = |password| Ask::post("/api/sign_in", [("email", email), ("password", password)]);
        let mut statuses = Vec::new();
        for _ in 0..11 {
            statuses.push(app.ask(enter("not-the-password")).await.status.as_u16());
        }
        assert_eq!(statuses, [[422; 10].as_slice(), &[429]].concat(), "{email}");
        let answer = app.ask(enter(PASSWORD)).await;
        assert_eq!(answer.status, 429, "{email}: not even with the right one");
        let wait: u32 = answer.header("retry-after").parse().unwrap();
        assert!((1..=5 * 60).contains(&wait), "{wait}");
        let plain = app.ask(enter(PASSWORD).manner(Manner::Plain)).await;
        let flash = format!("roster-flash={}", plain.cookie("roster-flash").unwrap());
        let page = app.ask(Ask::get(plain.location()).with(header::COOKIE, flash)).await;
        assert!(
            words(&page.text).contains("Too many attempts. Try again in 5 minutes."),
            "{email}"
        );
    }
}

/// The way in and out, without scripts: to where one was going, and back to the door.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn signing_in_leads_to_where_one_was_going(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let wanted = "/settings/projects/ml-research/collaborators?q=mia&role=member";
    let first = app.ask(Ask::get(wanted).manner(Manner::Plain)).await;
    assert_eq!(first.status, 303);
    let page = app.ask(Ask::get(first.location())).await;
    assert!(page.text.contains("action=\"/api/sign_in\""));
    let next = input(&page.text, "next").unwrap().replace("&amp;", "&");
    assert!(next.contains(&format!("value=\"{wanted}\"")), "{next}");
    let enter = [("email", "mia@acme.test"), ("password", PASSWORD), ("next", wanted)];
    let entered = app.ask(Ask::post("/api/sign_in", enter).manner(Manner::Plain)).await;
    assert_eq!((entered.status.as_u16(), entered.location()), (303, wanted));
    let cookie = format!("roster={}", entered.cookie("roster").unwrap());
    let page = app.ask(Ask::get(wanted).with(header::COOKIE, cookie.clone())).await;
    assert_eq!(page.status, 200);
    assert!(words(&page.text).contains("Mia Muster"));
    let out = Ask::post("/api/sign_out", [("", ""); 0])
        .manner(Manner::Plain)
        .with(header::COOKIE, cookie.clone());
    let out = app.ask(out).await;
    assert_eq!((out.status.as_u16(), out.location()), (303, "/sign-in"));
    let again = app.ask(Ask::get(wanted).with(header::COOKIE, cookie)).await;
    assert_eq!(again.status, 303, "the back button shows nothing");
}

/// N1: a form that is sent after the session ended leads to the door, not to a page of JSON.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_plain_form_without_a_session_leads_to_signing_in(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for function in FUNCTIONS.iter().filter(|function| function.is_write()) {
        if function.is_for_nobody() {
            continue;
        }
        let answer = app
            .ask(function.call(&function.filled(&app)).manner(Manner::Plain))
            .await;
        assert_eq!(answer.status, 303, "{}", function.path);
        assert!(
            answer.location().starts_with("/sign-in"),
            "{}: {}",
            function.path,
            answer.location()
        );
    }
}
