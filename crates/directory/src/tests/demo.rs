//! The demo organization: whole, with people of every kind, into an empty database only.

use policy::{Because, OrganizationStanding, ProjectRole};
use sqlx::PgPool;

use super::fixture::{directory, origin, slug};
use crate::{CollaboratorQuery, DEMO_PASSWORD, DemoError};

#[sqlx::test]
async fn the_demo_has_people_of_every_kind(pool: PgPool) {
    let d = directory(&pool);
    d.load_demo().await.unwrap();
    let session = d.sign_in("olivia@acme.test", DEMO_PASSWORD, &origin()).await.unwrap();
    let olivia = d.session(&session.token).await.unwrap().unwrap().user;
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

#[sqlx::test]
async fn the_demo_goes_into_an_empty_database_only(pool: PgPool) {
    let d = directory(&pool);
    d.load_demo().await.unwrap();
    assert!(matches!(d.load_demo().await, Err(DemoError::NotEmpty)));
}
