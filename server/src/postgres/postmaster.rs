//! The PostgreSQL process: started once no earlier one is left, watched until it is ready, stopped in order.
//!
//! Owns signals, the pid file, and what killed servers left behind. Must not know how the cluster was made.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::process::Child;
use tokio::time::Instant;

use super::account::Account;
use super::cluster::Cluster;
use super::error::PostgresError;
use super::folders::{self, PORT};
use super::programs::{self, Programs};

/// The time limit for PostgreSQL to become ready, recovery from a crash included.
const READY: Duration = Duration::from_secs(60);
/// The time limits of a shutdown: first a fast one, with a last checkpoint; then an immediate one, which leaves
/// recovery to the next start.
const FAST: Duration = Duration::from_secs(30);
const IMMEDIATE: Duration = Duration::from_secs(10);
/// How long backends may outlive their killed postmaster before they are signalled.
const BACKENDS: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(25);

/// The signals that `pg_ctl kill` sends to PostgreSQL.
#[derive(Clone, Copy, Debug)]
enum Signal {
    /// Fast shutdown.
    Int,
    /// Immediate shutdown.
    Quit,
    Kill,
}

/// A running PostgreSQL that this process started. Dropping it tells PostgreSQL to stop, so that only a violent end of
/// this program leaves one behind.
#[derive(Debug)]
pub(super) struct Postmaster {
    child: Child,
    pid: u32,
    ended: bool,
    account: Account,
    programs: Programs,
}

impl Postmaster {
    /// Ends what earlier servers left, starts PostgreSQL, and waits until it answers.
    pub(super) async fn launch(cluster: &Cluster) -> Result<Self, PostgresError> {
        clear_the_field(cluster).await?;
        let log = cluster.open_log()?;
        let before = log.metadata().map_or(0, |found| found.len());
        let mut postmaster = Self::spawn(cluster, log)?;
        let outcome = postmaster.wait_until_ready(cluster, before).await;
        match outcome {
            Ok(()) => Ok(postmaster),
            Err(error) => {
                postmaster.stop().await;
                Err(error)
            }
        }
    }

    fn spawn(cluster: &Cluster, log: File) -> Result<Self, PostgresError> {
        let program = cluster.programs.path("postgres");
        let run = |source| PostgresError::Run {
            program: program.clone(),
            source,
        };
        let mut sockets = std::ffi::OsString::from("unix_socket_directories=");
        sockets.push(folders::quoted(&cluster.sockets));
        let mut command = cluster.account.command(&program);
        command
            .arg("-D")
            .arg(&cluster.folder)
            .arg("-c")
            .arg(sockets)
            .arg("-c")
            .arg(format!("port={PORT}"));
        for setting in [
            "listen_addresses=",
            "unix_socket_permissions=0700",
            "max_connections=100",
            "shared_buffers=128MB",
            "timezone=UTC",
            "log_timezone=UTC",
            "logging_collector=off",
            "log_destination=stderr",
            "log_checkpoints=off",
        ] {
            command.arg("-c").arg(setting);
        }
        command.stdout(log.try_clone().map_err(run)?).stderr(log);
        let child = tokio::process::Command::from(command).spawn().map_err(run)?;
        // Only a child that was already waited for has no id.
        let pid = child.id().ok_or_else(|| run(io::Error::other("it ended at once")))?;
        let (account, programs) = (cluster.account.clone(), cluster.programs.clone());
        Ok(Self {
            child,
            pid,
            ended: false,
            account,
            programs,
        })
    }

    async fn wait_until_ready(&mut self, cluster: &Cluster, log_from: u64) -> Result<(), PostgresError> {
        let [socket, _] = folders::socket_files(&cluster.sockets);
        let deadline = Instant::now() + READY;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                self.ended = true;
                return Err(PostgresError::Exited {
                    how: status.to_string(),
                    detail: log_since(cluster, log_from),
                    log: cluster.log.clone(),
                });
            }
            // The pid file says that PostgreSQL is ready; a connection shows that it can be reached.
            let written = PidFile::read(&cluster.folder)?;
            if written.is_some_and(|file| file.ready && file.pid == self.pid)
                && UnixStream::connect(&socket).await.is_ok()
            {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(PostgresError::NotReady {
                    seconds: READY.as_secs(),
                    detail: log_since(cluster, log_from),
                    log: cluster.log.clone(),
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits until PostgreSQL exits by itself, and returns how it did.
    pub(super) async fn ended(&mut self) -> String {
        let outcome = self.child.wait().await;
        self.ended = true;
        match outcome {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// Stops PostgreSQL in order; if that takes too long, at once; as a last resort, by force.
    pub(super) async fn stop(mut self) {
        for (signal, limit) in [
            (Signal::Int, FAST),
            (Signal::Quit, IMMEDIATE),
            (Signal::Kill, IMMEDIATE),
        ] {
            if self.ended {
                return;
            }
            send(signal, self.pid, &self.account, &self.programs).await;
            if matches!(signal, Signal::Kill) {
                // For the case that `pg_ctl` is missing. Fails if the process has exited, which is what is wanted.
                let _ = self.child.start_kill();
            }
            if tokio::time::timeout(limit, self.ended()).await.is_err() {
                tracing::warn!(pid = self.pid, ?signal, "PostgreSQL did not stop in time");
            }
        }
    }
}

impl Drop for Postmaster {
    fn drop(&mut self) {
        // The child was not waited for, so its pid cannot have been reused.
        if !self.ended {
            let _ = kill_command(Signal::Int, self.pid, &self.account, &self.programs).status();
        }
    }
}

/// Makes sure that no process of an earlier PostgreSQL works on the cluster, and that the files one left behind do not
/// stop a new one. The caller holds the locks, so whatever is found belongs to a dead server.
pub(super) async fn clear_the_field(cluster: &Cluster) -> Result<(), PostgresError> {
    let folder = &cluster.folder;
    let written = PidFile::read(folder)?.map(|file| file.pid);
    if let Some(pid) = written.filter(|pid| works_on(*pid, folder)) {
        tracing::warn!(pid, "stopping the PostgreSQL that an earlier server left behind");
        for (signal, limit) in [
            (Signal::Int, FAST),
            (Signal::Quit, IMMEDIATE),
            (Signal::Kill, IMMEDIATE),
        ] {
            send(signal, pid, &cluster.account, &cluster.programs).await;
            if wait_for(limit, || !works_on(pid, folder)).await {
                break;
            }
        }
        if works_on(pid, folder) {
            return Err(PostgresError::Lingering {
                pid,
                cluster: folder.clone(),
            });
        }
    }
    // Backends notice that their postmaster died only when they next wait for something. Two PostgreSQL servers writing
    // to one cluster would destroy it.
    if !wait_for(BACKENDS, || workers(folder).is_empty()).await {
        for pid in workers(folder) {
            send(Signal::Kill, pid, &cluster.account, &cluster.programs).await;
        }
        if !wait_for(BACKENDS, || workers(folder).is_empty()).await
            && let Some(pid) = workers(folder).first().copied()
        {
            return Err(PostgresError::Lingering {
                pid,
                cluster: folder.clone(),
            });
        }
    }
    // A new PostgreSQL removes the files of a dead one itself, with checks of its own; but it mistakes any living
    // process of the same user that has the same pid for the old one.
    if let Some(pid) = written.filter(|pid| alive(*pid)) {
        tracing::warn!(
            pid,
            "the pid file of an earlier PostgreSQL names a process that is not one; removing it"
        );
        remove(&folder.join(PidFile::NAME))?;
    }
    for path in folders::socket_files(&cluster.sockets) {
        remove(&path)?;
    }
    Ok(())
}

/// The pid file that PostgreSQL keeps in its cluster while it runs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PidFile {
    pub(super) pid: u32,
    pub(super) sockets: Option<PathBuf>,
    pub(super) ready: bool,
}

impl PidFile {
    const NAME: &str = "postmaster.pid";

    /// Reads it; returns `None` if it does not exist or is not yet complete.
    pub(super) fn read(cluster: &Path) -> Result<Option<Self>, PostgresError> {
        let path = cluster.join(Self::NAME);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(PostgresError::Folder { path, source }),
        }
    }

    /// The lines: pid, data folder, start time, port, socket folder, address, shared memory, status.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        // The pid is negative in single-user mode.
        let pid = lines.next()?.trim().trim_start_matches('-').parse().ok()?;
        let sockets = lines.nth(3).filter(|line| !line.is_empty()).map(PathBuf::from);
        let ready = lines.nth(2).is_some_and(|line| line.trim() == "ready");
        Some(Self { pid, sockets, ready })
    }
}

/// Returns whether a process is a PostgreSQL that works on this cluster.
fn works_on(pid: u32, cluster: &Path) -> bool {
    let process = Path::new("/proc").join(pid.to_string());
    if !has_proc() {
        return ps(pid).is_some_and(|name| name.contains("postgres"));
    }
    let named = fs::read_to_string(process.join("comm")).is_ok_and(|name| name.contains("postgres"));
    if !named {
        return false;
    }
    // All its processes have the cluster's folder as their working folder. In a container, root may be refused the
    // working folder of other users' processes, but always sees the arguments.
    match (fs::metadata(process.join("cwd")), fs::metadata(cluster)) {
        (Ok(theirs), Ok(ours)) => (theirs.dev(), theirs.ino()) == (ours.dev(), ours.ino()),
        _ => fs::read(process.join("cmdline")).is_ok_and(|arguments| {
            arguments
                .split(|byte| *byte == 0)
                .any(|argument| argument == cluster.as_os_str().as_encoded_bytes())
        }),
    }
}

/// Returns all PostgreSQL processes that work on this cluster, as far as the system shows them.
fn workers(cluster: &Path) -> Vec<u32> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| works_on(*pid, cluster))
        .collect()
}

fn alive(pid: u32) -> bool {
    if has_proc() {
        Path::new("/proc").join(pid.to_string()).exists()
    } else {
        ps(pid).is_some()
    }
}

fn has_proc() -> bool {
    Path::new("/proc/self/comm").exists()
}

/// Returns the name of a process, on systems without `/proc`.
fn ps(pid: u32) -> Option<String> {
    let output = Command::new("ps")
        .args(["-o", "comm=", "-p", &pid.to_string()])
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Returns the command that sends a signal: `pg_ctl`, which every PostgreSQL has, run as PostgreSQL's user, so that no
/// other user's process can be hit.
fn kill_command(signal: Signal, pid: u32, account: &Account, programs: &Programs) -> Command {
    let name = match signal {
        Signal::Int => "INT",
        Signal::Quit => "QUIT",
        Signal::Kill => "KILL",
    };
    let mut command = account.command(programs.path("pg_ctl"));
    command.args(["kill", name, &pid.to_string()]).stdin(Stdio::null());
    command
}

/// Sends a signal. A failure is logged and not returned: the caller waits for the process to exit in any case.
async fn send(signal: Signal, pid: u32, account: &Account, programs: &Programs) {
    let command = kill_command(signal, pid, account, programs);
    if let Err(error) = programs::output(command, Duration::from_secs(5)).await {
        tracing::warn!(%error, pid, ?signal, "cannot signal PostgreSQL");
    }
}

async fn wait_for(limit: Duration, done: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    while !done() {
        if Instant::now() > deadline {
            return false;
        }
        tokio::time::sleep(POLL).await;
    }
    true
}

fn remove(path: &Path) -> Result<(), PostgresError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(PostgresError::folder(path)(error)),
        _ => Ok(()),
    }
}

/// Returns the last lines of the log that were written after it was `from` bytes long.
fn log_since(cluster: &Cluster, from: u64) -> String {
    let read = || {
        let log = cluster.open_log().ok()?;
        let end = log.metadata().ok()?.len();
        let start = from.max(end.saturating_sub(4096)).min(end);
        let mut bytes = vec![0; usize::try_from(end - start).ok()?];
        log.read_exact_at(&mut bytes, start).ok()?;
        Some(bytes)
    };
    programs::last_lines(&String::from_utf8_lossy(&read().unwrap_or_default()), 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_as_postgres_writes_it() {
        let text = "4711\n/srv/data/postgres\n1731000000\n5432\n/srv/data/run\n\n  1234567     98304\nready   \n";
        let ready = PidFile {
            pid: 4711,
            sockets: Some("/srv/data/run".into()),
            ready: true,
        };
        assert_eq!(PidFile::parse(text), Some(ready));
        let starting = PidFile::parse("4711\n/srv/data/postgres\n1731000000\n5432\n/srv/data/run\n");
        assert!(starting.is_some_and(|file| !file.ready));
        assert_eq!(PidFile::parse(""), None);
    }

    #[test]
    fn no_other_process_is_taken_for_postgres() {
        assert!(!works_on(std::process::id(), Path::new("/")));
        assert!(alive(std::process::id()));
    }
}
