//! The cluster: created once, completely or not at all, and described for the code that starts it.
//!
//! Owns `initdb` and the first database. Must not know what runs on it later.

use std::fs;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use super::account::Account;
use super::error::PostgresError;
use super::folders;
use super::programs::{self, Programs};

/// The superuser role and the database.
pub(super) const ROSTER: &str = "roster";
/// The time limit of `initdb`. It takes a second or two, but far longer on a slow disk under load.
const INITIALIZE: Duration = Duration::from_secs(300);
/// The size above which the log is emptied.
const LARGEST_LOG: u64 = 10 * 1024 * 1024;

/// A cluster, with everything needed to run it.
#[derive(Debug)]
pub(super) struct Cluster {
    /// Its real path, which PostgreSQL is given and reports.
    pub(super) folder: PathBuf,
    pub(super) sockets: PathBuf,
    pub(super) log: PathBuf,
    /// The log, open for appending: once this program has given up root, it may not be able to open it again.
    log_file: File,
    pub(super) account: Account,
    pub(super) programs: Programs,
}

impl Cluster {
    /// Returns the existing cluster, made fit to run, or a new one.
    pub(super) async fn prepare(
        data: &Path,
        existing: Option<PathBuf>,
        account: Account,
        programs: Programs,
    ) -> Result<Self, PostgresError> {
        let reachable = programs.can_enter(&account, data).await?;
        let link = data.join(folders::CLUSTER).is_symlink();
        let home = match &existing {
            _ if reachable => data.to_path_buf(),
            Some(cluster) if link => cluster.parent().unwrap_or(data).to_path_buf(),
            Some(cluster) => {
                return Err(PostgresError::Unreachable {
                    path: cluster.clone(),
                    user: account.name,
                });
            }
            None => folders::home_elsewhere(data)?,
        };
        folders::sweep(&home);
        let folder = match existing {
            Some(folder) => {
                let owner = fs::metadata(&folder).map_err(PostgresError::folder(&folder))?.uid();
                if owner != account.uid {
                    // It was restored from a backup by root, so root owns its files.
                    account.give_all(&folder)?;
                }
                folder
            }
            None => make(data, &home, &account, &programs).await?,
        };
        let sockets = folders::sockets(&home, data, &account)?;
        let log = data.join("postgres.log");
        let log_file = open_log(&log)?;
        let cluster = Self {
            folder,
            sockets,
            log,
            log_file,
            account,
            programs,
        };
        cluster.trim_log();
        Ok(cluster)
    }

    /// Returns an open handle to the log, for reading and appending. PostgreSQL gets an open handle because its user
    /// may not be able to open the file.
    pub(super) fn open_log(&self) -> Result<File, PostgresError> {
        self.log_file.try_clone().map_err(PostgresError::folder(&self.log))
    }

    /// Empties a log that has grown too large. All writers append, so they continue at its beginning.
    pub(super) fn trim_log(&self) {
        let Ok(found) = self.log_file.metadata() else {
            return;
        };
        if found.len() > LARGEST_LOG
            && let Err(error) = self.log_file.set_len(0)
        {
            tracing::warn!(%error, log = %self.log.display(), "cannot empty the log");
        }
    }
}

fn open_log(log: &Path) -> Result<File, PostgresError> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(log)
        .map_err(PostgresError::folder(log))
}

/// Makes a cluster with its database in a temporary folder, and moves it into place once it is complete: if this
/// program is killed in between, the next start begins from nothing.
async fn make(data: &Path, home: &Path, account: &Account, programs: &Programs) -> Result<PathBuf, PostgresError> {
    tracing::info!(folder = %home.display(), version = programs.major, "making a PostgreSQL cluster");
    let new = folders::make_new(home, account)?;
    let outcome = match fill(&new, account, programs).await {
        Ok(()) => folders::put_in_place(&new, home, data),
        Err(error) => Err(error),
    };
    if outcome.is_err() {
        // Only the first error is reported; the next start removes what is left.
        let _ = fs::remove_dir_all(&new);
    }
    outcome
}

async fn fill(new: &Path, account: &Account, programs: &Programs) -> Result<(), PostgresError> {
    let failed = |output: &Output| PostgresError::Initialize {
        path: new.into(),
        detail: programs::last_lines(&String::from_utf8_lossy(&output.stderr), 3),
    };

    // Sorts by code point on every system, and knows upper and lower case of all of Unicode where the system or
    // PostgreSQL does.
    let locales: &[&[&str]] = if programs.major >= 17 {
        &[&["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]]
    } else {
        &[&["--locale=C.UTF-8"], &["--locale=C"]]
    };
    let mut last = None;
    for locale in locales {
        let output = initdb(new, account, programs, locale).await?;
        let done = output.status.success();
        let other_locale = String::from_utf8_lossy(&output.stderr).contains("locale");
        last = Some(output);
        if done || !other_locale {
            break;
        }
    }
    match last {
        Some(output) if output.status.success() => {}
        Some(output) => return Err(failed(&output)),
        None => {}
    }

    // In single-user mode, without a server, since the cluster must be complete before a server runs on it; and without
    // `createdb`, which some distributions of PostgreSQL lack.
    let program = programs.path("postgres");
    let run = |source| PostgresError::Run {
        program: program.clone(),
        source,
    };
    let (input, mut sql) = std::io::pipe().map_err(run)?;
    let mut command = account.command(&program);
    // Without this option it reports errors on standard output and still exits with success.
    command
        .arg("--single")
        .arg("-D")
        .arg(new)
        .args(["-c", "exit_on_error=on", "postgres"])
        .stdin(Stdio::from(input));
    writeln!(sql, "CREATE DATABASE {ROSTER} OWNER {ROSTER};").map_err(run)?;
    drop(sql);
    let output = programs::output(command, INITIALIZE).await.map_err(run)?;
    if output.status.success() {
        Ok(())
    } else {
        Err(failed(&output))
    }
}

async fn initdb(new: &Path, account: &Account, programs: &Programs, locale: &[&str]) -> Result<Output, PostgresError> {
    let program = programs.path("initdb");
    let mut command = account.command(&program);
    // Only PostgreSQL's user and root can reach the socket, so connections through it are trusted. There is no other
    // way to connect.
    command
        .arg("--pgdata")
        .arg(new)
        .args(["--auth-local=trust", "--auth-host=reject"]);
    command.arg(format!("--username={ROSTER}"));
    command
        .args([
            "--encoding=UTF8",
            "--lc-messages=C",
            "--data-checksums",
            "--no-instructions",
        ])
        .args(locale);
    programs::output(command, INITIALIZE)
        .await
        .map_err(|source| PostgresError::Run { program, source })
}
