//! P3: whoever has no access to a project gets the same answer for it as for one that does not exist.

use policy::{ApiKeyId, InvitationId, KeyScope, OrganizationRole, Permission, ProjectRole, Refusal, Slug, UserId};
use sqlx::PgPool;
use uuid::Uuid;

use super::fixture::{Person, Tenant, count, name, refusal, slug};
use crate::{
    ApiKeyQuery, CollaboratorQuery, Directory, InvitationQuery, MemberQuery, ProjectChange, ProjectQuery, Target,
};

/// What every use case about a project answers.
async fn answers(
    d: &Directory,
    who: &Person,
    project: &Slug,
    target: UserId,
    email: &str,
    key: ApiKeyId,
) -> Vec<(&'static str, Refusal)> {
    let (a, user) = (&who.actor, who.id);
    let settings = ProjectChange {
        name: name("Taken over"),
        slug: slug("taken-over"),
        allow_externals: true,
    };
    let end = Some(time::OffsetDateTime::now_utc() + time::Duration::days(1));
    let past = Some(time::OffsetDateTime::UNIX_EPOCH);
    let bad_search = ApiKeyQuery {
        search: "\0".to_owned(),
        ..ApiKeyQuery::default()
    };
    let bad_query = CollaboratorQuery {
        search: "\0".to_owned(),
        ..CollaboratorQuery::default()
    };
    vec![
        ("project", refusal(d.project(a, project).await)),
        ("project_ids", refusal(d.project_ids(a, project).await)),
        ("count_externals", refusal(d.count_externals(a, project).await)),
        ("project_contents", refusal(d.project_contents(a, project).await)),
        (
            "collaborators",
            refusal(d.collaborators(a, project, &CollaboratorQuery::default()).await),
        ),
        (
            "collaborators, malformed",
            refusal(d.collaborators(a, project, &bad_query).await),
        ),
        ("collaborator", refusal(d.collaborator(a, project, target).await)),
        ("project_audit", refusal(d.project_audit(a, project, None, 10).await)),
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
            refusal(d.remove_collaborator(a, project, target, &[]).await),
        ),
        (
            "remove_collaborator, self",
            refusal(d.remove_collaborator(a, project, user, &[]).await),
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
        ("remove_externals", refusal(d.remove_externals(a, project, &[]).await)),
        (
            "api_keys",
            refusal(d.api_keys(a, project, &ApiKeyQuery::default()).await),
        ),
        (
            "api_keys, malformed",
            refusal(d.api_keys(a, project, &bad_search).await),
        ),
        ("api_key", refusal(d.api_key(a, project, key).await)),
        ("owned_assets", refusal(d.owned_assets(a, project, target).await)),
        (
            "create_api_key",
            refusal(d.create_api_key(a, project, &name("Mine"), KeyScope::Manage, end).await),
        ),
        (
            "create_api_key, past",
            refusal(d.create_api_key(a, project, &name("Mine"), KeyScope::Use, past).await),
        ),
        (
            "set_api_key_expiration",
            refusal(d.set_api_key_expiration(a, project, key, past).await),
        ),
        (
            "rotate_api_key",
            refusal(d.rotate_api_key(a, project, key, time::Duration::DAY, past).await),
        ),
        ("revoke_api_key", refusal(d.revoke_api_key(a, project, key).await)),
        (
            "regenerate_default_key",
            refusal(d.regenerate_default_key(a, project).await),
        ),
        (
            "delete_project",
            refusal(d.delete_project(a, project, project.as_str()).await),
        ),
        (
            "delete_project, not confirmed",
            refusal(d.delete_project(a, project, "").await),
        ),
        (
            "authorize",
            refusal(
                d.authorize(a, Permission::ProjectRead, Target::Project(&project.clone().into()))
                    .await,
            ),
        ),
    ]
}

/// What every use case about an organization answers.
async fn organization_answers(
    d: &Directory,
    who: &Person,
    organization: &Slug,
    target: UserId,
    email: &str,
    invitation: InvitationId,
) -> Vec<(&'static str, Refusal)> {
    let (a, user) = (&who.actor, who.id);
    let (title, free, taken) = (name("Taken over"), slug("taken-over"), slug("acme-research"));
    let admin = OrganizationRole::Admin;
    vec![
        ("organization", refusal(d.organization(a, organization).await)),
        (
            "organization_settings",
            refusal(d.organization_settings(a, organization).await),
        ),
        (
            "members",
            refusal(d.members(a, organization, &MemberQuery::default()).await),
        ),
        ("member", refusal(d.member(a, organization, target).await)),
        (
            "removal_preview",
            refusal(d.removal_preview(a, organization, target).await),
        ),
        (
            "removal_preview, self",
            refusal(d.removal_preview(a, organization, user).await),
        ),
        (
            "change_member_role",
            refusal(d.change_member_role(a, organization, target, admin).await),
        ),
        ("remove_member", refusal(d.remove_member(a, organization, target).await)),
        (
            "remove_member, self",
            refusal(d.remove_member(a, organization, user).await),
        ),
        (
            "invitations",
            refusal(d.invitations(a, organization, &InvitationQuery::default()).await),
        ),
        ("invite_member", refusal(d.invite_member(a, organization, email).await)),
        (
            "invite_member, malformed",
            refusal(d.invite_member(a, organization, "no address").await),
        ),
        (
            "resend_invitation",
            refusal(d.resend_invitation(a, organization, invitation).await),
        ),
        (
            "revoke_invitation",
            refusal(d.revoke_invitation(a, organization, invitation).await),
        ),
        (
            "update_organization",
            refusal(d.update_organization(a, organization, &title, &free).await),
        ),
        (
            "transfer_ownership",
            refusal(d.transfer_ownership(a, organization, user, "Acme Research").await),
        ),
        (
            "delete_organization",
            refusal(d.delete_organization(a, organization, "Acme Research").await),
        ),
        (
            "projects",
            refusal(d.projects(a, organization, &ProjectQuery::default()).await),
        ),
        (
            "create_project",
            refusal(d.create_project(a, organization, &title, &free).await),
        ),
        (
            "create_project, taken",
            refusal(d.create_project(a, organization, &title, &taken).await),
        ),
        (
            "authorize, in an organization",
            refusal(
                d.authorize(a, Permission::OrganizationRead, Target::Organization(organization))
                    .await,
            ),
        ),
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
        let key = t
            .directory
            .create_api_key(&t.owner.actor, &project.slug, &name("CI"), KeyScope::Use, None)
            .await
            .unwrap()
            .id;
        for who in outsiders {
            for (target, email) in [
                (t.owner.id, t.owner.email.as_str()),
                (t.maya.id, &t.maya.email),
                (who.id, &who.email),
                (UserId(Uuid::now_v7()), "nobody@acme.test"),
            ] {
                let hidden = answers(&t.directory, who, &project.slug, target, email, key).await;
                let absent = answers(&t.directory, who, &nowhere, target, email, key).await;
                assert_eq!(hidden, absent);
                assert!(
                    hidden.iter().all(|(_, refusal)| *refusal == Refusal::Hidden),
                    "{hidden:?}"
                );
                sqlx::query("TRUNCATE attempts").execute(&pool).await.unwrap();
            }
            assert!(
                !t.directory
                    .has_access(&who.actor, t.organization, project.id)
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

/// P3, X3: the same of organizations, to externals and to whoever is an Admin somewhere else.
#[sqlx::test]
async fn a_foreign_organization_is_not_told_from_one_that_does_not_exist(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let other = Tenant::named(&pool, "other").await;
    let sent = t.invite("nina@new.test").await.id;
    let before = count(&pool, "SELECT count(*) FROM members").await;
    let nowhere = slug("no-such-organization");
    for who in [&t.eve, &t.stranger, &other.owner, &other.noah] {
        for (target, email) in [
            (t.owner.id, t.owner.email.as_str()),
            (t.maya.id, "nina@new.test"),
            (who.id, &who.email),
            (UserId(Uuid::now_v7()), "nobody@acme.test"),
        ] {
            let hidden = organization_answers(&t.directory, who, &t.slug, target, email, sent).await;
            let absent = organization_answers(&t.directory, who, &nowhere, target, email, sent).await;
            assert_eq!(hidden, absent);
            assert!(
                hidden.iter().all(|(_, refusal)| *refusal == Refusal::Hidden),
                "{hidden:?}"
            );
        }
        assert!(!t.has_member(&who.actor).await);
    }
    assert_eq!(count(&pool, "SELECT count(*) FROM members").await, before);
}

/// P3, R2: an id is looked up with its parent's: ids of one tenant open nothing in another.
#[sqlx::test]
async fn ids_of_two_tenants_do_not_mix(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let other = Tenant::named(&pool, "other").await;
    assert!(
        t.directory
            .has_access(&t.owner.actor, t.organization, t.research.id)
            .await
            .unwrap()
    );
    assert!(
        !t.directory
            .has_access(&t.owner.actor, other.organization, t.research.id)
            .await
            .unwrap()
    );
    assert!(
        !t.directory
            .has_access(&t.owner.actor, t.organization, other.research.id)
            .await
            .unwrap()
    );
    let outcome = t
        .directory
        .collaborator(&t.owner.actor, &t.research.slug, other.maya.id)
        .await;
    assert_eq!(refusal(outcome), Refusal::NotACollaborator);
    let outcome = t
        .directory
        .remove_collaborator(&t.owner.actor, &t.research.slug, other.maya.id, &[])
        .await;
    assert_eq!(refusal(outcome), Refusal::NotACollaborator);
    assert!(other.sees(&other.research, &other.maya).await);

    // Nor does an invitation's id of one tenant in another.
    let sent = t.invite("nina@new.test").await;
    let (a, slug) = (&other.owner.actor, &other.slug);
    assert_eq!(
        refusal(t.directory.resend_invitation(a, slug, sent.id).await),
        Refusal::Hidden
    );
    assert_eq!(
        refusal(t.directory.revoke_invitation(a, slug, sent.id).await),
        Refusal::Hidden
    );
    assert_eq!(
        refusal(t.directory.member(&other.owner.actor, slug, t.maya.id).await),
        Refusal::NotAMember
    );
}
