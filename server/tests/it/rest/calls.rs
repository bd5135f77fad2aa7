//! What every call has in common: problems, media types, methods, paths, the database away.

use axum::http::{Method, header};
use directory::{Directory, Settings};
use serde_json::json;
use sqlx::{PgPool, postgres::PgPoolOptions};

use super::{Programs, RESOURCES, asked, cluster, fields, file, json, problem};
use crate::test_app::{Ask, RESEARCH};

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn k1_a_key_says_what_it_is_and_where_it_reaches(pool: PgPool) {
    let programs = Programs::new(pool).await;
    let answer = programs.ask(&programs.uses, Method::GET, "/v1/whoami", None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(!answer.header("x-request-id").is_empty());
    let said = json(&answer);
    assert_eq!(said["key"]["name"], "A program");
    assert_eq!(said["key"]["reach"], "use");
    assert!(said["key"]["expires_at"].is_null());
    assert!(said["key"]["created_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(said["project"]["slug"], RESEARCH);
    assert_eq!(said["project"]["name"], "ML Research");
    assert_eq!(said["organization"]["slug"], "acme");
    assert_eq!(said["organization"]["name"], "Acme Research");

    let listed = programs
        .ask(&programs.uses, Method::GET, "/v1/projects?limit=1", None)
        .await;
    assert_eq!(json(&listed), json!({ "data": [said["project"]], "next_cursor": null }));
    let beyond = programs
        .ask(&programs.uses, Method::GET, "/v1/projects?after=x", None)
        .await;
    problem(&beyond, 400, "cursor_invalid");
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn what_is_not_there_is_a_problem_and_no_page(pool: PgPool) {
    let programs = Programs::new(pool).await;
    for path in [
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/v1/whoami/",
        "/v1/projects/ml-research",
        "/v1/projects/ml-research/resources/",
        "/v1/projects/ml-research/resources/x/y",
        "/v2",
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let answer = programs.ask(&programs.uses, method.clone(), path, None).await;
            if path == "/v2" {
                assert!(!answer.status.is_success());
            } else {
                problem(&answer, 404, "not_found");
            }
        }
    }
    for (path, allowed) in [
        ("/v1/whoami", "GET,HEAD"),
        (RESOURCES, "GET,HEAD,POST"),
        ("/v1/keys/revoke", "POST"),
    ] {
        let answer = programs.ask(&programs.uses, Method::PUT, path, None).await;
        problem(&answer, 405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allowed);
    }
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_body_that_cannot_be_read_is_told_in_words_of_ours(pool: PgPool) {
    let programs = Programs::new(pool).await;
    let before = programs.app.fingerprint().await;
    let send = async |media: Option<&str>, body: &[u8]| {
        let mut ask = asked(Some(&programs.manages), Method::POST, RESOURCES, None);
        if let Some(media) = media {
            ask = ask.with(header::CONTENT_TYPE, media);
        }
        ask.body = body.to_vec();
        programs.app.ask(ask).await
    };
    let good = cluster("c").to_string();
    problem(&send(None, good.as_bytes()).await, 415, "unsupported_media_type");
    problem(
        &send(Some("text/plain"), good.as_bytes()).await,
        415,
        "unsupported_media_type",
    );
    problem(
        &send(Some("application/x-www-form-urlencoded"), b"a=b").await,
        415,
        "unsupported_media_type",
    );
    for body in [
        &b""[..],
        b"{",
        b"{\"a\":1}x",
        b"\xff",
        b"{\"kind\":\"\xff\"}",
        b"NaN",
        &[b'['; 100_000],
    ] {
        let told = problem(&send(Some("application/json"), body).await, 400, "malformed");
        assert_eq!(told["detail"], "The body isn\u{2019}t JSON in UTF-8.");
    }
    for body in ["[]", "null", "3", "\"x\""] {
        problem(&send(Some("application/json"), body.as_bytes()).await, 422, "invalid");
    }
    let large = vec![b' '; 1024 * 1024 + 1];
    problem(&send(Some("application/json"), &large).await, 413, "too_large");
    assert_eq!(programs.app.fingerprint().await, before);
    // As much as is taken, and a media type with a parameter.
    let mut most = good.into_bytes();
    most.resize(1024 * 1024, b' ');
    assert_eq!(send(Some("Application/JSON; charset=utf-8"), &most).await.status, 201);
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn everything_wrong_with_a_body_is_said_at_once(pool: PgPool) {
    let programs = Programs::new(pool).await;
    let post = async |body| {
        programs
            .ask(&programs.manages, Method::POST, RESOURCES, Some(body))
            .await
    };
    let all = post(json!({
        "kind": "cluster",
        "name": "",
        "state": "ready",
        "details": { "gpu": 3, "nodes": -1, "gpus_per_node": 1.5, "size_gib": 1 },
        "reach": "manage",
    }))
    .await;
    assert_eq!(
        fields(&problem(&all, 422, "invalid")),
        [
            "name name_invalid",
            "state state_invalid",
            "details.gpu detail_invalid",
            "details.nodes detail_invalid",
            "details.gpus_per_node detail_invalid",
            "details.scheduler detail_invalid",
            "details.size_gib unknown",
            "reach unknown",
        ]
    );
    let none = post(json!({})).await;
    assert_eq!(
        fields(&problem(&none, 422, "invalid")),
        ["kind missing", "name missing", "details missing"]
    );
    let kind = post(json!({ "kind": "spaceship", "name": "x", "details": {} })).await;
    assert_eq!(fields(&problem(&kind, 422, "invalid")), ["kind wrong_form"]);
    let nulls = post(json!({ "kind": "file", "name": null, "state": null, "details": null })).await;
    assert_eq!(
        fields(&problem(&nulls, 422, "invalid")),
        ["name name_invalid", "state wrong_form", "details wrong_form"]
    );
    // A number that is whole, however it is written.
    let mut written = file("f");
    written["details"]["size_bytes"] = json!(10.0);
    assert_eq!(post(written).await.status, 201);
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_query_that_cannot_be_read_is_told_by_its_parameters(pool: PgPool) {
    let programs = Programs::new(pool).await;
    let long = format!("q={}", "a".repeat(201));
    for (query, wrong) in [
        ("limit=0", "limit wrong_form"),
        ("limit=1001", "limit wrong_form"),
        ("limit=-1", "limit wrong_form"),
        ("limit=", "limit wrong_form"),
        ("limit=5&limit=6", "limit repeated"),
        ("kind=spaceship", "kind wrong_form"),
        ("state=gone", "state wrong_form"),
        ("sort=size", "sort wrong_form"),
        ("order=up", "order wrong_form"),
        ("q=%00", "q wrong_form"),
        (&long, "q wrong_form"),
        ("page=2", "page unknown"),
        ("q=%ff", " wrong_form"),
    ] {
        let answer = programs
            .ask(&programs.uses, Method::GET, &format!("{RESOURCES}?{query}"), None)
            .await;
        assert_eq!(fields(&problem(&answer, 400, "malformed")), [wrong], "{query}");
    }
    for cursor in ["x", "e30", "!!!"] {
        let answer = programs
            .ask(
                &programs.uses,
                Method::GET,
                &format!("{RESOURCES}?after={cursor}"),
                None,
            )
            .await;
        problem(&answer, 400, "cursor_invalid");
    }
}

/// E6: no answer of the database is neither yes nor no.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e6_without_the_database_the_answer_is_503(pool: PgPool) {
    let programs = Programs::new(pool).await;
    let away = PgPoolOptions::new()
        .acquire_timeout(std::time::Duration::from_millis(100))
        .connect_lazy("postgres://nobody@127.0.0.1:1/none")
        .unwrap();
    let app = programs.app.behind(Directory::new(away, Settings::default()));
    let presented = json!({ "key": programs.uses });
    for (method, path, body) in [
        (Method::GET, "/v1/whoami", None),
        (Method::GET, RESOURCES, None),
        (Method::POST, RESOURCES, Some(cluster("c"))),
        (Method::POST, "/v1/keys/revoke", Some(presented)),
    ] {
        let answer = app.ask(asked(Some(&programs.uses), method, path, body)).await;
        problem(&answer, 503, "unavailable");
    }
    // What can't be a key is refused all the same (K3).
    let answer = app.ask(asked(Some("rsk_x"), Method::GET, "/v1/whoami", None)).await;
    problem(&answer, 401, "key_invalid");
    assert_eq!(app.ask(Ask::get("/openapi.json")).await.status, 200);
}
