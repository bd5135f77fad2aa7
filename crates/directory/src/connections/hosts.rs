//! The hosts of a database, of which one takes changes (U5).
//!
//! Owns which host is used. It must not know what a connection is used for. Hosts are tried in their order, the one
//! that was good last before the others. As soon as a connection to another host is open, that host is the present one:
//! connections to a former one are not used again.

use std::{
    fmt, io,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Executor, Row,
    postgres::{PgConnectOptions, PgRow},
};
use tokio::time::timeout;

use super::address::{BadAddress, Host, Wanted, parse};

/// How long one host of several may take, so that one that is silent doesn't hide those after it.
const EACH: Duration = Duration::from_millis(1500);
/// How often that is doubled while no host is in time: a good one may only be slow, and trying again makes it slower.
const MOST_DOUBLED: u32 = 2;

/// What a server is.
const STATE: &str = "SELECT current_setting('transaction_read_only') = 'on', pg_is_in_recovery()";

/// The hosts of a database. Cheap to clone; clones share which host is the present one.
#[derive(Clone, Debug)]
pub(crate) struct Hosts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    each: Vec<Host>,
    wanted: Wanted,
    /// The index of the host that was good last.
    present: AtomicUsize,
    /// How often in a row no host was good, and one was too late.
    late: AtomicU32,
}

/// A connection that was just opened.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) raw: sqlx::PgConnection,
    /// The index of its host.
    pub(crate) host: usize,
    /// Whether its server takes changes.
    pub(crate) takes_changes: bool,
}

/// Why no host can be used.
#[derive(Debug)]
pub(crate) enum NoHost {
    /// The server takes no changes, and one that does is wanted.
    TakesNoChanges,
    /// Each host, with why.
    None(Vec<(String, sqlx::Error)>),
}

impl fmt::Display for NoHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::None(failed) = self else {
            return f.write_str("the server takes no changes");
        };
        f.write_str("no host can be used")?;
        for (name, error) in failed {
            write!(f, "; {name}: {error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for NoHost {}

impl From<NoHost> for sqlx::Error {
    fn from(none: NoHost) -> Self {
        Self::Io(io::Error::other(none))
    }
}

impl From<PgConnectOptions> for Hosts {
    fn from(options: PgConnectOptions) -> Self {
        let name = options.get_host().to_owned();
        Self::of(vec![Host { name, options }], Wanted::Any)
    }
}

impl FromStr for Hosts {
    type Err = BadAddress;

    fn from_str(url: &str) -> Result<Self, BadAddress> {
        let (hosts, wanted) = parse(url)?;
        Ok(Self::of(hosts, wanted))
    }
}

impl Hosts {
    fn of(each: Vec<Host>, wanted: Wanted) -> Self {
        Self(Arc::new(Inner {
            each,
            wanted,
            present: AtomicUsize::default(),
            late: AtomicU32::default(),
        }))
    }

    /// The options of a connection to each host.
    pub(crate) fn each(&self) -> impl Iterator<Item = &PgConnectOptions> {
        self.0.each.iter().map(|host| &host.options)
    }

    /// The index of the present host.
    pub(crate) fn present(&self) -> usize {
        self.0.present.load(Ordering::Acquire)
    }

    /// The options of a connection to the host with this index.
    pub(crate) fn options(&self, host: usize) -> Option<&PgConnectOptions> {
        self.0.each.get(host).map(|host| &host.options)
    }

    /// The name of the host with this index, if there are several.
    pub(crate) fn name(&self, host: usize) -> Option<&str> {
        let several = self.0.each.len() > 1;
        self.0.each.get(host).filter(|_| several).map(|host| host.name.as_str())
    }

    /// Opens a connection to the first host that can be used, which is the present one from then on. `setup` is sent
    /// first.
    ///
    /// # Errors
    /// The host's, or [`NoHost`] if there are several.
    pub(crate) async fn open(&self, setup: &str) -> sqlx::Result<Opened> {
        let present = self.present();
        let others = (0..self.0.each.len()).filter(|nth| *nth != present);
        let late = self.0.late.load(Ordering::Relaxed);
        let patience = EACH * 2_u32.pow(late.min(MOST_DOUBLED));
        let (mut failed, mut is_late) = (Vec::new(), false);
        for nth in [present].into_iter().chain(others) {
            let Some(host) = self.0.each.get(nth) else { continue };
            let opening = self.open_one(host, setup);
            let opened = if self.0.each.len() == 1 {
                opening.await
            } else {
                timeout(patience, opening).await.unwrap_or_else(|_| {
                    is_late = true;
                    Err(io::Error::from(io::ErrorKind::TimedOut).into())
                })
            };
            match opened {
                Ok((raw, takes_changes)) => {
                    self.0.late.store(0, Ordering::Relaxed);
                    if self.0.present.swap(nth, Ordering::AcqRel) != nth {
                        tracing::info!(host = host.name, "the database is used on another host from now on");
                    }
                    return Ok(Opened {
                        raw,
                        host: nth,
                        takes_changes,
                    });
                }
                Err(error) => failed.push((host.name.clone(), error)),
            }
        }
        if is_late {
            self.0.late.store(late.saturating_add(1), Ordering::Relaxed);
        }
        match failed.pop() {
            Some((_, error)) if self.0.each.len() == 1 => Err(error),
            last => Err(NoHost::None(failed.into_iter().chain(last).collect()).into()),
        }
    }

    async fn open_one(&self, host: &Host, setup: &str) -> sqlx::Result<(sqlx::PgConnection, bool)> {
        let mut raw = host.options.connect().await?;
        let state = AssertSqlSafe(format!("{setup}{STATE}"));
        let state = State::of(&raw.fetch_one(sqlx::raw_sql(state)).await?)?;
        let is_good = match self.0.wanted {
            Wanted::Any => true,
            Wanted::Primary => !state.is_standby,
            Wanted::ReadWrite => !state.is_read_only,
        };
        if is_good {
            Ok((raw, !state.is_read_only))
        } else {
            Err(NoHost::TakesNoChanges.into())
        }
    }
}

/// Returns whether the server of an open connection takes changes now.
pub(crate) async fn takes_changes(raw: &mut sqlx::PgConnection) -> sqlx::Result<bool> {
    Ok(!State::of(&raw.fetch_one(sqlx::raw_sql(STATE)).await?)?.is_read_only)
}

struct State {
    is_read_only: bool,
    is_standby: bool,
}

impl State {
    fn of(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            is_read_only: row.try_get(0)?,
            is_standby: row.try_get(1)?,
        })
    }
}
