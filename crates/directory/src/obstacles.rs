//! What can stand in the way of a database at the start: a closed list, each with what it takes to say what to do.

use std::io;

use sqlx::migrate::MigrateError;

/// What stands between the server and its database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// There is no way to it.
    Unreached(Unreached),
    /// It says no, or not now.
    Unanswered(Unanswered),
    /// A pooler stands between.
    Pooled(Pooled),
    /// It isn't as Roster needs it.
    Unfit(Unfit),
    /// The schema isn't this role's, or isn't this version's.
    Unowned(Unowned),
}

/// There is no way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreached {
    /// No such host.
    Host(String),
    /// Nobody listens there.
    Refused,
    /// The socket can't be used: missing, or not for this account.
    Socket(String),
    /// No answer within the time.
    NoAnswer,
    /// What listens there isn't PostgreSQL.
    NotPostgres(String),
    /// The server has no TLS, and it was asked for.
    NoTls,
    /// TLS failed: a certificate that isn't trusted or is another's.
    Tls(String),
}

impl From<Unreached> for Obstacle {
    fn from(by: Unreached) -> Self {
        Self::Unreached(by)
    }
}

/// It says no, or not now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The password, or the name that goes with it.
    Password(String),
    /// The server lets this role in by no rule of its own; what it says.
    NotLetIn(String),
    /// There is no such database.
    NoDatabase(String),
    /// Too many connections already; what the server says.
    TooManyConnections(String),
    /// It starts, stops or recovers.
    NotYet(String),
    /// It takes no changes.
    ReadOnly,
    /// The disk, or another resource, is used up; what the server says.
    Full(String),
    /// Anything else.
    Other(String),
}

impl From<Unanswered> for Obstacle {
    fn from(by: Unanswered) -> Self {
        Self::Unanswered(by)
    }
}

/// A pooler stands between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pooled {
    /// A pooler refuses something; what it says.
    Pooler(String),
    /// A pooler that gives connections away after each statement.
    StatementPooling,
    /// A pooler that gives connections away after each transaction, and no way past it.
    TransactionPooling,
    /// The direct way leads to another database.
    AnotherDatabase,
}

impl From<Pooled> for Obstacle {
    fn from(by: Pooled) -> Self {
        Self::Pooled(by)
    }
}

/// It isn't as Roster needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The version of a server that is too old.
    TooOld(String),
    /// The encoding of a database that isn't UTF-8.
    Encoding(String),
    /// The server was built without ICU.
    NoIcu,
    /// The server doesn't have the extension `pg_trgm`.
    NoTrigrams,
    /// It has, and the role may not install it.
    MayNotExtend {
        /// The role.
        role: String,
    },
    /// It is in a schema that the role doesn't look into.
    TrigramsElsewhere {
        /// The role.
        role: String,
        /// Where it is.
        schema: String,
    },
}

impl From<Unfit> for Obstacle {
    fn from(by: Unfit) -> Self {
        Self::Unfit(by)
    }
}

/// The schema isn't this role's, or isn't this version's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unowned {
    /// The role finds no schema to make tables in.
    NoSchema {
        /// The role.
        role: String,
    },
    /// The role may not make tables.
    MayNotCreate {
        /// The role.
        role: String,
        /// Where it would.
        schema: String,
    },
    /// The tables are another role's.
    Owner {
        /// The role.
        role: String,
        /// Whose they are.
        owner: String,
    },
    /// The role lacks a right; what the server says.
    Right(String),
    /// Something that isn't Roster's has a name that Roster needs; what the server says.
    Occupied(String),
    /// A newer version's schema: the migration that this one doesn't know.
    Newer(i64),
    /// A schema that this version didn't make: the migration that is another.
    Changed(i64),
}

impl From<Unowned> for Obstacle {
    fn from(by: Unowned) -> Self {
        Self::Unowned(by)
    }
}

impl Obstacle {
    pub(crate) fn of(error: sqlx::Error) -> Self {
        let text = one_line(&error.to_string());
        if let sqlx::Error::Database(database) = &error {
            Self::answered(&database.code().unwrap_or_default(), one_line(database.message()))
        } else if let sqlx::Error::Io(error) = &error {
            Self::of_io(error)
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
        } else if let sqlx::Error::PoolTimedOut = &error {
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

    /// By the code of what the server, or a pooler in its name, answered. PgBouncer has one code (08P01) for nearly
    /// all it says.
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

/// What others said, fit for one line: on none of ours may they begin another.
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
