//! Started as root, the server gives root up: it answers the network as an account that owns nothing but its database.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use hyper::StatusCode;
use tokio::time::{Instant, sleep};

use super::servers::{Door, get, make_site};

/// The program with a private PostgreSQL, in a folder of its own.
struct Private {
    folder: PathBuf,
    process: Child,
    addr: std::net::SocketAddr,
}

impl Private {
    async fn start(name: &str, site_mode: u32) -> Self {
        let folder = std::env::temp_dir().join(format!("roster-root-{name}-{}", std::process::id()));
        let site = folder.join("site");
        make_site(&site);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o711)).unwrap();
        fs::set_permissions(&site, fs::Permissions::from_mode(site_mode)).unwrap();
        let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_roster"))
            .arg("serve")
            .env_remove("DATABASE_URL")
            .env("ROSTER_DATA", folder.join("data"))
            .env("ROSTER_ADDR", addr.to_string())
            .env("ROSTER_SITE", &site)
            .env("RUST_LOG", "off")
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { folder, process, addr };
        server.until_ready().await;
        server
    }

    async fn until_ready(&self) {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(90) {
            if let Ok(mut door) = Door::open(self.addr).await
                && let Ok((StatusCode::OK, _)) = door.send(get("/readyz")).await
            {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("the server at {} is not ready", self.addr);
    }

    /// What the system says of each thread: its user ids, or group ids, or further groups.
    fn ids(&self, what: &str) -> Vec<String> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.process.id())).unwrap();
        let status = threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("status")).unwrap());
        status
            .map(|status| {
                let line = status.lines().find_map(|line| line.strip_prefix(what));
                line.unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
            })
            .collect()
    }

    fn postmaster(&self) -> Option<u32> {
        let file = fs::read_to_string(self.folder.join("data/postgres/postmaster.pid")).ok()?;
        file.lines().next()?.trim().parse().ok()
    }

    /// Stops it in order, and answers whether it ended well.
    fn stop(&mut self) -> bool {
        signal("-TERM", self.process.id());
        self.process.wait().unwrap().success()
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn signal(name: &str, process: u32) {
    let status = Command::new("kill").args([name, &process.to_string()]).status();
    assert!(status.unwrap().success());
}

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| line.starts_with("Uid:\t0\t0\t"))
}

#[tokio::test]
async fn root_is_given_up_for_good_and_the_database_is_kept_running_and_stopped() {
    if !is_root() {
        eprintln!("skip: only root can give root up");
        return;
    }
    let mut server = Private::start("given-up", 0o755).await;
    let postmaster = server.postmaster().unwrap();
    let owner = fs::read_to_string(format!("/proc/{postmaster}/status")).unwrap();
    let owner = owner.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
    let owner = owner.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_ne!(owner, "0 0 0 0");
    assert!(
        server.ids("Uid:").iter().all(|ids| *ids == owner),
        "{:?}",
        server.ids("Uid:")
    );
    let (gid, groups) = (server.ids("Gid:"), server.ids("Groups:"));
    let group = gid[0].split(' ').next().unwrap();
    assert_ne!(group, "0");
    assert!(gid.iter().all(|ids| ids.split(' ').all(|id| id == group)), "{gid:?}");
    assert!(groups.iter().all(|ids| ids == group), "{groups:?}");

    // It starts a PostgreSQL that died again, and stops it in the end.
    signal("-KILL", postmaster);
    let begin = Instant::now();
    while server.postmaster().is_none_or(|now| now == postmaster) {
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "PostgreSQL does not come back"
        );
        sleep(Duration::from_millis(100)).await;
    }
    server.until_ready().await;
    let postmaster = server.postmaster().unwrap();
    assert!(server.stop());
    assert_eq!(server.postmaster(), None);
    // A process that has ended is listed until init has taken note of it.
    let begin = Instant::now();
    while Path::new(&format!("/proc/{postmaster}")).exists() {
        assert!(begin.elapsed() < Duration::from_secs(20), "PostgreSQL goes on");
        sleep(Duration::from_millis(50)).await;
    }
}

/// A site under a closed folder, like root's own: it is served all the same, and why root is kept is said.
#[tokio::test]
async fn where_the_account_can_not_read_the_site_root_is_kept() {
    if !is_root() {
        eprintln!("skip: only root can give root up");
        return;
    }
    let mut server = Private::start("kept", 0o700).await;
    assert!(server.ids("Uid:").iter().all(|ids| ids == "0 0 0 0"));
    let mut door = Door::open(server.addr).await.unwrap();
    assert_eq!(door.send(get("/pkg/roster.css")).await.unwrap().0, StatusCode::OK);
    assert!(server.stop());
}
