//! A database that takes no changes for a while, as in a failover: told as such while it lasts, and forgotten at once
//! (E6, U5).

use std::time::{Duration, Instant};

use hyper::StatusCode;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::time::sleep;

use super::servers::{Door, Roster, Stage, form, get, url_of};

/// Sessions of the server begin anew, by what the database says now.
async fn switch(pool: &PgPool, how: &str) {
    let name: String = sqlx::query_scalar("SELECT current_database()::text")
        .fetch_one(pool)
        .await
        .unwrap();
    let switch = format!("ALTER DATABASE \"{name}\" {how}");
    let mut connection = pool.acquire().await.unwrap();
    // This connection may have begun when the database was read-only.
    for sql in ["SET default_transaction_read_only = off".to_owned(), switch] {
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut *connection)
            .await
            .unwrap();
    }
}

/// 60 s after such a database had recovered, 58 of 58 sign-ins were answered 503, and `/readyz` said 200 throughout.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e6_a_database_that_takes_no_changes_is_not_ready_and_is_forgotten_once_it_does(pool: PgPool) {
    let url = url_of(&pool).await;
    Stage::set(&url).await;
    let server = Roster::start(&url).await;
    let mut door = Door::open(server.addr).await.unwrap();
    let fields = [("email", "mia@acme.test"), ("password", directory::DEMO_PASSWORD)];
    let sign_in = || form("sign_in", "", &fields);
    assert_eq!(door.send(sign_in()).await.unwrap().0, StatusCode::SEE_OTHER);

    switch(&pool, "SET default_transaction_read_only = on").await;
    sqlx::raw_sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'roster'",
    )
    .execute(&pool)
    .await
    .unwrap();
    // The last answer counts for a second.
    sleep(Duration::from_millis(1100)).await;
    for _ in 0..8 {
        let begin = Instant::now();
        let (status, body) = door.send(get("/readyz")).await.unwrap();
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
        let (status, body) = door.send(sign_in()).await.unwrap();
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
        assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    }
    // What only reads goes on.
    let (status, _) = door.send(get("/sign-in")).await.unwrap();
    assert_eq!(status, StatusCode::OK);

    // The connections that the server has now stay read-only for as long as they live.
    switch(&pool, "RESET default_transaction_read_only").await;
    sleep(Duration::from_millis(1100)).await;
    for _ in 0..6 {
        let (status, body) = door.send(sign_in()).await.unwrap();
        assert_eq!(status, StatusCode::SEE_OTHER, "{body}");
        let (status, body) = door.send(get("/readyz")).await.unwrap();
        assert_eq!(status, StatusCode::OK, "{body}");
    }
}
