//! The schemas of the description that no type of the server stands for: problems, presented keys, reports of usage,
//! resources.
//!
//! What is known as data (kinds, states, fields, limits) is read from the policy.

use policy::{
    FieldInput, MOST_COST_MICROS, MOST_QUANTITY, ResourceField, ResourceKind, ResourceState, UsageKind, UsageUnit,
};
use serde_json::{Map, Value, json};

use super::super::body;

/// The name of the schema of resources.
pub(crate) const RESOURCE: &str = "Resource";
/// Records of usage in one report.
pub(crate) const MOST_RECORDS: usize = 1_000;
pub(super) fn problem_schema() -> Value {
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
                            "description": "With dots where it is inside another: `details.nodes`, \
                             `records.3.quantity`.",
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

pub(super) fn presented_key() -> Value {
    json!({
        "type": "object",
        "description": "A key or token that somebody came by.",
        "required": ["key"],
        "additionalProperties": false,
        "properties": { "key": { "type": "string", "description": "`rsk_…`, `rsg_…` or `rsm_…`, whole." } },
    })
}

pub(super) fn usage_report() -> Value {
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
            "id": {
                "type": "string",
                "format": "uuid",
                "description": "Made by whoever reports: a record that comes again counts once.",
            },
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
                "description": "The record on the same books whose quantity and cost these take the place of. All \
                    else is as in it; a record is corrected once.",
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
pub(super) fn organization_usage_report() -> Value {
    let mut report = usage_report();
    report["properties"]["organization"] = json!({
        "type": "string",
        "description": "From a meter, and from nobody else: the organization, by its id or its slug.",
    });
    report
}

/// A name, in the characters that [`policy::Name`] allows: none that is a control or turns the direction of text, and
/// one at least that can be seen.
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

/// The schemas of resources: for each kind its details, a new resource, and one that is registered; and of all kinds
/// together.
pub(super) fn resources() -> Map<String, Value> {
    let mut schemas: Map<_, _> = ResourceKind::ALL.into_iter().flat_map(of_kind).collect();
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
    schemas.insert("ResourceChange".to_owned(), resource_change());
    schemas
}

/// The three schemas of a kind, by their names.
fn of_kind(kind: ResourceKind) -> [(String, Value); 3] {
    let (label, code) = (kind.label(), kind.code());
    let states: Vec<_> = kind.states().iter().map(|state| state.code()).collect();
    let needed: Vec<_> = kind
        .fields()
        .iter()
        .filter(|field| !is_optional(**field))
        .map(|field| field.code())
        .collect();
    let details = json!({
        "type": "object",
        "required": needed,
        "additionalProperties": false,
        "properties": fields(kind.fields(), field),
    });
    let mut properties = Map::new();
    properties.insert("kind".to_owned(), json!({ "type": "string", "const": code }));
    properties.insert("name".to_owned(), name());
    properties.insert(
        "state".to_owned(),
        json!({ "type": "string", "enum": states, "default": states.first() }),
    );
    properties.insert(
        "details".to_owned(),
        json!({ "$ref": format!("#/components/schemas/{label}Details") }),
    );
    let new = json!({
        "type": "object",
        "required": ["kind", "name", "details"],
        "additionalProperties": false,
        "properties": properties.clone(),
    });
    properties.insert("id".to_owned(), json!({ "type": "string", "format": "uuid" }));
    properties.insert(
        "created_by".to_owned(),
        json!({ "$ref": "#/components/schemas/Creator" }),
    );
    for name in ["created_at", "updated_at"] {
        properties.insert(name.to_owned(), json!({ "type": "string", "format": "date-time" }));
    }
    let needed: Vec<_> = properties.keys().cloned().collect();
    let registered =
        json!({ "type": "object", "required": needed, "additionalProperties": false, "properties": properties });
    [
        (format!("{label}Details"), details),
        (format!("New{label}"), new),
        (label.to_owned(), registered),
    ]
}

fn resource_change() -> Value {
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
    })
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
