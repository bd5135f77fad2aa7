//! What was used, as schedulers and gateways report it.

use axum::{
    Extension, Json,
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::HeaderMap,
};
use directory::{KeyActor, ProjectRef, UsageRecord};
use policy::{ResourceId, UsageKind, UsageRecordId, UsageUnit};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Rest, Result,
    body::{Fields, MOST_WHOLE, Wrong, code, id, moment, object, whole},
    openapi, resources, told_to,
};

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<Rest> {
    OpenApiRouter::default()
        .routes(routes!(record_usage))
        .routes(routes!(record_default_usage))
}

/// What became of a report.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Recorded {
    /// As many were new, and count now.
    #[schema(minimum = 0)]
    recorded: u64,
    /// As many came before, by their ids, and were left as they are.
    #[schema(minimum = 0)]
    known: u64,
}

/// Takes a report of what was used in a project. All of it is taken, or none; a record that comes again, by its id, counts once.
/// So a report that was not answered can be sent again.
#[utoipa::path(post, path = "/v1/projects/{project}/usage", tag = "Usage", security(("key" = [])),
    params(openapi::ProjectPath), request_body(content = ref("#/components/schemas/UsageReport")),
    responses((status = 200, description = "It was taken.", body = Recorded), (status = 404)))]
async fn record_usage(
    State(rest): State<Rest>,
    Extension(actor): Extension<KeyActor>,
    path: std::result::Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Recorded>> {
    let project = resources::project(path)?;
    record(&rest, &actor, Some(&project), &headers, body).await
}

/// Takes a report of what was used in no project: it goes on the books of the organization’s Default Project.
#[utoipa::path(post, path = "/v1/usage", tag = "Usage", security(("key" = [])),
    request_body(content = ref("#/components/schemas/UsageReport")),
    responses((status = 200, description = "It was taken.", body = Recorded)))]
async fn record_default_usage(
    State(rest): State<Rest>,
    Extension(actor): Extension<KeyActor>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Recorded>> {
    record(&rest, &actor, None, &headers, body).await
}

async fn record(
    rest: &Rest,
    actor: &KeyActor,
    project: Option<&ProjectRef>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Json<Recorded>> {
    let may = async {
        match project {
            Some(project) => resources::visible(rest, actor, project).await,
            None => Ok(()),
        }
    };
    let records = told_to(object(headers, body).await.and_then(read), may).await?;
    let recorded = rest.directory.record_usage(actor, project, &records).await?;
    Ok(Json(Recorded {
        recorded,
        known: (records.len() as u64).saturating_sub(recorded),
    }))
}

fn read(mut fields: Fields) -> Result<Vec<UsageRecord>> {
    let sent = fields.needed("records", |value| {
        value
            .as_array()
            .filter(|records| records.len() <= openapi::MOST_RECORDS)
            .cloned()
            .ok_or_else(|| Wrong::form(format!("Send a list of {} records at most.", openapi::MOST_RECORDS)))
    });
    let mut records = Vec::new();
    for (number, sent) in sent.into_iter().flatten().enumerate() {
        let name = format!("records.{number}");
        let Value::Object(map) = sent else {
            fields.wrong(&name, Wrong::form("Send a JSON object."));
            continue;
        };
        let mut inner = Fields::new(format!("{name}."), map);
        records.extend(read_record(&mut inner));
        fields.join(inner);
    }
    fields.done(Some(records))
}

fn read_record(fields: &mut Fields) -> Option<UsageRecord> {
    let (record, at) = (fields.needed("id", id), fields.needed("at", moment));
    let (kind, unit) = (
        fields.needed("kind", code::<UsageKind>),
        fields.needed("unit", code::<UsageUnit>),
    );
    let amount = |value: &Value| whole(value, 0..=MOST_WHOLE);
    let (quantity, cost_micros) = (fields.needed("quantity", amount), fields.needed("cost_micros", amount));
    let resource = fields.given("resource_id", id).map(ResourceId);
    Some(UsageRecord {
        id: UsageRecordId(record?),
        at: at?,
        kind: kind?,
        resource,
        quantity: quantity?,
        unit: unit?,
        cost_micros: cost_micros?,
    })
}
