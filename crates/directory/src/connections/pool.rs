//! The pool: open connections that wait for their next use, and how many there may be.
//!
//! Owns when a connection is opened, tested, used again and closed. It must not know what is sent on one.
//!
//! sqlx's own pool sends a ping when a connection is taken and another one when it is given back, so each statement
//! takes three round trips. Here it takes one, for two reasons:
//!
//! - a connection is tested when it is taken only if that was done more than a second ago;
//! - a connection is given back as it is if every statement on it has ended. One that was left in the middle of a
//!   statement, since whoever waited for it has gone away, or in a transaction, is brought to order first, in the
//!   background, and counts as used meanwhile.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{
    Connection, PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgPoolOptions, PgTransactionManager},
};
use sqlx_core::transaction::TransactionManager;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::{sleep, timeout},
};

use super::hosts::{Hosts, takes_changes};

/// How long to wait for a connection.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection is used without being tested. It is also how long reads may go on from a server that was made
/// read-only.
const TESTED_FOR: Duration = Duration::from_secs(1);
/// How long a test may take.
const TEST: Duration = Duration::from_secs(1);
/// How long a connection to a server that takes no changes is kept, so that not every read opens a new one.
const READ_ONLY_FOR: Duration = Duration::from_secs(1);
/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_mins(10);
/// How long a connection is kept at most, less up to [`SPREAD`], so that not all end at once.
const LIFE: Duration = Duration::from_mins(30);
const SPREAD: Duration = Duration::from_mins(5);
/// How often connections are looked for that nobody uses.
const SWEEP: Duration = Duration::from_mins(1);
/// How long a server that can't be reached is tried again after, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(500));
/// How much longer than a statement's limit its answer is waited for: then the server has gone away without a word.
const GRACE: Duration = Duration::from_secs(5);
/// How long a connection may take to close.
const FAREWELL: Duration = Duration::from_secs(5);

/// What a pool is like.
#[derive(Debug)]
pub(super) struct Limits {
    /// How many connections there may be.
    pub(super) most: u32,
    /// How long a statement may take.
    pub(super) statement: Duration,
    /// What is sent on a new connection; nothing, or statements that end with `; `.
    pub(super) setup: String,
}

/// Where connections come from. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// The pool of this file.
    Own(Arc<Shared>),
    /// A pool of sqlx's, which somebody else opened.
    Given(PgPool),
}

/// What the holders of a pool share.
#[derive(Debug)]
pub(super) struct Shared {
    hosts: Hosts,
    limits: Limits,
    permits: Arc<Semaphore>,
    /// The one that was used last is at the end, and is used next.
    idle: Mutex<VecDeque<Live>>,
    opened: AtomicU32,
    waits: AtomicU64,
    is_closed: AtomicBool,
}

/// An open connection.
#[derive(Debug)]
struct Live {
    raw: sqlx::PgConnection,
    host: usize,
    takes_changes: bool,
    opened: Instant,
    tested: Instant,
    used: Instant,
    life: Duration,
}

/// How many connections a pool may have, has open, and has in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolState {
    /// How many there may be.
    pub most: u32,
    /// How many wait for their next use.
    pub idle: u32,
    /// How many are in use, or are being opened or closed.
    pub used: u32,
    /// How often somebody had to wait because all were in use, since the pool was opened.
    pub waits: u64,
}

impl Source {
    /// Opens a pool, and its first connection.
    pub(super) async fn open(hosts: Hosts, limits: Limits) -> sqlx::Result<Self> {
        let permits = usize::try_from(limits.most).unwrap_or(Semaphore::MAX_PERMITS);
        let shared = Arc::new(Shared {
            hosts,
            limits,
            permits: Arc::new(Semaphore::new(permits)),
            idle: Mutex::default(),
            opened: AtomicU32::default(),
            waits: AtomicU64::default(),
            is_closed: AtomicBool::default(),
        });
        tokio::spawn(sweep(Arc::downgrade(&shared)));
        let source = Self::Own(shared);
        drop(source.take().await?);
        Ok(source)
    }

    /// Waits for a connection.
    pub(super) async fn take(&self) -> sqlx::Result<Lease> {
        match self {
            Self::Own(shared) => match timeout(PATIENCE, shared.take()).await {
                Ok(taken) => taken.map(Lease::Own),
                Err(_) => Err(sqlx::Error::PoolTimedOut),
            },
            Self::Given(pool) => Ok(Lease::Given(pool.acquire().await?)),
        }
    }

    /// Closes every connection after the statements in progress have ended.
    pub(super) async fn close(&self) {
        let shared = match self {
            Self::Own(shared) => shared,
            Self::Given(pool) => return pool.close().await,
        };
        shared.is_closed.store(true, Ordering::Release);
        let idle = std::mem::take(&mut *shared.idle());
        for live in idle {
            live.end().await;
        }
        // Whoever gives one back now closes it, and only then somebody else may have one.
        drop(shared.permits.acquire_many(shared.limits.most).await);
        shared.permits.close();
    }

    pub(super) fn state(&self) -> PoolState {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        match self {
            Self::Own(shared) => PoolState {
                most: shared.limits.most,
                idle: count(shared.idle().len()),
                used: shared
                    .limits
                    .most
                    .saturating_sub(count(shared.permits.available_permits())),
                waits: shared.waits.load(Ordering::Relaxed),
            },
            Self::Given(pool) => PoolState {
                most: pool.options().get_max_connections(),
                idle: count(pool.num_idle()),
                used: pool.size().saturating_sub(count(pool.num_idle())),
                waits: 0,
            },
        }
    }
}

impl Shared {
    fn idle(&self) -> MutexGuard<'_, VecDeque<Live>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    async fn take(self: &Arc<Self>) -> sqlx::Result<Own> {
        if self.permits.available_permits() == 0 {
            self.waits.fetch_add(1, Ordering::Relaxed);
        }
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| sqlx::Error::PoolClosed)?;
        if self.is_closed() {
            return Err(sqlx::Error::PoolClosed);
        }
        loop {
            // The lock must not be held across an await.
            let next = self.idle().pop_back();
            let Some(live) = next else { break };
            if let Some(live) = self.test(live).await {
                return Ok(self.lease(live, permit, false));
            }
        }
        self.open(permit).await
    }

    /// Returns an idle connection if it can be used.
    async fn test(&self, mut live: Live) -> Option<Live> {
        if self.is_over(&live) {
            live.end_later(None);
            return None;
        }
        if live.tested.elapsed() < TESTED_FOR {
            return Some(live);
        }
        match timeout(TEST, takes_changes(&mut live.raw)).await {
            Ok(Ok(true)) => {
                live.tested = Instant::now();
                Some(live)
            }
            // A new connection will tell whether the server takes no changes at all.
            Ok(Ok(false)) if live.takes_changes => {
                live.end_later(None);
                None
            }
            Ok(Ok(false)) => Some(live),
            Ok(Err(_)) => None,
            Err(_) => {
                // The others lead to the same silence.
                self.idle().clear();
                None
            }
        }
    }

    /// Whether a connection isn't used any more.
    fn is_over(&self, live: &Live) -> bool {
        self.is_closed()
            || live.host != self.hosts.present()
            || live.opened.elapsed() > live.life
            || (!live.takes_changes && live.opened.elapsed() > READ_ONLY_FOR)
    }

    fn lease(self: &Arc<Self>, live: Live, permit: OwnedSemaphorePermit, is_new: bool) -> Own {
        Own {
            live: Some(live),
            permit: Some(permit),
            shared: Arc::clone(self),
            is_new,
            is_in_use: false,
            is_last: false,
        }
    }

    /// Opens a connection in a task of its own: if nobody waits for it any more, it waits for its next use.
    async fn open(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> sqlx::Result<Own> {
        let (sender, receiver) = oneshot::channel();
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let opened = timeout(PATIENCE, shared.connect(|| sender.is_closed())).await;
            let opened = opened.unwrap_or(Err(sqlx::Error::PoolTimedOut));
            drop(sender.send(opened.map(|live| shared.lease(live, permit, true))));
        });
        receiver.await.map_err(|_| sqlx::Error::PoolClosed)?
    }

    /// Connects, and tries again for as long as somebody waits and the server may only be starting.
    async fn connect(&self, is_given_up: impl Fn() -> bool) -> sqlx::Result<Live> {
        let (begin, (mut pause, longest)) = (Instant::now(), PAUSES);
        let opened = loop {
            match self.hosts.open(&self.limits.setup).await {
                Err(error) if is_passing(&error) && !is_given_up() && begin.elapsed() + pause < PATIENCE => {
                    sleep(pause).await;
                    pause = (pause * 2).min(longest);
                }
                opened => break opened?,
            }
        };
        let nth = self.opened.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        Ok(Live {
            raw: opened.raw,
            host: opened.host,
            takes_changes: opened.takes_changes,
            opened: now,
            tested: now,
            used: now,
            // Sixteen different lives.
            life: LIFE.saturating_sub(SPREAD / 16 * (nth % 16)),
        })
    }

    fn put_back(&self, mut live: Live, permit: OwnedSemaphorePermit) {
        if self.is_over(&live) {
            live.end_later(Some(permit));
            return;
        }
        live.used = Instant::now();
        self.idle().push_back(live);
    }

    /// Ends a statement or a transaction that nobody waits for any more, and then puts the connection back.
    async fn bring_to_order(self: Arc<Self>, mut live: Live, permit: OwnedSemaphorePermit) {
        let in_order = timeout(self.limits.statement + GRACE, live.raw.ping()).await;
        if let Ok(Ok(())) = in_order {
            self.put_back(live, permit);
        }
    }
}

impl Live {
    async fn end(self) {
        drop(timeout(FAREWELL, self.raw.close()).await);
    }

    /// Ends it in the background; it counts until then.
    fn end_later(self, permit: Option<OwnedSemaphorePermit>) {
        // Without a runtime the program is ending, and with it the connection.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                self.end().await;
                drop(permit);
            });
        }
    }
}

/// Whether a server that failed like that may be there soon.
fn is_passing(error: &sqlx::Error) -> bool {
    if let sqlx::Error::Database(database) = error {
        // Too many connections; shutting down, starting.
        return ["53300", "57P01", "57P02", "57P03"].contains(&database.code().unwrap_or_default().as_ref());
    }
    let sqlx::Error::Io(error) = error else { return false };
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::Other
    )
}

/// Closes connections that nobody used for long, for as long as there is the pool.
async fn sweep(pool: Weak<Shared>) {
    loop {
        sleep(SWEEP).await;
        let Some(shared) = pool.upgrade() else { return };
        loop {
            let next = {
                let mut idle = shared.idle();
                let is_old = idle.front().is_some_and(|live| live.used.elapsed() > IDLE);
                if is_old { idle.pop_front() } else { None }
            };
            let Some(live) = next else { break };
            live.end().await;
        }
    }
}

/// A connection until it is dropped.
#[derive(Debug)]
pub(super) enum Lease {
    Own(Own),
    Given(PoolConnection<Postgres>),
}

/// A connection of the own pool until it is dropped.
#[derive(Debug)]
pub(super) struct Own {
    /// None only while it is replaced.
    live: Option<Live>,
    permit: Option<OwnedSemaphorePermit>,
    shared: Arc<Shared>,
    /// Whether it was opened for this lease.
    is_new: bool,
    /// Whether a statement or a transaction has begun and not ended.
    is_in_use: bool,
    /// Whether it can't be used any more.
    is_last: bool,
}

impl Lease {
    /// Runs something on the connection. If this is dropped before it ends, the connection is brought to order before
    /// it is used again.
    pub(super) async fn run<T, D>(&mut self, what: D) -> sqlx::Result<T>
    where
        D: for<'c> FnOnce(&'c mut sqlx::PgConnection) -> futures::future::BoxFuture<'c, sqlx::Result<T>>,
    {
        let own = match self {
            Self::Own(own) => own,
            Self::Given(given) => return what(given).await,
        };
        let limit = own.shared.limits.statement + GRACE;
        let live = own.live.as_mut().ok_or(sqlx::Error::PoolClosed)?;
        own.is_in_use = true;
        match timeout(limit, what(&mut live.raw)).await {
            Ok(outcome) => {
                own.is_in_use = false;
                outcome
            }
            Err(_) => {
                own.is_last = true;
                // Not an error of the connection: nobody should wait as long once more.
                Err(sqlx::Error::PoolTimedOut)
            }
        }
    }

    /// Has the connection closed when this is dropped.
    pub(super) fn set_last(&mut self) {
        match self {
            Self::Own(own) => own.is_last = true,
            Self::Given(given) => given.close_on_drop(),
        }
    }

    /// Whether the connection waited in the pool before, so that it may have died meanwhile.
    pub(super) fn has_waited(&self) -> bool {
        match self {
            Self::Own(own) => !own.is_new,
            Self::Given(_) => false,
        }
    }

    /// Replaces the connection by a new one.
    pub(super) async fn replace(&mut self) -> sqlx::Result<()> {
        let Self::Own(own) = self else { return Ok(()) };
        drop(own.live.take());
        let permit = own.permit.take().ok_or(sqlx::Error::PoolClosed)?;
        let opened = timeout(PATIENCE, own.shared.open(permit)).await;
        let opened = opened.map_err(|_| sqlx::Error::PoolTimedOut)??;
        *own = opened;
        Ok(())
    }

    /// Begins to roll back the transaction in progress, if there is one.
    pub(super) fn roll_back(&mut self) {
        match self {
            Self::Own(own) => {
                if let Some(live) = &mut own.live
                    && is_in_transaction(&live.raw)
                {
                    own.is_in_use = true;
                    PgTransactionManager::start_rollback(&mut live.raw);
                }
            }
            Self::Given(given) => PgTransactionManager::start_rollback(given),
        }
    }

    pub(super) fn is_in_transaction(&self) -> bool {
        match self {
            Self::Own(own) => own.live.as_ref().is_some_and(|live| is_in_transaction(&live.raw)),
            Self::Given(given) => is_in_transaction(given),
        }
    }
}

fn is_in_transaction(raw: &sqlx::PgConnection) -> bool {
    PgTransactionManager::get_transaction_depth(raw) > 0
}

impl Drop for Own {
    fn drop(&mut self) {
        let (Some(live), Some(permit)) = (self.live.take(), self.permit.take()) else {
            return;
        };
        if self.is_last {
            live.end_later(Some(permit));
        } else if !self.is_in_use {
            self.shared.put_back(live, permit);
        } else if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(Arc::clone(&self.shared).bring_to_order(live, permit));
        }
    }
}

/// A pool of sqlx's for one listener, at this address, opened when it is needed. It allows a second connection, in case
/// the first no longer answers and can't even be closed.
pub(super) fn for_listener(options: sqlx::postgres::PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(2)
        .acquire_timeout(PATIENCE)
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_lazy_with(options)
}
