//! A pooler between Roster and its database (U5): PgBouncer in session and in transaction mode, for real. `make test`
//! installs it.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use hyper::StatusCode;
use sqlx::PgPool;
use tokio::{task::JoinSet, time::sleep};

use super::{
    servers::{About, Credential, Door, Roster, Stage, Start, Stream, authorize, form, read, url_of},
    starts::{complaint, run},
};

/// Clients of one server, of each kind.
const CLIENTS: usize = 6;
const ROUNDS: usize = 12;

/// PgBouncer before the tests' own server.
struct Pooler {
    port: u16,
    process: Child,
    folder: PathBuf,
}

impl Pooler {
    /// In this mode, with as many connections to a database as that. Nothing if it is to be left out.
    fn start(mode: &str, size: u32) -> Option<Self> {
        let skipped = std::env::var("ROSTER_TEST_SKIP").unwrap_or_default();
        if skipped.split_whitespace().any(|skipped| skipped == "pgbouncer") {
            return None;
        }
        let program = [
            "/usr/sbin/pgbouncer",
            "/usr/bin/pgbouncer",
            "/opt/homebrew/bin/pgbouncer",
        ]
        .into_iter()
        .find(|path| fs::exists(path).unwrap())
        .expect(
            "pgbouncer is missing: `make test` installs it, or apt-get install pgbouncer; ROSTER_TEST_SKIP leaves \
            it out",
        );
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = std::env::temp_dir().join(format!("roster-pooler-{}-{port}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        // As another account when we are root, which PgBouncer refuses to be: the one that gets to PostgreSQL's
        // socket.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        let url = std::env::var("DATABASE_URL").unwrap();
        let query = url.split_once('?').map(|(_, query)| query).unwrap_or_default();
        let host = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "host");
        let host = host.expect("the tests' PostgreSQL is reached by its socket").1;
        let file = folder.join("pgbouncer.ini");
        // Whatever was used longest ago comes next: clients are given each other's connections all the time.
        let text = format!(
            "[databases]\n* = host={host} user=roster\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = any\npool_mode = {mode}\ndefault_pool_size = {size}\n\
             server_round_robin = 1\n\
             max_client_conn = 400\nlogfile = {}\npidfile =\n",
            folder.join("log").display()
        );
        fs::write(&file, text).unwrap();
        let mut command = Command::new(program);
        if PathBuf::from("/root").metadata().is_ok() && fs::read_dir("/root").is_ok() {
            command.args(["-u", "postgres"]);
        }
        let process = command
            .arg("-q")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "pgbouncer does not listen: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self { port, process, folder })
    }

    /// The URL of a test's database through it.
    async fn url(&self, pool: &PgPool) -> String {
        let name: String = sqlx::query_scalar("SELECT current_database()::text")
            .fetch_one(pool)
            .await
            .unwrap();
        format!("postgres://roster@127.0.0.1:{}/{name}", self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Many at once ask, call and change, on two servers; each answer is the right one, and who looks is told.
async fn works(through: &str, direct: Option<String>, stage: Stage) {
    let start = Start {
        direct,
        ..Start::default()
    };
    let servers = [
        Roster::start_with(through, start.clone()).await,
        Roster::start_with(through, start).await,
    ];
    let stage = Arc::new(stage);
    let mut workers = JoinSet::new();
    for client in 0..CLIENTS {
        for server in &servers {
            workers.spawn(ask(server.addr, Arc::clone(&stage), client));
        }
    }
    while let Some(worker) = workers.join_next().await {
        worker.unwrap();
    }
    let keys = stage
        .names_of_keys()
        .await
        .into_iter()
        .filter(|name| name.starts_with("pooled"));
    assert_eq!(keys.count(), 2 * CLIENTS * ROUNDS);

    // A change on one server is heard of on the other.
    let [one, other] = &servers;
    let mut stream = Stream::open(other.addr, "/events?project=ml-research", &stage.admin)
        .await
        .unwrap();
    let mut door = Door::open(one.addr).await.unwrap();
    let fields = [("project", "ml-research"), ("name", "heard of")];
    let made = door.send(form("create_api_key", &stage.admin, &fields)).await.unwrap();
    assert_eq!(made.0, StatusCode::OK, "{}", made.1);
    stream.until("changed", Duration::from_secs(5)).await.unwrap();
    // A sign-in, by a password.
    let fields = [("email", "mia@acme.test"), ("password", directory::DEMO_PASSWORD)];
    let signed_in = door.send(form("sign_in", "", &fields)).await.unwrap();
    assert_eq!(signed_in.0, StatusCode::SEE_OTHER, "{}", signed_in.1);
}

async fn ask(addr: SocketAddr, stage: Arc<Stage>, client: usize) {
    let mut door = Door::open(addr).await.unwrap();
    let (admin, stranger) = (
        Credential::Session(stage.admin.clone()),
        Credential::Session(stage.stranger.clone()),
    );
    let key = Credential::Key(stage.key.clone());
    for round in 0..ROUNDS {
        let name = format!("pooled {addr} {client} {round}");
        let fields = [("project", "ml-research"), ("name", &name)];
        let project = About::Project("ml-research");
        for (request, right) in [
            (
                authorize(&stage.gateway, project, "cluster:view", &admin),
                StatusCode::OK,
            ),
            (
                authorize(&stage.gateway, project, "cluster:view", &stranger),
                StatusCode::FORBIDDEN,
            ),
            (form("create_api_key", &stage.admin, &fields), StatusCode::OK),
        ] {
            let (status, body) = door.send(request).await.unwrap();
            assert_eq!(status, right, "{body}");
        }
        if round < 3 {
            let (status, body) = door
                .send(read("/v1/projects/ml-research/resources", &key))
                .await
                .unwrap();
            assert_eq!(status, StatusCode::OK, "{body}");
        }
        sleep(Duration::from_millis(1)).await;
    }
}

/// What `roster doctor` says, each thing a line; how the tests' own server commits is left out.
fn doctor(settings: &[(&str, &str)]) -> Vec<String> {
    let said = String::from_utf8(run(&["doctor"], settings).stdout).unwrap();
    let lines = said
        .lines()
        .filter(|line| !line.starts_with("synchronous_commit") && *line != "all is well");
    lines.map(|line| format!("{line}\n")).collect()
}

/// It failed at the start: `unsupported startup parameter: extra_float_digits`, and with that ignored by PgBouncer,
/// `prepared statement "sqlx_s_1" already exists`.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn u5_a_pooler_in_transaction_mode_will_do(pool: PgPool) {
    let direct = url_of(&pool).await;
    let stage = Stage::set(&direct).await;
    let Some(pooler) = Pooler::start("transaction", 5) else {
        return;
    };
    let through = pooler.url(&pool).await;
    let said = complaint(&["migrate"], &[("DATABASE_URL", &through)]);
    assert!(
        said.contains("pooler in transaction mode") && said.contains("ROSTER_DATABASE_DIRECT_URL"),
        "{said}"
    );
    assert_eq!(
        doctor(&[("DATABASE_URL", &through)]),
        vec![said.replace("roster: ", "")],
        "U7"
    );
    let known = [
        ("DATABASE_URL", through.as_str()),
        ("ROSTER_DATABASE_DIRECT_URL", &direct),
    ];
    assert_eq!(doctor(&known), Vec::<String>::new());
    let both = [
        ("DATABASE_URL", through.as_str()),
        ("ROSTER_DATABASE_DIRECT_URL", through.as_str()),
    ];
    assert_eq!(complaint(&["migrate"], &both), said, "the same twice is no way past it");
    let elsewhere = direct.replace(through.rsplit_once('/').unwrap().1, "template1");
    let said = complaint(&["migrate"], &[both[0], ("ROSTER_DATABASE_DIRECT_URL", &elsewhere)]);
    assert!(said.contains("another database"), "{said}");
    let listed = run(&["admin", "organization", "list"], &[("DATABASE_URL", &through)]);
    assert!(listed.status.success(), "commands need no way past it: {listed:?}");
    works(&through, Some(direct), stage).await;
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn u5_a_pooler_in_session_mode_will_do(pool: PgPool) {
    let stage = Stage::set(&url_of(&pool).await).await;
    let Some(pooler) = Pooler::start("session", 80) else {
        return;
    };
    works(&pooler.url(&pool).await, None, stage).await;
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn u5_a_pooler_in_statement_mode_is_refused(pool: PgPool) {
    let Some(pooler) = Pooler::start("statement", 5) else {
        return;
    };
    let said = complaint(&["migrate"], &[("DATABASE_URL", &pooler.url(&pool).await)]);
    assert!(said.contains("statement mode"), "{said}");
}
