//! J12: a quota that is reached, as programs and people are told of it.

use axum::http::{Method, header};
use directory::{Directory, Settings};
use policy::Quotas;
use serde_json::json;
use sqlx::PgPool;

use super::{Programs, RESOURCES, problem};
use crate::test_app::{ACME, Ask, Manner, Who};

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn j12_a_quota_that_is_reached_is_told_with_what_to_do(pool: PgPool) {
    let programs = Programs::new(pool.clone()).await;
    let quotas = Quotas {
        projects: 1,
        resources: 1,
        usage_records: 1,
        ..Quotas::default()
    };
    let settings = Settings {
        quotas,
        ..Settings::default()
    };
    let programs = Programs {
        app: programs.app.behind(Directory::new(pool, settings)),
        ..programs
    };
    // What the demo has beyond that stays; no more is taken.
    let before = programs.app.fingerprint().await;
    let file = json!({ "kind": "file", "name": "one-more", "details": { "purpose": "batch", "size_bytes": 1 } });
    let answer = programs
        .ask(&programs.manages, Method::POST, RESOURCES, Some(file))
        .await;
    let told = problem(&answer, 409, "quota_reached");
    assert!(
        told["detail"].as_str().unwrap().contains("its limit of resources (1)"),
        "{told}"
    );

    let record = |number: u32| {
        json!({
            "id": format!("01900000-0000-7000-8000-{number:012}"),
            "at": "2026-11-20T10:00:00Z",
            "kind": "cluster", "unit": "gpu_seconds", "quantity": 1, "cost_micros": 1,
        })
    };
    let report = json!({ "records": [record(1), record(2)] });
    let usage = "/v1/projects/ml-research/usage";
    let answer = programs.ask(&programs.uses, Method::POST, usage, Some(report)).await;
    // Waiting helps here: `problem` holds that the answer has a `Retry-After`.
    problem(&answer, 429, "quota_reached");
    assert_eq!(answer.header("retry-after"), "60");

    let form = [("organization", ACME), ("name", "One More"), ("slug", "one-more")];
    let form = Ask::post("/api/create_project", form)
        .by(Who::Owner)
        .manner(Manner::Plain);
    let answer = programs.app.ask(form).await;
    assert_eq!(answer.status, 303);
    let ticket = format!("roster-flash={}", answer.cookie("roster-flash").unwrap());
    let page = Ask::get(answer.location()).by(Who::Owner).with(header::COOKIE, ticket);
    let page = programs.app.ask(page).await;
    let says =
        "The organization has reached its limit of projects (1). Delete one first, or ask whoever runs this console";
    assert!(page.text.contains(says), "{}", page.text);
    assert!(page.text.contains("value=\"one-more\""), "what was typed is kept (N3)");
    assert_eq!(programs.app.fingerprint().await, before);
}
