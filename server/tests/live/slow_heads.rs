//! Slow heads (E8): connections that begin a request and never end it. 520 of them at a limit of 512 open files once
//! stopped everything for two minutes.

use std::time::Duration;

use hyper::StatusCode;
use sqlx::PgPool;
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use super::servers::{About, Credential, Door, Roster, Stage, Start, authorize, get, url_of};

/// The process may open so many files, and so many slow heads there are.
const FILES: u32 = 512;
const HEADS: usize = 520;
/// A head may take 10 s; then there is room again.
const RECOVERED: Duration = Duration::from_secs(20);
/// No gateway waits longer, whatever goes on at the console.
const ANSWERED: Duration = Duration::from_secs(2);

#[sqlx::test(migrations = false)]
async fn e8_slow_heads_at_the_console_stop_no_gateway_and_end_by_themselves(pool: PgPool) {
    let url = url_of(&pool).await;
    let stage = Stage::set(&url).await;
    let start = Start {
        files: Some(FILES),
        has_gateway_listener: true,
        ..Start::default()
    };
    let server = Roster::start_with(&url, start).await;
    let gateways = server.gateway_addr.unwrap();

    let mut heads = Vec::new();
    for _ in 0..HEADS {
        let mut head = TcpStream::connect(server.addr).await.unwrap();
        head.write_all(b"GET /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            .await
            .unwrap();
        heads.push(head);
    }
    let begun = Instant::now();

    // Each on a connection of its own: there are descriptors left for that, and for the database.
    let who = Credential::Session(stage.admin.clone());
    for _ in 0..50 {
        let mut door = timeout(ANSWERED, Door::open(gateways)).await.unwrap().unwrap();
        let request = authorize(&stage.gateway, About::Project("ml-research"), "cluster:view", &who);
        let (status, body) = timeout(ANSWERED, door.send(request)).await.unwrap().unwrap();
        assert_eq!(status, StatusCode::OK, "{body}");
    }
    let mut door = Door::open(gateways).await.unwrap();
    assert_eq!(door.send(get("/readyz")).await.unwrap().0, StatusCode::OK);
    assert_eq!(door.send(get("/sign-in")).await.unwrap().0, StatusCode::NOT_FOUND);

    // The console is full until the slow heads have had their time, and no longer.
    let answered = async {
        loop {
            if let Ok(mut door) = Door::open(server.addr).await
                && let Ok((StatusCode::OK, _)) = door.send(get("/healthz")).await
            {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(RECOVERED, answered).await.unwrap();
    assert!(begun.elapsed() < RECOVERED);
    let mut door = Door::open(server.addr).await.unwrap();
    let request = authorize(&stage.gateway, About::Project("ml-research"), "cluster:view", &who);
    assert_eq!(
        door.send(request).await.unwrap().0,
        StatusCode::NOT_FOUND,
        "gateways ask elsewhere"
    );
    drop(heads);
}
