//! What was used, as gateways and schedulers report it: record by record, and added up by day (UTC) in the transaction that
//! writes the records. Each record says itself which key reported it and when, so there is no audit row for it; a refused report
//! has one. Nobody is told of it either: a page of usage is read when it is asked for.

use policy::{
    Booking, OrganizationId, Permission, ProjectId, Refusal, ResourceId, Slug, UsageKind, UsageRange, UsageRecordId,
    UsageUnit, UserId, book,
};
use sqlx::PgConnection;
use time::{Date, Duration, OffsetDateTime};

use crate::{
    Agent, Directory, Error, KeyActor, ProjectRef, ProjectView, Result, access::find_project, change::By,
    error::inconsistent, quotas, workplace::find_of_key,
};

/// As many records are taken at once.
const MOST_RECORDS: usize = 1000;
/// As large as a number can be that JavaScript reads right.
const MOST: u64 = (1 << 53) - 1;
/// The clock of whoever reports may go ahead of ours by so much.
const AHEAD: Duration = Duration::minutes(5);
/// Whoever reports an earlier time means another.
const EARLIEST_YEAR: i32 = 2000;

/// Something that was used.
#[derive(Clone, Debug)]
pub struct UsageRecord {
    /// Its id, from whoever reports it: a record that comes again counts once.
    pub id: UsageRecordId,
    /// When it was used.
    pub at: OffsetDateTime,
    /// What it was.
    pub kind: UsageKind,
    /// The resource, if it was one.
    pub resource: Option<ResourceId>,
    /// How much of it.
    pub quantity: u64,
    /// In what the quantity is counted.
    pub unit: UsageUnit,
    /// What it cost, in millionths of a US dollar.
    pub cost_micros: u64,
}

impl UsageRecord {
    fn is_possible(&self, now: OffsetDateTime) -> bool {
        self.at.year() >= EARLIEST_YEAR && self.at <= now + AHEAD && self.quantity <= MOST && self.cost_micros <= MOST
    }
}

/// What was used of one kind on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageSum {
    /// The day (UTC).
    pub day: Date,
    /// What was used.
    pub kind: UsageKind,
    /// In what the quantity is counted.
    pub unit: UsageUnit,
    /// How much.
    pub quantity: u64,
    /// What it cost, in millionths of a US dollar.
    pub cost_micros: u64,
}

/// What was used in a project.
#[derive(Clone, Debug)]
pub struct UsageReport {
    /// The project, as the one who asks sees it.
    pub project: ProjectView,
    /// The first day of the report.
    pub first: Date,
    /// The last: today.
    pub last: Date,
    /// The sums, by day, kind and unit; what there was none of is left out.
    pub sums: Vec<UsageSum>,
}

impl Directory {
    /// Takes a report of usage from a program. What belongs on the Default Project's books goes there (D5), whatever project it
    /// was reported for: none, too. All of it is taken, or none. Answers how many records were new: those that came before
    /// count once, with what they said first.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] for another project than the key's (K1); [`Refusal::KeyRevoked`], [`Refusal::KeyExpired`],
    /// [`Refusal::KeyInvalid`]; [`Refusal::TooManyRecords`] for more than 1,000, [`Refusal::UsageInvalid`] for the first with a
    /// time or an amount that cannot be.
    pub async fn record_usage(
        &self,
        key: &KeyActor,
        project: Option<&ProjectRef>,
        records: &[UsageRecord],
    ) -> Result<u64> {
        let mut tx = self.pool.begin().await?;
        let now = self.now();
        let outcome = async {
            // One at a time with whatever else happens in the project: reports that shared the row would keep a change that ends
            // access waiting for as long as more of them come (E5).
            let row = sqlx::query!(
                "SELECT p.created_at, o.default_project_id FROM projects p JOIN organizations o ON o.id = p.organization_id
                 WHERE p.organization_id = $1 AND p.id = $2 FOR NO KEY UPDATE OF p",
                key.organization.0,
                key.project.0,
            )
            .fetch_optional(&mut *tx)
            .await?
            .ok_or(Refusal::KeyInvalid)?;
            let own = ProjectRef::Id(key.project);
            find_of_key(&mut tx, key, project.unwrap_or(&own)).await?;
            if records.len() > MOST_RECORDS {
                return Err(Refusal::TooManyRecords.into());
            }
            if let Some(bad) = records.iter().position(|record| !record.is_possible(now)) {
                let record = u16::try_from(bad).unwrap_or(u16::MAX);
                return Err(Refusal::UsageInvalid { record }.into());
            }
            quotas::count_usage(&mut tx, &self.settings.quotas, key.project, records.len(), now).await?;
            let booked: Vec<_> = records
                .iter()
                .map(|record| match book(record.kind, project.is_some(), record.at < row.created_at) {
                    Booking::Project => (key.project, record),
                    Booking::DefaultProject => (ProjectId(row.default_project_id), record),
                })
                .collect();
            insert(&mut tx, key.organization, &booked, Some(key), now).await
        }
        .await;
        match outcome {
            Ok(new) => {
                tx.commit().await?;
                Ok(new)
            }
            Err(error) => {
                tx.rollback().await?;
                let Error::Refused(refusal) = error else {
                    return Err(error);
                };
                let mut change = self.change(By::from(Agent::Key(key)), "usage:report").await?;
                change.record.organization = Some(key.organization);
                change.record.project = Some(key.project);
                change.finish(Err(refusal.into())).await
            }
        }
    }

    /// What was used in a project, day by day, up to today.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] if there is no such project, or not for them (P3).
    pub async fn usage(&self, user: UserId, slug: &Slug, range: UsageRange) -> Result<UsageReport> {
        let seen = find_project(&self.pool, slug, user).await?;
        seen.standing.require(Permission::UsageRead)?;
        let last = self.now().date();
        let first = last - Duration::days(i64::from(range.days()) - 1);
        // More than the browser can count to is cut off, rather than the whole page failing.
        let rows = sqlx::query!(
            r#"SELECT day, kind, unit, least(quantity, 9223372036854775807)::bigint AS "quantity!", least(cost_micros, 9223372036854775807)::bigint AS "cost_micros!"
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
                    kind: row.kind.parse().map_err(|_| inconsistent("usage_days", "kind"))?,
                    unit: row.unit.parse().map_err(|_| inconsistent("usage_days", "unit"))?,
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

/// Writes records with the projects they are booked to, and adds those that are new to the sums of their days. In the order of
/// their ids, so that of two reports at once one waits for the other, rather than each for the other.
pub(crate) async fn insert(
    db: &mut PgConnection,
    organization: OrganizationId,
    records: &[(ProjectId, &UsageRecord)],
    key: Option<&KeyActor>,
    at: OffsetDateTime,
) -> Result<u64> {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
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
    let quantities: Vec<_> = records.iter().map(|(_, record)| number(record.quantity)).collect();
    let units: Vec<_> = records
        .iter()
        .map(|(_, record)| record.unit.code().to_owned())
        .collect();
    let costs: Vec<_> = records.iter().map(|(_, record)| number(record.cost_micros)).collect();
    let row = sqlx::query!(
        r#"WITH new AS (
               INSERT INTO usage_records (organization_id, project_id, id, at, recorded_at, kind, resource_id, quantity, unit,
                   cost_micros, recorded_by_key, reporter_id)
               SELECT $1, r.project_id, r.id, r.at, $2, r.kind, r.resource_id, r.quantity, r.unit, r.cost_micros, $3,
                   coalesce($12, r.project_id)
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
           SELECT count(*) AS "count!" FROM new"#,
        organization.0,
        at,
        key.map(|key| key.key.0),
        &projects,
        &ids,
        &ats,
        &kinds,
        &resources as &[Option<uuid::Uuid>],
        &quantities,
        &units,
        &costs,
        key.map(|key| key.project.0),
    )
    .fetch_one(db)
    .await?;
    Ok(row.count.unsigned_abs())
}

/// Puts what was used in a project that is about to go on the books of the organization's Default Project (D5): the sums, of
/// which there are a few for each day. The records, of which there may be millions, keep the project they were booked to.
pub(crate) async fn rebook(db: &mut PgConnection, organization: OrganizationId, project: ProjectId) -> Result<()> {
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

/// Forgets everything used in an organization that is about to go.
pub(crate) async fn forget(db: &mut PgConnection, organization: OrganizationId) -> Result<()> {
    sqlx::query!("DELETE FROM usage_records WHERE organization_id = $1", organization.0)
        .execute(&mut *db)
        .await?;
    sqlx::query!("DELETE FROM usage_days WHERE organization_id = $1", organization.0)
        .execute(db)
        .await?;
    Ok(())
}
