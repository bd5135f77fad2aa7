//! The program `roster` on a database with the demo organization, resources and keys; processes that end with the test;
//! and a few words for asking over HTTP.

use std::{
    fmt::Write as _,
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use directory::{Directory, Principal, Settings};
use sqlx::PgPool;

/// API keys of the right form: of `ml-research`, and of `production`.
pub(crate) const USE: &str = "rsk_use0use0use0use0use0use0use0use0use0use0use1NA3Cd";
pub(crate) const FOREIGN: &str = "rsk_foreign2foreign2foreign2foreign2foreign2for2g6lat";
/// An endpoint and a cluster of `ml-research`, and an endpoint of `production`.
pub(crate) const ENDPOINT: &str = "01900000-0000-7000-8000-0000000000e1";
pub(crate) const CLUSTER: &str = "01900000-0000-7000-8000-0000000000c1";
pub(crate) const FOREIGN_ENDPOINT: &str = "01900000-0000-7000-8000-0000000000e2";

/// Each person's session is the SHA-256 of a word of theirs.
const ROWS: &str = "
    INSERT INTO api_keys (organization_id, project_id, id, name, reach, secret_start, secret_end, created_at)
        SELECT s.organization_id, s.project_id, gen_random_uuid(), k.secret, 'use', '', '', now()
        FROM (VALUES
            ('ml-research', 'rsk_use0use0use0use0use0use0use0use0use0use0use1NA3Cd'),
            ('production', 'rsk_foreign2foreign2foreign2foreign2foreign2for2g6lat')
        ) AS k (slug, secret)
        JOIN project_slugs s ON s.slug = k.slug;
    INSERT INTO api_key_secrets (secret_hash, organization_id, project_id, key_id)
        SELECT sha256(convert_to(name, 'UTF8')), organization_id, project_id, id FROM api_keys WHERE name LIKE 'rsk%';
    INSERT INTO resources (organization_id, project_id, id, kind, name, state, details, created_at, updated_at)
        SELECT s.organization_id, s.project_id, r.id::uuid, r.kind, r.id, 'running', '{}', now(), now()
        FROM (VALUES
            ('ml-research', '01900000-0000-7000-8000-0000000000e1', 'endpoint'),
            ('ml-research', '01900000-0000-7000-8000-0000000000c1', 'cluster'),
            ('production', '01900000-0000-7000-8000-0000000000e2', 'endpoint')
        ) AS r (slug, id, kind)
        JOIN project_slugs s ON s.slug = r.slug;
    INSERT INTO sessions (id, token_hash, user_id, created_at, last_seen_at, expires_at, address, user_agent)
        SELECT gen_random_uuid(), sha256(sha256(convert_to(email, 'UTF8'))), id, now(), now(),
        now() + interval '1 day', '', ''
        FROM users;";

/// A process that ends with the test, however that ends.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A folder that goes with the test.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(within: &Path, name: &str) -> Self {
        static LAST: AtomicUsize = AtomicUsize::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let folder = within.join(format!("roster-{name}-{}-{number}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    /// Writes a file into it, and says where.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A server, and the gateway token `edge`.
pub(crate) struct Roster {
    pub(crate) pool: PgPool,
    pub(crate) port: u16,
    pub(crate) token: String,
    database: String,
    folder: Folder,
    process: Option<Process>,
}

impl Roster {
    pub(crate) async fn start(pool: PgPool, name: &str) -> Self {
        let directory = Directory::new(pool.clone(), Settings::default());
        directory.load_demo(&Principal::operator()).await.unwrap();
        sqlx::raw_sql(ROWS).execute(&pool).await.unwrap();
        let token = directory
            .create_gateway_token(&Principal::operator(), &"edge".parse().unwrap())
            .await
            .unwrap();
        let database: String = sqlx::query_scalar("SELECT current_database()::text")
            .fetch_one(&pool)
            .await
            .unwrap();
        // The same server as the test's own, another database.
        let url = std::env::var("DATABASE_URL").unwrap();
        let (address, options) = url.split_once('?').unwrap_or((&url, ""));
        let (server, _) = address.rsplit_once('/').unwrap();
        let folder = Folder::new(&std::env::temp_dir(), name);
        // Nobody looks at its pages here: any site will do.
        for file in ["roster.js", "roster.wasm", "roster.css"] {
            folder.write(&format!("site/pkg/{file}"), "");
        }
        let mut roster = Self {
            pool,
            port: free_port(),
            token: token.reveal().to_owned(),
            database: format!("{server}/{database}?{options}"),
            folder,
            process: None,
        };
        roster.go_on();
        roster
    }

    /// Starts it, at the same address as before.
    pub(crate) fn go_on(&mut self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_roster"));
        command
            .arg("serve")
            .env("DATABASE_URL", &self.database)
            .env("ROSTER_ADDR", format!("127.0.0.1:{}", self.port))
            .env("ROSTER_SITE", self.folder.0.join("site"))
            .env("RUST_LOG", "warn")
            .env_remove("ROSTER_URL")
            .current_dir(&self.folder.0)
            .stdout(Stdio::null());
        self.process = Some(Process::start(&mut command));
        until_listening(self.port);
    }

    pub(crate) fn stop(&mut self) {
        self.process = None;
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What the person's browser sends.
    pub(crate) async fn cookie(&self, email: &str) -> String {
        let token: String = sqlx::query_scalar("SELECT encode(sha256(convert_to($1, 'UTF8')), 'base64')")
            .bind(email)
            .fetch_one(&self.pool)
            .await
            .unwrap();
        format!(
            "roster={}",
            token.replace('+', "-").replace('/', "_").trim_end_matches('=')
        )
    }

    pub(crate) async fn id(&self, email: &str) -> String {
        sqlx::query_scalar("SELECT id::text FROM users WHERE email = $1")
            .bind(email)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    /// The id of `ml-research`.
    pub(crate) async fn project(&self) -> String {
        sqlx::query_scalar("SELECT project_id::text FROM project_slugs WHERE slug = 'ml-research'")
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    /// Sends a form of the console's, as somebody signed in.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)], email: &str) {
        let cookie = self.cookie(email).await;
        let mut body = String::new();
        for (name, value) in fields {
            let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            write!(body, "&{name}={value}").unwrap();
        }
        let headers = [
            ("Cookie", cookie.as_str()),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        let answer = ask(self.port, "POST", path, &headers, body.trim_start_matches('&'));
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    }

    /// Takes somebody out of `ml-research`, as its Admin.
    pub(crate) async fn remove(&self, email: &str) {
        let user = self.id(email).await;
        let fields = [("project", "ml-research"), ("user", user.as_str())];
        self.post("/api/remove_collaborator", &fields, "maya@acme.test").await;
    }

    pub(crate) async fn run(&self, sql: &'static str) {
        let changed = sqlx::query(sql).execute(&self.pool).await.unwrap();
        assert!(changed.rows_affected() > 0, "{sql}");
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The headers, in lower case.
    pub(crate) head: String,
    pub(crate) text: String,
}

/// Asks over HTTP, on a connection of its own, with the path as it is given.
pub(crate) fn ask(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n");
    if !headers.iter().any(|(name, _)| *name == "Connection") {
        request.push_str("Connection: close\r\n");
    }
    for (name, value) in headers {
        write!(request, "{name}: {value}\r\n").unwrap();
    }
    write!(request, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_lowercase(),
        text: text.to_owned(),
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) fn until_listening(port: u16) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "nobody listens on {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A file of `docs/gateways`, with what is to be changed in it changed.
pub(crate) fn document(name: &str, changes: &[(&str, &str)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs/gateways")
        .join(name);
    let mut text = fs::read_to_string(path).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{name} has no {from}");
        text = text.replace(from, to);
    }
    text
}

/// Where a program is; nothing if it is to be left out.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let skipped = std::env::var("ROSTER_TEST_SKIP").unwrap_or_default();
    if skipped.split_whitespace().any(|skipped| skipped == program) {
        return None;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|path| path.exists());
    Some(
        found
            .unwrap_or_else(|| panic!("{program} is missing: `make test` installs it, ROSTER_TEST_SKIP leaves it out")),
    )
}
