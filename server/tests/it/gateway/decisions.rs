//! Who is let through, with which credential, and from when no more.

use axum::http::header;

use super::{
    By, DEFAULT, EXPIRED, FOREIGN, MANAGE, MISTYPED, OWN, REVOKED, THE_CLUSTER, THE_ENDPOINT, THE_PROJECT, Target,
    TestGateway, UNKNOWN, USE, is, told,
};
use sqlx::{AssertSqlSafe, PgPool};

use crate::test_app::{RESEARCH, Who};

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
    let guide = include_str!("../../../../docs/operations.md");
    let (_, sql) = guide.split_once("```sql\nBEGIN;").unwrap();
    let (sql, _) = sql.split_once("```").unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("BEGIN;{sql}")))
        .execute(&gateway.app.pool)
        .await
        .unwrap();
    let asked = gateway.asks(By::Key(USE), &[THE_PROJECT], "cluster:use").await;
    assert_eq!(asked, is(401, "gateway_unknown"));
    let token = gateway.app.gateway_token("edge").await;
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
        .revoke_gateway_token(&directory::Principal::operator(), &"edge".parse().unwrap())
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
