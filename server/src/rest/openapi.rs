//! The description of the interface for programs (OpenAPI 3.1), as `GET /openapi.json` gives it out.
//!
//! Paths come from the routes themselves. What is the same everywhere (problems, headers, the key) is added here, once, and
//! what is known as data elsewhere (kinds, states, fields) is read from there.

use axum::body::Bytes;
use policy::{
    FieldInput, KeyScope, MOST_COST_MICROS, MOST_QUANTITY, ResourceField, ResourceKind, ResourceState, UsageKind,
    UsageUnit,
};
use serde_json::{Map, Value, json};
use utoipa::{
    IntoParams,
    openapi::{
        KnownFormat, Object, ObjectBuilder, OpenApi, Required, SchemaFormat, Type,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};

use super::{body, limits, page};
use crate::http::problem;

/// The name of the schema of resources.
pub(crate) const RESOURCE: &str = "Resource";
/// Records of usage in one report.
pub(crate) const MOST_RECORDS: usize = 1_000;
/// Characters of a search text.
pub(crate) const MOST_SEARCH: usize = 200;

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
    components["securitySchemes"]["meter"] = json!({
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "rsm_…",
        "description": "A meter token of the operator’s: it reports usage that names no project, for every organization.",
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

fn presented_key() -> Value {
    json!({
        "type": "object",
        "description": "A key or token that somebody came by.",
        "required": ["key"],
        "additionalProperties": false,
        "properties": { "key": { "type": "string", "description": "`rsk_…`, `rsg_…` or `rsm_…`, whole." } },
    })
}

fn usage_report() -> Value {
    let amount =
        |most, description| json!({ "type": "integer", "minimum": 0, "maximum": most, "description": description });
    let most: Vec<_> = UsageUnit::ALL
        .iter()
        .map(|unit| format!("{} of {}", unit.most(), unit.code()))
        .collect();
    let quantity = format!("How much. At most {}.", most.join(", "));
    let kinds: Vec<_> = UsageKind::ALL.iter().map(|kind| kind.code()).collect();
    let units: Vec<_> = UsageUnit::ALL.iter().map(|unit| unit.code()).collect();
    let record = json!({
        "type": "object",
        "required": ["id", "at", "kind", "unit", "quantity", "cost_micros"],
        "additionalProperties": false,
        "properties": {
            "id": { "type": "string", "format": "uuid", "description": "Made by whoever reports: a record that comes again counts once." },
            "at": {
                "type": "string",
                "format": "date-time",
                "description": "When it was used: since the year 2000, and no more than 5 minutes ahead.",
            },
            "kind": { "type": "string", "enum": kinds },
            "unit": { "type": "string", "enum": units, "description": "What the quantity counts." },
            "quantity": amount(MOST_QUANTITY, quantity.as_str()),
            "cost_micros": amount(MOST_COST_MICROS, "What it cost, in millionths of a US dollar."),
            "resource_id": { "type": "string", "format": "uuid", "description": "The resource, if it was one." },
            "corrects": {
                "type": "string",
                "format": "uuid",
                "description": "The record on the same books whose quantity and cost these take the place of. All else is as in it; a \
                    record is corrected once.",
            },
        },
    });
    json!({
        "type": "object",
        "description": "What was used.",
        "required": ["records"],
        "additionalProperties": false,
        "properties": { "records": { "type": "array", "maxItems": MOST_RECORDS, "items": record } },
    })
}

/// The same from a meter, which names the organization.
fn organization_usage_report() -> Value {
    let mut report = usage_report();
    report["properties"]["organization"] = json!({
        "type": "string",
        "description": "From a meter, and from nobody else: the organization, by its id or its slug.",
    });
    report
}

/// A name, in the characters that [`policy::Name`] allows: none that is a control or turns the direction of text, and one at
/// least that can be seen.
fn name() -> Value {
    const HIDDEN: &str = r"\u0000-\u001F\u007F-\u009F\u061C\u200B\u200E\u200F\u2028-\u202E\u2060-\u2069\uFEFF";
    const BLANK: &str = r"\u0020\u00A0\u1680\u2000-\u200A\u200C\u200D\u202F\u205F\u3000";
    json!({
        "type": "string",
        "minLength": 1,
        "maxLength": body::MOST_NAME,
        "pattern": format!("^[^{HIDDEN}]*[^{HIDDEN}{BLANK}][^{HIDDEN}]*$"),
    })
}

/// What goes into a field of a resource.
fn field(field: ResourceField) -> Value {
    let mut schema = match field.input() {
        FieldInput::Text { .. } => name(),
        FieldInput::Whole { least, most, .. } => json!({ "type": "integer", "minimum": least, "maximum": most }),
        FieldInput::Choice(choices) => {
            let codes: Vec<_> = choices.iter().map(|(code, _)| code).collect();
            json!({ "type": "string", "enum": codes })
        }
    };
    schema["title"] = json!(field.label());
    schema
}

const fn is_optional(field: ResourceField) -> bool {
    matches!(field.input(), FieldInput::Text { is_optional: true })
}

/// The schemas of resources: for each kind its fields, a new one, and one that is there; and of all kinds together.
fn resources() -> Map<String, Value> {
    let mut schemas = Map::new();
    for kind in ResourceKind::ALL {
        let (label, code) = (kind.label(), kind.code());
        let states: Vec<_> = kind.states().iter().map(|state| state.code()).collect();
        let needed: Vec<_> = kind
            .fields()
            .iter()
            .filter(|field| !is_optional(**field))
            .map(|field| field.code())
            .collect();
        schemas.insert(
            format!("{label}Details"),
            json!({
                "type": "object",
                "required": needed,
                "additionalProperties": false,
                "properties": fields(kind.fields(), field),
            }),
        );
        let mut said = Map::new();
        said.insert("kind".to_owned(), json!({ "type": "string", "const": code }));
        said.insert("name".to_owned(), name());
        said.insert(
            "state".to_owned(),
            json!({ "type": "string", "enum": states, "default": states.first() }),
        );
        said.insert(
            "details".to_owned(),
            json!({ "$ref": format!("#/components/schemas/{label}Details") }),
        );
        schemas.insert(
            format!("New{label}"),
            json!({
                "type": "object",
                "required": ["kind", "name", "details"],
                "additionalProperties": false,
                "properties": said.clone(),
            }),
        );
        said.insert("id".to_owned(), json!({ "type": "string", "format": "uuid" }));
        said.insert(
            "created_by".to_owned(),
            json!({ "$ref": "#/components/schemas/Creator" }),
        );
        for name in ["created_at", "updated_at"] {
            said.insert(name.to_owned(), json!({ "type": "string", "format": "date-time" }));
        }
        let needed: Vec<_> = said.keys().cloned().collect();
        schemas.insert(
            label.to_owned(),
            json!({ "type": "object", "required": needed, "additionalProperties": false, "properties": said }),
        );
    }
    schemas.insert(
        "Creator".to_owned(),
        json!({
            "description": "Who registered it; null where they are gone.",
            "type": ["object", "null"],
            "required": ["type", "id"],
            "additionalProperties": false,
            "properties": {
                "type": { "type": "string", "enum": ["user", "api_key"] },
                "id": { "type": "string", "format": "uuid" },
            },
        }),
    );
    schemas.insert(RESOURCE.to_owned(), one_of_kinds("A resource.", ""));
    schemas.insert(
        "NewResource".to_owned(),
        one_of_kinds("A resource to be registered.", "New"),
    );
    schemas.insert(
        "ResourceChange".to_owned(),
        json!({
            "type": "object",
            "description": "What is to be changed about a resource: states and details are those of its kind.",
            "additionalProperties": false,
            "properties": {
                "name": name(),
                "state": { "type": "string", "enum": ResourceState::ALL.map(ResourceState::code) },
                "details": {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": fields(ResourceField::ALL, |one| {
                        if is_optional(one) {
                            json!({ "anyOf": [field(one), { "type": "null" }] })
                        } else {
                            field(one)
                        }
                    }),
                },
            },
        }),
    );
    schemas
}

fn fields(fields: &[ResourceField], schema: impl Fn(ResourceField) -> Value) -> Map<String, Value> {
    fields
        .iter()
        .map(|field| (field.code().to_owned(), schema(*field)))
        .collect()
}

fn one_of_kinds(description: &str, head: &str) -> Value {
    let named = |kind: ResourceKind| format!("#/components/schemas/{head}{}", kind.label());
    let mapping: Map<String, Value> = ResourceKind::ALL
        .into_iter()
        .map(|kind| (kind.code().to_owned(), named(kind).into()))
        .collect();
    json!({
        "description": description,
        "oneOf": ResourceKind::ALL.map(|kind| json!({ "$ref": named(kind) })),
        "discriminator": { "propertyName": "kind", "mapping": mapping },
    })
}

/// The reaches of keys (K11).
pub(crate) fn reach() -> Object {
    codes(KeyScope::ALL.map(KeyScope::code)).build()
}

fn codes<const N: usize>(codes: [&'static str; N]) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes))
}

/// Which part of a list is asked for.
pub(crate) struct PageParameters;

impl IntoParams for PageParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let limit = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(page::MOST))
            .default(Some(page::USUAL.into()));
        let after = ObjectBuilder::new().schema_type(Type::String);
        vec![
            parameter("limit", "How many, at most.", limit),
            parameter(
                "after",
                "The place to go on from: `next_cursor` of the page before.",
                after,
            ),
        ]
    }
}

/// Which part of a list of resources is asked for.
pub(crate) struct ResourceParameters;

impl IntoParams for ResourceParameters {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let search = ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(MOST_SEARCH))
            .pattern(Some(r"^[^\u0000]*$"));
        let mut parameters = vec![
            parameter(
                "kind",
                "Only this kind.",
                codes(ResourceKind::ALL.map(ResourceKind::code)),
            ),
            parameter(
                "state",
                "Only those in this state.",
                codes(ResourceState::ALL.map(ResourceState::code)),
            ),
            parameter("q", "Only those with this in their name.", search),
            parameter(
                "sort",
                "What to sort by.",
                codes(["name", "added"]).default(Some("name".into())),
            ),
            parameter(
                "order",
                "Ascending or descending.",
                codes(["asc", "desc"]).default(Some("asc".into())),
            ),
        ];
        parameters.extend(PageParameters::into_params(place));
        parameters
    }
}

fn parameter(name: &str, description: &str, schema: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

/// A project in a path.
pub(crate) struct ProjectPath;

impl IntoParams for ProjectPath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        vec![in_path("project", "The project’s slug, or its permanent id.", text)]
    }
}

/// A resource in a path.
pub(crate) struct ResourcePath;

impl IntoParams for ResourcePath {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let id = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
        let mut parameters = ProjectPath::into_params(place);
        parameters.push(in_path("id", "The resource’s id.", id));
        parameters
    }
}

fn in_path(name: &str, description: &str, schema: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}
