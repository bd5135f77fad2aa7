//! A4: somebody from outside fills the audit, or writes words of their own into somebody else's.

use axum::http::HeaderName;
use sqlx::PgPool;

use crate::test_app::{Ask, RESEARCH, TestApp, Who};

const ROUNDS: usize = 40;

/// Rows of the audit that meet a condition.
async fn rows(app: &TestApp, condition: &'static str) -> i64 {
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
        "SELECT count(*) FROM audit_events WHERE {condition}"
    )))
    .fetch_one(&app.pool)
    .await
    .unwrap()
}

/// When it succeeded: 40 rows with the stranger's words in the project's audit, where its Admins read them.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a4_a_stranger_writes_nothing_into_a_projects_audit(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for round in 0..ROUNDS {
        let words = format!("BUY CHEAP GPUS at evil.example, offer {round}");
        let form = [("project", RESEARCH), ("email", words.as_str())];
        let answer = app
            .ask(Ask::post("/api/add_collaborator", form).by(Who::Stranger))
            .await;
        assert_eq!(answer.status, 404, "{}", answer.text);
    }
    assert_eq!(rows(&app, "audit_events::text LIKE '%BUY CHEAP%'").await, 0);
    let refused = "action = 'collaborator:add' AND refusal = 'not_found'";
    assert_eq!(rows(&app, refused).await, 1, "the first of a kind is written");
    assert_eq!(
        rows(
            &app,
            "refusal = 'not_found' AND (organization_id, project_id) IS DISTINCT FROM (NULL, NULL)"
        )
        .await,
        0,
        "and is the operator's to read"
    );
    let counted: i64 = sqlx::query_scalar(
        "SELECT r.count FROM audit_repeats r JOIN audit_events e ON e.id = r.event_id \
         WHERE e.action = 'collaborator:add'",
    )
    .fetch_one(&app.pool)
    .await
    .unwrap();
    assert_eq!(counted, 40, "the rest is counted in it");
}

/// When it succeeded: a row for each attempt, 8,954 of them in 10 s by four connections, without an account.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a4_nobody_floods_the_audit_without_signing_in(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let before = rows(&app, "true").await;
    for round in 0..ROUNDS {
        let email = format!("guess{round}@acme.test");
        let form = [("email", email.as_str()), ("password", "correct-horse-battery")];
        app.ask(Ask::post("/api/sign_in", form)).await;
        let form = [
            ("email", "olivia@acme.test"),
            ("name", "Olivia"),
            ("password", "correct-horse-battery"),
        ];
        let browser = HeaderName::from_static("user-agent");
        app.ask(Ask::post("/api/sign_up", form).with(browser, format!("another {round}")))
            .await;
    }
    let written = rows(&app, "true").await - before;
    // The kinds: what was tried, and why it was refused; and the five sign-ups with one address that are answered by a
    // mail.
    assert!(written <= 11, "{written} rows");
}
