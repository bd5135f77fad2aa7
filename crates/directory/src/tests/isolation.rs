//! P3: whoever has no access to a project gets the same answer for it as for one that does not exist.

use policy::{OrganizationRole, ProjectRole, Refusal, Slug, UserId};
use sqlx::PgPool;
use uuid::Uuid;

use super::fixture::{Person, Tenant, name, refusal, slug};
use crate::{CollaboratorQuery, Directory, ProjectChange};

/// What every use case about a project answers.
async fn answers(
    d: &Directory,
    who: &Person,
    project: &Slug,
    target: UserId,
    email: &str,
) -> Vec<(&'static str, Refusal)> {
    let (a, user) = (&who.actor, who.id);
    let settings = ProjectChange {
        name: name("Taken over"),
        slug: slug("taken-over"),
        allow_externals: true,
    };
    let end = Some(time::OffsetDateTime::now_utc() + time::Duration::days(1));
    let bad_query = CollaboratorQuery {
        search: "\0".to_owned(),
        ..CollaboratorQuery::default()
    };
    vec![
        ("project", refusal(d.project(user, project).await)),
        ("project_ids", refusal(d.project_ids(user, project).await)),
        ("count_externals", refusal(d.count_externals(user, project).await)),
        (
            "collaborators",
            refusal(d.collaborators(user, project, &CollaboratorQuery::default()).await),
        ),
        (
            "collaborators, malformed",
            refusal(d.collaborators(user, project, &bad_query).await),
        ),
        ("collaborator", refusal(d.collaborator(user, project, target).await)),
        ("project_audit", refusal(d.project_audit(user, project, None, 10).await)),
        ("update_project", refusal(d.update_project(a, project, &settings).await)),
        ("add_collaborator", refusal(d.add_collaborator(a, project, email).await)),
        (
            "add_collaborator, malformed",
            refusal(d.add_collaborator(a, project, "no address").await),
        ),
        (
            "change_collaborator_role",
            refusal(d.change_collaborator_role(a, project, target, ProjectRole::Admin).await),
        ),
        (
            "remove_collaborator",
            refusal(d.remove_collaborator(a, project, target).await),
        ),
        (
            "remove_collaborator, self",
            refusal(d.remove_collaborator(a, project, user).await),
        ),
        (
            "set_collaborator_end_date",
            refusal(d.set_collaborator_end_date(a, project, target, end).await),
        ),
        (
            "set_collaborator_end_date, past",
            refusal(
                d.set_collaborator_end_date(a, project, target, Some(time::OffsetDateTime::UNIX_EPOCH))
                    .await,
            ),
        ),
        ("remove_externals", refusal(d.remove_externals(a, project).await)),
    ]
}

/// P3, R2: for every use case, whoever is asked about.
#[sqlx::test]
async fn a_hidden_project_is_not_told_from_one_that_does_not_exist(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let other = Tenant::named(&pool, "other").await;
    let nowhere = slug("no-such-project");
    let before = t
        .pages(
            &t.research,
            CollaboratorQuery {
                limit: 50,
                ..CollaboratorQuery::default()
            },
        )
        .await
        .len();
    for (project, outsiders) in [
        (&t.research, vec![&t.noah, &t.stranger, &other.owner, &other.eve]),
        (&t.production, vec![&t.lead, &t.maya, &t.eve, &t.stranger]),
        (&t.default, vec![&t.eve, &t.stranger, &other.admin]),
    ] {
        for who in outsiders {
            for (target, email) in [
                (t.owner.id, t.owner.email.as_str()),
                (t.maya.id, &t.maya.email),
                (who.id, &who.email),
                (UserId(Uuid::now_v7()), "nobody@acme.test"),
            ] {
                let hidden = answers(&t.directory, who, &project.slug, target, email).await;
                let absent = answers(&t.directory, who, &nowhere, target, email).await;
                assert_eq!(hidden, absent);
                assert!(
                    hidden.iter().all(|(_, refusal)| *refusal == Refusal::Hidden),
                    "{hidden:?}"
                );
                sqlx::query("TRUNCATE attempts").execute(&pool).await.unwrap();
            }
            assert!(
                !t.directory
                    .has_access(who.id, t.organization, project.id)
                    .await
                    .unwrap()
            );
        }
    }
    let after = t
        .pages(
            &t.research,
            CollaboratorQuery {
                limit: 50,
                ..CollaboratorQuery::default()
            },
        )
        .await
        .len();
    assert_eq!(before, after);
}

/// P3: the same of organizations.
#[sqlx::test]
async fn a_foreign_organization_is_not_told_from_one_that_does_not_exist(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for who in [&t.eve, &t.stranger] {
        for organization in [&t.slug, &slug("no-such-organization")] {
            for target in [t.owner.id, t.maya.id, who.id, UserId(Uuid::now_v7())] {
                let role = t
                    .directory
                    .change_member_role(&who.actor, organization, target, OrganizationRole::Admin)
                    .await;
                assert_eq!(refusal(role), Refusal::Hidden);
                assert_eq!(
                    refusal(t.directory.remove_member(&who.actor, organization, target).await),
                    Refusal::Hidden
                );
            }
        }
    }
}

/// P3, R2: an id is looked up with its parent's: ids of one tenant open nothing in another.
#[sqlx::test]
async fn ids_of_two_tenants_do_not_mix(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let other = Tenant::named(&pool, "other").await;
    assert!(
        t.directory
            .has_access(t.owner.id, t.organization, t.research.id)
            .await
            .unwrap()
    );
    assert!(
        !t.directory
            .has_access(t.owner.id, other.organization, t.research.id)
            .await
            .unwrap()
    );
    assert!(
        !t.directory
            .has_access(t.owner.id, t.organization, other.research.id)
            .await
            .unwrap()
    );
    let outcome = t
        .directory
        .collaborator(t.owner.id, &t.research.slug, other.maya.id)
        .await;
    assert_eq!(refusal(outcome), Refusal::NotACollaborator);
    let outcome = t
        .directory
        .remove_collaborator(&t.owner.actor, &t.research.slug, other.maya.id)
        .await;
    assert_eq!(refusal(outcome), Refusal::NotACollaborator);
    assert!(other.sees(&other.research, &other.maya).await);
}
