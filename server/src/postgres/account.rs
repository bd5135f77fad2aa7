//! The account that PostgreSQL runs as: the current user, or an unprivileged one if the current user is root, which
//! PostgreSQL refuses.
//!
//! Owns how every PostgreSQL command is built, so that none runs as root, with the caller's environment, or in the
//! terminal's process group. Must not know what the commands do.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::error::PostgresError;

/// The environment variables that the commands inherit: those needed to find programs and libraries. A stray PGDATA,
/// PGPORT or LC_ALL would change what they do.
const KEPT: [&str; 4] = ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LOCALE_ARCHIVE"];

/// The user PostgreSQL runs as.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) name: String,
    /// The group to switch to; set only if this program is root.
    step_down_to: Option<u32>,
}

impl Account {
    /// Returns the current user; if that is root, the owner of the cluster at `existing`, else `postgres`, else
    /// `nobody`.
    pub(super) fn choose(existing: Option<&Path>) -> Result<Self, PostgresError> {
        let here = Path::new(".");
        // The peer credentials of a socket pair give the current user's id in safe Rust, on every Unix.
        let own = tokio::net::UnixStream::pair()
            .and_then(|(one, _other)| one.peer_cred())
            .map_err(PostgresError::folder(here))?
            .uid();
        let owner = match existing {
            Some(path) => Some((path, fs::metadata(path).map_err(PostgresError::folder(path))?)),
            None => None,
        };
        match owner {
            Some((path, found)) if own != 0 && found.uid() != own => Err(PostgresError::Foreign {
                path: path.into(),
                problem: "belongs to another user: start as that user or as root, or set ROSTER_DATA to another folder",
            }),
            _ if own != 0 => Ok(Self {
                uid: own,
                name: format!("{own}"),
                step_down_to: None,
            }),
            // The owner of an existing cluster was able to run it before. A user `postgres` that was added later must
            // not take it over.
            Some((_, found)) if found.uid() != 0 => Ok(Self {
                uid: found.uid(),
                name: format!("{}", found.uid()),
                step_down_to: Some(found.gid()),
            }),
            _ => Self::unprivileged(&fs::read_to_string("/etc/passwd").unwrap_or_default()),
        }
    }

    /// Returns the accounts that a server started by root may switch to when its PostgreSQL is run by somebody else, in
    /// order of preference: first one that owns nothing, then one that can reach PostgreSQL's socket.
    pub(crate) fn without_database() -> Vec<Self> {
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        ["nobody", "postgres"]
            .into_iter()
            .filter_map(|name| Self::find(&passwd, name))
            .collect()
    }

    fn unprivileged(passwd: &str) -> Result<Self, PostgresError> {
        let mut names = ["postgres", "nobody"].into_iter();
        names
            .find_map(|name| Self::find(passwd, name))
            .ok_or(PostgresError::NoUser)
    }

    fn find(passwd: &str, wanted: &str) -> Option<Self> {
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            if fields.next()? != wanted {
                return None;
            }
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            (uid != 0).then(|| Self {
                uid,
                name: wanted.into(),
                step_down_to: Some(gid),
            })
        })
    }

    /// The group to switch to, if this program was root when the account was chosen.
    pub(crate) const fn gid(&self) -> Option<u32> {
        self.step_down_to
    }

    /// Returns whether this program is root and so may change the owner of files.
    pub(super) fn given_by_root(&self) -> bool {
        self.step_down_to.is_some()
    }

    /// Makes this user the owner of a file or folder. Of a symbolic link it changes the link, never what it points to.
    pub(super) fn give(&self, path: &Path) -> Result<(), PostgresError> {
        let Some(gid) = self.step_down_to else {
            return Ok(());
        };
        std::os::unix::fs::lchown(path, Some(self.uid), Some(gid)).map_err(PostgresError::folder(path))
    }

    /// Makes this user the owner of a folder and everything in it.
    pub(super) fn give_all(&self, path: &Path) -> Result<(), PostgresError> {
        let mut waiting = vec![path.to_path_buf()];
        while let Some(path) = waiting.pop() {
            self.give(&path)?;
            let found = fs::symlink_metadata(&path).map_err(PostgresError::folder(&path))?;
            if found.is_dir() {
                for entry in fs::read_dir(&path).map_err(PostgresError::folder(&path))? {
                    waiting.push(entry.map_err(PostgresError::folder(&path))?.path());
                }
            }
        }
        Ok(())
    }

    /// Returns a command that runs as this user, without a terminal, in `/` (that user may not be allowed into the
    /// folder this program was started in) and in its own process group: Ctrl-C in a terminal then reaches only this
    /// program, which stops the others in order.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C").current_dir("/").process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        for name in KEPT {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if let Some(gid) = self.step_down_to {
            // `uid` of root also drops root's supplementary groups.
            command.uid(self.uid).gid(gid);
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_steps_down_to_postgres_else_nobody() {
        let nobody = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65533:nobody:/:/bin/false\n";
        let both = format!("{nobody}postgres:x:101:104::/var/lib/postgresql:/bin/bash\n");
        let who = |passwd| {
            Account::unprivileged(passwd)
                .ok()
                .map(|account| (account.uid, account.step_down_to))
        };
        assert_eq!(who(&both), Some((101, Some(104))));
        assert_eq!(who(nobody), Some((65534, Some(65533))));
        assert_eq!(who("postgres:x:0:0::/:/bin/sh\n"), None);
    }
}
