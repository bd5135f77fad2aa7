//! `roster doctor` (U7): nothing to say of what is well, and one line for each thing that isn't; replication (U6) with
//! a real primary and a real standby.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use directory::{Directory, Settings};
use server::postgres::Embedded;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::time::{Instant, sleep};

use super::starts::run;

/// How long a standby may take to connect, or to be missed.
const SOON: Duration = Duration::from_secs(20);

/// What the doctor says, with these settings alone: its status, and its lines.
#[track_caller]
fn doctor(settings: &[(&str, &str)]) -> (bool, Vec<String>) {
    let output = run(&["doctor"], settings);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.is_empty(), "{said}");
    let lines = String::from_utf8(output.stdout).unwrap();
    (output.status.success(), lines.lines().map(ToOwned::to_owned).collect())
}

#[track_caller]
fn is_well(settings: &[(&str, &str)]) {
    assert_eq!(doctor(settings), (true, vec!["all is well".to_owned()]), "{settings:?}");
}

/// It has one line to say, with all of these words.
#[track_caller]
fn complains(settings: &[(&str, &str)], words: &[&str]) {
    let (is_well, lines) = doctor(settings);
    assert!(!is_well && lines.len() == 1, "{settings:?}: {lines:?}");
    assert!(
        words.iter().all(|word| lines[0].contains(word)),
        "{words:?}: {}",
        lines[0]
    );
}

/// A folder that goes with what runs in it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        // In /tmp, since a socket's path must be short.
        let folder = PathBuf::from(format!("/tmp/roster-doctor-{}-{name}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Something that listens, and says this to whoever comes.
fn says(words: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            drop(stream.write_all(words.as_bytes()));
            drop(stream.read(&mut [0; 256]));
        }
    });
    port
}

/// A mail server that greets, knows who may send, and is sent nothing.
fn mail_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.write_all(b"220 mail.acme.test ESMTP\r\n").unwrap();
            let mut asked = [0; 256];
            while let Ok(length @ 1..) = stream.read(&mut asked) {
                let said = String::from_utf8_lossy(&asked[..length]).to_uppercase();
                let answer = match said.get(..4) {
                    Some("EHLO") => "250-mail.acme.test\r\n250 AUTH PLAIN\r\n",
                    Some("AUTH") => "535 5.7.8 Who are you?\r\n",
                    Some("NOOP") => "250 OK\r\n",
                    Some("QUIT") => "221 Bye\r\n",
                    _ => panic!("a mail is sent: {said}"),
                };
                stream.write_all(answer.as_bytes()).unwrap();
            }
        }
    });
    port
}

/// U7: the private database, settings and mail.
#[tokio::test]
async fn u7_nothing_is_said_of_what_is_well_and_one_line_of_each_thing_that_is_not() {
    let folder = Folder::new("data");
    let data = folder.0.join("data");
    let at = ("ROSTER_DATA", data.to_str().unwrap());
    complains(&[at], &["no server"]);

    let database = Embedded::start(&data).await.unwrap();
    complains(&[at], &["the database is empty", "roster migrate"]);
    let directory = Directory::connect(database.url(), 2, Settings::default())
        .await
        .unwrap();
    directory.migrate().await.unwrap();
    is_well(&[at]);

    let from = ("ROSTER_MAIL_FROM", "roster@acme.test");
    let mail = |url: String, words: &[&str]| {
        let settings = [at, from, ("ROSTER_SMTP_URL", url.as_str())];
        if words.is_empty() {
            is_well(&settings)
        } else {
            complains(&settings, words)
        }
    };
    let (good, web) = (mail_server(), says("HTTP/1.1 400 Bad Request\r\n\r\n"));
    mail(format!("smtp://127.0.0.1:{good}"), &[]);
    mail(
        format!("smtp://user:hunter2@127.0.0.1:{good}"),
        &["refuses", "Who are you?", "user and password"],
    );
    mail(
        format!("smtp://127.0.0.1:{good}?tls=required"),
        &["TLS to the mail server"],
    );
    mail(
        "smtp://127.0.0.1:1".to_owned(),
        &["can't be reached", "correct host and port"],
    );
    mail(
        format!("smtp://127.0.0.1:{web}"),
        &["doesn't answer like a mail server"],
    );

    let settings = [
        at,
        ("ROSTER_ADDR", "0.0.0.0:3000"),
        ("ROSTER_URL", "https://roster.test"),
        ("ROSTER_TRUSTED_PROXIES", "0.0.0.0/0"),
    ];
    complains(&settings, &["ROSTER_TRUSTED_PROXIES has 0.0.0.0/0"]);
    directory.close().await;
    database.stop().await;
}

/// A PostgreSQL of a test's own, with its socket in its own folder.
struct Postgres {
    programs: PathBuf,
    folder: PathBuf,
    account: Option<(u32, u32)>,
}

impl Postgres {
    /// Makes one, which is not started yet.
    fn make(folder: &Path) -> Self {
        let postgres = Self {
            programs: programs(),
            folder: folder.to_owned(),
            account: account(),
        };
        postgres.run(
            "initdb",
            &[
                "--pgdata",
                "data",
                "--username",
                "roster",
                "--auth",
                "trust",
                "--encoding",
                "UTF8",
                "--no-sync",
            ],
        );
        postgres
    }

    /// Makes a standby of this one, which must not have been started yet.
    fn copy(&self, folder: &Path, name: &str) -> Self {
        let copy = Self {
            programs: self.programs.clone(),
            folder: folder.to_owned(),
            account: self.account,
        };
        copy.run("cp", &["-a", self.folder.join("data").to_str().unwrap(), "data"]);
        copy.run("touch", &["data/standby.signal"]);
        let primary = format!(
            "primary_conninfo = 'host={} user=roster application_name={name}'",
            self.folder.display()
        );
        copy.run("sh", &["-c", &format!("echo \"{primary}\" >> data/postgresql.conf")]);
        copy
    }

    fn start(&self) {
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -c fsync=off",
            self.folder.display()
        );
        self.run(
            "pg_ctl",
            &[
                "--pgdata",
                "data",
                "--log",
                "log",
                "--options",
                &options,
                "--wait",
                "start",
            ],
        );
    }

    fn stop(&self) {
        self.run("pg_ctl", &["--pgdata", "data", "--mode", "immediate", "stop"]);
    }

    /// Runs a program as an account that PostgreSQL lets run it.
    fn run(&self, program: &str, arguments: &[&str]) {
        let own = self.programs.join(program);
        let mut command = Command::new(if own.is_file() {
            own.as_path()
        } else {
            Path::new(program)
        });
        command.args(arguments).current_dir(&self.folder).stdin(Stdio::null());
        if let Some((uid, gid)) = self.account {
            command.uid(uid).gid(gid);
        }
        // The server that is started keeps these open.
        let log = fs::File::create(self.folder.join(format!("{program}.said"))).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let status = command.status().unwrap();
        let said = || fs::read_to_string(self.folder.join(format!("{program}.said"))).unwrap();
        assert!(status.success(), "{program}: {}", said());
    }

    fn url(&self, role: &str, database: &str) -> String {
        let folder = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://{role}@localhost/{database}?host={folder}")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.folder.join("data/postmaster.pid").exists() {
            self.stop();
        }
    }
}

/// The folder of PostgreSQL's programs, found as `make test` finds it.
fn programs() -> PathBuf {
    let named = std::env::var_os("ROSTER_POSTGRES_BIN").map(PathBuf::from);
    let mut debian: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.map(|version| version.unwrap().path().join("bin")).collect())
        .unwrap_or_default();
    debian.sort();
    let own = std::env::home_dir().map(|home| home.join(".local/share/roster/postgresql/bin"));
    let mut all = named.into_iter().chain(debian.into_iter().rev()).chain(own);
    all.find(|folder| folder.join("initdb").is_file())
        .expect("PostgreSQL is missing: `make test` installs it")
}

/// The account to run as, for root: PostgreSQL refuses to be root.
fn account() -> Option<(u32, u32)> {
    fs::read_dir("/root").ok()?;
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    ["postgres:", "nobody:"].into_iter().find_map(|name| {
        let line = passwd.lines().find(|line| line.starts_with(name))?;
        let mut numbers = line.split(':').skip(2);
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    })
}

async fn sql(pool: &PgPool, sql: &str) {
    for statement in sql.split(';') {
        let statement = AssertSqlSafe(statement.to_owned());
        sqlx::raw_sql(statement).execute(pool).await.unwrap();
    }
}

/// Waits until the primary sees its standbys so.
async fn until(primary: &PgPool, standbys: &str) {
    let deadline = Instant::now() + SOON;
    loop {
        let seen: String = sqlx::query_scalar(
            "SELECT COALESCE(string_agg(application_name || ' ' || sync_state, ', '), '') FROM pg_stat_replication
             WHERE state = 'streaming'",
        )
        .fetch_one(primary)
        .await
        .unwrap();
        if seen == standbys {
            return;
        }
        assert!(Instant::now() < deadline, "{seen}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// U6: with asynchronous replication a failover can bring back somebody who was removed.
#[tokio::test]
async fn u6_replication_that_is_not_synchronous_is_found() {
    let folder = Folder::new("two");
    for name in ["one", "other", "gone"] {
        fs::create_dir(folder.0.join(name)).unwrap();
        fs::set_permissions(folder.0.join(name), fs::Permissions::from_mode(0o777)).unwrap();
    }
    let one = Postgres::make(&folder.0.join("one"));
    let other = one.copy(&folder.0.join("other"), "other");
    one.start();
    let administrator = PgPool::connect(&one.url("roster", "postgres")).await.unwrap();
    sql(
        &administrator,
        "CREATE ROLE little LOGIN; CREATE DATABASE roster OWNER little",
    )
    .await;
    let (little, great) = (one.url("little", "roster"), one.url("roster", "roster"));
    let directory = Directory::connect(&little, 2, Settings::default()).await.unwrap();
    directory.migrate().await.unwrap();
    directory.close().await;
    let (as_little, as_great) = ([("DATABASE_URL", little.as_str())], [("DATABASE_URL", great.as_str())]);
    is_well(&as_little);

    other.start();
    until(&administrator, "other async").await;
    let back = "can bring back somebody who was removed";
    complains(
        &as_great,
        &[
            "replication to other is asynchronous",
            back,
            "synchronous_standby_names",
        ],
    );
    // Without a right to see it, this much is certain.
    complains(&as_little, &["is asynchronous", back]);

    let reload = "SELECT pg_reload_conf()";
    sql(
        &administrator,
        &format!("ALTER SYSTEM SET synchronous_standby_names = 'other'; {reload}"),
    )
    .await;
    until(&administrator, "other sync").await;
    is_well(&as_great);
    complains(&as_little, &["little may not see", "GRANT pg_monitor TO little"]);
    sql(&administrator, "GRANT pg_monitor TO little").await;
    is_well(&as_little);

    sql(&administrator, "ALTER ROLE little SET synchronous_commit = local").await;
    complains(&as_little, &["synchronous_commit is local", back]);
    sql(&administrator, "ALTER ROLE little RESET synchronous_commit").await;
    hosts_are_named(&folder.0, &one, &other);

    other.stop();
    until(&administrator, "").await;
    complains(&as_little, &["wait for a synchronous standby", "none is connected"]);
    sql(
        &administrator,
        &format!("ALTER SYSTEM RESET synchronous_standby_names; {reload}"),
    )
    .await;
    administrator.close().await;
    let deadline = Instant::now() + SOON;
    while !doctor(&as_little).0 {
        assert!(Instant::now() < deadline, "{:?}", doctor(&as_little));
    }
}

/// U5, U7: of several hosts, one that can't be reached is named. A standby is no such host.
fn hosts_are_named(folder: &Path, one: &Postgres, other: &Postgres) {
    let list = |folders: &[&Path]| {
        let folders: Vec<_> = folders
            .iter()
            .map(|folder| folder.display().to_string().replace('/', "%2F"))
            .collect();
        format!(
            "postgres://little@localhost/roster?host={}&target_session_attrs=read-write",
            folders.join(",")
        )
    };
    is_well(&[("DATABASE_URL", &list(&[&other.folder, &one.folder]))]);
    let gone = folder.join("gone");
    complains(
        &[("DATABASE_URL", &list(&[&gone, &other.folder, &one.folder]))],
        &["the socket of DATABASE_URL", gone.to_str().unwrap(), "start PostgreSQL"],
    );
    complains(&[("DATABASE_URL", &list(&[&other.folder]))], &["takes no changes"]);
}
