//! The connection that writes in a change.
//!
//! Owns the type, so that a function that writes differs in its signature from one that only reads. It must not know
//! when it may be used: see [`super::permitted`].

use std::ops::{Deref, DerefMut};

use futures::{future::BoxFuture, stream::BoxStream};
use sqlx::{
    Describe, Either, Execute, Executor, Postgres, SqlStr,
    postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};

use uuid::Uuid;

use crate::connections::{PgConnection, PgTransaction};

/// The connection of a permitted change. Only [`Permitted::write`] returns it. It reads as well.
///
/// [`Permitted::write`]: super::permitted::Permitted::write
#[derive(Debug)]
pub struct Writer {
    transaction: PgTransaction,
    ids: fn() -> Uuid,
}

impl Writer {
    /// Private to the kernel: a change keeps it until the change is permitted.
    pub(super) const fn over(transaction: PgTransaction, ids: fn() -> Uuid) -> Self {
        Self { transaction, ids }
    }

    /// The same for work that the server does by itself, without a request: delivering mail, which makes links.
    pub(crate) const fn for_worker(transaction: PgTransaction, ids: fn() -> Uuid) -> Self {
        Self { transaction, ids }
    }

    /// Returns an id for a new row, from the directory's source of ids; ids are ordered by time.
    pub(crate) fn new_id(&self) -> Uuid {
        (self.ids)()
    }

    /// Returns the transaction, to end it.
    pub(crate) fn into_transaction(self) -> PgTransaction {
        self.transaction
    }
}

impl Deref for Writer {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.transaction
    }
}

impl DerefMut for Writer {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }
}

impl<'c> Executor<'c> for &'c mut Writer {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, sqlx::Result<Either<PgQueryResult, PgRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        (&mut **self).fetch_many(query)
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<PgRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        (&mut **self).fetch_optional(query)
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'c: 'e,
    {
        (&mut **self).prepare_with(sql, parameters)
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<Postgres>>>
    where
        'c: 'e,
    {
        (&mut **self).describe(sql)
    }
}
