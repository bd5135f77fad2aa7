//! Usage: counted once, on the right books, and forgotten with its organization only.

use std::collections::BTreeMap;

use policy::{Reach, Refusal, UsageKind, UsageRange, UsageRecordId, UsageUnit};
use sqlx::PgPool;
use time::{Date, Duration, OffsetDateTime};
use uuid::Uuid;

use super::fixture::{Project, Tenant, count, in_days, refusal, slug, sql};
use crate::{KeyActor, ProjectRef, UsageRecord};

fn record(kind: UsageKind, at: OffsetDateTime, cost_micros: u64) -> UsageRecord {
    UsageRecord {
        id: UsageRecordId(Uuid::now_v7()),
        at,
        kind,
        resource: None,
        quantity: 60,
        unit: UsageUnit::GpuSeconds,
        cost_micros,
    }
}

fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

impl Tenant {
    async fn report(&self, key: &KeyActor, records: &[UsageRecord]) -> u64 {
        let project = ProjectRef::Id(key.project);
        self.directory.record_usage(key, Some(&project), records).await.unwrap()
    }

    /// What the Owner reads of a project: cost by kind.
    async fn costs(&self, project: &Project) -> BTreeMap<UsageKind, u64> {
        let report = self
            .directory
            .usage(self.owner.id, &project.slug, UsageRange::Quarter)
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

#[sqlx::test]
async fn d5_playground_earlier_and_unnamed_usage_is_the_default_projects(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let key = t.key(&t.research, Reach::Use).await;
    sql(&pool, "UPDATE projects SET created_at = now() - interval '10 days'").await;
    let before = now() - Duration::days(11);
    let named = [
        record(UsageKind::Cluster, now(), 1),
        record(UsageKind::Playground, now(), 10),
        record(UsageKind::Cluster, before, 100),
        record(UsageKind::Other, now(), 1000),
    ];
    assert_eq!(t.report(&key, &named).await, 4);
    let unnamed = [record(UsageKind::Cluster, now(), 10_000)];
    assert_eq!(t.directory.record_usage(&key, None, &unnamed).await.unwrap(), 1);
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

/// What comes again counts once, with what it said first, whether in one report, in the next, or in two at once.
#[sqlx::test]
async fn d5_a_record_counts_once(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.since_long().await;
    let key = t.key(&t.research, Reach::Use).await;
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
        t.key(&t.research, Reach::Use).await,
        t.key(&t.production, Reach::Use).await,
    );
    let (named, played) = (
        record(UsageKind::Model, now(), 5),
        record(UsageKind::Playground, now(), 7),
    );
    for key in [&research, &production] {
        assert_eq!(t.report(key, &[named.clone(), played.clone()]).await, 2);
        assert_eq!(t.report(key, &[played.clone(), named.clone()]).await, 0);
    }
    for project in [&t.research, &t.production] {
        assert_eq!(t.costs(project).await, BTreeMap::from([(UsageKind::Model, 5)]));
    }
    assert_eq!(t.costs(&t.default).await, BTreeMap::from([(UsageKind::Playground, 14)]));
    // With the project its records go to other books, where another's have the same ids.
    t.directory
        .delete_project(&t.owner.actor, &t.production.slug, t.production.slug.as_str())
        .await
        .unwrap();
    assert_eq!(
        t.costs(&t.default).await,
        BTreeMap::from([(UsageKind::Model, 5), (UsageKind::Playground, 14)])
    );
}

/// A report is taken whole or not at all.
#[sqlx::test]
async fn n3_a_report_with_a_record_that_cannot_be_is_refused_whole(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.since_long().await;
    let key = t.key(&t.research, Reach::Use).await;
    let project = ProjectRef::from(t.research.slug.clone());
    let good = || record(UsageKind::Model, now(), 1);
    let most = (1_u64 << 53) - 1;
    for bad in [
        record(UsageKind::Model, now() + Duration::minutes(6), 1),
        record(UsageKind::Model, OffsetDateTime::UNIX_EPOCH, 1),
        record(UsageKind::Model, now(), most + 1),
        UsageRecord {
            quantity: u64::MAX,
            ..good()
        },
    ] {
        let (outcome, rows) = t
            .audited(t.directory.record_usage(&key, Some(&project), &[good(), good(), bad]))
            .await;
        assert_eq!(refusal(outcome), Refusal::UsageInvalid { record: 2 });
        assert_eq!(rows[0].action, "usage:report");
        assert_eq!(rows[0].refusal.as_deref(), Some("usage_invalid"));
        assert_eq!(rows[0].credential, format!("api key {}", key.key));
    }
    let many: Vec<_> = (0..1001).map(|_| good()).collect();
    let outcome = t.directory.record_usage(&key, Some(&project), &many).await;
    assert_eq!(refusal(outcome), Refusal::TooManyRecords);
    assert_eq!(count(&pool, "SELECT count(*) FROM usage_records").await, 0);

    let edges = [
        record(UsageKind::Model, now() + Duration::minutes(4), most),
        record(UsageKind::Model, now(), most),
    ];
    let (new, rows) = t.audited(t.report(&key, &edges)).await;
    assert_eq!(new, 2);
    assert!(rows.is_empty(), "{rows:?}");
    assert!(t.costs(&t.research).await[&UsageKind::Model] <= 2 * most);
}

/// K1, E5: a key reports for its own project only, and not after its end; both reaches may.
#[sqlx::test]
async fn k1_a_key_reports_for_its_own_project_while_it_works(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let other = Tenant::named(&pool, "other").await;
    t.since_long().await;
    let key = t.key(&t.research, Reach::Manage).await;
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
        sql(&pool, &format!("UPDATE api_keys SET {end} WHERE id = '{}'", key.key)).await;
        let outcome = t.directory.record_usage(&key, None, &records).await;
        assert_eq!(refusal(outcome), expected);
    }
    sql(&pool, &format!("DELETE FROM api_keys WHERE id = '{}'", key.key)).await;
    let outcome = t.directory.record_usage(&key, None, &records).await;
    assert_eq!(refusal(outcome), Refusal::KeyInvalid);
}

/// R: both roles read a project's usage, and nobody without access does.
#[sqlx::test]
async fn r1_collaborators_of_either_role_read_usage_by_day(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.since_long().await;
    let key = t.key(&t.research, Reach::Use).await;
    let today = now();
    let records: Vec<_> = [0, 6, 7, 29, 30, 89, 90]
        .into_iter()
        .map(|days| record(UsageKind::Volume, today - Duration::days(days), 1))
        .collect();
    t.report(&key, &records).await;
    for (who, person) in t.people() {
        for (range, expected) in [(UsageRange::Week, 2), (UsageRange::Month, 4), (UsageRange::Quarter, 6)] {
            let outcome = t.directory.usage(person.id, &t.research.slug, range).await;
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
        .usage(t.maya.id, &t.research.slug, UsageRange::Week)
        .await
        .unwrap();
    assert_eq!(report.sums.len(), 1);
}

/// D5, P4: what was used in a project that is deleted names none any more: it goes on the Default Project's books, added to
/// what is there.
#[sqlx::test]
async fn d5_usage_of_a_deleted_project_goes_on_the_default_projects_books(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.since_long().await;
    let (production, default) = (
        t.key(&t.production, Reach::Use).await,
        t.key(&t.default, Reach::Use).await,
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
    let key = t.key(&t.research, Reach::Use).await;
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
