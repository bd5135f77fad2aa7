//! The pool of connections: what a statement costs, and that no connection is used again as it must not be.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use sqlx::PgPool;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split},
    net::{TcpListener, TcpStream, UnixStream},
    time::{sleep, timeout},
};

use crate::connections::{Hosts, Pool};

/// A pool of ours, with up to so many connections, on the database of a test.
async fn own(pool: &PgPool, most: u32) -> Pool {
    let hosts = Hosts::from((*pool.connect_options()).clone());
    Pool::open(hosts, most, Duration::from_secs(5), false).await.unwrap()
}

/// Counts how often whoever is connected through it waits for an answer.
#[derive(Clone, Default)]
struct Counter {
    trips: Arc<AtomicUsize>,
    is_answered: Arc<AtomicBool>,
}

impl Counter {
    async fn count(self, client: TcpStream, server: impl AsyncRead + AsyncWrite + Send + 'static) {
        let ((mut from_client, mut to_client), (mut from_server, mut to_server)) = (split(client), split(server));
        let asks = async {
            let mut bytes = [0; 8192];
            while let Ok(length @ 1..) = from_client.read(&mut bytes).await {
                if self.is_answered.swap(false, SeqCst) {
                    self.trips.fetch_add(1, SeqCst);
                }
                to_server.write_all(&bytes[..length]).await.unwrap();
            }
        };
        let answers = async {
            let mut bytes = [0; 8192];
            while let Ok(length @ 1..) = from_server.read(&mut bytes).await {
                self.is_answered.store(true, SeqCst);
                to_client.write_all(&bytes[..length]).await.unwrap();
            }
        };
        tokio::select! {
            () = asks => {}
            () = answers => {}
        }
    }

    /// Listens before the database of a test; returns the way to it.
    async fn before(&self, pool: &PgPool) -> Hosts {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = (*pool.connect_options()).clone();
        let there = options.clone();
        let port = listener.local_addr().unwrap().port();
        let counter = self.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                match there.get_socket() {
                    Some(folder) => {
                        let path = folder.join(format!(".s.PGSQL.{}", there.get_port()));
                        let server = UnixStream::connect(path).await.unwrap();
                        tokio::spawn(counter.clone().count(client, server));
                    }
                    None => {
                        let server = TcpStream::connect((there.get_host(), there.get_port())).await.unwrap();
                        tokio::spawn(counter.clone().count(client, server));
                    }
                }
            }
        });
        let url = format!(
            "postgres://{}@127.0.0.1:{port}/{}?sslmode=disable",
            options.get_username(),
            options.get_database().unwrap()
        );
        url.parse().unwrap()
    }
}

async fn number(pool: &Pool, number: i64) -> i64 {
    sqlx::query_scalar("SELECT $1::int8")
        .bind(number)
        .fetch_one(pool)
        .await
        .unwrap()
}

/// It took three: a ping before it, and another one after it.
#[sqlx::test(migrations = false)]
async fn a_statement_is_one_round_trip(given: PgPool) {
    let counter = Counter::default();
    let hosts = counter.before(&given).await;
    let pool = Pool::open(hosts, 1, Duration::from_secs(5), false).await.unwrap();
    // The first time it is planned.
    number(&pool, 0).await;
    let before = counter.trips.load(SeqCst);
    for nth in 1..=20 {
        assert_eq!(number(&pool, nth).await, nth);
    }
    let trips = counter.trips.load(SeqCst) - before;
    // A test of the connection may be due in between.
    assert!((20..=21).contains(&trips), "{trips} round trips for 20 statements");
}

/// Whoever gives up in the middle of a statement leaves its answer behind. Nobody else may take it for theirs.
#[sqlx::test(migrations = false)]
async fn nobody_reads_the_answer_to_a_statement_that_was_given_up(given: PgPool) {
    let pool = own(&given, 2).await;
    for nth in 0..150 {
        let given_up = sqlx::query_scalar::<_, i64>("SELECT $1::int8 FROM pg_sleep(0.003)").bind(-nth - 1);
        drop(timeout(Duration::from_micros(40 * (nth as u64)), given_up.fetch_one(&pool)).await);
        let (one, other) = tokio::join!(number(&pool, 2 * nth), number(&pool, 2 * nth + 1));
        assert_eq!((one, other), (2 * nth, 2 * nth + 1));
    }
    // The own pool of the test has connections of its own.
    let ours: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE 'SELECT $1::int8%'",
    )
    .fetch_one(&given)
    .await
    .unwrap();
    assert!(ours <= 2, "{ours} connections for a pool of two");
}

/// A transaction that is dropped, at whichever point, is over before its connection is used again.
#[sqlx::test(migrations = false)]
async fn a_dropped_transaction_is_rolled_back_before_its_connection_is_used_again(given: PgPool) {
    sqlx::raw_sql("CREATE TABLE kept (nth int8)")
        .execute(&given)
        .await
        .unwrap();
    let pool = own(&given, 1).await;
    for nth in 0_i64..60 {
        let change = async {
            let mut tx = pool.begin().await.unwrap();
            sqlx::query("INSERT INTO kept SELECT $1 FROM pg_sleep(0.001)")
                .bind(nth)
                .execute(&mut *tx)
                .await
                .unwrap();
            // Dropped here at the latest.
        };
        drop(timeout(Duration::from_micros(100 * nth.unsigned_abs()), change).await);
        let (kept, is_alone): (i64, bool) =
            sqlx::query_as("SELECT count(*), pg_current_xact_id_if_assigned() IS NULL FROM kept")
                .fetch_one(&pool)
                .await
                .unwrap();
        assert!(kept == 0 && is_alone, "after {nth}: {kept} rows");
    }
    let mut tx = pool.begin().await.unwrap();
    sqlx::query("INSERT INTO kept VALUES (1)")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM kept")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(kept, 1);
}

async fn end_all(given: &PgPool) {
    sqlx::raw_sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .execute(given)
    .await
    .unwrap();
}

/// E6, U5: reading goes on, and so does changing; but nothing is written twice.
#[sqlx::test(migrations = false)]
async fn a_connection_that_died_is_replaced_where_nothing_can_be_done_twice(given: PgPool) {
    sqlx::raw_sql("CREATE TABLE kept (nth int8)")
        .execute(&given)
        .await
        .unwrap();
    let pool = own(&given, 3).await;
    for _ in 0..3 {
        tokio::join!(number(&pool, 1), number(&pool, 2), number(&pool, 3));
        end_all(&given).await;
        assert_eq!(number(&pool, 4).await, 4, "a read is sent again");
        end_all(&given).await;
        let mut tx = pool.begin().await.unwrap();
        sqlx::query("INSERT INTO kept VALUES (1)")
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        end_all(&given).await;
        let mut read = pool.acquire().await.unwrap();
        let both: (i64, i64) = sqlx::query_as("SELECT 1::int8, 2::int8")
            .fetch_one(&mut *read)
            .await
            .unwrap();
        assert_eq!(both, (1, 2));
        drop(read);
        end_all(&given).await;
        let written = sqlx::query("INSERT INTO kept VALUES (2)").execute(&pool).await;
        assert!(matches!(
            written.map_err(crate::Error::from),
            Err(crate::Error::Unavailable(_))
        ));
        assert_eq!(number(&pool, 5).await, 5);
    }
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM kept WHERE nth = 1")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(kept, 3);
}

/// A server that is made read-only while connections are open is noticed within a second.
#[sqlx::test(migrations = false)]
async fn e6_a_connection_whose_server_takes_no_changes_any_more_is_closed(given: PgPool) {
    let pool = own(&given, 1).await;
    let set = sqlx::raw_sql("SET default_transaction_read_only = on");
    set.execute(&pool).await.unwrap();
    let process = async || -> i32 {
        sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&pool)
            .await
            .unwrap()
    };
    let before = process().await;
    sleep(Duration::from_millis(1100)).await;
    assert_ne!(process().await, before);
}

#[sqlx::test(migrations = false)]
async fn a_pool_that_closes_waits_for_what_is_in_progress(given: PgPool) {
    let pool = own(&given, 2).await;
    let slow = sqlx::query("SELECT pg_sleep(0.3)").execute(&pool);
    let close = async {
        sleep(Duration::from_millis(50)).await;
        pool.close().await;
    };
    let (slow, ()) = tokio::join!(slow, close);
    slow.unwrap();
    let refused = sqlx::query("SELECT 1").execute(&pool).await;
    assert!(matches!(refused, Err(sqlx::Error::PoolClosed)), "{refused:?}");
    assert_eq!(pool.state().idle, 0);
}
