//! What the server holds when there is nothing to do (DESIGN, numbers).

use directory::{Directory, Principal, Settings};
use hyper::StatusCode;
use sqlx::PgPool;
use tokio::task::JoinSet;

use super::servers::{Door, Roster, form, url_of};

/// Who signs in, each from two places at once, and how often.
const PEOPLE: [&str; 6] = [
    "olivia@acme.test",
    "adam@acme.test",
    "maya@acme.test",
    "noah@acme.test",
    "mia@acme.test",
    "eve@partner.test",
];
const TIMES: usize = 8;

/// Each password takes 19 MiB to check. They used to be kept, once for each thread that had ever checked one.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_storm_of_sign_ins_leaves_no_memory_held(pool: PgPool) {
    Directory::new(pool.clone(), Settings::default())
        .load_demo(&Principal::operator())
        .await
        .unwrap();
    let server = Roster::start(&url_of(&pool).await).await;
    let before = server.memory();

    let mut storm = JoinSet::new();
    for email in PEOPLE.into_iter().chain(PEOPLE) {
        let addr = server.addr;
        storm.spawn(async move {
            let mut door = Door::open(addr).await.unwrap();
            for _ in 0..TIMES {
                let fields = [("email", email), ("password", "correct-horse-battery")];
                let (status, body) = door.send(form("sign_in", "", &fields)).await.unwrap();
                assert_eq!(status, StatusCode::SEE_OTHER, "{body}");
            }
        });
    }
    while let Some(done) = storm.join_next().await {
        done.unwrap();
    }
    let held = server.memory().saturating_sub(before);
    // Two hashes' worth, and what a debug build takes besides.
    assert!(held < 60, "{held} MiB more than the {before} MiB before");
}
