//! The description held against the server: schemathesis asks what the description allows, and what it doesn't, over a
//! real connection. `scripts/schemathesis.toml` says how, and what is expected otherwise than by default, and why.

use std::{env, net::SocketAddr, process::Stdio};

use sqlx::PgPool;
use tokio::{net::TcpListener, process::Command};

use super::Programs;
use crate::test_app::RESEARCH;

#[sqlx::test(migrations = "../crates/directory/migrations")]
#[ignore = "needs schemathesis: `make test` has it"]
async fn the_server_does_what_its_description_says(pool: PgPool) {
    let programs = Programs::new(pool).await;
    let router = server::router(&programs.app.state).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async { axum::serve(listener, service).await });

    // The end of a key is tried apart, without one: it would end the key that the rest is tried with.
    let revoke = "/v1/keys/revoke";
    run(&url, &["--exclude-path", revoke], Some(&programs.manages)).await;
    run(&url, &["--include-path", revoke], None).await;
    server.abort();
}

async fn run(url: &str, which: &[&str], key: Option<&str>) {
    let mut command = Command::new(env::var("SCHEMATHESIS").unwrap_or_else(|_| "schemathesis".to_owned()));
    command
        .args([
            "--config-file",
            concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/schemathesis.toml"),
            "run",
        ])
        .arg(format!("{url}/openapi.json"))
        .args(which)
        .env("ROSTER_PROJECT", RESEARCH)
        // Where it would leave its notes.
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::null());
    if let Some(key) = key {
        command.arg("--header").arg(format!("Authorization: Bearer {key}"));
    }
    let done = command.status().await.unwrap();
    assert!(done.success(), "schemathesis: {done}");
}
