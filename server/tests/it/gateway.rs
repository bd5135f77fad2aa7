//! What gateways and nodes are told (RULES E): every credential against every target, why each time, in how many
//! queries, and what they learn when the database is away.
//!
//! What is expected here was read off RULES, not off the code.

use std::{
    cell::Cell,
    sync::Once,
    time::{Duration, Instant},
};

use axum::http::{HeaderName, Method, header};
use directory::{Directory, Settings};
use policy::{Allowance, Because, Denial, KeyScope, Refusal};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};
use tokio::net::TcpListener;
use tracing_subscriber::{Layer, layer::SubscriberExt};

use crate::test_app::{Answer, Ask, NO_PROJECT, RESEARCH, TestApp, Who};

/// API keys of the right form; those of the first six are in the database.
const USE: &str = "rsk_use0use0use0use0use0use0use0use0use0use0use1NA3Cd";
const MANAGE: &str = "rsk_manage1manage1manage1manage1manage1manage1m3TsX9a";
const FOREIGN: &str = "rsk_foreign2foreign2foreign2foreign2foreign2for2g6lat";
const EXPIRED: &str = "rsk_expired3expired3expired3expired3expired3exp1pFDxd";
const REVOKED: &str = "rsk_revoked4revoked4revoked4revoked4revoked4rev01u2JB";
const DEFAULT: &str = "rsk_default5default5default5default5default5def3xBn5q";
const UNKNOWN: &str = "rsk_nobody6nobody6nobody6nobody6nobody6nobody6n40WEvs";
/// One that was mistyped: its end doesn't fit the rest.
const MISTYPED: &str = "rsk_use0use0use0use0use0use0use0use0use0use0use1NA3Ce";
/// A gateway token of the right form that was never given out.
const NO_GATEWAY: &str = "rsg_nevernevernevernevernevernevernevernevernev0yn1Oc";

/// Resources: two of `ml-research`, one of `production`, one of `acme-default`, and one that is none.
const CLUSTER: &str = "01900000-0000-7000-8000-0000000000c1";
const ENDPOINT: &str = "01900000-0000-7000-8000-0000000000e1";
const FOREIGN_CLUSTER: &str = "01900000-0000-7000-8000-0000000000c2";
const DEFAULT_ENDPOINT: &str = "01900000-0000-7000-8000-0000000000e2";
const NO_RESOURCE: &str = "01900000-0000-7000-8000-0000000000ff";

const ROWS: &str = "
    INSERT INTO api_keys (organization_id, project_id, id, name, reach, secret_start, secret_end, created_at,
        expires_at, revoked_at)
        SELECT s.organization_id, s.project_id, gen_random_uuid(), k.secret, k.reach, '', '', now(), k.expires_at,
        k.revoked_at
        FROM (VALUES
            ('ml-research', 'rsk_use0use0use0use0use0use0use0use0use0use0use1NA3Cd', 'use',
                now() + interval '1 hour', NULL::timestamptz),
            ('ml-research', 'rsk_manage1manage1manage1manage1manage1manage1m3TsX9a', 'manage', NULL, NULL),
            ('production', 'rsk_foreign2foreign2foreign2foreign2foreign2for2g6lat', 'manage', NULL, NULL),
            ('ml-research', 'rsk_expired3expired3expired3expired3expired3exp1pFDxd', 'manage', now(), NULL),
            ('ml-research', 'rsk_revoked4revoked4revoked4revoked4revoked4rev01u2JB', 'manage', NULL, now())
        ) AS k (slug, secret, reach, expires_at, revoked_at)
        JOIN project_slugs s ON s.slug = k.slug;
    INSERT INTO api_key_secrets (secret_hash, organization_id, project_id, key_id)
        SELECT sha256(convert_to(name, 'UTF8')), organization_id, project_id, id FROM api_keys WHERE name LIKE 'rsk%';
    DELETE FROM api_key_secrets WHERE key_id IN (SELECT id FROM api_keys WHERE is_default);
    INSERT INTO api_key_secrets (secret_hash, organization_id, project_id, key_id)
        SELECT sha256('rsk_default5default5default5default5default5def3xBn5q'), k.organization_id, k.project_id, k.id
        FROM api_keys k JOIN organizations o ON o.id = k.organization_id WHERE k.is_default AND o.slug = 'acme';
    INSERT INTO resources (organization_id, project_id, id, kind, name, state, details, created_at, updated_at)
        SELECT s.organization_id, s.project_id, r.id::uuid, r.kind, r.id, 'running', '{}', now(), now()
        FROM (VALUES
            ('ml-research', '01900000-0000-7000-8000-0000000000c1', 'cluster'),
            ('ml-research', '01900000-0000-7000-8000-0000000000e1', 'endpoint'),
            ('production', '01900000-0000-7000-8000-0000000000c2', 'cluster'),
            ('acme-default', '01900000-0000-7000-8000-0000000000e2', 'endpoint')
        ) AS r (slug, id, kind)
        JOIN project_slugs s ON s.slug = r.slug;";

fn named(name: &'static str) -> HeaderName {
    HeaderName::from_static(name)
}

/// The headers that name the target of an access request.
type Target<'a> = &'a [(&'static str, &'a str)];

/// Whose credential comes with the request.
#[derive(Clone, Copy, Debug)]
enum By {
    Person(Who),
    Key(&'static str),
}

/// A test app with resources and keys, and a gateway that asks.
struct TestGateway {
    app: TestApp,
    token: String,
}

impl TestGateway {
    async fn new(pool: PgPool) -> Self {
        let app = TestApp::new(pool).await;
        sqlx::raw_sql(ROWS).execute(&app.pool).await.unwrap();
        let name = "edge".parse().unwrap();
        let token = app.state.directory.create_gateway_token(&name).await.unwrap();
        let token = token.reveal().to_owned();
        Self { app, token }
    }

    /// The same gateway and people before a server whose database is another.
    fn before(&self, pool: PgPool) -> Self {
        Self {
            app: self.app.behind(Directory::new(pool, Settings::default())),
            token: self.token.clone(),
        }
    }

    fn access_request(&self, by: By, target: Target<'_>, action: &str) -> Ask {
        let mut ask = Ask::get("/gateway/authorize")
            .with(named("x-roster-gateway"), &self.token)
            .with(named("x-roster-action"), action);
        for (name, value) in target {
            ask = ask.with(named(name), *value);
        }
        match by {
            By::Person(who) => ask.by(who),
            By::Key(key) => ask.with(header::AUTHORIZATION, format!("Bearer {key}")),
        }
    }

    async fn ask(&self, by: By, target: Target<'_>, action: &str) -> Answer {
        self.app.ask(self.access_request(by, target, action)).await
    }

    /// The status and the reason, which the body repeats.
    async fn asks(&self, by: By, target: Target<'_>, action: &str) -> (u16, String) {
        let answer = self.ask(by, target, action).await;
        told(&answer)
    }

    async fn run(&self, sql: &'static str) {
        let changed = sqlx::query(sql).execute(&self.app.pool).await.unwrap();
        assert!(changed.rows_affected() > 0, "{sql}");
    }

    async fn authorized_keys(&self, query: &str) -> Answer {
        let ask = Ask::get(format!("/ssh/authorized-keys?{query}"));
        self.app.ask(ask.with(named("x-roster-gateway"), &self.token)).await
    }
}

/// The status and the reason of an answer, of the form that every such answer has.
#[track_caller]
fn told(answer: &Answer) -> (u16, String) {
    let status = answer.status.as_u16();
    let reason = answer.header("x-roster-reason").to_owned();
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(!answer.header("x-request-id").is_empty());
    assert!(answer.header("set-cookie").is_empty());
    if status == 200 {
        assert_eq!(answer.text, "");
        for name in [
            "x-roster-subject",
            "x-roster-subject-type",
            "x-roster-project",
            "x-roster-project-id",
            "x-roster-role",
        ] {
            assert!(!answer.header(name).is_empty(), "{name}");
        }
    } else {
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let body: Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(
            (&body["status"], &body["code"]),
            (&status.into(), &reason.as_str().into())
        );
        assert!(
            body["detail"].as_str().is_some_and(|text| !text.is_empty()),
            "{}",
            answer.text
        );
        assert_eq!(body["type"], format!("urn:roster:problem:{reason}"));
        assert!(!body["title"].as_str().unwrap().is_empty());
        assert_eq!(body["request_id"], answer.header("x-request-id"));
        for name in [
            "x-roster-subject",
            "x-roster-subject-type",
            "x-roster-project",
            "x-roster-project-id",
            "x-roster-role",
        ] {
            assert!(answer.header(name).is_empty(), "{name}");
        }
    }
    assert_eq!(answer.header("www-authenticate").starts_with("Bearer"), status == 401);
    assert_eq!(!answer.header("retry-after").is_empty(), status == 503);
    (status, reason)
}

fn is(status: u16, reason: &str) -> (u16, String) {
    (status, reason.to_owned())
}

const OWN: (&str, &str) = ("x-roster-project", "~own");
const THE_PROJECT: (&str, &str) = ("x-roster-project", RESEARCH);
const THE_CLUSTER: (&str, &str) = ("x-roster-resource", "cluster/01900000-0000-7000-8000-0000000000c1");
const THE_ENDPOINT: (&str, &str) = ("x-roster-resource", "endpoint/01900000-0000-7000-8000-0000000000e1");

/// E3, R2, P3: people, by what they are to the project.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e3_people_are_let_through_as_their_role_says(pool: PgPool) {
    let gateway = TestGateway::new(pool).await;
    // For each: what using asks for, and what managing asks for.
    for (who, uses, manages) in [
        (Who::Nobody, is(401, "signed_out"), is(401, "signed_out")),
        (Who::Stranger, is(403, "no_access"), is(403, "no_access")),
        (Who::Newcomer, is(403, "no_access"), is(403, "no_access")),
        (Who::Member, is(200, "added"), is(403, "role")),
        (Who::Admin, is(200, "added"), is(200, "added")),
        (
            Who::OrganizationAdmin,
            is(200, "organization_admin"),
            is(200, "organization_admin"),
        ),
        (Who::Owner, is(200, "organization_admin"), is(200, "organization_admin")),
        (Who::External, is(200, "external"), is(403, "role")),
    ] {
        let by = By::Person(who);
        for target in [&[THE_CLUSTER][..], &[THE_PROJECT], &[THE_CLUSTER, THE_PROJECT]] {
            assert_eq!(
                gateway.asks(by, target, "cluster:use").await,
                uses,
                "{who:?} {target:?}"
            );
            assert_eq!(
                gateway.asks(by, target, "cluster:delete").await,
                manages,
                "{who:?} {target:?}"
            );
        }
        assert_eq!(
            gateway.asks(by, &[THE_ENDPOINT], "endpoint:delete").await,
            uses,
            "{who:?}"
        );
        assert_eq!(
            gateway.asks(by, &[THE_PROJECT], "collaborator:add").await,
            manages,
            "{who:?}"
        );
    }
    let answer = gateway.ask(By::Person(Who::Admin), &[THE_CLUSTER], "cluster:ssh").await;
    assert_eq!(
        answer.header("x-roster-subject"),
        gateway.app.id(Who::Admin).to_string()
    );
    assert_eq!(answer.header("x-roster-subject-type"), "user");
    assert_eq!(answer.header("x-roster-project"), RESEARCH);
    assert_eq!(answer.header("x-roster-role"), "admin");
    // D2: the Default Project is every member's, and no external's.
    let default = [("x-roster-project", "acme-default")];
    for (who, expected) in [
        (Who::Newcomer, is(200, "organization_member")),
        (Who::External, is(403, "no_access")),
    ] {
        assert_eq!(
            gateway.asks(By::Person(who), &default, "file:use").await,
            expected,
            "{who:?}"
        );
    }
}

/// E5: a restored database lets in whoever was removed since. What operations says to do about it ends everything that
/// opens something.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e5_after_restoring_everything_can_be_ended(pool: PgPool) {
    let gateway = TestGateway::new(pool).await;
    let guide = include_str!("../../../docs/operations.md");
    let (_, sql) = guide.split_once("```sql\nBEGIN;").unwrap();
    let (sql, _) = sql.split_once("```").unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("BEGIN;{sql}")))
        .execute(&gateway.app.pool)
        .await
        .unwrap();
    let asked = gateway.asks(By::Key(USE), &[THE_PROJECT], "cluster:use").await;
    assert_eq!(asked, is(401, "gateway_unknown"));
    let name = "edge".parse().unwrap();
    let token = gateway.app.state.directory.create_gateway_token(&name).await.unwrap();
    let gateway = TestGateway {
        token: token.reveal().to_owned(),
        ..gateway
    };
    for (key, reason) in [(USE, "key_revoked"), (MANAGE, "key_revoked"), (DEFAULT, "key_invalid")] {
        assert_eq!(
            gateway.asks(By::Key(key), &[OWN], "cluster:use").await,
            is(401, reason),
            "{key}"
        );
    }
    for who in Who::SIGNED_IN {
        let asked = gateway.asks(By::Person(who), &[THE_PROJECT], "cluster:use").await;
        assert_eq!(asked, is(401, "signed_out"), "{who:?}");
    }
    let left: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM ssh_keys) + (SELECT count(*) FROM invitation_tokens)
             + (SELECT count(*) FROM password_reset_tokens) + (SELECT count(*) FROM outbox)",
    )
    .fetch_one(&gateway.app.pool)
    .await
    .unwrap();
    assert_eq!(left, 0);
}

/// E5, C8: whoever lost access is refused at the next request; so is whose access reached its end date, without a job.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e5_what_ended_counts_from_the_next_question_on(pool: PgPool) {
    let gateway = TestGateway::new(pool).await;
    let (member, external) = (By::Person(Who::Member), By::Person(Who::External));
    let (key, target) = (By::Key(MANAGE), [THE_ENDPOINT]);
    for by in [member, external, key] {
        assert_eq!(gateway.asks(by, &target, "endpoint:use").await.0, 200);
    }
    gateway.run("DELETE FROM collaborators WHERE name = 'Mia Muster'").await;
    assert_eq!(
        gateway.asks(member, &target, "endpoint:use").await,
        is(403, "no_access")
    );
    gateway
        .run("UPDATE collaborators SET expires_at = now() WHERE name = 'Eve External'")
        .await;
    assert_eq!(
        gateway.asks(external, &target, "endpoint:use").await,
        is(403, "no_access")
    );

    // A role that was lowered, and a key's reach.
    let (admin, cluster) = (By::Person(Who::Admin), [THE_CLUSTER]);
    assert_eq!(gateway.asks(admin, &cluster, "cluster:scale").await, is(200, "added"));
    gateway
        .run("UPDATE collaborators SET role = 'member' WHERE name = 'Maya Member'")
        .await;
    assert_eq!(gateway.asks(admin, &cluster, "cluster:scale").await, is(403, "role"));
    assert_eq!(gateway.asks(key, &cluster, "cluster:scale").await, is(200, "key_reach"));
    gateway
        .run("UPDATE api_keys SET reach = 'use' WHERE reach = 'manage'")
        .await;
    assert_eq!(gateway.asks(key, &cluster, "cluster:scale").await, is(403, "reach"));

    // The credential itself.
    gateway
        .run("UPDATE api_keys SET expires_at = now() WHERE name LIKE 'rsk_manage%'")
        .await;
    assert_eq!(gateway.asks(key, &target, "endpoint:use").await, is(401, "key_expired"));
    gateway
        .run("UPDATE api_keys SET revoked_at = now() WHERE name LIKE 'rsk_manage%'")
        .await;
    assert_eq!(gateway.asks(key, &target, "endpoint:use").await, is(401, "key_revoked"));
    let owner = By::Person(Who::Owner);
    for end in [
        "UPDATE sessions SET last_seen_at = now() - interval '8 days'",
        "UPDATE sessions SET last_seen_at = now(), expires_at = now()",
        "DELETE FROM sessions",
    ] {
        gateway.run(end).await;
        assert_eq!(
            gateway.asks(owner, &target, "endpoint:use").await,
            is(401, "signed_out"),
            "{end}"
        );
    }

    // The gateway itself.
    let (use_key, own) = (By::Key(USE), [OWN]);
    assert_eq!(gateway.asks(use_key, &own, "endpoint:use").await, is(200, "key_reach"));
    gateway
        .app
        .state
        .directory
        .revoke_gateway_token(&"edge".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(
        gateway.asks(use_key, &own, "endpoint:use").await,
        is(401, "gateway_unknown")
    );
    assert_eq!(
        told(&gateway.authorized_keys("cluster=x&user=ubuntu").await),
        is(401, "gateway_unknown")
    );
}

/// K1, K6, K7, K9, K11.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn k1_a_key_reaches_its_own_project_only_and_as_far_as_it_was_made_to(pool: PgPool) {
    let gateway = TestGateway::new(pool).await;
    let elsewhere = [("x-roster-resource", "cluster/01900000-0000-7000-8000-0000000000c2")];
    let by_default = [("x-roster-resource", "endpoint/01900000-0000-7000-8000-0000000000e2")];
    let cases: &[(&'static str, Target<'_>, &str, u16, &str)] = &[
        (USE, &[OWN], "endpoint:use", 200, "key_reach"),
        (USE, &[THE_PROJECT], "endpoint:create", 200, "key_reach"),
        (USE, &[THE_CLUSTER], "cluster:use", 200, "key_reach"),
        (USE, &[THE_CLUSTER, THE_PROJECT], "cluster:use", 200, "key_reach"),
        (USE, &[THE_CLUSTER], "cluster:delete", 403, "reach"),
        (MANAGE, &[THE_CLUSTER], "cluster:delete", 200, "key_reach"),
        // K9: keys are for the data plane.
        (MANAGE, &[OWN], "project:read", 403, "not_for_keys"),
        (MANAGE, &[THE_PROJECT], "api_key:create", 403, "not_for_keys"),
        // K1, P3: somebody else's project is not there, nor is what is in it.
        (FOREIGN, &[THE_CLUSTER], "cluster:use", 403, "no_access"),
        (FOREIGN, &[THE_PROJECT], "cluster:use", 403, "no_access"),
        (FOREIGN, &elsewhere, "cluster:delete", 200, "key_reach"),
        (USE, &elsewhere, "cluster:use", 403, "no_access"),
        (USE, &[elsewhere[0], THE_PROJECT], "cluster:use", 403, "no_access"),
        (FOREIGN, &[elsewhere[0], THE_PROJECT], "cluster:use", 403, "no_access"),
        (FOREIGN, &[THE_PROJECT], "project:read", 403, "no_access"),
        // K8: like any key of its project, and of no other.
        (DEFAULT, &by_default, "endpoint:use", 200, "key_reach"),
        (DEFAULT, &[OWN], "endpoint:use", 200, "key_reach"),
        (DEFAULT, &[THE_PROJECT], "endpoint:use", 403, "no_access"),
        // K3, K6, K7.
        (EXPIRED, &[OWN], "endpoint:use", 401, "key_expired"),
        (REVOKED, &[OWN], "endpoint:use", 401, "key_revoked"),
        (UNKNOWN, &[OWN], "endpoint:use", 401, "key_invalid"),
        (MISTYPED, &[OWN], "endpoint:use", 401, "key_invalid"),
        ("", &[OWN], "endpoint:use", 401, "key_invalid"),
        ("a.jwt.perhaps", &[OWN], "endpoint:use", 401, "key_invalid"),
    ];
    for (key, target, action, status, reason) in cases {
        let told = gateway.asks(By::Key(key), target, action).await;
        assert_eq!(told, is(*status, reason), "{key} {target:?} {action}");
    }
    let answer = gateway.ask(By::Key(MANAGE), &[OWN], "endpoint:use").await;
    let id: sqlx::types::Uuid = sqlx::query_scalar("SELECT id FROM api_keys WHERE name = $1")
        .bind(MANAGE)
        .fetch_one(&gateway.app.pool)
        .await
        .unwrap();
    assert_eq!(answer.header("x-roster-subject"), id.to_string());
    assert_eq!(answer.header("x-roster-subject-type"), "api_key");
    assert_eq!(answer.header("x-roster-project"), RESEARCH);
    assert_eq!(answer.header("x-roster-role"), "manage");

    // P4: it ends with its project.
    let end = "DELETE FROM usage_records; DELETE FROM usage_days; DELETE FROM resources;
               DELETE FROM project_slugs WHERE slug = 'production'; DELETE FROM projects WHERE name = 'Production';";
    sqlx::raw_sql(end).execute(&gateway.app.pool).await.unwrap();
    assert_eq!(
        gateway.asks(By::Key(FOREIGN), &[OWN], "endpoint:use").await,
        is(401, "key_invalid")
    );
}

/// A key wins over a session that comes with it: one that is no good isn't made up for by the other.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_bearer_wins_over_a_cookie(pool: PgPool) {
    let gateway = TestGateway::new(pool).await;
    let cookie = gateway.app.cookie(Who::Owner).unwrap();
    for (key, expected) in [
        (USE, is(403, "reach")),
        (REVOKED, is(401, "key_revoked")),
        (MISTYPED, is(401, "key_invalid")),
    ] {
        let ask = gateway.access_request(By::Key(key), &[THE_CLUSTER], "cluster:delete");
        let answer = gateway.app.ask(ask.with(header::COOKIE, &cookie)).await;
        assert_eq!(told(&answer), expected, "{key}");
    }
    // Another scheme is for somebody behind the gateway.
    let ask = gateway.access_request(By::Person(Who::Owner), &[THE_CLUSTER], "cluster:delete");
    let answer = gateway.app.ask(ask.with(header::AUTHORIZATION, "Basic eDp5")).await;
    assert_eq!(answer.status, 200);
}

/// P3: what is hidden and what is not there get the same answer, byte for byte, for people and keys.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn p3_what_is_hidden_and_what_is_not_there_are_the_same(pool: PgPool) {
    let gateway = TestGateway::new(pool).await;
    let hidden = format!("cluster/{FOREIGN_CLUSTER}");
    let absent = format!("cluster/{NO_RESOURCE}");
    // Of another kind than it is said to be, and what can't be an id.
    let (other_kind, no_id) = (format!("cluster/{DEFAULT_ENDPOINT}"), "cluster/x".to_owned());
    for by in [By::Person(Who::Member), By::Key(MANAGE)] {
        let mut answers = Vec::new();
        for resource in [&hidden, &absent, &other_kind, &no_id] {
            answers.push(gateway.ask(by, &[("x-roster-resource", resource)], "cluster:use").await);
        }
        for slug in ["production", NO_PROJECT, "partner-default", "No Slug"] {
            answers.push(gateway.ask(by, &[("x-roster-project", slug)], "cluster:use").await);
            answers.push(
                gateway
                    .ask(by, &[("x-roster-project", slug), THE_CLUSTER], "cluster:use")
                    .await,
            );
        }
        for answer in &answers {
            assert_eq!(told(answer), is(403, "no_access"), "{by:?}");
            let same = |answer: &Answer| answer.anonymous(answer.header("x-request-id"));
            assert_eq!(same(answer), same(&answers[0]), "{by:?}");
        }
    }
    for (query, why) in [
        (format!("cluster={NO_RESOURCE}"), "not there"),
        (format!("cluster={ENDPOINT}"), "no cluster"),
        ("cluster=x".to_owned(), "no id"),
        (format!("cluster={FOREIGN_CLUSTER}"), "nobody with a key"),
    ] {
        let answer = gateway.authorized_keys(&format!("{query}&user=ubuntu")).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""), "{why}");
    }
}

/// A malformed access request is answered neither with yes nor with no; of two headers none is believed.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn what_a_gateway_says_wrongly_is_malformed(pool: PgPool) {
    let gateway = TestGateway::new(pool).await;
    let owner = By::Person(Who::Owner);
    let twice = [THE_PROJECT, ("x-roster-project", "production")];
    let cases: &[(Target<'_>, &str)] = &[
        (&[], "cluster:use"),
        // No person has one project that is theirs.
        (&[OWN], "cluster:use"),
        (&[THE_CLUSTER], "cluster"),
        (&[THE_CLUSTER], ""),
        (&[THE_CLUSTER], "CLUSTER:USE"),
        (&[THE_PROJECT], "organization:read"),
        (&[THE_PROJECT], "member:list"),
        (&[THE_CLUSTER], "endpoint:use"),
        (&[THE_CLUSTER], "project:read"),
        (&[("x-roster-resource", CLUSTER)], "cluster:use"),
        (&[("x-roster-resource", "machine/1")], "cluster:use"),
        (&[("x-roster-resource", "")], "cluster:use"),
        (&[("x-roster-project", ""), THE_CLUSTER], "cluster:use"),
        (&twice, "cluster:use"),
        (&[THE_CLUSTER, THE_ENDPOINT], "cluster:use"),
        (&[THE_CLUSTER, ("x-roster-action", "cluster:view")], "cluster:use"),
        (
            &[
                THE_CLUSTER,
                ("authorization", "Bearer x"),
                ("authorization", "Bearer y"),
            ],
            "cluster:use",
        ),
    ];
    for (target, action) in cases {
        assert_eq!(
            gateway.asks(owner, target, action).await,
            is(400, "malformed"),
            "{target:?} {action}"
        );
    }
    // A gateway whose variable was empty doesn't let every key in, each to its own project.
    assert_eq!(
        gateway.asks(By::Key(MANAGE), &[], "cluster:use").await,
        is(400, "malformed")
    );
    let no_action = Ask::get("/gateway/authorize")
        .by(Who::Owner)
        .with(named("x-roster-gateway"), &gateway.token)
        .with(named("x-roster-project"), RESEARCH);
    assert_eq!(told(&gateway.app.ask(no_action).await), is(400, "malformed"));

    let cluster = format!("cluster={CLUSTER}");
    for query in [
        "",
        &cluster,
        "user=ubuntu",
        "cluster=&user=ubuntu",
        &format!("{cluster}&user="),
        &format!("{cluster}&user=-x"),
        &format!("{cluster}&user=a%20b"),
        &format!("{cluster}&user=ubuntu&user=root"),
        &format!("{cluster}&user=ubuntu&fingerprint="),
        &format!("{cluster}&user=ubuntu&fingerprint=%00"),
        &format!("{cluster}&user=ubuntu&fingerprint=SHA256:%00"),
        &format!("{cluster}&user=ubuntu&fingerprint=SHA256:{}", "0".repeat(200)),
        &format!("{cluster}&user=ubuntu&who=me"),
        &format!("{cluster}&user=%ff"),
    ] {
        assert_eq!(
            told(&gateway.authorized_keys(query).await),
            is(400, "malformed"),
            "{query}"
        );
    }
}

/// E3: only those the operator let in may ask, of either; and it is said before anything else is.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e3_only_gateways_of_the_operators_may_ask(pool: PgPool) {
    let gateway = TestGateway::new(pool).await;
    let other = format!("{}x", gateway.token);
    let keys = format!("/ssh/authorized-keys?cluster={CLUSTER}&user=ubuntu");
    for tokens in [
        &[][..],
        &[""],
        &["edge"],
        &[&other],
        &[NO_GATEWAY],
        &[USE],
        &[&gateway.token, NO_GATEWAY],
    ] {
        for (uri, by) in [
            ("/gateway/authorize", By::Person(Who::Owner)),
            ("/gateway/authorize", By::Key(MANAGE)),
            (&keys, By::Person(Who::Owner)),
        ] {
            let mut ask = gateway.access_request(by, &[THE_CLUSTER], "cluster:use");
            ask.uri = uri.to_owned();
            ask.headers.retain(|(name, _)| name != "x-roster-gateway");
            for token in tokens {
                ask = ask.with(named("x-roster-gateway"), *token);
            }
            assert_eq!(
                told(&gateway.app.ask(ask).await),
                is(401, "gateway_unknown"),
                "{tokens:?} {uri}"
            );
        }
    }
}

/// Gateways ask by any method, some with the path of what they hold; no form's check is in their way.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn gateways_ask_by_any_method_and_path(pool: PgPool) {
    let gateway = TestGateway::new(pool).await;
    for method in [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ] {
        for uri in [
            "/gateway/authorize",
            "/gateway/authorize/",
            "/gateway/authorize//",
            "/gateway/authorize/v1/a%2Fb?x=1",
        ] {
            let mut ask = gateway
                .access_request(By::Person(Who::Member), &[THE_ENDPOINT], "endpoint:use")
                .with(header::ORIGIN, "https://elsewhere.test")
                .with(named("sec-fetch-site"), "cross-site");
            (ask.method, ask.uri) = (method.clone(), uri.to_owned());
            ask.body = b"x=1".to_vec();
            assert_eq!(gateway.app.ask(ask).await.status, 200, "{method} {uri}");
        }
    }
}

/// A1: what a session or a key is used for is not a change, so the audit doesn't grow by it; A3: and nothing repeats a
/// secret.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a3_no_answer_repeats_a_credential(pool: PgPool) {
    let gateway = TestGateway::new(pool).await;
    let count = "SELECT count(*) FROM audit_events";
    let before: i64 = sqlx::query_scalar(count).fetch_one(&gateway.app.pool).await.unwrap();
    let cookie = gateway.app.cookie(Who::Member).unwrap();
    for by in [
        By::Person(Who::Member),
        By::Key(USE),
        By::Key(REVOKED),
        By::Key(MISTYPED),
    ] {
        for action in ["cluster:use", "cluster:delete", "nothing"] {
            let answer = gateway.ask(by, &[THE_CLUSTER], action).await.anonymous("-");
            for secret in [USE, REVOKED, MISTYPED, &gateway.token, &cookie] {
                assert!(!answer.contains(secret), "{answer}");
            }
        }
    }
    let after: i64 = sqlx::query_scalar(count).fetch_one(&gateway.app.pool).await.unwrap();
    assert_eq!(before, after);
}

/// What is documented is what is said.
#[test]
fn every_reason_is_in_the_document() {
    let document = include_str!("../../../docs/gateways/README.md");
    let refusals = [
        Refusal::SignedOut,
        Refusal::KeyInvalid,
        Refusal::KeyExpired,
        Refusal::KeyRevoked,
        Refusal::GatewayUnknown,
        Refusal::Malformed,
    ];
    let denials = [Denial::Hidden, Denial::Role, Denial::KeyScope, Denial::NotForKeys];
    let reasons = (refusals.map(Refusal::code).into_iter())
        .chain(denials.map(Denial::code))
        .chain(Because::ALL.map(Because::code))
        .chain([Allowance::Key(KeyScope::Use).code(), "unavailable", "internal"]);
    for reason in reasons {
        assert!(document.contains(&format!("`{reason}`")), "{reason}");
    }
}

/// Counts the statements that are sent to the database, for each thread apart: a test has one of its own.
struct Statements;

thread_local! {
    static COUNTED: Cell<usize> = const { Cell::new(0) };
}

impl Statements {
    /// Listens from now on, for all tests: whoever listens for one test alone misses what other tests made nobody
    /// listen to.
    fn listen() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let subscriber = tracing_subscriber::registry().with(Self);
            tracing::subscriber::set_global_default(subscriber).expect("nobody else listens for all");
        });
    }
}

impl<S: tracing::Subscriber> Layer<S> for Statements {
    fn enabled(&self, about: &tracing::Metadata<'_>, _: tracing_subscriber::layer::Context<'_, S>) -> bool {
        about.target() == "sqlx::query"
    }

    fn on_event(&self, _: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        COUNTED.set(COUNTED.get() + 1);
    }
}

/// E5: each decision asks the database, once; and what is malformed is refused without asking it (K3).
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e5_a_decision_is_one_query(pool: PgPool) {
    let gateway = TestGateway::new(pool).await;
    // What notes a use comes beside, once a minute: here none is due, however long this takes.
    gateway
        .run("UPDATE api_keys SET last_used_at = now() + interval '1 hour'")
        .await;
    gateway
        .run("UPDATE sessions SET last_seen_at = now() + interval '1 hour'")
        .await;
    gateway
        .run("UPDATE gateway_tokens SET last_used_at = now() + interval '1 hour'")
        .await;
    Statements::listen();
    let statements = async |ask: Ask| {
        COUNTED.set(0);
        let answer = gateway.app.ask(ask).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        (answer.status.as_u16(), COUNTED.get())
    };
    for (by, expected) in [
        (By::Person(Who::Member), (200, 1)),
        (By::Person(Who::Owner), (200, 1)),
        (By::Person(Who::Stranger), (403, 1)),
        (By::Person(Who::Nobody), (401, 0)),
        (By::Key(USE), (200, 1)),
        (By::Key(FOREIGN), (403, 1)),
        (By::Key(REVOKED), (401, 1)),
        (By::Key(UNKNOWN), (401, 1)),
        (By::Key(MISTYPED), (401, 0)),
    ] {
        for target in [&[THE_CLUSTER][..], &[THE_PROJECT], &[THE_CLUSTER, THE_PROJECT]] {
            let ask = gateway.access_request(by, target, "cluster:use");
            assert_eq!(statements(ask.clone()).await, expected, "{by:?} {target:?}");
            // Nothing is remembered from one request to the next.
            assert_eq!(statements(ask).await, expected, "{by:?} {target:?}, again");
        }
    }
    let keys = |more: &str| {
        Ask::get(format!("/ssh/authorized-keys?cluster={CLUSTER}&user=ubuntu{more}"))
            .with(named("x-roster-gateway"), &gateway.token)
    };
    assert_eq!(statements(keys("")).await, (200, 1));
    assert_eq!(statements(keys("&fingerprint=SHA256:x")).await, (200, 1));
    let unknown = Ask::get("/gateway/authorize").with(named("x-roster-gateway"), "rsg_x");
    assert_eq!(statements(unknown).await, (401, 0));
}

/// K4: a use is noted beside the answer, and no more than once a minute, for keys, sessions and gateway tokens.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn k4_a_use_is_noted_once_a_minute(pool: PgPool) {
    let gateway = TestGateway::new(pool).await;
    gateway
        .run("UPDATE sessions SET last_seen_at = now() - interval '1 hour'")
        .await;
    let noted = "SELECT (SELECT count(*) FROM api_keys WHERE last_used_at > now() - interval '10 seconds'),
                        (SELECT count(*) FROM sessions WHERE last_seen_at > now() - interval '10 seconds'),
                        (SELECT count(*) FROM gateway_tokens WHERE last_used_at > now() - interval '10 seconds')";
    let noted = async || -> (i64, i64, i64) { sqlx::query_as(noted).fetch_one(&gateway.app.pool).await.unwrap() };
    assert_eq!(noted().await, (0, 0, 0));
    for by in [
        By::Key(USE),
        By::Person(Who::Member),
        By::Key(REVOKED),
        By::Key(EXPIRED),
    ] {
        gateway.ask(by, &[THE_CLUSTER], "cluster:use").await;
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    while noted().await != (1, 1, 1) {
        assert!(Instant::now() < deadline, "{:?}", noted().await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let rows = "SELECT xmin::text FROM api_keys WHERE last_used_at IS NOT NULL
                UNION ALL SELECT xmin::text FROM sessions WHERE last_seen_at > now() - interval '1 minute'
                UNION ALL SELECT xmin::text FROM gateway_tokens";
    let rows = async || -> Vec<String> { sqlx::query_scalar(rows).fetch_all(&gateway.app.pool).await.unwrap() };
    let before = rows().await;
    for by in [By::Key(USE), By::Person(Who::Member)] {
        assert_eq!(gateway.ask(by, &[THE_CLUSTER], "cluster:use").await.status, 200);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(rows().await, before, "nothing was written again");
}

/// E6: neither yes nor no, and soon enough for whoever is kept waiting.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e6_without_the_database_it_is_503_within_three_seconds(pool: PgPool) {
    let gateway = TestGateway::new(pool.clone()).await;
    let closed = PgPoolOptions::new().connect_lazy_with((*pool.connect_options()).clone());
    closed.close().await;
    let nobody = "postgres://nobody@127.0.0.1:1/nothing";
    // One that takes the connection and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_url = format!("postgres://nobody@{}/nothing", silent.local_addr().unwrap());
    // One whose connections are all in use.
    let busy = PgPoolOptions::new()
        .max_connections(1)
        .connect_lazy_with((*pool.connect_options()).clone());
    let _held = busy.acquire().await.unwrap();
    for (what, pool) in [
        ("closed", closed),
        ("not there", PgPoolOptions::new().connect_lazy(nobody).unwrap()),
        ("silent", PgPoolOptions::new().connect_lazy(&silent_url).unwrap()),
        ("busy", busy.clone()),
    ] {
        let away = gateway.before(pool);
        let begin = Instant::now();
        let (person, key, node) = tokio::join!(
            away.asks(By::Person(Who::Owner), &[THE_CLUSTER], "cluster:use"),
            away.asks(By::Key(MANAGE), &[THE_CLUSTER], "cluster:use"),
            away.authorized_keys("cluster=x&user=ubuntu"),
        );
        assert!(
            begin.elapsed() < Duration::from_secs(3),
            "{what}: {:?}",
            begin.elapsed()
        );
        assert_eq!(person, is(503, "unavailable"), "{what}");
        assert_eq!(key, is(503, "unavailable"), "{what}");
        assert_eq!(told(&node), is(503, "unavailable"), "{what}");
    }
}

/// E4: the keys of the project's present collaborators, and of nobody else.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e4_a_node_is_told_the_keys_of_present_collaborators(pool: PgPool) {
    let gateway = TestGateway::new(pool).await;
    // Everybody has a key; Maya has two.
    gateway
        .run(
            "INSERT INTO ssh_keys (id, user_id, name, algorithm, public_key, fingerprint, created_at)
             SELECT gen_random_uuid(), id, 'Key', 'ssh-ed25519', 'ssh-ed25519 ' || split_part(email, '@', 1),
                 'SHA256:' || email, now()
             FROM users",
        )
        .await;
    let lines = async |query: &str| -> Vec<String> {
        let answer = gateway.authorized_keys(query).await;
        assert_eq!(answer.status, 200, "{query}");
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.text.is_empty() || answer.text.ends_with('\n'));
        answer.text.lines().map(ToOwned::to_owned).collect()
    };
    let here = format!("cluster={CLUSTER}&user=ubuntu");
    let mut everybody = lines(&here).await;
    everybody.sort();
    let mut expected = [
        "ssh-ed25519 adam adam@acme.test",
        "ssh-ed25519 eve eve@partner.test",
        "ssh-ed25519 maya maya@acme.test",
        "ssh-ed25519 x maya@acme.test",
        "ssh-ed25519 mia mia@acme.test",
        "ssh-ed25519 olivia olivia@acme.test",
    ];
    expected.sort_unstable();
    assert_eq!(everybody, expected);
    assert_eq!(
        lines(&format!("cluster={FOREIGN_CLUSTER}&user=ubuntu")).await,
        ["ssh-ed25519 adam adam@acme.test", "ssh-ed25519 olivia olivia@acme.test"]
    );
    // With the fingerprint of the key that is shown, that one alone.
    let one = |email: &str| format!("{here}&fingerprint=SHA256:{email}");
    assert_eq!(lines(&one("mia@acme.test")).await, ["ssh-ed25519 mia mia@acme.test"]);
    for other in ["noah@acme.test", "stranger@elsewhere.test", "nobody@nowhere.test"] {
        assert_eq!(lines(&one(other)).await, [""; 0], "{other}");
    }

    // Which logins: every one but root's, or the one the cluster names.
    assert_eq!(lines(&here.replace("ubuntu", "anybody")).await.len(), 6);
    assert_eq!(lines(&here.replace("ubuntu", "root")).await, [""; 0]);
    assert_eq!(lines(&one("mia@acme.test").replace("ubuntu", "root")).await, [""; 0]);
    for (named, login, count) in [
        ("ubuntu", "ubuntu", 6),
        ("ubuntu", "root", 0),
        ("root", "root", 6),
        ("root", "ubuntu", 0),
    ] {
        sqlx::query("UPDATE resources SET details = jsonb_build_object('ssh_login', $1::text) WHERE kind = 'cluster'")
            .bind(named)
            .execute(&gateway.app.pool)
            .await
            .unwrap();
        assert_eq!(
            lines(&here.replace("ubuntu", login)).await.len(),
            count,
            "{named} {login}"
        );
    }
    gateway
        .run("UPDATE resources SET details = '{}' WHERE kind = 'cluster'")
        .await;

    // E5: whoever is removed, whose access ended, who has no key any more.
    gateway.run("DELETE FROM collaborators WHERE name = 'Mia Muster'").await;
    gateway
        .run("UPDATE collaborators SET expires_at = now() WHERE name = 'Eve External'")
        .await;
    gateway
        .run("DELETE FROM ssh_keys WHERE public_key = 'ssh-ed25519 x'")
        .await;
    let left = lines(&here).await;
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(
        !left.iter().any(|line| line.contains("mia") || line.contains("eve")),
        "{left:?}"
    );
    for gone in ["mia@acme.test", "eve@partner.test"] {
        assert_eq!(lines(&one(gone)).await, [""; 0], "{gone}");
    }
}
