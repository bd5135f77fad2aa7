//! How often may be asked: by one key, and by one address without any.

use axum::http::Method;
use futures::future::join_all;
use sqlx::PgPool;

use super::{Programs, REMAINING, asked, problem};

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_key_asks_too_often_and_the_others_do_not(pool: PgPool) {
    let programs = Programs::new(pool).await;
    let whoami = async |key: &str| programs.ask(key, Method::GET, "/v1/whoami", None).await;
    let first = whoami(&programs.uses).await;
    assert_eq!(first.header("ratelimit-limit"), "200");
    assert_eq!(first.header(REMAINING), "199");
    assert_eq!(first.header("ratelimit-reset"), "1");
    // At once, however slow the machine is: they are counted before the first of them is answered.
    let answers = join_all((0..300).map(|_| whoami(&programs.uses))).await;
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status != 200).collect();
    assert!((1..=101).contains(&refused.len()), "{}", refused.len());
    let last = refused[0];
    problem(last, 429, "too_many_attempts");
    assert_eq!((last.header("retry-after"), last.header(REMAINING)), ("1", "0"));
    assert_eq!(whoami(&programs.manages).await.status, 200);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(whoami(&programs.uses).await.status, 200);
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn who_has_no_key_asks_too_often_and_who_has_one_does_not_pay(pool: PgPool) {
    let programs = Programs::new(pool).await;
    let mut last = programs.app.ask(asked(None, Method::GET, "/v1/whoami", None)).await;
    assert_eq!(last.header("ratelimit-limit"), "100");
    for key in [None, Some(&*programs.unknown), Some("rsk_x")]
        .into_iter()
        .cycle()
        .take(1_000)
    {
        last = programs.app.ask(asked(key, Method::GET, "/v1/whoami", None)).await;
        if last.status != 401 {
            break;
        }
    }
    problem(&last, 429, "too_many_attempts");
    let revoke = programs
        .app
        .ask(asked(None, Method::POST, "/v1/keys/revoke", None))
        .await;
    problem(&revoke, 429, "too_many_attempts");
    assert_eq!(
        programs
            .ask(&programs.uses, Method::GET, "/v1/whoami", None)
            .await
            .status,
        200
    );
}
