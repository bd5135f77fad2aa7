//! What was used, as schedulers and gateways report it.

use axum::{
    Extension, Json,
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::HeaderMap,
};
use directory::{Identity, OrganizationRef, Principal, UsageRecord, UsageTaken};
use policy::{MOST_COST_MICROS, MOST_QUANTITY, ResourceId, UsageKind, UsageRecordId, UsageUnit};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    body::{Fields, code, id, moment, object, text, whole},
    context::{Rest, Result, permission_first},
    openapi, resources,
};
use crate::http::problem::Wrong;

/// The route of this file that a key of the project opens.
pub(crate) fn routes() -> OpenApiRouter<Rest> {
    OpenApiRouter::default().routes(routes!(record_usage))
}

/// The route of this file that a meter opens, or the Organization Default Key (E9).
pub(crate) fn reporter_routes() -> OpenApiRouter<Rest> {
    OpenApiRouter::default().routes(routes!(record_default_usage))
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

impl From<UsageTaken> for Recorded {
    fn from(taken: UsageTaken) -> Self {
        Self {
            recorded: taken.recorded,
            known: taken.known,
        }
    }
}

/// Takes a report of what was used in a project. All of it is taken, or none; a record that comes again, by its id,
/// counts once. So a report that was not answered can be sent again. A record with `corrects` takes the place of the
/// one it names.
#[utoipa::path(post, path = "/v1/projects/{project}/usage", tag = "Usage", security(("key" = [])),
    params(openapi::ProjectPath), request_body(content = ref("#/components/schemas/UsageReport")),
    responses((status = 200, description = "It was taken.", body = Recorded), (status = 404), (status = 409)))]
async fn record_usage(
    State(rest): State<Rest>,
    Extension(actor): Extension<Principal>,
    path: std::result::Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Recorded>> {
    let project = resources::project(path)?;
    let may = resources::visible(&rest, &actor, &project);
    let records = permission_first(object(&headers, body).await.and_then(read), may).await?;
    let taken = rest.directory.record_usage(&actor, Some(&project), &records).await?;
    Ok(Json(taken.into()))
}

/// Takes a report of what was used in no project, from a meter, which names the organization, or with the Organization
/// Default Key: it goes on the books of the organization’s Default Project.
#[utoipa::path(post, path = "/v1/usage", tag = "Usage", security(("key" = []), ("meter" = [])),
    request_body(content = ref("#/components/schemas/OrganizationUsageReport")),
    responses((status = 200, description = "It was taken.", body = Recorded), (status = 403), (status = 404),
        (status = 409)))]
async fn record_default_usage(
    State(rest): State<Rest>,
    Extension(actor): Extension<Principal>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Recorded>> {
    let taken = match actor.identity {
        Identity::Meter(_) => {
            let (organization, records) = read_for_organization(object(&headers, body).await?)?;
            rest.directory
                .record_metered_usage(&actor, &organization, &records)
                .await?
        }
        // Others than keys are refused by the directory.
        Identity::ApiKey(_) | Identity::User { .. } | Identity::Anonymous | Identity::Operator => {
            let may = async { Ok(rest.directory.authorize_unnamed_usage(&actor).await?) };
            let records = permission_first(object(&headers, body).await.and_then(read), may).await?;
            rest.directory.record_usage(&actor, None, &records).await?
        }
    };
    Ok(Json(taken.into()))
}

/// A meter's report: the organization, by its id or its slug, and the records.
fn read_for_organization(mut fields: Fields) -> Result<(OrganizationRef, Vec<UsageRecord>)> {
    let organization = fields.needed("organization", |value| {
        let Ok(organization) = text(value)?.parse::<OrganizationRef>();
        match organization {
            OrganizationRef::Nothing => Err(Wrong::form("Send the organization’s id or its slug.".to_owned())),
            OrganizationRef::Id(_) | OrganizationRef::Slug(_) => Ok(organization),
        }
    });
    let records = read_records(&mut fields);
    fields.done(organization.zip(Some(records)))
}

fn read(mut fields: Fields) -> Result<Vec<UsageRecord>> {
    let records = read_records(&mut fields);
    fields.done(Some(records))
}

fn read_records(fields: &mut Fields) -> Vec<UsageRecord> {
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
    records
}

fn read_record(fields: &mut Fields) -> Option<UsageRecord> {
    let (record, at) = (fields.needed("id", id), fields.needed("at", moment));
    let (kind, unit) = (
        fields.needed("kind", code::<UsageKind>),
        fields.needed("unit", code::<UsageUnit>),
    );
    // What is too much of the unit is for the directory to say.
    let quantity = fields.needed("quantity", |value: &Value| whole(value, 0..=MOST_QUANTITY));
    let cost_micros = fields.needed("cost_micros", |value: &Value| whole(value, 0..=MOST_COST_MICROS));
    let resource = fields.given("resource_id", id).map(ResourceId);
    let corrects = fields.given("corrects", id).map(UsageRecordId);
    Some(UsageRecord {
        id: UsageRecordId(record?),
        at: at?,
        kind: kind?,
        resource,
        quantity: quantity?,
        unit: unit?,
        cost_micros: cost_micros?,
        corrects,
    })
}
