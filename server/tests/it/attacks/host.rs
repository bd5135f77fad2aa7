//! DNS rebinding: a page whose name was made to lead to this console asks it as one of its own.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use sqlx::PgPool;

use super::super::test_app::{PASSWORD, TestApp, Who, encode};

/// A request as the browser sends it for a page of this host: to the browser it is one origin, so nothing warns us of
/// it.
fn of_host(app: &TestApp, method: Method, path: &str, host: Option<&str>, body: String) -> Request<Body> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::COOKIE, app.cookie(Who::Owner).unwrap())
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("x-forwarded-host", "127.0.0.1:3000");
    if let Some(host) = host {
        request = request
            .header(header::HOST, host)
            .header(header::ORIGIN, format!("http://{host}"));
    }
    request.body(Body::from(body)).unwrap()
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn no_page_and_no_form_is_answered_under_anothers_name(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let before = app.fingerprint().await;
    let credentials = encode([("email", Who::Owner.email()), ("password", PASSWORD)]);
    let invitation = encode([("organization", "acme"), ("emails", "nina@new.test")]);
    for host in [
        "rebound.test:3000",
        "127.0.0.1.rebound.test:3000",
        "192.0.2.1:3000",
        "nobody@",
    ] {
        for (method, path, body) in [
            (Method::GET, "/sign-in", String::new()),
            (Method::GET, "/projects/ml-research", String::new()),
            (Method::GET, "/settings/organization/acme/members.csv", String::new()),
            (Method::GET, "/events?project=ml-research", String::new()),
            (Method::POST, "/api/sign_in", credentials.clone()),
            (Method::POST, "/api/invite_members", invitation.clone()),
        ] {
            let answer = app.send(of_host(&app, method, path, Some(host), body)).await;
            assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host} {path}");
            assert!(
                answer.text.contains("isn\u{2019}t the console\u{2019}s address"),
                "{path}"
            );
            assert!(!answer.headers.contains_key(header::SET_COOKIE), "{path}");
        }
    }
    assert_eq!(app.fingerprint().await, before);
}

/// Those who ask as programs do name the host as they know it: an address inside a cluster, a proxy's upstream.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn health_gateways_and_programs_are_answered_under_any_name(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for (path, status) in [
        ("/healthz", StatusCode::OK),
        ("/readyz", StatusCode::OK),
        ("/openapi.json", StatusCode::OK),
        ("/v1/whoami", StatusCode::UNAUTHORIZED),
        ("/gateway/authorize", StatusCode::UNAUTHORIZED),
        ("/ssh/authorized-keys?cluster=x&user=y", StatusCode::UNAUTHORIZED),
    ] {
        let request = of_host(&app, Method::GET, path, Some("roster.svc:3000"), String::new());
        assert_eq!(app.send(request).await.status, status, "{path}");
    }
    let own = of_host(
        &app,
        Method::GET,
        "/projects/ml-research",
        Some("LOCALHOST:8080"),
        String::new(),
    );
    assert_eq!(app.send(own).await.status, StatusCode::OK);
}
