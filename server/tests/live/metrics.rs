//! Metrics (U1): what a scrape tells while people, programs and gateways come and go, and while the database is away.

use std::{
    io::Write,
    net::SocketAddr,
    process::{Command, Stdio},
    time::Duration,
};

use hyper::StatusCode;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::time::{Instant, sleep};

use super::servers::{About, Credential, Door, Roster, Stage, Start, Stream, authorize, form, get, read, url_of};

/// How long an answer of the database may be used again, and a connection that died may stay unnoticed.
const SOON: Duration = Duration::from_secs(10);
/// A scrape answers within this, whatever the database does.
const PROMPT: Duration = Duration::from_secs(4);

async fn start(url: &str) -> Roster {
    let start = Start {
        has_metrics: true,
        has_gateway_listener: true,
        ..Start::default()
    };
    Roster::start_with(url, start).await
}

/// The status of an answer.
async fn ask(addr: SocketAddr, request: hyper::Request<http_body_util::Full<hyper::body::Bytes>>) -> StatusCode {
    Door::open(addr).await.unwrap().send(request).await.unwrap().0
}

async fn scrape(addr: SocketAddr) -> String {
    let begun = Instant::now();
    let (status, text) = Door::open(addr).await.unwrap().send(get("/metrics")).await.unwrap();
    assert_eq!(status, StatusCode::OK, "{text}");
    assert!(begun.elapsed() < PROMPT, "{:?}", begun.elapsed());
    text
}

/// The value of a series, by its name and labels as they are written.
fn value(text: &str, series: &str) -> Option<f64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    Some(line.parse().unwrap())
}

#[track_caller]
fn expect(text: &str, series: &str, least: f64) {
    let found = value(text, series);
    assert!(found.is_some_and(|found| found >= least), "{series} {found:?}:\n{text}");
}

/// What people, programs and gateways do, with names, ids and addresses that would be noticed.
async fn do_everything(server: &Roster, stage: &Stage) {
    let (console, gateways) = (server.addr, server.gateway_addr.unwrap());
    let admin = Credential::Session(stage.admin.clone());
    let key = Credential::Key(stage.key.clone());
    for path in [
        "/sign-in",
        "/settings/projects/ml-research/collaborators?q=olivia@acme.test",
        "/settings/organization/acme/members",
        "/projects/noticed-slug/cluster/5e1f0000-0000-7000-8000-00000000beef",
        "/noticed/olivia@acme.test/198.51.100.77",
        "/invitations/noticed-secret",
        "/pkg/noticed.js",
        "/api/noticed_function",
    ] {
        ask(console, read(path, &admin)).await;
        ask(console, get(path)).await;
    }
    let function = form(
        "create_api_key",
        &stage.admin,
        &[("project", "ml-research"), ("name", "noticed")],
    );
    assert_eq!(ask(console, function).await, StatusCode::OK);
    for path in ["/v1/whoami", "/v1/projects/ml-research/resources", "/v1/noticed"] {
        ask(console, read(path, &key)).await;
    }
    for (project, who) in [("ml-research", &admin), ("noticed-slug", &admin), ("ml-research", &key)] {
        let request = authorize(&stage.gateway, About::Project(project), "cluster:view", who);
        ask(gateways, request).await;
    }
    let unknown = format!("{}x", stage.gateway);
    let request = authorize(&unknown, About::Project("ml-research"), "cluster:view", &admin);
    assert_eq!(ask(gateways, request).await, StatusCode::UNAUTHORIZED);
    let mut held = authorize(&stage.gateway, About::Project("ml-research"), "cluster:view", &admin);
    *held.uri_mut() = "/gateway/authorize/noticed/path".parse().unwrap();
    assert_eq!(ask(gateways, held).await, StatusCode::OK);
    let cookie = [("email", "noticed@acme.test"), ("password", "wrong")];
    for _ in 0..21 {
        ask(console, form("sign_in", "", &cookie)).await;
    }
}

/// U1
#[sqlx::test(migrations = false)]
async fn u1_a_scrape_tells_what_went_on_and_no_name_id_or_address(pool: PgPool) {
    let url = url_of(&pool).await;
    let stage = Stage::set(&url).await;
    let server = start(&url).await;
    let metrics = server.metrics_addr.unwrap();
    do_everything(&server, &stage).await;
    let stream = Stream::open(server.addr, "/events?organization=acme", &stage.admin)
        .await
        .unwrap();
    let text = scrape(metrics).await;

    for (series, least) in [
        (
            r#"roster_http_requests_total{route="/settings/projects/{project}/collaborators",status="200"}"#,
            1.0,
        ),
        (
            r#"roster_http_requests_total{route="/v1/projects/{project}/resources",status="200"}"#,
            1.0,
        ),
        (
            r#"roster_http_requests_total{route="/api/create_api_key",status="200"}"#,
            1.0,
        ),
        (
            r#"roster_http_requests_total{route="/v1/{*nothing}",status="404"}"#,
            1.0,
        ),
        (r#"roster_http_requests_total{route="other",status="404"}"#, 1.0),
        (r#"roster_http_request_duration_seconds_count{route="/v1/whoami"}"#, 1.0),
        (
            r#"roster_decisions_total{outcome="allowed",reason="organization_admin"}"#,
            2.0,
        ),
        (r#"roster_decisions_total{outcome="denied",reason="no_access"}"#, 1.0),
        (
            r#"roster_decisions_total{outcome="refused",reason="gateway_unknown"}"#,
            1.0,
        ),
        (r#"roster_decision_duration_seconds_count{outcome="allowed"}"#, 3.0),
        (r#"roster_database_connections_limit{pool="people"}"#, 16.0),
        (r#"roster_database_connections{pool="gateways",state="idle"}"#, 1.0),
        (r#"roster_refused_attempts_total{limit="sign_in"}"#, 1.0),
        (r#"roster_connections{listener="metrics"}"#, 1.0),
        (r#"roster_database_waits_total{pool="people"}"#, 0.0),
        ("roster_database_up", 1.0),
        ("roster_streams", 1.0),
        ("roster_outbox_mails", 0.0),
        ("roster_outbox_oldest_seconds", 0.0),
        ("process_cpu_seconds_total", 0.01),
        ("process_resident_memory_bytes", 1e6),
        ("process_open_fds", 5.0),
        (
            concat!("roster_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}"),
            1.0,
        ),
    ] {
        expect(&text, series, least);
    }
    has_nobody_in_it(&text, &stage);
    drop(stream);
    check_by_promtool(&text);
    is_nowhere_else(&server).await;
}

/// No word of what was asked for, no address and no id is in the text.
#[track_caller]
fn has_nobody_in_it(text: &str, stage: &Stage) {
    for word in [
        "noticed",
        "acme",
        "ml-research",
        "olivia",
        "adam",
        "@",
        "127.0.0",
        "198.51",
        "beef",
        "rsk_",
        "rsg_",
        &stage.gateway,
        &stage.key,
        &stage.admin,
    ] {
        assert!(!text.contains(word), "{word}: {text}");
    }
    let labels = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split('}').next());
    let is_id = |word: &str| word.len() >= 16 && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    for label in labels {
        assert!(!label.split('"').any(is_id), "{label}");
    }
}

/// Prometheus's own tool has nothing to say about it.
#[track_caller]
fn check_by_promtool(text: &str) {
    let skipped = std::env::var("ROSTER_TEST_SKIP").unwrap_or_default();
    if skipped.split_whitespace().any(|skipped| skipped == "promtool") {
        return;
    }
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is missing: `make test` gets it; ROSTER_TEST_SKIP=promtool leaves it out");
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let said = promtool.wait_with_output().unwrap();
    let words = format!(
        "{}{}",
        String::from_utf8_lossy(&said.stdout),
        String::from_utf8_lossy(&said.stderr)
    );
    assert!(said.status.success() && words.trim().is_empty(), "{words}");
}

/// Metrics are at no other listener, and nothing else is at theirs.
async fn is_nowhere_else(server: &Roster) {
    for addr in [server.addr, server.gateway_addr.unwrap()] {
        let (status, body) = Door::open(addr).await.unwrap().send(get("/metrics")).await.unwrap();
        assert!(
            status != StatusCode::OK && !body.contains("roster_"),
            "{addr} {status} {body}"
        );
    }
    for path in [
        "/",
        "/healthz",
        "/sign-in",
        "/gateway/authorize",
        "/v1/whoami",
        "/metrics/",
    ] {
        assert_eq!(
            ask(server.metrics_addr.unwrap(), get(path)).await,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

/// U1: without an address nothing is given out.
#[sqlx::test(migrations = false)]
async fn u1_there_are_no_metrics_unless_they_are_wanted(pool: PgPool) {
    let url = url_of(&pool).await;
    let stage = Stage::set(&url).await;
    let server = Roster::start(&url).await;
    let admin = Credential::Session(stage.admin.clone());
    let (status, body) = Door::open(server.addr)
        .await
        .unwrap()
        .send(read("/metrics", &admin))
        .await
        .unwrap();
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(!body.contains("roster_http"), "{body}");
}

/// U1: strangers ask for one path after the other; what is counted doesn't grow by it.
#[sqlx::test(migrations = false)]
async fn u1_strangers_make_no_series(pool: PgPool) {
    let url = url_of(&pool).await;
    Stage::set(&url).await;
    let server = start(&url).await;
    let metrics = server.metrics_addr.unwrap();
    let strange = async |from: u32| {
        for (addr, beginning) in [
            (server.addr, "/"),
            (server.addr, "/v1/"),
            (server.addr, "/api/"),
            (server.addr, "/projects/"),
            (server.addr, "/pkg/"),
            (server.addr, "/gateway/authorize/"),
            (server.gateway_addr.unwrap(), "/gateway/authorize/"),
            (server.gateway_addr.unwrap(), "/"),
        ] {
            let mut door = Door::open(addr).await.unwrap();
            for number in from..from + 40 {
                let mut request = get(&format!("{beginning}x{number}"));
                if number % 2 == 0 {
                    *request.method_mut() = format!("M{number}").parse().unwrap();
                }
                drop(door.send(request).await.unwrap());
            }
        }
    };
    strange(0).await;
    let series = |text: String| text.lines().filter(|line| !line.starts_with('#')).count();
    let before = series(scrape(metrics).await);
    strange(1000).await;
    assert_eq!(series(scrape(metrics).await), before);
}

/// U1: while the database is away a scrape answers, says so, and leaves out what it can't know.
#[sqlx::test(migrations = false)]
async fn u1_a_scrape_answers_while_the_database_is_away(pool: PgPool) {
    let url = url_of(&pool).await;
    Stage::set(&url).await;
    let server = start(&url).await;
    let metrics = server.metrics_addr.unwrap();
    expect(&scrape(metrics).await, "roster_outbox_mails", 0.0);

    let name: String = sqlx::query_scalar("SELECT current_database()::text")
        .fetch_one(&pool)
        .await
        .unwrap();
    let (head, tail) = url.split_once(&format!("/{name}")).unwrap();
    let outside = PgPool::connect(&format!("{head}/template1{tail}")).await.unwrap();
    let let_in = async |is_let_in: bool| {
        let sql = format!(
            "ALTER DATABASE \"{name}\" ALLOW_CONNECTIONS {is_let_in};
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&outside).await.unwrap();
    };
    let until = async |is_up: f64| {
        let deadline = Instant::now() + SOON;
        loop {
            let text = scrape(metrics).await;
            if value(&text, "roster_database_up") == Some(is_up) {
                return text;
            }
            assert!(Instant::now() < deadline, "{text}");
            sleep(Duration::from_millis(200)).await;
        }
    };
    let_in(false).await;
    let text = until(0.0).await;
    assert_eq!(value(&text, "roster_outbox_mails"), None);
    assert_eq!(value(&text, "roster_outbox_oldest_seconds"), None);
    expect(&text, "roster_database_connections_limit{pool=\"people\"}", 1.0);
    let_in(true).await;
    expect(&until(1.0).await, "roster_outbox_mails", 0.0);
}
