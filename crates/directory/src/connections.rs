//! Connections to PostgreSQL, straight or through a pooler, and what becomes of those that are good for nothing any
//! more.
//!
//! A pooler in transaction mode gives a client another connection of the server's after each transaction. What belongs
//! to a connection of the server is then anybody's: prepared statements, settings. So behind a pooler every statement
//! is in a transaction and has no name, and limits are set within the transaction. Straight, or with a pooler in
//! session mode, nothing of this is needed, and costs nothing.
//!
//! A connection that answered that its server takes no changes, or is going away, is closed and not given back: after
//! a failover it would lead to the wrong server for as long as it lives.

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

/// How long somebody waits for a connection.
const PATIENCE: Duration = Duration::from_secs(10);
/// The database ends a transaction in which nothing is done for longer: its locks would be in everybody's way.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(60);
/// A connection to a server that takes no changes is kept for so long, for those who read: not each of them opens one.
const READ_ONLY_FOR: Duration = Duration::from_secs(1);

/// Connections of one audience. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    connections: PgPool,
    /// How a transaction begins behind a pooler; nothing where connections are the server's own.
    pooled: Option<Arc<str>>,
}

impl Pool {
    /// Opens up to `most` connections, the first one at once. The server ends a statement that takes longer than
    /// `statement`.
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
        // By statements rather than by startup parameters, which poolers refuse.
        let limits: Arc<str> =
            format!("SET statement_timeout = {statement}; SET idle_in_transaction_session_timeout = {idle}").into();
        let pool = pool
            .after_connect(move |connection, _| {
                let limits = AssertSqlSafe(Arc::clone(&limits));
                Box::pin(async move { connection.execute(sqlx::raw_sql(limits)).await.map(drop) })
            })
            // In place of sqlx's own sign of life: as quick, and it finds connections to a server that was demoted
            // meanwhile.
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

    /// A connection for several statements that read. Behind a pooler it is a transaction, which is rolled back when
    /// it is dropped.
    pub(crate) async fn acquire(&self) -> sqlx::Result<PgTransaction> {
        if self.pooled.is_some() {
            return self.begin().await;
        }
        self.take().await
    }

    /// Closes every connection, once what is under way is done.
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

/// Tests look at the tables beside what is tested.
#[cfg(test)]
impl Deref for Pool {
    type Target = PgPool;

    fn deref(&self) -> &PgPool {
        &self.connections
    }
}

/// A connection that is somebody's until it is dropped, perhaps in a transaction.
#[derive(Debug)]
pub struct PgConnection {
    live: PoolConnection<Postgres>,
    pooled: Option<Arc<str>>,
    /// Whether a statement that writes is a mistake of ours: a debug build stops at it.
    only_reads: bool,
}

/// A connection in a transaction, which is rolled back when it is dropped before it was committed.
#[derive(Debug)]
pub(crate) struct PgTransaction(PgConnection);

impl PgTransaction {
    async fn begin(&mut self) -> sqlx::Result<()> {
        let begin = self.0.pooled.clone().map(|begin| AssertSqlSafe(begin).into_sql_str());
        let begun = PgTransactionManager::begin(&mut self.0.live, begin).await;
        self.0.note(begun)
    }

    /// Makes what was done true.
    pub(crate) async fn commit(mut self) -> sqlx::Result<()> {
        let done = PgTransactionManager::commit(&mut self.0.live).await;
        self.0.note(done)
    }

    /// Undoes what was done.
    pub(crate) async fn rollback(mut self) -> sqlx::Result<()> {
        let done = PgTransactionManager::rollback(&mut self.0.live).await;
        self.0.note(done)
    }
}

impl Drop for PgTransaction {
    fn drop(&mut self) {
        // Nothing, if it was committed or rolled back already.
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

    /// Passes on what came of a statement. After an answer that makes this connection useless, it won't be given back.
    fn note<T>(&mut self, outcome: sqlx::Result<T>) -> sqlx::Result<T> {
        if outcome.as_ref().is_err_and(is_last) {
            self.live.close_on_drop();
        }
        outcome
    }
}

/// Whether an answer is a connection's last: its server takes no changes, shuts down, or lost the thread.
pub(crate) fn is_last(error: &sqlx::Error) -> bool {
    if let sqlx::Error::Database(database) = error {
        let code = database.code().unwrap_or_default();
        // 25006: takes no changes; 0A000: nor has tables that aren't replicated (a standby); 57P: shuts down, or
        // starts; 08: connection; 26000 and 42P05: statements are another's, behind a pooler that nobody knew of.
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

/// A statement that has a name on the server, and so is planned once, or has none.
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

/// One statement, on a connection of its own.
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
