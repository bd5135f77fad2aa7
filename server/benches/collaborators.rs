//! The Collaborators page under load, among 100 and among 100,000 people; and the size of what a browser loads for it.
//!
//! Finds the optimised server in `BASE_URL` and its database in `DATABASE_URL`; `make bench` starts both. Prints a
//! table, and asserts nothing: the aims are in it to compare with.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(clippy::disallowed_methods, reason = "a benchmark makes its own rows")]

mod load;

use std::{
    env, fs,
    net::SocketAddr,
    path::Path,
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};

use sha2::{Digest, Sha256};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use load::{Outcome, PERIOD, Target, at_rate, flat_out, millis, percentile};

#[tokio::main]
async fn main() -> Outcome<()> {
    let base: SocketAddr = env::var("BASE_URL")?.trim_start_matches("http://").parse()?;
    let mut db = PgConnection::connect(&env::var("DATABASE_URL")?).await?;

    println!("\nCollaborators page, server-rendered, 50 rows\n");
    println!(
        "{:>13} {:>22} {:>10} {:>10} {:>14}",
        "collaborators", "page", "p50", "p99", "requests/s"
    );
    for people in [100, 100_000] {
        let tenant = seed(&mut db, people).await?;
        let pages = [
            ("first", String::new()),
            ("by role, descending", "?sort=role&order=desc".to_owned()),
            ("search", format!("?q={}", "person%20000099")),
            ("externals", "?kind=external".to_owned()),
        ];
        for (name, query) in pages {
            let target = Arc::new(tenant.target(base, &query));
            // What a first request pays alone (plans, caches) is no part of it.
            flat_out(&target, Duration::from_secs(2)).await?;
            let steady = at_rate(&target, 200).await?;
            let most = flat_out(&target, PERIOD).await?;
            println!(
                "{people:>13} {name:>22} {:>7.1} ms {:>7.1} ms {:>14.0}",
                millis(percentile(&steady, 50)),
                millis(percentile(&steady, 99)),
                most,
            );
        }
    }
    println!("\naims: p99 under 20 ms at 200 requests/s (p50 and p99 are of that rate); 2,000 requests/s flat out;");
    println!("      medians of the first page within 1.5x of each other\n");
    sizes();
    if let Some(memory) = memory() {
        println!("server memory after that, without PostgreSQL: {memory} MB (aim, idle: under 40 MB)");
    }
    Ok(())
}

/// A project with people in it, and the session of its Owner.
struct Tenant {
    slug: String,
    cookie: String,
}

impl Tenant {
    fn target(&self, server: SocketAddr, query: &str) -> Target {
        let path = format!("/settings/projects/{}/collaborators{query}", self.slug);
        Target {
            server,
            path,
            headers: vec![("accept", "text/html".to_owned())],
            askers: vec![("cookie", self.cookie.clone())],
            turn: AtomicUsize::default(),
            least: 5_000,
        }
    }
}

/// `people` accounts: most of them members, all of them collaborators of the project.
async fn add_people(
    db: &mut PgConnection,
    slug: &str,
    (organization, project, owner): (Uuid, Uuid, Uuid),
    people: i32,
) -> Outcome<()> {
    sqlx::query(
        "WITH project AS (SELECT $2::uuid), made AS (
             INSERT INTO users
             SELECT gen_random_uuid(), 'person' || n || '@' || $4, 'Person ' || lpad(n::text, 6, '0'), '', now()
             FROM generate_series(1, $3) n RETURNING id, name
         ), joined AS (
             INSERT INTO members SELECT $1, id, name, 'member', $5, now() FROM made WHERE right(name, 2) <> '00'
         )
         SELECT count(*) FROM made",
    )
    .bind(organization)
    .bind(project)
    .bind(people)
    .bind(format!("{slug}.test"))
    .bind(owner)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "INSERT INTO collaborators (organization_id, project_id, user_id, name, role, added_by, added_at)
         SELECT $1, $2, id, name, CASE WHEN right(name, 1) = '7' THEN 'admin' ELSE 'member' END, $4, now()
         FROM users WHERE email LIKE '%@' || $3 AND id <> $4",
    )
    .bind(organization)
    .bind(project)
    .bind(format!("{slug}.test"))
    .bind(owner)
    .execute(&mut *db)
    .await?;
    Ok(())
}

/// Writes an organization with a project and so many collaborators, every hundredth an external.
async fn seed(db: &mut PgConnection, people: i32) -> Outcome<Tenant> {
    let slug = format!("bench-{people}");
    let (organization, project, default, owner) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    let mut tx = db.begin().await?;
    sqlx::query("INSERT INTO users VALUES ($1, $2, 'Bench Owner', '', now())")
        .bind(owner)
        .bind(format!("owner@{slug}.test"))
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "INSERT INTO organizations (id, slug, name, additional_projects, created_at, owner_id, default_project_id)
         VALUES ($1, $2, 'Bench', true, now(), $3, $4)",
    )
    .bind(organization)
    .bind(&slug)
    .bind(owner)
    .bind(default)
    .execute(&mut *tx)
    .await?;
    for (id, name, is_default) in [(default, "Default Project", true), (project, "Bench", false)] {
        sqlx::query(
            "INSERT INTO projects (organization_id, id, name, is_default, allow_externals, created_at)
             VALUES ($1, $2, $3, $4, NOT $4, now())",
        )
        .bind(organization)
        .bind(id)
        .bind(name)
        .bind(is_default)
        .execute(&mut *tx)
        .await?;
        sqlx::query("INSERT INTO project_slugs VALUES ($1, $2, $3)")
            .bind(if is_default {
                format!("{slug}-default")
            } else {
                slug.clone()
            })
            .bind(organization)
            .bind(id)
            .execute(&mut *tx)
            .await?;
    }
    sqlx::query("INSERT INTO members SELECT $1, id, name, 'admin', NULL, now() FROM users WHERE id = $2")
        .bind(organization)
        .bind(owner)
        .execute(&mut *tx)
        .await?;
    add_people(&mut tx, &slug, (organization, project, owner), people).await?;
    let secret: [u8; 32] = Sha256::digest(slug.as_bytes()).into();
    sqlx::query("INSERT INTO sessions VALUES ($1, $2, $3, now(), now(), now() + interval '1 day', '', '')")
        .bind(Uuid::now_v7())
        .bind(Sha256::digest(secret).to_vec())
        .bind(owner)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    sqlx::query("ANALYZE").execute(&mut *db).await?;
    let cookie = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, secret);
    Ok(Tenant {
        slug,
        cookie: format!("roster={cookie}"),
    })
}

/// What a browser loads to wake the page, as it travels.
fn sizes() {
    let Ok(files) = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/site/pkg")) else {
        return;
    };
    let mut sum = 0;
    for file in files.flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        if name.ends_with(".wasm.br") || name.ends_with(".js.br") {
            sum += file.metadata().map_or(0, |about| about.len());
        }
    }
    println!(
        "WebAssembly and JavaScript, brotli: {:.0} kB (aim: under 300 kB)",
        sum as f64 / 1000.0
    );
}

/// What the server has in memory.
fn memory() -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", env::var("SERVER_PID").ok()?)).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}
