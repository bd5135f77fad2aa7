//! The private PostgreSQL: what survives which death, and what it refuses. Runs as root and as an ordinary user; needs
//! PostgreSQL's programs on the machine. Every test works in a folder of its own and leaves neither files nor
//! processes.

use std::error::Error;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use server::postgres::{Embedded, PostgresError, url_of_running};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Names the data folder for the process that plays a server to be killed.
const TO_BE_KILLED: &str = "ROSTER_TEST_DATA_OF_SERVER_TO_BE_KILLED";

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_the_data() -> Outcome {
    let scratch = Scratch::new("data, \"quoted\"")?;
    let server = Embedded::start(&scratch.data).await?;
    query(server.url(), "CREATE TABLE kept (word text)")?;
    query(server.url(), "INSERT INTO kept VALUES ('Ünïcode')")?;
    let (url, cluster) = (
        server.url().to_owned(),
        fs::canonicalize(scratch.data.join("postgres"))?,
    );
    server.stop().await;
    assert!(query(&url, "SELECT 1").is_err());
    scratch.no_process_is_left().await?;
    assert!(!cluster.join("postmaster.pid").exists());

    let server = Embedded::start(&scratch.data).await?;
    assert_eq!(server.url(), url);
    // The locale knows upper and lower case beyond ASCII.
    assert_eq!(query(server.url(), "SELECT lower(word) FROM kept")?, ["ünïcode"]);
    assert_eq!(query(server.url(), "SHOW data_checksums")?, ["on"]);
    assert_eq!(query(server.url(), "SHOW fsync")?, ["on"]);
    assert_eq!(query(server.url(), "SHOW listen_addresses")?, [""]);
    let sockets = fs::metadata(socket(server.url())?.parent().ok_or("no folder")?)?;
    assert_eq!(sockets.permissions().mode() & 0o777, 0o700);
    // Ctrl-C in a terminal signals the foreground group: PostgreSQL is not in ours, it leads its own.
    let pid = postmaster(&scratch.data)?;
    let status = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = status.rsplit_once(") ").ok_or("no name")?;
    assert_eq!(fields.split(' ').nth(2), Some(pid.to_string().as_str()));
    // Neither root nor any of root's groups.
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    assert!(!status.contains("Uid:\t0\t"), "{status}");
    if am_root()? {
        assert!(status.lines().any(|line| line.trim_end() == "Groups:"), "{status}");
    }
    server.stop().await;
    scratch.no_process_is_left().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_has_one_server() -> Outcome {
    let scratch = Scratch::new("data")?;
    assert!(matches!(
        url_of_running(&scratch.data),
        Err(PostgresError::NotRunning { .. })
    ));
    let server = Embedded::start(&scratch.data).await?;

    let refusal = Embedded::start(&scratch.data)
        .await
        .err()
        .ok_or("a second server started")?;
    assert!(matches!(refusal, PostgresError::InUse { .. }), "{refusal}");
    assert!(
        refusal.to_string().contains(scratch.data.to_str().ok_or("not text")?),
        "{refusal}"
    );
    assert_eq!(url_of_running(&scratch.data)?, server.url());
    assert_eq!(query(server.url(), "SELECT 1")?, ["1"]);

    server.stop().await;
    assert!(matches!(
        url_of_running(&scratch.data),
        Err(PostgresError::NotRunning { .. })
    ));
    scratch.no_process_is_left().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_postgres_comes_back() -> Outcome {
    let scratch = Scratch::new("data")?;
    let server = Embedded::start(&scratch.data).await?;
    query(server.url(), "CREATE TABLE kept AS SELECT 'here' AS word")?;
    for _ in 0..2 {
        let first = postmaster(&scratch.data)?;
        kill(first)?;
        until("another PostgreSQL answers", || {
            postmaster(&scratch.data).is_ok_and(|pid| pid != first)
                && query(server.url(), "SELECT word FROM kept").is_ok_and(|rows| rows == ["here"])
        })
        .await?;
    }
    server.stop().await;
    scratch.no_process_is_left().await
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_while_postgres_is_dead_ends() -> Outcome {
    let scratch = Scratch::new("data")?;
    let server = Embedded::start(&scratch.data).await?;
    kill(postmaster(&scratch.data)?)?;
    tokio::time::sleep(Duration::from_millis(230)).await;
    server.stop().await;
    scratch.no_process_is_left().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_only_dropped_leaves_nothing_running() -> Outcome {
    let scratch = Scratch::new("data")?;
    drop(Embedded::start(&scratch.data).await?);
    scratch.no_process_is_left().await
}

#[test]
fn a_runtime_that_ends_takes_postgres_with_it() -> Outcome {
    let scratch = Scratch::new("data")?;
    let runtime = tokio::runtime::Runtime::new()?;
    let server = runtime.block_on(Embedded::start(&scratch.data))?;
    drop(runtime);
    drop(server);
    tokio::runtime::Runtime::new()?.block_on(scratch.no_process_is_left())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_server_takes_over_from_a_killed_one() -> Outcome {
    let scratch = Scratch::new("data")?;
    let mut killed = scratch.server_to_be_killed()?;
    until("the server to be killed runs", || url_of_running(&scratch.data).is_ok()).await?;
    let url = url_of_running(&scratch.data)?;
    query(&url, "CREATE TABLE kept AS SELECT 'here' AS word")?;
    let orphan = postmaster(&scratch.data)?;
    // A client that hangs on is no reason to wait.
    let _client = connect(&url)?;
    killed.kill()?;
    killed.wait()?;
    assert_eq!(query(&url, "SELECT 1")?, ["1"], "the orphan should still be there");
    assert!(matches!(
        url_of_running(&scratch.data),
        Err(PostgresError::NotRunning { .. })
    ));

    let server = Embedded::start(&scratch.data).await?;
    assert_ne!(postmaster(&scratch.data)?, orphan);
    assert_eq!(query(server.url(), "SELECT word FROM kept")?, ["here"]);
    server.stop().await;
    scratch.no_process_is_left().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_first_start_begins_again() -> Outcome {
    let scratch = Scratch::new("data")?;
    for milliseconds in [60, 250, 500, 900, 1400] {
        let mut killed = scratch.server_to_be_killed()?;
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        killed.kill()?;
        killed.wait()?;
    }
    let server = Embedded::start(&scratch.data).await?;
    assert_eq!(query(server.url(), "SELECT current_database()")?, ["roster"]);
    server.stop().await;
    scratch.no_process_is_left().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_interrupted_starts_left_is_swept() -> Outcome {
    let scratch = Scratch::new("data")?;
    let left = scratch.data.join("postgres.new-1-abc");
    fs::create_dir_all(left.join("base"))?;
    fs::write(left.join("PG_VERSION"), "15\n")?;
    let server = Embedded::start(&scratch.data).await?;
    assert!(!left.exists());
    server.stop().await;
    scratch.no_process_is_left().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_pid_file_is_not_believed() -> Outcome {
    let scratch = Scratch::new("data")?;
    let server = Embedded::start(&scratch.data).await?;
    let cluster = fs::canonicalize(scratch.data.join("postgres"))?;
    let socket = socket(server.url())?;
    let written = fs::read_to_string(cluster.join("postmaster.pid"))?;
    let owner = fs::metadata(&cluster)?;
    server.stop().await;

    // A living process of PostgreSQL's user that is something else, and a number that nobody has.
    let mut other = as_user(owner.uid(), owner.gid(), "sleep").arg("100").spawn()?;
    for pid in [other.id(), 4_194_301] {
        let (_, rest) = written.split_once('\n').ok_or("a pid file has lines")?;
        for path in [cluster.join("postmaster.pid"), socket.with_extension("5432.lock")] {
            fs::write(&path, format!("{pid}\n{rest}"))?;
            std::os::unix::fs::chown(&path, Some(owner.uid()), Some(owner.gid()))?;
        }
        let server = Embedded::start(&scratch.data).await?;
        assert_eq!(query(server.url(), "SELECT 1")?, ["1"]);
        server.stop().await;
    }
    assert!(other.try_wait()?.is_none(), "the other process was harmed");
    other.kill()?;
    other.wait()?;
    scratch.no_process_is_left().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_path_gets_a_short_socket() -> Outcome {
    let scratch = Scratch::new(&format!("{}/data", "long".repeat(30)))?;
    let server = Embedded::start(&scratch.data).await?;
    let folder = socket(server.url())?.parent().ok_or("no folder")?.to_owned();
    assert!(!folder.starts_with(&scratch.root));
    assert_eq!(fs::metadata(&folder)?.permissions().mode() & 0o777, 0o700);
    assert_eq!(query(server.url(), "SELECT 1")?, ["1"]);
    assert_eq!(url_of_running(&scratch.data)?, server.url());
    server.stop().await;
    scratch.no_process_is_left().await?;

    // What somebody put in its place is not used.
    fs::remove_dir(&folder)?;
    let elsewhere = scratch.root.join("elsewhere");
    fs::create_dir(&elsewhere)?;
    std::os::unix::fs::symlink(&elsewhere, &folder)?;
    let refusal = Embedded::start(&scratch.data).await.err();
    fs::remove_file(&folder)?;
    assert!(matches!(refusal, Some(PostgresError::Foreign { .. })), "{refusal:?}");
    if am_root()? {
        fs::create_dir(&folder)?;
        std::os::unix::fs::chown(&folder, Some(12345), None)?;
        let refusal = Embedded::start(&scratch.data).await.err();
        fs::remove_dir(&folder)?;
        assert!(matches!(refusal, Some(PostgresError::Foreign { .. })), "{refusal:?}");
    }
    scratch.no_process_is_left().await
}

/// For root only: a checkout in root's own home, where the user PostgreSQL runs as cannot go.
#[tokio::test(flavor = "multi_thread")]
async fn root_keeps_the_cluster_of_a_closed_folder_elsewhere() -> Outcome {
    if !am_root()? {
        return Ok(());
    }
    let mut scratch = Scratch::new("closed/data")?;
    let closed = scratch.root.join("closed");
    fs::create_dir(&closed)?;
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700))?;

    let server = Embedded::start(&scratch.data).await?;
    let link = scratch.data.join("postgres");
    let cluster = fs::read_link(&link)?;
    let home = cluster.parent().ok_or("no folder")?.to_owned();
    scratch.elsewhere.push(home.clone());
    assert!(home.starts_with("/var/lib/roster"));
    query(server.url(), "CREATE TABLE kept AS SELECT 'here' AS word")?;
    assert_eq!(url_of_running(&scratch.data)?, server.url());
    assert_eq!(fs::metadata(scratch.data.join("postgres.log"))?.uid(), 0);
    server.stop().await;

    // Killed between the last two steps of the first start, then started again.
    fs::rename(&link, scratch.data.join("postgres.link"))?;
    let server = Embedded::start(&scratch.data).await?;
    assert_eq!(query(server.url(), "SELECT word FROM kept")?, ["here"]);

    // A copy of the data folder has the same cluster: not both at once.
    let copy = closed.join("copy");
    fs::create_dir(&copy)?;
    std::os::unix::fs::symlink(&cluster, copy.join("postgres"))?;
    let refusal = Embedded::start(&copy).await.err();
    assert!(matches!(refusal, Some(PostgresError::InUse { .. })), "{refusal:?}");
    assert_eq!(query(server.url(), "SELECT word FROM kept")?, ["here"]);
    server.stop().await;

    // A new data folder in the same place neither shows the old data nor destroys it.
    let kept = closed.join("kept");
    fs::rename(&scratch.data, &kept)?;
    let server = Embedded::start(&scratch.data).await?;
    scratch
        .elsewhere
        .push(fs::read_link(&link)?.parent().ok_or("no folder")?.to_owned());
    assert!(query(server.url(), "SELECT word FROM kept").is_err());
    server.stop().await;
    let server = Embedded::start(&kept).await?;
    assert_eq!(query(server.url(), "SELECT word FROM kept")?, ["here"]);
    server.stop().await;
    scratch.no_process_is_left().await?;

    // Gone is gone: no empty database in its stead.
    fs::remove_dir_all(&home)?;
    let refusal = Embedded::start(&kept).await.err();
    assert!(matches!(refusal, Some(PostgresError::Lost { .. })), "{refusal:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_cluster_of_ours_is_left_alone() -> Outcome {
    let scratch = Scratch::new("data")?;
    let cluster = scratch.data.join("postgres");
    fs::create_dir_all(&cluster)?;
    fs::write(cluster.join("thesis.txt"), "only copy")?;
    let refusal = Embedded::start(&scratch.data).await.err();
    assert!(matches!(refusal, Some(PostgresError::Foreign { .. })), "{refusal:?}");

    fs::write(cluster.join("PG_VERSION"), "12\n")?;
    let refusal = Embedded::start(&scratch.data).await.err();
    assert!(
        matches!(refusal, Some(PostgresError::OtherVersion { needed: 12, .. })),
        "{refusal:?}"
    );
    assert_eq!(fs::read_to_string(cluster.join("thesis.txt"))?, "only copy");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_cannot_start_says_why() -> Outcome {
    let scratch = Scratch::new("data")?;
    Embedded::start(&scratch.data).await?.stop().await;
    fs::write(
        scratch.data.join("postgres/postgresql.auto.conf"),
        "no_such_setting = 1\n",
    )?;
    let error = Embedded::start(&scratch.data)
        .await
        .err()
        .ok_or("it started")?
        .to_string();
    assert!(error.contains("no_such_setting"), "{error}");
    assert_eq!(error.lines().count(), 1);
    scratch.no_process_is_left().await
}

/// No test: the server that the tests above kill, in a process of its own.
#[tokio::test(flavor = "multi_thread")]
async fn server_to_be_killed() -> Outcome {
    if let Some(data) = std::env::var_os(TO_BE_KILLED) {
        let server = Embedded::start(Path::new(&data)).await?;
        tokio::time::sleep(Duration::from_secs(60)).await;
        server.stop().await;
    }
    Ok(())
}

/// A folder for one test, removed at its end.
struct Scratch {
    root: PathBuf,
    data: PathBuf,
    elsewhere: Vec<PathBuf>,
}

impl Scratch {
    fn new(data: &str) -> io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let root = fs::canonicalize(std::env::temp_dir())?.join(format!("roster-test-{}-{next}", std::process::id()));
        fs::create_dir(&root)?;
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755))?;
        let scratch = Self {
            data: root.join(data),
            root,
            elsewhere: Vec::new(),
        };
        if let Some(parent) = scratch
            .data
            .parent()
            .filter(|parent| parent.file_name() != Some("closed".as_ref()))
        {
            fs::create_dir_all(parent)?;
        }
        Ok(scratch)
    }

    fn server_to_be_killed(&self) -> io::Result<Child> {
        Command::new(std::env::current_exe()?)
            .args(["--exact", "server_to_be_killed"])
            .env(TO_BE_KILLED, &self.data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
    }

    /// Waits until no process has this folder in its arguments.
    async fn no_process_is_left(&self) -> Outcome {
        until("no process is left", || self.processes().is_empty()).await
    }

    fn processes(&self) -> Vec<u32> {
        let folders: Vec<&[u8]> = self
            .elsewhere
            .iter()
            .chain([&self.root])
            .map(|path| path.as_os_str().as_encoded_bytes())
            .collect();
        let Ok(processes) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        processes
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|pid| {
                let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                folders
                    .iter()
                    .any(|folder| arguments.windows(folder.len()).any(|part| part == *folder))
            })
            .collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // After a failed assertion something may still run.
        for pid in self.processes() {
            let _ = kill(pid);
        }
        for folder in self.elsewhere.iter().chain([&self.root]) {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

async fn until(what: &str, done: impl Fn() -> bool) -> Outcome {
    let start = Instant::now();
    while !done() {
        if start.elapsed() > Duration::from_secs(40) {
            return Err(format!("waited in vain until {what}").into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn postmaster(data: &Path) -> Outcome<u32> {
    let text = fs::read_to_string(data.join("postgres/postmaster.pid"))?;
    Ok(text.lines().next().ok_or("empty")?.parse()?)
}

fn kill(pid: u32) -> io::Result<()> {
    Command::new("sh")
        .args(["-c", &format!("kill -9 {pid}")])
        .status()
        .map(drop)
}

fn am_root() -> io::Result<bool> {
    Ok(fs::metadata("/proc/self")?.uid() == 0)
}

fn as_user(uid: u32, gid: u32, program: &str) -> Command {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(program);
    if am_root().unwrap_or(false) {
        command.uid(uid).gid(gid);
    }
    command
}

/// The socket that a URL leads to.
fn socket(url: &str) -> Outcome<PathBuf> {
    let (_, host) = url.split_once("host=").ok_or("no host")?;
    let host = host.split('&').next().ok_or("no host")?;
    let mut parts = host.split('%');
    let mut path: Vec<u8> = parts.next().unwrap_or_default().into();
    for part in parts {
        path.push(u8::from_str_radix(part.get(..2).ok_or("half a byte")?, 16)?);
        path.extend(part.get(2..).unwrap_or_default().bytes());
    }
    Ok(Path::new(&String::from_utf8(path)?).join(".s.PGSQL.5432"))
}

/// Just enough of PostgreSQL's protocol to ask a question: the tests need no driver.
fn connect(url: &str) -> Outcome<UnixStream> {
    let mut stream = UnixStream::connect(socket(url)?)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let body = b"\x00\x03\x00\x00user\0roster\0database\0roster\0\0";
    stream.write_all(&u32::try_from(body.len() + 4)?.to_be_bytes())?;
    stream.write_all(body)?;
    until_ready(&mut stream)?;
    Ok(stream)
}

/// The first column of every row.
fn query(url: &str, sql: &str) -> Outcome<Vec<String>> {
    let mut stream = connect(url)?;
    stream.write_all(b"Q")?;
    stream.write_all(&u32::try_from(sql.len() + 5)?.to_be_bytes())?;
    stream.write_all(sql.as_bytes())?;
    stream.write_all(b"\0")?;
    until_ready(&mut stream)
}

fn until_ready(stream: &mut UnixStream) -> Outcome<Vec<String>> {
    let mut rows = Vec::new();
    loop {
        let mut head = [0; 5];
        stream.read_exact(&mut head)?;
        let [kind, length @ ..] = head;
        let mut body = vec![0; usize::try_from(u32::from_be_bytes(length))?.saturating_sub(4)];
        stream.read_exact(&mut body)?;
        match kind {
            b'Z' => return Ok(rows),
            b'E' => return Err(String::from_utf8_lossy(&body).replace('\0', " ").into()),
            b'D' => {
                let length: [u8; 4] = body.get(2..6).ok_or("short row")?.try_into()?;
                let end = 6 + usize::try_from(u32::from_be_bytes(length))?;
                rows.push(String::from_utf8(body.get(6..end).ok_or("short row")?.into())?);
            }
            _ => {}
        }
    }
}
