//! The obstacles to using a database, found at the start: a closed list, each with the facts that the operator needs to
//! remove it.
//!
//! Owns the list and its derivation from errors. It must not know how obstacles are worded.

use std::io;

use sqlx::migrate::MigrateError;

use crate::connections::NoHost;

/// An obstacle between the server and its database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// None of several hosts can be used: each one's name, and why.
    Hosts(Vec<(String, Obstacle)>),
    /// No connection can be made.
    Unreached(Unreached),
    /// The database refuses, or can't answer now.
    Unanswered(Unanswered),
    /// A pooler can't be used as it is configured.
    Pooled(Pooled),
    /// The database lacks something that Roster needs.
    Unfit(Unfit),
    /// The schema doesn't belong to this role, or not to this version.
    Unowned(Unowned),
}

/// No connection can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreached {
    /// No such host.
    Host(String),
    /// Nothing listens at that address.
    Refused,
    /// The socket can't be used: it is missing, or this account has no right to it.
    Socket(String),
    /// No answer within the time.
    NoAnswer,
    /// The listener isn't PostgreSQL.
    NotPostgres(String),
    /// TLS is required, and the server doesn't offer it.
    NoTls,
    /// TLS failed: the certificate isn't trusted, or is for another name.
    Tls(String),
}

impl From<Unreached> for Obstacle {
    fn from(by: Unreached) -> Self {
        Self::Unreached(by)
    }
}

/// The database refuses, or can't answer now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The password or the role's name is wrong.
    Password(String),
    /// No rule of the server admits this role; contains the server's message.
    NotLetIn(String),
    /// There is no such database.
    NoDatabase(String),
    /// There are too many connections already; contains the server's message.
    TooManyConnections(String),
    /// The server is starting, stopping or recovering.
    NotYet(String),
    /// The server takes no changes.
    ReadOnly,
    /// The disk, or another resource, is used up; contains the server's message.
    Full(String),
    /// Any other error.
    Other(String),
}

impl From<Unanswered> for Obstacle {
    fn from(by: Unanswered) -> Self {
        Self::Unanswered(by)
    }
}

/// A pooler can't be used as it is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pooled {
    /// A pooler refuses something; contains its message.
    Pooler(String),
    /// A pooler assigns connections for each statement.
    StatementPooling,
    /// A pooler assigns connections for each transaction, and there is no direct address.
    TransactionPooling,
    /// The direct address leads to another database.
    AnotherDatabase,
}

impl From<Pooled> for Obstacle {
    fn from(by: Pooled) -> Self {
        Self::Pooled(by)
    }
}

/// The database lacks something that Roster needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The server's version is too old; contains the version.
    TooOld(String),
    /// The database's encoding isn't UTF-8; contains the encoding.
    Encoding(String),
    /// The server was built without ICU.
    NoIcu,
    /// The server doesn't have the extension `pg_trgm`.
    NoTrigrams,
    /// The server has it, and the role may not install it.
    MayNotExtend {
        /// The role.
        role: String,
    },
    /// It is installed in a schema that isn't in the role's search path.
    TrigramsElsewhere {
        /// The role.
        role: String,
        /// That schema.
        schema: String,
    },
}

impl From<Unfit> for Obstacle {
    fn from(by: Unfit) -> Self {
        Self::Unfit(by)
    }
}

/// The schema doesn't belong to this role, or not to this version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unowned {
    /// There is no schema for the role's tables.
    NoSchema {
        /// The role.
        role: String,
    },
    /// The role may not create tables.
    MayNotCreate {
        /// The role.
        role: String,
        /// The schema.
        schema: String,
    },
    /// The tables belong to another role.
    Owner {
        /// The role.
        role: String,
        /// The owner of the tables.
        owner: String,
    },
    /// The role lacks a privilege; contains the server's message.
    Right(String),
    /// Something that isn't Roster's has a name that Roster needs; contains the server's message.
    Occupied(String),
    /// A newer version's schema; contains the migration that this version doesn't know.
    Newer(i64),
    /// A schema that this version didn't create; contains the migration that differs.
    Changed(i64),
}

impl From<Unowned> for Obstacle {
    fn from(by: Unowned) -> Self {
        Self::Unowned(by)
    }
}

impl Obstacle {
    /// Returns the obstacle that is the cause of an error.
    pub(crate) fn of(error: sqlx::Error) -> Self {
        let text = one_line(&error.to_string());
        if let sqlx::Error::Database(database) = &error {
            Self::answered(&database.code().unwrap_or_default(), one_line(database.message()))
        } else if let sqlx::Error::Io(error) = error {
            match error.downcast() {
                Ok(NoHost::TakesNoChanges) => Unanswered::ReadOnly.into(),
                Ok(NoHost::None(hosts)) => Self::Hosts(
                    hosts
                        .into_iter()
                        .map(|(name, error)| (one_line(&name), Self::of(error)))
                        .collect(),
                ),
                Err(error) => Self::of_io(&error),
            }
        } else if let sqlx::Error::Tls(error) = &error {
            let text = one_line(&error.to_string());
            let has_none = text.contains("does not support TLS");
            if has_none {
                Unreached::NoTls
            } else {
                Unreached::Tls(text)
            }
            .into()
        } else if let sqlx::Error::Protocol(text) = &error {
            Unreached::NotPostgres(one_line(text)).into()
        } else if let sqlx::Error::PoolTimedOut = error {
            Unreached::NoAnswer.into()
        } else {
            Unanswered::Other(text).into()
        }
    }

    fn of_io(error: &io::Error) -> Self {
        let (kind, text) = (error.kind(), one_line(&error.to_string()));
        let is_one_of = |kinds: &[io::ErrorKind]| kinds.contains(&kind);
        if is_one_of(&[io::ErrorKind::ConnectionRefused]) {
            Unreached::Refused.into()
        } else if is_one_of(&[io::ErrorKind::NotFound, io::ErrorKind::PermissionDenied]) {
            Unreached::Socket(text).into()
        } else if is_one_of(&[
            io::ErrorKind::TimedOut,
            io::ErrorKind::HostUnreachable,
            io::ErrorKind::NetworkUnreachable,
        ]) {
            Unreached::NoAnswer.into()
        } else if text.contains("lookup") {
            Unreached::Host(text).into()
        } else if text.to_lowercase().contains("certificate") {
            Unreached::Tls(text).into()
        } else if is_one_of(&[
            io::ErrorKind::UnexpectedEof,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::BrokenPipe,
            io::ErrorKind::InvalidData,
        ]) {
            Unreached::NotPostgres(text).into()
        } else {
            Unanswered::Other(text).into()
        }
    }

    /// Returns the obstacle for an error code of the server, or of a pooler that answers for it. PgBouncer has one code
    /// (08P01) for nearly all its errors.
    fn answered(code: &str, said: String) -> Self {
        let says = |words: &str| said.contains(words);
        match code {
            "28P01" => Unanswered::Password(said).into(),
            "3D000" => Unanswered::NoDatabase(said).into(),
            "53300" => Unanswered::TooManyConnections(said).into(),
            "57P01" | "57P02" | "57P03" => Unanswered::NotYet(said).into(),
            "25006" => Unanswered::ReadOnly.into(),
            "42501" => Unowned::Right(said).into(),
            "42P07" | "42710" | "42723" => Unowned::Occupied(said).into(),
            _ if code.starts_with("28") => Unanswered::NotLetIn(said).into(),
            _ if code.starts_with("53") => Unanswered::Full(said).into(),
            _ if says("statement pooling") => Pooled::StatementPooling.into(),
            _ if says("max_client_conn") => Unanswered::TooManyConnections(said).into(),
            _ if says("authentication failed") || says("no such user") => Unanswered::Password(said).into(),
            _ if says("no such database") => Unanswered::NoDatabase(said).into(),
            _ if code.starts_with("08") => Pooled::Pooler(said).into(),
            _ => Unanswered::Other(format!("{said} ({code})")).into(),
        }
    }

    pub(crate) fn of_migration(error: MigrateError) -> Self {
        let text = one_line(&error.to_string());
        if let MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) = error {
            Self::of(error)
        } else if let MigrateError::VersionMissing(version) = error {
            Unowned::Newer(version).into()
        } else if let MigrateError::VersionMismatch(version) = error {
            Unowned::Changed(version).into()
        } else {
            Unanswered::Other(text).into()
        }
    }
}

/// Reduces a message to one line, so that it can't add lines to the server's own output.
fn one_line(text: &str) -> String {
    let words = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_or_a_pooler_answers_is_told_apart() {
        let of = |code, said: &str| Obstacle::answered(code, said.to_owned());
        assert!(matches!(
            of("28P01", "x"),
            Obstacle::Unanswered(Unanswered::Password(_))
        ));
        assert!(matches!(
            of("28000", "x"),
            Obstacle::Unanswered(Unanswered::NotLetIn(_))
        ));
        assert!(matches!(
            of("53100", "disk full"),
            Obstacle::Unanswered(Unanswered::Full(_))
        ));
        assert!(matches!(
            of("53300", "x"),
            Obstacle::Unanswered(Unanswered::TooManyConnections(_))
        ));
        assert!(matches!(of("57P03", "x"), Obstacle::Unanswered(Unanswered::NotYet(_))));
        assert!(matches!(of("42501", "x"), Obstacle::Unowned(Unowned::Right(_))));
        let of = |said: &str| of("08P01", said);
        assert!(matches!(
            of("unsupported startup parameter: options"),
            Obstacle::Pooled(Pooled::Pooler(_))
        ));
        assert!(matches!(
            of("SASL authentication failed"),
            Obstacle::Unanswered(Unanswered::Password(_))
        ));
        assert!(matches!(
            of("no such database: x"),
            Obstacle::Unanswered(Unanswered::NoDatabase(_))
        ));
        let full = of("no more connections allowed (max_client_conn)");
        assert!(matches!(full, Obstacle::Unanswered(Unanswered::TooManyConnections(_))));
    }

    #[test]
    fn nobody_begins_a_line_of_ours() {
        assert_eq!(one_line("  a\r\nb\t\u{7}c "), "a b c");
    }
}
