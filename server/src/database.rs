//! Opens the database at the start: finds its URL, checks that it is usable, and divides the connections. Every failure
//! is one line that says what is wrong and what to do.

use std::time::Duration;

use directory::{Blocked, Database, Directory, Obstacle, Pooled, STATEMENT, Unanswered, Unfit, Unowned, Unreached};

use crate::config::Config;

/// The statement timeout of gateways' connections: no gateway waits longer.
const GATEWAYS_STATEMENT: Duration = Duration::from_secs(5);

/// The directory over each audience's own connections: programs that report much, and people who change much, must not
/// keep gateways waiting for an answer (E3).
pub(crate) struct Directories {
    pub(crate) people: Directory,
    pub(crate) programs: Directory,
    pub(crate) gateways: Directory,
}

/// How many connections each audience has at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shares {
    people: u32,
    programs: u32,
    gateways: u32,
}

impl Shares {
    /// Divides all but one, which listens for hints: half for people, the rest for programs and gateways alike.
    fn of(connections: u32) -> Self {
        let rest = connections.saturating_sub(1);
        let quarter = (rest / 4).max(1);
        Self {
            people: rest.saturating_sub(2 * quarter).max(1),
            programs: quarter,
            gateways: quarter,
        }
    }
}

impl Directories {
    /// Looks at the operator's database, or takes the private one as it is; brings its schema up to date; and
    /// connects.
    ///
    /// # Errors
    /// One line that says what stands in the way, and what to do.
    pub(crate) async fn open(config: &Config, private_url: Option<&str>) -> Result<Self, String> {
        let database = match private_url {
            Some(url) => Database::at(url).map_err(|error| error.to_string())?,
            None => checked(config).await?,
        };
        database.migrate().await.map_err(|blocked| message(&blocked))?;
        let shares = Shares::of(config.connections);
        let open = async |connections, statement| {
            let opened = database.directory(connections, statement, config.settings).await;
            opened.map_err(|error| format!("{DATABASE} can't be used any more: {error}"))
        };
        Ok(Self {
            people: open(shares.people, STATEMENT).await?.refusing(config.breached.clone()),
            programs: open(shares.programs, STATEMENT).await?,
            gateways: open(shares.gateways, GATEWAYS_STATEMENT).await?,
        })
    }

    pub(crate) async fn close(&self) {
        tokio::join!(self.people.close(), self.programs.close(), self.gateways.close());
    }
}

/// The database of the configuration, once nothing stands in its way.
///
/// # Errors
/// One line that says what does, and what to do.
pub(crate) async fn checked(config: &Config) -> Result<Database, String> {
    let database = of(config)?;
    database
        .check(config.connections)
        .await
        .map_err(|blocked| message(&blocked))?;
    Ok(database)
}

/// The database of the configuration.
///
/// # Errors
/// One line that says what is wrong with an address.
pub(crate) fn of(config: &Config) -> Result<Database, String> {
    let url = config.database_url.as_deref().unwrap_or_default();
    let database = Database::at(url).map_err(|error| error.to_string())?;
    match config.database_direct_url.as_deref().filter(|direct| *direct != url) {
        Some(direct) => database.past_pooler(direct).map_err(|error| error.to_string()),
        None => Ok(database),
    }
}

/// The directory for a command: one connection, and no need to know whether there is a pooler.
///
/// # Errors
/// One line that says what stands in the way, and what to do.
pub(crate) async fn for_command(config: &Config, private_url: Option<&str>) -> Result<Directory, String> {
    let database = match private_url {
        Some(url) => Database::at(url).map_err(|error| error.to_string())?,
        None => of(config)?.as_if_pooled(),
    };
    database.reach().await.map_err(|blocked| message(&blocked))?;
    let directory = database.directory(1, STATEMENT, config.settings).await;
    let directory = directory.map_err(|error| error.to_string())?;
    Ok(directory.refusing(config.breached.clone()))
}

const DATABASE: &str = "the database";

/// What stands in the way, and what to do, in one line.
pub(crate) fn message(Blocked { is_direct, host, by }: &Blocked) -> String {
    let setting = if *is_direct {
        "ROSTER_DATABASE_DIRECT_URL"
    } else {
        "DATABASE_URL"
    };
    match host {
        Some(host) => of_obstacle(by, &format!("{setting} ({host})")),
        None => of_obstacle(by, setting),
    }
}

fn of_obstacle(by: &Obstacle, setting: &str) -> String {
    match by {
        Obstacle::Hosts(hosts) => {
            let each = hosts
                .iter()
                .map(|(host, by)| of_obstacle(by, &format!("{setting} ({host})")));
            each.collect::<Vec<_>>().join("; ")
        }
        Obstacle::Unreached(by) => unreached(by, setting),
        Obstacle::Unanswered(by) => unanswered(by, setting),
        Obstacle::Pooled(by) => pooled(by, setting),
        Obstacle::Unfit(by) => unfit(by, setting),
        Obstacle::Unowned(by) => unowned(by),
    }
}

/// The message for a database that cannot be reached.
fn unreached(by: &Unreached, setting: &str) -> String {
    match by {
        Unreached::Host(why) => {
            format!("the host of {setting} isn't known ({why}): correct its name, or this machine's DNS")
        }
        Unreached::Refused => {
            format!("nobody listens where {setting} leads: start PostgreSQL there, or correct host and port")
        }
        Unreached::Socket(why) => format!(
            "the socket of {setting} can't be used ({why}): start PostgreSQL, correct the folder in `host`, or let \
             this account in"
        ),
        Unreached::NoAnswer => {
            format!("no answer within 10 s where {setting} leads: correct host and port, or open the firewall")
        }
        Unreached::NotPostgres(why) => format!(
            "what listens where {setting} leads doesn't answer like PostgreSQL ({why}): correct host and port; with \
             TLS by a proxy, its settings"
        ),
        Unreached::NoTls => format!(
            "the server of {setting} has no TLS: switch it on there (ssl = on); on this machine, or with \
             ROSTER_INSECURE_DATABASE=on, take sslmode out of the URL"
        ),
        Unreached::Tls(why) => format!(
            "TLS to the server of {setting} failed ({why}): name the certificate's authority by sslrootcert=, and \
             the host as the certificate does"
        ),
    }
}

/// The message for a database that refuses the connection.
fn unanswered(by: &Unanswered, setting: &str) -> String {
    match by {
        Unanswered::Password(said) => format!("the user or password of {setting} is wrong ({said}): correct it"),
        Unanswered::NotLetIn(said) => format!(
            "the server of {setting} lets this role not in ({said}): correct the user, add ?sslmode=require if it \
             wants TLS, or allow it in pg_hba.conf"
        ),
        Unanswered::NoDatabase(said) => format!(
            "the database of {setting} doesn't exist ({said}): correct its name, or make it by CREATE DATABASE … \
             ENCODING 'UTF8' TEMPLATE template0"
        ),
        Unanswered::TooManyConnections(said) => format!(
            "the server of {setting} has no connection left ({said}): end others, raise its limit, or set \
             ROSTER_DATABASE_CONNECTIONS lower on every server"
        ),
        Unanswered::NotYet(said) => {
            format!("the server of {setting} starts or stops ({said}): start Roster again once it runs")
        }
        Unanswered::ReadOnly => format!(
            "the server of {setting} takes no changes: name the primary, no standby, or set \
             default_transaction_read_only off"
        ),
        Unanswered::Full(said) => {
            format!("the server of {setting} is out of resources ({said}): free its disk or memory")
        }
        Unanswered::Other(said) => format!("the database of {setting} can't be used: {said}"),
    }
}

/// The message for a pooler that is in the way.
fn pooled(by: &Pooled, setting: &str) -> String {
    match by {
        Pooled::Pooler(said) => {
            format!("the pooler or server of {setting} refuses ({said}): correct its configuration, or the URL")
        }
        Pooled::StatementPooling => format!(
            "{setting} leads through a pooler in statement mode, where there are no transactions: set pool_mode to \
             transaction or session"
        ),
        Pooled::TransactionPooling if setting.starts_with("DATABASE_URL") => format!(
            "{setting} leads through a pooler in transaction mode, where nobody can listen: set \
             ROSTER_DATABASE_DIRECT_URL to the same database past the pooler, or pool_mode to session"
        ),
        Pooled::TransactionPooling => format!(
            "{setting} leads through a pooler in transaction mode, where nobody can listen: let it lead past the \
             pooler"
        ),
        Pooled::AnotherDatabase => {
            format!("{setting} leads to another database than DATABASE_URL: let both lead to the same one")
        }
    }
}

/// The message for a database whose settings do not suit.
fn unfit(by: &Unfit, setting: &str) -> String {
    match by {
        Unfit::TooOld(version) => {
            format!("the server of {setting} is PostgreSQL {version}, but must be 15 or newer: upgrade it")
        }
        Unfit::Encoding(encoding) => format!(
            "the database of {setting} is in {encoding}, but must be in UTF8: make another by CREATE DATABASE … \
             ENCODING 'UTF8' TEMPLATE template0"
        ),
        Unfit::NoIcu => format!(
            "the server of {setting} has no collation und-x-icu: use a PostgreSQL that was built with ICU, as \
             Debian's is"
        ),
        Unfit::NoTrigrams => format!(
            "the server of {setting} doesn't have the extension pg_trgm: install PostgreSQL's contrib package there"
        ),
        Unfit::MayNotExtend { role } => format!(
            "the extension pg_trgm is missing in the database of {setting}, and {role} may not install it: run \
             CREATE EXTENSION pg_trgm there as an administrator, or GRANT CREATE ON DATABASE to {role}"
        ),
        Unfit::TrigramsElsewhere { role, schema } => format!(
            "the extension pg_trgm is in the schema {schema}, where {role} doesn't look: run ALTER EXTENSION \
             pg_trgm SET SCHEMA public as an administrator, or ALTER ROLE {role} SET search_path = public, {schema}"
        ),
    }
}

/// The message for a schema that is not Roster's, or not of this version.
fn unowned(by: &Unowned) -> String {
    match by {
        Unowned::NoSchema { role } => format!(
            "{role} has no schema to make tables in: run CREATE SCHEMA {role} AUTHORIZATION {role} in the database, \
             or correct its search_path"
        ),
        Unowned::MayNotCreate { role, schema } => format!(
            "{role} may not make tables: make it the database's owner (ALTER DATABASE … OWNER TO {role}), or GRANT \
             CREATE, USAGE ON SCHEMA {schema} TO {role}"
        ),
        Unowned::Owner { role, owner } => format!(
            "the tables belong to {owner}, and {role} may not change them: run REASSIGN OWNED BY {owner} TO {role} \
             in the database, or connect as {owner}"
        ),
        Unowned::Right(said) => format!(
            "the role lacks a right in the database ({said}): make it the owner of the database and of the tables \
             in it"
        ),
        Unowned::Occupied(said) => format!(
            "the database has something else under a name that Roster needs ({said}): give Roster a database of its \
             own"
        ),
        Unowned::Newer(version) => format!(
            "the schema is a newer Roster's (migration {version}): start that version or a newer one, or restore a \
             backup from before"
        ),
        Unowned::Changed(version) => format!(
            "the schema wasn't made by a released Roster (migration {version} differs): restore a backup, or start \
             the version that made it"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_divided_and_never_more_than_allowed() {
        let shares = |people, programs, gateways| Shares {
            people,
            programs,
            gateways,
        };
        assert_eq!(Shares::of(33), shares(16, 8, 8));
        assert_eq!(Shares::of(5), shares(2, 1, 1));
        for connections in 5..=1000 {
            let shares = Shares::of(connections);
            assert_eq!(shares.people + shares.programs + shares.gateways + 1, connections);
            assert!(shares.people >= 2 && shares.gateways >= 1, "{shares:?}");
        }
    }
    /// Those that a test can't easily bring about (`server/tests/live/starts.rs` has the others).
    #[test]
    fn what_stands_in_the_way_is_one_line_that_names_the_setting_and_what_to_do() {
        let said = || "as it says".to_owned();
        let role = || "roster".to_owned();
        for (by, says) in [
            (Unanswered::Password(said()).into(), "is wrong (as it says): correct it"),
            (Unanswered::NotYet(said()).into(), "start Roster again"),
            (Unanswered::Full(said()).into(), "free its disk"),
            (Unreached::NoAnswer.into(), "open the firewall"),
            (Unreached::Tls(said()).into(), "sslrootcert="),
            (Pooled::Pooler(said()).into(), "refuses (as it says)"),
            (
                Unfit::TooOld("14.2".to_owned()).into(),
                "is PostgreSQL 14.2, but must be 15 or newer",
            ),
            (Unfit::NoIcu.into(), "built with ICU"),
            (Unfit::NoTrigrams.into(), "contrib"),
            (Unfit::MayNotExtend { role: role() }.into(), "CREATE EXTENSION pg_trgm"),
            (Unowned::NoSchema { role: role() }.into(), "CREATE SCHEMA"),
            (Unowned::Right(said()).into(), "owner of the database"),
            (Unowned::Changed(20_261_123_000_001).into(), "restore a backup"),
        ] {
            for is_direct in [false, true] {
                let line = message(&Blocked {
                    is_direct,
                    host: None,
                    by: Obstacle::clone(&by),
                });
                assert!(line.contains(says) && line.lines().count() == 1, "{line}");
                let setting = if is_direct {
                    "ROSTER_DATABASE_DIRECT_URL"
                } else {
                    "DATABASE_URL"
                };
                assert!(matches!(by, Obstacle::Unowned(_)) || line.contains(setting), "{line}");
            }
        }
    }

    #[test]
    fn u5_of_several_hosts_each_is_named_with_what_stands_in_its_way() {
        let hosts = vec![
            ("db1:5432".to_owned(), Unreached::Refused.into()),
            ("db2:5432".to_owned(), Unanswered::ReadOnly.into()),
        ];
        let line = message(&Blocked {
            is_direct: false,
            host: None,
            by: Obstacle::Hosts(hosts),
        });
        assert!(
            line.contains("nobody listens where DATABASE_URL (db1:5432) leads"),
            "{line}"
        );
        assert!(
            line.contains("the server of DATABASE_URL (db2:5432) takes no changes"),
            "{line}"
        );
        assert_eq!(line.lines().count(), 1);
        let line = message(&Blocked {
            is_direct: true,
            host: Some("db2:5432".to_owned()),
            by: Unfit::NoIcu.into(),
        });
        assert!(
            line.starts_with("the server of ROSTER_DATABASE_DIRECT_URL (db2:5432) has no"),
            "{line}"
        );
    }
}
