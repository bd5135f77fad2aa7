//! C8: access may have an end, and the end is looked at when the access is used.

use policy::{OrganizationRole, ProjectRole, Refusal};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};

use super::fixture::{Tenant, refusal, until_one_waits};
use crate::CollaboratorQuery;

/// C8: past its end, there is no access, whoever reads; the row is still there.
#[sqlx::test]
async fn access_past_its_end_is_none_for_every_reader(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug) = (&t.directory, &t.research.slug);
    for person in [&t.maya, &t.eve, &t.lead] {
        t.let_end(&t.research, person, 3600).await;
        assert!(t.sees(&t.research, person).await, "not yet");
        t.let_end(&t.research, person, -1).await;

        assert!(!t.sees(&t.research, person).await);
        assert_eq!(t.standing(&t.research, person).await.project, None);
        assert_eq!(refusal(d.project_ids(&person.actor, slug).await), Refusal::Hidden);
        assert_eq!(refusal(d.count_externals(&person.actor, slug).await), Refusal::Hidden);
        assert_eq!(
            refusal(
                d.collaborators(&person.actor, slug, &CollaboratorQuery::default())
                    .await
            ),
            Refusal::Hidden
        );
        assert_eq!(
            refusal(d.collaborator(&person.actor, slug, t.owner.id).await),
            Refusal::Hidden
        );
        assert_eq!(
            refusal(d.project_audit(&person.actor, slug, None, 10).await),
            Refusal::Hidden
        );
        assert_eq!(
            refusal(d.add_collaborator(&person.actor, slug, &t.noah.email).await),
            Refusal::Hidden
        );
        assert_eq!(
            refusal(d.remove_collaborator(&person.actor, slug, person.id, &[]).await),
            Refusal::Hidden
        );
        assert!(
            !d.has_access(&person.actor, t.organization, t.research.id)
                .await
                .unwrap()
        );
        assert!(
            d.find_projects(&person.actor, None, "", 10)
                .await
                .unwrap()
                .iter()
                .all(|project| project.slug != *slug)
        );

        assert_eq!(
            refusal(d.collaborator(&t.owner.actor, slug, person.id).await),
            Refusal::NotACollaborator
        );
        let listed = t
            .pages(
                &t.research,
                CollaboratorQuery {
                    limit: 50,
                    ..CollaboratorQuery::default()
                },
            )
            .await;
        assert!(listed.iter().all(|row| row.user != person.id));
        let outcome = d
            .change_collaborator_role(&t.owner.actor, slug, person.id, ProjectRole::Admin)
            .await;
        assert_eq!(refusal(outcome), Refusal::NotACollaborator);
    }
    assert_eq!(d.count_externals(&t.owner.actor, slug).await.unwrap(), 0);
    assert!(d.organizations_of(&t.eve.actor, 10).await.unwrap().is_empty());
}

/// C8, C4: whoever is added again starts afresh, as a Member without an end.
#[sqlx::test]
async fn whoever_is_added_again_after_the_end_starts_afresh(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for person in [&t.lead, &t.eve] {
        t.let_end(&t.research, person, -1).await;
        t.directory
            .add_collaborator(&t.owner.actor, &t.research.slug, &person.email)
            .await
            .unwrap();
        let row = t.row(&t.research, person).await;
        assert_eq!(
            (row.standing.project.unwrap().role, row.expires_at),
            (ProjectRole::Member, None)
        );
    }
    // X1: an external whose access ended is as new as any, where none are taken any more.
    t.let_end(&t.research, &t.eve, -1).await;
    t.set_externals(&t.research, false).await;
    let outcome = t
        .directory
        .add_collaborator(&t.owner.actor, &t.research.slug, &t.eve.email)
        .await;
    assert_eq!(refusal(outcome), Refusal::NotInOrganization);
}

/// C8: given, moved and taken away by project Admins; shown in the list and to the person.
#[sqlx::test]
async fn a_project_admin_gives_moves_and_takes_away_an_end(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug) = (&t.directory, &t.research.slug);
    let day = |days| Some(OffsetDateTime::from_unix_timestamp(4_102_444_800).unwrap() + Duration::days(days));
    for person in [&t.maya, &t.eve] {
        for end in [day(10), day(5), day(20), None, day(1)] {
            d.set_collaborator_end_date(&t.lead.actor, slug, person.id, end)
                .await
                .unwrap();
            assert_eq!(t.row(&t.research, person).await.expires_at, end);
            assert_eq!(d.project(&person.actor, slug).await.unwrap().expires_at, end);
        }
    }
}

/// C8
#[sqlx::test]
async fn an_end_in_the_past_is_refused(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for end in [
        OffsetDateTime::now_utc(),
        OffsetDateTime::now_utc() - Duration::days(1),
        OffsetDateTime::UNIX_EPOCH,
    ] {
        let outcome = t
            .directory
            .set_collaborator_end_date(&t.lead.actor, &t.research.slug, t.maya.id, Some(end))
            .await;
        assert_eq!(refusal(outcome), Refusal::EndDateInvalid);
    }
}

/// C8: nobody extends their own; shortening it is theirs to do.
#[sqlx::test]
async fn nobody_extends_their_own_access(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let in_days = |days| Some(OffsetDateTime::now_utc() + Duration::days(days));
    let own = async |end| {
        t.directory
            .set_collaborator_end_date(&t.lead.actor, &t.research.slug, t.lead.id, end)
            .await
    };
    own(in_days(10)).await.unwrap();
    own(in_days(5)).await.unwrap();
    assert_eq!(refusal(own(in_days(6)).await), Refusal::OwnEndDate);
    assert_eq!(refusal(own(None).await), Refusal::OwnEndDate);
    // Nor by the back door: removed and added again by oneself is not possible, for who is removed is out.
    t.directory
        .set_collaborator_end_date(&t.owner.actor, &t.research.slug, t.lead.id, None)
        .await
        .unwrap();
}

/// C8, C4: who becomes an Admin of the organization has access by that, whatever end a row of theirs has; and the end
/// counts again when that is over.
#[sqlx::test]
async fn an_end_date_does_not_end_what_an_organization_admin_has(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.let_end(&t.research, &t.maya, -1).await;
    let role = async |role| {
        t.directory
            .change_member_role(&t.owner.actor, &t.slug, t.maya.id, role)
            .await
            .unwrap()
    };
    role(OrganizationRole::Admin).await;
    assert!(t.sees(&t.research, &t.maya).await);
    assert_eq!(t.row(&t.research, &t.maya).await.expires_at, None);
    role(OrganizationRole::Member).await;
    assert!(!t.sees(&t.research, &t.maya).await);
}

/// A1
#[sqlx::test]
async fn refused_end_dates_are_audited(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.let_end(&t.research, &t.lead, 3600).await;
    let change = t
        .directory
        .set_collaborator_end_date(&t.lead.actor, &t.research.slug, t.lead.id, None);
    let (done, events) = t.audited(change).await;
    assert_eq!(refusal(done), Refusal::OwnEndDate);
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (event.action.as_str(), event.refusal.as_deref()),
        ("collaborator:update_role", Some("own_end_date"))
    );
}

/// C8: the moment of use is the one when the change is made, not the one when it began to wait for its turn.
#[sqlx::test]
async fn c8_an_end_that_is_reached_while_a_change_waits_is_reached(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let held = t.hold(&t.research).await;
    t.let_end(&t.research, &t.lead, 1).await;
    let add = t
        .directory
        .add_collaborator(&t.lead.actor, &t.research.slug, &t.noah.email);
    let (outcome, ()) = tokio::join!(add, async {
        until_one_waits(&pool).await;
        while t.sees(&t.research, &t.lead).await {
            tokio::task::yield_now().await;
        }
        held.rollback().await.unwrap();
    });
    assert_eq!(refusal(outcome), Refusal::Hidden);
    assert!(!t.sees(&t.research, &t.noah).await);
}
