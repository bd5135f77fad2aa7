//! Limits that locked out everybody, or nobody (J9), as they look from outside. What counts against what is tested in
//! the directory.

use std::net::SocketAddr;

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{Method, Request, StatusCode, header},
};
use sqlx::PgPool;

use super::super::test_app::{PASSWORD, TestApp, Who, encode};

/// A sign-in that comes from `peer` and says it was forwarded for `client`.
fn sign_in(password: &str, peer: &str, client: &'static str) -> Request<Body> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri("/api/sign_in")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json")
        .header("x-forwarded-for", client)
        .body(Body::from(encode([
            ("email", Who::Member.email()),
            ("password", password),
        ])))
        .unwrap();
    let peer: SocketAddr = peer.parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

/// Ten guesses from one network keep those who come from elsewhere out in no way, and nobody becomes another by writing
/// a header.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn j9_guessing_keeps_out_the_network_it_comes_from(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let proxy = "127.0.0.1:4711";
    for _ in 0..10 {
        let answer = app
            .send(sign_in("a wrong password", proxy, "1.2.3.4, 198.51.100.7"))
            .await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
    }
    for forged in [
        "9.9.9.9, 198.51.100.7",
        "9.9.9.9,198.51.100.7:1234",
        "198.51.100.7, 127.0.0.1",
    ] {
        let answer = app.send(sign_in(PASSWORD, proxy, forged)).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{forged}");
        assert!(answer.headers.contains_key(header::RETRY_AFTER), "{forged}");
    }
    // Not from a proxy that is trusted: it is the peer that counts, whatever it writes.
    let answer = app.send(sign_in(PASSWORD, "203.0.113.9:4711", "198.51.100.7")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let address: String = sqlx::query_scalar("SELECT address FROM sessions ORDER BY created_at DESC LIMIT 1")
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert_eq!(address, "203.0.113.9");
}
