//! Hints: what changed, sent over PostgreSQL's NOTIFY to every server when a change commits.
//!
//! Owns the hints' form and the connection that listens. It must not know who receives them. A hint makes an open page
//! request its content again. It never carries what changed, and nothing relies on its arrival: the tables are read at
//! every request.

use std::{fmt, str::FromStr, time::Duration};

use policy::{OrganizationId, ProjectId, UserId};
use sqlx::{Executor, postgres::PgListener};
use tokio::time::{Instant, timeout};

use crate::{Directory, Result, connections::Direct};

/// How long the server may take to answer.
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
        let (listener, host) = self.direct.listener(Hint::CHANNEL).await?;
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
                    (self.listener, self.host) = self.direct.listener(Hint::CHANNEL).await?;
                    self.heard = Instant::now();
                    return Ok(Hint::Everything);
                }
            }
        }
    }

    /// Whether the connection still leads to the present host, and answers if nothing was heard for long.
    async fn is_connected(&mut self) -> bool {
        if self.host != self.direct.present() {
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
