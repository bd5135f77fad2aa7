//! What failures say: a closed code, and nothing from inside.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use super::{
    closed_code,
    screens::{SCREENS, assert_harmless},
};
use crate::{
    functions::FUNCTIONS,
    test_app::{Answer, Ask, Manner, PASSWORD, RESEARCH, TestApp, Who},
};

use app::Problem;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use directory::{Directory, OffsetDateTime, Settings};
use policy::Refusal;
use sqlx::{PgPool, postgres::PgPoolOptions};

/// PITFALLS: leptos reads `?__path=…&__err=…` of a page as the outcome of a form. It can be forged: codes only, never
/// text.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_forged_error_in_the_address_shows_no_text(pool: PgPool) {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    let app = TestApp::new(pool).await;
    let pages = [
        ("/settings/profile", "/api/change_password"),
        ("/settings/projects/ml-research", "/api/update_project"),
        (
            "/settings/projects/ml-research/collaborators?dialog=add",
            "/api/add_collaborator",
        ),
        ("/sign-in", "/api/sign_in"),
    ];
    let errors = [
        "FORGED-TEXT",
        r#""FORGED-TEXT""#,
        r#"{"refused":"FORGED-TEXT"}"#,
        r#"{"ServerError":"FORGED-TEXT"}"#,
        "ServerError|FORGED-TEXT",
        "<script>alert(1)</script>FORGED-TEXT",
    ];
    for (page, path) in pages {
        for error in errors {
            let encoded = [
                STANDARD.encode(error),
                URL_SAFE.encode(error),
                URL_SAFE_NO_PAD.encode(error),
                error.to_owned(),
            ];
            for error in encoded {
                let error: String = form_urlencoded::byte_serialize(error.as_bytes()).collect();
                let joint = if page.contains('?') { '&' } else { '?' };
                let uri = format!("{page}{joint}__path={path}&__err={error}");
                let who = if page == "/sign-in" { Who::Nobody } else { Who::Owner };
                let answer = app.ask(Ask::get(&uri).by(who)).await;
                assert_eq!(answer.status, 200, "{uri}");
                assert!(!answer.text.contains("FORGED-TEXT"), "{uri}");
                assert_harmless(&uri, &answer.text);
            }
        }
    }
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn what_is_unknown_is_not_found_and_what_is_wrong_is_a_code(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for who in [Who::Nobody, Who::Owner] {
        for uri in [
            "/api/nothing",
            "/api/collaborators/",
            "/api//collaborators",
            "/api/Collaborators",
            "/api/%63ollaborators",
        ] {
            for ask in [Ask::get(uri), Ask::post(uri, [("project", RESEARCH)])] {
                let answer = app.ask(ask.by(who)).await;
                assert_eq!(closed_code(uri, &answer), Problem::from(Refusal::Hidden), "{uri}");
            }
        }
    }
    for uri in [
        "/api",
        "/nothing",
        "/settings",
        "/projects",
        "/projects/",
        "/v2/whoami",
        "/.env",
        "/pkg/../Cargo.toml",
        "/pkg/%2e%2e/Cargo.toml",
        "/projects/%ff",
        "/projects/a%00b",
        "/%2e%2e/%2e%2e/etc/passwd",
    ] {
        let answer = app.ask(Ask::get(uri).by(Who::Owner)).await;
        assert!([400, 404].contains(&answer.status.as_u16()), "{uri}: {}", answer.status);
        assert!(
            !answer.text.contains("[workspace]") && !answer.text.contains("root:"),
            "{uri}"
        );
    }
    for uri in [
        "/events",
        "/events?x=y",
        "/events?project=a&x=FORGED-TEXT",
        "/events?project[]=a",
        "/events?project=%ff",
    ] {
        let answer = app.ask(Ask::get(uri).by(Who::Owner)).await;
        assert!(answer.status.is_client_error(), "{uri}: {}", answer.status);
        problem_code(uri, &answer);
    }
}

/// The code of a problem as programs are told it (INTERFACES), which has nothing from outside in it.
#[track_caller]
fn problem_code(what: &str, answer: &Answer) -> String {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{what}");
    assert!(!answer.text.contains("FORGED"), "{what}: {}", answer.text);
    let told: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(told["request_id"], answer.header("x-request-id"), "{what}");
    told["code"].as_str().unwrap().to_owned()
}

/// A pool that is closed: as good as a database that went away.
pub(super) async fn closed(pool: &PgPool) -> PgPool {
    let options = (*pool.connect_options()).clone();
    let pool = PgPoolOptions::new().connect_lazy_with(options);
    pool.close().await;
    pool
}

/// E6: if the database cannot be asked, the answer is 503, never "allowed" and never 403.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn without_the_database_the_answer_is_503(pool: PgPool) {
    let app = TestApp::new(pool.clone()).await;
    // One that nobody listens at, asked for as long as a pool waits.
    let dead = PgPoolOptions::new()
        .acquire_timeout(Duration::from_millis(200))
        .connect_lazy("postgres://nobody@127.0.0.1:1/nothing")
        .unwrap();
    let settings = app.state.directory.settings();
    for pool in [closed(&pool).await, dead] {
        let directory = Directory::new(pool, settings);
        let away = app.behind(directory);
        assert_eq!(away.ask(Ask::get("/healthz")).await.status, 200);
        let ready = away.ask(Ask::get("/readyz")).await;
        assert_eq!(ready.status, 503);
        assert_eq!(problem_code("/readyz", &ready), "unavailable");
        for (who, uri, _) in SCREENS {
            let answer = away.ask(Ask::get(app.fill(uri)).by(who).manner(Manner::Plain)).await;
            // Pages that say nothing of anybody need no database.
            let expected = if who == Who::Nobody { 200 } else { 503 };
            assert_eq!(answer.status, expected, "{uri}");
            if who != Who::Nobody {
                assert!(answer.header("content-type").starts_with("text/html"), "{uri}");
                assert!(answer.text.contains("Nothing was changed"), "{uri}: says so in words");
            }
        }
        for function in &FUNCTIONS {
            for manner in [Manner::Program, Manner::Script] {
                let ask = function.call(&function.filled(&app)).manner(manner);
                let answer = away.ask(ask.clone().by(Who::Owner)).await;
                assert_eq!(
                    closed_code(function.path, &answer),
                    Problem::Unavailable,
                    "{}",
                    function.path
                );
                let answer = away.ask(ask).await;
                let expected = match function.path {
                    // Those that are there for nobody; and nobody is signed out already.
                    "/api/sign_out" => 303,
                    "/api/sends_mail" => 200,
                    _ if function.is_for_nobody() => 503,
                    _ => 401,
                };
                assert_eq!(answer.status, expected, "{} for nobody", function.path);
            }
        }
        let answer = away.ask(Ask::get("/events?project=ml-research").by(Who::Owner)).await;
        assert_eq!(answer.status, 503);
        assert_eq!(problem_code("/events", &answer), "unavailable");
    }
}

static BROKEN: AtomicBool = AtomicBool::new(false);

/// A clock that can be broken: every call of the directory looks at it.
fn clock() -> OffsetDateTime {
    assert!(!BROKEN.load(Ordering::SeqCst), "INNER-TEXT of a panic");
    OffsetDateTime::now_utc()
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_panic_is_a_500_that_says_nothing(pool: PgPool) {
    let app = TestApp::new(pool.clone()).await;
    let broken = app.behind(Directory::new(pool, Settings::default()).with_clock(clock));
    let enter = || Ask::post("/api/sign_in", [("email", "mia@acme.test"), ("password", PASSWORD)]);
    let asks = || {
        [
            Ask::get("/projects/ml-research").by(Who::Owner),
            Ask::get("/api/shell").by(Who::Owner),
            enter(),
        ]
    };
    for ask in asks() {
        assert!(!broken.ask(ask).await.status.is_server_error());
    }
    BROKEN.store(true, Ordering::SeqCst);
    for ask in asks() {
        let uri = ask.uri.clone();
        let answer = broken.ask(ask).await;
        assert_eq!(answer.status, 500, "{uri}");
        assert_eq!(closed_code(&uri, &answer), Problem::Internal, "{uri}");
        assert_guarded_but_cache(&uri, &answer);
    }
    BROKEN.store(false, Ordering::SeqCst);
    assert_eq!(broken.ask(enter()).await.status, 303, "and the server goes on");
}

fn assert_guarded_but_cache(what: &str, answer: &Answer) {
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
    assert!(
        answer.header("content-security-policy").contains("default-src 'none'"),
        "{what}"
    );
    assert!(!answer.header("x-request-id").is_empty(), "{what}");
}
