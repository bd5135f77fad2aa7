//! Bodies that are no form, and forms whose fields are not what they should be.

use axum::http::header;

use super::is_refused;
use crate::{
    functions::FUNCTIONS,
    test_app::{Ask, TestApp, Who},
};

use sqlx::PgPool;

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
