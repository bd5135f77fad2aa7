//! Hints: what changed, sent over PostgreSQL's NOTIFY to every server when a change commits.
//!
//! Owns the hints' form and the connection that listens. It must not know who receives them. A hint makes an open page
//! request its content again. It never carries what changed, and nothing relies on its arrival: the tables are read at
//! every request.

use std::{
    fmt,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use policy::{OrganizationId, ProjectId, UserId};
use sqlx::{Connection, Executor, PgPool, postgres::PgListener};
use tokio::time::{Instant, timeout};

use crate::{
    Directory, Result,
    connections::{Hosts, for_listener},
};

/// How long the direct connection may take to open, and to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a listener looks whether another host has become the present one.
const LOOK: Duration = Duration::from_secs(1);
/// How long nothing may be heard before the server is asked whether it is still there.
const SILENCE: Duration = Duration::from_secs(10);

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hint {
    /// Something in an organization: members, projects, settings.
    Organization(OrganizationId),
    /// Something in a project: collaborators, settings.
    Project(ProjectId),
    /// Something about a person: access, sessions, name.
    User(UserId),
    /// An organization's invitations, or the delivery state of their mail.
    Invitations(OrganizationId),
    /// There is mail to send.
    Mail,
    /// Anything may have changed, since hints may have been missed.
    Everything,
}

impl Hint {
    pub(crate) const CHANNEL: &'static str = "roster";
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization(id) => write!(f, "organization {id}"),
            Self::Project(id) => write!(f, "project {id}"),
            Self::User(id) => write!(f, "user {id}"),
            Self::Invitations(id) => write!(f, "invitations {id}"),
            Self::Mail => f.write_str("mail"),
            Self::Everything => f.write_str("everything"),
        }
    }
}

impl FromStr for Hint {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        match text.split_once(' ') {
            Some(("organization", id)) => id.parse().map(Self::Organization).map_err(drop),
            Some(("project", id)) => id.parse().map(Self::Project).map_err(drop),
            Some(("invitations", id)) => id.parse().map(Self::Invitations).map_err(drop),
            Some(("user", id)) => id.parse().map(Self::User).map_err(drop),
            None if text == "mail" => Ok(Self::Mail),
            Some(_) | None => Err(()),
        }
    }
}

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
    async fn listener(&self) -> sqlx::Result<(PgListener, usize)> {
        let (pool, host) = match &self.given {
            Some(given) => (given.clone(), self.hosts.present()),
            None => self.listening().await?,
        };
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen(Hint::CHANNEL).await?;
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

/// The stream of this database's hints.
#[derive(Debug)]
pub struct Hints {
    direct: Direct,
    listener: PgListener,
    host: usize,
    heard: Instant,
}

impl Directory {
    /// Starts to listen, on a connection of its own.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn hints(&self) -> Result<Hints> {
        let (listener, host) = self.direct.listener().await?;
        Ok(Hints {
            direct: self.direct.clone(),
            listener,
            host,
            heard: Instant::now(),
        })
    }
}

impl Hints {
    /// Waits for the next hint. After a lost connection, or a change of the host, it is [`Hint::Everything`], since
    /// some may have been missed.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable) while the database can't be reached; the caller may try again.
    pub async fn next(&mut self) -> Result<Hint> {
        loop {
            let heard = timeout(LOOK, self.listener.try_recv()).await;
            match heard {
                Ok(Ok(Some(notification))) => {
                    self.heard = Instant::now();
                    return Ok(notification.payload().parse().unwrap_or(Hint::Everything));
                }
                Ok(Err(sqlx::Error::PoolClosed)) => return Err(sqlx::Error::PoolClosed.into()),
                Err(_) if self.is_connected().await => {}
                // Lost, or silent.
                Ok(Ok(None) | Err(_)) | Err(_) => {
                    (self.listener, self.host) = self.direct.listener().await?;
                    self.heard = Instant::now();
                    return Ok(Hint::Everything);
                }
            }
        }
    }

    /// Whether the connection still leads to the present host, and answers if nothing was heard for long.
    async fn is_connected(&mut self) -> bool {
        if self.host != self.direct.hosts.present() {
            return false;
        }
        if self.heard.elapsed() < SILENCE {
            return true;
        }
        self.heard = Instant::now();
        let asked = self.listener.execute(sqlx::raw_sql("SELECT 1"));
        timeout(PATIENCE, asked).await.is_ok_and(|answered| answered.is_ok())
    }
}
