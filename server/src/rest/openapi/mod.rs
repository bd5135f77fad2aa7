//! The description of the interface for programs (OpenAPI 3.1), as `GET /openapi.json` gives it out.
//!
//! Paths come from the routes themselves. What is the same everywhere (problems, headers, the key) is added here, once,
//! and what is known as data elsewhere (kinds, states, fields) is read from there.

mod parameters;
mod schemas;

use axum::body::Bytes;
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

pub(crate) use parameters::{MOST_SEARCH, PageParameters, ProjectPath, ResourceParameters, ResourcePath, reach};
pub(crate) use schemas::{MOST_RECORDS, RESOURCE};
use schemas::{organization_usage_report, presented_key, problem_schema, resources, usage_report};

use super::limits;
use crate::http::problem;

/// The document, written.
pub(crate) fn document(keyed: OpenApi, others: [OpenApi; 2]) -> Bytes {
    let mut api = keyed;
    for other in others {
        api.merge(other);
    }
    let mut api = serde_json::to_value(api).unwrap_or_default();
    api["info"] = json!({
        "title": "Roster",
        "version": "1",
        "description": "Resources, usage and keys of one project, for programs. A key is made on the project’s page \
            of API keys and sent as `Authorization: Bearer rsk_…`.",
        "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
    });
    api["servers"] = json!([{ "url": "/" }]);
    let components = &mut api["components"];
    components["securitySchemes"]["key"] = json!({
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "rsk_…",
        "description": "An API key: it belongs to one project and reaches that project’s resources only.",
    });
    components["securitySchemes"]["meter"] = json!({
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "rsm_…",
        "description": "A meter token of the operator’s: it reports usage that names no project, for every \
            organization.",
    });
    components["headers"] = headers();
    components["responses"] = problems();
    if let Some(schemas) = components["schemas"].as_object_mut() {
        schemas.insert("Problem".to_owned(), problem_schema());
        schemas.insert("PresentedKey".to_owned(), presented_key());
        schemas.insert("UsageReport".to_owned(), usage_report());
        schemas.insert("OrganizationUsageReport".to_owned(), organization_usage_report());
        schemas.extend(resources());
    }
    for item in members(&mut api["paths"]) {
        for operation in members(item) {
            complete(operation);
        }
    }
    // A bearer will do.
    api["paths"]["/v1/keys/revoke"]["post"]["requestBody"]["required"] = json!(false);
    serde_json::to_vec(&api).unwrap_or_default().into()
}

fn members(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    value.as_object_mut().into_iter().flat_map(Map::values_mut)
}

/// Adds to an operation what is true of all that are like it.
fn complete(operation: &mut Value) {
    let takes_key = operation.get("security").is_some();
    let has_body = operation.get("requestBody").is_some();
    let has_query = operation["parameters"]
        .as_array()
        .is_some_and(|parameters| parameters.iter().any(|parameter| parameter["in"] == "query"));
    if has_body {
        operation["requestBody"]["required"] = json!(true);
    }
    for response in members(&mut operation["responses"]) {
        let headers = &mut response["headers"];
        for (name, _) in NAMED_HEADERS {
            headers[name] = json!({ "$ref": format!("#/components/headers/{name}") });
        }
    }
    for (status, _) in PROBLEMS {
        let is_told = match status {
            429 | 500 | 503 => true,
            401 => takes_key,
            400 => has_body || has_query,
            413 | 415 | 422 => has_body,
            // Named where the route is.
            _ => operation["responses"].get(status.to_string()).is_some(),
        };
        if is_told {
            operation["responses"][status.to_string()] = json!({ "$ref": format!("#/components/responses/{status}") });
        }
    }
}

/// What an operation answers beside, named in its description as `#/components/responses/{status}`.
const PROBLEMS: [(u16, &str); 11] = [
    (400, "The query, or the JSON, is not of the form it must have."),
    (
        401,
        "No key that opens something: missing, unknown, expired or revoked.",
    ),
    (
        403,
        "The key’s reach does not permit this; `permission` says what would.",
    ),
    (404, "There is no such thing, or not for this key: the same answer."),
    (409, "It conflicts with what is there."),
    (413, "The body is too large."),
    (415, "The body is not said to be JSON."),
    (
        422,
        "What is in the body can’t be used; `errors` says where and why. Nothing was done.",
    ),
    (429, "Too many requests. Wait as long as `Retry-After` says."),
    (500, "Internal error."),
    (503, "The database can’t be asked now, or it took too long. Try again."),
];

const NAMED_HEADERS: [(&str, &str); 4] = [
    ("X-Request-Id", "The id of this request, as in the audit."),
    ("RateLimit-Limit", "How many requests may be made at once."),
    ("RateLimit-Remaining", "How many of them are left."),
    ("RateLimit-Reset", "Seconds until all of them are there again."),
];

fn headers() -> Value {
    let whole = json!({ "type": "integer", "minimum": 0 });
    let mut headers = Map::new();
    for (name, description) in NAMED_HEADERS {
        let schema = if limits::HEADERS.iter().any(|limit| limit.eq_ignore_ascii_case(name)) {
            whole.clone()
        } else {
            json!({ "type": "string", "format": "uuid" })
        };
        headers.insert(
            name.to_owned(),
            json!({ "description": description, "required": true, "schema": schema }),
        );
    }
    headers.insert(
        "Retry-After".to_owned(),
        json!({ "description": "Seconds to wait.", "required": true, "schema": whole }),
    );
    headers.insert(
        "WWW-Authenticate".to_owned(),
        json!({ "description": "Asks for a key (RFC 6750).", "required": true, "schema": { "type": "string" } }),
    );
    headers.into()
}

fn problems() -> Value {
    let mut responses = Map::new();
    for (status, description) in PROBLEMS {
        let mut names = vec!["X-Request-Id"];
        match status {
            401 => names.push("WWW-Authenticate"),
            429 | 503 => names.push("Retry-After"),
            _ => {}
        }
        let headers: Map<String, Value> = names
            .into_iter()
            .map(|name| {
                let named = json!({ "$ref": format!("#/components/headers/{name}") });
                (name.to_owned(), named)
            })
            .collect();
        let mut content = Map::new();
        content.insert(
            problem::MEDIA_TYPE.to_owned(),
            json!({ "schema": { "$ref": "#/components/schemas/Problem" } }),
        );
        responses.insert(
            status.to_string(),
            json!({ "description": description, "headers": headers, "content": content }),
        );
    }
    responses.into()
}
