//! The demo organization: whole, with people of every kind, into an empty database only.

use policy::{Because, OrganizationStanding, ProjectRole, UsageRange};
use sqlx::PgPool;

use super::fixture::{actor, anonymous, directory, slug};
use crate::{CollaboratorQuery, DEMO_PASSWORD, DemoError, Directory, Principal};

/// Loads the demo, and signs its Owner in.
async fn olivia_of_the_demo(d: &Directory) -> Principal {
    d.load_demo(&Principal::operator()).await.unwrap();
    let session = d
        .sign_in(&anonymous(), "olivia@acme.test", DEMO_PASSWORD)
        .await
        .unwrap();
    actor(d, &session.token).await
}

#[sqlx::test]
async fn the_demo_has_people_of_every_kind(pool: PgPool) {
    let d = directory(&pool);
    let olivia = &olivia_of_the_demo(&d).await;
    let query = CollaboratorQuery {
        limit: 50,
        ..CollaboratorQuery::default()
    };
    let list = d.collaborators(olivia, &slug("ml-research"), &query).await.unwrap();
    assert_eq!(list.project.standing.organization, Some(OrganizationStanding::Owner));
    let rows: Vec<_> = list
        .rows
        .iter()
        .map(|row| (row.name.as_str(), row.standing.project.unwrap()))
        .collect();
    let seen: Vec<_> = rows
        .iter()
        .map(|(name, place)| (*name, place.role, place.because))
        .collect();
    assert_eq!(
        seen,
        [
            ("Adam Admin", ProjectRole::Admin, Because::OrganizationAdmin),
            ("Eve External", ProjectRole::Member, Because::External),
            ("Maya Member", ProjectRole::Admin, Because::Added),
            ("Mia Muster", ProjectRole::Member, Because::Added),
            ("Olivia Owner", ProjectRole::Admin, Because::OrganizationAdmin),
        ]
    );
    let list = d.collaborators(olivia, &slug("acme-default"), &query).await.unwrap();
    assert_eq!(list.rows.len(), 5);
}

/// INTERFACES: each project has a few resources of several kinds, and something was used in it.
#[sqlx::test]
async fn the_demo_has_resources_and_usage_in_each_project(pool: PgPool) {
    let d = directory(&pool);
    let olivia = &olivia_of_the_demo(&d).await;
    for project in ["acme-default", "ml-research", "production"] {
        let seen = d.resource_overview(olivia, &slug(project)).await.unwrap();
        assert!(seen.kinds.iter().filter(|kind| kind.count > 0).count() >= 4, "{seen:?}");
        let report = d.usage(olivia, &slug(project), UsageRange::Quarter).await.unwrap();
        let days: std::collections::BTreeSet<_> = report.sums.iter().map(|sum| sum.day).collect();
        assert_eq!(days.len(), 60);
        assert_eq!(days.last(), Some(&report.last));
        assert!(report.sums.iter().all(|sum| sum.cost_micros > 0 && sum.quantity > 0));
    }
}

#[sqlx::test]
async fn the_demo_goes_into_an_empty_database_only(pool: PgPool) {
    let d = directory(&pool);
    d.load_demo(&Principal::operator()).await.unwrap();
    assert!(matches!(
        d.load_demo(&Principal::operator()).await,
        Err(DemoError::NotEmpty)
    ));
}
