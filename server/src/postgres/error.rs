//! Why the private PostgreSQL cannot be had, and what the person at the terminal can do about it.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Why the private PostgreSQL is not to be had. Each message is one line for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// Another server holds the lock.
    #[error("another server is using the data folder {data}: stop it, or set ROSTER_DATA to another folder")]
    InUse {
        /// The data folder.
        data: PathBuf,
    },
    /// Nobody holds the lock.
    #[error(
        "no server is running on the data folder {data}: start it, set ROSTER_DATA to its folder, or set DATABASE_URL"
    )]
    NotRunning {
        /// The data folder.
        data: PathBuf,
    },
    /// The server is there, its PostgreSQL not yet.
    #[error(
        "the server on the data folder {data} is still starting (or just restarting) its database: try again in a \
         moment"
    )]
    Starting {
        /// The data folder.
        data: PathBuf,
    },
    /// A file or folder that is needed cannot be read, written or given away.
    #[error("cannot use {path} ({source}): give this user access to it, or set ROSTER_DATA to another folder")]
    Folder {
        /// What was to be used.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something is there that this server did not make.
    #[error("{path} {problem}")]
    Foreign {
        /// What is in the way.
        path: PathBuf,
        /// What is wrong with it and what to do.
        problem: &'static str,
    },
    /// The cluster was put elsewhere and is no longer there.
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
    /// Root owns the way to an existing cluster.
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
    /// No usable PostgreSQL on this machine.
    #[error(
        "no PostgreSQL 15 or newer found{notes}: install it (Debian, Ubuntu: apt-get install postgresql; Fedora: dnf \
         install postgresql-server; macOS: brew install postgresql@17), name the folder of its programs in \
         ROSTER_POSTGRES_BIN, or set DATABASE_URL to a running one"
    )]
    NoPostgres {
        /// What was found and why it does not do; begins with a space, or is empty.
        notes: String,
    },
    /// The cluster was made by a PostgreSQL that is no longer here.
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
    /// Started by root on a machine without an unprivileged user.
    #[error(
        "PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody: start as another \
         user, or set DATABASE_URL"
    )]
    NoUser,
    /// A program of PostgreSQL could not be run at all.
    #[error(
        "cannot run {program} ({source}): check the installation of PostgreSQL, or name another in ROSTER_POSTGRES_BIN"
    )]
    Run {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The cluster could not be made.
    #[error("cannot make a database cluster in {path}: {detail}")]
    Initialize {
        /// Where it was to be.
        path: PathBuf,
        /// The last words of the program that failed.
        detail: String,
    },
    /// PostgreSQL ended before it was ready.
    #[error("PostgreSQL did not start ({how}): {detail} (its log: {log})")]
    Exited {
        /// Exit status or signal.
        how: String,
        /// The last lines of its log.
        detail: String,
        /// The log.
        log: PathBuf,
    },
    /// PostgreSQL runs but is not ready in time.
    #[error("PostgreSQL was not ready within {seconds} s: {detail} (its log: {log})")]
    NotReady {
        /// How long it was waited for.
        seconds: u64,
        /// The last lines of its log.
        detail: String,
        /// The log.
        log: PathBuf,
    },
    /// Processes of an earlier PostgreSQL do not end.
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
