//! The description of the interface for programs (OpenAPI 3.1), as `GET /openapi.json` gives it out.
//!
//! Paths come from the routes themselves. What is the same everywhere (problems, headers, the key) is added here, once, and
//! what is known as data elsewhere (kinds, states, fields) is read from there.

use axum::body::Bytes;
use policy::Reach;
use serde_json::{Map, Value, json};
use utoipa::{
    IntoParams,
    openapi::{
        Object, ObjectBuilder, OpenApi, Type,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};

use super::{limits, page, problem};

/// The document, written.
pub(crate) fn document(keyed: OpenApi, open: OpenApi) -> Bytes {
    let mut api = keyed;
    api.merge(open);
    let mut api = serde_json::to_value(api).unwrap_or_default();
    api["info"] = json!({
        "title": "Roster",
        "version": "1",
        "description": "Resources, usage and keys of one project, for programs. A key is made on the project’s page of API \
            keys and sent as `Authorization: Bearer rsk_…`.",
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
    components["headers"] = headers();
    components["schemas"]["Problem"] = problem_schema();
    components["responses"] = problems();
    for item in members(&mut api["paths"]) {
        for operation in members(item) {
            complete(operation);
        }
    }
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
    for response in members(&mut operation["responses"]) {
        let headers = &mut response["headers"];
        for (name, _) in NAMED_HEADERS {
            headers[name] = json!({ "$ref": format!("#/components/headers/{name}") });
        }
    }
    let mut add = |statuses: &[u16]| {
        for status in statuses {
            operation["responses"][status.to_string()] = json!({ "$ref": format!("#/components/responses/{status}") });
        }
    };
    add(&[429, 500, 503]);
    if takes_key {
        add(&[401]);
    }
    if has_query {
        add(&[400]);
    }
    if has_body {
        add(&[400, 413, 415, 422]);
    }
}

/// What an operation answers beside, named in its description as `#/components/responses/{status}`.
const PROBLEMS: [(u16, &str); 11] = [
    (400, "The query, or the JSON, is not of the form it must have."),
    (401, "No key that opens something: missing, unknown, expired or revoked."),
    (403, "The key’s reach does not permit this; `permission` says what would."),
    (404, "There is no such thing, or not for this key: the same answer."),
    (409, "It conflicts with what is there."),
    (413, "The body is too large."),
    (415, "The body is not said to be JSON."),
    (422, "What is in the body can’t be used; `errors` says where and why. Nothing was done."),
    (429, "Too many requests. Wait as long as `Retry-After` says."),
    (500, "A fault of ours."),
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

fn problem_schema() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "description": "What went wrong (RFC 9457).",
        "required": ["type", "title", "status", "detail", "code", "errors", "request_id"],
        "additionalProperties": false,
        "properties": {
            "type": { "type": "string", "format": "uri", "description": "`urn:roster:problem:` and the code." },
            "title": text,
            "status": { "type": "integer" },
            "detail": { "type": "string", "description": "For people: what happened, and what to do." },
            "code": { "type": "string", "description": "For programs: stable." },
            "permission": { "type": "string", "description": "With 403: the permission that is lacking." },
            "errors": {
                "type": "array",
                "description": "What is wrong, field by field.",
                "items": {
                    "type": "object",
                    "required": ["field", "code", "detail"],
                    "additionalProperties": false,
                    "properties": {
                        "field": {
                            "type": "string",
                            "description": "With dots where it is inside another: `details.nodes`, `records.3.quantity`.",
                        },
                        "code": text,
                        "detail": text,
                    },
                },
            },
            "request_id": { "type": "string", "format": "uuid" },
        },
    })
}

/// The reaches of keys (K11).
pub(crate) fn reach() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(Reach::ALL.map(Reach::code)))
        .build()
}

/// Which part of a list is asked for.
pub(crate) struct PageParameters;

impl IntoParams for PageParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![
            parameter("limit", "How many, at most.")
                .schema(Some(
                    ObjectBuilder::new()
                        .schema_type(Type::Integer)
                        .minimum(Some(1))
                        .maximum(Some(page::MOST))
                        .default(Some(page::USUAL.into())),
                ))
                .build(),
            parameter("after", "The place to go on from: `next_cursor` of the page before.")
                .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
                .build(),
        ]
    }
}

fn parameter(name: &str, description: &str) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .description(Some(description))
}
