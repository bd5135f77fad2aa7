//! Why the private PostgreSQL cannot be used, and what the operator at the terminal can do about it.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Why the private PostgreSQL cannot be used. Each message is one line for the operator at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// Another server holds the lock.
    #[error("another server is using the data folder {data}: stop it, or set ROSTER_DATA to another folder")]
    InUse {
        /// The data folder.
        data: PathBuf,
    },
    /// No server holds the lock.
    #[error(
        "no server is running on the data folder {data}: start it, set ROSTER_DATA to its folder, or set DATABASE_URL"
    )]
    NotRunning {
        /// The data folder.
        data: PathBuf,
    },
    /// The server is running, but its PostgreSQL is not running yet.
    #[error(
        "the server on the data folder {data} is still starting (or just restarting) its database: try again in a \
         moment"
    )]
    Starting {
        /// The data folder.
        data: PathBuf,
    },
    /// A file or folder cannot be read or written, or its owner cannot be changed.
    #[error("cannot use {path} ({source}): give this user access to it, or set ROSTER_DATA to another folder")]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A file or folder exists that this server did not make.
    #[error("{path} {problem}")]
    Foreign {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        problem: &'static str,
    },
    /// The cluster was in another folder, and is no longer there.
    #[error(
        "the database of this data folder is gone: {link} points to {target}, which is missing; restore it, or remove \
         the link to begin with an empty database"
    )]
    Lost {
        /// The link in the data folder.
        link: PathBuf,
        /// Where the cluster was.
        target: PathBuf,
    },
    /// PostgreSQL's user cannot reach an existing cluster, because root owns a folder on the way to it.
    #[error(
        "the user {user}, who runs PostgreSQL, cannot reach {path}: allow passing through the folders above it (chmod \
         o+x)"
    )]
    Unreachable {
        /// The cluster.
        path: PathBuf,
        /// The user PostgreSQL runs as.
        user: String,
    },
    /// This machine has no usable PostgreSQL.
    #[error(
        "no PostgreSQL 15 or newer found{notes}: install it (Debian, Ubuntu: apt-get install postgresql; Fedora: dnf \
         install postgresql-server; macOS: brew install postgresql@17), name the folder of its programs in \
         ROSTER_POSTGRES_BIN, or set DATABASE_URL to a running one"
    )]
    NoPostgres {
        /// The versions found and why they are not usable; begins with a space, or is empty.
        notes: String,
    },
    /// The PostgreSQL version that made the cluster is no longer installed.
    #[error(
        "the database in {cluster} needs PostgreSQL {needed}, but only {found} is here: install PostgreSQL {needed}, \
         or name the folder of its programs in ROSTER_POSTGRES_BIN"
    )]
    OtherVersion {
        /// The cluster.
        cluster: PathBuf,
        /// Its major version.
        needed: u32,
        /// The major versions found.
        found: String,
    },
    /// This program was started by root on a machine without an unprivileged user.
    #[error(
        "PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody: start as another \
         user, or set DATABASE_URL"
    )]
    NoUser,
    /// A PostgreSQL program could not be started.
    #[error(
        "cannot run {program} ({source}): check the installation of PostgreSQL, or name another in ROSTER_POSTGRES_BIN"
    )]
    Run {
        /// The program.
        program: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The cluster could not be made.
    #[error("cannot make a database cluster in {path}: {detail}")]
    Initialize {
        /// The folder it was to be made in.
        path: PathBuf,
        /// The last lines that the failed program wrote.
        detail: String,
    },
    /// PostgreSQL exited before it was ready.
    #[error("PostgreSQL did not start ({how}): {detail} (its log: {log})")]
    Exited {
        /// Exit status or signal.
        how: String,
        /// The last lines of its log.
        detail: String,
        /// The log.
        log: PathBuf,
    },
    /// PostgreSQL runs, but was not ready in time.
    #[error("PostgreSQL was not ready within {seconds} s: {detail} (its log: {log})")]
    NotReady {
        /// The time limit.
        seconds: u64,
        /// The last lines of its log.
        detail: String,
        /// The log.
        log: PathBuf,
    },
    /// Processes of an earlier PostgreSQL do not exit.
    #[error(
        "process {pid} of an earlier PostgreSQL still uses {cluster} and does not end: stop it (kill -9 {pid}), then \
         start again"
    )]
    Lingering {
        /// The process.
        pid: u32,
        /// The cluster.
        cluster: PathBuf,
    },
}

impl PostgresError {
    pub(super) fn folder(path: &Path) -> impl FnOnce(io::Error) -> Self + use<'_> {
        move |source| Self::Folder {
            path: path.into(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_one_line() {
        let error = PostgresError::NoPostgres { notes: String::new() };
        assert_eq!(error.to_string().lines().count(), 1);
    }
}
