//! What is done at the same instant: some order explains it, and no check is older than the change it allows.

use policy::{OrganizationRole, ProjectRole, Refusal};
use sqlx::PgPool;

use super::fixture::{Tenant, refusal};
use crate::Error;

const ROUNDS: usize = 15;

/// C3: one person is there once, and whoever came second is told.
#[sqlx::test]
async fn of_two_who_add_the_same_person_at_once_one_is_told_they_are_there(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug) = (&t.directory, &t.research.slug);
    for _ in 0..ROUNDS {
        for person in [&t.noah, &t.stranger] {
            let (a, b, c) = tokio::join!(
                d.add_collaborator(&t.owner.actor, slug, &person.email),
                d.add_collaborator(&t.lead.actor, slug, &person.email),
                d.add_collaborator(&t.admin.actor, slug, &person.email),
            );
            let (done, refused): (Vec<_>, Vec<_>) = [a, b, c].into_iter().partition(Result::is_ok);
            assert_eq!((done.len(), refused.len()), (1, 2));
            for outcome in refused {
                assert_eq!(refusal(outcome), Refusal::AlreadyCollaborator);
            }
            d.remove_collaborator(&t.owner.actor, slug, person.id).await.unwrap();
        }
    }
}

/// C5, C6: a removal and a promotion at once leave the person removed, whichever came first.
#[sqlx::test]
async fn a_promotion_does_not_undo_a_removal(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug) = (&t.directory, &t.research.slug);
    for _ in 0..ROUNDS {
        let (removed, promoted) = tokio::join!(
            d.remove_collaborator(&t.owner.actor, slug, t.maya.id),
            d.change_collaborator_role(&t.lead.actor, slug, t.maya.id, ProjectRole::Admin),
        );
        removed.unwrap();
        if let Err(error) = promoted {
            assert!(matches!(error, Error::Refused(Refusal::NotACollaborator)), "{error}");
        }
        assert!(!t.sees(&t.research, &t.maya).await);
        t.put(&t.research, &t.maya, ProjectRole::Member).await;
    }
}

/// R2: somebody demoted while they add somebody did so before, or not at all. The audit tells the same order.
#[sqlx::test]
async fn nobody_adds_with_a_role_they_have_lost(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug) = (&t.directory, &t.research.slug);
    for round in 0..ROUNDS {
        let add = d.add_collaborator(&t.lead.actor, slug, &t.noah.email);
        let demote = d.change_collaborator_role(&t.owner.actor, slug, t.lead.id, ProjectRole::Member);
        let ((added, demoted), events) = t
            .audited(async {
                if round % 2 == 0 {
                    tokio::join!(add, demote)
                } else {
                    let (demoted, added) = tokio::join!(demote, add);
                    (added, demoted)
                }
            })
            .await;
        demoted.unwrap();
        let [first, second] = &events[..] else {
            panic!("{events:?}")
        };
        match added {
            Ok(_) => {
                assert_eq!(
                    (first.action.as_str(), second.action.as_str()),
                    ("collaborator:add", "collaborator:update_role")
                );
                d.remove_collaborator(&t.owner.actor, slug, t.noah.id).await.unwrap();
            }
            Err(error) => {
                assert!(matches!(error, Error::Refused(Refusal::Forbidden(_))), "{error}");
                assert!(!t.sees(&t.research, &t.noah).await);
            }
        }
        d.change_collaborator_role(&t.owner.actor, slug, t.lead.id, ProjectRole::Admin)
            .await
            .unwrap();
    }
}

/// R2: the same, made to happen: the demotion is under way and holds the lock when the add comes.
#[sqlx::test]
async fn an_add_that_waits_for_a_demotion_sees_it(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let mut tx = pool.begin().await.unwrap();
    sqlx::query("SELECT FROM projects WHERE id = $1 FOR UPDATE")
        .bind(t.research.id.0)
        .execute(&mut *tx)
        .await
        .unwrap();
    sqlx::query("UPDATE collaborators SET role = 'member' WHERE user_id = $1")
        .bind(t.lead.id.0)
        .execute(&mut *tx)
        .await
        .unwrap();
    let (added, ()) = tokio::join!(
        t.directory
            .add_collaborator(&t.lead.actor, &t.research.slug, &t.noah.email),
        async {
            super::fixture::until_one_waits(&pool).await;
            tx.commit().await.unwrap();
        }
    );
    assert_eq!(refusal(added), Refusal::Forbidden(policy::Permission::CollaboratorAdd));
}

/// P2, P3: a change that waited while the slug changed hands finds the project gone from there.
#[sqlx::test]
async fn a_change_that_waits_for_a_new_slug_does_not_find_the_project_by_the_old_one(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let mut tx = pool.begin().await.unwrap();
    sqlx::query("SELECT FROM projects WHERE id = $1 FOR UPDATE")
        .bind(t.research.id.0)
        .execute(&mut *tx)
        .await
        .unwrap();
    sqlx::query("UPDATE project_slugs SET released_at = now() WHERE slug = $1")
        .bind(t.research.slug.as_str())
        .execute(&mut *tx)
        .await
        .unwrap();
    let (added, ()) = tokio::join!(
        t.directory
            .add_collaborator(&t.lead.actor, &t.research.slug, &t.noah.email),
        async {
            super::fixture::until_one_waits(&pool).await;
            tx.commit().await.unwrap();
        }
    );
    assert_eq!(refusal(added), Refusal::Hidden);
}

/// M6, C2: a member removed while they are added to a project does not stay in it as an external.
#[sqlx::test]
async fn a_removed_member_is_in_no_project_however_late_they_were_added(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for round in 0..ROUNDS {
        let person = t.someone("Race", &format!("race{round}@acme.test")).await;
        t.join(&person, OrganizationRole::Member).await;
        // Production takes no externals: whichever comes first, nobody is left there.
        let (added, removed) = tokio::join!(
            t.directory
                .add_collaborator(&t.owner.actor, &t.production.slug, &person.email),
            t.directory.remove_member(&t.admin.actor, &t.slug, person.id),
        );
        removed.unwrap();
        if let Err(error) = added {
            assert!(matches!(error, Error::Refused(Refusal::NotInOrganization)), "{error}");
        }
        assert!(!t.sees(&t.production, &person).await);
    }
}

/// M6, W1: two Admins who remove each other at once: one of them is out, the other stays, and was told.
#[sqlx::test]
async fn of_two_admins_who_remove_each_other_one_stays(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let other = t.someone("Ada Admin", "ada@acme.test").await;
    t.join(&other, OrganizationRole::Admin).await;
    let (a, b) = tokio::join!(
        t.directory.remove_member(&t.admin.actor, &t.slug, other.id),
        t.directory.remove_member(&other.actor, &t.slug, t.admin.id),
    );
    let (winner, loser, refused) = match (a, b) {
        (Ok(()), refused) => (&t.admin, &other, refused),
        (refused, Ok(())) => (&other, &t.admin, refused),
        (Err(a), Err(b)) => panic!("{a} {b}"),
    };
    assert_eq!(refusal(refused), Refusal::Hidden);
    assert!(t.sees(&t.default, winner).await && !t.sees(&t.default, loser).await);
}
