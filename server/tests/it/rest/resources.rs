//! The register of resources: made, read, listed, changed, deleted.

use axum::http::Method;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{Programs, RESOURCES, cluster, fields, file, json, problem};

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e1_a_resource_of_each_kind_lives_its_life(pool: PgPool) {
    let programs = Programs::new(pool).await;
    let me = json(&programs.ask(&programs.manages, Method::GET, "/v1/whoami", None).await);
    for (new, change) in [
        (cluster("one"), json!({ "details": { "nodes": 6, "region": "eu-1" } })),
        (
            json!({
                "kind": "volume",
                "name": "one",
                "state": "ready",
                "details": { "size_gib": 10, "sharing": "shared" },
            }),
            json!({ "details": { "size_gib": 20 } }),
        ),
        (
            json!({ "kind": "model", "name": "one", "details": { "base_model": "llama", "method": "lora" } }),
            json!({ "state": "running" }),
        ),
        (
            json!({ "kind": "endpoint", "name": "one", "details": { "model": "llama", "gpu": "H100", "replicas": 1 } }),
            json!({ "details": { "replicas": 0 }, "state": "stopped" }),
        ),
        (
            json!({ "kind": "evaluation", "name": "one", "details": { "model": "llama", "benchmark": "mmlu" } }),
            json!({ "state": "completed", "details": { "score": "0.71" } }),
        ),
        (file("one"), json!({ "name": "two" })),
    ] {
        let made = programs
            .ask(&programs.manages, Method::POST, RESOURCES, Some(new.clone()))
            .await;
        assert_eq!(made.status, 201, "{}", made.text);
        let resource = json(&made);
        let uri = made.location();
        assert_eq!(uri, format!("{RESOURCES}/{}", resource["id"].as_str().unwrap()));
        for name in ["kind", "name", "details"] {
            assert_eq!(resource[name], new[name]);
        }
        assert_eq!(
            resource["created_by"],
            json!({ "type": "api_key", "id": me["key"]["id"] })
        );
        assert_eq!(
            json(&programs.ask(&programs.uses, Method::GET, uri, None).await),
            resource
        );
        // By the project's permanent id, too.
        let by_id = uri.replace("ml-research", me["project"]["id"].as_str().unwrap());
        assert_eq!(
            json(&programs.ask(&programs.uses, Method::GET, &by_id, None).await),
            resource
        );

        let changed = programs
            .ask(&programs.manages, Method::PATCH, uri, Some(change.clone()))
            .await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        let mut expected = resource.clone();
        merge(&mut expected, &change);
        expected["updated_at"] = json(&changed)["updated_at"].clone();
        assert_eq!(json(&changed), expected);

        let gone = programs.ask(&programs.manages, Method::DELETE, uri, None).await;
        assert_eq!((gone.status.as_u16(), &*gone.text), (204, ""));
        for method in [Method::GET, Method::DELETE, Method::PATCH] {
            let body = (method == Method::PATCH).then(|| json!({}));
            problem(
                &programs.ask(&programs.manages, method, uri, body).await,
                404,
                "not_found",
            );
        }
    }
}

/// RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    for (name, value) in patch.as_object().unwrap() {
        match value {
            Value::Object(_) => merge(&mut target[name], value),
            Value::Null => drop(target.as_object_mut().unwrap().remove(name)),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => target[name] = value.clone(),
        }
    }
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_patch_changes_what_it_names(pool: PgPool) {
    let programs = Programs::new(pool).await;
    let mut new = cluster("one");
    new["details"]["region"] = json!("eu-1");
    let made = programs.register(new).await;
    programs.register(cluster("two")).await;
    let uri = format!("{RESOURCES}/{}", made["id"].as_str().unwrap());
    let patch = async |body| programs.ask(&programs.manages, Method::PATCH, &uri, Some(body)).await;
    // Nothing empties a field; what may not be empty stays.
    let emptied = json(&patch(json!({ "details": { "region": null } })).await);
    assert!(emptied["details"].get("region").is_none());
    for (body, wrong) in [
        (json!({ "details": { "gpu": null } }), "details.gpu detail_invalid"),
        (json!({ "details": null }), "details wrong_form"),
        (json!({ "name": null }), "name name_invalid"),
        (json!({ "kind": "volume" }), "kind unknown"),
        (json!({ "id": "x" }), "id unknown"),
        (json!({ "details": { "colour": "red" } }), "details.colour unknown"),
        (json!({ "details": { "nodes": "4" } }), "details.nodes detail_invalid"),
    ] {
        assert_eq!(fields(&problem(&patch(body).await, 422, "invalid")), [wrong]);
    }
    // What only its kind knows.
    for (body, code, wrong) in [
        (json!({ "state": "queued" }), "state_invalid", "state state_invalid"),
        (
            json!({ "details": { "size_gib": 1 } }),
            "detail_invalid",
            "details.size_gib detail_invalid",
        ),
    ] {
        assert_eq!(fields(&problem(&patch(body).await, 422, code)), [wrong]);
    }
    let taken = problem(&patch(json!({ "name": "two" })).await, 409, "resource_name_taken");
    assert_eq!(fields(&taken), ["name resource_name_taken"]);
    let again = programs
        .ask(&programs.manages, Method::POST, RESOURCES, Some(cluster("two")))
        .await;
    problem(&again, 409, "resource_name_taken");
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn c10_lists_are_searched_filtered_sorted_and_paged(pool: PgPool) {
    let programs = Programs::new(pool).await;
    for number in 0..7 {
        programs.register(cluster(&format!("zeta {number}"))).await;
        programs.register(file(&format!("zeta {number}"))).await;
    }
    let walk = async |query: &str| {
        let (mut names, mut pages, mut after) = (Vec::new(), 0, String::new());
        loop {
            let uri = format!("{RESOURCES}?{query}&{after}");
            let answer = programs
                .ask(&programs.uses, Method::GET, uri.trim_end_matches('&'), None)
                .await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let page = json(&answer);
            pages += 1;
            for row in page["data"].as_array().unwrap() {
                names.push(row["name"].as_str().unwrap().to_owned());
            }
            match page["next_cursor"].as_str() {
                Some(next) => after = format!("after={next}"),
                None => return (names, pages),
            }
        }
    };
    let (names, pages) = walk("kind=cluster&q=Zeta&limit=3").await;
    assert_eq!(names, (0..7).map(|number| format!("zeta {number}")).collect::<Vec<_>>());
    assert_eq!(pages, 3);
    let (names, pages) = walk("kind=file&q=zeta&sort=added&order=desc&limit=7").await;
    assert_eq!(
        names,
        (0..7).rev().map(|number| format!("zeta {number}")).collect::<Vec<_>>()
    );
    assert_eq!(pages, 1);
    assert_eq!(walk("q=A+3&kind=cluster&state=creating&limit=1").await.0, ["zeta 3"]);
    assert_eq!(walk("q=nothing&limit=1").await.0, Vec::<String>::new());

    // A place in one list is none in another.
    let first = json(
        &programs
            .ask(&programs.uses, Method::GET, &format!("{RESOURCES}?limit=1"), None)
            .await,
    );
    let elsewhere = format!(
        "{RESOURCES}?order=desc&after={}",
        first["next_cursor"].as_str().unwrap()
    );
    problem(
        &programs.ask(&programs.uses, Method::GET, &elsewhere, None).await,
        400,
        "cursor_invalid",
    );
}
