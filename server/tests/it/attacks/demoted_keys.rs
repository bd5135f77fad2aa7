//! K11: a demoted Admin's `manage` key went on creating clusters, and nothing said so where the role was lowered.

use axum::http::StatusCode;
use policy::{Refusal, UserId};
use sqlx::PgPool;

use crate::test_app::{Ask, MANAGE_KEY, Manner, RESEARCH, TestApp, Who};

/// Lowering the role leads to the list of the keys first; with what was chosen for each it is done.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn k11_a_role_is_not_lowered_past_its_keys(pool: PgPool) {
    let app = TestApp::new(pool).await;
    sqlx::query("UPDATE collaborators SET role = 'admin' WHERE user_id = $1")
        .bind(app.id(Who::Member))
        .execute(&app.pool)
        .await
        .unwrap();
    let member = app.id(Who::Member).to_string();
    let form = |more: &[(&str, &str)]| {
        let fields = [("project", RESEARCH), ("user", member.as_str()), ("role", "member")];
        let all: Vec<_> = fields.into_iter().chain(more.iter().copied()).collect();
        Ask::post("/api/change_collaborator_role", all)
            .by(Who::Admin)
            .manner(Manner::Plain)
    };
    let refused = app.ask(form(&[])).await;
    let expected = Refusal::ManageKeysDecide(UserId(app.id(Who::Member)));
    assert_eq!(refused.flash().unwrap().outcome, Err(expected.into()));
    let dialog = app.ask(Ask::get(refused.location()).by(Who::Admin)).await;
    assert_eq!(dialog.status, StatusCode::OK);
    let (keep, lower) = (format!("keep-{MANAGE_KEY}"), format!("lower-{MANAGE_KEY}"));
    for wanted in ["Make Mia Muster a Member?", &keep, &lower, "Deploy"] {
        assert!(dialog.text.contains(wanted), "{wanted}");
    }
    let done = app.ask(form(&[(&keep, "on"), (&lower, "on")])).await;
    assert!(done.flash().unwrap().outcome.is_ok());
    let reach: String = sqlx::query_scalar("SELECT reach FROM api_keys WHERE id = $1::uuid")
        .bind(MANAGE_KEY)
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert_eq!(reach, "use");
}
