//! Decisions of `GET /gateway/authorize` under load, for people and for API keys, among 10 and among 1,000,000 memberships and
//! keys.
//!
//! Finds the optimised server in `BASE_URL` and its database in `DATABASE_URL`; `make bench` starts both. Prints a table, and
//! asserts nothing: the aims are in it to compare with.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod load;

use std::{env, net::SocketAddr, sync::Arc, time::Duration};

use directory::{Actor, Directory, Origin, Settings};
use load::{Outcome, PERIOD, Target, at_rate, flat_out, millis, percentile};
use policy::{Reach, SessionId, Slug, UserId};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use uuid::Uuid;

#[tokio::main]
async fn main() -> Outcome<()> {
    let base: SocketAddr = env::var("BASE_URL")?.trim_start_matches("http://").parse()?;
    let pool = PgPool::connect(&env::var("DATABASE_URL")?).await?;
    let directory = Directory::new(pool.clone(), Settings::default());
    let gateway = directory.create_gateway_token(&"bench".parse()?).await?;

    println!("\nAccess decisions, one query each\n");
    println!(
        "{:>22} {:>10} {:>10} {:>10} {:>14}",
        "memberships and keys", "asked by", "p50", "p99", "decisions/s"
    );
    for size in [10, 1_000_000] {
        let tenant = seed(&pool, &directory, size).await?;
        for (who, name, value) in [
            ("session", "cookie", format!("roster={}", tenant.cookie)),
            ("API key", "authorization", format!("Bearer {}", tenant.key)),
        ] {
            let target = Arc::new(Target {
                server: base,
                path: "/gateway/authorize".to_owned(),
                headers: vec![
                    (name, value),
                    ("x-roster-gateway", gateway.reveal().to_owned()),
                    ("x-roster-project", tenant.project.to_string()),
                    ("x-roster-action", "endpoint:use".to_owned()),
                ],
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

/// A project with people and keys in it: the session of one of its people, and the secret of one of its keys.
struct Tenant {
    project: Slug,
    cookie: String,
    key: String,
}

/// Writes an organization with a project, so many collaborators and so many keys.
async fn seed(pool: &PgPool, directory: &Directory, size: i32) -> Outcome<Tenant> {
    let name = format!("access-{size}");
    let owner = directory
        .create_user(directory::NewAccount {
            email: format!("owner@{name}.test").parse()?,
            name: name.parse()?,
            password: "correct-horse-battery".parse()?,
        })
        .await?;
    let secret: [u8; 32] = Sha256::digest(name.as_bytes()).into();
    let session = Uuid::now_v7();
    let actor = Actor {
        user: owner,
        session: SessionId(session),
        origin: Origin::default(),
    };
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
    let somebody = people(pool, organization.0, id, &name, size).await?;
    sqlx::query("INSERT INTO sessions VALUES ($1, $2, $3, now(), now(), now() + interval '1 day', '', '')")
        .bind(session)
        .bind(Sha256::digest(secret).to_vec())
        .bind(somebody.0)
        .execute(pool)
        .await?;
    keys(pool, organization.0, id, size).await?;
    let key = directory
        .create_api_key(&actor, &project, &"bench".parse()?, Reach::Use, None)
        .await?;
    sqlx::query("VACUUM ANALYZE").execute(pool).await?;
    Ok(Tenant {
        project,
        cookie: base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, secret),
        key: key.secret.reveal().to_owned(),
    })
}

/// Members of the organization who were added to the project; answers one of them.
async fn people(pool: &PgPool, organization: Uuid, project: Uuid, name: &str, size: i32) -> Outcome<UserId> {
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
    let somebody = sqlx::query_scalar("SELECT id FROM users WHERE email = $1")
        .bind(format!("p{}@{name}.test", size / 2))
        .fetch_one(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(UserId(somebody))
}

/// Keys of the project, whose secrets nobody knows.
async fn keys(pool: &PgPool, organization: Uuid, project: Uuid, size: i32) -> Outcome<()> {
    sqlx::query(
        "WITH made AS (
             INSERT INTO api_keys (organization_id, project_id, id, name, reach, secret_start, secret_end, created_at)
             SELECT $1, $2, gen_random_uuid(), 'key ' || n, 'use', 'rsk_0000', '0000', now() FROM generate_series(1, $3) n
             RETURNING id
         )
         INSERT INTO api_key_secrets SELECT sha256(id::text::bytea), $1, $2, id FROM made",
    )
    .bind(organization)
    .bind(project)
    .bind(size)
    .execute(pool)
    .await?;
    Ok(())
}
