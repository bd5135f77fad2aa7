//! The private PostgreSQL of a server that was given no `DATABASE_URL`.
//!
//! Owns the cluster under the data folder: makes it, starts it, keeps it running, stops it, and returns its URL.
//! Nothing else in the program starts, signals or looks for a PostgreSQL process.
//!
//! Must not know what is stored in it: no schema, no migrations, no queries. Whoever needs the database gets the URL
//! and cannot distinguish this PostgreSQL from one that an operator runs.

pub(crate) mod account;
mod cluster;
mod error;
mod folders;
mod postmaster;
mod programs;

use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use account::Account;
use cluster::{Cluster, ROSTER};
pub use error::PostgresError;
use folders::{Lock, PORT};
use postmaster::{PidFile, Postmaster};
use programs::Programs;

/// How often the supervisor checks the size of the log.
const LOG_CHECK: Duration = Duration::from_secs(600);
/// The first and the longest pause between two attempts to restart PostgreSQL.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// After running this long, PostgreSQL is restarted with the first pause again: its exit has a new cause.
const LONG_LIFE: Duration = Duration::from_secs(60);

/// A private PostgreSQL under the data folder.
///
/// Dropping it without [`Embedded::stop`] also asks PostgreSQL to stop, but waits for nothing.
#[derive(Debug)]
pub struct Embedded {
    url: String,
    account: Account,
    stop: oneshot::Sender<()>,
    supervisor: JoinHandle<()>,
}

impl Embedded {
    /// Makes the cluster if there is none, starts PostgreSQL, waits until it answers, and keeps it running until it is
    /// stopped.
    ///
    /// Holds the data folder's lock until then.
    ///
    /// # Errors
    ///
    /// When another server uses the folder, there is no PostgreSQL to run, the folder cannot be used, or PostgreSQL
    /// does not answer within a minute.
    pub async fn start(data: &Path) -> Result<Self, PostgresError> {
        let data = folders::open_data(data)?;
        let lock = folders::lock_data(&data).await?;

        let existing = folders::existing_cluster(&data)?;
        let account = Account::choose(existing.as_deref())?;
        let major = existing.as_deref().map(folders::major_of).transpose()?;
        let programs = Programs::find(&account, existing.as_deref().zip(major)).await?;
        let cluster = Cluster::prepare(&data, existing, account, programs).await?;
        let cluster_lock = folders::lock_cluster(&cluster.folder, &data)?;

        let postmaster = first_launch(&cluster).await?;
        let url = url(&cluster.sockets);
        let (stop, stopped) = oneshot::channel();
        let account = cluster.account.clone();
        let supervisor = tokio::spawn(supervise(cluster, postmaster, stopped, [lock, cluster_lock]));
        Ok(Self {
            url,
            account,
            stop,
            supervisor,
        })
    }

    /// The URL of its database, which stays the same when PostgreSQL is restarted.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The account that PostgreSQL runs as. A process of this account can watch it, restart it and stop it.
    pub(crate) const fn account(&self) -> &Account {
        &self.account
    }

    /// Stops PostgreSQL: rolls open transactions back, and writes everything committed to disk. Takes a bounded time.
    pub async fn stop(self) {
        // Sending fails if the supervisor has ended; then nothing is left to stop.
        let _ = self.stop.send(());
        if let Err(error) = self.supervisor.await {
            tracing::error!(%error, "the supervisor of PostgreSQL failed");
        }
    }
}

/// Returns the URL of the database of the server that runs on this data folder.
///
/// # Errors
///
/// When no server is running there, it is still starting, or the caller may not read the folder.
pub fn url_of_running(data: &Path) -> Result<String, PostgresError> {
    let path = data.join(folders::LOCK);
    let lock = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(PostgresError::NotRunning { data: data.into() });
        }
        Err(source) => return Err(PostgresError::Folder { path, source }),
    };
    // Shared, and only for a moment: a server that starts retries its own lock meanwhile.
    if Lock::shared(lock).map_err(PostgresError::folder(&path))?.is_some() {
        return Err(PostgresError::NotRunning { data: data.into() });
    }
    match PidFile::read(&data.join(folders::CLUSTER))? {
        Some(PidFile {
            ready: true,
            sockets: Some(sockets),
            ..
        }) => Ok(url(&sockets)),
        _ => Err(PostgresError::Starting { data: data.into() }),
    }
}

/// Starts PostgreSQL for the first time, in several attempts: a process that a killed server had just forked may be in
/// the way for a moment, and is invisible until it has written its pid file.
async fn first_launch(cluster: &Cluster) -> Result<Postmaster, PostgresError> {
    let mut attempt = 1;
    loop {
        match Postmaster::launch(cluster).await {
            Err(PostgresError::Exited { .. }) if attempt < 3 => {
                tokio::time::sleep(FIRST_PAUSE * attempt).await;
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

/// Keeps PostgreSQL running until `stop` is sent or dropped. Releases the locks after PostgreSQL has exited, so that
/// the next server finds no process of it.
async fn supervise(cluster: Cluster, mut postmaster: Postmaster, mut stop: oneshot::Receiver<()>, locks: [Lock; 2]) {
    let mut pause = FIRST_PAUSE;
    let mut log_check = tokio::time::interval(LOG_CHECK);
    'running: loop {
        let since = Instant::now();
        loop {
            tokio::select! {
                _ = &mut stop => {
                    postmaster.stop().await;
                    break 'running;
                }
                how = postmaster.ended() => {
                    tracing::error!(%how, log = %cluster.log.display(), "PostgreSQL died; restarting it");
                    break;
                }
                _ = log_check.tick() => cluster.trim_log(),
            }
        }
        if since.elapsed() > LONG_LIFE {
            pause = FIRST_PAUSE;
        }
        postmaster = loop {
            let attempt = async {
                tokio::time::sleep(pause).await;
                Postmaster::launch(&cluster).await
            };
            let outcome = tokio::select! {
                _ = &mut stop => None,
                outcome = attempt => Some(outcome),
            };
            pause = (pause * 2).min(LONGEST_PAUSE);
            match outcome {
                // Asked to stop during an attempt. Dropping the attempt told its PostgreSQL to stop; wait for that.
                None => {
                    if let Err(error) = postmaster::clear_the_field(&cluster).await {
                        tracing::error!(%error, "PostgreSQL was left behind");
                    }
                    break 'running;
                }
                Some(Ok(new)) => {
                    tracing::info!("PostgreSQL is back");
                    break new;
                }
                Some(Err(error)) => {
                    tracing::error!(%error, "PostgreSQL does not start; trying again")
                }
            }
        };
    }
    drop(locks);
}

/// Returns the connection URL, with everything in it that a PG* variable of the environment could change.
fn url(sockets: &Path) -> String {
    let mut host = String::new();
    for byte in sockets.as_os_str().as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => host.push(char::from(*byte)),
            _ => host.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("postgres://{ROSTER}@localhost:{PORT}/{ROSTER}?host={host}&sslmode=disable")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_keeps_any_folder_name() {
        assert_eq!(
            url(Path::new("/srv/a b/ü?&/run")),
            "postgres://roster@localhost:5432/roster?host=%2Fsrv%2Fa%20b%2F%C3%BC%3F%26%2Frun&sslmode=disable"
        );
    }
}
