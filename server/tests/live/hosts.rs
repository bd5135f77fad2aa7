//! A database of two hosts whose writer moves from one to the other (U5): two PostgreSQL, of which one follows.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

use hyper::StatusCode;
use sqlx::PgPool;
use tokio::time::sleep;

use super::{
    outage::{Folder, Load, start_workers},
    servers::{About, Credential, Door, Roster, Stage, Start, Stream, authorize, form, get},
    starts::complaint,
};

/// A PostgreSQL on a port of its own.
struct Node {
    data: PathBuf,
    port: u16,
    programs: PathBuf,
}

impl Node {
    fn new(folder: &Path, name: &str) -> Self {
        Self {
            data: folder.join(name),
            port: TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port(),
            programs: programs(),
        }
    }

    /// Runs one of PostgreSQL's programs, as another account if we are root.
    #[track_caller]
    fn run(&self, program: &str, arguments: &[&str]) {
        let is_root = own_uid() == 0;
        let mut command = if is_root {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--"]);
            command.arg(self.programs.join(program));
            command
        } else {
            Command::new(self.programs.join(program))
        };
        let status = command
            .args(arguments)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{program} {arguments:?}");
    }

    fn control(&self, arguments: &[&str]) {
        let data = self.data.to_str().unwrap();
        let log = format!("{data}.log");
        self.run("pg_ctl", &[&["-D", data, "-w", "-l", &log], arguments].concat());
    }

    /// A new cluster.
    fn make(&self) {
        let data = self.data.to_str().unwrap();
        let arguments = [
            "-D",
            data,
            "-U",
            "roster",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "-N",
        ];
        self.run("initdb", &arguments);
        let sockets = self.data.display();
        self.configure(&format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = '{sockets}'\n"
        ));
    }

    fn configure(&self, lines: &str) {
        let path = self.data.join("postgresql.conf");
        let present = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{present}\n{lines}port = {}\n", self.port)).unwrap();
    }

    /// Lets it follow another one from its next start on.
    fn follow(&self, other: &Self) {
        self.configure(&format!(
            "primary_conninfo = 'host=127.0.0.1 port={} user=roster'\nsynchronous_standby_names = ''\n",
            other.port
        ));
        let signal = self.data.join("standby.signal");
        fs::write(&signal, "").unwrap();
        give(&signal, &self.data);
    }

    fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn url(&self) -> String {
        format!("postgres://roster@{}/postgres", self.host())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.data.join("postmaster.pid").exists() {
            self.control(&["stop", "-m", "immediate"]);
        }
    }
}

fn own_uid() -> u32 {
    std::os::unix::fs::MetadataExt::uid(&fs::metadata("/proc/self").unwrap())
}

/// Gives a file to the owner of another one.
fn give(path: &Path, like: &Path) {
    let owner = fs::metadata(like).unwrap();
    let (uid, gid) = (
        std::os::unix::fs::MetadataExt::uid(&owner),
        std::os::unix::fs::MetadataExt::gid(&owner),
    );
    std::os::unix::fs::chown(path, Some(uid), Some(gid)).unwrap();
}

/// The folder with PostgreSQL's programs.
fn programs() -> PathBuf {
    if let Some(named) = std::env::var_os("ROSTER_POSTGRES_BIN").filter(|named| !named.is_empty()) {
        return named.into();
    }
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut found: Vec<_> = installed.map(|entry| entry.unwrap().path().join("bin")).collect();
    found.sort();
    found
        .pop()
        .expect("PostgreSQL is installed, or named in ROSTER_POSTGRES_BIN")
}

/// Two nodes, of which the second follows the first in step.
fn two(folder: &Folder) -> [Node; 2] {
    // PostgreSQL runs as another account when we are root.
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o777)).unwrap();
    let nodes = [Node::new(&folder.0, "a"), Node::new(&folder.0, "b")];
    let [first, second] = &nodes;
    first.make();
    let copied = Command::new("cp")
        .arg("-a")
        .arg(&first.data)
        .arg(&second.data)
        .status()
        .unwrap();
    assert!(copied.success());
    let sockets = second.data.display();
    second.configure(&format!("unix_socket_directories = '{sockets}'\n"));
    first.configure("synchronous_standby_names = '*'\nwal_keep_size = 1GB\n");
    second.configure("wal_keep_size = 1GB\n");
    second.follow(first);
    first.control(&["start"]);
    second.control(&["start"]);
    nodes
}

/// While the writer moves everybody is told that there is no answer now; then answers are right, without a restart, and
/// nothing that was answered as done is lost.
#[tokio::test(flavor = "multi_thread")]
async fn u5_the_writer_moves_to_another_host_and_back() {
    let folder = Folder::named("hosts");
    let [first, second] = two(&folder);
    let both = format!(
        "postgres://roster@{},{}/postgres?target_session_attrs=read-write",
        second.host(),
        first.host()
    );
    let stage = Arc::new(Stage::set(&first.url()).await);
    let start = Start {
        direct: None,
        ..Start::default()
    };
    let server = Roster::start_with(&both, start).await;
    let load = Arc::new(Load::default());
    let mut workers = start_workers(server.addr, &stage, &load);
    load.until("everybody is answered", |load| {
        load.right().into_iter().all(|count| count > 0)
    })
    .await;
    assert_eq!(
        load.unavailable(),
        [0, 0],
        "the standby, which is first in the list, answers nobody"
    );

    for (old, new) in [(&first, &second), (&second, &first)] {
        let unavailable = load.unavailable();
        old.control(&["stop", "-m", "fast"]);
        // Only the other one is there, and takes no changes yet.
        load.until("gateways are told that there is no answer", |load| {
            load.unavailable()[0] > unavailable[0]
        })
        .await;
        let mut door = Door::open(server.addr).await.unwrap();
        assert_eq!(
            door.send(get("/readyz")).await.unwrap().0,
            StatusCode::SERVICE_UNAVAILABLE
        );
        sleep(Duration::from_secs(1)).await;
        let right = load.right();
        sleep(Duration::from_secs(1)).await;
        assert_eq!(load.right(), right, "answers without a writer");

        new.control(&["promote"]);
        load.until("right answers and changes on the other host", |load| {
            let now = load.right();
            now[0] >= right[0] + 100 && now[1] >= right[1] + 10 && now[2] >= right[2] + 10
        })
        .await;
        // The old one comes back as a standby, and nobody asks it.
        old.follow(new);
        old.control(&["start"]);
        let (unavailable, right) = (load.unavailable(), load.right());
        load.until("answers while the old one follows", |load| {
            load.right()[0] >= right[0] + 200
        })
        .await;
        assert_eq!(load.unavailable(), unavailable);
        // Who ended a session is out, and stays out (E5).
        let pool = PgPool::connect(&new.url()).await.unwrap();
        let ended = super::servers::sign_in(&pool, "adam@acme.test").await.1;
        let who = Credential::Session(ended.clone());
        let ask = || authorize(&stage.gateway, About::Project("ml-research"), "cluster:view", &who);
        assert_eq!(door.send(ask()).await.unwrap().0, StatusCode::OK);
        assert!(
            !door
                .send(form("sign_out", &ended, &[]))
                .await
                .unwrap()
                .0
                .is_server_error()
        );
        for _ in 0..50 {
            assert_eq!(door.send(ask()).await.unwrap().0, StatusCode::UNAUTHORIZED);
        }
        // Pages are told of changes again.
        let mut stream = Stream::open(server.addr, "/events?project=ml-research", &stage.admin)
            .await
            .unwrap();
        let fields = [("project", "ml-research"), ("name", "heard of")];
        assert_eq!(
            door.send(form("create_api_key", &stage.admin, &fields))
                .await
                .unwrap()
                .0,
            StatusCode::OK
        );
        stream.until("changed", Duration::from_secs(5)).await.unwrap();
    }

    load.is_over.store(true, SeqCst);
    while let Some(worker) = workers.join_next().await {
        worker.unwrap();
    }
    let pool = PgPool::connect(&first.url()).await.unwrap();
    let kept: Vec<String> = sqlx::query_scalar("SELECT name FROM api_keys")
        .fetch_all(&pool)
        .await
        .unwrap();
    let done = load.done.lock().unwrap().clone();
    assert!(done.len() > 20, "{}", done.len());
    let lost: Vec<_> = done.iter().filter(|name| !kept.contains(name)).collect();
    assert!(lost.is_empty(), "answered as done, and lost: {lost:?}");
    pool.close().await;
}

/// Each host is named with what is wrong with it; the password isn't.
#[tokio::test]
async fn u5_what_is_wrong_with_each_host_is_one_line() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let two = format!("postgres://roster:secret@{free},localhost:1/roster");
    let said = complaint(&["migrate"], &[("DATABASE_URL", &two)]);
    for part in [
        format!("DATABASE_URL ({free})"),
        "DATABASE_URL (localhost:1)".to_owned(),
    ] {
        assert!(said.contains(&format!("nobody listens where {part} leads")), "{said}");
    }
    assert!(!said.contains("secret"), "{said}");
    let said = complaint(
        &["migrate"],
        &[("DATABASE_URL", "postgres://roster:secret@a,,b/roster?sslmode=require")],
    );
    assert!(
        said.contains("DATABASE_URL") && said.contains("without an empty one") && !said.contains("secret"),
        "{said}"
    );
}
