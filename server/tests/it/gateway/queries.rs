//! What a decision costs, what it notes, and what comes of it without the database.

use std::{
    cell::Cell,
    sync::Once,
    time::{Duration, Instant},
};

use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::net::TcpListener;
use tracing_subscriber::{Layer, layer::SubscriberExt};

use super::{
    By, CLUSTER, EXPIRED, FOREIGN, MANAGE, MISTYPED, REVOKED, THE_CLUSTER, THE_PROJECT, TestGateway, UNKNOWN, USE, is,
    named, told,
};
use crate::test_app::{Ask, Who};

/// Counts the statements that are sent to the database, for each thread apart: a test has one of its own.
struct Statements;

thread_local! {
    static COUNTED: Cell<usize> = const { Cell::new(0) };
}

impl Statements {
    /// Listens from now on, for all tests: whoever listens for one test alone misses what other tests made nobody
    /// listen to.
    fn listen() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let subscriber = tracing_subscriber::registry().with(Self);
            tracing::subscriber::set_global_default(subscriber).expect("nobody else listens for all");
        });
    }
}

impl<S: tracing::Subscriber> Layer<S> for Statements {
    fn enabled(&self, about: &tracing::Metadata<'_>, _: tracing_subscriber::layer::Context<'_, S>) -> bool {
        about.target() == "sqlx::query"
    }

    fn on_event(&self, _: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        COUNTED.set(COUNTED.get() + 1);
    }
}

/// E5: each decision asks the database, once; and what is malformed is refused without asking it (K3).
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e5_a_decision_is_one_query(pool: PgPool) {
    let gateway = TestGateway::new(pool).await;
    // What notes a use comes beside, once a minute: here none is due, however long this takes.
    gateway
        .run("UPDATE api_keys SET last_used_at = now() + interval '1 hour'")
        .await;
    gateway
        .run("UPDATE sessions SET last_seen_at = now() + interval '1 hour'")
        .await;
    gateway
        .run("UPDATE gateway_tokens SET last_used_at = now() + interval '1 hour'")
        .await;
    Statements::listen();
    let statements = async |ask: Ask| {
        COUNTED.set(0);
        let answer = gateway.app.ask(ask).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        (answer.status.as_u16(), COUNTED.get())
    };
    for (by, expected) in [
        (By::Person(Who::Member), (200, 1)),
        (By::Person(Who::Owner), (200, 1)),
        (By::Person(Who::Stranger), (403, 1)),
        (By::Person(Who::Nobody), (401, 0)),
        (By::Key(USE), (200, 1)),
        (By::Key(FOREIGN), (403, 1)),
        (By::Key(REVOKED), (401, 1)),
        (By::Key(UNKNOWN), (401, 1)),
        (By::Key(MISTYPED), (401, 0)),
    ] {
        for target in [&[THE_CLUSTER][..], &[THE_PROJECT], &[THE_CLUSTER, THE_PROJECT]] {
            let ask = gateway.access_request(by, target, "cluster:use");
            assert_eq!(statements(ask.clone()).await, expected, "{by:?} {target:?}");
            // Nothing is remembered from one request to the next.
            assert_eq!(statements(ask).await, expected, "{by:?} {target:?}, again");
        }
    }
    let keys = |more: &str| {
        Ask::get(format!("/ssh/authorized-keys?cluster={CLUSTER}&user=ubuntu{more}"))
            .with(named("x-roster-gateway"), &gateway.token)
    };
    assert_eq!(statements(keys("")).await, (200, 1));
    assert_eq!(statements(keys("&fingerprint=SHA256:x")).await, (200, 1));
    let unknown = Ask::get("/gateway/authorize").with(named("x-roster-gateway"), "rsg_x");
    assert_eq!(statements(unknown).await, (401, 0));
}

/// K4: a use is noted beside the answer, and no more than once a minute, for keys, sessions and gateway tokens.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn k4_a_use_is_noted_once_a_minute(pool: PgPool) {
    let gateway = TestGateway::new(pool).await;
    gateway
        .run("UPDATE sessions SET last_seen_at = now() - interval '1 hour'")
        .await;
    let noted = "SELECT (SELECT count(*) FROM api_keys WHERE last_used_at > now() - interval '10 seconds'),
                        (SELECT count(*) FROM sessions WHERE last_seen_at > now() - interval '10 seconds'),
                        (SELECT count(*) FROM gateway_tokens WHERE last_used_at > now() - interval '10 seconds')";
    let noted = async || -> (i64, i64, i64) { sqlx::query_as(noted).fetch_one(&gateway.app.pool).await.unwrap() };
    assert_eq!(noted().await, (0, 0, 0));
    for by in [
        By::Key(USE),
        By::Person(Who::Member),
        By::Key(REVOKED),
        By::Key(EXPIRED),
    ] {
        gateway.ask(by, &[THE_CLUSTER], "cluster:use").await;
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    while noted().await != (1, 1, 1) {
        assert!(Instant::now() < deadline, "{:?}", noted().await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let rows = "SELECT xmin::text FROM api_keys WHERE last_used_at IS NOT NULL
                UNION ALL SELECT xmin::text FROM sessions WHERE last_seen_at > now() - interval '1 minute'
                UNION ALL SELECT xmin::text FROM gateway_tokens";
    let rows = async || -> Vec<String> { sqlx::query_scalar(rows).fetch_all(&gateway.app.pool).await.unwrap() };
    let before = rows().await;
    for by in [By::Key(USE), By::Person(Who::Member)] {
        assert_eq!(gateway.ask(by, &[THE_CLUSTER], "cluster:use").await.status, 200);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(rows().await, before, "nothing was written again");
}

/// E6: neither yes nor no, and soon enough for whoever is kept waiting.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e6_without_the_database_it_is_503_within_three_seconds(pool: PgPool) {
    let gateway = TestGateway::new(pool.clone()).await;
    let closed = PgPoolOptions::new().connect_lazy_with((*pool.connect_options()).clone());
    closed.close().await;
    let nobody = "postgres://nobody@127.0.0.1:1/nothing";
    // One that takes the connection and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_url = format!("postgres://nobody@{}/nothing", silent.local_addr().unwrap());
    // One whose connections are all in use.
    let busy = PgPoolOptions::new()
        .max_connections(1)
        .connect_lazy_with((*pool.connect_options()).clone());
    let _held = busy.acquire().await.unwrap();
    for (what, pool) in [
        ("closed", closed),
        ("not there", PgPoolOptions::new().connect_lazy(nobody).unwrap()),
        ("silent", PgPoolOptions::new().connect_lazy(&silent_url).unwrap()),
        ("busy", busy.clone()),
    ] {
        let away = gateway.before(pool);
        let begin = Instant::now();
        let (person, key, node) = tokio::join!(
            away.asks(By::Person(Who::Owner), &[THE_CLUSTER], "cluster:use"),
            away.asks(By::Key(MANAGE), &[THE_CLUSTER], "cluster:use"),
            away.authorized_keys("cluster=x&user=ubuntu"),
        );
        assert!(
            begin.elapsed() < Duration::from_secs(3),
            "{what}: {:?}",
            begin.elapsed()
        );
        assert_eq!(person, is(503, "unavailable"), "{what}");
        assert_eq!(key, is(503, "unavailable"), "{what}");
        assert_eq!(told(&node), is(503, "unavailable"), "{what}");
    }
}
