//! Usage, as gateways and schedulers report it: stored record by record, and summed by day (UTC) in the transaction
//! that inserts the records.
//!
//! Owns the records and the sums. It must not know how a report arrives. Each record names who reported it and when;
//! the audit has a row for each report, and one for each correction. No hints are sent: a page of usage is read when it
//! is opened.

mod corrections;

use policy::{
    ApiKeyId, Booking, MOST_COST_MICROS, MeterTokenId, OrganizationId, Permission, ProjectId, Refusal, ResourceId,
    Slug, UsageKind, UsageRange, UsageRecordId, UsageUnit, book, check_usage_report,
};
use serde_json::json;
use time::{Date, Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{
    Directory, OrganizationRef, Principal, ProjectRef, ProjectView, Result, authorization::lookup::find_of_key,
    authorization::lookup::find_project, authorization::permitted::Permitted, authorization::writer::Writer,
    error::decode, quotas,
};

use corrections::correct;

/// The largest number of records in a report.
const MOST_RECORDS: usize = 1000;
/// How far the clock of a reporter may be ahead of the server's.
const AHEAD: Duration = Duration::minutes(5);
/// The earliest year of usage. An earlier time must be a mistake.
const EARLIEST_YEAR: i32 = 2000;

/// A record of usage.
#[derive(Clone, Debug)]
pub struct UsageRecord {
    /// Its id, chosen by the reporter. A record that is reported again counts once.
    pub id: UsageRecordId,
    /// When it was used.
    pub at: OffsetDateTime,
    /// What was used.
    pub kind: UsageKind,
    /// The resource, if one was used.
    pub resource: Option<ResourceId>,
    /// How much was used.
    pub quantity: u64,
    /// The unit of the quantity.
    pub unit: UsageUnit,
    /// What it cost, in millionths of a US dollar.
    pub cost_micros: u64,
    /// The record whose amounts this one replaces, if it is a correction (E9).
    pub corrects: Option<UsageRecordId>,
}

/// The result of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageTaken {
    /// How many records were new, including corrections.
    pub recorded: u64,
    /// How many records were known already, by their ids, and were left unchanged.
    pub known: u64,
}

/// Who reports usage, and the project it is booked to.
pub(crate) struct Books {
    pub(crate) organization: OrganizationId,
    pub(crate) project: ProjectId,
    /// The namespace of the records' ids; `None` if it is the project each is booked to.
    pub(crate) reporter: Option<Uuid>,
    pub(crate) key: Option<ApiKeyId>,
    pub(crate) meter: Option<MeterTokenId>,
    /// Whether the reporter may correct records of other reporters in this project.
    pub(crate) corrects_others: bool,
}

impl UsageRecord {
    /// Checks that the record is valid, and that it may be booked to this project.
    fn check(&self, number: usize, now: OffsetDateTime, is_elsewhere: bool) -> Result<()> {
        let record = u16::try_from(number).unwrap_or(u16::MAX);
        if self.at.year() < EARLIEST_YEAR || self.at > now + AHEAD {
            return Err(Refusal::UsageInvalid { record }.into());
        }
        if self.quantity > self.unit.most() || self.cost_micros > MOST_COST_MICROS {
            return Err(Refusal::UsageTooLarge { record }.into());
        }
        if is_elsewhere {
            return Err(Refusal::UsageElsewhere { record }.into());
        }
        Ok(())
    }
}

/// The usage of one kind and unit on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageSum {
    /// The day (UTC).
    pub day: Date,
    /// What was used.
    pub kind: UsageKind,
    /// The unit of the quantity.
    pub unit: UsageUnit,
    /// How much was used.
    pub quantity: u64,
    /// What it cost, in millionths of a US dollar.
    pub cost_micros: u64,
}

/// The usage of a project.
#[derive(Clone, Debug)]
pub struct UsageReport {
    /// The project, as the principal sees it.
    pub project: ProjectView,
    /// The first day of the report.
    pub first: Date,
    /// The last day of the report: today.
    pub last: Date,
    /// The sums, by day, kind and unit, without those that are zero.
    pub sums: Vec<UsageSum>,
}

impl Directory {
    /// Records a report of usage by an API key: for the key's project, or for no project if the key is the Organization
    /// Default Key (E9, D5). Either all records are taken or none. Records that are known already count once, with
    /// their first values.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] for another project than the key's (K1); [`Refusal::KeyRevoked`], [`Refusal::KeyExpired`],
    /// [`Refusal::KeyInvalid`]; [`Refusal::UsageNamesNoProject`] if no project is named with another key;
    /// [`Refusal::TooManyRecords`] for more than 1,000; [`Refusal::UsageInvalid`], [`Refusal::UsageTooLarge`],
    /// [`Refusal::UsageElsewhere`], [`Refusal::UsageCorrectionInvalid`], [`Refusal::UsageCorrected`] for the first
    /// record that can't be taken.
    pub async fn record_usage(
        &self,
        principal: &Principal,
        project: Option<&ProjectRef>,
        records: &[UsageRecord],
    ) -> Result<UsageTaken> {
        let key = principal.api_key()?;
        self.change(principal, "usage:report", |change| {
            Box::pin(async move {
                change.record.organization = Some(key.organization);
                change.record.project = Some(key.project);
                // The lock excludes every other change in the project: reports that shared the row would make a change
                // that ends access wait for as long as more of them arrive (E5).
                let row = sqlx::query!(
                    r#"SELECT p.created_at, p.is_default, COALESCE(k.is_default, false) AS "is_default_key!"
                       FROM projects p
                       LEFT JOIN api_keys k
                           ON k.organization_id = p.organization_id AND k.project_id = p.id AND k.id = $3
                       WHERE p.organization_id = $1 AND p.id = $2 FOR NO KEY UPDATE OF p"#,
                    key.organization.0,
                    key.project.0,
                    key.key.0,
                )
                .fetch_optional(change.read())
                .await?
                .ok_or(Refusal::KeyInvalid)?;
                if row.is_default_key {
                    // The default key exists for the Owner only, so its reports aren't in the project's audit (K8).
                    change.record.project = None;
                }
                let own = ProjectRef::Id(key.project);
                find_of_key(change.read(), &key, project.unwrap_or(&own)).await?;
                let change = &mut change.permit(check_usage_report(project.is_some(), row.is_default_key)?);
                let at = change.at;
                quotas::count_usage(change.write(), &self.settings.quotas, key.project, records.len(), at).await?;
                let books = Books {
                    organization: key.organization,
                    project: key.project,
                    reporter: Some(key.project.0),
                    key: Some(key.key),
                    meter: None,
                    corrects_others: row.is_default_key,
                };
                let is_elsewhere = |record: &UsageRecord| {
                    let booking = book(record.kind, project.is_some(), record.at < row.created_at);
                    booking == Booking::DefaultProject && !row.is_default
                };
                take(change, &books, records, is_elsewhere).await
            })
        })
        .await
    }

    /// Checks that a key may report usage which names no project (E9), before the content of the request is parsed.
    ///
    /// # Errors
    /// [`Refusal::UsageNamesNoProject`].
    pub async fn authorize_unnamed_usage(&self, principal: &Principal) -> Result<()> {
        let key = principal.api_key()?;
        let row = sqlx::query!(
            "SELECT id FROM api_keys WHERE organization_id = $1 AND project_id = $2 AND id = $3 AND is_default",
            key.organization.0,
            key.project.0,
            key.key.0,
        )
        .fetch_optional(&self.pool)
        .await?;
        check_usage_report(false, row.is_some())?;
        Ok(())
    }

    /// Records a report of usage in no project of an organization, by a meter of the operator: it is booked to the
    /// Default Project (E9, D5).
    ///
    /// # Errors
    /// [`Refusal::MeterUnknown`] if the meter was revoked meanwhile; [`Refusal::Hidden`] if there is no such
    /// organization; those of [`Directory::record_usage`] about records.
    pub async fn record_metered_usage(
        &self,
        principal: &Principal,
        organization: &OrganizationRef,
        records: &[UsageRecord],
    ) -> Result<UsageTaken> {
        let meter = principal.meter()?;
        let (id, slug) = match organization {
            OrganizationRef::Id(id) => (Some(id.0), None),
            OrganizationRef::Slug(slug) => (None, Some(slug.as_str())),
            OrganizationRef::Nothing => (None, None),
        };
        self.change(principal, "usage:report", |change| {
            Box::pin(async move {
                let change = &mut change.permit_meter()?;
                let row = sqlx::query!(
                    r#"SELECT p.organization_id, p.id,
                              EXISTS (SELECT FROM meter_tokens m WHERE m.id = $3 AND m.revoked_at IS NULL) AS "is_good!"
                       FROM organizations o JOIN projects p ON p.organization_id = o.id AND p.id = o.default_project_id
                       WHERE o.id = $1 OR o.slug = $2 FOR NO KEY UPDATE OF p"#,
                    id,
                    slug,
                    meter.0,
                )
                .fetch_optional(change.write())
                .await?
                .ok_or(Refusal::Hidden)?;
                if !row.is_good {
                    return Err(Refusal::MeterUnknown.into());
                }
                let books = Books {
                    organization: OrganizationId(row.organization_id),
                    project: ProjectId(row.id),
                    // The same namespace for every meter, so that a replaced token knows the records of the previous
                    // one.
                    reporter: Some(row.organization_id),
                    key: None,
                    meter: Some(meter),
                    corrects_others: true,
                };
                change.record.organization = Some(books.organization);
                change.record.project = Some(books.project);
                take(change, &books, records, |_| false).await
            })
        })
        .await
    }

    /// Returns the usage of a project by day, up to today.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] if there is no such project, or if the principal has no access (P3).
    pub async fn usage(&self, principal: &Principal, slug: &Slug, range: UsageRange) -> Result<UsageReport> {
        let seen = find_project(&self.pool, slug, principal).await?;
        seen.standing.require(Permission::UsageRead)?;
        let last = self.now().date();
        let first = last - Duration::days(i64::from(range.days()) - 1);
        // Sums beyond the range of the browser's numbers are cut off, so that the page doesn't fail.
        let rows = sqlx::query!(
            r#"SELECT day, kind, unit, least(quantity, 9223372036854775807)::bigint AS "quantity!",
                      least(cost_micros, 9223372036854775807)::bigint AS "cost_micros!"
               FROM usage_days
               WHERE organization_id = $1 AND project_id = $2 AND day BETWEEN $3 AND $4"#,
            seen.organization.0,
            seen.project.0,
            first,
            last,
        )
        .fetch_all(&self.pool)
        .await?;
        let mut sums = rows
            .into_iter()
            .map(|row| {
                Ok(UsageSum {
                    day: row.day,
                    kind: decode(&row.kind, "usage_days", "kind")?,
                    unit: decode(&row.unit, "usage_days", "unit")?,
                    quantity: row.quantity.unsigned_abs(),
                    cost_micros: row.cost_micros.unsigned_abs(),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        sums.sort_unstable_by_key(|sum| (sum.day, sum.kind, sum.unit));
        Ok(UsageReport {
            project: seen.into(),
            first,
            last,
            sums,
        })
    }
}

/// Records a whole report: first the usage, then the corrections.
async fn take(
    change: &mut Permitted<'_, '_>,
    books: &Books,
    records: &[UsageRecord],
    is_elsewhere: impl Fn(&UsageRecord) -> bool,
) -> Result<UsageTaken> {
    if records.len() > MOST_RECORDS {
        return Err(Refusal::TooManyRecords.into());
    }
    for (number, record) in records.iter().enumerate() {
        record.check(number, change.at, is_elsewhere(record))?;
    }
    let plain: Vec<_> = records
        .iter()
        .filter(|record| record.corrects.is_none())
        .map(|record| (books.project, record))
        .collect();
    let at = change.at;
    let (new, cost_micros) = insert(change.write(), books, &plain, at).await?;
    let mut corrections = 0;
    for (number, record) in records.iter().enumerate() {
        if let Some(corrected) = record.corrects {
            let number = u16::try_from(number).unwrap_or(u16::MAX);
            corrections += u64::from(correct(change, books, record, corrected, number).await?);
        }
    }
    let known = records.len() as u64 - new - corrections;
    if new + corrections == 0 {
        // A report without anything new may be repeated many times, so it isn't audited.
        change.leave_no_trail();
    }
    change.values(
        None,
        Some(json!({ "records": new, "corrections": corrections, "known": known, "cost_micros": cost_micros })),
    );
    Ok(UsageTaken {
        recorded: new + corrections,
        known,
    })
}

/// Converts an amount for the database. Every amount that passes the check fits.
pub(crate) fn amount(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Inserts records with the projects they are booked to, and adds the new ones to the sums of their days. Rows are
/// inserted in the order of their ids, so that two concurrent reports don't deadlock. Returns how many were new, and
/// their cost.
pub(crate) async fn insert(
    db: &mut Writer,
    books: &Books,
    records: &[(ProjectId, &UsageRecord)],
    at: OffsetDateTime,
) -> Result<(u64, i64)> {
    let projects: Vec<_> = records.iter().map(|(project, _)| project.0).collect();
    let ids: Vec<_> = records.iter().map(|(_, record)| record.id.0).collect();
    let ats: Vec<_> = records.iter().map(|(_, record)| record.at).collect();
    let kinds: Vec<_> = records
        .iter()
        .map(|(_, record)| record.kind.code().to_owned())
        .collect();
    let resources: Vec<_> = records
        .iter()
        .map(|(_, record)| record.resource.map(|id| id.0))
        .collect();
    let quantities: Vec<_> = records.iter().map(|(_, record)| amount(record.quantity)).collect();
    let units: Vec<_> = records
        .iter()
        .map(|(_, record)| record.unit.code().to_owned())
        .collect();
    let costs: Vec<_> = records.iter().map(|(_, record)| amount(record.cost_micros)).collect();
    let row = sqlx::query!(
        r#"WITH new AS (
               INSERT INTO usage_records (organization_id, project_id, id, at, recorded_at, kind, resource_id, quantity,
                    unit, cost_micros, recorded_by_key, recorded_by_meter, reporter_id)
               SELECT $1, r.project_id, r.id, r.at, $2, r.kind, r.resource_id, r.quantity, r.unit, r.cost_micros, $3,
                      $13, coalesce($12, r.project_id)
               FROM unnest($4::uuid[], $5::uuid[], $6::timestamptz[], $7::text[], $8::uuid[], $9::bigint[], $10::text[],
                   $11::bigint[]) r(project_id, id, at, kind, resource_id, quantity, unit, cost_micros)
               ORDER BY r.id
               ON CONFLICT ON CONSTRAINT usage_records_pkey DO NOTHING
               RETURNING project_id, at, kind, unit, quantity, cost_micros
           ), days AS (
               INSERT INTO usage_days AS d (organization_id, project_id, day, kind, unit, quantity, cost_micros)
               SELECT $1, project_id, (at AT TIME ZONE 'UTC')::date AS day, kind, unit, sum(quantity), sum(cost_micros)
               FROM new GROUP BY project_id, day, kind, unit ORDER BY project_id, day, kind, unit
               ON CONFLICT ON CONSTRAINT usage_days_pkey DO UPDATE
                   SET quantity = d.quantity + EXCLUDED.quantity, cost_micros = d.cost_micros + EXCLUDED.cost_micros
           )
           SELECT count(*) AS "count!", coalesce(sum(cost_micros), 0)::bigint AS "cost_micros!" FROM new"#,
        books.organization.0,
        at,
        books.key.map(|key| key.0),
        &projects,
        &ids,
        &ats,
        &kinds,
        &resources as &[Option<Uuid>],
        &quantities,
        &units,
        &costs,
        books.reporter,
        books.meter.map(|meter| meter.0),
    )
    .fetch_one(db)
    .await?;
    Ok((row.count.unsigned_abs(), row.cost_micros))
}

/// Moves the usage of a project that is about to be deleted to the organization's Default Project (D5). Only the sums
/// are moved, of which there are a few for each day; the records, of which there may be millions, keep their project.
pub(crate) async fn rebook(db: &mut Writer, organization: OrganizationId, project: ProjectId) -> Result<()> {
    sqlx::query!(
        "INSERT INTO usage_days AS d (organization_id, project_id, day, kind, unit, quantity, cost_micros)
         SELECT u.organization_id, o.default_project_id, u.day, u.kind, u.unit, u.quantity, u.cost_micros
         FROM usage_days u JOIN organizations o ON o.id = u.organization_id
         WHERE u.organization_id = $1 AND u.project_id = $2
         ORDER BY u.day, u.kind, u.unit
         ON CONFLICT ON CONSTRAINT usage_days_pkey DO UPDATE
             SET quantity = d.quantity + EXCLUDED.quantity, cost_micros = d.cost_micros + EXCLUDED.cost_micros",
        organization.0,
        project.0,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "DELETE FROM usage_days WHERE organization_id = $1 AND project_id = $2",
        organization.0,
        project.0,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes all usage of an organization that is about to be deleted.
pub(crate) async fn forget(db: &mut Writer, organization: OrganizationId) -> Result<()> {
    sqlx::query!("DELETE FROM usage_records WHERE organization_id = $1", organization.0)
        .execute(&mut *db)
        .await?;
    sqlx::query!("DELETE FROM usage_days WHERE organization_id = $1", organization.0)
        .execute(db)
        .await?;
    Ok(())
}
