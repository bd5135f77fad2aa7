//! The interface for programs: what each call answers, to which key, and what is wrong with it when it is.

mod calls;
mod contract;
mod description;
mod isolation;
mod keys;
mod limits;
mod quotas;
mod resources;
mod usage;

use axum::http::{HeaderName, Method, header};
use directory::{Origin, Principal};
use policy::{ApiKeyId, KeyScope, UserId};
use serde_json::Value;
use sqlx::PgPool;

use crate::test_app::{Answer, Ask, RESEARCH, TestApp, Who};

/// A key that none of ours can be, and one that could be, and is not.
pub(crate) const MALFORMED: &str = "rsk_0000000000000000000000000000000000000000000000000";

/// The demo organization with keys to some of its projects, and of another organization.
pub(crate) struct Programs {
    pub(crate) app: TestApp,
    /// Keys of `ml-research`.
    pub(crate) uses: String,
    pub(crate) manages: String,
    /// A key of another project of the organization.
    pub(crate) production: String,
    /// A key of another organization.
    pub(crate) partner: String,
    /// Keys of `ml-research` that open nothing (any more).
    pub(crate) unknown: String,
    pub(crate) expired: String,
    pub(crate) revoked: String,
}

impl Programs {
    pub(crate) async fn new(pool: PgPool) -> Self {
        let app = TestApp::new(pool).await;
        let key = async |who, project: &str, reach| make(&app, who, project, reach).await.1;
        let of_research = key(Who::Admin, RESEARCH, KeyScope::Use).await;
        let manages = key(Who::Admin, RESEARCH, KeyScope::Manage).await;
        let production = key(Who::Owner, "production", KeyScope::Manage).await;
        let partner = key(Who::External, "partner-default", KeyScope::Manage).await;
        let (unknown, expired, revoked) = (
            make(&app, Who::Admin, RESEARCH, KeyScope::Manage).await,
            make(&app, Who::Admin, RESEARCH, KeyScope::Manage).await,
            make(&app, Who::Admin, RESEARCH, KeyScope::Manage).await,
        );
        for (sql, (id, _)) in [
            ("DELETE FROM api_keys WHERE id = $1", &unknown),
            (
                "UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE id = $1",
                &expired,
            ),
            ("UPDATE api_keys SET revoked_at = now() WHERE id = $1", &revoked),
        ] {
            sqlx::query(sql).bind(id.0).execute(&app.pool).await.unwrap();
        }
        Self {
            uses: of_research,
            manages,
            production,
            partner,
            unknown: unknown.1,
            expired: expired.1,
            revoked: revoked.1,
            app,
        }
    }

    /// Every secret there is.
    pub(crate) fn secrets(&self) -> [&str; 7] {
        [
            &self.uses,
            &self.manages,
            &self.production,
            &self.partner,
            &self.unknown,
            &self.expired,
            &self.revoked,
        ]
    }

    /// Asks with a key.
    pub(crate) async fn ask(&self, key: &str, method: Method, uri: &str, body: Option<Value>) -> Answer {
        self.app.ask(asked(Some(key), method, uri, body)).await
    }

    /// Registers something, which is expected to work.
    pub(crate) async fn register(&self, body: Value) -> Value {
        let answer = self.ask(&self.manages, Method::POST, RESOURCES, Some(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        json(&answer)
    }
}

/// The resources of `ml-research`.
pub(crate) const RESOURCES: &str = "/v1/projects/ml-research/resources";

/// A new key of a project.
pub(crate) async fn make(app: &TestApp, who: Who, project: &str, reach: KeyScope) -> (ApiKeyId, String) {
    let actor = Principal::signed_in(UserId(app.id(who)), app.session(who).await, Origin::default());
    let made = app
        .state
        .directory
        .create_api_key(
            &actor,
            &project.parse().unwrap(),
            &"A program".parse().unwrap(),
            reach,
            None,
        )
        .await
        .unwrap();
    (made.id, made.secret.reveal().to_owned())
}

pub(crate) fn asked(key: Option<&str>, method: Method, uri: &str, body: Option<Value>) -> Ask {
    let mut ask = Ask {
        method,
        ..Ask::get(uri)
    };
    if let Some(key) = key {
        ask = ask.with(header::AUTHORIZATION, format!("Bearer {key}"));
    }
    if let Some(body) = body {
        ask.body = body.to_string().into_bytes();
        ask = ask.with(header::CONTENT_TYPE, "application/json");
    }
    ask
}

pub(crate) fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.text).unwrap_or_else(|error| panic!("{error}: {}", answer.text))
}

/// That an answer is this problem, whole and in its form; gives it.
#[track_caller]
pub(crate) fn problem(answer: &Answer, status: u16, code: &str) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(
        answer.header("content-type"),
        "application/problem+json",
        "{}",
        answer.text
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    let problem = json(answer);
    assert_eq!(problem["code"], code, "{problem}");
    assert_eq!(problem["type"], format!("urn:roster:problem:{code}"));
    assert_eq!(problem["status"], status);
    assert!(!problem["title"].as_str().unwrap().is_empty());
    assert!(!problem["detail"].as_str().unwrap().is_empty());
    assert!(problem["errors"].is_array());
    assert_eq!(problem["request_id"], answer.header("x-request-id"));
    assert_eq!(
        !answer.header("www-authenticate").is_empty(),
        status == 401,
        "a 401 asks for a key"
    );
    assert_eq!(!answer.header("retry-after").is_empty(), [429, 503].contains(&status));
    problem
}

/// The fields that a problem is about, with their codes.
pub(crate) fn fields(problem: &Value) -> Vec<String> {
    problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            assert!(!error["detail"].as_str().unwrap().is_empty());
            format!(
                "{} {}",
                error["field"].as_str().unwrap(),
                error["code"].as_str().unwrap()
            )
        })
        .collect()
}

/// The status and body of an answer, without what no two have in common.
pub(crate) fn bare(answer: &Answer) -> String {
    let id = answer.header("x-request-id");
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .filter(|(name, _)| !name.starts_with("ratelimit-") && !["x-request-id", "date"].contains(name))
        .collect();
    headers.sort_unstable();
    format!("{} {headers:?} {}", answer.status, answer.text.replace(id, "ID"))
}

/// A cluster as it is registered.
pub(crate) fn cluster(name: &str) -> Value {
    serde_json::json!({
        "kind": "cluster",
        "name": name,
        "details": { "gpu": "H100", "nodes": 4, "gpus_per_node": 8, "scheduler": "slurm" },
    })
}

/// A file as it is registered.
pub(crate) fn file(name: &str) -> Value {
    serde_json::json!({
        "kind": "file",
        "name": name,
        "details": { "purpose": "batch", "size_bytes": 1_000 },
    })
}

/// Where a header of ours is.
pub(crate) const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
