//! The directory: the way to the database, what the operator decided, and where time and ids come in.
//!
//! Owns the type that every use case is a method of. It must not know any use case.

use std::{future::Future, sync::Arc, time::Instant};

use policy::Quotas;
use sqlx::PgPool;
use time::{Date, OffsetDateTime};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::{BreachedPasswords, Result, connections::Pool};

/// When it was last tried, and what came of it.
pub(crate) type LastProbe = Arc<Mutex<Option<(Instant, bool)>>>;

/// What the operator decides for the whole installation.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Whether anybody may make an account, or only the invited.
    pub open_sign_up: bool,
    /// Whether a new organization may create projects beside its default one (P1).
    pub additional_projects: bool,
    /// Whether failed adds say less to project Admins who are not members (X6).
    pub neutral_add_errors: bool,
    /// Whether there is a mail server: without one links are shown, and none are mailed.
    pub sends_mail: bool,
    /// How many there may be of what fills a disk (J12).
    pub quotas: Quotas,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            open_sign_up: true,
            additional_projects: true,
            neutral_add_errors: false,
            sends_mail: false,
            quotas: Quotas::default(),
        }
    }
}

/// The directory of people, organizations, projects and who may do what in them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Directory {
    pub(crate) pool: Pool,
    /// The way to the database past a pooler, if there is one.
    pub(crate) direct: PgPool,
    pub(crate) last_probe: LastProbe,
    pub(crate) settings: Settings,
    pub(crate) breached: Option<BreachedPasswords>,
    pub(crate) clock: fn() -> OffsetDateTime,
    pub(crate) ids: fn() -> Uuid,
}

impl Directory {
    /// A directory over a pool that is open already.
    #[must_use]
    pub fn new(pool: PgPool, settings: Settings) -> Self {
        Self::over(pool.clone().into(), pool, settings)
    }

    pub(crate) fn over(pool: Pool, direct: PgPool, settings: Settings) -> Self {
        Self {
            pool,
            direct,
            last_probe: LastProbe::default(),
            settings,
            breached: None,
            clock: system_time,
            ids: time_ordered_id,
        }
    }

    /// The same directory, which takes none of these as a new password (J6).
    #[must_use]
    pub fn refusing(self, breached: Option<BreachedPasswords>) -> Self {
        Self { breached, ..self }
    }

    /// The same directory with another clock, for tests.
    #[must_use]
    pub fn with_clock(self, clock: fn() -> OffsetDateTime) -> Self {
        Self { clock, ..self }
    }

    /// The same directory with another source of ids, for tests.
    #[must_use]
    pub fn with_ids(self, ids: fn() -> Uuid) -> Self {
        Self { ids, ..self }
    }

    /// What the operator decided.
    #[must_use]
    pub const fn settings(&self) -> Settings {
        self.settings
    }

    /// Does something beside the request that gave rise to it: it holds nobody up, and is never a reason to fail.
    pub(crate) fn spawn_best_effort(what: &'static str, doing: impl Future<Output = Result<()>> + Send + 'static) {
        tokio::spawn(async move {
            if let Err(error) = doing.await {
                tracing::debug!(%error, "{what} was not noted");
            }
        });
    }

    /// The day it is (UTC).
    #[must_use]
    pub fn today(&self) -> Date {
        self.now().date()
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        (self.clock)()
    }
}

#[expect(clippy::disallowed_methods, reason = "where the time comes in")]
fn system_time() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

#[expect(clippy::disallowed_methods, reason = "where ids come in")]
fn time_ordered_id() -> Uuid {
    Uuid::now_v7()
}
