//! Floods at the door while a gateway keeps asking on a listener of its own: slow heads, forged gateway tokens, guessed
//! passwords. No answer may be lost, and none be late (E7, E8, J9).
//!
//! Starts an optimised server of its own on the database in `DATABASE_URL`, which `make bench` starts. Prints a table,
//! and asserts nothing: the aims are in it to compare with.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::{
    env, fs,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use directory::{Directory, NewAccount, Origin, Principal, Settings};
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode, body::Bytes, client::conn::http1::SendRequest};
use hyper_util::rt::TokioIo;
use policy::{KeyScope, Slug};
use sqlx::PgPool;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{interval, sleep, timeout},
};

type Failed = Box<dyn std::error::Error + Send + Sync>;
type Sender = SendRequest<Full<Bytes>>;

/// How long each flood lasts.
const PERIOD: Duration = Duration::from_secs(20);
/// How often the gateway asks.
const BEAT: Duration = Duration::from_millis(5);
/// An answer that takes longer is lost: gateways wait no longer.
const LOST: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let database = env::var("DATABASE_URL")?;
    let server = Server::start(&database).await?;
    let request = access_request(&database).await?;

    println!(
        "\nDecisions on a listener of their own, {} a second, during floods of {} s\n",
        1_000 / BEAT.as_millis(),
        PERIOD.as_secs()
    );
    println!(
        "{:>28} {:>10} {:>10} {:>10} {:>10}",
        "flood", "asked", "lost", "p50", "p99"
    );
    for flood in [Flood::None, Flood::SlowHeads, Flood::ForgedTokens, Flood::SignIns] {
        let flooding = tokio::spawn(flood.run(server.console, server.gateways));
        let answers = ask(server.gateways, &request).await;
        flooding.abort();
        println!(
            "{:>28} {:>10} {:>10} {:>7.1} ms {:>7.1} ms",
            flood.name(),
            answers.times.len() + answers.lost,
            answers.lost,
            answers.percentile(50),
            answers.percentile(99),
        );
    }
    println!("\naims: none lost, p99 under 50 ms\n");
    Ok(())
}

/// A server with a listener for gateways, stopped when it is dropped.
struct Server {
    console: SocketAddr,
    gateways: SocketAddr,
    process: Child,
    site: PathBuf,
}

impl Server {
    async fn start(database: &str) -> Result<Self, Failed> {
        let free = || TcpListener::bind("127.0.0.1:0")?.local_addr();
        let (console, gateways) = (free()?, free()?);
        let site = env::temp_dir().join(format!("roster-doors-{}", std::process::id()));
        fs::create_dir_all(site.join("pkg"))?;
        for file in ["roster.js", "roster.wasm", "roster.css"] {
            fs::write(site.join("pkg").join(file), "")?;
        }
        let process = Command::new(env!("CARGO_BIN_EXE_roster"))
            .arg("serve")
            .env("DATABASE_URL", database)
            .env("ROSTER_ADDR", console.to_string())
            .env("ROSTER_GATEWAY_ADDR", gateways.to_string())
            .env("ROSTER_SITE", &site)
            .env("RUST_LOG", "off")
            .current_dir(&site)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let server = Self {
            console,
            gateways,
            process,
            site,
        };
        for _ in 0..400 {
            if TcpStream::connect(gateways).await.is_ok() && send_once(gateways, get("/readyz")).await.is_ok() {
                return Ok(server);
            }
            sleep(Duration::from_millis(50)).await;
        }
        Err("the server does not answer".into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
        drop(fs::remove_dir_all(&self.site));
    }
}

fn get(path: &str) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    *request.uri_mut() = path.parse().unwrap_or_default();
    request
        .headers_mut()
        .insert("host", hyper::header::HeaderValue::from_static("127.0.0.1"));
    request
}

async fn connect(addr: SocketAddr) -> Result<Sender, Failed> {
    let stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn send(sender: &mut Sender, request: Request<Full<Bytes>>) -> Result<StatusCode, Failed> {
    sender.ready().await?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    response.into_body().collect().await?;
    Ok(status)
}

async fn send_once(addr: SocketAddr, request: Request<Full<Bytes>>) -> Result<StatusCode, Failed> {
    send(&mut connect(addr).await?, request).await
}

/// An access request that is answered with yes: an API key of a project, and the project.
async fn access_request(database: &str) -> Result<Request<Full<Bytes>>, Failed> {
    let directory = Directory::connect(database, 2, Settings::default()).await?;
    let pool = PgPool::connect(database).await?;
    let owner = directory
        .create_user(
            &Principal::operator(),
            NewAccount {
                email: "owner@doors.test".parse()?,
                name: "Doors".parse()?,
                password: "correct-horse-battery".parse()?,
            },
        )
        .await?;
    // Making a key asks for a session whose password was just given (J7).
    let origin = Origin::default();
    let session = directory
        .sign_in(
            &Principal::anonymous(origin.clone()),
            "owner@doors.test",
            "correct-horse-battery",
        )
        .await?;
    let session = directory.session(&session.token).await?;
    let actor = session.ok_or("the session is over")?.principal(origin);
    let organization: String = sqlx::query_scalar("SELECT slug FROM organizations WHERE owner_id = $1")
        .bind(owner.0)
        .fetch_one(&pool)
        .await?;
    let project: Slug = "doors-bench".parse()?;
    directory
        .create_project(&actor, &organization.parse()?, &"Doors".parse()?, &project)
        .await?;
    let key = directory
        .create_api_key(&actor, &project, &"bench".parse()?, KeyScope::Use, None)
        .await?;
    let gateway = directory
        .create_gateway_token(&Principal::operator(), &"doors-bench".parse()?)
        .await?;
    let mut request = get("/gateway/authorize");
    for (name, value) in [
        ("x-roster-gateway", gateway.reveal()),
        ("x-roster-project", project.as_str()),
        ("x-roster-action", "endpoint:use"),
        ("authorization", &format!("Bearer {}", key.secret.reveal())),
    ] {
        request.headers_mut().insert(name, value.parse()?);
    }
    Ok(request)
}

/// What the gateway was answered.
#[derive(Default)]
struct Answers {
    times: Vec<Duration>,
    lost: usize,
}

impl Answers {
    fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.times.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted.get(place).copied().unwrap_or_default().as_secs_f64() * 1_000.0
    }
}

/// Asks at a steady rate. Times count from when each was due: a server that stalls makes the ones behind it late too.
async fn ask(addr: SocketAddr, request: &Request<Full<Bytes>>) -> Answers {
    let mut answers = Answers::default();
    let mut sender = None;
    let mut beat = interval(BEAT);
    let end = Instant::now() + PERIOD;
    while Instant::now() < end {
        let due = beat.tick().await;
        let answer = timeout(LOST, async {
            let mut open = match sender.take() {
                Some(open) => open,
                None => connect(addr).await?,
            };
            let status = send(&mut open, request.clone()).await?;
            Ok::<_, Failed>((open, status))
        });
        match answer.await {
            Ok(Ok((open, StatusCode::OK))) => {
                sender = Some(open);
                answers.times.push(due.elapsed());
            }
            _ => answers.lost += 1,
        }
    }
    answers
}

/// What goes on meanwhile.
#[derive(Clone, Copy)]
enum Flood {
    None,
    /// 500 connections with half a request each, opened again as they are closed.
    SlowHeads,
    /// 10,000 well-formed gateway tokens that nobody has.
    ForgedTokens,
    /// 150 clients who guess passwords, each of another network and at another account every time.
    SignIns,
}

impl Flood {
    const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SlowHeads => "500 slow heads",
            Self::ForgedTokens => "10,000 forged tokens",
            Self::SignIns => "150 rotating sign-ins",
        }
    }

    async fn run(self, console: SocketAddr, gateways: SocketAddr) {
        let mut clients = JoinSet::new();
        match self {
            Self::None => {}
            Self::SlowHeads => (0..500).for_each(|_| drop(clients.spawn(slow_heads(console)))),
            Self::ForgedTokens => (0..20).for_each(|client| drop(clients.spawn(forge(gateways, client)))),
            Self::SignIns => (0..150).for_each(|client| drop(clients.spawn(guess(console, client)))),
        }
        while clients.join_next().await.is_some() {}
    }
}

async fn slow_heads(addr: SocketAddr) {
    loop {
        if let Ok(mut stream) = TcpStream::connect(addr).await {
            drop(stream.write_all(b"GET /sign-in HTTP/1.1\r\nHost: ").await);
            // Until the server has enough of it.
            drop(stream.read(&mut [0; 64]).await);
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// 500 in 20 s, each of another token.
async fn forge(addr: SocketAddr, client: u32) {
    let mut beat = interval(PERIOD / 500);
    let mut sender = None;
    for number in 0..500 {
        beat.tick().await;
        let mut request = get("/gateway/authorize");
        let headers = request.headers_mut();
        headers.insert(
            "x-roster-project",
            hyper::header::HeaderValue::from_static("doors-bench"),
        );
        headers.insert(
            "x-roster-action",
            hyper::header::HeaderValue::from_static("endpoint:use"),
        );
        for (name, value) in [
            ("x-roster-gateway", forged("rsg_", client, number)),
            ("authorization", format!("Bearer {}", forged("rsk_", client, number))),
        ] {
            if let Ok(value) = value.parse() {
                headers.insert(name, value);
            }
        }
        sender = again(addr, sender, request).await;
    }
}

/// A token whose checksum is right.
fn forged(prefix: &str, client: u32, number: u32) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let body = format!("{prefix}{client:021}{number:022}");
    let mut rest = crc32fast::hash(body.as_bytes());
    let mut check = [b'0'; 6];
    for digit in check.iter_mut().rev() {
        *digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    format!("{body}{}", String::from_utf8_lossy(&check))
}

async fn guess(addr: SocketAddr, client: u32) {
    let mut sender = None;
    for number in 0_u32.. {
        let mut request = get("/api/sign_in");
        *request.method_mut() = hyper::Method::POST;
        *request.body_mut() = Full::from(format!(
            "email=p{number}-{client}%40doors.test&password=a+wrong+password"
        ));
        for (name, value) in [
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
            ("accept", "application/json".to_owned()),
            (
                "x-forwarded-for",
                format!("2001:db8:{client:x}:{:x}::1", number % 0xffff),
            ),
        ] {
            if let Ok(value) = value.parse() {
                request.headers_mut().insert(name, value);
            }
        }
        sender = again(addr, sender, request).await;
    }
}

/// Sends on the same connection as long as it is open.
async fn again(addr: SocketAddr, sender: Option<Sender>, request: Request<Full<Bytes>>) -> Option<Sender> {
    let mut open = match sender {
        Some(open) => open,
        None => connect(addr).await.ok()?,
    };
    send(&mut open, request).await.ok()?;
    Some(open)
}
