//! Finds PostgreSQL's programs.
//!
//! Owns the search, and the choice among several versions. Must not know the folders of data.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use super::account::Account;
use super::error::PostgresError;

/// The oldest version that the queries work with.
const OLDEST: u32 = 15;

/// The programs of one PostgreSQL.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    folder: PathBuf,
    pub(super) major: u32,
}

impl Programs {
    /// Returns the newest version on this machine that `account` can run; for an existing cluster, the version that
    /// made it.
    pub(super) async fn find(account: &Account, existing: Option<(&Path, u32)>) -> Result<Self, PostgresError> {
        let mut usable: Vec<Self> = Vec::new();
        let mut notes = String::new();
        let mut note = |folder: &Path, problem: &str| {
            let lead = if notes.is_empty() { " (" } else { "; " };
            // Writing into a String cannot fail.
            let _ = write!(notes, "{lead}{}: {problem}", folder.display());
        };
        let (folders, named) = match env::var_os("ROSTER_POSTGRES_BIN").filter(|value| !value.is_empty()) {
            Some(folder) => (vec![PathBuf::from(folder)], true),
            None => (search_path(), false),
        };
        for folder in folders {
            // Commands run in `/`, where a relative path would lead elsewhere.
            let folder = std::path::absolute(&folder).unwrap_or(folder);
            if usable.iter().any(|programs| programs.folder == folder) {
                continue;
            }
            let missing = ["postgres", "initdb", "pg_ctl"]
                .into_iter()
                .find(|program| !folder.join(program).is_file());
            if let Some(program) = missing {
                if named {
                    note(&folder, &format!("ROSTER_POSTGRES_BIN has no {program}"));
                }
                continue;
            }
            match version(account, &folder).await {
                Ok(Some(major)) if major >= OLDEST => usable.push(Self { folder, major }),
                Ok(Some(major)) => note(&folder, &format!("version {major} is too old")),
                Ok(None) => note(&folder, "does not tell its version"),
                Err(error) => note(&folder, &format!("cannot be run by user {} ({error})", account.name)),
            }
        }
        let Some((cluster, needed)) = existing else {
            // `max_by_key` returns the last of several equal versions; reversed, that is the first found.
            usable.reverse();
            if !notes.is_empty() {
                notes.push(')');
            }
            return usable
                .into_iter()
                .max_by_key(|programs| programs.major)
                .ok_or(PostgresError::NoPostgres { notes });
        };
        if usable.is_empty() {
            if !notes.is_empty() {
                notes.push(')');
            }
            return Err(PostgresError::NoPostgres { notes });
        }
        let found = usable
            .iter()
            .map(|programs| programs.major.to_string())
            .collect::<Vec<_>>()
            .join(", ");
        usable
            .into_iter()
            .find(|programs| programs.major == needed)
            .ok_or(PostgresError::OtherVersion {
                cluster: cluster.into(),
                needed,
                found,
            })
    }

    /// Returns the path of one of the programs.
    pub(super) fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }

    /// Returns whether `account` can pass into `folder`. Tries it, since modes, groups, access lists and mounts all
    /// have a say.
    pub(super) async fn can_enter(&self, account: &Account, folder: &Path) -> Result<bool, PostgresError> {
        if !account.given_by_root() {
            return Ok(true);
        }
        let program = self.path("postgres");
        let mut command = account.command(&program);
        // The child changes folder after it has switched to the account; if that is refused, it fails to start.
        command.arg("--version").current_dir(folder);
        match output(command, Duration::from_secs(20)).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(false),
            Err(source) => Err(PostgresError::Run { program, source }),
        }
    }
}

/// Runs a command to its end and returns what it wrote; kills it when it takes longer than `limit`, or when the caller
/// stops waiting.
pub(super) async fn output(mut command: Command, limit: Duration) -> io::Result<Output> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut command = tokio::process::Command::from(command);
    command.kill_on_drop(true);
    tokio::time::timeout(limit, command.output()).await.map_err(|_| {
        io::Error::new(
            io::ErrorKind::TimedOut,
            format!("not done within {} s", limit.as_secs()),
        )
    })?
}

async fn version(account: &Account, folder: &Path) -> io::Result<Option<u32>> {
    let mut command = account.command(folder.join("postgres"));
    command.arg("--version");
    let output = output(command, Duration::from_secs(20)).await?;
    if !output.status.success() {
        let lines = last_lines(&String::from_utf8_lossy(&output.stderr), 1);
        return Err(io::Error::other(lines));
    }
    Ok(major(&String::from_utf8_lossy(&output.stdout)))
}

/// Returns the major version in `postgres (PostgreSQL) 15.14 (Debian …)`.
fn major(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("(PostgreSQL) ")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..digits)?.parse().ok()
}

/// Returns the last lines that are not empty, as one line.
pub(super) fn last_lines(text: &str, lines: usize) -> String {
    let mut last: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .rev()
        .take(lines)
        .collect();
    last.reverse();
    if last.is_empty() {
        "it said nothing".into()
    } else {
        last.join(" | ")
    }
}

fn search_path() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = env::var_os("PATH")
        .map(|path| env::split_paths(&path).collect())
        .unwrap_or_default();
    folders.retain(|folder| !folder.as_os_str().is_empty());
    folders.extend(versions_in("/usr/lib/postgresql", ""));
    folders.extend(versions_in("/usr", "pgsql-"));
    folders.extend(versions_in("/opt/homebrew/opt", "postgresql@"));
    let set = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(share) = set("XDG_DATA_HOME").or_else(|| Some(set("HOME")?.join(".local/share"))) {
        folders.push(share.join("roster/postgresql/bin"));
    }
    folders
}

/// Returns the `bin` of every folder in `parent` whose name begins with `prefix`.
fn versions_in(parent: &str, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(prefix.as_bytes()))
        .map(|entry| entry.path().join("bin"))
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_as_they_are_written() {
        assert_eq!(
            major("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major("postgres (PostgreSQL) 18.1\n"), Some(18));
        assert_eq!(major("postgres (PostgreSQL) 19devel"), Some(19));
        assert_eq!(major("postgres (PostgreSQL) 17"), Some(17));
        assert_eq!(major("EnterpriseDB"), None);
    }

    #[test]
    fn last_lines_are_one_line() {
        assert_eq!(last_lines("a\nb\n\n c \n", 2), "b | c");
        assert_eq!(last_lines("\n", 2), "it said nothing");
    }
}
