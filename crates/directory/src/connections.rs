//! Connections to PostgreSQL, direct or through a pooler.
//!
//! Owns how a transaction begins and ends, what is sent a second time, and closing connections that can't be used any
//! more. It must not know any statement of a use case.
//!
//! A pooler in transaction mode assigns a client another server connection after each transaction. The state of a
//! server connection (prepared statements, settings) is then shared with other clients. So behind a pooler every
//! statement is in a transaction and is unnamed, and limits are set within the transaction. With direct connections, or
//! with a pooler in session mode, none of this is needed, and it costs nothing.
//!
//! A connection is closed and not returned to the pool if its server answered that it takes no changes or is shutting
//! down: after a failover the connection would lead to the wrong server for as long as it exists.
//!
//! A connection may have died while it waited in the pool. Whoever only reads doesn't notice: a statement that reads,
//! and the beginning of a transaction, are sent once more, on a new connection. A statement that writes isn't, since
//! nobody knows whether it was done.

mod address;
mod direct;
mod hosts;
mod pool;

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use futures::{
    FutureExt, StreamExt, TryStreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use sqlx::{
    AssertSqlSafe, Describe, Either, Execute, Executor, PgPool, Postgres, SqlSafeStr, SqlStr,
    error::BoxDynError,
    postgres::{PgArguments, PgQueryResult, PgRow, PgStatement, PgTransactionManager, PgTypeInfo},
};
use sqlx_core::transaction::TransactionManager;

pub use address::BadAddress;
pub(crate) use direct::Direct;
pub(crate) use hosts::{Hosts, NoHost};
pub use pool::PoolState;
use pool::{Lease, Limits, Source};

/// The time after which the database ends an idle transaction, since its locks would block others.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(60);

/// A pool of connections. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    source: Source,
    /// The statement that begins a transaction behind a pooler; `None` for direct connections.
    pooled: Option<Arc<str>>,
}

impl Pool {
    /// Opens a pool of up to `most` connections, the first one at once. The server ends a statement that takes longer
    /// than `statement`.
    pub(crate) async fn open(hosts: Hosts, most: u32, statement: Duration, is_pooled: bool) -> sqlx::Result<Self> {
        let (limit, idle) = (statement.as_millis(), IDLE_IN_TRANSACTION.as_millis());
        // Limits are set by statements, since poolers refuse startup parameters.
        let (setup, pooled) = if is_pooled {
            let begin = format!(
                "BEGIN; SET LOCAL statement_timeout = {limit}; \
                 SET LOCAL idle_in_transaction_session_timeout = {idle}"
            );
            (String::new(), Some(begin.into()))
        } else {
            let setup = format!("SET statement_timeout = {limit}; SET idle_in_transaction_session_timeout = {idle}; ");
            (setup, None)
        };
        let limits = Limits { most, statement, setup };
        Ok(Self {
            source: Source::open(hosts, limits).await?,
            pooled,
        })
    }

    /// Begins a transaction.
    pub(crate) async fn begin(&self) -> sqlx::Result<PgTransaction> {
        let mut transaction = self.take().await?;
        transaction.begin().await?;
        Ok(transaction)
    }

    /// Returns a connection for several reading statements. Behind a pooler it is a transaction, which is rolled back
    /// when it is dropped.
    pub(crate) async fn acquire(&self) -> sqlx::Result<PgTransaction> {
        if self.pooled.is_some() {
            return self.begin().await;
        }
        self.take().await
    }

    /// Closes every connection after the statements in progress have ended.
    pub(crate) async fn close(&self) {
        self.source.close().await;
    }

    /// How many connections there are.
    pub(crate) fn state(&self) -> PoolState {
        self.source.state()
    }

    async fn take(&self) -> sqlx::Result<PgTransaction> {
        Ok(PgTransaction(PgConnection {
            lease: self.source.take().await?,
            pooled: self.pooled.clone(),
            only_reads: false,
        }))
    }
}

impl From<PgPool> for Pool {
    fn from(given: PgPool) -> Self {
        Self {
            source: Source::Given(given),
            pooled: None,
        }
    }
}

/// Lets tests read the tables directly.
#[cfg(test)]
impl Deref for Pool {
    type Target = PgPool;

    fn deref(&self) -> &PgPool {
        let Source::Given(given) = &self.source else {
            panic!("only a test's own pool is read directly");
        };
        given
    }
}

/// A connection taken from the pool until it is dropped, perhaps in a transaction.
#[derive(Debug)]
pub struct PgConnection {
    lease: Lease,
    pooled: Option<Arc<str>>,
    /// Whether a statement that writes is a mistake of ours: a debug build stops at it.
    only_reads: bool,
}

/// A connection in a transaction, which is rolled back if it is dropped before it is committed.
#[derive(Debug)]
pub(crate) struct PgTransaction(PgConnection);

impl PgTransaction {
    async fn begin(&mut self) -> sqlx::Result<()> {
        let begun = self.begin_once().await;
        if begun.as_ref().is_err_and(is_last) && self.0.lease.has_waited() {
            self.0.lease.replace().await?;
            return self.begin_once().await;
        }
        begun
    }

    async fn begin_once(&mut self) -> sqlx::Result<()> {
        let begin = self.0.pooled.clone().map(|begin| AssertSqlSafe(begin).into_sql_str());
        let begun = self.0.lease.run(|raw| PgTransactionManager::begin(raw, begin).boxed());
        let begun = begun.await;
        self.0.note(begun)
    }

    /// Commits the transaction.
    pub(crate) async fn commit(mut self) -> sqlx::Result<()> {
        if !self.0.lease.is_in_transaction() {
            return Ok(());
        }
        let done = self.0.lease.run(|raw| PgTransactionManager::commit(raw).boxed()).await;
        self.0.note(done)
    }

    /// Rolls the transaction back.
    pub(crate) async fn rollback(mut self) -> sqlx::Result<()> {
        let done = self
            .0
            .lease
            .run(|raw| PgTransactionManager::rollback(raw).boxed())
            .await;
        self.0.note(done)
    }
}

impl Drop for PgTransaction {
    fn drop(&mut self) {
        // Does nothing if it was committed or rolled back already.
        self.0.lease.roll_back();
    }
}

impl Deref for PgTransaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for PgTransaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}

impl PgConnection {
    /// Sets whether a statement that writes is a mistake.
    pub(crate) const fn set_only_reads(&mut self, only_reads: bool) {
        self.only_reads = only_reads;
    }

    /// A query, as it is sent on this connection.
    fn statement<'q, E: Execute<'q, Postgres>>(&self, mut query: E) -> sqlx::Result<Statement> {
        let arguments = query.take_arguments().map_err(sqlx::Error::Encode)?;
        let is_named = self.pooled.is_none() && query.persistent();
        let sql = query.sql();
        debug_assert!(
            !self.only_reads || !writes(sql.as_str()),
            "written before it was permitted: {}",
            sql.as_str()
        );
        Ok(Statement {
            sql,
            arguments,
            is_named,
        })
    }

    /// Sends a statement, and once more on a new connection if it only reads and the connection had died.
    async fn send(&mut self, statement: Statement) -> sqlx::Result<Vec<Step>> {
        let again = self.may_send_again().then(|| statement.clone());
        let sent = self.send_once(statement).await;
        if let Some(again) = again
            && sent.as_ref().is_err_and(is_last)
            && !writes(again.sql.as_str())
        {
            self.lease.replace().await?;
            return self.send_once(again).await;
        }
        sent
    }

    fn may_send_again(&self) -> bool {
        self.lease.has_waited() && !self.lease.is_in_transaction()
    }

    async fn send_once(&mut self, statement: Statement) -> sqlx::Result<Vec<Step>> {
        let sent = self
            .lease
            .run(|raw| raw.fetch_many(statement).try_collect().boxed())
            .await;
        self.note(sent)
    }

    /// Returns the result of a statement unchanged. If it shows that the connection can't be used any more, the
    /// connection is closed when it is dropped.
    fn note<T>(&mut self, outcome: sqlx::Result<T>) -> sqlx::Result<T> {
        if outcome.as_ref().is_err_and(is_last) {
            self.lease.set_last();
        }
        outcome
    }
}

/// Returns whether an error means that the connection can't be used any more: its server takes no changes, is shutting
/// down, or the protocol is out of step.
pub(crate) fn is_last(error: &sqlx::Error) -> bool {
    if let sqlx::Error::Database(database) = error {
        let code = database.code().unwrap_or_default();
        // 25006: takes no changes; 0A000: a standby, which lacks unlogged tables; 57P: shuts down or starts; 08:
        // connection; 26000 and 42P05: the prepared statements are another client's, behind a pooler that was not known
        // of.
        ["25006", "0A000", "57P01", "57P02", "57P03", "08", "26000", "42P05"]
            .iter()
            .any(|last| code.starts_with(last))
    } else {
        matches!(
            error,
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_)
        )
    }
}

/// A statement with or without a name on the server. One with a name is planned once.
#[derive(Clone)]
struct Statement {
    sql: SqlStr,
    arguments: Option<PgArguments>,
    is_named: bool,
}

/// Whether a statement changes a table, by its words: SQL is written in capitals here.
fn writes(sql: &str) -> bool {
    let words: Vec<_> = sql.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    words.iter().enumerate().any(|(at, word)| match *word {
        "INSERT" | "DELETE" | "MERGE" | "TRUNCATE" | "COPY" => true,
        // `FOR UPDATE` and `FOR NO KEY UPDATE` lock.
        "UPDATE" => !matches!(
            at.checked_sub(1).and_then(|before| words.get(before)),
            Some(&("FOR" | "KEY"))
        ),
        _ => false,
    })
}

impl Execute<'_, Postgres> for Statement {
    fn sql(self) -> SqlStr {
        self.sql
    }

    fn statement(&self) -> Option<&PgStatement> {
        None
    }

    fn take_arguments(&mut self) -> Result<Option<PgArguments>, BoxDynError> {
        Ok(self.arguments.take())
    }

    fn persistent(&self) -> bool {
        self.is_named
    }
}

type Step = Either<PgQueryResult, PgRow>;

/// The first row.
fn first(steps: Vec<Step>) -> Option<PgRow> {
    steps.into_iter().find_map(Either::right)
}

impl<'c> Executor<'c> for &'c mut PgConnection {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, sqlx::Result<Step>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let statement = self.statement(query);
        stream::once(async move { self.send(statement?).await })
            .map_ok(|steps| stream::iter(steps).map(Ok))
            .try_flatten()
            .boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<PgRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let statement = self.statement(query);
        async move { self.send(statement?).await.map(first) }.boxed()
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'c: 'e,
    {
        let parameters = parameters.to_vec();
        async move {
            let prepared = self
                .lease
                .run(|raw| async move { raw.prepare_with(sql, &parameters).await }.boxed());
            prepared.await
        }
        .boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<Postgres>>>
    where
        'c: 'e,
    {
        async move { self.lease.run(|raw| raw.describe(sql)).await }.boxed()
    }
}

/// Executes each statement on a connection of its own.
impl<'c> Executor<'c> for &'c Pool {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, sqlx::Result<Step>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        stream::once(async move {
            let mut connection = self.acquire().await?;
            let statement = connection.statement(query)?;
            let steps = connection.send(statement).await?;
            connection.commit().await?;
            Ok::<_, sqlx::Error>(stream::iter(steps).map(Ok))
        })
        .try_flatten()
        .boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<PgRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        async move {
            let mut connection = self.acquire().await?;
            let statement = connection.statement(query)?;
            let steps = connection.send(statement).await?;
            connection.commit().await?;
            Ok(first(steps))
        }
        .boxed()
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'c: 'e,
    {
        async move { self.acquire().await?.prepare_with(sql, parameters).await }.boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<Postgres>>>
    where
        'c: 'e,
    {
        async move { self.acquire().await?.describe(sql).await }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::writes;

    #[test]
    fn what_writes_is_told_by_its_words() {
        for sql in [
            "INSERT INTO users (id) VALUES ($1)",
            "UPDATE users SET name = $1",
            "DELETE FROM users",
            "WITH gone AS (\n    DELETE FROM a RETURNING id) SELECT id FROM gone",
            "INSERT\nINTO a SELECT 1 ON CONFLICT DO NOTHING",
            "MERGE INTO a USING b ON true",
        ] {
            assert!(writes(sql), "{sql}");
        }
        for sql in [
            "SELECT updated_at FROM users FOR UPDATE",
            "SELECT id FROM users FOR NO KEY UPDATE OF u",
            "SELECT deleted_at FROM users",
        ] {
            assert!(!writes(sql), "{sql}");
        }
    }
}
