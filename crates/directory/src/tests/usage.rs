//! Usage: counted once, on the right books, and forgotten with its organization only.

use std::collections::BTreeMap;

use policy::{KeyScope, MOST_COST_MICROS, Refusal, UsageKind, UsageRange, UsageRecordId, UsageUnit};
use sqlx::PgPool;
use time::{Date, Duration, OffsetDateTime};
use uuid::Uuid;

use super::fixture::{Project, Tenant, count, in_days, name, origin, refusal, slug, sql, with_key};
use crate::{ApiKeyIdentity, OrganizationRef, Principal, ProjectRef, UsageRecord, UsageTaken};

fn record(kind: UsageKind, at: OffsetDateTime, cost_micros: u64) -> UsageRecord {
    UsageRecord {
        id: UsageRecordId(Uuid::now_v7()),
        at,
        kind,
        resource: None,
        quantity: 60,
        unit: UsageUnit::GpuSeconds,
        cost_micros,
        corrects: None,
    }
}

fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

impl Tenant {
    async fn report(&self, key: &Principal, records: &[UsageRecord]) -> u64 {
        let project = ProjectRef::Id(key.api_key().unwrap().project);
        let taken = self.directory.record_usage(key, Some(&project), records).await.unwrap();
        assert_eq!(taken.recorded + taken.known, records.len() as u64);
        taken.recorded
    }

    /// What the Owner reads of a project: cost by kind.
    async fn costs(&self, project: &Project) -> BTreeMap<UsageKind, u64> {
        let report = self
            .directory
            .usage(&self.owner.actor, &project.slug, UsageRange::Quarter)
            .await
            .unwrap();
        let mut costs = BTreeMap::new();
        for sum in report.sums {
            *costs.entry(sum.kind).or_insert(0) += sum.cost_micros;
        }
        costs
    }

    /// The projects were there long ago.
    async fn since_long(&self) {
        sql(&self.pool, "UPDATE projects SET created_at = now() - interval '1 year'").await;
    }
}

/// The Organization Default Key of the tenant.
async fn default_key(t: &Tenant) -> Principal {
    let key = t.key(&t.default, KeyScope::Use).await;
    let id: Uuid = sqlx::query_scalar("SELECT id FROM api_keys WHERE organization_id = $1 AND is_default")
        .bind(t.organization.0)
        .fetch_one(&t.pool)
        .await
        .unwrap();
    with_key(ApiKeyIdentity {
        key: policy::ApiKeyId(id),
        ..key.api_key().unwrap()
    })
}

/// A meter of the operator's.
async fn meter(t: &Tenant, called: &str) -> Principal {
    let token = t
        .directory
        .create_meter_token(&Principal::operator(), &name(called))
        .await
        .unwrap();
    t.directory.authenticate_meter(&token, origin()).await.unwrap()
}

/// D5, E9: what names no project, the playground, and what was used before there was a project: by the Default Key or a
/// meter, and on the Default Project's books.
#[sqlx::test]
async fn d5_playground_earlier_and_unnamed_usage_is_the_default_projects(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let key = t.key(&t.research, KeyScope::Use).await;
    sql(&pool, "UPDATE projects SET created_at = now() - interval '10 days'").await;
    let before = now() - Duration::days(11);
    let named = [
        record(UsageKind::Cluster, now(), 1),
        record(UsageKind::Other, now(), 1000),
    ];
    assert_eq!(t.report(&key, &named).await, 2);
    let unnamed = [
        record(UsageKind::Cluster, now(), 10_000),
        record(UsageKind::Playground, now(), 10),
        record(UsageKind::Cluster, before, 100),
    ];
    let (by_key, by_meter) = (default_key(&t).await, meter(&t, "scheduler").await);
    let taken = t.directory.record_usage(&by_key, None, &unnamed[..1]).await.unwrap();
    assert_eq!(taken, UsageTaken { recorded: 1, known: 0 });
    let acme = OrganizationRef::Slug(t.slug.clone());
    let taken = t
        .directory
        .record_metered_usage(&by_meter, &acme, &unnamed[1..])
        .await
        .unwrap();
    assert_eq!(taken, UsageTaken { recorded: 2, known: 0 });
    // Another token of the operator's knows the same records; and so it is by the organization's id.
    let other = meter(&t, "another").await;
    let taken = t
        .directory
        .record_metered_usage(&other, &OrganizationRef::Id(t.organization), &unnamed[1..])
        .await
        .unwrap();
    assert_eq!(taken, UsageTaken { recorded: 0, known: 2 });
    assert_eq!(
        t.costs(&t.research).await,
        BTreeMap::from([(UsageKind::Cluster, 1), (UsageKind::Other, 1000)])
    );
    assert_eq!(
        t.costs(&t.default).await,
        BTreeMap::from([(UsageKind::Cluster, 10_100), (UsageKind::Playground, 10)])
    );
    assert_eq!(t.costs(&t.production).await, BTreeMap::new());
}

/// E9: a project's ordinary key books nowhere else, that of the Default Project neither without naming it.
#[sqlx::test]
async fn e9_a_projects_key_books_nowhere_else(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (research, default) = (
        t.key(&t.research, KeyScope::Manage).await,
        t.key(&t.default, KeyScope::Manage).await,
    );
    sql(&pool, "UPDATE projects SET created_at = now() - interval '10 days'").await;
    let good = || record(UsageKind::Model, now(), 1);
    for key in [&research, &default] {
        let outcome = t.directory.record_usage(key, None, &[good()]).await;
        assert_eq!(refusal(outcome), Refusal::UsageNamesNoProject);
    }
    let own = ProjectRef::Id(t.research.id);
    for elsewhere in [
        record(UsageKind::Playground, now(), 1),
        record(UsageKind::Cluster, now() - Duration::days(11), 1),
    ] {
        let outcome = t
            .directory
            .record_usage(&research, Some(&own), &[good(), elsewhere])
            .await;
        assert_eq!(refusal(outcome), Refusal::UsageElsewhere { record: 1 });
    }
    assert_eq!(count(&pool, "SELECT count(*) FROM usage_records").await, 0);
    assert_eq!(t.report(&default, &[record(UsageKind::Playground, now(), 1)]).await, 1);
}

/// E9: a meter is for every organization there is, while its token is good.
#[sqlx::test]
async fn e9_a_meter_reports_for_any_organization_until_it_is_revoked(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let records = [record(UsageKind::Cluster, now(), 1)];
    let meter = meter(&t, "scheduler").await;
    for nothing in [
        OrganizationRef::Nothing,
        OrganizationRef::Slug(slug("no-such")),
        OrganizationRef::Id(policy::OrganizationId(Uuid::now_v7())),
    ] {
        let (outcome, rows) = t
            .audited(t.directory.record_metered_usage(&meter, &nothing, &records))
            .await;
        assert_eq!(refusal(outcome), Refusal::Hidden);
        assert_eq!(rows[0].actor_kind, "meter");
        assert_eq!(rows[0].credential, format!("meter token {}", meter.meter().unwrap()));
        assert_eq!((rows[0].organization_id, rows[0].project_id), (None, None));
    }
    for organization in [t.slug.clone(), slug("acme-elsewhere")] {
        let organization = OrganizationRef::Slug(organization);
        let taken = t.directory.record_metered_usage(&meter, &organization, &records).await;
        assert_eq!(taken.unwrap().recorded, 1, "ids are each organization's own");
    }
    t.directory
        .revoke_meter_token(&Principal::operator(), &name("scheduler"))
        .await
        .unwrap();
    let acme = OrganizationRef::Slug(t.slug.clone());
    let outcome = t.directory.record_metered_usage(&meter, &acme, &records).await;
    assert_eq!(refusal(outcome), Refusal::MeterUnknown);
}

/// E9: a wrong record is corrected by a second one that names it, once, on the same books; the audit has both.
#[sqlx::test]
async fn e9_a_record_is_corrected_once_by_one_that_names_it(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.since_long().await;
    let key = t.key(&t.research, KeyScope::Use).await;
    let own = ProjectRef::Id(key.api_key().unwrap().project);
    let wrong = record(UsageKind::Model, now(), 9_000_000);
    let right = UsageRecord {
        id: UsageRecordId(Uuid::now_v7()),
        cost_micros: 9,
        quantity: 6,
        corrects: Some(wrong.id),
        ..wrong.clone()
    };
    let (recorded, rows) = t.audited(t.report(&key, std::slice::from_ref(&wrong))).await;
    assert_eq!(recorded, 1);
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(
        (row.action.as_str(), row.project_id),
        ("usage:report", Some(t.research.id.0))
    );
    let after = row.after.as_ref().unwrap();
    assert_eq!(
        (&after["records"], &after["cost_micros"]),
        (&1.into(), &9_000_000.into())
    );

    let (recorded, rows) = t.audited(t.report(&key, std::slice::from_ref(&right))).await;
    assert_eq!(recorded, 1);
    let [report, correction] = &rows[..] else {
        panic!("{rows:?}")
    };
    assert_eq!(report.after.as_ref().unwrap()["corrections"], 1);
    assert_eq!(
        (correction.action.as_str(), correction.target_id),
        ("usage:correct", Some(wrong.id.0))
    );
    assert_eq!(correction.before.as_ref().unwrap()["cost_micros"], 9_000_000);
    assert_eq!(correction.after.as_ref().unwrap()["cost_micros"], 9);
    assert_eq!(t.costs(&t.research).await, BTreeMap::from([(UsageKind::Model, 9)]));
    assert_eq!(count(&pool, "SELECT quantity::bigint FROM usage_days").await, 6);

    // Once: sent again it is known, and says nothing new; another one is refused; and it can be corrected itself.
    let (recorded, rows) = t.audited(t.report(&key, &[right.clone(), wrong.clone()])).await;
    assert_eq!((recorded, rows.len()), (0, 0));
    let again = UsageRecord {
        id: UsageRecordId(Uuid::now_v7()),
        cost_micros: 1,
        ..right.clone()
    };
    let outcome = t
        .directory
        .record_usage(&key, Some(&own), std::slice::from_ref(&again))
        .await;
    assert_eq!(refusal(outcome), Refusal::UsageCorrected { record: 0 });
    let better = UsageRecord {
        corrects: Some(right.id),
        ..again
    };
    assert_eq!(t.report(&key, &[better]).await, 1);
    assert_eq!(t.costs(&t.research).await, BTreeMap::from([(UsageKind::Model, 1)]));
}

/// E9: a correction says other amounts and nothing else, of a record on the books of whoever reports it.
#[sqlx::test]
async fn e9_nobody_corrects_what_is_on_other_books(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.since_long().await;
    let (research, production) = (
        t.key(&t.research, KeyScope::Use).await,
        t.key(&t.production, KeyScope::Manage).await,
    );
    let theirs = record(UsageKind::Model, now(), 100);
    t.report(&research, std::slice::from_ref(&theirs)).await;
    let correction = |change: fn(&mut UsageRecord)| {
        let mut record = UsageRecord {
            id: UsageRecordId(Uuid::now_v7()),
            cost_micros: 0,
            corrects: Some(theirs.id),
            ..theirs.clone()
        };
        change(&mut record);
        [record]
    };
    let (in_production, in_research) = (ProjectRef::Id(t.production.id), ProjectRef::Id(t.research.id));
    let outcome = t
        .directory
        .record_usage(&production, Some(&in_production), &correction(|_| {}))
        .await;
    assert_eq!(refusal(outcome), Refusal::UsageCorrectionInvalid { record: 0 });
    for change in [
        (|record| record.kind = UsageKind::File) as fn(&mut UsageRecord),
        |record| record.unit = UsageUnit::Tokens,
        |record| record.at -= Duration::days(1),
        |record| record.resource = Some(policy::ResourceId(Uuid::nil())),
        |record| record.corrects = Some(record.id),
        |record| record.corrects = Some(UsageRecordId(Uuid::nil())),
    ] {
        let outcome = t
            .directory
            .record_usage(&research, Some(&in_research), &correction(change))
            .await;
        assert_eq!(refusal(outcome), Refusal::UsageCorrectionInvalid { record: 0 });
    }
    assert_eq!(t.costs(&t.research).await, BTreeMap::from([(UsageKind::Model, 100)]));

    // What a key of another project once put on the Default Project's books is for its Owner to mend, and for the
    // operator's meter.
    sql(
        &pool,
        &format!("UPDATE usage_records SET project_id = '{}'", t.default.id),
    )
    .await;
    sql(&pool, &format!("UPDATE usage_days SET project_id = '{}'", t.default.id)).await;
    let outcome = t
        .directory
        .record_usage(&research, Some(&in_research), &correction(|_| {}))
        .await;
    assert_eq!(refusal(outcome), Refusal::UsageCorrectionInvalid { record: 0 });
    let owners = default_key(&t).await;
    let taken = t.directory.record_usage(&owners, None, &correction(|_| {})).await;
    assert_eq!(taken.unwrap().recorded, 1);
    assert_eq!(t.costs(&t.default).await, BTreeMap::from([(UsageKind::Model, 0)]));
}

/// What comes again counts once, with what it said first, whether in one report, in the next, or in two at once.
#[sqlx::test]
async fn d5_a_record_counts_once(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.since_long().await;
    let key = t.key(&t.research, KeyScope::Use).await;
    let first = record(UsageKind::Endpoint, now(), 5);
    let again = UsageRecord {
        cost_micros: 7000,
        ..first.clone()
    };
    assert_eq!(t.report(&key, &[first.clone(), again.clone()]).await, 1);
    assert_eq!(t.report(&key, std::slice::from_ref(&again)).await, 0);
    let many: Vec<_> = (0..1000).map(|_| record(UsageKind::Endpoint, now(), 1)).collect();
    let backwards: Vec<_> = many.iter().rev().cloned().collect();
    let (a, b) = tokio::join!(t.report(&key, &many), t.report(&key, &backwards));
    assert_eq!(a + b, 1000);
    let kept = t.costs(&t.research).await[&UsageKind::Endpoint];
    assert_eq!(kept, 1005);
    assert_eq!(
        count(&pool, "SELECT sum(quantity)::bigint FROM usage_days").await,
        count(&pool, "SELECT sum(quantity)::bigint FROM usage_records").await
    );
    assert_eq!(t.report(&key, &[]).await, 0);
}

/// The id of another project's record is neither taken by one's own nor told of, whatever books they are on.
#[sqlx::test]
async fn k1_the_ids_of_a_report_are_its_projects_own(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.since_long().await;
    let (research, production) = (
        t.key(&t.research, KeyScope::Use).await,
        t.key(&t.production, KeyScope::Use).await,
    );
    let (named, played) = (record(UsageKind::Model, now(), 5), record(UsageKind::File, now(), 7));
    for key in [&research, &production] {
        assert_eq!(t.report(key, &[named.clone(), played.clone()]).await, 2);
        assert_eq!(t.report(key, &[played.clone(), named.clone()]).await, 0);
    }
    for project in [&t.research, &t.production] {
        assert_eq!(
            t.costs(project).await,
            BTreeMap::from([(UsageKind::Model, 5), (UsageKind::File, 7)])
        );
    }
    // With the project its records go to other books, where another's have the same ids.
    t.directory
        .delete_project(&t.owner.actor, &t.production.slug, t.production.slug.as_str())
        .await
        .unwrap();
    assert_eq!(
        t.costs(&t.default).await,
        BTreeMap::from([(UsageKind::Model, 5), (UsageKind::File, 7)])
    );
}

/// A report is taken whole or not at all.
#[sqlx::test]
async fn n3_a_report_with_a_record_that_cannot_be_is_refused_whole(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.since_long().await;
    let key = t.key(&t.research, KeyScope::Use).await;
    let project = ProjectRef::from(t.research.slug.clone());
    let good = || record(UsageKind::Model, now(), 1);
    let (late, most) = (
        Refusal::UsageInvalid { record: 2 },
        Refusal::UsageTooLarge { record: 2 },
    );
    for (bad, expected) in [
        (record(UsageKind::Model, now() + Duration::minutes(6), 1), late),
        (record(UsageKind::Model, OffsetDateTime::UNIX_EPOCH, 1), late),
        (record(UsageKind::Model, now(), MOST_COST_MICROS + 1), most),
        (
            UsageRecord {
                quantity: UsageUnit::GpuSeconds.most() + 1,
                ..good()
            },
            most,
        ),
        (
            UsageRecord {
                quantity: u64::MAX,
                ..good()
            },
            most,
        ),
    ] {
        let (outcome, rows) = t
            .audited(t.directory.record_usage(&key, Some(&project), &[good(), good(), bad]))
            .await;
        assert_eq!(refusal(outcome), expected);
        assert_eq!(rows[0].action, "usage:report");
        assert_eq!(rows[0].refusal.as_deref(), Some(expected.code()));
        assert_eq!(rows[0].credential, format!("api key {}", key.api_key().unwrap().key));
    }
    let many: Vec<_> = (0..1001).map(|_| good()).collect();
    let outcome = t.directory.record_usage(&key, Some(&project), &many).await;
    assert_eq!(refusal(outcome), Refusal::TooManyRecords);
    assert_eq!(count(&pool, "SELECT count(*) FROM usage_records").await, 0);

    let edges = [
        record(UsageKind::Model, now() + Duration::minutes(4), MOST_COST_MICROS),
        record(UsageKind::Model, now(), MOST_COST_MICROS),
    ];
    let (new, rows) = t.audited(t.report(&key, &edges)).await;
    assert_eq!((new, rows.len()), (2, 1));
    assert!(t.costs(&t.research).await[&UsageKind::Model] <= 2 * MOST_COST_MICROS);
}

/// K1, E5: a key reports for its own project only, and not after its end; both reaches may.
#[sqlx::test]
async fn k1_a_key_reports_for_its_own_project_while_it_works(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let other = Tenant::named(&pool, "other").await;
    t.since_long().await;
    let key = t.key(&t.research, KeyScope::Manage).await;
    let records = [record(UsageKind::File, now(), 1)];
    for project in [
        ProjectRef::from(t.production.slug.clone()),
        ProjectRef::Id(t.default.id),
        ProjectRef::Id(other.research.id),
        slug("no-such-project").into(),
        ProjectRef::Nothing,
    ] {
        let outcome = t.directory.record_usage(&key, Some(&project), &records).await;
        assert_eq!(refusal(outcome), Refusal::Hidden);
    }
    assert_eq!(t.report(&key, &records).await, 1);
    for (end, expected) in [
        ("expires_at = now()", Refusal::KeyExpired),
        ("revoked_at = now()", Refusal::KeyRevoked),
    ] {
        sql(
            &pool,
            &format!("UPDATE api_keys SET {end} WHERE id = '{}'", key.api_key().unwrap().key),
        )
        .await;
        let own = ProjectRef::Id(key.api_key().unwrap().project);
        let outcome = t.directory.record_usage(&key, Some(&own), &records).await;
        assert_eq!(refusal(outcome), expected);
    }
    sql(
        &pool,
        &format!("DELETE FROM api_keys WHERE id = '{}'", key.api_key().unwrap().key),
    )
    .await;
    let outcome = t.directory.record_usage(&key, None, &records).await;
    assert_eq!(refusal(outcome), Refusal::KeyInvalid);
}

/// R: both roles read a project's usage, and nobody without access does.
#[sqlx::test]
async fn r1_collaborators_of_either_role_read_usage_by_day(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.since_long().await;
    let key = t.key(&t.research, KeyScope::Use).await;
    let today = now();
    let records: Vec<_> = [0, 6, 7, 29, 30, 89, 90]
        .into_iter()
        .map(|days| record(UsageKind::Volume, today - Duration::days(days), 1))
        .collect();
    t.report(&key, &records).await;
    for (who, person) in t.people() {
        for (range, expected) in [(UsageRange::Week, 2), (UsageRange::Month, 4), (UsageRange::Quarter, 6)] {
            let outcome = t.directory.usage(&person.actor, &t.research.slug, range).await;
            if matches!(who, "noah" | "stranger") {
                assert_eq!(refusal(outcome), Refusal::Hidden, "{who}");
                continue;
            }
            let report = outcome.unwrap();
            assert_eq!(report.sums.len(), expected, "{who}");
            assert_eq!((report.last - report.first).whole_days() + 1, i64::from(range.days()));
            let days: Vec<Date> = report.sums.iter().map(|sum| sum.day).collect();
            assert!(days.is_sorted() && days.iter().all(|day| (report.first..=report.last).contains(day)));
            assert!(
                report
                    .sums
                    .iter()
                    .all(|sum| sum.quantity == 60 && sum.unit == UsageUnit::GpuSeconds)
            );
        }
    }
    let later = in_days::<3>(&t.directory);
    let report = later
        .usage(&t.maya.actor, &t.research.slug, UsageRange::Week)
        .await
        .unwrap();
    assert_eq!(report.sums.len(), 1);
}

/// D5, P4: what was used in a project that is deleted names none any more: it goes on the Default Project's books,
/// added to what is there.
#[sqlx::test]
async fn d5_usage_of_a_deleted_project_goes_on_the_default_projects_books(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.since_long().await;
    let (production, default) = (
        t.key(&t.production, KeyScope::Use).await,
        t.key(&t.default, KeyScope::Use).await,
    );
    let at = now() - Duration::days(1);
    t.report(&default, &[record(UsageKind::Cluster, at, 1)]).await;
    t.report(
        &production,
        &[record(UsageKind::Cluster, at, 20), record(UsageKind::Volume, at, 300)],
    )
    .await;
    let slug = &t.production.slug;
    t.directory
        .delete_project(&t.owner.actor, slug, slug.as_str())
        .await
        .unwrap();
    assert_eq!(
        t.costs(&t.default).await,
        BTreeMap::from([(UsageKind::Cluster, 21), (UsageKind::Volume, 300)])
    );
    assert_eq!(count(&pool, "SELECT count(*) FROM usage_records").await, 3);
    assert_eq!(count(&pool, "SELECT count(*) FROM usage_days").await, 2);
}

/// What was used in an organization goes with it.
#[sqlx::test]
async fn d5_usage_goes_with_its_organization(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.since_long().await;
    let key = t.key(&t.research, KeyScope::Use).await;
    t.report(&key, &[record(UsageKind::Cluster, now(), 1)]).await;
    let (organization, default): (Uuid, Uuid) =
        sqlx::query_as("SELECT id, default_project_id FROM organizations WHERE slug = 'acme-elsewhere'")
            .fetch_one(&pool)
            .await
            .unwrap();
    sql(
        &pool,
        &format!(
            "INSERT INTO usage_records (organization_id, project_id, reporter_id, id, at, recorded_at, kind, quantity, unit, cost_micros)
             VALUES ('{organization}', '{default}', '{default}', '{organization}', now(), now(), 'file', 1, 'bytes', 1);
             INSERT INTO usage_days VALUES ('{organization}', '{default}', current_date, 'file', 'bytes', 1, 1)"
        ),
    )
    .await;
    t.directory
        .delete_organization(&t.stranger.actor, &slug("acme-elsewhere"), "Elsewhere")
        .await
        .unwrap();
    assert_eq!(count(&pool, "SELECT count(*) FROM usage_records").await, 1);
    assert_eq!(count(&pool, "SELECT count(*) FROM usage_days").await, 1);
}
