//! The private PostgreSQL: what survives which death, and what it refuses. Runs as root and as an ordinary user; needs
//! PostgreSQL's programs on the machine. Every test works in a folder of its own and leaves neither files nor
//! processes.

mod scratch;

use std::{
    error::Error,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    time::Duration,
};

use scratch::{Scratch, am_root, as_user, connect, kill, postmaster, query, socket, until};

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
