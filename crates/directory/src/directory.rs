//! The directory: the connections to the database, the operator's settings, and the sources of time and ids.
//!
//! Owns the type that every use case is a method of. It must not know any use case.

use std::{future::Future, sync::Arc, time::Instant};

use policy::Quotas;
use sqlx::PgPool;
use time::{Date, OffsetDateTime};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::{
    BreachedPasswords, Result,
    connections::{Direct, Pool},
};

/// The time and the result of the last probe.
pub(crate) type LastProbe = Arc<Mutex<Option<(Instant, bool)>>>;

/// The operator's settings for the whole installation.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Whether anybody may create an account, or only invited people.
    pub open_sign_up: bool,
    /// Whether a new organization may create projects besides its default one (P1).
    pub additional_projects: bool,
    /// Whether failed adds tell less to project Admins who are not members (X6).
    pub neutral_add_errors: bool,
    /// Whether there is a mail server. Without one, links are shown and none is mailed.
    pub sends_mail: bool,
    /// The quotas on what uses disk space (J12).
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
    /// The direct connections to the database, past a pooler if there is one.
    pub(crate) direct: Direct,
    pub(crate) last_probe: LastProbe,
    pub(crate) settings: Settings,
    pub(crate) breached: Option<BreachedPasswords>,
    pub(crate) clock: fn() -> OffsetDateTime,
    pub(crate) ids: fn() -> Uuid,
}

impl Directory {
    /// Returns a directory that uses an open pool.
    #[must_use]
    pub fn new(pool: PgPool, settings: Settings) -> Self {
        Self::over(pool.clone().into(), pool.into(), settings)
    }

    pub(crate) fn over(pool: Pool, direct: Direct, settings: Settings) -> Self {
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

    /// Returns the same directory, which refuses breached passwords as new ones (J6).
    #[must_use]
    pub fn refusing(self, breached: Option<BreachedPasswords>) -> Self {
        Self { breached, ..self }
    }

    /// Returns the same directory with another clock, for tests.
    #[must_use]
    pub fn with_clock(self, clock: fn() -> OffsetDateTime) -> Self {
        Self { clock, ..self }
    }

    /// Returns the same directory with another source of ids, for tests.
    #[must_use]
    pub fn with_ids(self, ids: fn() -> Uuid) -> Self {
        Self { ids, ..self }
    }

    /// Returns the operator's settings.
    #[must_use]
    pub const fn settings(&self) -> Settings {
        self.settings
    }

    /// Runs a task in the background of the request that caused it. The request doesn't wait for it, and a failure is
    /// only logged.
    pub(crate) fn spawn_best_effort(what: &'static str, doing: impl Future<Output = Result<()>> + Send + 'static) {
        tokio::spawn(async move {
            if let Err(error) = doing.await {
                tracing::debug!(%error, "{what} was not noted");
            }
        });
    }

    /// Returns the present day (UTC).
    #[must_use]
    pub fn today(&self) -> Date {
        self.now().date()
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        (self.clock)()
    }
}

#[expect(clippy::disallowed_methods, reason = "where the time comes in")]
pub(crate) fn system_time() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

#[expect(clippy::disallowed_methods, reason = "where ids come in")]
fn time_ordered_id() -> Uuid {
    Uuid::now_v7()
}
