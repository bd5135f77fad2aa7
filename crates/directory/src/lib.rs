//! What is true, and the only way to change it.
//!
//! Owns every table, every line of SQL, and the use cases: one function, one transaction, in which the rows are locked, the
//! actor's standing is read, [`policy`] decides, the change is made, and the audit row is written. It must not know how
//! questions arrive or answers look: no HTTP, no screens, no words for people.

mod access;
mod accounts;
mod actor;
mod api_keys;
mod attempts;
mod audit;
mod change;
mod collaborators;
mod demo;
mod enforcement;
mod error;
mod flashes;
mod gateways;
mod hints;
mod invitations;
mod members;
mod network;
mod organizations;
mod outbox;
mod paging;
mod people;
mod projects;
mod quotas;
mod remains;
mod resources;
mod secret;
mod sessions;
mod ssh_keys;
#[cfg(test)]
mod tests;
mod tokens;
mod usage;
mod workplace;

pub use accounts::NewAccount;
pub use actor::{Actor, Agent, KeyActor, Origin};
pub use api_keys::{ApiKey, ApiKeyList, ApiKeyQuery, KeyView, NewApiKey};
pub use audit::{AuditEvent, AuditPage};
pub use collaborators::{Added, Collaborator, CollaboratorKind, CollaboratorList, CollaboratorQuery, Removal};
pub use demo::{DEMO_PASSWORD, DemoError};
pub use enforcement::{AuthorizedKey, Caller, Question, Subject, Verdict};
pub use error::{Error, Result};
pub use flashes::{FlashHolder, FlashTicket};
pub use gateways::GatewayToken;
pub use hints::{Hint, Hints};
pub use invitations::{
    Delivery, Invitation, InvitationList, InvitationQuery, InvitationState, Joined, LinkToken, NewInvitation, Opened,
};
pub use members::{Departure, Member, MemberList, MemberQuery, MemberRemoval};
pub use organizations::{OrganizationReport, OrganizationSettings, OrganizationSummary, OrganizationView};
pub use outbox::{Mail, MailAbout};
pub use people::{Cursor, Order, PeopleSort};
pub use projects::{
    ListedProject, ProjectChange, ProjectContents, ProjectCursor, ProjectList, ProjectQuery, ProjectSummary,
    ProjectView,
};
pub use remains::{MadeKey, Remains};
pub use resources::{
    Creator, KindSummary, Resource, ResourceChange, ResourceCursor, ResourceList, ResourceOverview, ResourceQuery,
    ResourceSort,
};
pub use sessions::{NewSession, Session, SessionToken, SignedInAt};
pub use ssh_keys::SshKey;
pub use time::{Date, OffsetDateTime};
pub use tokens::{Token, TokenKind};
pub use usage::{UsageRecord, UsageReport, UsageSum};
pub use workplace::{ProjectRef, Viewer, Workplace};

use std::{future::Future, time::Duration};

use policy::Quotas;
use sqlx::{PgPool, postgres::PgConnectOptions, postgres::PgPoolOptions};

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
    pool: PgPool,
    settings: Settings,
    clock: fn() -> OffsetDateTime,
}

impl Directory {
    /// Connects to the database at `url`, up to `connections` at once; waits up to 10 s for the first.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the URL is not one or the database does not answer.
    pub async fn connect(url: &str, connections: u32, settings: Settings) -> Result<Self> {
        let options: PgConnectOptions = url.parse()?;
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options.application_name("roster"))
            .await?;
        Ok(Self::new(pool, settings))
    }

    /// A directory over a pool that is open already.
    #[must_use]
    pub fn new(pool: PgPool, settings: Settings) -> Self {
        Self {
            pool,
            settings,
            clock: OffsetDateTime::now_utc,
        }
    }

    /// The same directory with another clock, for tests.
    #[must_use]
    pub fn with_clock(self, clock: fn() -> OffsetDateTime) -> Self {
        Self { clock, ..self }
    }

    /// What the operator decided.
    #[must_use]
    pub const fn settings(&self) -> Settings {
        self.settings
    }

    /// Brings the schema up to date. Safe to run on several servers at once: it takes a lock.
    ///
    /// # Errors
    /// [`Error::Internal`] with the migration that failed.
    pub async fn migrate(&self) -> Result<()> {
        sqlx::migrate!()
            .run(&self.pool)
            .await
            .map_err(|error| Error::Internal(error.to_string()))
    }

    /// Asks the database for a sign of life (`GET /readyz`).
    ///
    /// # Errors
    /// [`Error::Unavailable`] if there is none.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Closes every connection, once what is under way is done.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Does something beside the request that gave rise to it: it holds nobody up, and is never a reason to fail.
    fn beside(what: &'static str, doing: impl Future<Output = Result<()>> + Send + 'static) {
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

    fn now(&self) -> OffsetDateTime {
        (self.clock)()
    }
}
