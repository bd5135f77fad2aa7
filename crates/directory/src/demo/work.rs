//! The work of the demo's people: resources of every kind in each project, and two months of usage. The data is always
//! the same, counted back from the day it is loaded.
//!
//! Owns inserting it; the data is in `data`. It must not know the people beyond their ids.

use std::collections::BTreeMap;

use policy::{
    Details, FieldValue, OrganizationId, ProjectId, ResourceField, ResourceId, ResourceKind, UsageKind, UsageRecordId,
    UserId,
};
use time::{Duration, OffsetDateTime, Weekday};
use uuid::Uuid;

use super::{
    data::{By, In, RESOURCES, USED_DAILY},
    parse,
};
use crate::{
    Result, UsageRecord,
    authorization::writer::Writer,
    resources::{self, NewResource},
    usage::{self, Books},
};

/// The number of days with usage.
const DAYS: u32 = 60;

/// The projects and people of the demo.
pub(super) struct Scene {
    pub(super) organization: OrganizationId,
    pub(super) default: ProjectId,
    pub(super) research: ProjectId,
    pub(super) production: ProjectId,
    pub(super) adam: UserId,
    pub(super) maya: UserId,
    pub(super) noah: UserId,
    pub(super) mia: UserId,
}

impl Scene {
    const fn project(&self, project: In) -> ProjectId {
        match project {
            In::Default => self.default,
            In::Research => self.research,
            In::Production => self.production,
        }
    }

    const fn person(&self, by: By) -> UserId {
        match by {
            By::Adam => self.adam,
            By::Maya => self.maya,
            By::Noah => self.noah,
            By::Mia => self.mia,
        }
    }
}

/// Inserts the resources and the usage, up to `now`.
pub(super) async fn fill(db: &mut Writer, scene: &Scene, now: OffsetDateTime) -> Result<()> {
    for made in RESOURCES {
        let resource = NewResource {
            id: ResourceId(db.new_id()),
            kind: made.kind,
            name: &parse(made.name)?,
            state: made.state,
            details: &details(made.kind, made.fields)?,
        };
        let scope = (scene.organization, scene.project(made.project));
        let at = now - Duration::days(made.days_ago);
        resources::insert(db, scope, &resource, (Some(scene.person(made.by)), None), at).await?;
    }
    let mut records = Vec::new();
    for day in (0..DAYS).rev() {
        let at = now - Duration::days(i64::from(day));
        for (nth, (project, kind, unit, dollars, per_dollar)) in USED_DAILY.into_iter().enumerate() {
            let cost_micros = dollars * 10_000 * share(kind, at, day, nth);
            let record = UsageRecord {
                id: UsageRecordId(db.new_id()),
                at,
                kind,
                resource: None,
                quantity: cost_micros * per_dollar / 1_000_000,
                unit,
                cost_micros,
                corrects: None,
            };
            records.push((scene.project(project), record));
        }
    }
    let records: Vec<_> = records.iter().map(|(project, record)| (*project, record)).collect();
    let books = Books {
        organization: scene.organization,
        project: ProjectId(Uuid::nil()),
        reporter: None,
        key: None,
        meter: None,
        corrects_others: false,
    };
    usage::insert(db, &books, &records, now).await?;
    Ok(())
}

/// Returns a day's usage in hundredths of a full day's: less on weekends, more from week to week, and with small
/// variations.
fn share(kind: UsageKind, at: OffsetDateTime, days_ago: u32, nth: usize) -> u64 {
    // Stored data is stored on Sundays too.
    if kind == UsageKind::Volume {
        return 100;
    }
    let week = match at.weekday() {
        Weekday::Saturday => 58,
        Weekday::Sunday => 51,
        Weekday::Monday | Weekday::Tuesday | Weekday::Wednesday | Weekday::Thursday | Weekday::Friday => 88,
    };
    let growth = u64::from(DAYS - days_ago) / 3;
    let chance = (u64::from(days_ago) * 37 + nth as u64 * 11) % 23;
    week + growth + chance
}

/// Returns the fields of a resource, in the order of its kind; an empty text leaves a field empty.
fn details(kind: ResourceKind, values: &[&str]) -> Result<Details> {
    let by_field: BTreeMap<ResourceField, Option<FieldValue>> = kind
        .fields()
        .iter()
        .zip(values)
        .map(|(field, value)| Ok((*field, field.read(value)?)))
        .collect::<Result<_>>()?;
    Ok(Details::read(kind, |field| {
        Ok(by_field.get(&field).cloned().flatten())
    })?)
}
