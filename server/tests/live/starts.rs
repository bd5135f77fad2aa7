//! What a database can be that won't do, and that the start says so in one line, with what to do; and that a dump can
//! be restored by a role that owns nothing but its database.

use std::{
    io::{Read, Write},
    net::TcpListener,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use sqlx::{AssertSqlSafe, PgPool};

use super::servers::url_of;

/// The program, with these settings alone.
pub(crate) fn run(arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roster"));
    command
        .args(arguments)
        .env_remove("DATABASE_URL")
        .env("RUST_LOG", "off");
    for (name, value) in settings {
        command.env(name, value);
    }
    command
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// The one line it ends with, having failed.
#[track_caller]
pub(crate) fn complaint(arguments: &[&str], settings: &[(&str, &str)]) -> String {
    let output = run(arguments, settings);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && output.stdout.is_empty(),
        "{settings:?}: {said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    for inside in ["internal", "while executing"] {
        assert!(!said.contains(inside), "{said}");
    }
    said
}

/// A server of something else.
fn no_postgres() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            drop(stream.read(&mut [0; 64]));
            drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
        }
    });
    port
}

/// Databases and roles of a test, which go with it.
struct Scratch {
    pool: PgPool,
    name: String,
    url: String,
}

impl Scratch {
    async fn new(pool: PgPool) -> Self {
        let url = url_of(&pool).await;
        let name = format!("starts_{}", std::process::id());
        Self { pool, name, url }
    }

    async fn sql(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.replace("$", &self.name));
        sqlx::raw_sql(sql).execute(&self.pool).await.unwrap();
    }

    /// The URL of a database for a role, both of this test.
    fn url(&self, database: &str, role: &str) -> String {
        let (address, options) = self.url.split_once('?').unwrap();
        let (scheme, _) = address.split_once("://").unwrap();
        let (database, role) = (database.replace('$', &self.name), role.replace('$', &self.name));
        format!("{scheme}://{role}@localhost/{database}?{options}")
    }

    /// Runs SQL in another database than the test's own.
    async fn within(&self, database: &str, sql: &str) {
        let other = PgPool::connect(&self.url(database, "roster")).await.unwrap();
        let sql = AssertSqlSafe(sql.replace("$", &self.name));
        sqlx::raw_sql(sql).execute(&other).await.unwrap();
        other.close().await;
    }
}

const DATABASES: [&str; 7] = ["latin", "ascii", "poor", "heir", "busy", "away", "full"];

/// The databases of [`DATABASES`], each with what is wrong with it, and the role `$_poor`.
async fn make_databases(scratch: &Scratch) {
    scratch.sql("CREATE ROLE $_poor LOGIN").await;
    for database in DATABASES {
        let encoding = match database {
            "latin" => "LATIN1",
            "ascii" => "SQL_ASCII",
            _ => "UTF8",
        };
        let sql = format!(
            "CREATE DATABASE $_{database} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        );
        scratch.sql(&sql).await;
    }
    scratch.sql("ALTER DATABASE $_heir OWNER TO $_poor").await;
    scratch
        .sql("ALTER DATABASE $_away SET default_transaction_read_only = on")
        .await;
    scratch.sql("ALTER DATABASE $_full CONNECTION LIMIT 0").await;
    scratch.within("$_busy", "CREATE TABLE users (id int)").await;
    scratch
        .within(
            "$_poor",
            "CREATE SCHEMA elsewhere; CREATE EXTENSION pg_trgm SCHEMA elsewhere",
        )
        .await;
}

/// `internal: while executing migration …` and the like is what it said.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn u7_each_cause_at_the_start_is_one_line_with_what_to_do(pool: PgPool) {
    let scratch = Scratch::new(pool).await;
    make_databases(&scratch).await;
    let heir = scratch.url("$_heir", "roster");
    assert!(run(&["migrate"], &[("DATABASE_URL", &heir)]).status.success());

    let web = format!("postgres://roster@127.0.0.1:{}/x", no_postgres());
    let own = scratch.url.clone();
    let tls = format!("{own}&sslmode=require");
    for (url, says) in [
        (
            "postgres://roster@nowhere.invalid/x".to_owned(),
            ["the host of DATABASE_URL", "correct its name"],
        ),
        (
            "postgres://roster@127.0.0.1:1/x".to_owned(),
            ["nobody listens", "start PostgreSQL"],
        ),
        (
            "postgres://roster@localhost/x?host=%2Fnowhere".to_owned(),
            ["the socket of DATABASE_URL", "start PostgreSQL"],
        ),
        (web, ["doesn't answer like PostgreSQL", "correct host and port"]),
        (tls, ["has no TLS", "ssl = on"]),
        (scratch.url("$_gone", "roster"), ["doesn't exist", "CREATE DATABASE"]),
        (
            scratch.url("$_poor", "$_stranger"),
            ["lets this role not in", "correct the user"],
        ),
        (scratch.url("$_latin", "roster"), ["is in LATIN1", "ENCODING 'UTF8'"]),
        (scratch.url("$_ascii", "roster"), ["is in SQL_ASCII", "ENCODING 'UTF8'"]),
        (scratch.url("$_poor", "$_poor"), ["may not make tables", "GRANT CREATE"]),
        (
            scratch.url("$_poor", "roster"),
            ["pg_trgm is in the schema elsewhere", "SET SCHEMA public"],
        ),
        (
            scratch.url("$_heir", "$_poor"),
            ["the tables belong to roster", "REASSIGN OWNED"],
        ),
        (
            scratch.url("$_busy", "roster"),
            ["something else under a name", "a database of its own"],
        ),
        (
            scratch.url("$_away", "roster"),
            ["takes no changes", "name the primary"],
        ),
        (
            scratch.url("$_full", "$_poor"),
            ["no connection left", "ROSTER_DATABASE_CONNECTIONS"],
        ),
    ] {
        let settings = [("DATABASE_URL", url.as_str()), ("ROSTER_INSECURE_DATABASE", "on")];
        let said = complaint(&["migrate"], &settings);
        assert!(says.iter().all(|says| said.contains(says)), "{url}: {said}");
    }
    // The command line says the same of what keeps it from connecting.
    let gone = scratch.url("$_gone", "roster");
    let said = complaint(&["admin", "organization", "list"], &[("DATABASE_URL", &gone)]);
    assert!(said.contains("doesn't exist"), "{said}");
    let newer = "INSERT INTO _sqlx_migrations VALUES (29991231000001, 'newer', now(), true, '', 0)";
    scratch.sql(newer).await;
    let said = complaint(&["migrate"], &[("DATABASE_URL", &own)]);
    assert!(said.contains("a newer Roster's"), "{said}");

    for database in DATABASES {
        scratch.sql(&format!("DROP DATABASE $_{database} WITH (FORCE)")).await;
    }
    scratch.sql("DROP ROLE $_poor").await;
}

/// A program of PostgreSQL's beside the server's; not every installation has them.
fn client(program: &str) -> Option<PathBuf> {
    let named = std::env::var_os("ROSTER_POSTGRES_BIN").map(PathBuf::from);
    let mut debian: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .map(|folder| folder.unwrap().path().join("bin"))
        .collect();
    debian.sort();
    let folders = named.into_iter().chain(debian.into_iter().rev());
    folders.map(|folder| folder.join(program)).find(|path| path.exists())
}

/// Where an administrator had made `pg_trgm`, `pg_restore` ended with "must be owner of extension pg_trgm".
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_dump_is_restored_by_a_role_that_does_not_own_the_extension(pool: PgPool) {
    let (Some(dump), Some(restore)) = (client("pg_dump"), client("pg_restore")) else {
        return;
    };
    let documented = include_str!("../../../docs/operations.md");
    let to_dump = ["--format=custom", "--no-owner", "--no-privileges", "--no-comments"];
    let to_restore = [
        "--no-owner",
        "--no-privileges",
        "--no-comments",
        "--exit-on-error",
        "--single-transaction",
    ];
    assert!(documented.contains(&format!("pg_dump {}", to_dump.join(" "))));
    assert!(documented.contains(&format!("pg_restore {}", to_restore.join(" "))));

    directory::Directory::new(pool.clone(), directory::Settings::default())
        .load_demo(&directory::Principal::operator())
        .await
        .unwrap();
    let scratch = Scratch::new(pool).await;
    scratch.sql("CREATE ROLE $_keeper LOGIN").await;
    scratch
        .sql("CREATE DATABASE $_kept OWNER $_keeper ENCODING 'UTF8' TEMPLATE template0")
        .await;
    scratch.within("$_kept", "CREATE EXTENSION pg_trgm").await;
    let file = std::env::temp_dir().join(format!("{}.dump", scratch.name));
    // One that was made without regard to comments, as the documentation had it.
    let made = Command::new(dump)
        .args(&to_dump[..3])
        .arg(format!("--file={}", file.display()))
        .arg(&scratch.url)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let kept = scratch.url("$_kept", "$_keeper");
    let restored = Command::new(restore)
        .args(to_restore)
        .arg(format!("--dbname={kept}"))
        .arg(&file)
        .output()
        .unwrap();
    assert!(restored.status.success(), "{restored:?}");
    let migrated = run(&["migrate"], &[("DATABASE_URL", &kept)]);
    assert!(migrated.status.success(), "{migrated:?}");
    let listed = run(&["admin", "organization", "list"], &[("DATABASE_URL", &kept)]);
    assert!(String::from_utf8_lossy(&listed.stdout).contains("acme"), "{listed:?}");
    std::fs::remove_file(file).unwrap();
    scratch.sql("DROP DATABASE $_kept WITH (FORCE)").await;
    scratch.sql("DROP ROLE $_keeper").await;
}
