//! E7: forged gateway tokens keep the database busy, and one gateway reads what every tenant has.

use std::time::Duration;

use axum::http::HeaderName;
use directory::{Directory, NewGatewayToken, Principal, Settings};
use sqlx::{PgPool, postgres::PgPoolOptions};
use uuid::Uuid;

use crate::test_app::{Ask, RESEARCH, TestApp, Who};

const FORGED: usize = 500;

/// A token of the right form that was never given out: 43 characters and their checksum.
fn forged(number: usize) -> String {
    let body = format!("rsg_{number:043}");
    let mut rest = crc32(body.as_bytes());
    let alphabet = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut check = [0; 6];
    for digit in check.iter_mut().rev() {
        *digit = alphabet[(rest % 62) as usize];
        rest /= 62;
    }
    format!("{body}{}", String::from_utf8(check.to_vec()).unwrap())
}

/// CRC-32 (ISO 3309), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |rest: u32| {
        if rest & 1 == 1 {
            (rest >> 1) ^ 0xEDB8_8320
        } else {
            rest >> 1
        }
    };
    !bytes.iter().fold(u32::MAX, |rest, byte| {
        (0..8).fold(rest ^ u32::from(*byte), |rest, _| step(rest))
    })
}

fn asks(token: &str) -> Ask {
    Ask::get("/ssh/authorized-keys?cluster=01900000-0000-7000-8000-0000000000c1&user=ubuntu")
        .with(HeaderName::from_static("x-roster-gateway"), token)
}

/// When it succeeded: each of 19,000 forged tokens in 8 s cost a query, and real answers went from 2 to 78 ms. Here a
/// database that is away counts them: whoever asks it is answered 503.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e7_forged_tokens_do_not_reach_the_database(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let away = PgPoolOptions::new()
        .acquire_timeout(Duration::from_millis(5))
        .connect_lazy("postgres://nobody@127.0.0.1:1/nothing")
        .unwrap();
    let app = app.behind(Directory::new(away, Settings::default()));
    let mut reached = 0;
    for number in 0..FORGED {
        let answer = app.ask(asks(&forged(number))).await;
        if answer.status == 503 {
            reached += 1;
        }
    }
    assert!(reached < 100, "{reached} of {FORGED} reached the database");
}

/// Whoever asks from the same network with a good token is answered, remembered or not; and no longer once it is
/// revoked.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e7_a_good_gateway_is_answered_in_a_flood_from_its_own_network(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let directory = &app.state.directory;
    let (old, new) = ("old".parse().unwrap(), "new".parse().unwrap());
    let token = directory
        .create_gateway_token(&Principal::operator(), &old)
        .await
        .unwrap();
    for number in 0..100 {
        app.ask(asks(&forged(number))).await;
    }
    assert_eq!(app.ask(asks(&forged(100))).await.status, 429);
    assert_eq!(app.ask(asks(token.reveal())).await.status, 200);
    // Made in the flood: found within the second.
    let token = directory
        .create_gateway_token(&Principal::operator(), &new)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(app.ask(asks(token.reveal())).await.status, 200);
    directory
        .revoke_gateway_token(&Principal::operator(), &new)
        .await
        .unwrap();
    assert_eq!(app.ask(asks(token.reveal())).await.status, 401);
    assert_eq!(app.ask(asks(token.reveal())).await.status, 429);
}

/// Clusters and endpoints of two organizations, and somebody with an SSH key in each.
const ROWS: &str = "
    INSERT INTO resources (organization_id, project_id, id, kind, name, state, details, created_at, updated_at)
        SELECT s.organization_id, s.project_id, r.id::uuid, r.kind, r.id, 'running', '{}', now(), now()
        FROM (VALUES
            ('ml-research', '01900000-0000-7000-8000-0000000000c1', 'cluster'),
            ('ml-research', '01900000-0000-7000-8000-0000000000c2', 'cluster'),
            ('ml-research', '01900000-0000-7000-8000-0000000000e1', 'endpoint'),
            ('production', '01900000-0000-7000-8000-0000000000c3', 'cluster'),
            ('partner-default', '01900000-0000-7000-8000-0000000000c4', 'cluster')
        ) AS r (slug, id, kind)
        JOIN project_slugs s ON s.slug = r.slug;
    INSERT INTO ssh_keys (id, user_id, name, algorithm, public_key, fingerprint, created_at)
        SELECT gen_random_uuid(), id, email, 'ssh-ed25519', 'ssh-ed25519 ' || email, 'SHA256:' || email, now()
        FROM users WHERE email IN ('olivia@acme.test', 'eve@partner.test');";

const HERE: &str = "01900000-0000-7000-8000-0000000000c1";
const BESIDE: &str = "01900000-0000-7000-8000-0000000000c2";
const ENDPOINT: &str = "01900000-0000-7000-8000-0000000000e1";
const PRODUCTION: &str = "01900000-0000-7000-8000-0000000000c3";
const PARTNER: &str = "01900000-0000-7000-8000-0000000000c4";

/// A test app with clusters, and tokens for parts of it.
struct Scoped(TestApp);

impl Scoped {
    async fn new(pool: PgPool) -> Self {
        let app = TestApp::new(pool).await;
        sqlx::raw_sql(ROWS).execute(&app.pool).await.unwrap();
        Self(app)
    }

    async fn token(&self, name: &str, change: impl FnOnce(&mut NewGatewayToken)) -> String {
        let mut new = NewGatewayToken {
            name: name.parse().unwrap(),
            organization: None,
            project: None,
            cluster: None,
            allows: None,
            reads_ssh_keys: true,
            expires_at: None,
        };
        change(&mut new);
        let made = self
            .0
            .state
            .directory
            .create_scoped_gateway_token(&Principal::operator(), &new)
            .await;
        made.unwrap().0.reveal().to_owned()
    }

    /// As many SSH keys as it reads of a cluster, everybody's and one by its fingerprint.
    async fn keys(&self, token: &str, cluster: &str) -> usize {
        let mut counts = [String::new(), "&fingerprint=SHA256:olivia@acme.test".to_owned()].map(|more| {
            let uri = format!("/ssh/authorized-keys?cluster={cluster}&user=ubuntu{more}");
            Ask::get(uri).with(HeaderName::from_static("x-roster-gateway"), token)
        });
        let [all, one] = &mut counts;
        let all = self.0.ask(all.clone()).await;
        assert_eq!(all.status, 200, "{}", all.text);
        let one = self.0.ask(one.clone()).await;
        let lines = all.text.lines().filter(|line| line.contains("olivia")).count();
        assert_eq!(one.text.lines().count(), lines, "the same, asked by fingerprint");
        all.text.lines().count()
    }

    /// What it is told of the Owner of Acme, who may do everything there.
    async fn decision(&self, token: &str, headers: &[(&'static str, &str)], action: &str) -> String {
        let mut ask = Ask::get("/gateway/authorize")
            .by(Who::Owner)
            .with(HeaderName::from_static("x-roster-gateway"), token)
            .with(HeaderName::from_static("x-roster-action"), action);
        for (name, value) in headers {
            ask = ask.with(HeaderName::from_static(name), *value);
        }
        let answer = self.0.ask(ask).await;
        format!("{} {}", answer.status.as_u16(), answer.header("x-roster-reason"))
    }
}

/// E7: what a token reads of SSH keys, by its scope. Before there were scopes, each token read those of every tenant.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e7_a_token_reads_ssh_keys_within_its_scope_alone(pool: PgPool) {
    let app = Scoped::new(pool).await;
    let acme = || Some("acme".parse().unwrap());
    let everything = app.token("everything", |_| {}).await;
    let organization = app.token("organization", |new| new.organization = acme()).await;
    let project = app
        .token("project", |new| new.project = Some(RESEARCH.parse().unwrap()))
        .await;
    let cluster = app
        .token("cluster", |new| new.cluster = Some(HERE.parse().unwrap()))
        .await;
    let none = app.token("none", |new| new.reads_ssh_keys = false).await;
    // Olivia, Maya and Eve in `ml-research`, Olivia in `production`, Eve in her own.
    for (token, expected) in [
        (&everything, [3, 3, 1, 1]),
        (&organization, [3, 3, 1, 0]),
        (&project, [3, 3, 0, 0]),
        (&cluster, [3, 0, 0, 0]),
        (&none, [0, 0, 0, 0]),
    ] {
        let mut read = Vec::new();
        for cluster in [HERE, BESIDE, PRODUCTION, PARTNER] {
            read.push(app.keys(token, cluster).await);
        }
        assert_eq!(read, expected);
    }
}

/// E7: outside of a token's scope nothing exists, and the answer is that of what doesn't.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e7_outside_its_scope_nothing_exists_to_a_token(pool: PgPool) {
    let app = Scoped::new(pool).await;
    let research: Uuid = sqlx::query_scalar("SELECT project_id FROM project_slugs WHERE slug = 'ml-research'")
        .fetch_one(&app.0.pool)
        .await
        .unwrap();
    let research = research.to_string();
    let resource = |kind: &str, id: &str| format!("{kind}/{id}");
    let (here, beside) = (resource("cluster", HERE), resource("cluster", BESIDE));
    let (endpoint, production) = (resource("endpoint", ENDPOINT), resource("cluster", PRODUCTION));
    let partner = app
        .token("partner", |new| new.organization = Some("partner".parse().unwrap()))
        .await;
    let project = app
        .token("project", |new| new.project = Some(research.parse().unwrap()))
        .await;
    let cluster = app
        .token("cluster", |new| new.cluster = Some(HERE.parse().unwrap()))
        .await;
    let kinds = app
        .token("kinds", |new| {
            new.allows = Some(vec!["endpoint".parse().unwrap(), "cluster:view".parse().unwrap()]);
        })
        .await;
    let (yes, no) = ("200 organization_admin", "403 no_access");
    type Headers<'a> = &'a [(&'static str, &'a str)];
    let cases: [(Headers<'_>, &str, [&str; 4]); 7] = [
        (&[("x-roster-project", RESEARCH)], "project:read", [no, yes, no, no]),
        (&[("x-roster-project", &research)], "project:read", [no, yes, no, no]),
        (&[("x-roster-project", "production")], "project:read", [no, no, no, no]),
        (&[("x-roster-resource", &here)], "cluster:view", [no, yes, yes, yes]),
        (&[("x-roster-resource", &beside)], "cluster:use", [no, yes, no, no]),
        (&[("x-roster-resource", &endpoint)], "endpoint:use", [no, yes, no, yes]),
        (&[("x-roster-resource", &production)], "cluster:view", [no, no, no, yes]),
    ];
    for (headers, action, expected) in cases {
        for (token, expected) in [&partner, &project, &cluster, &kinds].into_iter().zip(expected) {
            let told = app.decision(token, headers, action).await;
            assert_eq!(told, expected, "{headers:?} {action}");
        }
    }

    // A scope whose project is gone is that of nothing, and never a wider one; one that is over is unknown.
    sqlx::raw_sql("UPDATE gateway_tokens SET project_id = gen_random_uuid() WHERE name = 'project'")
        .execute(&app.0.pool)
        .await
        .unwrap();
    let asked = [("x-roster-project", RESEARCH)];
    assert_eq!(app.decision(&project, &asked, "project:read").await, no);
    sqlx::raw_sql("UPDATE gateway_tokens SET expires_at = now()")
        .execute(&app.0.pool)
        .await
        .unwrap();
    assert_eq!(
        app.decision(&kinds, &asked, "endpoint:use").await,
        "401 gateway_unknown"
    );
}

/// A slug that went to somebody else's project is theirs; an id is nobody else's, whatever else is called like it (P2).
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e7_a_project_is_asked_about_by_its_id_whatever_became_of_its_slug(pool: PgPool) {
    let app = Scoped::new(pool).await;
    let token = app.token("edge", |_| {}).await;
    let research: Uuid = sqlx::query_scalar("SELECT project_id FROM project_slugs WHERE slug = 'ml-research'")
        .fetch_one(&app.0.pool)
        .await
        .unwrap();
    // Renamed; and 90 days later another organization takes the name.
    sqlx::raw_sql(
        "UPDATE project_slugs SET slug = 'ml-research-renamed' WHERE slug = 'ml-research';
         UPDATE project_slugs SET slug = 'ml-research' WHERE slug = 'partner-default'",
    )
    .execute(&app.0.pool)
    .await
    .unwrap();
    let id = research.to_string();
    let (by_slug, by_id) = ([("x-roster-project", RESEARCH)], [("x-roster-project", id.as_str())]);
    assert_eq!(app.decision(&token, &by_slug, "project:read").await, "403 no_access");
    assert_eq!(
        app.decision(&token, &by_id, "project:read").await,
        "200 organization_admin"
    );
}
