//! J12: quotas. What there is stays, and nothing goes beyond: not even two at once.

use policy::{
    Details, InvitationId, KeyScope, Quota, Quotas, Refusal, ResourceKind, UsageKind, UsageRecordId, UsageUnit,
};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::fixture::{Tenant, count, in_seconds, name, refusal, slug, sql};
use crate::{Directory, ProjectRef, Result, Settings, UsageRecord};

const THREE: u32 = 3;

/// A tenant where there may be three of everything.
async fn small(pool: &PgPool) -> Tenant {
    let quotas = Quotas {
        projects: THREE,
        api_keys: THREE,
        invitations: THREE,
        resources: THREE,
        usage_records: THREE,
        ..Quotas::default()
    };
    Tenant::new(pool).await.with_settings(Settings {
        quotas,
        ..Settings::default()
    })
}

fn reached(quota: Quota) -> Refusal {
    Refusal::QuotaReached { quota, limit: THREE }
}

async fn add_project(t: &Tenant, called: &str) -> Result<()> {
    t.directory
        .create_project(&t.owner.actor, &t.slug, &name("One More"), &slug(called))
        .await
}

async fn add_file(t: &Tenant, called: &str) -> Result<()> {
    let details = Details::read(ResourceKind::File, |field| match field.code() {
        "purpose" => field.read("batch"),
        _ => field.read("1"),
    });
    let project: ProjectRef = t.research.slug.clone().into();
    let agent = &t.owner.actor;
    t.directory
        .create_resource(
            agent,
            &project,
            ResourceKind::File,
            &name(called),
            None,
            &details.unwrap(),
        )
        .await
        .map(drop)
}

/// The tenant has its Default Project and two more from the start.
#[sqlx::test]
async fn j12_projects_of_an_organization(pool: PgPool) {
    let t = small(&pool).await;
    assert_eq!(refusal(add_project(&t, "fourth").await), reached(Quota::Projects));
    // What is there beyond a quota stays, and makes no difference to anything else.
    sql(&pool, "UPDATE projects SET name = 'Renamed'").await;
    t.directory
        .delete_project(&t.owner.actor, &t.production.slug, t.production.slug.as_str())
        .await
        .unwrap();
    add_project(&t, "fourth").await.unwrap();
    // Another organization has its own.
    let other = Tenant::named(&pool, "other").await;
    assert!(
        count(&pool, "SELECT count(*) FROM projects").await > 6,
        "{:?}",
        other.slug
    );
}

/// Revoked and expired ones don't count; rotating, which ends one for the other, is always allowed.
#[sqlx::test]
async fn j12_api_keys_of_a_project(pool: PgPool) {
    let t = small(&pool).await;
    let (actor, project) = (&t.owner.actor, &t.research.slug);
    let add = async |called: &str| {
        t.directory
            .create_api_key(actor, project, &name(called), KeyScope::Use, None)
            .await
    };
    let mut last = None;
    for _ in 0..THREE {
        last = Some(add("Key").await.unwrap().id);
    }
    assert_eq!(refusal(add("Key").await), reached(Quota::ApiKeys));
    let last = last.unwrap();
    let next = t
        .directory
        .rotate_api_key(actor, project, last, Duration::ZERO, None)
        .await
        .unwrap();
    assert_eq!(refusal(add("Key").await), reached(Quota::ApiKeys));
    t.directory.revoke_api_key(actor, project, next.id).await.unwrap();
    add("Key").await.unwrap();
    assert_eq!(refusal(add("Key").await), reached(Quota::ApiKeys));
    sql(
        &pool,
        "UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE name = 'Key'",
    )
    .await;
    add("Key").await.unwrap();
}

/// M3: one that lapsed blocks no other; it counts again once it is sent again.
#[sqlx::test]
async fn j12_open_invitations_of_an_organization(pool: PgPool) {
    let t = small(&pool).await;
    let invite = async |email: &str| t.directory.invite_member(&t.owner.actor, &t.slug, email).await;
    let mut first = None;
    for email in ["a@new.test", "b@new.test", "c@new.test"] {
        first = first.or(Some(invite(email).await.unwrap().id));
    }
    let first: InvitationId = first.unwrap();
    assert_eq!(refusal(invite("d@new.test").await), reached(Quota::Invitations));
    assert_eq!(count(&pool, "SELECT count(*) FROM invitations").await, 3);
    let resend = async || t.directory.resend_invitation(&t.owner.actor, &t.slug, first).await;
    resend().await.unwrap();
    sql(
        &pool,
        "UPDATE invitations SET expires_at = now() - interval '1 second' WHERE email = 'a@new.test'",
    )
    .await;
    invite("d@new.test").await.unwrap();
    assert_eq!(refusal(resend().await), reached(Quota::Invitations));
    assert_eq!(refusal(invite("a@new.test").await), reached(Quota::Invitations));
}

#[sqlx::test]
async fn j12_resources_of_a_project(pool: PgPool) {
    let t = small(&pool).await;
    for called in ["one", "two", "three"] {
        add_file(&t, called).await.unwrap();
    }
    assert_eq!(refusal(add_file(&t, "four").await), reached(Quota::Resources));
    sql(&pool, "DELETE FROM resources WHERE name = 'one'").await;
    add_file(&t, "four").await.unwrap();
}

/// Of those that come at once, as many are taken as there is room for.
#[sqlx::test]
async fn j12_two_at_once_are_not_both_the_last(pool: PgPool) {
    let t = small(&pool).await;
    for called in ["one", "two"] {
        add_file(&t, called).await.unwrap();
    }
    let results = tokio::join!(add_file(&t, "three"), add_file(&t, "four"), add_file(&t, "five"));
    let done = [results.0, results.1, results.2];
    assert_eq!(done.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(count(&pool, "SELECT count(*) FROM resources").await, 3);
}

/// Records are counted together whichever key of the project reports them; a report that is refused doesn't count, and
/// a minute later there is room again.
#[sqlx::test]
async fn j12_records_of_usage_a_minute(pool: PgPool) {
    let t = small(&pool).await;
    let (one, other) = (
        t.key(&t.research, KeyScope::Use).await,
        t.key(&t.research, KeyScope::Use).await,
    );
    let project = ProjectRef::Id(t.research.id);
    let report = async |directory: &Directory, key, records: usize| {
        let records: Vec<_> = (0..records).map(|_| record()).collect();
        let taken = directory.record_usage(key, Some(&project), &records).await;
        taken.map(|taken| taken.recorded)
    };
    assert_eq!(report(&t.directory, &one, 2).await.unwrap(), 2);
    assert_eq!(
        refusal(report(&t.directory, &other, 2).await),
        reached(Quota::UsageRecords)
    );
    assert_eq!(report(&t.directory, &other, 1).await.unwrap(), 1);
    assert_eq!(
        refusal(report(&t.directory, &one, 1).await),
        reached(Quota::UsageRecords)
    );
    let elsewhere = t.key(&t.production, KeyScope::Use).await;
    let records = [record()];
    let production = ProjectRef::Id(t.production.id);
    t.directory
        .record_usage(&elsewhere, Some(&production), &records)
        .await
        .unwrap();
    assert_eq!(report(&in_seconds::<61>(&t.directory), &one, 3).await.unwrap(), 3);
}

fn record() -> UsageRecord {
    UsageRecord {
        id: UsageRecordId(Uuid::now_v7()),
        at: OffsetDateTime::now_utc(),
        kind: UsageKind::ALL[0],
        resource: None,
        quantity: 60,
        unit: UsageUnit::GpuSeconds,
        cost_micros: 1,
        corrects: None,
    }
}
