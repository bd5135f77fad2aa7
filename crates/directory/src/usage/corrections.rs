//! Corrections of usage records (E9). A wrong record stays as it was reported; a second record names it, and its
//! amounts count instead.
//!
//! Owns the check and the insertion of a correction. It must not know how a report arrives.

use policy::{Refusal, UsageRecordId};
use serde_json::json;
use uuid::Uuid;

use crate::{
    Result, UsageRecord,
    authorization::{permitted::Permitted, record::Record},
    error::{inconsistent, refuse_on},
};

use super::{Books, amount};

/// Inserts a correction (E9): a record of its own, whose amounts replace those of the record it names. Project, time,
/// kind, unit and resource of both must be equal. A reporter may correct its own records, and others' if
/// [`Books::corrects_others`]. Returns whether the correction is new.
pub(crate) async fn correct(
    change: &mut Permitted<'_, '_>,
    books: &Books,
    record: &UsageRecord,
    corrected: UsageRecordId,
    number: u16,
) -> Result<bool> {
    let found = find(change, books, record, corrected)
        .await?
        .ok_or(Refusal::UsageCorrectionInvalid { record: number })?;
    if found.is_known {
        return Ok(false);
    }
    let is_of_the_same = record.id != corrected
        && found.is_of_that_time
        && found.kind == record.kind.code()
        && found.unit == record.unit.code()
        && found.resource_id == record.resource.map(|id| id.0);
    if !is_of_the_same {
        return Err(Refusal::UsageCorrectionInvalid { record: number }.into());
    }
    let (quantity, cost_micros) = (amount(record.quantity), amount(record.cost_micros));
    insert(change, books, record, (found.reporter_id, corrected))
        .await
        .map_err(|error| {
            let refusal = Refusal::UsageCorrected { record: number };
            refuse_on(error, "usage_records_corrected_once_index", refusal)
        })?;
    let day = sqlx::query!(
        "UPDATE usage_days SET quantity = quantity + $6::bigint - $7::bigint,
             cost_micros = cost_micros + $8::bigint - $9::bigint
         WHERE organization_id = $1 AND project_id = $2 AND day = ($3::timestamptz AT TIME ZONE 'UTC')::date
             AND kind = $4 AND unit = $5",
        books.organization.0,
        books.project.0,
        record.at,
        record.kind.code(),
        record.unit.code(),
        quantity,
        found.quantity,
        cost_micros,
        found.cost_micros,
    )
    .execute(change.write())
    .await?;
    if day.rows_affected() != 1 {
        return Err(inconsistent("usage_days", "day"));
    }
    let values = |quantity, cost_micros| Some(json!({ "quantity": quantity, "cost_micros": cost_micros }));
    let noted = Record {
        organization: change.record.organization,
        project: change.record.project,
        target_id: Some(corrected.0),
        before: values(found.quantity, found.cost_micros),
        after: values(quantity, cost_micros),
        ..Record::default()
    };
    change.add_event("usage:correct", noted);
    Ok(true)
}

/// The record that a correction names.
struct Found {
    reporter_id: Uuid,
    is_of_that_time: bool,
    kind: String,
    unit: String,
    resource_id: Option<Uuid>,
    quantity: i64,
    cost_micros: i64,
    /// Whether the correction itself has been recorded before.
    is_known: bool,
}

/// Finds the record that a correction names, among those that this reporter may correct.
async fn find(
    change: &mut Permitted<'_, '_>,
    books: &Books,
    record: &UsageRecord,
    corrected: UsageRecordId,
) -> std::result::Result<Option<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"SELECT r.reporter_id, r.at = $7 AS "is_of_that_time!", r.kind, r.unit, r.resource_id, r.quantity,
                  r.cost_micros, EXISTS (
                      SELECT FROM usage_records k WHERE k.organization_id = $1 AND k.reporter_id = $3 AND k.id = $4
                  ) AS "is_known!"
           FROM usage_records r
           WHERE r.organization_id = $1 AND r.project_id = $2 AND r.id = $5
             AND (r.reporter_id = $3 OR $6 AND (
                 r.reporter_id = $1 OR r.reporter_id IN (SELECT id FROM projects WHERE organization_id = $1)
             ))
           ORDER BY r.reporter_id = $3 DESC LIMIT 1"#,
        books.organization.0,
        books.project.0,
        books.reporter,
        record.id.0,
        corrected.0,
        books.corrects_others,
        record.at,
    )
    .fetch_optional(change.write())
    .await
}

/// Inserts a correction of the record that this reporter reported under this id.
async fn insert(
    change: &mut Permitted<'_, '_>,
    books: &Books,
    record: &UsageRecord,
    (reporter, corrected): (Uuid, UsageRecordId),
) -> std::result::Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO usage_records (organization_id, project_id, id, at, recorded_at, kind, resource_id, quantity, unit,
              cost_micros, recorded_by_key, recorded_by_meter, reporter_id, corrects_reporter_id, corrects_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        books.organization.0,
        books.project.0,
        record.id.0,
        record.at,
        change.at,
        record.kind.code(),
        record.resource.map(|id| id.0),
        amount(record.quantity),
        record.unit.code(),
        amount(record.cost_micros),
        books.key.map(|id| id.0),
        books.meter.map(|id| id.0),
        books.reporter,
        reporter,
        corrected.0,
    )
    .execute(change.write())
    .await?;
    Ok(())
}
