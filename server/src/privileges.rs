//! Root is given up once it is needed no more: what answers the network runs as an account that owns nothing else.

use std::{io, path::Path};

use nix::unistd::{Gid, Uid, getgroups, setgid, setgroups, setuid};

use crate::{Assets, postgres::Account};

/// Becomes the account for good, if this process is root: user, group and every other group, in all threads (the C library sees
/// to that). Without it this process could no more be stopped from reading and writing everything.
///
/// What the account can't read stops it: then this process stays root, and says why in one line.
///
/// # Errors
/// If the system refuses, or root could be had back.
pub(crate) fn give_up_root(account: Option<&Account>, assets: &Assets) -> io::Result<()> {
    if !Uid::effective().is_root() {
        return Ok(());
    }
    let Some((account, gid)) = account.and_then(|account| Some((account, account.gid()?))) else {
        tracing::warn!("still running as root: there is no account postgres or nobody to run as");
        return Ok(());
    };
    if let Some(path) = assets.files().find(|path| !can_read(account, path)) {
        tracing::warn!(
            path = %path.display(),
            account = account.name,
            "still running as root: the account cannot read the site; install it where everybody may, or set ROSTER_SITE"
        );
        return Ok(());
    }
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

/// Whether the account gets to a file and may read it, as a child of this process that runs as the account finds out.
fn can_read(account: &Account, path: &Path) -> bool {
    let mut command = account.command("sh");
    command.args(["-c", "test -r \"$0\""]).arg(path);
    command.status().is_ok_and(|status| status.success())
}
