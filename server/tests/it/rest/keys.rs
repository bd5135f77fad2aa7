//! K10: whoever comes by a key may end it. A3: no secret is told again.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use axum::http::{Method, header};
use serde_json::json;
use sqlx::PgPool;

use super::{MALFORMED, Programs, asked, fields, json, problem};
use crate::test_app::Ask;

const REVOKE: &str = "/v1/keys/revoke";

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn k10_a_presented_key_is_revoked_at_once(pool: PgPool) {
    let programs = Programs::new(pool).await;
    let present = async |key: &str| {
        let answer = programs
            .app
            .ask(asked(None, Method::POST, REVOKE, Some(json!({ "key": key }))))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer
    };
    let done = present(&programs.uses).await;
    assert_eq!(json(&done), json!({ "revoked": true }));
    assert_eq!(done.header("cache-control"), "no-store");
    problem(
        &programs.ask(&programs.uses, Method::GET, "/v1/whoami", None).await,
        401,
        "key_revoked",
    );
    // Again; one that was revoked before; one that is over.
    for key in [&programs.uses, &programs.revoked, &programs.expired] {
        assert_eq!(json(&present(key).await), json!({ "revoked": true }));
    }
    for key in [&*programs.unknown, MALFORMED, "", "hello", "rsk_\u{0}"] {
        assert_eq!(json(&present(key).await), json!({ "revoked": false }));
    }
    // As the bearer, without a body; another key in the body leaves the bearer alone.
    let bearer = programs
        .app
        .ask(asked(
            Some(&programs.partner),
            Method::POST,
            REVOKE,
            Some(json!({ "key": programs.production })),
        ))
        .await;
    assert_eq!(json(&bearer), json!({ "revoked": true }));
    problem(
        &programs
            .ask(&programs.production, Method::GET, "/v1/whoami", None)
            .await,
        401,
        "key_revoked",
    );
    assert_eq!(
        programs
            .ask(&programs.partner, Method::GET, "/v1/whoami", None)
            .await
            .status,
        200
    );
    let bearer = programs
        .app
        .ask(asked(Some(&programs.partner), Method::POST, REVOKE, None))
        .await;
    assert_eq!(json(&bearer), json!({ "revoked": true }));
    problem(
        &programs.ask(&programs.partner, Method::GET, "/v1/whoami", None).await,
        401,
        "key_revoked",
    );

    problem(
        &programs.app.ask(asked(None, Method::POST, REVOKE, None)).await,
        401,
        "key_missing",
    );
    let none = programs
        .app
        .ask(asked(None, Method::POST, REVOKE, Some(json!({}))))
        .await;
    assert_eq!(fields(&problem(&none, 422, "invalid")), ["key missing"]);
    let audited = programs.app.audited(done.header("x-request-id")).await;
    assert_eq!(audited, [("api_key:revoke_presented".to_owned(), None)]);
}

/// Nothing that is answered, logged, audited or kept holds a secret, whatever was done with it.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a3_no_secret_is_told_again(pool: PgPool) {
    let log = Log::default();
    let writer = log.clone();
    let lines = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // With one alone, tracing takes the word of whichever thread comes first on whether anybody listens.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    // Of this thread, on which all of this runs.
    let _guard = tracing::subscriber::set_default(lines);
    let programs = Programs::new(pool).await;
    let mut texts = Vec::new();
    for key in programs.secrets() {
        for (method, uri, body) in [
            (Method::GET, "/v1/whoami".to_owned(), None),
            (Method::GET, super::RESOURCES.to_owned(), None),
            (Method::GET, format!("/v1/projects/{key}/resources"), None),
            (Method::GET, format!("{}?q={key}&page={key}", super::RESOURCES), None),
            (Method::POST, super::RESOURCES.to_owned(), Some(json!({ "kind": key }))),
            (Method::POST, REVOKE.to_owned(), Some(json!({ "key": key, "and": 1 }))),
            (Method::POST, REVOKE.to_owned(), Some(json!({ "key": key }))),
        ] {
            let answer = programs.app.ask(asked(Some(key), method, &uri, body)).await;
            texts.push(format!("{:?} {}", answer.headers, answer.text));
        }
    }
    let kept: Vec<(String,)> = sqlx::query_as(
        "SELECT a::text FROM audit_events a UNION ALL SELECT k::text FROM api_keys k UNION ALL SELECT s::text \
         FROM api_key_secrets s",
    )
    .fetch_all(&programs.app.pool)
    .await
    .unwrap();
    texts.extend(kept.into_iter().map(|(text,)| text));
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("path=\"/v1/whoami\""));
    texts.push(logged);
    for key in programs.secrets() {
        for text in &texts {
            assert!(!text.contains(key), "{text}");
        }
    }
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A cookie opens nothing here, and a key opens nothing there.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_session_is_no_key(pool: PgPool) {
    let programs = Programs::new(pool).await;
    let answer = programs
        .app
        .ask(Ask::get("/v1/whoami").by(crate::test_app::Who::Owner))
        .await;
    problem(&answer, 401, "key_missing");
    assert_eq!(answer.header("set-cookie"), "");
    let basic = Ask::get("/v1/whoami").with(header::AUTHORIZATION, "Basic eDp5");
    problem(&programs.app.ask(basic).await, 401, "key_missing");
}
