//! The errors of use cases, and the meaning of PostgreSQL's error codes.
//!
//! Owns the error type and its conversions. It must not know any table.

use std::str::FromStr;

use policy::Refusal;

/// Why a use case failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The policy refused. Nothing was changed.
    #[error("refused: {0:?}")]
    Refused(Refusal),
    /// The database can't be reached or used now. Nothing was changed; trying again may work (E6).
    #[error("the database cannot be asked: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// Too many passwords wait to be checked. Nothing was tried or changed; trying again soon may work (J9).
    #[error("too many passwords wait to be checked")]
    Busy,
    /// A bug. The text is for the log, never for a client.
    #[error("internal: {0}")]
    Internal(String),
}

/// The result of a use case.
pub type Result<T> = std::result::Result<T, Error>;

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::Database(database) = &error {
            let code = database.code().unwrap_or_default();
            // Classes: 08 connection, 28 authorization, 3D no such database, 40 rollback (deadlock), 53 resources, 57
            // shutdown or cancelled, 58 system error; and 25006 and 0A000, a server that takes no writes, as after a
            // failover to another one.
            let away = ["08", "0A000", "25006", "28", "3D", "40", "53", "57", "58"];
            if !away.iter().any(|class| code.starts_with(class)) {
                return Self::Internal(error.to_string());
            }
        } else if let sqlx::Error::RowNotFound
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::Encode(_)
        | sqlx::Error::ColumnNotFound(_) = &error
        {
            return Self::Internal(error.to_string());
        }
        Self::Unavailable(error)
    }
}

/// Returns the error for a row that the constraints should have made impossible.
pub(crate) fn inconsistent(table: &str, column: &str) -> Error {
    Error::Internal(format!("inconsistent: {table}.{column}"))
}

/// Parses a column's text as a type of the domain.
///
/// # Errors
/// [`inconsistent`] with the table's and the column's names if the text is invalid, since the constraints should have
/// made the row impossible.
pub(crate) fn decode<T: FromStr>(text: &str, table: &str, column: &str) -> Result<T> {
    text.parse().map_err(|_| inconsistent(table, column))
}

/// Converts the violation of a named constraint to the refusal it stands for.
pub(crate) fn refuse_on(error: sqlx::Error, constraint: &str, refusal: Refusal) -> Error {
    if error.as_database_error().and_then(|database| database.constraint()) == Some(constraint) {
        Error::Refused(refusal)
    } else {
        error.into()
    }
}
