//! A change that may be made, and the only connection that writes in one.
//!
//! Owns the type whose possession shows that somebody asked: it is made by [`Change::permit`], from an answer that only
//! [`policy`] gives, or by its neighbours, from what the principal is. It must not know what is written.

use std::ops::{Deref, DerefMut};

use futures::{future::BoxFuture, stream::BoxStream};
use sqlx::{
    Describe, Either, Execute, Executor, Postgres, SqlStr,
    postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};

use super::change::Change;
use crate::connections::{PgConnection, PgTransaction};

/// A [`Change`] that its principal may make. Every helper that writes demands one: without the answer of the policy
/// there is no connection to write with.
pub(crate) struct Permitted<'c, 'a> {
    change: &'c mut Change<'a>,
}

impl<'c, 'a> Permitted<'c, 'a> {
    /// Private to the kernel: see [`Change::permit`] and what stands beside it.
    pub(super) const fn of(change: &'c mut Change<'a>) -> Self {
        Self { change }
    }

    /// The connection, to write with.
    pub(crate) const fn write(&mut self) -> &mut Writer {
        &mut self.change.writer
    }
}

impl<'a> Deref for Permitted<'_, 'a> {
    type Target = Change<'a>;

    fn deref(&self) -> &Change<'a> {
        self.change
    }
}

impl DerefMut for Permitted<'_, '_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.change
    }
}

/// The connection of a change, as whoever may write with it has it: from [`Permitted::write`] alone. It reads as well.
#[derive(Debug)]
pub(crate) struct Writer(PgTransaction);

impl Writer {
    /// Private to the kernel: [`Change`] keeps it until it is permitted.
    pub(super) const fn over(transaction: PgTransaction) -> Self {
        Self(transaction)
    }

    /// The same for work that nobody asks for and that the server does by itself: delivering mail, which makes links.
    pub(crate) const fn for_worker(transaction: PgTransaction) -> Self {
        Self(transaction)
    }

    /// The transaction, to end it.
    pub(crate) fn into_transaction(self) -> PgTransaction {
        self.0
    }
}

impl Deref for Writer {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for Writer {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
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
