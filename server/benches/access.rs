//! Decisions of `GET /gateway/authorize` under load, for people and for API keys, among 10 and among 1,000,000
//! memberships and keys. Up to 1,000 people and keys from all over the project ask in turn, about a resource, as the
//! files of `docs/gateways` do.
//!
//! Finds the optimised server in `BASE_URL` and its database in `DATABASE_URL`; `make bench` starts both. Prints a
//! table, and asserts nothing: the aims are in it to compare with.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(clippy::disallowed_methods, reason = "a benchmark makes its own rows")]

mod load;

use std::{
    env,
    net::SocketAddr,
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};

use directory::{Directory, Origin, Principal, Settings};
use load::{Outcome, PERIOD, Target, at_rate, flat_out, millis, percentile};
use policy::{KeyScope, SessionId, Slug};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use uuid::Uuid;

/// How many people, and how many keys, ask in turn, if there are so many.
const ASKERS: i32 = 1_000;

#[tokio::main]
async fn main() -> Outcome<()> {
    let base: SocketAddr = env::var("BASE_URL")?.trim_start_matches("http://").parse()?;
    let pool = PgPool::connect(&env::var("DATABASE_URL")?).await?;
    let directory = Directory::new(pool.clone(), Settings::default());
    let gateway = directory
        .create_gateway_token(&Principal::operator(), &"bench".parse()?)
        .await?;

    println!("\nAccess decisions, one query each\n");
    println!(
        "{:>22} {:>10} {:>10} {:>10} {:>14}",
        "memberships and keys", "asked by", "p50", "p99", "decisions/s"
    );
    for size in [10, 1_000_000] {
        let tenant = seed(&pool, &directory, size).await?;
        for (who, askers) in [("session", tenant.sessions), ("API key", tenant.keys)] {
            let target = Arc::new(Target {
                server: base,
                path: "/gateway/authorize".to_owned(),
                headers: vec![
                    ("x-roster-gateway", gateway.reveal().to_owned()),
                    ("x-roster-resource", format!("endpoint/{}", tenant.endpoint)),
                    ("x-roster-action", "endpoint:use".to_owned()),
                ],
                askers,
                turn: AtomicUsize::default(),
                least: 0,
            });
            // What a first request pays alone (plans, caches) is no part of it.
            flat_out(&target, Duration::from_secs(2)).await?;
            let steady = at_rate(&target, 1_000).await?;
            let most = flat_out(&target, PERIOD).await?;
            println!(
                "{size:>22} {who:>10} {:>7.1} ms {:>7.1} ms {most:>14.0}",
                millis(percentile(&steady, 50)),
                millis(percentile(&steady, 99)),
            );
        }
    }
    println!(
        "\naims: p99 under 10 ms at 1,000 decisions/s (p50 and p99 are of that rate); 8,000/s flat out on 2 cores\n"
    );
    Ok(())
}

/// A project with people, keys and an endpoint in it, and what those who ask show.
struct Tenant {
    endpoint: Uuid,
    sessions: Vec<(&'static str, String)>,
    keys: Vec<(&'static str, String)>,
}

/// Writes an organization with a project, so many collaborators and so many keys.
async fn seed(pool: &PgPool, directory: &Directory, size: i32) -> Outcome<Tenant> {
    let name = format!("access-{size}");
    let owner = directory
        .create_user(
            &Principal::operator(),
            directory::NewAccount {
                email: format!("owner@{name}.test").parse()?,
                name: name.parse()?,
                password: "correct-horse-battery".parse()?,
            },
        )
        .await?;
    sqlx::query(
        "INSERT INTO sessions (id, token_hash, user_id, created_at, last_seen_at, expires_at, address, user_agent)
         VALUES ($1, sha256($2::text::bytea), $1, now(), now(), now() + interval '1 day', '', '')",
    )
    .bind(owner.0)
    .bind(&name)
    .execute(pool)
    .await?;
    let actor = Principal::signed_in(owner, SessionId(owner.0), Origin::default());
    let organization: (Uuid, String) = sqlx::query_as("SELECT id, slug FROM organizations WHERE owner_id = $1")
        .bind(owner.0)
        .fetch_one(pool)
        .await?;
    let project: Slug = name.parse()?;
    directory
        .create_project(&actor, &organization.1.parse()?, &name.parse()?, &project)
        .await?;
    let id: Uuid = sqlx::query_scalar("SELECT project_id FROM project_slugs WHERE slug = $1")
        .bind(project.as_str())
        .fetch_one(pool)
        .await?;
    let endpoint = Uuid::now_v7();
    sqlx::query(
        "INSERT INTO resources (organization_id, project_id, id, kind, name, state, details, created_at, updated_at)
         VALUES ($1, $2, $3, 'endpoint', 'bench', 'running', '{}', now(), now())",
    )
    .bind(organization.0)
    .bind(id)
    .bind(endpoint)
    .execute(pool)
    .await?;
    people(pool, organization.0, id, &name, size).await?;
    let sessions = sessions(pool, &name, size).await?;
    // Made as keys are, so that the secrets are of the right form; then they are given to keys all over the project.
    let mut secrets = Vec::new();
    for _ in 0..size.min(ASKERS) {
        let key = directory
            .create_api_key(&actor, &project, &"bench".parse()?, KeyScope::Use, None)
            .await?;
        secrets.push(key.secret.reveal().to_owned());
    }
    keys(pool, organization.0, id, &secrets, size).await?;
    sqlx::query("VACUUM ANALYZE").execute(pool).await?;
    let bearers = secrets
        .iter()
        .map(|secret| ("authorization", format!("Bearer {secret}")));
    Ok(Tenant {
        endpoint,
        sessions,
        keys: bearers.collect(),
    })
}

/// Members of the organization who were added to the project.
async fn people(pool: &PgPool, organization: Uuid, project: Uuid, name: &str, size: i32) -> Outcome<()> {
    let mut tx = pool.begin().await?;
    sqlx::query(
        "WITH made AS (
             INSERT INTO users (id, email, name, password_hash, created_at)
             SELECT gen_random_uuid(), 'p' || n || '@' || $3, 'P ' || n, '', now() FROM generate_series(1, $2) n
             RETURNING id, name
         )
         INSERT INTO members SELECT $1, id, name, 'member', NULL, now() FROM made",
    )
    .bind(organization)
    .bind(size)
    .bind(format!("{name}.test"))
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO collaborators (organization_id, project_id, user_id, name, role, added_at)
         SELECT $1, $2, user_id, name, 'member', now() FROM members WHERE organization_id = $1 AND role = 'member'",
    )
    .bind(organization)
    .bind(project)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Sessions of people from one end of them to the other; answers the cookies.
async fn sessions(pool: &PgPool, name: &str, size: i32) -> Outcome<Vec<(&'static str, String)>> {
    let count = size.min(ASKERS);
    sqlx::query(
        "INSERT INTO sessions (id, token_hash, user_id, created_at, last_seen_at, expires_at, address, user_agent)
         SELECT gen_random_uuid(), sha256(sha256(convert_to($1 || ' ' || n, 'UTF8'))), u.id, now(), now(),
                now() + interval '1 day', '', ''
         FROM generate_series(1, $2) n JOIN users u ON u.email = 'p' || n * $3 || '@' || $1 || '.test'",
    )
    .bind(name)
    .bind(count)
    .bind(size / count)
    .execute(pool)
    .await?;
    let cookie = |n: i32| {
        let secret: [u8; 32] = Sha256::digest(format!("{name} {n}").as_bytes()).into();
        base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, secret)
    };
    Ok((1..=count)
        .map(|n| ("cookie", format!("roster={}", cookie(n))))
        .collect())
}

/// Keys of the project. Nobody knows their secrets, but for those of some from one end of them to the other, which get
/// `secrets`.
async fn keys(pool: &PgPool, organization: Uuid, project: Uuid, secrets: &[String], size: i32) -> Outcome<()> {
    let mut tx = pool.begin().await?;
    sqlx::query("DELETE FROM api_keys WHERE project_id = $1")
        .bind(project)
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "WITH made AS (
             INSERT INTO api_keys (organization_id, project_id, id, name, reach, secret_start, secret_end, created_at)
             SELECT $1, $2, gen_random_uuid(), 'key ' || n, 'use', 'rsk_0000', '0000', now()
             FROM generate_series(1, $3) n
             RETURNING id, name
         ), known AS (
             SELECT 'key ' || n * $4 AS name, secret FROM unnest($5::text[]) WITH ORDINALITY AS s (secret, n)
         )
         INSERT INTO api_key_secrets (secret_hash, organization_id, project_id, key_id)
         SELECT sha256(convert_to(coalesce(known.secret, made.id::text), 'UTF8')), $1, $2, made.id
         FROM made LEFT JOIN known ON known.name = made.name",
    )
    .bind(organization)
    .bind(project)
    .bind(size)
    .bind(i64::from(size) / secrets.len().max(1) as i64)
    .bind(secrets)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}
