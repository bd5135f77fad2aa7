//! The database's address, and whether that database can be used.
//!
//! Owns the checks at the start, so that the operator is told the cause and not its consequences, and the migrations.
//! It must not know any use case.

mod diagnosis;

use std::{net::IpAddr, path::PathBuf, time::Duration};

use sqlx::{
    Connection, Executor, Row,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgRow, PgSslMode},
};
use tokio::time::timeout;

use crate::{
    Directory, Result, Settings,
    connections::{BadAddress, Direct, Hosts, Pool, PoolState},
    obstacles::{Obstacle, Pooled, Unanswered, Unfit, Unowned, Unreached},
};

pub use diagnosis::Finding;

/// The time after which the database ends a statement for people and programs, including the wait for locks: by then
/// the client has given up.
pub const STATEMENT: Duration = Duration::from_secs(30);

/// How long a connection may take to open.
const PATIENCE: Duration = Duration::from_secs(10);
/// The oldest version of PostgreSQL that is supported.
const OLDEST: i32 = 15;
/// How many connections are opened to detect sharing: a pooler may have several processes, and clients share only
/// within one.
const WITNESSES: u32 = 5;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// The facts that are checked before a database is used.
const FACTS: &str = "
    SELECT current_setting('server_version_num')::int4 AS version_number, current_setting('server_version') AS version,
        current_setting('server_encoding') AS encoding, current_user::text AS role, current_schema()::text AS schema,
        COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create,
        current_setting('transaction_read_only')::bool AS is_read_only,
        EXISTS (SELECT FROM pg_catalog.pg_collation WHERE collname = 'und-x-icu') AS has_icu,
        EXISTS (SELECT FROM pg_catalog.pg_available_extensions WHERE name = 'pg_trgm') AS has_trigrams,
        has_database_privilege(current_database(), 'CREATE') AS may_extend,
        (SELECT n.nspname::text FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
         WHERE e.extname = 'pg_trgm') AS trigrams,
        EXISTS (SELECT FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
                WHERE e.extname = 'pg_trgm' AND n.nspname = ANY (current_schemas(true))) AS finds_trigrams,
        (SELECT pg_get_userbyid(c.relowner)::text FROM pg_catalog.pg_class c
         WHERE c.oid = to_regclass('_sqlx_migrations') AND NOT pg_has_role(c.relowner, 'USAGE')) AS owner,
        LEAST(current_setting('max_connections')::int4 - current_setting('superuser_reserved_connections')::int4,
            (SELECT NULLIF(rolconnlimit, -1) FROM pg_catalog.pg_roles WHERE rolname = current_user),
            (SELECT NULLIF(datconnlimit, -1) FROM pg_catalog.pg_database WHERE datname = current_database())
        ) AS connections";

/// Identifies the server and the database of a connection: two connections with the same value lead to the same
/// database.
const IDENTITY: &str = "SELECT concat_ws(' ', pg_postmaster_start_time(), d.oid) FROM pg_catalog.pg_database d
    WHERE d.datname = current_database()";

/// The address of the database, and how it is reached. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Database {
    /// The address for most connections: the server's, or a pooler's.
    through: Hosts,
    /// The server's own address, for what needs its own connection: hints, and the migrations' lock.
    direct: Hosts,
    /// Whether server connections may be shared with other clients between transactions.
    is_pooled: bool,
}

/// Why a database can't be used, and through which address that was found.
#[derive(Debug)]
pub struct Blocked {
    /// Whether it was found through the direct address.
    pub is_direct: bool,
    /// The host where it was found, if the address has several and it is about one of them.
    pub host: Option<String>,
    /// The obstacle.
    pub by: Obstacle,
}

impl Database {
    /// Returns the database at `url`, reached directly or through a pooler in session mode.
    ///
    /// # Errors
    /// What the URL must be, if it is invalid.
    pub fn at(url: &str) -> std::result::Result<Self, BadAddress> {
        let through: Hosts = url.parse()?;
        Ok(Self {
            direct: through.clone(),
            through,
            is_pooled: false,
        })
    }

    /// Returns the same database, with `url` as its direct address past the pooler.
    ///
    /// # Errors
    /// What the URL must be, if it is invalid.
    pub fn past_pooler(self, url: &str) -> std::result::Result<Self, BadAddress> {
        Ok(Self {
            direct: url.parse()?,
            is_pooled: true,
            ..self
        })
    }

    /// Returns the same database, used as if there were a pooler: a little slower, and correct in either case.
    #[must_use]
    pub fn as_if_pooled(self) -> Self {
        Self {
            is_pooled: true,
            ..self
        }
    }

    /// Opens a directory with up to `connections` of its own, the first one at once. The server ends a statement that
    /// takes longer than `statement`.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn directory(&self, connections: u32, statement: Duration, settings: Settings) -> Result<Directory> {
        let pool = Pool::open(self.through.clone(), connections, statement, self.is_pooled).await?;
        Ok(Directory::over(pool, Direct::to(self.direct.clone()), settings))
    }

    /// Checks whether the database can be used with this number of `connections`.
    ///
    /// # Errors
    /// The obstacle.
    pub async fn check(&self, connections: u32) -> std::result::Result<(), Blocked> {
        let through = |by| self.blocked(false, by);
        let mut connection = connect(&self.through).await.map_err(through)?;
        let facts = connection
            .fetch_one(sqlx::raw_sql(FACTS))
            .await
            .map_err(|error| through(Obstacle::of(error)))?;
        check_facts(&facts).map_err(through)?;
        drop(connection.close().await);
        let shares = shares_connections(&self.through, connections).await.map_err(through)?;
        if !self.is_pooled {
            if shares {
                return Err(through(Pooled::TransactionPooling.into()));
            }
            warn_of_limit(&facts, connections);
            return Ok(());
        }
        self.check_direct(connections)
            .await
            .map_err(|by| self.blocked(true, by))
    }

    /// An obstacle at the present host.
    fn blocked(&self, is_direct: bool, by: Obstacle) -> Blocked {
        let hosts = if is_direct { &self.direct } else { &self.through };
        // An obstacle that is about each host says so itself.
        let is_of_all = matches!(by, Obstacle::Hosts(_));
        let host = hosts.name(hosts.present()).filter(|_| !is_of_all);
        Blocked {
            is_direct,
            host: host.map(str::to_owned),
            by,
        }
    }

    /// Checks whether a connection to the database can be opened.
    ///
    /// # Errors
    /// The obstacle.
    pub async fn reach(&self) -> std::result::Result<(), Blocked> {
        let connection = connect(&self.through).await.map_err(|by| self.blocked(false, by))?;
        drop(connection.close().await);
        Ok(())
    }

    async fn check_direct(&self, connections: u32) -> std::result::Result<(), Obstacle> {
        let mut identities = Vec::new();
        for hosts in [&self.through, &self.direct] {
            let mut connection = connect(hosts).await?;
            let row = connection
                .fetch_one(sqlx::raw_sql(IDENTITY))
                .await
                .map_err(Obstacle::of)?;
            identities.push(row.try_get::<String, _>(0).map_err(Obstacle::of)?);
            drop(connection.close().await);
        }
        if identities.first() != identities.last() {
            return Err(Pooled::AnotherDatabase.into());
        }
        if shares_connections(&self.direct, connections).await? {
            return Err(Pooled::TransactionPooling.into());
        }
        Ok(())
    }

    /// Migrates the schema to the current version. Several servers may call this at the same time: it takes a lock.
    ///
    /// # Errors
    /// The obstacle.
    pub async fn migrate(&self) -> std::result::Result<(), Blocked> {
        let migrated = async {
            let mut connection = connect(&self.direct).await?;
            let done = migrate(&mut connection).await;
            drop(connection.close().await);
            done.map_err(Obstacle::of_migration)
        };
        migrated.await.map_err(|by| self.blocked(self.is_pooled, by))
    }
}

/// Migrates the schema to the current version on this connection, without a time limit.
pub(crate) async fn migrate(connection: &mut sqlx::PgConnection) -> std::result::Result<(), MigrateError> {
    connection
        .execute(sqlx::raw_sql(
            "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0",
        ))
        .await?;
    MIGRATIONS.run(connection).await
}

async fn connect(hosts: &Hosts) -> std::result::Result<sqlx::PgConnection, Obstacle> {
    match timeout(PATIENCE, hosts.open("")).await {
        Ok(opened) => opened.map(|opened| opened.raw).map_err(Obstacle::of),
        Err(_) => Err(Unreached::NoAnswer.into()),
    }
}

/// Returns whether server connections are shared with other clients between transactions: then one server connection
/// answers two of ours, or two answer one. Each is asked twice, one after the other, which detects sharing whether a
/// pooler assigns the most recently used connection first or the least recently used one.
async fn shares_connections(hosts: &Hosts, connections: u32) -> std::result::Result<bool, Obstacle> {
    let mut clients = Vec::new();
    for _ in 0..connections.min(WITNESSES) {
        clients.push(connect(hosts).await?);
    }
    let mut servers: Vec<Option<i32>> = vec![None; clients.len()];
    let mut is_shared = false;
    for _ in 0..2 {
        for (nth, client) in clients.iter_mut().enumerate() {
            for _ in 0..2 {
                let row = client.fetch_one(sqlx::raw_sql("SELECT pg_backend_pid()")).await;
                let server = row.and_then(|row| row.try_get::<i32, _>(0)).map_err(Obstacle::of)?;
                let known = servers.iter().position(|known| *known == Some(server));
                let before = servers.get(nth).copied().flatten();
                is_shared |= known.is_some_and(|known| known != nth) || before.is_some_and(|before| before != server);
                if let Some(seen) = servers.get_mut(nth) {
                    *seen = Some(server);
                }
            }
        }
    }
    // A pooler that assigns connections for each statement has no transactions.
    if let Some(client) = clients.first_mut() {
        client.execute(sqlx::raw_sql("BEGIN")).await.map_err(Obstacle::of)?;
        client.execute(sqlx::raw_sql("ROLLBACK")).await.map_err(Obstacle::of)?;
    }
    for client in clients {
        drop(client.close().await);
    }
    Ok(is_shared)
}

/// Checks the facts in the order in which an operator would fix them.
fn check_facts(row: &PgRow) -> std::result::Result<(), Obstacle> {
    let text = |name: &str| {
        row.try_get::<Option<String>, _>(name)
            .map(Option::unwrap_or_default)
            .map_err(Obstacle::of)
    };
    let is = |name: &str| row.try_get::<bool, _>(name).map_err(Obstacle::of);
    let version: i32 = row.try_get("version_number").map_err(Obstacle::of)?;
    let (role, schema, owner) = (text("role")?, text("schema")?, text("owner")?);
    if version / 10_000 < OLDEST {
        return Err(Unfit::TooOld(text("version")?).into());
    }
    if text("encoding")? != "UTF8" {
        return Err(Unfit::Encoding(text("encoding")?).into());
    }
    if is("is_read_only")? {
        return Err(Unanswered::ReadOnly.into());
    }
    if !is("has_icu")? {
        return Err(Unfit::NoIcu.into());
    }
    if schema.is_empty() {
        return Err(Unowned::NoSchema { role }.into());
    }
    if !is("may_create")? {
        return Err(Unowned::MayNotCreate { role, schema }.into());
    }
    if !owner.is_empty() {
        return Err(Unowned::Owner { role, owner }.into());
    }
    let trigrams = text("trigrams")?;
    if trigrams.is_empty() {
        return match (is("has_trigrams")?, is("may_extend")?) {
            (false, _) => Err(Unfit::NoTrigrams.into()),
            (true, false) => Err(Unfit::MayNotExtend { role }.into()),
            (true, true) => Ok(()),
        };
    }
    if !is("finds_trigrams")? {
        return Err(Unfit::TrigramsElsewhere { role, schema: trigrams }.into());
    }
    Ok(())
}

/// Logs a warning if the server allows fewer connections than Roster may open: then requests fail under load.
fn warn_of_limit(row: &PgRow, wanted: u32) {
    let allowed = row.try_get::<Option<i32>, _>("connections").ok().flatten();
    if let Some(allowed) = allowed.and_then(|allowed| u32::try_from(allowed).ok())
        && allowed < wanted
    {
        tracing::warn!(
            allowed,
            wanted,
            "the database allows fewer connections than Roster may open: set ROSTER_DATABASE_CONNECTIONS to what is \
             allowed, divided by the number of servers"
        );
    }
}

impl Directory {
    /// Connects to the database at `url`, with up to `connections`; waits up to 10 s for the first. The database ends a
    /// statement that takes longer than [`STATEMENT`].
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable) if the URL is invalid or the database does not answer.
    pub async fn connect(url: &str, connections: u32, settings: Settings) -> Result<Self> {
        Self::connect_for(url, connections, STATEMENT, settings).await
    }

    /// Does the same with another limit on the time of a statement, for clients that don't wait that long.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable) if the URL is invalid or the database does not answer.
    pub async fn connect_for(url: &str, connections: u32, statement: Duration, settings: Settings) -> Result<Self> {
        let database = Database::at(url).map_err(sqlx::Error::config)?;
        database.directory(connections, statement, settings).await
    }

    /// Returns whether the traffic with the database at `url` can't be read by others: it stays on this machine, or TLS
    /// is required. Of several hosts that must be so for each.
    ///
    /// # Errors
    /// What the URL must be, if it is invalid.
    pub fn is_sealed(url: &str) -> std::result::Result<bool, BadAddress> {
        let hosts: Hosts = url.parse()?;
        Ok(hosts.each().all(is_sealed))
    }

    /// Returns the Unix sockets of the database at `url`, for hosts that are reached by one.
    ///
    /// # Errors
    /// What the URL must be, if it is invalid.
    pub fn sockets_of(url: &str) -> std::result::Result<Vec<PathBuf>, BadAddress> {
        let hosts: Hosts = url.parse()?;
        let socket = |options: &PgConnectOptions| {
            let folder = options.get_socket()?;
            Some(folder.join(format!(".s.PGSQL.{}", options.get_port())))
        };
        Ok(hosts.each().filter_map(socket).collect())
    }

    /// Returns how many connections there are for use cases.
    #[must_use]
    pub fn pool_state(&self) -> PoolState {
        self.pool.state()
    }

    /// Migrates the schema to the current version. Several servers may call this at the same time: it takes a lock.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::Error::Internal) with the migration that failed.
    pub async fn migrate(&self) -> Result<()> {
        // A connection of its own, which is closed afterwards, has no time limit: a migration may take long.
        let mut connection = self.direct.connection().await?;
        let done = migrate(&mut connection).await;
        connection.close().await?;
        done.map_err(|error| crate::Error::Internal(error.to_string()))
    }

    /// Closes every connection after the statements in progress have ended.
    pub async fn close(&self) {
        self.pool.close().await;
        self.direct.close().await;
    }
}

/// Whether the traffic stays on this machine, or is encrypted for certain.
fn is_sealed(options: &PgConnectOptions) -> bool {
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
    is_near || asks_for_tls
}
