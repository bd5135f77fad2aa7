//! The description says what there is: each route that answers, and no other.

use std::collections::BTreeSet;

use axum::http::Method;
use policy::{FieldInput, ResourceField, ResourceKind};
use serde_json::Value;
use sqlx::PgPool;

use super::{Programs, asked, json};
use crate::house::{Ask, RESEARCH};

const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
const ID: &str = "01900000-0000-7000-8000-00000000000a";

/// The paths and methods that INTERFACES promises.
const PROMISED: [&str; 10] = [
    "DELETE /v1/projects/{project}/resources/{id}",
    "GET /v1/projects",
    "GET /v1/projects/{project}/resources",
    "GET /v1/projects/{project}/resources/{id}",
    "GET /v1/whoami",
    "PATCH /v1/projects/{project}/resources/{id}",
    "POST /v1/keys/revoke",
    "POST /v1/projects/{project}/resources",
    "POST /v1/projects/{project}/usage",
    "POST /v1/usage",
];

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn the_description_lists_exactly_the_routes_that_answer(pool: PgPool) {
    let programs = Programs::new(pool).await;
    let document = json(&programs.house.ask(Ask::get("/openapi.json")).await);
    assert_eq!(document["openapi"], "3.1.0");
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let filled = path.replace("{project}", RESEARCH).replace("{id}", ID);
        for method in METHODS {
            let is_described = item.get(method.as_str().to_lowercase()).is_some();
            // It would be revoked.
            let key = (!filled.ends_with("/revoke")).then_some(&*programs.uses);
            let answer = programs.house.ask(asked(key, method.clone(), &filled, None)).await;
            assert_eq!(answer.status != 405, is_described, "{method} {path}");
            if is_described {
                described.insert(format!("{method} {path}"));
            }
        }
    }
    // And the guide for people names each.
    let guide = include_str!("../../../../docs/rest.md");
    for route in &described {
        assert!(guide.contains(&format!("`{route}`")), "{route}");
    }
    let promised: BTreeSet<_> = PROMISED.into_iter().map(ToOwned::to_owned).collect();
    assert_eq!(described, promised);
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn every_answer_is_described_and_every_name_leads_somewhere(pool: PgPool) {
    let programs = Programs::new(pool).await;
    let document = json(&programs.house.ask(Ask::get("/openapi.json")).await);
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
    let document = json(&programs.house.ask(Ask::get("/openapi.json")).await);
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
