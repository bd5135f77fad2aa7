//! What gateways and nodes are told (RULES E): every credential against every target, why each time, in how many
//! queries, and what they learn when the database is away.
//!
//! What is expected here was read off RULES, not off the code.

mod decisions;
mod nodes;
mod queries;
mod requests;

use axum::http::{HeaderName, header};

use directory::{Directory, Principal, Settings};
use serde_json::Value;
use sqlx::PgPool;

use crate::test_app::{Answer, Ask, RESEARCH, TestApp, Who};

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
        let token = app
            .state
            .directory
            .create_gateway_token(&Principal::operator(), &name)
            .await
            .unwrap();
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
