//! The transaction in which every change is made, and its audit row (A1).
//!
//! Owns the transaction, how it ends and what is written to the audit; the [`Principal`] says who asks for the change.
//! It must not know what a use case changes.
//!
//! A use case is a closure over a [`Change`], which collects the facts for the audit row. [`Directory::change`] ends
//! the transaction by what the closure returns: success is audited and committed in one transaction; a refusal is
//! rolled back and then audited as refused, or counted if it is a repeated one ([`crate::repeats`]); any other error is
//! rolled back.

use std::pin::Pin;

use policy::{EventId, Refusal, UserId};
use serde_json::Value;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{principal::Principal, record::Record, writer::Writer};
use crate::{Directory, Error, Hint, Result, Settings, connections::PgConnection, repeats};

/// What a successful change writes to the audit.
#[derive(Clone, Copy, Debug)]
enum Trail {
    /// A row that says it was done.
    Done,
    /// A row that says it was refused, written together with the rows that record the refusal.
    Refused(Refusal),
    /// No row: the change turned out to change nothing, and is rolled back.
    None,
}

/// The future of a change's closure. It is boxed because there is no other way to state that the future of a closure is
/// `Send`.
type Making<'c, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'c>>;

/// A change in progress: its transaction, its time, and its audit row so far. It can be used to look up and to lock.
/// Writing requires a [permitted](crate::Permitted) change.
#[derive(Debug)]
pub struct Change<'a> {
    /// Private to the kernel: use cases get it from a permitted change.
    pub(super) writer: Writer,
    pub(crate) at: OffsetDateTime,
    pub(crate) record: Record,
    pub(crate) principal: &'a Principal,
    directory: &'a Directory,
    action: &'static str,
    trail: Trail,
    hints: Vec<Hint>,
    events: Vec<(&'static str, Record)>,
}

impl Directory {
    /// Makes a change: runs `make` in a transaction and ends it by what `make` returns, so that no path through `make`
    /// leaves a change without its audit row. `action` is the change's name in the audit.
    ///
    /// # Errors
    /// What `make` returns; [`Error::Unavailable`] if the database doesn't confirm that the change is committed.
    pub(crate) async fn change<'a, T>(
        &'a self,
        principal: &'a Principal,
        action: &'static str,
        make: impl for<'c> FnOnce(&'c mut Change<'a>) -> Making<'c, T>,
    ) -> Result<T> {
        let mut change = Change {
            writer: Writer::over(self.pool.begin().await?, self.ids),
            at: self.now(),
            record: Record::default(),
            principal,
            directory: self,
            action,
            trail: Trail::Done,
            hints: Vec::new(),
            events: Vec::new(),
        };
        match make(&mut change).await {
            Ok(done) => {
                change.finish().await?;
                Ok(done)
            }
            Err(Error::Refused(refusal)) => {
                change.refuse(refusal).await?;
                Err(refusal.into())
            }
            Err(error) => Err(error),
        }
    }
}

impl<'a> Change<'a> {
    /// Returns the connection, for looking up and locking. A debug build panics at a statement that writes on it.
    pub(crate) fn read(&mut self) -> &mut PgConnection {
        self.writer.set_only_reads(true);
        &mut self.writer
    }

    /// Returns an id for a new row.
    pub(crate) fn new_id(&self) -> Uuid {
        self.writer.new_id()
    }

    /// Adds a hint for open pages, which is sent when the change is committed.
    pub(crate) fn hint(&mut self, hint: Hint) {
        self.hints.push(hint);
    }

    /// Adds an audit row for something else that this change does. It is written in the same transaction.
    pub(crate) fn add_event(&mut self, action: &'static str, record: Record) {
        self.events.push((action, record));
    }

    /// Replaces the action's name in the audit, for a change that learns only later which action it is.
    pub(crate) const fn set_action(&mut self, action: &'static str) {
        self.action = action;
    }

    /// Sets the person that the change is about.
    pub(crate) fn set_target(&mut self, user: UserId) {
        self.record.target_id = Some(user.0);
    }

    /// Makes a successful change end in a rollback without an audit row, because it changes nothing.
    pub(crate) const fn leave_no_trail(&mut self) {
        self.trail = Trail::None;
    }

    /// Makes the audit row say that something was refused, although the change itself succeeds, because it only records
    /// the refusal.
    pub(crate) const fn set_refused(&mut self, refusal: Refusal) {
        self.trail = Trail::Refused(refusal);
    }

    /// Sets the values before and after the change, for the audit row.
    pub(crate) fn values(&mut self, before: Option<Value>, after: Option<Value>) {
        self.record.before = before;
        self.record.after = after;
    }

    /// Returns the operator's settings.
    pub(crate) const fn settings(&self) -> Settings {
        self.directory.settings()
    }

    /// Ends a change that succeeded.
    async fn finish(mut self) -> Result<()> {
        let refusal = match self.trail {
            Trail::Done => None,
            Trail::Refused(refusal) => Some(refusal),
            Trail::None => return Ok(self.writer.into_transaction().rollback().await?),
        };
        self.write_record(EventId(self.writer.new_id()), refusal).await?;
        for (action, record) in std::mem::take(&mut self.events) {
            (self.action, self.record) = (action, record);
            self.write_record(EventId(self.writer.new_id()), None).await?;
        }
        for hint in &self.hints {
            sqlx::query!("SELECT pg_notify($1, $2)", Hint::CHANNEL, hint.to_string())
                .execute(&mut self.writer)
                .await?;
        }
        Ok(self.writer.into_transaction().commit().await?)
    }

    /// Ends a change that was refused: rolls it back and audits the refusal.
    async fn refuse(mut self, refusal: Refusal) -> Result<()> {
        self.writer.into_transaction().rollback().await?;
        self.writer = Writer::over(self.directory.pool.begin().await?, self.directory.ids);
        let event = EventId(self.writer.new_id());
        let kind = repeats::kind(self.principal, self.action, refusal, &self.record);
        // A repeated refusal is counted and not written (A4).
        if repeats::count_refusal(&mut self.writer, kind, event, self.at).await? {
            self.write_record(event, Some(refusal)).await?;
        }
        Ok(self.writer.into_transaction().commit().await?)
    }

    async fn write_record(&mut self, event: EventId, refusal: Option<Refusal>) -> Result<()> {
        self.writer.set_only_reads(false);
        let author = self.principal.author();
        let Record {
            organization,
            project,
            target_id,
            target,
            before,
            after,
        } = &self.record;
        // A refused change changed nothing, so there is no "after".
        let after = after.as_ref().filter(|_| refusal.is_none());
        sqlx::query!(
            "INSERT INTO audit_events (id, at, organization_id, project_id, actor_kind, actor_id, credential, action,
                 refusal, target_id, target, before, after, address, request_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            event.0,
            self.at,
            organization.map(|id| id.0),
            project.map(|id| id.0),
            author.kind,
            author.id,
            author.credential,
            self.action,
            refusal.map(Refusal::code),
            *target_id,
            *target,
            before.as_ref().map(Json) as _,
            after.map(Json) as _,
            author.address,
            author.request_id,
        )
        .execute(&mut self.writer)
        .await?;
        Ok(())
    }
}
