//! Servers to ask: processes of the program, connections to them, and what gateways ask.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use directory::{Directory, Principal, Settings};
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1::SendRequest,
    header,
};
use hyper_util::rt::TokioIo;
use policy::{KeyScope, SessionId, UserId};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep, timeout_at},
};
use uuid::Uuid;

/// A server, stopped when it is dropped.
pub(crate) struct Roster {
    pub(crate) addr: SocketAddr,
    /// Where gateways ask, if they have a listener of their own.
    pub(crate) gateway_addr: Option<SocketAddr>,
    /// Where metrics are given out, if they are.
    pub(crate) metrics_addr: Option<SocketAddr>,
    process: Child,
    site: PathBuf,
}

/// How a server is started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Start {
    /// The way to the database past a pooler.
    pub(crate) direct: Option<String>,
    /// How many files it may open, if not as many as the tests.
    pub(crate) files: Option<u32>,
    /// Whether gateways have a listener of their own.
    pub(crate) has_gateway_listener: bool,
    /// Whether metrics are given out.
    pub(crate) has_metrics: bool,
}

/// As much of a site as it takes to start.
pub(crate) fn make_site(site: &Path) {
    fs::create_dir_all(site.join("pkg")).unwrap();
    for file in ["roster.js", "roster.wasm", "roster.css"] {
        fs::write(site.join("pkg").join(file), "").unwrap();
    }
}

impl Roster {
    /// Starts one on this database, and waits for it.
    pub(crate) async fn start(database: &str) -> Self {
        Self::start_with(database, Start::default()).await
    }

    /// Starts one in a certain way, and waits for it.
    pub(crate) async fn start_with(database: &str, start: Start) -> Self {
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let addr = free();
        let gateway_addr = start.has_gateway_listener.then(free);
        let metrics_addr = start.has_metrics.then(free);
        let text = |addr: Option<SocketAddr>| addr.map(|addr| addr.to_string()).unwrap_or_default();
        let site = std::env::temp_dir().join(format!("roster-live-{}-{}", std::process::id(), addr.port()));
        make_site(&site);
        // Only a shell sets the limit of what it starts.
        let limit = start
            .files
            .map(|files| format!("ulimit -n {files}; "))
            .unwrap_or_default();
        let process = Command::new("sh")
            .args(["-c", &format!("{limit}exec \"$0\" serve"), env!("CARGO_BIN_EXE_roster")])
            .env("DATABASE_URL", database)
            .env("ROSTER_DATABASE_DIRECT_URL", start.direct.unwrap_or_default())
            .env("ROSTER_GATEWAY_ADDR", text(gateway_addr))
            .env("ROSTER_METRICS_ADDR", text(metrics_addr))
            .env("ROSTER_ADDR", addr.to_string())
            .env("ROSTER_SITE", &site)
            .env("RUST_LOG", "off")
            .current_dir(&site)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let roster = Self {
            addr,
            gateway_addr,
            metrics_addr,
            process,
            site,
        };
        for _ in 0..400 {
            if let Ok(mut door) = Door::open(addr).await
                && let Ok((StatusCode::OK, _)) = door.send(get("/readyz")).await
            {
                return roster;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("the server at {addr} does not answer");
    }

    /// How much memory it holds, in MiB.
    pub(crate) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        kib / 1024
    }
}

impl Drop for Roster {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
        drop(fs::remove_dir_all(&self.site));
    }
}

/// A connection to a server, kept open; opened again where it was closed.
pub(crate) struct Door {
    addr: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
}

pub(crate) type Failed = Box<dyn std::error::Error + Send + Sync>;

impl Door {
    pub(crate) async fn open(addr: SocketAddr) -> Result<Self, Failed> {
        Ok(Self {
            addr,
            sender: connect(addr).await?,
        })
    }

    /// The status and the body of the answer.
    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<(StatusCode, String), Failed> {
        if self.sender.ready().await.is_err() {
            self.sender = connect(self.addr).await?;
        }
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }
}

/// An open event stream, and what it has told.
pub(crate) struct Stream {
    body: Incoming,
    told: String,
    // The connection ends with it.
    _sender: SendRequest<Full<Bytes>>,
}

impl Stream {
    /// Opens one, and waits for its first word: each says at once that it is there.
    pub(crate) async fn open(addr: SocketAddr, path: &str, cookie: &str) -> Result<Self, Failed> {
        let mut sender = connect(addr).await?;
        let request = Request::get(path)
            .header(header::HOST, "127.0.0.1")
            .header(header::COOKIE, format!("roster={cookie}"))
            .body(Full::default())?;
        let response = sender.send_request(request).await?;
        if response.status() != StatusCode::OK {
            return Err(format!("{path}: {}", response.status()).into());
        }
        let mut stream = Self {
            body: response.into_body(),
            told: String::new(),
            _sender: sender,
        };
        stream.read().await?;
        Ok(stream)
    }

    /// Reads on; false at the end.
    async fn read(&mut self) -> Result<bool, Failed> {
        let Some(frame) = self.body.frame().await else {
            return Ok(false);
        };
        if let Ok(data) = frame?.into_data() {
            self.told.push_str(&String::from_utf8_lossy(&data));
        }
        Ok(true)
    }

    /// Reads on until it tells this, which it must within `limit`.
    pub(crate) async fn until(&mut self, words: &str, limit: Duration) -> Result<(), Failed> {
        let deadline = Instant::now() + limit;
        while !self.told.contains(words) {
            if !timeout_at(deadline, self.read()).await?? {
                return Err(format!("it ended: {}", self.told).into());
            }
        }
        Ok(())
    }

    /// All that it tells before it ends; that it must within `limit`.
    pub(crate) async fn end(mut self, limit: Duration) -> Result<String, Failed> {
        let deadline = Instant::now() + limit;
        loop {
            if !timeout_at(deadline, self.read()).await?? {
                return Ok(self.told);
            }
        }
    }
}

async fn connect(addr: SocketAddr) -> Result<SendRequest<Full<Bytes>>, Failed> {
    let stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

pub(crate) fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(path)
        .header(header::HOST, "127.0.0.1")
        .body(Full::default())
        .unwrap()
}

/// What somebody shows that they may come in.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    /// The value of the session's cookie.
    Session(String),
    /// The secret of an API key.
    Key(String),
}

/// The target of a gateway's access request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum About<'a> {
    /// A project, by its slug.
    Project(&'a str),
    /// A resource, as `{kind}/{id}`.
    Resource(&'a str),
}

/// What a gateway asks: may this one do that there?
pub(crate) fn authorize(gateway: &str, about: About<'_>, action: &str, who: &Credential) -> Request<Full<Bytes>> {
    let (name, value) = match about {
        About::Project(slug) => ("x-roster-project", slug),
        About::Resource(resource) => ("x-roster-resource", resource),
    };
    let mut request = read("/gateway/authorize", who);
    for (name, value) in [
        ("x-roster-gateway", gateway),
        (name, value),
        ("x-roster-action", action),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    request
}

/// What a node asks: may who shows this SSH key log in to that cluster?
pub(crate) fn authorized_keys(gateway: &str, cluster: &str, fingerprint: &str) -> Request<Full<Bytes>> {
    let path = format!("/ssh/authorized-keys?cluster={cluster}&user=ubuntu&fingerprint={fingerprint}");
    let mut request = get(&path);
    request
        .headers_mut()
        .insert("x-roster-gateway", gateway.parse().unwrap());
    request
}

/// Something that is read with a credential: by a program over REST, or by a person in the console.
pub(crate) fn read(path: &str, who: &Credential) -> Request<Full<Bytes>> {
    let (name, value) = match who {
        Credential::Session(cookie) => (header::COOKIE, format!("roster={cookie}")),
        Credential::Key(secret) => (header::AUTHORIZATION, format!("Bearer {secret}")),
    };
    let mut request = get(path);
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

/// A form of the console, as a program of the person's would send it.
pub(crate) fn form(function: &str, cookie: &str, fields: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let mut body = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        body.append_pair(name, value);
    }
    Request::builder()
        .method(Method::POST)
        .uri(format!("/api/{function}"))
        .header(header::HOST, "127.0.0.1")
        .header(header::COOKIE, format!("roster={cookie}"))
        .header(header::ACCEPT, "application/json")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::from(body.finish()))
        .unwrap()
}

/// The demo organization in a database, with a gateway, a program, and two people signed in.
pub(crate) struct Stage {
    pool: PgPool,
    /// What the gateway shows.
    pub(crate) gateway: String,
    /// The secret of an API key of `ml-research`.
    pub(crate) key: String,
    /// The cookie of an Admin of every project.
    pub(crate) admin: String,
    /// The cookie of somebody who has nothing to do with them.
    pub(crate) stranger: String,
}

impl Stage {
    pub(crate) async fn set(url: &str) -> Self {
        let pool = PgPool::connect(url).await.unwrap();
        let directory = Directory::new(pool.clone(), Settings::default());
        directory.migrate().await.unwrap();
        directory.load_demo(&Principal::operator()).await.unwrap();
        let gateway = directory
            .create_gateway_token(&Principal::operator(), &"test".parse().unwrap())
            .await
            .unwrap();
        let (adam, admin) = sign_in(&pool, "adam@acme.test").await;
        let (project, name) = ("ml-research".parse().unwrap(), "program".parse().unwrap());
        let key = directory
            .create_api_key(&adam, &project, &name, KeyScope::Use, None)
            .await
            .unwrap();
        Self {
            gateway: gateway.reveal().to_owned(),
            key: key.secret.reveal().to_owned(),
            admin,
            stranger: {
                sqlx::query("DELETE FROM collaborators WHERE member_id IS NULL")
                    .execute(&pool)
                    .await
                    .unwrap();
                sign_in(&pool, "eve@partner.test").await.1
            },
            pool,
        }
    }

    pub(crate) async fn names_of_keys(&self) -> Vec<String> {
        sqlx::query_scalar("SELECT name FROM api_keys")
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }
}

/// A session, as signing in makes one, without the time that a password takes: who acts, and the value of the cookie.
pub(crate) async fn sign_in(pool: &PgPool, email: &str) -> (Principal, String) {
    let (id, secret) = (Uuid::now_v7(), Sha256::digest(Uuid::now_v7().as_bytes()));
    let user: Uuid = sqlx::query_scalar(
        "INSERT INTO sessions (id, token_hash, user_id, created_at, last_seen_at, expires_at, address, user_agent)
         SELECT $1, $2, id, now(), now(), now() + interval '1 day', '', '' FROM users WHERE email = $3
         RETURNING user_id",
    )
    .bind(id)
    .bind(Sha256::digest(secret).to_vec())
    .bind(email)
    .fetch_one(pool)
    .await
    .unwrap();
    let actor = Principal::signed_in(UserId(user), SessionId(id), directory::Origin::default());
    (actor, URL_SAFE_NO_PAD.encode(secret))
}

/// The URL of a test's own database.
pub(crate) async fn url_of(pool: &PgPool) -> String {
    let name: String = sqlx::query_scalar("SELECT current_database()::text")
        .fetch_one(pool)
        .await
        .unwrap();
    let url = std::env::var("DATABASE_URL").unwrap();
    let (address, options) = url.split_once('?').unwrap_or((&url, ""));
    let (server, _) = address.rsplit_once('/').unwrap();
    format!("{server}/{name}?{options}")
}
