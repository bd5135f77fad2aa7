//! C1 to C7: adding people to a project, changing their role, removing them.

use policy::{
    Because, OrganizationRole, OrganizationStanding, Permission, ProjectRole, ProjectStanding, Refusal, UserId,
};
use serde_json::json;
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::fixture::{Tenant, name, refusal};

/// C2, C4: it acts at once, as a Member, without an acceptance step.
#[sqlx::test]
async fn whoever_is_added_is_a_member_of_the_project_at_once(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    assert!(!t.sees(&t.production, &t.noah).await);
    let added = t
        .directory
        .add_collaborator(&t.owner.actor, &t.production.slug, &t.noah.email)
        .await
        .unwrap();
    assert_eq!((added.user, added.name.as_str()), (t.noah.id, "Noah Newcomer"));
    let expected = ProjectStanding {
        role: ProjectRole::Member,
        because: Because::Added,
    };
    assert_eq!(t.standing(&t.production, &t.noah).await.project, Some(expected));
}

/// C2: project Admins only, whichever way they are Admins.
#[sqlx::test]
async fn project_admins_add_and_nobody_else_does(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for (who, person, expected) in [
        ("maya", &t.maya, Refusal::Forbidden(Permission::CollaboratorAdd)),
        ("eve", &t.eve, Refusal::Forbidden(Permission::CollaboratorAdd)),
        ("noah", &t.noah, Refusal::Hidden),
        ("stranger", &t.stranger, Refusal::Hidden),
    ] {
        let outcome = t
            .directory
            .add_collaborator(&person.actor, &t.research.slug, &t.noah.email)
            .await;
        assert_eq!(refusal(outcome), expected, "{who}");
    }
    for person in [&t.owner, &t.admin, &t.lead] {
        t.directory
            .add_collaborator(&person.actor, &t.research.slug, &t.noah.email)
            .await
            .unwrap();
        t.directory
            .remove_collaborator(&person.actor, &t.research.slug, t.noah.id, &[])
            .await
            .unwrap();
    }
}

/// C3: each error has its own code; what was there stays as it was.
#[sqlx::test]
async fn each_reason_not_to_add_somebody_has_its_own_code(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for (typed, expected) in [
        ("", Refusal::EmailInvalid),
        ("noah", Refusal::EmailInvalid),
        ("noah@acme.test\0", Refusal::EmailInvalid),
        ("nobody@acme.test", Refusal::UserNotFound),
        (&t.stranger.email, Refusal::NotInOrganization),
        (&t.eve.email, Refusal::NotInOrganization),
        (&t.owner.email, Refusal::AlreadyCollaborator),
        (&t.admin.email, Refusal::AlreadyCollaborator),
    ] {
        let outcome = t
            .directory
            .add_collaborator(&t.owner.actor, &t.production.slug, typed)
            .await;
        assert_eq!(refusal(outcome), expected, "{typed:?}");
    }
    for person in [&t.lead, &t.maya, &t.eve] {
        let before = t.standing(&t.research, person).await;
        let outcome = t
            .directory
            .add_collaborator(&t.owner.actor, &t.research.slug, &person.email)
            .await;
        assert_eq!(refusal(outcome), Refusal::AlreadyCollaborator);
        assert_eq!(t.standing(&t.research, person).await, before);
    }
}

/// C3
#[sqlx::test]
async fn an_address_is_trimmed_and_compared_without_case(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for typed in ["  noah@acme.test\n", "NOAH@ACME.TEST", "\tNoah@Acme.Test\u{A0}"] {
        let added = t
            .directory
            .add_collaborator(&t.owner.actor, &t.production.slug, typed)
            .await
            .unwrap();
        assert_eq!(added.user, t.noah.id);
        t.directory
            .remove_collaborator(&t.owner.actor, &t.production.slug, t.noah.id, &[])
            .await
            .unwrap();
    }
}

/// C1: why each has access, given by whom and when.
#[sqlx::test]
async fn a_row_says_why_somebody_has_access_and_who_gave_it(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let before = OffsetDateTime::now_utc() - Duration::milliseconds(1);
    t.directory
        .add_collaborator(&t.lead.actor, &t.research.slug, &t.noah.email)
        .await
        .unwrap();
    let row = t.row(&t.research, &t.noah).await;
    assert_eq!(
        (row.name.as_str(), row.email.as_str()),
        ("Noah Newcomer", "noah@acme.test")
    );
    assert_eq!(row.added_by, Some(name("Lea Lead")));
    assert!((before..OffsetDateTime::now_utc()).contains(&row.added_at));
    assert_eq!(row.expires_at, None);

    let member = Some(OrganizationStanding::Member(OrganizationRole::Member));
    let admin = Some(OrganizationStanding::Member(OrganizationRole::Admin));
    for (who, person, organization, role, because) in [
        (
            "owner",
            &t.owner,
            Some(OrganizationStanding::Owner),
            ProjectRole::Admin,
            Because::OrganizationAdmin,
        ),
        ("admin", &t.admin, admin, ProjectRole::Admin, Because::OrganizationAdmin),
        ("lead", &t.lead, member, ProjectRole::Admin, Because::Added),
        ("maya", &t.maya, member, ProjectRole::Member, Because::Added),
        ("eve", &t.eve, None, ProjectRole::Member, Because::External),
    ] {
        let row = t.row(&t.research, person).await;
        assert_eq!(row.standing.organization, organization, "{who}");
        assert_eq!(row.standing.project, Some(ProjectStanding { role, because }), "{who}");
        assert_eq!(row.standing, t.standing(&t.research, person).await, "{who}");
    }
    let row = t.row(&t.default, &t.maya).await;
    assert_eq!(row.standing.project.unwrap().because, Because::OrganizationMember);
    assert_eq!(row.added_by, Some(name("Olivia Owner")));
}

/// C4: without being added; and not to be removed or demoted there.
#[sqlx::test]
async fn an_organization_admin_is_an_admin_of_every_project_for_good(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for project in [&t.default, &t.research, &t.production] {
        let expected = ProjectStanding {
            role: ProjectRole::Admin,
            because: Because::OrganizationAdmin,
        };
        assert_eq!(t.standing(project, &t.admin).await.project, Some(expected));
        for who in [&t.owner, &t.admin] {
            let (d, a, user) = (&t.directory, &who.actor, t.admin.id);
            let role = d
                .change_collaborator_role(a, &project.slug, user, ProjectRole::Member)
                .await;
            assert_eq!(refusal(role), Refusal::OrganizationAdminProtected);
            assert_eq!(
                refusal(d.remove_collaborator(a, &project.slug, user, &[]).await),
                Refusal::OrganizationAdminProtected
            );
            let end = d.set_collaborator_end_date(a, &project.slug, user, None).await;
            assert_eq!(refusal(end), Refusal::OrganizationAdminProtected);
        }
    }
    // Not even by a row of their own with less, or with an end.
    t.put(&t.production, &t.admin, ProjectRole::Member).await;
    t.let_end(&t.production, &t.admin, -1).await;
    assert_eq!(
        t.standing(&t.production, &t.admin).await.project.unwrap().role,
        ProjectRole::Admin
    );
}

/// C5, R2: it counts from the person's next request.
#[sqlx::test]
async fn a_changed_role_counts_at_once(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let add = async || {
        t.directory
            .add_collaborator(&t.maya.actor, &t.research.slug, &t.noah.email)
            .await
    };
    assert_eq!(refusal(add().await), Refusal::Forbidden(Permission::CollaboratorAdd));
    let change = async |role| {
        t.directory
            .change_collaborator_role(&t.lead.actor, &t.research.slug, t.maya.id, role)
            .await
            .unwrap()
    };
    assert_eq!(change(ProjectRole::Admin).await, name("Maya Member"));
    add().await.unwrap();
    change(ProjectRole::Member).await;
    assert_eq!(refusal(add().await), Refusal::Forbidden(Permission::CollaboratorAdd));
}

/// C5, C6, R2, P3: who may change a Member's role and remove them.
#[sqlx::test]
async fn project_admins_change_and_remove_and_nobody_else_does(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let other = t.someone("Mia Muster", "mia@acme.test").await;
    t.join(&other, OrganizationRole::Member).await;
    t.put(&t.research, &other, ProjectRole::Member).await;
    for (who, role, removal) in [
        (
            &t.maya,
            Refusal::Forbidden(Permission::CollaboratorUpdateRole),
            Refusal::Forbidden(Permission::CollaboratorRemove),
        ),
        (
            &t.eve,
            Refusal::Forbidden(Permission::CollaboratorUpdateRole),
            Refusal::Forbidden(Permission::CollaboratorRemove),
        ),
        (&t.noah, Refusal::Hidden, Refusal::Hidden),
        (&t.stranger, Refusal::Hidden, Refusal::Hidden),
    ] {
        let (d, slug) = (&t.directory, &t.research.slug);
        let outcome = d
            .change_collaborator_role(&who.actor, slug, other.id, ProjectRole::Admin)
            .await;
        assert_eq!(refusal(outcome), role);
        assert_eq!(
            refusal(d.set_collaborator_end_date(&who.actor, slug, other.id, None).await),
            role
        );
        assert_eq!(
            refusal(d.remove_collaborator(&who.actor, slug, other.id, &[]).await),
            removal
        );
        assert_eq!(refusal(d.remove_externals(&who.actor, slug, &[]).await), removal);
        // Who may not, learns the same of people who are not there.
        for nobody in [UserId(Uuid::now_v7()), t.stranger.id] {
            if nobody != who.id {
                let outcome = d
                    .change_collaborator_role(&who.actor, slug, nobody, ProjectRole::Admin)
                    .await;
                assert_eq!(refusal(outcome), role);
                assert_eq!(
                    refusal(d.remove_collaborator(&who.actor, slug, nobody, &[]).await),
                    removal
                );
            }
        }
    }
    t.directory
        .remove_collaborator(&t.lead.actor, &t.research.slug, other.id, &[])
        .await
        .unwrap();
}

/// C6: access ends at once; asking again finds nobody.
#[sqlx::test]
async fn whoever_is_removed_is_out_at_once_and_can_be_added_again(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug) = (&t.directory, &t.research.slug);
    for person in [&t.maya, &t.eve, &t.lead] {
        d.remove_collaborator(&t.owner.actor, slug, person.id, &[])
            .await
            .unwrap();
        assert!(!t.sees(&t.research, person).await);
        assert!(
            !d.has_access(&person.actor, t.organization, t.research.id)
                .await
                .unwrap()
        );
        assert_eq!(
            refusal(d.remove_collaborator(&t.owner.actor, slug, person.id, &[]).await),
            Refusal::NotACollaborator
        );
        let role = d
            .change_collaborator_role(&t.owner.actor, slug, person.id, ProjectRole::Admin)
            .await;
        assert_eq!(refusal(role), Refusal::NotACollaborator);
        d.add_collaborator(&t.owner.actor, slug, &person.email).await.unwrap();
        assert_eq!(
            t.standing(&t.research, person).await.project.unwrap().role,
            ProjectRole::Member,
            "C4: afresh"
        );
    }
}

/// C7: leaving, demoting and removing oneself; the project keeps an Admin, the Owner.
#[sqlx::test]
async fn a_collaborator_may_leave_and_an_admin_may_step_down(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug) = (&t.directory, &t.research.slug);
    for person in [&t.maya, &t.eve] {
        d.remove_collaborator(&person.actor, slug, person.id, &[])
            .await
            .unwrap();
        assert!(!t.sees(&t.research, person).await);
        assert_eq!(
            refusal(d.remove_collaborator(&person.actor, slug, person.id, &[]).await),
            Refusal::Hidden
        );
    }
    d.change_collaborator_role(&t.lead.actor, slug, t.lead.id, ProjectRole::Member)
        .await
        .unwrap();
    let back = d
        .change_collaborator_role(&t.lead.actor, slug, t.lead.id, ProjectRole::Admin)
        .await;
    assert_eq!(refusal(back), Refusal::Forbidden(Permission::CollaboratorUpdateRole));
    t.put(&t.production, &t.lead, ProjectRole::Admin).await;
    d.remove_collaborator(&t.lead.actor, &t.production.slug, t.lead.id, &[])
        .await
        .unwrap();
    for project in [&t.research, &t.production] {
        assert_eq!(
            t.standing(project, &t.owner).await.project.unwrap().role,
            ProjectRole::Admin
        );
    }
}

/// R2: the permission is asked for under the lock, at every change, with the standing of that moment.
#[sqlx::test]
async fn a_removed_admin_changes_nothing_any_more(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.directory
        .remove_collaborator(&t.owner.actor, &t.research.slug, t.lead.id, &[])
        .await
        .unwrap();
    let (d, a, slug) = (&t.directory, &t.lead.actor, &t.research.slug);
    assert_eq!(
        refusal(d.add_collaborator(a, slug, &t.noah.email).await),
        Refusal::Hidden
    );
    assert_eq!(
        refusal(d.remove_collaborator(a, slug, t.maya.id, &[]).await),
        Refusal::Hidden
    );
    assert_eq!(
        refusal(d.change_collaborator_role(a, slug, t.maya.id, ProjectRole::Admin).await),
        Refusal::Hidden
    );
}

/// A1
#[sqlx::test]
async fn what_happens_to_a_collaborator_is_audited(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, a, slug) = (&t.directory, &t.lead.actor, &t.research.slug);

    let (done, events) = t.audited(d.add_collaborator(a, slug, " Noah@ACME.test ")).await;
    done.unwrap();
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!((event.action.as_str(), &event.refusal), ("collaborator:add", &None));
    assert_eq!(
        (event.organization_id, event.project_id),
        (Some(t.organization.0), Some(t.research.id.0))
    );
    assert_eq!((event.actor_kind.as_str(), event.actor_id), ("user", Some(t.lead.id.0)));
    assert_eq!(event.credential, format!("session {}", a.session().unwrap()));
    assert_eq!(
        (event.target_id, event.target.as_deref()),
        (Some(t.noah.id.0), Some("noah@acme.test"))
    );
    assert_eq!(
        (&event.before, &event.after),
        (&None, &Some(json!({ "role": "member" })))
    );
    assert_eq!(
        (event.address.as_str(), event.request_id.as_str()),
        ("192.0.2.7", "request-1")
    );

    let (done, events) = t
        .audited(d.change_collaborator_role(a, slug, t.noah.id, ProjectRole::Admin))
        .await;
    done.unwrap();
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (event.action.as_str(), &event.refusal),
        ("collaborator:update_role", &None)
    );
    assert_eq!(
        (&event.before, &event.after),
        (&Some(json!({ "role": "member" })), &Some(json!({ "role": "admin" })))
    );

    let end = OffsetDateTime::from_unix_timestamp(4_102_444_800).unwrap();
    let (done, events) = t
        .audited(d.set_collaborator_end_date(a, slug, t.noah.id, Some(end)))
        .await;
    done.unwrap();
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(event.before, Some(json!({ "expires_at": null })));
    assert_eq!(event.after, Some(json!({ "expires_at": 4_102_444_800_i64 })));

    let (done, events) = t.audited(d.remove_collaborator(a, slug, t.noah.id, &[])).await;
    done.unwrap();
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!((event.action.as_str(), &event.refusal), ("collaborator:remove", &None));
    assert_eq!(
        (&event.before, &event.after),
        (&Some(json!({ "role": "admin" })), &None)
    );
}
