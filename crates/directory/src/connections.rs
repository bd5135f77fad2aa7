//! Connections to PostgreSQL, direct or through a pooler.
//!
//! Owns the pool, how a transaction begins and ends, and closing connections that can't be used any more. It must not
//! know any statement of a use case.
//!
//! A pooler in transaction mode assigns a client another server connection after each transaction. The state of a
//! server connection (prepared statements, settings) is then shared with other clients. So behind a pooler every
//! statement is in a transaction and is unnamed, and limits are set within the transaction. With direct connections, or
//! with a pooler in session mode, none of this is needed, and it costs nothing.
//!
//! A connection is closed and not returned to the pool if its server answered that it takes no changes or is shutting
//! down: after a failover the connection would lead to the wrong server for as long as it exists.

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
    pool::PoolConnection,
    postgres::{
        PgArguments, PgConnectOptions, PgPoolOptions, PgQueryResult, PgRow, PgStatement, PgTransactionManager,
        PgTypeInfo,
    },
};
use sqlx_core::transaction::TransactionManager;

/// How long to wait for a connection.
const PATIENCE: Duration = Duration::from_secs(10);
/// The time after which the database ends an idle transaction, since its locks would block others.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(60);
/// How long a connection to a server that takes no changes is kept, so that not every read opens a new one.
const READ_ONLY_FOR: Duration = Duration::from_secs(1);

/// A pool of connections. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    connections: PgPool,
    /// The statement that begins a transaction behind a pooler; `None` for direct connections.
    pooled: Option<Arc<str>>,
}

impl Pool {
    /// Opens a pool of up to `most` connections, the first one at once. The server ends a statement that takes longer
    /// than `statement`.
    pub(crate) async fn open(
        options: PgConnectOptions,
        most: u32,
        statement: Duration,
        is_pooled: bool,
    ) -> sqlx::Result<Self> {
        let pool = PgPoolOptions::new().max_connections(most).acquire_timeout(PATIENCE);
        let (statement, idle) = (statement.as_millis(), IDLE_IN_TRANSACTION.as_millis());
        if is_pooled {
            let begin = format!(
                "BEGIN; SET LOCAL statement_timeout = {statement}; \
                 SET LOCAL idle_in_transaction_session_timeout = {idle}"
            );
            return Ok(Self {
                connections: pool.connect_with(options).await?,
                pooled: Some(begin.into()),
            });
        }
        // Limits are set by statements, since poolers refuse startup parameters.
        let limits: Arc<str> =
            format!("SET statement_timeout = {statement}; SET idle_in_transaction_session_timeout = {idle}").into();
        let pool = pool
            .after_connect(move |connection, _| {
                let limits = AssertSqlSafe(Arc::clone(&limits));
                Box::pin(async move { connection.execute(sqlx::raw_sql(limits)).await.map(drop) })
            })
            // This replaces sqlx's own test of a connection: it is as fast, and it detects connections to a server that
            // was demoted meanwhile.
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    let row = connection
                        .fetch_one(sqlx::raw_sql("SHOW transaction_read_only"))
                        .await?;
                    Ok(sqlx::Row::try_get::<&str, _>(&row, 0)? == "off" || meta.age < READ_ONLY_FOR)
                })
            });
        Ok(Self {
            connections: pool.connect_with(options).await?,
            pooled: None,
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
        self.connections.close().await;
    }

    async fn take(&self) -> sqlx::Result<PgTransaction> {
        Ok(PgTransaction(PgConnection {
            live: self.connections.acquire().await?,
            pooled: self.pooled.clone(),
            only_reads: false,
        }))
    }
}

impl From<PgPool> for Pool {
    fn from(connections: PgPool) -> Self {
        Self {
            connections,
            pooled: None,
        }
    }
}

/// Lets tests read the tables directly.
#[cfg(test)]
impl Deref for Pool {
    type Target = PgPool;

    fn deref(&self) -> &PgPool {
        &self.connections
    }
}

/// A connection taken from the pool until it is dropped, perhaps in a transaction.
#[derive(Debug)]
pub struct PgConnection {
    live: PoolConnection<Postgres>,
    pooled: Option<Arc<str>>,
    /// Whether a statement that writes is a mistake of ours: a debug build stops at it.
    only_reads: bool,
}

/// A connection in a transaction, which is rolled back if it is dropped before it is committed.
#[derive(Debug)]
pub(crate) struct PgTransaction(PgConnection);

impl PgTransaction {
    async fn begin(&mut self) -> sqlx::Result<()> {
        let begin = self.0.pooled.clone().map(|begin| AssertSqlSafe(begin).into_sql_str());
        let begun = PgTransactionManager::begin(&mut self.0.live, begin).await;
        self.0.note(begun)
    }

    /// Commits the transaction.
    pub(crate) async fn commit(mut self) -> sqlx::Result<()> {
        let done = PgTransactionManager::commit(&mut self.0.live).await;
        self.0.note(done)
    }

    /// Rolls the transaction back.
    pub(crate) async fn rollback(mut self) -> sqlx::Result<()> {
        let done = PgTransactionManager::rollback(&mut self.0.live).await;
        self.0.note(done)
    }
}

impl Drop for PgTransaction {
    fn drop(&mut self) {
        // Does nothing if it was committed or rolled back already.
        PgTransactionManager::start_rollback(&mut self.0.live);
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
    const fn statement<E>(&self, sent: E) -> Statement<E> {
        Statement {
            sent,
            is_named: self.pooled.is_none(),
            only_reads: self.only_reads,
        }
    }

    /// Returns the result of a statement unchanged. If it shows that the connection can't be used any more, the
    /// connection is closed when it is dropped.
    fn note<T>(&mut self, outcome: sqlx::Result<T>) -> sqlx::Result<T> {
        if outcome.as_ref().is_err_and(is_last) {
            self.live.close_on_drop();
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
struct Statement<E> {
    sent: E,
    is_named: bool,
    only_reads: bool,
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

impl<'q, E: Execute<'q, Postgres>> Execute<'q, Postgres> for Statement<E> {
    fn sql(self) -> SqlStr {
        let sql = self.sent.sql();
        debug_assert!(
            !self.only_reads || !writes(sql.as_str()),
            "written before it was permitted: {}",
            sql.as_str()
        );
        sql
    }

    fn statement(&self) -> Option<&PgStatement> {
        self.sent.statement()
    }

    fn take_arguments(&mut self) -> Result<Option<PgArguments>, BoxDynError> {
        self.sent.take_arguments()
    }

    fn persistent(&self) -> bool {
        self.is_named && self.sent.persistent()
    }
}

type Step = Either<PgQueryResult, PgRow>;

impl<'c> Executor<'c> for &'c mut PgConnection {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, sqlx::Result<Step>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let statement = self.statement(query);
        stream::once(async move {
            let steps = (&mut *self.live).fetch_many(statement);
            let steps = steps.try_collect::<Vec<_>>().await;
            self.note(steps)
        })
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
        async move {
            let row = (&mut *self.live).fetch_optional(statement).await;
            self.note(row)
        }
        .boxed()
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'c: 'e,
    {
        (&mut *self.live).prepare_with(sql, parameters)
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<Postgres>>>
    where
        'c: 'e,
    {
        (&mut *self.live).describe(sql)
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
            let steps = (&mut *connection).fetch_many(query).try_collect::<Vec<_>>().await?;
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
            let row = (&mut *connection).fetch_optional(query).await?;
            connection.commit().await?;
            Ok(row)
        }
        .boxed()
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'c: 'e,
    {
        (&self.connections).prepare_with(sql, parameters)
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<Postgres>>>
    where
        'c: 'e,
    {
        (&self.connections).describe(sql)
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
