//! The register of resources, for programs (RULES E).

use std::collections::BTreeMap;

use axum::{
    Extension, Json,
    body::Body,
    extract::{OriginalUri, Path, RawQuery, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use directory::{
    Creator, Order, Principal, ProjectRef, Resource, ResourceChange, ResourceCursor, ResourceQuery, ResourceSort,
    Target,
};
use policy::{
    Details, FieldInput, FieldValue, Name, Refusal, ResourceAction, ResourceField, ResourceId, ResourceKind,
    ResourceState,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    body::{Fields, Parameters, code, line, name, object, plain_id, whole_number, word},
    context::{Rest, Result, permission_first, timestamp},
    openapi,
    page::{self, List},
};
use crate::http::problem::Wrong;

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<Rest> {
    OpenApiRouter::default()
        .routes(routes!(list_resources, create_resource))
        .routes(routes!(read_resource, change_resource, delete_resource))
}

/// A resource as it is sent.
#[derive(Debug, Serialize)]
pub(crate) struct Sent {
    id: Uuid,
    kind: ResourceKind,
    name: Name,
    state: ResourceState,
    details: Details,
    created_by: Option<By>,
    created_at: String,
    updated_at: String,
}

/// Who registered it. Without a name: what people are called is no business of a program's.
#[derive(Debug, Serialize)]
struct By {
    r#type: &'static str,
    id: Uuid,
}

impl From<Resource> for Sent {
    fn from(resource: Resource) -> Self {
        Self {
            id: resource.id.0,
            kind: resource.kind,
            name: resource.name,
            state: resource.state,
            details: resource.details,
            created_by: resource.created_by.map(|by| match by {
                Creator::Person(id, _) => By {
                    r#type: "user",
                    id: id.0,
                },
                Creator::Key(id, _) => By {
                    r#type: "api_key",
                    id: id.0,
                },
            }),
            created_at: timestamp(resource.created_at),
            updated_at: timestamp(resource.updated_at),
        }
    }
}

/// By its name: what it is made of is written by `openapi`, out of the kinds.
impl PartialSchema for Sent {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::Ref::from_schema_name(openapi::RESOURCE).into()
    }
}

impl ToSchema for Sent {
    fn name() -> std::borrow::Cow<'static, str> {
        openapi::RESOURCE.into()
    }
}

/// The project of a path. One that no project can be called is none.
pub(crate) fn project(path: std::result::Result<Path<String>, PathRejection>) -> Result<ProjectRef> {
    let Path(project) = path.map_err(|_| Refusal::Hidden)?;
    Ok(reference(&project))
}

fn reference(text: &str) -> ProjectRef {
    let Ok(project) = text.parse();
    project
}

/// The project and the resource of a path.
fn resource_path(
    path: std::result::Result<Path<(String, String)>, PathRejection>,
) -> Result<(ProjectRef, Option<ResourceId>)> {
    let Path((project, id)) = path.map_err(|_| Refusal::Hidden)?;
    Ok((reference(&project), plain_id(&id).map(ResourceId)))
}

/// A project’s resources.
#[utoipa::path(get, path = "/v1/projects/{project}/resources", tag = "Resources", security(("key" = [])),
    params(openapi::ProjectPath, openapi::ResourceParameters),
    responses(
        (status = 200, description = "A page of them.", body = inline(List<Sent>)),
        (status = 403), (status = 404),
    ))]
async fn list_resources(
    State(rest): State<Rest>,
    Extension(actor): Extension<Principal>,
    path: std::result::Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Json<List<Sent>>> {
    let project = project(path)?;
    let query = read_query(query.as_deref().unwrap_or_default());
    let query = permission_first(query, visible(&rest, &actor, &project)).await?;
    let found = rest.directory.resources(&actor, &project, &query).await?;
    Ok(Json(List {
        data: found.rows.into_iter().map(Sent::from).collect(),
        next_cursor: found.next.map(|next| next.encode()),
    }))
}

fn read_query(query: &str) -> Result<ResourceQuery> {
    let mut parameters = Parameters::read(query)?;
    let page = page::read(&mut parameters);
    let query = ResourceQuery {
        kind: parameters.given("kind", word::<ResourceKind>),
        state: parameters.given("state", word::<ResourceState>),
        search: parameters
            .given("q", |text| {
                if text.chars().count() <= openapi::MOST_SEARCH && !text.contains('\0') {
                    Ok(text.to_owned())
                } else {
                    Err(Wrong::form(format!(
                        "Send {} characters at most.",
                        openapi::MOST_SEARCH
                    )))
                }
            })
            .unwrap_or_default(),
        sort: parameters.given("sort", word::<ResourceSort>).unwrap_or_default(),
        order: parameters.given("order", word::<Order>).unwrap_or_default(),
        after: None,
        limit: page.limit,
    };
    parameters.end()?;
    let after = page.after.as_deref().map(ResourceCursor::decode).transpose()?;
    Ok(ResourceQuery { after, ..query })
}

/// Registers a resource.
#[utoipa::path(post, path = "/v1/projects/{project}/resources", tag = "Resources", security(("key" = [])),
    params(openapi::ProjectPath), request_body(content = ref("#/components/schemas/NewResource")),
    responses(
        (status = 201, description = "It is registered.", body = ref("#/components/schemas/Resource"),
            headers(("Location" = String, description = "Its path."))),
        (status = 403), (status = 404), (status = 409)))]
async fn create_resource(
    State(rest): State<Rest>,
    Extension(actor): Extension<Principal>,
    path: std::result::Result<Path<String>, PathRejection>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let project = project(path)?;
    let (kind, new) = match object(&headers, body).await {
        Ok(fields) => read_new(fields),
        Err(error) => (None, Err(error)),
    };
    let may = async {
        match kind {
            Some(kind) => permitted(&rest, &actor, &project, kind, ResourceAction::Create).await,
            None => visible(&rest, &actor, &project).await,
        }
    };
    let new = permission_first(new, may).await?;
    let made = rest
        .directory
        .create_resource(&actor, &project, new.kind, &new.name, new.state, &new.details)
        .await?;
    let location = format!("{}/{}", uri.path(), made.id);
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(Sent::from(made)),
    )
        .into_response())
}

/// What the body of a new resource says.
struct New {
    kind: ResourceKind,
    name: Name,
    state: Option<ResourceState>,
    details: Details,
}

/// Reads a new resource. Its kind is known apart from the rest, since what is asked of the rest, and who may be told,
/// depends on it.
fn read_new(mut fields: Fields) -> (Option<ResourceKind>, Result<New>) {
    let kind = fields.needed("kind", code::<ResourceKind>);
    let name = fields.needed("name", name);
    let state = fields.given("state", |value| {
        let state = code::<ResourceState>(value)?;
        kind.map_or(Ok(state), |kind| Ok(kind.state(Some(state))?))
    });
    let details = kind.zip(fields.needed_object("details")).and_then(|(kind, mut inner)| {
        let mut values = BTreeMap::new();
        for field in kind.fields() {
            let value = match inner.take(field.code()) {
                None => field.check(None),
                Some(value) => detail(*field, &value).and_then(|value| field.check(Some(value))),
            };
            match value {
                Ok(value) => drop(values.insert(*field, value)),
                Err(refusal) => inner.wrong(field.code(), refusal.into()),
            }
        }
        fields.join(inner);
        Details::read(kind, |field| Ok(values.remove(&field).flatten())).ok()
    });
    let read = match (kind, name, details) {
        (Some(kind), Some(name), Some(details)) => Some(New {
            kind,
            name,
            state,
            details,
        }),
        _ => None,
    };
    (kind, fields.done(read))
}

/// What JSON has for a field: a number, or a text without space around it.
fn detail(field: ResourceField, value: &Value) -> std::result::Result<FieldValue, Refusal> {
    let read = match value {
        Value::Number(_) => whole_number(value).map(FieldValue::Whole),
        Value::String(text) => match field.input() {
            FieldInput::Text { .. } => line(text).and_then(|text| FieldValue::text_from_input(text).ok()),
            FieldInput::Whole { .. } | FieldInput::Choice(_) => {
                line(text).map(|text| FieldValue::Text(text.to_owned()))
            }
        },
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    read.ok_or(Refusal::DetailInvalid(field))
}

/// One resource.
#[utoipa::path(get, path = "/v1/projects/{project}/resources/{id}", tag = "Resources", security(("key" = [])),
    params(openapi::ResourcePath),
    responses(
        (status = 200, description = "The resource.", body = ref("#/components/schemas/Resource")),
        (status = 403), (status = 404),
    ))]
async fn read_resource(
    State(rest): State<Rest>,
    Extension(actor): Extension<Principal>,
    path: std::result::Result<Path<(String, String)>, PathRejection>,
) -> Result<Json<Sent>> {
    let (project, id) = resource_path(path)?;
    let id = id.ok_or(Refusal::Hidden)?;
    let (_, found) = rest.directory.resource(&actor, &project, id).await?;
    Ok(Json(found.into()))
}

/// Changes a resource: what is sent is changed, what is left out stays, and `null` empties a field that may be empty
/// (JSON Merge Patch, RFC 7396). Its kind stays what it is.
#[utoipa::path(patch, path = "/v1/projects/{project}/resources/{id}", tag = "Resources", security(("key" = [])),
    params(openapi::ResourcePath), request_body(content = ref("#/components/schemas/ResourceChange")),
    responses(
        (status = 200, description = "What it is now.", body = ref("#/components/schemas/Resource")),
        (status = 403), (status = 404), (status = 409),
    ))]
async fn change_resource(
    State(rest): State<Rest>,
    Extension(actor): Extension<Principal>,
    path: std::result::Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Sent>> {
    let (project, id) = resource_path(path)?;
    let id = id.ok_or(Refusal::Hidden)?;
    let wanted = object(&headers, body).await.and_then(read_change);
    let may = async {
        let (_, found) = rest.directory.resource(&actor, &project, id).await?;
        permitted(&rest, &actor, &project, found.kind, ResourceAction::Change).await
    };
    let wanted = permission_first(wanted, may).await?;
    let changed = rest.directory.update_resource(&actor, &project, id, &wanted).await?;
    Ok(Json(changed.into()))
}

fn read_change(mut fields: Fields) -> Result<ResourceChange> {
    let mut change = ResourceChange {
        name: fields.given("name", name),
        state: fields.given("state", code::<ResourceState>),
        details: BTreeMap::new(),
    };
    if let Some(mut inner) = fields.object("details") {
        for field in ResourceField::ALL {
            let Some(value) = inner.take(field.code()) else {
                continue;
            };
            let read = match value {
                Value::Null => Ok(None),
                Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                    detail(*field, &value).map(Some)
                }
            };
            match read.and_then(|value| field.check(value)) {
                Ok(value) => drop(change.details.insert(*field, value)),
                Err(refusal) => inner.wrong(field.code(), refusal.into()),
            }
        }
        fields.join(inner);
    }
    fields.done(Some(change))
}

/// Takes a resource out of the register.
#[utoipa::path(delete, path = "/v1/projects/{project}/resources/{id}", tag = "Resources", security(("key" = [])),
    params(openapi::ResourcePath),
    responses((status = 204, description = "It is gone."), (status = 403), (status = 404)))]
async fn delete_resource(
    State(rest): State<Rest>,
    Extension(actor): Extension<Principal>,
    path: std::result::Result<Path<(String, String)>, PathRejection>,
) -> Result<StatusCode> {
    let (project, id) = resource_path(path)?;
    let id = id.ok_or(Refusal::Hidden)?;
    rest.directory.delete_resource(&actor, &project, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Goes on if the project is the key's, for what is said of no kind in particular: by the least there is to do with
/// any.
pub(crate) async fn visible(rest: &Rest, actor: &Principal, project: &ProjectRef) -> Result<()> {
    permitted(rest, actor, project, ResourceKind::File, ResourceAction::View).await
}

/// Goes on if the key may do this. A refusal is audited (A1).
async fn permitted(
    rest: &Rest,
    actor: &Principal,
    project: &ProjectRef,
    kind: ResourceKind,
    action: ResourceAction,
) -> Result<()> {
    let permission = kind.permission(action);
    Ok(rest
        .directory
        .authorize(actor, permission, Target::Project(project))
        .await?)
}
