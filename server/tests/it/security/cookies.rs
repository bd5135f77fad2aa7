//! Cookies, and sessions that are over.

use axum::http::header;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sqlx::PgPool;

use crate::test_app::{Ask, Manner, PASSWORD, RESEARCH, TestApp, Who};

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn cookies_over_http_are_kept_from_scripts_and_other_sites(pool: PgPool) {
    let app = TestApp::new(pool).await;
    check_cookies(&app, "roster", "").await;
}

/// `__Host-`: over https the browser itself makes sure that no other host and no plain connection ever set it.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn cookies_over_https_are_bound_to_the_host(pool: PgPool) {
    let app = TestApp::with(pool, true).await;
    check_cookies(&app, "__Host-roster", "; Secure").await;
}

async fn check_cookies(app: &TestApp, name: &str, secure: &str) {
    let enter = [("email", "mia@acme.test"), ("password", PASSWORD)];
    let answer = app.ask(Ask::post("/api/sign_in", enter)).await;
    let flags = format!("Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax{secure}");
    let cookie = answer.set_cookie(name).unwrap();
    assert_eq!(cookie.split_once("; ").unwrap().1, flags);
    // 256 bits from a generator; and it works.
    let token = answer.cookie(name).unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(token).unwrap().len(), 32);
    let shell = Ask::get("/api/shell?project=ml-research").with(header::COOKIE, format!("{name}={token}"));
    let shell = app.ask(shell).await;
    assert_eq!(shell.status, 200);
    let project = shell.set_cookie(&format!("{name}-project")).unwrap();
    assert!(
        project.ends_with(&format!("; HttpOnly; SameSite=Lax{secure}")),
        "{project}"
    );
    // The other name is no session: over https a cookie without the prefix could be somebody else's.
    let other = if secure.is_empty() { "__Host-roster" } else { "roster" };
    let answer = app
        .ask(Ask::get("/api/shell").with(header::COOKIE, format!("{other}={token}")))
        .await;
    assert_eq!(answer.status, 401);

    let form = [("project", RESEARCH), ("email", "x")];
    let answer = app
        .ask(
            Ask::post("/api/add_collaborator", form)
                .by(Who::Owner)
                .manner(Manner::Plain),
        )
        .await;
    let flash = answer.set_cookie(&format!("{name}-flash")).unwrap();
    assert!(
        flash.ends_with(&format!("; Path=/; Max-Age=60; HttpOnly; SameSite=Lax{secure}")),
        "{flash}"
    );

    let out = Ask::post("/api/sign_out", [("", ""); 0]).with(header::COOKIE, format!("{name}={token}"));
    let out = app.ask(out).await;
    for cookie in [name.to_owned(), format!("{name}-project")] {
        assert_eq!(out.cookie(&cookie), Some(""), "{cookie}");
        assert!(out.set_cookie(&cookie).unwrap().contains("Max-Age=0"), "{cookie}");
    }
    let answer = app
        .ask(Ask::get("/api/shell").with(header::COOKIE, format!("{name}={token}")))
        .await;
    assert_eq!(
        answer.status, 401,
        "a session that was signed out is over on the server too"
    );
}

/// A session over its end, or one nobody used for long, is none.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_session_that_is_over_signs_nobody_in(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for change in [
        "UPDATE sessions SET expires_at = now() - interval '1 second'",
        "UPDATE sessions SET last_seen_at = now() - interval '7 days 1 second'",
        "DELETE FROM sessions",
    ] {
        sqlx::query(change).execute(&app.pool).await.unwrap();
        assert_eq!(
            app.ask(Ask::get("/api/shell").by(Who::Owner)).await.status,
            401,
            "{change}"
        );
        assert_eq!(
            app.ask(Ask::get("/projects/ml-research").by(Who::Owner)).await.status,
            303,
            "{change}"
        );
        app.restore().await;
        assert_eq!(app.ask(Ask::get("/api/shell").by(Who::Owner)).await.status, 200);
    }
}
