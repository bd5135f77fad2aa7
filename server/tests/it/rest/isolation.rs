//! P3, K1, K9, E5: which key opens what. A project or resource that is not the key's own is the same as one that is not
//! there.

use axum::http::{Method, header};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{MALFORMED, Programs, asked, bare, cluster, file, json, make, problem};
use crate::{
    functions::FUNCTIONS,
    test_app::{Ask, Manner, NO_PROJECT, RESEARCH, TestApp, Who},
};
use policy::KeyScope;

const NO_RESOURCE: &str = "01900000-0000-7000-8000-00000000000a";

/// Every call of a project, with what its body may say. `{id}` stands for a cluster.
fn calls() -> Vec<(Method, &'static str, Option<Value>)> {
    let record = json!({ "records": [{
        "id": "01900000-0000-7000-8000-0000000000aa", "at": "2026-11-20T10:00:00Z", "kind": "cluster",
        "unit": "gpu_seconds",
        "quantity": 1, "cost_micros": 1,
    }] });
    vec![
        (Method::GET, "/v1/projects/{project}/resources", None),
        (Method::GET, "/v1/projects/{project}/resources?limit=x", None),
        (Method::GET, "/v1/projects/{project}/resources?after=x", None),
        (Method::POST, "/v1/projects/{project}/resources", Some(cluster("new"))),
        (Method::POST, "/v1/projects/{project}/resources", Some(file("new"))),
        (
            Method::POST,
            "/v1/projects/{project}/resources",
            Some(json!({ "kind": "cluster" })),
        ),
        (Method::POST, "/v1/projects/{project}/resources", Some(json!({}))),
        (Method::POST, "/v1/projects/{project}/resources", None),
        (Method::GET, "/v1/projects/{project}/resources/{id}", None),
        (
            Method::PATCH,
            "/v1/projects/{project}/resources/{id}",
            Some(json!({ "name": "other" })),
        ),
        (
            Method::PATCH,
            "/v1/projects/{project}/resources/{id}",
            Some(json!({ "details": { "nodes": 9 } })),
        ),
        (
            Method::PATCH,
            "/v1/projects/{project}/resources/{id}",
            Some(json!({ "name": "" })),
        ),
        (Method::PATCH, "/v1/projects/{project}/resources/{id}", None),
        (Method::DELETE, "/v1/projects/{project}/resources/{id}", None),
        (Method::POST, "/v1/projects/{project}/usage", Some(record)),
        (Method::POST, "/v1/projects/{project}/usage", Some(json!({}))),
        (Method::POST, "/v1/projects/{project}/usage", None),
    ]
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn p3_another_project_is_the_same_as_none(pool: PgPool) {
    let programs = Programs::new(pool).await;
    let there = programs.register(cluster("there")).await;
    let id = there["id"].as_str().unwrap();
    let research = json(&programs.ask(&programs.uses, Method::GET, "/v1/whoami", None).await)["project"]["id"].clone();
    let before = programs.app.fingerprint().await;
    let mut wrong = Vec::new();
    for (method, path, body) in calls() {
        for key in [&programs.production, &programs.partner] {
            let ask = async |project: &str, id: &str| {
                let uri = path.replace("{project}", project).replace("{id}", id);
                programs.ask(key, method.clone(), &uri, body.clone()).await
            };
            let nowhere = ask(NO_PROJECT, NO_RESOURCE).await;
            problem(&nowhere, 404, "not_found");
            // By slug, by permanent id, and by what no project is called.
            for project in [RESEARCH, research.as_str().unwrap(), "a%2Fb", "%ff", "-"] {
                let there = ask(project, id).await;
                if bare(&there) != bare(&nowhere) {
                    wrong.push(format!(
                        "{method} {path} {project}:\n{}\n{}",
                        bare(&there),
                        bare(&nowhere)
                    ));
                }
            }
        }
        // In the key's own project, a resource of another one is none.
        if path.contains("{id}") {
            let ask = async |id: &str| {
                let uri = path.replace("{project}", "production").replace("{id}", id);
                programs
                    .ask(&programs.production, method.clone(), &uri, body.clone())
                    .await
            };
            let nowhere = ask(NO_RESOURCE).await;
            problem(&nowhere, 404, "not_found");
            for id in [id, "x", "%ff", "{01900000-0000-7000-8000-00000000000a}"] {
                if bare(&ask(id).await) != bare(&nowhere) {
                    wrong.push(format!("{method} {path} {id}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ, the first:\n{}", wrong.len(), wrong[0]);
    assert_eq!(programs.app.fingerprint().await, before);
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn k3_k6_k7_a_key_that_opens_nothing_is_refused_everywhere(pool: PgPool) {
    let programs = Programs::new(pool).await;
    let there = programs.register(cluster("there")).await;
    let id = there["id"].as_str().unwrap();
    let before = programs.app.fingerprint().await;
    let mut every = calls();
    every.extend([
        (Method::GET, "/v1/whoami", None),
        (Method::GET, "/v1/projects", None),
        (Method::POST, "/v1/usage", Some(json!({}))),
    ]);
    for (key, code) in [
        (None, "key_missing"),
        (Some(MALFORMED), "key_invalid"),
        (Some(&*programs.unknown), "key_invalid"),
        (Some(&*programs.expired), "key_expired"),
        (Some(&*programs.revoked), "key_revoked"),
    ] {
        // A server of its own for each: who has no key may ask a hundred times at once.
        let app = programs.app.behind(programs.app.state.directory.clone());
        for (method, path, body) in &every {
            let uri = path.replace("{project}", RESEARCH).replace("{id}", id);
            let answer = app.ask(asked(key, method.clone(), &uri, body.clone())).await;
            let told = problem(&answer, 401, code);
            assert!(!told.to_string().contains("ml-research"));
            let challenge = answer.header("www-authenticate");
            assert_eq!(challenge.contains("invalid_token"), key.is_some(), "{challenge}");
        }
    }
    assert_eq!(programs.app.fingerprint().await, before);
}

/// K11, R2: what the reach does not permit is refused by name, and audited; what it does is done.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn k11_a_key_does_what_its_reach_permits(pool: PgPool) {
    let programs = Programs::new(pool).await;
    let there = programs.register(cluster("there")).await;
    let uri = format!("{}/{}", super::RESOURCES, there["id"].as_str().unwrap());
    for (method, uri, body, permission) in [
        (Method::POST, super::RESOURCES, Some(cluster("c")), "cluster:create"),
        // Before what is wrong with it.
        (
            Method::POST,
            super::RESOURCES,
            Some(json!({ "kind": "cluster" })),
            "cluster:create",
        ),
        (Method::PATCH, &uri, Some(json!({ "name": "x" })), "cluster:configure"),
        (Method::PATCH, &uri, Some(json!({ "name": "" })), "cluster:configure"),
        (Method::PATCH, &uri, None, "cluster:configure"),
        (
            Method::PATCH,
            &uri,
            Some(json!({ "details": { "nodes": 5 } })),
            "cluster:scale",
        ),
        (Method::DELETE, &uri, None, "cluster:delete"),
    ] {
        programs.app.forget_refusals().await;
        let answer = programs.ask(&programs.uses, method.clone(), uri, body).await;
        let told = problem(&answer, 403, "forbidden");
        assert_eq!(told["permission"], permission, "{method}");
        assert!(told["detail"].as_str().unwrap().contains(permission));
        let audited = programs.app.audited(answer.header("x-request-id")).await;
        assert_eq!(
            audited,
            [(permission.to_owned(), Some("forbidden".to_owned()))],
            "{method}"
        );
    }
    assert_eq!(programs.ask(&programs.uses, Method::GET, &uri, None).await.status, 200);
    let made = programs
        .ask(&programs.uses, Method::POST, super::RESOURCES, Some(file("f")))
        .await;
    assert_eq!(made.status, 201);
    let audited = programs.app.audited(made.header("x-request-id")).await;
    assert_eq!(audited, [("file:create".to_owned(), None)]);
    assert_eq!(
        programs.ask(&programs.manages, Method::DELETE, &uri, None).await.status,
        204
    );
}

/// K9: to everything that is for people, a key is nothing.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn k9_no_key_manages_people_roles_or_keys(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let ask = async |key: Option<&str>| {
        let mut answers = Vec::new();
        for function in &FUNCTIONS {
            for manner in Manner::ALL {
                let mut ask = function.call(&function.filled(&app)).manner(manner);
                if let Some(key) = key {
                    ask = ask.with(header::AUTHORIZATION, format!("Bearer {key}"));
                }
                let answer = app.ask(ask).await;
                answers.push((function.path, answer.status, answer.location().to_owned()));
            }
        }
        answers
    };
    let nobody = ask(None).await;
    app.restore().await;
    let (_, key) = make(&app, Who::Admin, RESEARCH, KeyScope::Manage).await;
    assert_eq!(ask(Some(&key)).await, nobody);
    let bearer = format!("Bearer {key}");
    for page in [
        "/projects/ml-research",
        "/settings/projects/ml-research/collaborators",
        "/settings/projects/ml-research/api-keys",
        "/settings/organization/acme/members",
        "/settings/projects/ml-research/collaborators.csv",
        "/events?project=ml-research",
    ] {
        let nobody = app.ask(Ask::get(page)).await;
        let answer = app.ask(Ask::get(page).with(header::AUTHORIZATION, &*bearer)).await;
        assert_eq!(
            (answer.status, answer.location()),
            (nobody.status, nobody.location()),
            "{page}"
        );
        assert!(!answer.status.is_success(), "{page}");
    }
    // Nor is there a route for it.
    for path in [
        "/v1/keys",
        "/v1/users",
        "/v1/members",
        "/v1/organizations",
        "/v1/organizations/acme",
        "/v1/organizations/acme/members",
        "/v1/projects/ml-research",
        "/v1/projects/ml-research/keys",
        "/v1/projects/ml-research/api-keys",
        "/v1/projects/ml-research/collaborators",
        "/v1/projects/ml-research/audit",
        "/v1/projects/ml-research/settings",
    ] {
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let answer = app.ask(asked(Some(&key), method, path, Some(json!({})))).await;
            problem(&answer, 404, "not_found");
        }
    }
}

/// E5: the next request after a key's end, or its project's, is refused.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e5_an_end_counts_from_the_next_request(pool: PgPool) {
    let programs = Programs::new(pool).await;
    let (id, key) = make(&programs.app, Who::Owner, "production", KeyScope::Use).await;
    let whoami = async || programs.ask(&key, Method::GET, "/v1/whoami", None).await;
    assert_eq!(whoami().await.status, 200);
    for (sql, code) in [
        ("UPDATE api_keys SET expires_at = now() WHERE id = $1", "key_expired"),
        ("UPDATE api_keys SET revoked_at = now() WHERE id = $1", "key_revoked"),
    ] {
        sqlx::query(sql).bind(id.0).execute(&programs.app.pool).await.unwrap();
        problem(&whoami().await, 401, code);
    }
    let (_, key) = make(&programs.app, Who::Owner, "production", KeyScope::Use).await;
    sqlx::query("DELETE FROM resources")
        .execute(&programs.app.pool)
        .await
        .unwrap();
    let fields = [("project", "production"), ("confirmation", "production")];
    let gone = programs
        .app
        .ask(Ask::post("/api/delete_project", fields).by(Who::Owner))
        .await;
    assert_eq!(gone.status, 200, "{}", gone.text);
    problem(
        &programs.ask(&key, Method::GET, "/v1/whoami", None).await,
        401,
        "key_invalid",
    );
}
