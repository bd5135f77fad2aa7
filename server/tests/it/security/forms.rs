//! Forms of other sites, mutations by GET, and the limit of a body.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};

use crate::{
    functions::FUNCTIONS,
    test_app::{Ask, Manner, RESEARCH, TestApp, URL, Who},
};

use sqlx::PgPool;

use super::{closed_code, header_name};

/// Cookies travel with a form that another site sends: what the browser says of its origin decides.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn no_other_site_can_send_a_form(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let before = app.fingerprint().await;
    let site = || header_name("sec-fetch-site");
    for function in FUNCTIONS.iter().filter(|function| function.is_write()) {
        let ask = || {
            function
                .call(&function.filled(&app))
                .by(Who::Owner)
                .with(header::HOST, "127.0.0.1:3000")
        };
        for (why, ask) in [
            ("cross-site", ask().with(site(), "cross-site")),
            ("same-site is another origin", ask().with(site(), "same-site")),
            ("unknown word", ask().with(site(), "nonsense")),
            ("origin", ask().with(header::ORIGIN, "https://evil.test")),
            ("origin null", ask().with(header::ORIGIN, "null")),
            (
                "origin, another port",
                ask().with(header::ORIGIN, "http://127.0.0.1:3001"),
            ),
            ("origin, longer", ask().with(header::ORIGIN, format!("{URL}.evil.test"))),
            (
                "origin, cross-site",
                ask()
                    .with(header::ORIGIN, "https://evil.test")
                    .with(site(), "cross-site"),
            ),
        ] {
            let answer = app.ask(ask.manner(Manner::Program)).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}: {why}", function.path);
            assert_eq!(
                answer.set_cookie("roster"),
                None,
                "{}: {why}: no session (login CSRF)",
                function.path
            );
        }
        assert_eq!(app.fingerprint().await, before, "{}", function.path);
        assert_eq!(audit_of_forms(&app).await, 0, "{}: not even tried", function.path);
    }
    // Our own, told by either header, and programs that say nothing.
    for ask in [
        Ask::get("").with(site(), "same-origin"),
        Ask::get("").with(site(), "none"),
        Ask::get("").with(header::ORIGIN, URL),
        Ask::get(""),
    ] {
        let form = [("project", RESEARCH), ("email", "noah@acme.test")];
        let mut own = Ask::post("/api/add_collaborator", form).by(Who::Owner);
        own.headers.extend(ask.headers);
        assert_eq!(app.ask(own).await.status, 200);
        app.restore().await;
    }
}

async fn audit_of_forms(app: &TestApp) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM audit_events WHERE actor_kind <> 'operator'")
        .fetch_one(&app.pool)
        .await
        .unwrap()
}

/// PITFALLS: a mutation by GET defeats SameSite. No function that changes anything answers to it, nor to anything but
/// POST.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn nothing_is_changed_by_a_link(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let before = app.fingerprint().await;
    for function in &FUNCTIONS {
        let fields = function.filled(&app);
        let query = crate::test_app::encode(fields.iter().map(|(name, value)| (*name, value)));
        for method in [
            Method::GET,
            Method::HEAD,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
        ] {
            let is_own = method == function.method || (function.method == Method::GET && method == Method::HEAD);
            if is_own {
                continue;
            }
            let mut ask = Ask::post(
                format!("{}?{query}", function.path),
                fields.iter().map(|(n, v)| (*n, v)),
            )
            .by(Who::Owner);
            ask.method = method.clone();
            let answer = app.ask(ask).await;
            assert!(
                [404, 405].contains(&answer.status.as_u16()),
                "{method} {}: {}",
                function.path,
                answer.status
            );
        }
    }
    assert_eq!(app.fingerprint().await, before);
    assert_eq!(audit_of_forms(&app).await, 0);
    let cookie_lives = app.ask(Ask::get("/api/shell").by(Who::Owner)).await;
    assert_eq!(cookie_lives.status, 200, "nobody was signed out");
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_body_has_its_limit(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for function in FUNCTIONS.iter().filter(|function| function.is_write()) {
        let mut ask = function.call(&function.filled(&app)).by(Who::Owner);
        ask.body.extend(std::iter::repeat_n(b'a', 64 * 1024));
        ask = ask.with(header::CONTENT_LENGTH, "99999");
        let answer = app.ask(ask).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", function.path);
    }
    // Nor does it help not to say how long it is.
    let chunks = futures::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>(vec![b'a'; 1024])));
    let request = Request::post("/api/sign_in")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from_stream(chunks))
        .unwrap();
    let answer = app.send(request).await;
    assert!(answer.status.is_client_error(), "{}", answer.status);
    closed_code("/api/sign_in", &answer);
}
