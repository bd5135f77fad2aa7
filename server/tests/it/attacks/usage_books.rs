//! E9: a key of one project books usage in another's books.

use axum::http::Method;
use policy::KeyScope;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::{
    rest::{Programs, problem},
    test_app::Who,
};

fn record(kind: &str, at: &str) -> Value {
    json!({
        "id": uuid::Uuid::now_v7(),
        "at": at,
        "kind": kind,
        "unit": "gpu_seconds",
        "quantity": 1,
        "cost_micros": 9_007,
    })
}

/// What the Default Project was charged.
async fn charged(programs: &Programs) -> String {
    sqlx::query_scalar(
        "SELECT coalesce(sum(d.cost_micros), 0)::text FROM usage_days d
         JOIN organizations o ON o.default_project_id = d.project_id WHERE o.slug = 'acme'",
    )
    .fetch_one(&programs.app.pool)
    .await
    .unwrap()
}

/// When it succeeded: an external, who gets 404 for the Default Project, put $9,007,199,254 on its books by a key of
/// another project: by naming no project, by saying it was the playground, or by saying it was long ago.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e9_a_key_of_a_project_books_nowhere_else(pool: PgPool) {
    let programs = Programs::new(pool).await;
    let (_, key) = crate::rest::make(&programs.app, Who::External, crate::test_app::RESEARCH, KeyScope::Use).await;
    let before = charged(&programs).await;
    let own = "/v1/projects/ml-research/usage";
    let today = "2026-11-25T00:00:00Z";
    for (uri, record, status, code) in [
        ("/v1/usage", record("cluster", today), 403, "usage_names_no_project"),
        (own, record("playground", today), 422, "usage_elsewhere"),
        (own, record("cluster", "2001-01-01T00:00:00Z"), 422, "usage_elsewhere"),
    ] {
        let body = json!({ "records": [record] });
        let answer = programs.ask(&key, Method::POST, uri, Some(body)).await;
        problem(&answer, status, code);
    }
    assert_eq!(charged(&programs).await, before);
}

/// E9: what is too much for one record is refused, with a code of its own; a meter reports for the organization that it
/// names.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e9_amounts_are_bounded_and_meters_name_the_organization(pool: PgPool) {
    let programs = Programs::new(pool).await;
    let own = "/v1/projects/ml-research/usage";
    let mut much = record("cluster", "2026-11-25T00:00:00Z");
    much["quantity"] = json!(20_000_000_000_u64);
    let body = json!({ "records": [record("cluster", "2026-11-25T00:00:00Z"), much] });
    let answer = programs.ask(&programs.manages, Method::POST, own, Some(body)).await;
    let told = problem(&answer, 422, "usage_too_large");
    assert_eq!(told["errors"][0]["field"], "records.1");

    let meter = programs.app.meter_token("scheduler").await;
    let report = async |organization: Option<&str>| {
        let mut body = json!({ "records": [record("playground", "2026-11-25T00:00:00Z")] });
        if let Some(organization) = organization {
            body["organization"] = json!(organization);
        }
        programs
            .ask(meter.reveal(), Method::POST, "/v1/usage", Some(body))
            .await
    };
    let answer = report(Some("acme")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    for (organization, status, code) in [
        (None, 422, "invalid"),
        (Some("no name"), 422, "invalid"),
        (Some("no-such-organization"), 404, "not_found"),
    ] {
        problem(&report(organization).await, status, code);
    }
    // It reports, and does nothing else; nor for a project.
    for uri in ["/v1/whoami", "/v1/projects/ml-research/resources"] {
        let answer = programs.ask(meter.reveal(), Method::GET, uri, None).await;
        problem(&answer, 401, "key_invalid");
    }
    let body = json!({ "records": [] });
    let answer = programs.ask(meter.reveal(), Method::POST, own, Some(body)).await;
    problem(&answer, 401, "key_invalid");

    // K10: whoever finds it ends it, as they do a gateway's.
    let gateway = programs.app.gateway_token("edge").await;
    for secret in [meter.reveal(), gateway.reveal()] {
        for expected in [true, true] {
            let body = json!({ "key": secret });
            let answer = programs
                .ask("rsk_none", Method::POST, "/v1/keys/revoke", Some(body))
                .await;
            assert_eq!(crate::rest::json(&answer), json!({ "revoked": expected }));
        }
    }
    problem(&report(Some("acme")).await, 401, "meter_unknown");
    let actions: Vec<String> = sqlx::query_scalar(
        "SELECT action FROM audit_events WHERE action LIKE '%token:revoke_presented' ORDER BY action",
    )
    .fetch_all(&programs.app.pool)
    .await
    .unwrap();
    assert_eq!(
        actions,
        ["gateway_token:revoke_presented", "meter_token:revoke_presented"]
    );
}
