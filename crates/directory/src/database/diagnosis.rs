//! What isn't as it should be about a database that is in use (U6, U7).
//!
//! Owns the questions, each of which only reads, and the closed list of what can be found. It must not know how that is
//! told to the operator.

use std::time::{Duration, Instant};

use sqlx::{Connection, Executor, Row, postgres::PgRow};
use time::OffsetDateTime;
use tokio::time::timeout;

use super::{Blocked, Database, MIGRATIONS, PATIENCE, connect};
use crate::{
    connections::Hosts,
    directory::system_time,
    obstacles::{Obstacle, Unowned, Unreached},
};

/// How far the clocks of server and database may differ: they set the times of rows and end sessions.
const CLOCKS: Duration = Duration::from_secs(1);

/// The moment, and how many connections there may be.
const NOW: &str = "
    SELECT EXTRACT(EPOCH FROM clock_timestamp())::float8 AS now,
        LEAST(current_setting('max_connections')::int4 - current_setting('superuser_reserved_connections')::int4,
            (SELECT NULLIF(rolconnlimit, -1) FROM pg_catalog.pg_roles WHERE rolname = current_user),
            (SELECT NULLIF(datconnlimit, -1) FROM pg_catalog.pg_database WHERE datname = current_database())
        ) AS connections,
        to_regclass('_sqlx_migrations') IS NOT NULL AS has_schema";

/// The migrations that were made.
const MADE: &str = "SELECT version, checksum FROM _sqlx_migrations WHERE success ORDER BY version";

/// How changes are copied. Without a right to it a role sees that there are standbys, but not what they are: then the
/// columns are null.
const REPLICATION: &str = "
    SELECT current_setting('synchronous_commit') AS commits, current_user::text AS role,
        current_setting('synchronous_standby_names') AS names,
        ARRAY(SELECT COALESCE(NULLIF(application_name, ''), client_addr::text, '?') FROM pg_catalog.pg_stat_replication
              WHERE state IS DISTINCT FROM 'backup' ORDER BY 1) AS standbys,
        (SELECT bool_or(sync_state IN ('sync', 'quorum')) FROM pg_catalog.pg_stat_replication
         WHERE state IS DISTINCT FROM 'backup') AS is_synchronous";

/// Something that isn't as it should be.
#[derive(Debug)]
pub enum Finding {
    /// The database can't be used, or a host of it can't.
    Blocked(Blocked),
    /// The database's clock differs from the server's: by so much it is ahead, or behind.
    Clock {
        /// By how much.
        by: Duration,
        /// Whether the server's is the later one.
        is_ours_ahead: bool,
    },
    /// The database allows fewer connections than Roster may open.
    FewConnections {
        /// How many it allows.
        allowed: u32,
        /// How many Roster may open.
        wanted: u32,
    },
    /// There is no schema yet.
    NoSchema,
    /// The schema is an older version's: so many migrations are missing.
    OldSchema(usize),
    /// There are standbys and none is synchronous: a failover can bring back somebody who was removed (U6).
    Asynchronous(Vec<String>),
    /// Changes are answered as done before they are copied, or even kept (U6). Contains `synchronous_commit`.
    CommitsEarly(String),
    /// Changes wait for a synchronous standby, and none is there. Contains `synchronous_standby_names`.
    NoStandby(String),
    /// This role may not see whether standbys are synchronous.
    Unseen(String),
}

impl Database {
    /// Looks for what isn't as it should be, with this number of `connections`. Changes nothing.
    pub async fn diagnose(&self, connections: u32) -> Vec<Finding> {
        self.diagnose_by(system_time, connections).await
    }

    /// The same by another clock, for tests.
    pub(crate) async fn diagnose_by(&self, clock: fn() -> OffsetDateTime, connections: u32) -> Vec<Finding> {
        let unreached = self.unreached_hosts().await;
        let is_each_named = unreached.len() == self.through.each().count() + self.extra_hosts();
        let mut findings: Vec<_> = unreached.into_iter().map(Finding::Blocked).collect();
        let checked = self.check(connections).await;
        let is_usable = checked.is_ok();
        // Where every host was named already, that none can be used is nothing new.
        findings.extend(checked.err().filter(|_| !is_each_named).map(Finding::Blocked));
        match self.ask(clock, connections).await {
            Ok(more) => findings.extend(more),
            Err(by) if is_usable => findings.push(Finding::Blocked(self.blocked(self.is_pooled, by))),
            Err(_) => {}
        }
        findings
    }

    /// How many hosts the direct address has beside the other one's.
    fn extra_hosts(&self) -> usize {
        if self.is_pooled { self.direct.each().count() } else { 0 }
    }

    /// The hosts of lists that no connection can be made to. A standby is reached, and will do once it is the primary.
    async fn unreached_hosts(&self) -> Vec<Blocked> {
        let mut unreached = Vec::new();
        let direct = self.is_pooled.then_some((true, &self.direct));
        for (is_direct, hosts) in [(false, &self.through)].into_iter().chain(direct) {
            for (name, by) in unreached_of(hosts).await {
                unreached.push(Blocked {
                    is_direct,
                    host: Some(name),
                    by,
                });
            }
        }
        unreached
    }

    /// Asks the server itself, past a pooler.
    async fn ask(&self, clock: fn() -> OffsetDateTime, wanted: u32) -> Result<Vec<Finding>, Obstacle> {
        let mut connection = connect(&self.direct).await?;
        let begun = Instant::now();
        let row = connection.fetch_one(sqlx::raw_sql(NOW)).await.map_err(Obstacle::of)?;
        let trip = begun.elapsed();
        let mut findings = Vec::new();
        findings.extend(clocks_differ(&row, clock(), trip)?);
        findings.extend(few_connections(&row, wanted)?);
        if row.try_get("has_schema").map_err(Obstacle::of)? {
            let made = connection.fetch_all(sqlx::raw_sql(MADE)).await.map_err(Obstacle::of)?;
            findings.extend(schema(&made).map_err(Obstacle::of)?);
        } else {
            findings.push(Finding::NoSchema);
        }
        let row = connection.fetch_one(sqlx::raw_sql(REPLICATION)).await;
        findings.extend(row.and_then(|row| replication(&row)).map_err(Obstacle::of)?);
        drop(connection.close().await);
        Ok(findings)
    }
}

/// The hosts of a list that no connection can be made to, with why.
async fn unreached_of(hosts: &Hosts) -> Vec<(String, Obstacle)> {
    let mut unreached = Vec::new();
    for (nth, options) in hosts.each().enumerate() {
        let Some(name) = hosts.name(nth) else { continue };
        let by = match timeout(PATIENCE, sqlx::PgConnection::connect_with(options)).await {
            Ok(Ok(connection)) => {
                drop(connection.close().await);
                continue;
            }
            Ok(Err(error)) => Obstacle::of(error),
            Err(_) => Unreached::NoAnswer.into(),
        };
        unreached.push((name.to_owned(), by));
    }
    unreached
}

/// Compares the clocks. The answer took `trip`, and was made at some moment within it.
fn clocks_differ(row: &PgRow, ours: OffsetDateTime, trip: Duration) -> Result<Option<Finding>, Obstacle> {
    let theirs: f64 = row.try_get("now").map_err(Obstacle::of)?;
    let theirs = time::Duration::seconds_f64(theirs) - (ours - OffsetDateTime::UNIX_EPOCH);
    let by = theirs.unsigned_abs().saturating_sub(trip);
    Ok((by > CLOCKS).then_some(Finding::Clock {
        by,
        is_ours_ahead: theirs.is_negative(),
    }))
}

fn few_connections(row: &PgRow, wanted: u32) -> Result<Option<Finding>, Obstacle> {
    let allowed: Option<i32> = row.try_get("connections").map_err(Obstacle::of)?;
    let allowed = allowed.and_then(|allowed| u32::try_from(allowed).ok());
    Ok(allowed
        .filter(|allowed| *allowed < wanted)
        .map(|allowed| Finding::FewConnections { allowed, wanted }))
}

/// Compares the migrations that were made with those that this version knows.
fn schema(made: &[PgRow]) -> sqlx::Result<Option<Finding>> {
    let blocked = |by: Unowned| {
        Finding::Blocked(Blocked {
            is_direct: false,
            host: None,
            by: by.into(),
        })
    };
    for row in made {
        let (version, checksum): (i64, Vec<u8>) = (row.try_get("version")?, row.try_get("checksum")?);
        match MIGRATIONS.iter().find(|known| known.version == version) {
            None => return Ok(Some(blocked(Unowned::Newer(version)))),
            Some(known) if known.checksum.as_ref() != checksum => {
                return Ok(Some(blocked(Unowned::Changed(version))));
            }
            Some(_) => {}
        }
    }
    let missing = MIGRATIONS.iter().count().saturating_sub(made.len());
    Ok((missing > 0).then_some(Finding::OldSchema(missing)))
}

/// What may be lost by a failover or a crash (U6).
fn replication(row: &PgRow) -> sqlx::Result<Option<Finding>> {
    let text = |name| row.try_get::<String, _>(name);
    let (commits, names) = (text("commits")?, text("names")?);
    let standbys: Vec<String> = row.try_get("standbys")?;
    let is_synchronous: Option<bool> = row.try_get("is_synchronous")?;
    let is_early = matches!(commits.as_str(), "off" | "local");
    Ok(match (standbys.is_empty(), names.is_empty(), is_synchronous) {
        (false, true, _) | (false, false, Some(false)) => Some(Finding::Asynchronous(standbys)),
        (false, false, None) => Some(Finding::Unseen(text("role")?)),
        (true, false, _) => Some(Finding::NoStandby(names)),
        (false, false, Some(true)) if is_early => Some(Finding::CommitsEarly(commits)),
        // Without standbys `local` is as good as `on`; `off` loses changes in a crash.
        (true, true, _) if commits == "off" => Some(Finding::CommitsEarly(commits)),
        (true, true, _) | (false, false, Some(true)) => None,
    })
}

#[cfg(test)]
mod tests {
    use sqlx::PgPool;

    use super::*;

    /// The findings about a test's own database; how it commits is the tests' own affair.
    async fn found(pool: &PgPool, clock: fn() -> OffsetDateTime, connections: u32) -> Vec<Finding> {
        let hosts = Hosts::from((*pool.connect_options()).clone());
        let database = Database {
            through: hosts.clone(),
            direct: hosts,
            is_pooled: false,
        };
        let mut found = database.diagnose_by(clock, connections).await;
        found.retain(|finding| !matches!(finding, Finding::CommitsEarly(_)));
        found
    }

    /// U7: the clocks are compared, either way.
    #[sqlx::test]
    async fn u7_a_clock_that_differs_is_found(pool: PgPool) {
        let late: fn() -> OffsetDateTime = || OffsetDateTime::now_utc() - Duration::from_secs(61);
        let early: fn() -> OffsetDateTime = || OffsetDateTime::now_utc() + Duration::from_secs(61);
        for (clock, ahead) in [(late, false), (early, true)] {
            let found = found(&pool, clock, 5).await;
            let [Finding::Clock { by, is_ours_ahead }] = &found[..] else {
                panic!("{found:?}");
            };
            assert_eq!(*is_ours_ahead, ahead);
            assert!((60..=61).contains(&by.as_secs()), "{by:?}");
        }
        let found = found(&pool, system_time, 5).await;
        assert!(found.is_empty(), "{found:?}");
    }

    /// U7: the schema of an older version, of a newer one, and none.
    #[sqlx::test]
    async fn u7_a_schema_of_another_version_is_found(pool: PgPool) {
        let run = async |sql: &'static str| {
            sqlx::raw_sql(sql).execute(&pool).await.unwrap();
            found(&pool, system_time, 5).await
        };
        let newest = "DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)";
        let found = run(newest).await;
        assert!(matches!(found[..], [Finding::OldSchema(1)]), "{found:?}");
        let found = run("UPDATE _sqlx_migrations SET version = 99991231000001
                         WHERE version = (SELECT max(version) FROM _sqlx_migrations)")
        .await;
        assert!(
            matches!(
                &found[..],
                [Finding::Blocked(Blocked {
                    by: Obstacle::Unowned(Unowned::Newer(_)),
                    ..
                })]
            ),
            "{found:?}"
        );
        let found = run("DROP TABLE _sqlx_migrations").await;
        assert!(matches!(found[..], [Finding::NoSchema]), "{found:?}");
    }

    /// U7
    #[sqlx::test(migrations = false)]
    async fn u7_too_few_connections_are_found(pool: PgPool) {
        let found = found(&pool, system_time, 1000).await;
        let few = found
            .iter()
            .any(|finding| matches!(finding, Finding::FewConnections { wanted: 1000, .. }));
        assert!(few, "{found:?}");
    }
}
