//! The description says what there is: each route that answers, and no other.

use std::collections::BTreeSet;

use axum::http::Method;
use policy::{FieldInput, ResourceField, ResourceKind};
use serde_json::Value;
use sqlx::PgPool;

use super::{Programs, asked, json};
use crate::test_app::{Ask, RESEARCH};

const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
const ID: &str = "01900000-0000-7000-8000-00000000000a";

/// The routes of INTERFACES, HTTP, "Programs", with `POST /v1/usage` (decision 71). Those of `/v1` are in the
/// description.
const ROUTES: [(&str, &[&str]); 12] = [
    ("/healthz", &["GET"]),
    ("/readyz", &["GET"]),
    ("/v1/whoami", &["GET"]),
    ("/v1/projects", &["GET"]),
    ("/v1/projects/{project}/resources", &["GET", "POST"]),
    ("/v1/projects/{project}/resources/{id}", &["GET", "PATCH", "DELETE"]),
    ("/v1/projects/{project}/usage", &["POST"]),
    ("/v1/usage", &["POST"]),
    ("/v1/keys/revoke", &["POST"]),
    // Some gateways ask by the method of the request they hold.
    ("/gateway/authorize", &["GET", "POST", "PUT", "PATCH", "DELETE"]),
    ("/ssh/authorized-keys", &["GET"]),
    ("/events", &["GET"]),
];

/// Paths of `/v1` that are none of [`ROUTES`]: those on the way to one, and those one step behind.
fn beside() -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for (route, _) in ROUTES.into_iter().filter(|(route, _)| route.starts_with("/v1/")) {
        paths.extend(route.match_indices('/').skip(1).map(|(end, _)| route[..end].to_owned()));
        let is_open = |other: &str| other.strip_prefix(route).is_some_and(|rest| rest.starts_with("/{"));
        if !ROUTES.into_iter().any(|(other, _)| is_open(other)) {
            paths.insert(format!("{route}/more"));
        }
    }
    paths.retain(|path| ROUTES.into_iter().all(|(route, _)| route != path));
    paths
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn the_description_lists_exactly_the_routes_that_answer(pool: PgPool) {
    let programs = Programs::new(pool).await;
    let ask = async |path: &str, method: Method| {
        let path = path.replace("{project}", RESEARCH).replace("{id}", ID);
        // It would be revoked.
        let key = (!path.ends_with("/revoke")).then_some(&*programs.uses);
        programs.app.ask(asked(key, method, &path, None)).await
    };
    let mut promised = BTreeSet::new();
    for (path, methods) in ROUTES {
        for method in METHODS {
            let is_promised = methods.contains(&method.as_str());
            let answer = ask(path, method.clone()).await;
            assert_eq!(answer.status != 405, is_promised, "{method} {path}");
            if is_promised && path.starts_with("/v1/") {
                promised.insert(format!("{method} {path}"));
            }
        }
    }
    for path in beside() {
        for method in METHODS {
            let answer = ask(&path, method.clone()).await;
            assert_eq!(answer.status, 404, "{method} {path}");
        }
    }

    let document = json(&programs.app.ask(Ask::get("/openapi.json")).await);
    assert_eq!(document["openapi"], "3.1.0");
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let methods = METHODS
            .into_iter()
            .filter(|method| item.get(method.as_str().to_lowercase()).is_some());
        described.extend(methods.map(|method| format!("{method} {path}")));
    }
    assert_eq!(described, promised);
    // And the guide for people names each.
    let guide = include_str!("../../../../docs/rest.md");
    for route in &promised {
        assert!(guide.contains(&format!("`{route}`")), "{route}");
    }
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn every_answer_is_described_and_every_name_leads_somewhere(pool: PgPool) {
    let programs = Programs::new(pool).await;
    let document = json(&programs.app.ask(Ask::get("/openapi.json")).await);
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            for status in ["429", "500", "503"] {
                assert!(responses.contains_key(status), "{method} {path}: {status}");
            }
            assert_eq!(responses.contains_key("401"), operation.get("security").is_some());
            assert!(operation["summary"].is_string(), "{method} {path}");
        }
    }
    let mut names = Vec::new();
    references(&document, &mut names);
    for name in names {
        assert!(document.pointer(&name[1..]).is_some(), "{name}");
    }
}

fn references(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                if let Some(to) = value.as_str().filter(|_| name == "$ref") {
                    names.push(to.to_owned());
                }
                references(value, names);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The fields of a kind are those of the policy, with their bounds: read from there, not written again.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn the_details_of_a_kind_are_the_policys(pool: PgPool) {
    let programs = Programs::new(pool).await;
    let document = json(&programs.app.ask(Ask::get("/openapi.json")).await);
    let schemas = &document["components"]["schemas"];
    for kind in ResourceKind::ALL {
        let details = &schemas[format!("{}Details", kind.label())];
        let properties = details["properties"].as_object().unwrap();
        assert_eq!(properties.len(), kind.fields().len());
        for field in kind.fields() {
            let schema = &properties[field.code()];
            match field.input() {
                FieldInput::Whole { least, most, .. } => {
                    assert_eq!((&schema["minimum"], &schema["maximum"]), (&least.into(), &most.into()));
                }
                FieldInput::Choice(choices) => assert_eq!(schema["enum"].as_array().unwrap().len(), choices.len()),
                FieldInput::Text { is_optional } => {
                    let needed = details["required"].as_array().unwrap();
                    assert_eq!(!needed.contains(&field.code().into()), is_optional);
                }
            }
        }
        let new = &schemas[format!("New{}", kind.label())]["properties"];
        assert_eq!(new["kind"]["const"], kind.code());
        assert_eq!(new["state"]["enum"].as_array().unwrap().len(), kind.states().len());
    }
    let change = &schemas["ResourceChange"]["properties"]["details"]["properties"];
    assert_eq!(change.as_object().unwrap().len(), ResourceField::ALL.len());
}
