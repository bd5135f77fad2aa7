//! The database: whether it can be used, TLS, clocks, schema, connections, replication.

use std::time::Duration;

use directory::{Database, Directory, Finding};

use crate::{
    config::Config,
    database::{message, of},
    postgres,
};

/// Why replication matters, in the words of every line about it.
const BROUGHT_BACK: &str = "a failover can bring back somebody who was removed";

pub(super) async fn examine(config: &Config) -> Vec<String> {
    let mut lines = in_the_clear(config);
    let database = match &config.database_url {
        Some(_) => of(config),
        None => private(config),
    };
    match database {
        Ok(database) => lines.extend(database.diagnose(config.connections).await.iter().map(line)),
        Err(line) => lines.push(line),
    }
    lines
}

/// The private PostgreSQL, which a server must be running.
fn private(config: &Config) -> Result<Database, String> {
    let url = postgres::url_of_running(&config.data).map_err(|error| error.to_string())?;
    Database::at(&url).map_err(|error| error.to_string())
}

/// Addresses whose traffic others could read or change on its way: `ROSTER_INSECURE_DATABASE` lets them pass.
fn in_the_clear(config: &Config) -> Vec<String> {
    let urls = [
        ("DATABASE_URL", &config.database_url),
        ("ROSTER_DATABASE_DIRECT_URL", &config.database_direct_url),
    ];
    let is_open = |url: &str| matches!(Directory::is_sealed(url), Ok(false));
    urls.into_iter()
        .filter(|(_, url)| url.as_deref().is_some_and(is_open))
        .map(|(name, _)| {
            format!(
                "{name} leads to another machine without TLS: add ?sslmode=verify-full, and set \
                 ROSTER_INSECURE_DATABASE off"
            )
        })
        .collect()
}

/// What was found, and what to do, in one line.
fn line(finding: &Finding) -> String {
    match finding {
        Finding::Blocked(blocked) => message(blocked),
        Finding::Clock { by, is_ours_ahead } => format!(
            "this machine's clock is {} {} the database's: let both follow a time server (NTP)",
            seconds(*by),
            if *is_ours_ahead { "ahead of" } else { "behind" }
        ),
        Finding::FewConnections { allowed, wanted } => format!(
            "the database allows {allowed} connections, and Roster may open {wanted}: raise its limit, or set \
             ROSTER_DATABASE_CONNECTIONS to what is allowed, divided by the number of servers"
        ),
        Finding::NoSchema => "the database is empty: start the server, or run roster migrate".to_owned(),
        Finding::OldSchema(missing) => format!(
            "the schema is an older Roster's ({missing} migrations are missing): take a backup, then start this \
             version, or run roster migrate"
        ),
        Finding::Asynchronous(standbys) => format!(
            "replication to {} is asynchronous, so that {BROUGHT_BACK}: set synchronous_standby_names on the \
             primary, or synchronous_mode with Patroni",
            standbys.join(", ")
        ),
        Finding::CommitsEarly(setting) if setting == "off" => format!(
            "synchronous_commit is off, so that a crash of the database, as {BROUGHT_BACK}: set it on, for the role or \
             the database too"
        ),
        Finding::CommitsEarly(setting) => format!(
            "synchronous_commit is {setting}, which doesn't wait for the standby, so that {BROUGHT_BACK}: set it on, \
             for the role or the database too"
        ),
        Finding::NoStandby(names) => format!(
            "changes wait for a synchronous standby (synchronous_standby_names = '{names}'), and none is connected: \
             start it, or empty the setting"
        ),
        Finding::Unseen(role) => format!(
            "{role} may not see whether replication is synchronous; if it isn't, {BROUGHT_BACK}: GRANT pg_monitor TO \
             {role}, and run this again"
        ),
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use directory::{Blocked, Unreached};

    use super::*;

    #[test]
    fn u7_each_finding_is_one_line_with_what_to_do() {
        let host = Blocked {
            is_direct: false,
            host: Some("db2:5432".to_owned()),
            by: Unreached::Refused.into(),
        };
        let text = ToOwned::to_owned;
        for (finding, says) in [
            (Finding::Blocked(host), ["DATABASE_URL (db2:5432)", "start PostgreSQL"]),
            (
                Finding::Clock {
                    by: Duration::from_millis(61_500),
                    is_ours_ahead: true,
                },
                ["61.5 s ahead of", "NTP"],
            ),
            (
                Finding::Clock {
                    by: Duration::from_secs(3),
                    is_ours_ahead: false,
                },
                ["3.0 s behind", "NTP"],
            ),
            (
                Finding::FewConnections {
                    allowed: 20,
                    wanted: 33,
                },
                ["allows 20", "ROSTER_DATABASE_CONNECTIONS"],
            ),
            (Finding::NoSchema, ["empty", "roster migrate"]),
            (Finding::OldSchema(3), ["3 migrations", "backup"]),
            (
                Finding::Asynchronous(vec![text("db2"), text("db3")]),
                ["to db2, db3 is asynchronous", "synchronous_standby_names"],
            ),
            (Finding::CommitsEarly(text("off")), ["a crash", "set it on"]),
            (Finding::CommitsEarly(text("local")), ["is local", "set it on"]),
            (Finding::NoStandby(text("db2")), ["'db2'", "start it"]),
            (
                Finding::Unseen(text("roster")),
                ["roster may not see", "GRANT pg_monitor"],
            ),
        ] {
            let line = line(&finding);
            assert!(
                says.iter().all(|says| line.contains(says)) && line.lines().count() == 1,
                "{line}"
            );
        }
    }
}
