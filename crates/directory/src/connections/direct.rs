//! The direct way to the database, past a pooler if there is one.
//!
//! Owns connections that are for one purpose: to listen, and to migrate. It must not know what is listened for.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::{Connection, PgPool, postgres::PgListener};
use tokio::time::timeout;

use super::{hosts::Hosts, pool::for_listener};

/// How long the direct connection may take to open.
const PATIENCE: Duration = Duration::from_secs(10);

/// The direct way to the database, past a pooler if there is one. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Direct {
    hosts: Hosts,
    /// The pool that a listener has its connection from, for the host that was the present one then.
    listening: Arc<Mutex<Option<PgPool>>>,
    /// A pool that somebody else opened.
    given: Option<PgPool>,
}

impl From<PgPool> for Direct {
    fn from(given: PgPool) -> Self {
        let hosts = (*given.connect_options()).clone().into();
        Self {
            given: Some(given),
            ..Self::to(hosts)
        }
    }
}

impl Direct {
    pub(crate) fn to(hosts: Hosts) -> Self {
        Self {
            hosts,
            listening: Arc::default(),
            given: None,
        }
    }

    /// Opens a connection without limits on time.
    pub(crate) async fn connection(&self) -> sqlx::Result<sqlx::PgConnection> {
        let opened = timeout(PATIENCE, self.hosts.open("")).await;
        Ok(opened.map_err(|_| sqlx::Error::PoolTimedOut)??.raw)
    }

    /// Starts to listen; returns the index of the host too.
    pub(crate) async fn listener(&self, channel: &str) -> sqlx::Result<(PgListener, usize)> {
        let (pool, host) = match &self.given {
            Some(given) => (given.clone(), self.hosts.present()),
            None => self.listening().await?,
        };
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen(channel).await?;
        // A lost connection is replaced by us: by then the writer may be on another host.
        listener.eager_reconnect(false);
        Ok((listener, host))
    }

    /// The pool for a listener at the present host, found out by connecting.
    async fn listening(&self) -> sqlx::Result<(PgPool, usize)> {
        let opened = timeout(PATIENCE, self.hosts.open("")).await;
        let opened = opened.map_err(|_| sqlx::Error::PoolTimedOut)??;
        let options = self.hosts.options(opened.host).ok_or(sqlx::Error::PoolClosed)?;
        drop(opened.raw.close().await);
        let pool = for_listener(options.clone());
        let former = self.keep(Some(pool.clone()));
        if let Some(former) = former {
            // It may lead to a host that is silent: nobody waits for its farewell.
            tokio::spawn(async move { former.close().await });
        }
        Ok((pool, opened.host))
    }

    /// The index of the present host.
    pub(crate) fn present(&self) -> usize {
        self.hosts.present()
    }

    fn keep(&self, pool: Option<PgPool>) -> Option<PgPool> {
        let mut kept = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *kept, pool)
    }

    pub(crate) async fn close(&self) {
        for pool in [self.keep(None), self.given.clone()].into_iter().flatten() {
            pool.close().await;
        }
    }
}
