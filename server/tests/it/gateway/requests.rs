//! Access requests that are malformed, unknown or hidden, and what no answer says.

use axum::http::{Method, header};

use super::{
    By, CLUSTER, DEFAULT_ENDPOINT, ENDPOINT, FOREIGN_CLUSTER, MANAGE, MISTYPED, NO_GATEWAY, NO_RESOURCE, OWN, REVOKED,
    THE_CLUSTER, THE_ENDPOINT, THE_PROJECT, Target, TestGateway, USE, is, named, told,
};
use policy::{Allowance, Because, Denial, KeyScope, Refusal};
use sqlx::PgPool;

use crate::test_app::{Answer, Ask, NO_PROJECT, RESEARCH, Who};

/// P3: what is hidden and what is not there get the same answer, byte for byte, for people and keys.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn p3_what_is_hidden_and_what_is_not_there_are_the_same(pool: PgPool) {
    let gateway = TestGateway::new(pool).await;
    let hidden = format!("cluster/{FOREIGN_CLUSTER}");
    let absent = format!("cluster/{NO_RESOURCE}");
    // Of another kind than it is said to be, and what can't be an id.
    let (other_kind, no_id) = (format!("cluster/{DEFAULT_ENDPOINT}"), "cluster/x".to_owned());
    for by in [By::Person(Who::Member), By::Key(MANAGE)] {
        let mut answers = Vec::new();
        for resource in [&hidden, &absent, &other_kind, &no_id] {
            answers.push(gateway.ask(by, &[("x-roster-resource", resource)], "cluster:use").await);
        }
        for slug in ["production", NO_PROJECT, "partner-default", "No Slug"] {
            answers.push(gateway.ask(by, &[("x-roster-project", slug)], "cluster:use").await);
            answers.push(
                gateway
                    .ask(by, &[("x-roster-project", slug), THE_CLUSTER], "cluster:use")
                    .await,
            );
        }
        for answer in &answers {
            assert_eq!(told(answer), is(403, "no_access"), "{by:?}");
            let same = |answer: &Answer| answer.anonymous(answer.header("x-request-id"));
            assert_eq!(same(answer), same(&answers[0]), "{by:?}");
        }
    }
    for (query, why) in [
        (format!("cluster={NO_RESOURCE}"), "not there"),
        (format!("cluster={ENDPOINT}"), "no cluster"),
        ("cluster=x".to_owned(), "no id"),
        (format!("cluster={FOREIGN_CLUSTER}"), "nobody with a key"),
    ] {
        let answer = gateway.authorized_keys(&format!("{query}&user=ubuntu")).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""), "{why}");
    }
}

/// A malformed access request is answered neither with yes nor with no; of two headers none is believed.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn what_a_gateway_says_wrongly_is_malformed(pool: PgPool) {
    let gateway = TestGateway::new(pool).await;
    let owner = By::Person(Who::Owner);
    let twice = [THE_PROJECT, ("x-roster-project", "production")];
    let cases: &[(Target<'_>, &str)] = &[
        (&[], "cluster:use"),
        // No person has one project that is theirs.
        (&[OWN], "cluster:use"),
        (&[THE_CLUSTER], "cluster"),
        (&[THE_CLUSTER], ""),
        (&[THE_CLUSTER], "CLUSTER:USE"),
        (&[THE_PROJECT], "organization:read"),
        (&[THE_PROJECT], "member:list"),
        (&[THE_CLUSTER], "endpoint:use"),
        (&[THE_CLUSTER], "project:read"),
        (&[("x-roster-resource", CLUSTER)], "cluster:use"),
        (&[("x-roster-resource", "machine/1")], "cluster:use"),
        (&[("x-roster-resource", "")], "cluster:use"),
        (&[("x-roster-project", ""), THE_CLUSTER], "cluster:use"),
        (&twice, "cluster:use"),
        (&[THE_CLUSTER, THE_ENDPOINT], "cluster:use"),
        (&[THE_CLUSTER, ("x-roster-action", "cluster:view")], "cluster:use"),
        (
            &[
                THE_CLUSTER,
                ("authorization", "Bearer x"),
                ("authorization", "Bearer y"),
            ],
            "cluster:use",
        ),
    ];
    for (target, action) in cases {
        assert_eq!(
            gateway.asks(owner, target, action).await,
            is(400, "malformed"),
            "{target:?} {action}"
        );
    }
    // A gateway whose variable was empty doesn't let every key in, each to its own project.
    assert_eq!(
        gateway.asks(By::Key(MANAGE), &[], "cluster:use").await,
        is(400, "malformed")
    );
    let no_action = Ask::get("/gateway/authorize")
        .by(Who::Owner)
        .with(named("x-roster-gateway"), &gateway.token)
        .with(named("x-roster-project"), RESEARCH);
    assert_eq!(told(&gateway.app.ask(no_action).await), is(400, "malformed"));

    let cluster = format!("cluster={CLUSTER}");
    for query in [
        "",
        &cluster,
        "user=ubuntu",
        "cluster=&user=ubuntu",
        &format!("{cluster}&user="),
        &format!("{cluster}&user=-x"),
        &format!("{cluster}&user=a%20b"),
        &format!("{cluster}&user=ubuntu&user=root"),
        &format!("{cluster}&user=ubuntu&fingerprint="),
        &format!("{cluster}&user=ubuntu&fingerprint=%00"),
        &format!("{cluster}&user=ubuntu&fingerprint=SHA256:%00"),
        &format!("{cluster}&user=ubuntu&fingerprint=SHA256:{}", "0".repeat(200)),
        &format!("{cluster}&user=ubuntu&who=me"),
        &format!("{cluster}&user=%ff"),
    ] {
        assert_eq!(
            told(&gateway.authorized_keys(query).await),
            is(400, "malformed"),
            "{query}"
        );
    }
}

/// E3: only those the operator let in may ask, of either; and it is said before anything else is.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e3_only_gateways_of_the_operators_may_ask(pool: PgPool) {
    let gateway = TestGateway::new(pool).await;
    let other = format!("{}x", gateway.token);
    let keys = format!("/ssh/authorized-keys?cluster={CLUSTER}&user=ubuntu");
    for tokens in [
        &[][..],
        &[""],
        &["edge"],
        &[&other],
        &[NO_GATEWAY],
        &[USE],
        &[&gateway.token, NO_GATEWAY],
    ] {
        for (uri, by) in [
            ("/gateway/authorize", By::Person(Who::Owner)),
            ("/gateway/authorize", By::Key(MANAGE)),
            (&keys, By::Person(Who::Owner)),
        ] {
            let mut ask = gateway.access_request(by, &[THE_CLUSTER], "cluster:use");
            ask.uri = uri.to_owned();
            ask.headers.retain(|(name, _)| name != "x-roster-gateway");
            for token in tokens {
                ask = ask.with(named("x-roster-gateway"), *token);
            }
            assert_eq!(
                told(&gateway.app.ask(ask).await),
                is(401, "gateway_unknown"),
                "{tokens:?} {uri}"
            );
        }
    }
}

/// Gateways ask by any method, some with the path of what they hold; no form's check is in their way.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn gateways_ask_by_any_method_and_path(pool: PgPool) {
    let gateway = TestGateway::new(pool).await;
    for method in [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ] {
        for uri in [
            "/gateway/authorize",
            "/gateway/authorize/",
            "/gateway/authorize//",
            "/gateway/authorize/v1/a%2Fb?x=1",
        ] {
            let mut ask = gateway
                .access_request(By::Person(Who::Member), &[THE_ENDPOINT], "endpoint:use")
                .with(header::ORIGIN, "https://elsewhere.test")
                .with(named("sec-fetch-site"), "cross-site");
            (ask.method, ask.uri) = (method.clone(), uri.to_owned());
            ask.body = b"x=1".to_vec();
            assert_eq!(gateway.app.ask(ask).await.status, 200, "{method} {uri}");
        }
    }
}

/// A1: what a session or a key is used for is not a change, so the audit doesn't grow by it; A3: and nothing repeats a
/// secret.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a3_no_answer_repeats_a_credential(pool: PgPool) {
    let gateway = TestGateway::new(pool).await;
    let count = "SELECT count(*) FROM audit_events";
    let before: i64 = sqlx::query_scalar(count).fetch_one(&gateway.app.pool).await.unwrap();
    let cookie = gateway.app.cookie(Who::Member).unwrap();
    for by in [
        By::Person(Who::Member),
        By::Key(USE),
        By::Key(REVOKED),
        By::Key(MISTYPED),
    ] {
        for action in ["cluster:use", "cluster:delete", "nothing"] {
            let answer = gateway.ask(by, &[THE_CLUSTER], action).await.anonymous("-");
            for secret in [USE, REVOKED, MISTYPED, &gateway.token, &cookie] {
                assert!(!answer.contains(secret), "{answer}");
            }
        }
    }
    let after: i64 = sqlx::query_scalar(count).fetch_one(&gateway.app.pool).await.unwrap();
    assert_eq!(before, after);
}

/// What is documented is what is said.
#[test]
fn every_reason_is_in_the_document() {
    let document = include_str!("../../../../docs/gateways/README.md");
    let refusals = [
        Refusal::SignedOut,
        Refusal::KeyInvalid,
        Refusal::KeyExpired,
        Refusal::KeyRevoked,
        Refusal::GatewayUnknown,
        Refusal::Malformed,
    ];
    let denials = [Denial::Hidden, Denial::Role, Denial::KeyScope, Denial::NotForKeys];
    let reasons = (refusals.map(Refusal::code).into_iter())
        .chain(denials.map(Denial::code))
        .chain(Because::ALL.map(Because::code))
        .chain([Allowance::Key(KeyScope::Use).code(), "unavailable", "internal"]);
    for reason in reasons {
        assert!(document.contains(&format!("`{reason}`")), "{reason}");
    }
}
