//! The folders: the data folder and its locks, where the cluster is, where the socket is.
//!
//! Owns names, owners and modes. Must not know processes.
//!
//! ```text
//! <data>/lock           held while a server runs
//! <data>/postgres       the cluster, or a link to it
//! <data>/postgres.log   what PostgreSQL says
//! <data>/run            the socket
//! ```

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::account::Account;
use super::error::PostgresError;

/// The port, which a Unix socket needs only as a part of its file name.
pub(super) const PORT: u16 = 5432;
pub(super) const LOCK: &str = "lock";
pub(super) const CLUSTER: &str = "postgres";
/// A link to a cluster in another folder, until that cluster is in place.
const LINK_IN_THE_MAKING: &str = "postgres.link";
/// The prefix of clusters that are being made. The next start removes those of a server that was killed.
const CLUSTER_IN_THE_MAKING: &str = "postgres.new-";
/// The folder in which root keeps the clusters of data folders that PostgreSQL's user cannot reach.
const ELSEWHERE: &str = "/var/lib/roster";
/// The longest path of a socket. The system's limit is 108 bytes (104 on some); others add to the path.
const LONGEST_SOCKET: usize = 100;

/// Makes the data folder if there is none, and returns its real path.
pub(super) fn open_data(data: &Path) -> Result<PathBuf, PostgresError> {
    if !data.exists() {
        fs::create_dir_all(data).map_err(PostgresError::folder(data))?;
        // If root owns it, PostgreSQL's user must be able to pass through it but not to list it; what is inside has
        // modes of its own.
        let made = fs::metadata(data).map_err(PostgresError::folder(data))?;
        let mode = if made.uid() == 0 { 0o711 } else { 0o700 };
        set_mode(data, mode)?;
    }
    fs::canonicalize(data).map_err(PostgresError::folder(data))
}

/// An advisory lock. The system releases it whichever way this process ends.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Locks the file for this process alone; returns `None` if another process holds it.
    fn alone(file: File) -> io::Result<Option<Self>> {
        Self::taken(file.try_lock(), file)
    }

    /// Locks the file together with other readers; returns `None` if a server holds it.
    pub(super) fn shared(file: File) -> io::Result<Option<Self>> {
        Self::taken(file.try_lock_shared(), file)
    }

    fn taken(outcome: Result<(), TryLockError>, file: File) -> io::Result<Option<Self>> {
        match outcome {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child process that another thread is starting inherits a copy, and would
        // hold the lock until it executes its program.
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "cannot release a lock");
        }
    }
}

/// Locks the data folder for this server.
pub(super) async fn lock_data(data: &Path) -> Result<Lock, PostgresError> {
    let path = data.join(LOCK);
    let open = || {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
    };
    // `url_of_running` holds the lock for a moment when it looks, so one refusal does not mean that another server
    // runs.
    for _ in 0..10 {
        let lock = open().and_then(Lock::alone).map_err(PostgresError::folder(&path))?;
        if let Some(lock) = lock {
            return Ok(lock);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(PostgresError::InUse { data: data.into() })
}

/// Locks the cluster as well, since a copied data folder has a link to the same cluster.
pub(super) fn lock_cluster(cluster: &Path, data: &Path) -> Result<Lock, PostgresError> {
    let lock = File::open(cluster)
        .and_then(Lock::alone)
        .map_err(PostgresError::folder(cluster))?;
    lock.ok_or_else(|| PostgresError::InUse { data: data.into() })
}

/// Returns the real path of the data folder's cluster, if it has one.
pub(super) fn existing_cluster(data: &Path) -> Result<Option<PathBuf>, PostgresError> {
    let path = data.join(CLUSTER);
    let in_the_making = data.join(LINK_IN_THE_MAKING);
    if absent(&path)? && in_the_making.is_symlink() {
        // A start was killed between the two steps of `link`: the cluster is complete if it is in place.
        if in_the_making.exists() {
            fs::rename(&in_the_making, &path).map_err(PostgresError::folder(&path))?;
        } else {
            fs::remove_file(&in_the_making).map_err(PostgresError::folder(&in_the_making))?;
        }
    }
    if absent(&path)? {
        return Ok(None);
    }
    if path.is_symlink() && !path.exists() {
        let target = fs::read_link(&path).map_err(PostgresError::folder(&path))?;
        return Err(PostgresError::Lost { link: path, target });
    }
    let cluster = fs::canonicalize(&path).map_err(PostgresError::folder(&path))?;
    let mut entries = fs::read_dir(&cluster).map_err(PostgresError::folder(&cluster))?;
    if entries.next().is_none() && !path.is_symlink() {
        // An empty folder, made by hand as a mount point, for example; the new cluster takes its place.
        return Ok(None);
    }
    if !cluster.join("PG_VERSION").is_file() {
        return Err(PostgresError::Foreign {
            path: cluster,
            problem: "is not a PostgreSQL cluster: move it away, or set ROSTER_DATA to another folder",
        });
    }
    Ok(Some(cluster))
}

/// Returns the major version of the PostgreSQL that made a cluster.
pub(super) fn major_of(cluster: &Path) -> Result<u32, PostgresError> {
    let path = cluster.join("PG_VERSION");
    let text = fs::read_to_string(&path).map_err(PostgresError::folder(&path))?;
    text.trim().parse().map_err(|_| PostgresError::Foreign {
        path,
        problem: "names no version of PostgreSQL 10 or newer: restore it from a backup, or set ROSTER_DATA to another \
            folder",
    })
}

/// Returns a folder for the cluster of a data folder that PostgreSQL's user cannot reach: one without a cluster, since
/// a cluster that is there may belong to a data folder that was moved.
pub(super) fn home_elsewhere(data: &Path) -> Result<PathBuf, PostgresError> {
    let root = Path::new(ELSEWHERE);
    let name = short_hash(data);
    let homes = std::iter::once(root.join(&name)).chain((2..).map(|n: u32| root.join(format!("{name}-{n}"))));
    for home in homes {
        if absent(&home.join(CLUSTER))? {
            fs::create_dir_all(&home).map_err(PostgresError::folder(&home))?;
            // Independent of the umask: PostgreSQL's user must be able to pass.
            set_mode(root, 0o711)?;
            set_mode(&home, 0o711)?;
            return Ok(home);
        }
        tracing::warn!(
            folder = %home.display(),
            "holds a database that no data folder of this place points to; left alone"
        );
    }
    Err(PostgresError::Foreign {
        path: root.into(),
        problem: "is full: remove what is not needed",
    })
}

/// Moves a complete cluster into its place in one step, and makes `<data>/postgres` lead to it.
pub(super) fn put_in_place(new: &Path, home: &Path, data: &Path) -> Result<PathBuf, PostgresError> {
    let cluster = home.join(CLUSTER);
    let link = data.join(LINK_IN_THE_MAKING);
    let elsewhere = home != data;
    if elsewhere {
        std::os::unix::fs::symlink(&cluster, &link).map_err(PostgresError::folder(&link))?;
        sync(data)?;
    }
    fs::rename(new, &cluster).map_err(PostgresError::folder(&cluster))?;
    sync(home)?;
    if elsewhere {
        let path = data.join(CLUSTER);
        fs::rename(&link, &path).map_err(PostgresError::folder(&path))?;
        sync(data)?;
    }
    Ok(cluster)
}

/// Makes a folder for a new cluster, with a name that is never used twice: the `initdb` of a killed server may still be
/// running, and empties its folder when it fails.
#[expect(
    clippy::disallowed_methods,
    reason = "a name that is never used twice, and no time that counts"
)]
pub(super) fn make_new(home: &Path, account: &Account) -> Result<PathBuf, PostgresError> {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let path = home.join(format!(
        "{CLUSTER_IN_THE_MAKING}{}-{:x}",
        std::process::id(),
        now.as_nanos()
    ));
    private_folder(&path, account, false)?;
    Ok(path)
}

/// Removes the incomplete clusters of killed servers. What cannot be removed is left to the next start.
pub(super) fn sweep(home: &Path) {
    let Ok(entries) = fs::read_dir(home) else {
        return;
    };
    for entry in entries.flatten() {
        if entry
            .file_name()
            .as_bytes()
            .starts_with(CLUSTER_IN_THE_MAKING.as_bytes())
            && let Err(error) = fs::remove_dir_all(entry.path())
        {
            tracing::warn!(%error, folder = %entry.path().display(), "cannot remove what an interrupted start left");
        }
    }
}

/// Returns the folder of the socket: `run` in `home`, unless the socket's path would be too long, or is not UTF-8,
/// which a URL must be.
pub(super) fn sockets(home: &Path, data: &Path, account: &Account) -> Result<PathBuf, PostgresError> {
    let near = home.join("run");
    if fits(&near) {
        private_folder(&near, account, false)?;
        return Ok(near);
    }
    let name = format!("roster-{}", short_hash(data));
    // Root's runtime folder is closed to the user that PostgreSQL runs as.
    let runtime = std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|path| !account.given_by_root() && path.is_absolute() && path.is_dir())
        .map(|path| path.join(&name))
        .filter(|path| fits(path));
    let path = runtime.unwrap_or_else(|| Path::new("/tmp").join(&name));
    private_folder(&path, account, true)?;
    Ok(path)
}

/// Returns the socket's file, and the lock file PostgreSQL keeps beside it.
pub(super) fn socket_files(sockets: &Path) -> [PathBuf; 2] {
    [
        sockets.join(format!(".s.PGSQL.{PORT}")),
        sockets.join(format!(".s.PGSQL.{PORT}.lock")),
    ]
}

fn fits(sockets: &Path) -> bool {
    let [socket, _] = socket_files(sockets);
    socket.as_os_str().len() <= LONGEST_SOCKET && socket.to_str().is_some()
}

/// Makes a folder that only `account` and root can use, or takes an existing one. In a folder where everybody may write
/// (`shared`), an existing one of another owner is refused, since the owner could replace the socket.
fn private_folder(path: &Path, account: &Account, shared: bool) -> Result<(), PostgresError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(PostgresError::folder(path)(error));
        }
        _ => {}
    }
    let found = fs::symlink_metadata(path).map_err(PostgresError::folder(path))?;
    if !found.is_dir() {
        return Err(PostgresError::Foreign {
            path: path.into(),
            problem: "is in the way (a folder is needed there): remove it",
        });
    }
    let by_root = account.given_by_root();
    let own = found.uid() == account.uid || (by_root && found.uid() == 0) || (by_root && !shared);
    if !own {
        return Err(PostgresError::Foreign {
            path: path.into(),
            problem: "belongs to another user: remove it, or set ROSTER_DATA to a folder with a shorter path",
        });
    }
    account.give(path)?;
    set_mode(path, 0o700)
}

fn set_mode(path: &Path, mode: u32) -> Result<(), PostgresError> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(PostgresError::folder(path))
}

/// Returns whether nothing exists at `path`, not even a dangling link.
fn absent(path: &Path) -> Result<bool, PostgresError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(PostgresError::folder(path)(error)),
    }
}

/// Writes the folder to disk, so that a rename in it survives a crash.
fn sync(folder: &Path) -> Result<(), PostgresError> {
    File::open(folder)
        .and_then(|file| file.sync_all())
        .map_err(PostgresError::folder(folder))
}

/// Returns a short name for a path, the same at every start.
fn short_hash(path: &Path) -> String {
    Sha256::digest(path.as_os_str().as_bytes())
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Quotes the path for `unix_socket_directories`, which is a list: unquoted, a comma or space would split it.
pub(super) fn quoted(sockets: &Path) -> OsString {
    let mut quoted = OsString::from("\"");
    // A path that is not UTF-8 was replaced by a short one before, so nothing is lost here.
    quoted.push(sockets.to_string_lossy().replace('"', "\"\""));
    quoted.push("\"");
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_hash_never_changes() {
        assert_eq!(short_hash(Path::new("/srv/roster")), "3329d3103198");
    }

    #[test]
    fn long_sockets_do_not_fit() {
        assert!(fits(Path::new("/srv/roster/run")));
        assert!(fits(Path::new(&format!("/{}", "x".repeat(85)))));
        assert!(!fits(Path::new(&format!("/{}", "x".repeat(86)))));
    }

    #[test]
    fn a_socket_folder_is_one_item_of_the_list() {
        assert_eq!(quoted(Path::new("/a, b/\"run")), "\"/a, b/\"\"run\"");
    }
}
