//! Drops root privileges after the start, so that the code that answers the network runs as an unprivileged account.

use std::{io, path::PathBuf};

use directory::Directory;
use nix::unistd::{Gid, Uid, getgroups, setgid, setgroups, setuid};

use crate::{assets::Assets, postgres::account::Account};

/// Something the server uses for as long as it runs.
#[derive(Debug)]
pub(crate) struct Needed {
    path: PathBuf,
    /// How `test` asks for it.
    test: &'static str,
}

/// What the server needs besides its private PostgreSQL: the site; and the socket, certificates and key of another
/// PostgreSQL.
pub(crate) fn needed(assets: &Assets, database_urls: &[&str]) -> Vec<Needed> {
    /// As sqlx reads them.
    const FILES: [&str; 7] = [
        "sslrootcert",
        "ssl-root-cert",
        "ssl-ca",
        "sslcert",
        "ssl-cert",
        "sslkey",
        "ssl-key",
    ];
    let mut needed: Vec<_> = assets.files().map(|path| Needed { path, test: "-r" }).collect();
    for url in database_urls {
        let sockets = Directory::sockets_of(url).unwrap_or_default();
        needed.extend(sockets.into_iter().map(|path| Needed { path, test: "-w" }));
        let query = url.split_once('?').map(|(_, query)| query).unwrap_or_default();
        let files = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| FILES.contains(&name.as_ref()));
        needed.extend(files.map(|(_, path)| Needed {
            path: path.as_ref().into(),
            test: "-r",
        }));
    }
    needed
}

/// If this process is root, switches for good to the first of `accounts` that can reach everything in `needed`: user,
/// group and supplementary groups, in all threads (the C library does that). A fault in the network code then endangers
/// no more than that account.
///
/// Without such an account this process stays root, and says why in one line.
///
/// # Errors
/// If the system refuses, or root could be had back.
pub(crate) fn give_up_root(accounts: &[Account], needed: &[Needed]) -> io::Result<()> {
    if !Uid::effective().is_root() {
        return Ok(());
    }
    let mut missing = None;
    for account in accounts {
        missing = needed.iter().find(|needed| !can_use(account, needed));
        if missing.is_none() {
            return become_for_good(account);
        }
    }
    let path = missing.map(|needed| needed.path.display().to_string());
    tracing::warn!(
        path = path.unwrap_or_default(),
        "still running as root: there is no account postgres or nobody that can use this path"
    );
    Ok(())
}

fn become_for_good(account: &Account) -> io::Result<()> {
    let gid = account
        .gid()
        .ok_or_else(|| io::Error::other("the account has no group"))?;
    let (uid, gid) = (Uid::from_raw(account.uid), Gid::from_raw(gid));
    // In this order: without root neither groups nor group can be changed any more.
    setgroups(&[gid])?;
    setgid(gid)?;
    setuid(uid)?;
    let is_given_up = Uid::current() == uid
        && Uid::effective() == uid
        && Gid::current() == gid
        && Gid::effective() == gid
        && getgroups()? == [gid]
        && setuid(Uid::from_raw(0)).is_err();
    if !is_given_up {
        return Err(io::Error::other("root could be had back"));
    }
    tracing::info!(account = account.name, "root is given up");
    Ok(())
}

/// Whether the account can reach something, tested by a child process that runs as the account.
fn can_use(account: &Account, needed: &Needed) -> bool {
    let mut command = account.command("sh");
    command
        .args(["-c", "test \"$0\" \"$1\"", needed.test])
        .arg(&needed.path);
    command.status().is_ok_and(|status| status.success())
}
