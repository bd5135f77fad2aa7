//! Reports of usage: whose books they go on, and what counts once.

use axum::http::Method;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{Programs, fields, json, problem};
use crate::test_app::RESEARCH;

const REPORT: &str = "/v1/projects/ml-research/usage";

fn record(number: u32) -> Value {
    json!({
        "id": format!("01900000-0000-7000-8000-{number:012}"),
        "at": "2026-11-20T10:00:00+02:00",
        "kind": "cluster",
        "unit": "gpu_seconds",
        "quantity": 3_600,
        "cost_micros": 2_500_000,
    })
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn d5_a_report_counts_once_on_the_right_books(pool: PgPool) {
    let programs = Programs::new(pool).await;
    sqlx::raw_sql("DELETE FROM usage_records; DELETE FROM usage_days; UPDATE projects SET created_at = '2026-01-01'")
        .execute(&programs.app.pool)
        .await
        .unwrap();
    let report = async |uri: &str, records: Value| {
        let answer = programs
            .ask(&programs.uses, Method::POST, uri, Some(json!({ "records": records })))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        json(&answer)
    };
    let mut with_resource = record(2);
    with_resource["resource_id"] = json!("01900000-0000-7000-8000-00000000000b");
    assert_eq!(
        report(REPORT, json!([record(1), with_resource])).await,
        json!({ "recorded": 2, "known": 0 })
    );
    assert_eq!(
        report(REPORT, json!([record(1), record(3)])).await,
        json!({ "recorded": 1, "known": 1 })
    );
    assert_eq!(report(REPORT, json!([])).await, json!({ "recorded": 0, "known": 0 }));
    // Names no project, and was used before there was one: that is a meter's to report.
    let meter = programs.app.meter_token("scheduler").await;
    let mut old = record(5);
    old["at"] = json!("2025-06-01T00:00:00Z");
    for known in [0, 2] {
        let body = json!({ "organization": "acme", "records": [record(4), old] });
        let answer = programs
            .ask(meter.reveal(), Method::POST, "/v1/usage", Some(body))
            .await;
        assert_eq!(json(&answer), json!({ "recorded": 2 - known, "known": known }));
    }
    // A correction is a record that names another, and counts in its place.
    let mut right = record(6);
    right["corrects"] = record(1)["id"].clone();
    right["cost_micros"] = json!(7);
    assert_eq!(
        report(REPORT, json!([right])).await,
        json!({ "recorded": 1, "known": 0 })
    );
    let mut again = record(7);
    again["corrects"] = record(1)["id"].clone();
    let answer = programs
        .ask(
            &programs.uses,
            Method::POST,
            REPORT,
            Some(json!({ "records": [again] })),
        )
        .await;
    assert_eq!(
        fields(&problem(&answer, 409, "usage_corrected")),
        ["records.0 usage_corrected"]
    );
    let costs: Vec<i64> = sqlx::query_scalar(
        "SELECT d.cost_micros::bigint FROM usage_days d JOIN project_slugs s USING (project_id) \
         WHERE s.slug = 'ml-research'",
    )
    .fetch_all(&programs.app.pool)
    .await
    .unwrap();
    assert_eq!(costs, [5_000_007]);
    let booked: Vec<(String, i64)> = sqlx::query_as(
        "SELECT s.slug, count(*) FROM usage_records u JOIN project_slugs s USING (project_id) GROUP BY 1 ORDER BY 1",
    )
    .fetch_all(&programs.app.pool)
    .await
    .unwrap();
    assert_eq!(booked, [("acme-default".to_owned(), 2), (RESEARCH.to_owned(), 4)]);
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_report_is_taken_whole_or_not_at_all(pool: PgPool) {
    let programs = Programs::new(pool).await;
    let before = programs.app.fingerprint().await;
    let report = async |body| programs.ask(&programs.uses, Method::POST, REPORT, Some(body)).await;
    let mut wrong = record(2);
    wrong["id"] = json!("2");
    wrong["quantity"] = json!(-1);
    wrong["kind"] = json!("rocket");
    wrong["project"] = json!("production");
    let told = report(json!({ "records": [record(1), wrong, 3] })).await;
    assert_eq!(
        fields(&problem(&told, 422, "invalid")),
        [
            "records.1.id wrong_form",
            "records.1.kind wrong_form",
            "records.1.quantity wrong_form",
            "records.1.project unknown",
            "records.2 wrong_form",
        ]
    );
    let mut future = record(2);
    future["at"] = json!("2999-01-01T00:00:00Z");
    let told = report(json!({ "records": [record(1), future] })).await;
    assert_eq!(
        fields(&problem(&told, 422, "usage_invalid")),
        ["records.1 usage_invalid"]
    );
    let many: Vec<_> = (0..1_001).map(record).collect();
    let told = report(json!({ "records": many })).await;
    assert_eq!(fields(&problem(&told, 422, "invalid")), ["records wrong_form"]);
    let told = report(json!({})).await;
    assert_eq!(fields(&problem(&told, 422, "invalid")), ["records missing"]);
    assert_eq!(programs.app.fingerprint().await, before);
    // As many as are taken, written out at length.
    let most = serde_json::to_string_pretty(&json!({ "records": many[..1_000] })).unwrap();
    assert!(most.len() < 512 * 1024);
    let told = report(serde_json::from_str(&most).unwrap()).await;
    assert_eq!(json(&told), json!({ "recorded": 1_000, "known": 0 }));
}
