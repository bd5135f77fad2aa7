//! What can stand in the way of a database at the start: a closed list, each with what it takes to say what to do.

use std::io;

use sqlx::migrate::MigrateError;

/// What stands between the server and its database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
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
    /// A pooler refuses something; what it says.
    Pooler(String),
    /// A pooler that gives connections away after each statement.
    StatementPooling,
    /// A pooler that gives connections away after each transaction, and no way past it.
    TransactionPooling,
    /// The direct way leads to another database.
    AnotherDatabase,
    /// The version of a server that is too old.
    TooOld(String),
    /// The encoding of a database that isn't UTF-8.
    Encoding(String),
    /// It takes no changes.
    ReadOnly,
    /// The server was built without ICU.
    NoIcu,
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
    /// The role lacks a right; what the server says.
    Right(String),
    /// Something that isn't Roster's has a name that Roster needs; what the server says.
    Occupied(String),
    /// A newer version's schema: the migration that this one doesn't know.
    Newer(i64),
    /// A schema that this version didn't make: the migration that is another.
    Changed(i64),
    /// The disk, or another resource, is used up; what the server says.
    Full(String),
    /// Anything else.
    Other(String),
}

impl Obstacle {
    pub(crate) fn of(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(database) => {
                Self::answered(&database.code().unwrap_or_default(), one_line(database.message()))
            }
            sqlx::Error::Io(error) => Self::of_io(&error),
            sqlx::Error::Tls(error) if error.to_string().contains("does not support TLS") => Self::NoTls,
            sqlx::Error::Tls(error) => Self::Tls(one_line(&error.to_string())),
            sqlx::Error::Protocol(text) => Self::NotPostgres(one_line(&text)),
            sqlx::Error::PoolTimedOut => Self::NoAnswer,
            error => Self::Other(one_line(&error.to_string())),
        }
    }

    fn of_io(error: &io::Error) -> Self {
        let text = one_line(&error.to_string());
        if let io::ErrorKind::ConnectionRefused = error.kind() {
            Self::Refused
        } else if let io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied = error.kind() {
            Self::Socket(text)
        } else if let io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable =
            error.kind()
        {
            Self::NoAnswer
        } else if text.contains("lookup") {
            Self::Host(text)
        } else if text.to_lowercase().contains("certificate") {
            Self::Tls(text)
        } else if let io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::InvalidData = error.kind()
        {
            Self::NotPostgres(text)
        } else {
            Self::Other(text)
        }
    }

    /// By the code of what the server, or a pooler in its name, answered.
    fn answered(code: &str, said: String) -> Self {
        match code {
            "28P01" => Self::Password(said),
            "3D000" => Self::NoDatabase(said),
            "53300" => Self::TooManyConnections(said),
            "57P01" | "57P02" | "57P03" => Self::NotYet(said),
            "25006" => Self::ReadOnly,
            "42501" => Self::Right(said),
            "42P07" | "42710" | "42723" => Self::Occupied(said),
            _ if code.starts_with("28") => Self::NotLetIn(said),
            _ if code.starts_with("53") => Self::Full(said),
            // PgBouncer has one code for all it says, and a prefix for none of it.
            _ if code.starts_with("08") && said.contains("statement pooling") => Self::StatementPooling,
            _ if code.starts_with("08") && said.contains("max_client_conn") => Self::TooManyConnections(said),
            _ if code.starts_with("08") && said.contains("authentication failed") => Self::Password(said),
            _ if code.starts_with("08") && said.contains("no such database") => Self::NoDatabase(said),
            _ if code.starts_with("08") => Self::Pooler(said),
            _ => Self::Other(format!("{said} ({code})")),
        }
    }

    pub(crate) fn of_migration(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => Self::of(error),
            MigrateError::VersionMissing(version) => Self::Newer(version),
            MigrateError::VersionMismatch(version) => Self::Changed(version),
            error => Self::Other(one_line(&error.to_string())),
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
