//! What is true, and the only way to change it.
//!
//! Owns every table, every line of SQL, and the use cases: one function, one transaction, in which the rows are locked,
//! the actor's standing is read, [`policy`] decides, the change is made, and the audit row is written. It must not know
//! how questions arrive or answers look: no HTTP, no screens, no words for people.

#![cfg_attr(
    test,
    expect(clippy::disallowed_methods, reason = "tests choose their own moments and ids")
)]

mod accounts;
mod api_keys;
mod attempts;
mod audit;
mod authorization;
mod collaborators;
mod confirmation;
mod connections;
mod database;
mod demo;
mod devices;
mod email_changes;
mod error;
mod flashes;
mod gateways;
mod hints;
mod invitations;
mod limits;
mod links;
mod made_keys;
mod members;
mod memberships;
mod meters;
mod notices;
mod obstacles;
mod organizations;
mod outbox;
mod owned_assets;
mod paging;
mod passwords;
mod people;
mod projects;
mod quotas;
mod readiness;
mod repeats;
mod resources;
mod secret;
mod sessions;
mod ssh_key_text;
mod ssh_keys;
mod ssh_proofs;
mod submissions;
mod takeover;
#[cfg(test)]
mod tests;
mod tokens;
mod usage;
mod usage_corrections;
mod users;
mod verification;

pub use accounts::OpenedReset;
pub use api_keys::{ApiKey, ApiKeyList, ApiKeyQuery, KeyView, NewApiKey};
pub use audit::{AuditEvent, AuditPage};
pub use authorization::{
    change::Change,
    evaluate::Target,
    gateway::{AccessDecision, AccessRequest, AuthorizedKey},
    permitted::Permitted,
    principal::{ApiKeyIdentity, Credential, Identity, Origin, Principal, Subject},
    target::{ProjectContext, ProjectRef},
    writer::Writer,
};
pub use collaborators::{Added, Collaborator, CollaboratorKind, CollaboratorList, CollaboratorQuery, Removal};
pub use database::{Blocked, Database};
pub use demo::{DEMO_PASSWORD, DemoError};
pub use devices::DeviceToken;
pub use email_changes::{OpenedEmailChange, OpenedEmailUndo};
pub use error::{Error, Result};
pub use flashes::{FlashHolder, FlashTicket};
pub use gateways::{Allowed, GatewayPlace, GatewayScope, GatewayToken, KnownGateways, NewGatewayToken};
pub use hints::{Hint, Hints};
pub use invitations::{
    Delivery, Invitation, InvitationList, InvitationQuery, InvitationState, Joined, NewInvitation, Opened,
};
pub use links::LinkToken;
pub use made_keys::KeyChoice;
pub use members::{Member, MemberList, MemberQuery, MemberRemoval, RemovalPreview};
pub use meters::{MeterToken, OrganizationRef};
pub use notices::Notice;
pub use obstacles::{Obstacle, Pooled, Unanswered, Unfit, Unowned, Unreached};
pub use organizations::{OrganizationReport, OrganizationSettings, OrganizationSummary, OrganizationView};
pub use outbox::{Mail, MailAbout};
pub use owned_assets::{MadeKey, OwnedAssets};
pub use passwords::BreachedPasswords;
pub use people::{Cursor, Order, PeopleSort};
pub use projects::{
    ListedProject, ProjectChange, ProjectContents, ProjectCursor, ProjectList, ProjectQuery, ProjectSummary,
    ProjectView,
};
pub use resources::{
    Creator, KindSummary, Resource, ResourceChange, ResourceCursor, ResourceList, ResourceOverview, ResourceQuery,
    ResourceSort,
};
pub use sessions::{NewSession, Session, SessionToken, SignedInAt};
pub use ssh_key_text::has_private_key;
pub use ssh_keys::SshKey;
pub use ssh_proofs::SshKeyProof;
pub use submissions::{Sent, Submission};
pub use time::{Date, OffsetDateTime};
pub use tokens::{Token, TokenKind};
pub use usage::{UsageRecord, UsageReport, UsageSum, UsageTaken};
pub use users::NewAccount;
pub use verification::{OpenedVerification, Verified};

use std::{future::Future, net::IpAddr, path::PathBuf, time::Duration};
use uuid::Uuid;

use policy::Quotas;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgSslMode},
};

use connections::Pool;
use readiness::LastProbe;

/// The database ends a statement of people and programs that takes longer, waiting for locks included: nobody waits for
/// its answer any more.
pub const STATEMENT: Duration = Duration::from_secs(30);

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
    pool: Pool,
    /// The way to the database past a pooler, if there is one.
    direct: PgPool,
    last_probe: LastProbe,
    settings: Settings,
    breached: Option<BreachedPasswords>,
    clock: fn() -> OffsetDateTime,
    ids: fn() -> Uuid,
}

impl Directory {
    /// Connects to the database at `url`, up to `connections` at once; waits up to 10 s for the first. The database
    /// ends a statement that takes longer than [`STATEMENT`].
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the URL is not one or the database does not answer.
    pub async fn connect(url: &str, connections: u32, settings: Settings) -> Result<Self> {
        Self::connect_for(url, connections, STATEMENT, settings).await
    }

    /// The same with another limit on the time of a statement, for those who don't wait that long.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the URL is not one or the database does not answer.
    pub async fn connect_for(url: &str, connections: u32, statement: Duration, settings: Settings) -> Result<Self> {
        Database::at(url)?.directory(connections, statement, settings).await
    }

    /// Whether what goes to the database at `url` and back can't be read on the way: it stays on this machine, or TLS
    /// is required.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the URL is not one.
    pub fn is_sealed(url: &str) -> Result<bool> {
        let options: PgConnectOptions = url.parse()?;
        let host = options.get_host();
        let is_near = options.get_socket().is_some()
            || host.starts_with('/')
            || host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback());
        let asks_for_tls = matches!(
            options.get_ssl_mode(),
            PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull
        );
        Ok(is_near || asks_for_tls)
    }

    /// The Unix socket of the database at `url`; none if it is reached over a network.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the URL is not one.
    pub fn socket_of(url: &str) -> Result<Option<PathBuf>> {
        let options: PgConnectOptions = url.parse()?;
        let port = options.get_port();
        Ok(options
            .get_socket()
            .map(|folder| folder.join(format!(".s.PGSQL.{port}"))))
    }

    /// A directory over a pool that is open already.
    #[must_use]
    pub fn new(pool: PgPool, settings: Settings) -> Self {
        Self::over(pool.clone().into(), pool, settings)
    }

    fn over(pool: Pool, direct: PgPool, settings: Settings) -> Self {
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

    /// Brings the schema up to date. Safe to run on several servers at once: it takes a lock.
    ///
    /// # Errors
    /// [`Error::Internal`] with the migration that failed.
    pub async fn migrate(&self) -> Result<()> {
        // On a connection of its own, which is closed afterwards: a migration may take as long as it takes.
        let mut connection = self.direct.acquire().await?;
        let done = database::migrate(&mut connection).await;
        connection.close().await?;
        done.map_err(|error| Error::Internal(error.to_string()))
    }

    /// Closes every connection, once what is under way is done.
    pub async fn close(&self) {
        self.pool.close().await;
        self.direct.close().await;
    }

    /// Does something beside the request that gave rise to it: it holds nobody up, and is never a reason to fail.
    fn spawn_best_effort(what: &'static str, doing: impl Future<Output = Result<()>> + Send + 'static) {
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

#[expect(clippy::disallowed_methods, reason = "where the time comes in")]
fn system_time() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

#[expect(clippy::disallowed_methods, reason = "where ids come in")]
fn time_ordered_id() -> Uuid {
    Uuid::now_v7()
}
