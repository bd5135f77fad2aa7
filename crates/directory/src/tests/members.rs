//! W1, M1 to M8: members, and what follows from membership.

use policy::{
    Because, OrganizationRole, OrganizationStanding, Permission, ProjectRole, ProjectStanding, Refusal, Standing,
};
use serde_json::json;
use sqlx::PgPool;

use super::fixture::{Tenant, count, refusal, refused_by_database, slug, sql};
use crate::InvitationState;

/// W1: every door of the directory. Whoever is allowed to try gets the error that says so.
#[sqlx::test]
async fn the_owner_is_neither_demoted_nor_removed_by_any_door(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, owner) = (&t.directory, t.owner.id);
    for who in [&t.owner, &t.admin] {
        let a = &who.actor;
        let role = d.change_member_role(a, &t.slug, owner, OrganizationRole::Member).await;
        assert_eq!(refusal(role), Refusal::OwnerProtected);
        assert_eq!(
            refusal(d.remove_member(a, &t.slug, owner).await),
            Refusal::OwnerProtected
        );
        for project in [&t.default, &t.research, &t.production] {
            let role = d
                .change_collaborator_role(a, &project.slug, owner, ProjectRole::Member)
                .await;
            assert_eq!(refusal(role), Refusal::OwnerProtected);
            assert_eq!(
                refusal(d.remove_collaborator(a, &project.slug, owner, &[]).await),
                Refusal::OwnerProtected
            );
            let end = Some(time::OffsetDateTime::now_utc() + time::Duration::days(1));
            let end = d.set_collaborator_end_date(a, &project.slug, owner, end).await;
            assert_eq!(refusal(end), Refusal::OwnerProtected);
        }
    }
    // A project Admin tries at the one door they have.
    let removed = d.remove_collaborator(&t.lead.actor, &t.research.slug, owner, &[]).await;
    assert_eq!(refusal(removed), Refusal::OwnerProtected);
    for project in [&t.default, &t.research, &t.production] {
        assert_eq!(
            t.standing(project, &t.owner).await.organization,
            Some(OrganizationStanding::Owner)
        );
        assert_eq!(
            t.standing(project, &t.owner).await.project.unwrap().role,
            ProjectRole::Admin
        );
    }
}

/// W1: past the code, too.
#[sqlx::test]
async fn the_database_refuses_an_owner_who_is_no_admin(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (organization, owner, maya, eve) = (t.organization, t.owner.id, t.maya.id, t.eve.id);
    for (sql, constraint) in [
        (
            format!("UPDATE members SET role = 'member' WHERE user_id = '{owner}'"),
            "organizations_owner_is_admin_fkey",
        ),
        (
            format!("DELETE FROM members WHERE user_id = '{owner}'"),
            "organizations_owner_is_admin_fkey",
        ),
        (
            format!("UPDATE organizations SET owner_id = '{maya}' WHERE id = '{organization}'"),
            "organizations_owner_is_admin_fkey",
        ),
        (
            format!("UPDATE organizations SET owner_id = '{eve}' WHERE id = '{organization}'"),
            "organizations_owner_is_admin_fkey",
        ),
        (format!("DELETE FROM users WHERE id = '{owner}'"), "members_user_fkey"),
        (
            format!("UPDATE members SET role = 'owner' WHERE user_id = '{maya}'"),
            "members_role_known",
        ),
    ] {
        assert_eq!(refused_by_database(&pool, &sql).await, constraint, "{sql}");
    }
    // W2: to another Admin it can go.
    sql(
        &pool,
        &format!(
            "UPDATE organizations SET owner_id = '{}' WHERE id = '{organization}'",
            t.admin.id
        ),
    )
    .await;
    t.directory.remove_member(&t.admin.actor, &t.slug, owner).await.unwrap();
}

/// M5, D2
#[sqlx::test]
async fn a_new_member_is_in_the_default_project_at_once_and_in_no_other(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let new = t.someone("Nina New", "nina@acme.test").await;
    assert!(!t.sees(&t.default, &new).await);
    t.join(&new, OrganizationRole::Member).await;
    let expected = Standing {
        organization: Some(OrganizationStanding::Member(OrganizationRole::Member)),
        project: Some(ProjectStanding {
            role: ProjectRole::Member,
            because: Because::OrganizationMember,
        }),
    };
    assert_eq!(t.standing(&t.default, &new).await, expected);
    assert!(!t.sees(&t.research, &new).await);
    assert!(!t.sees(&t.production, &new).await);
}

/// M6, O3: only Admins change roles and remove; what they do acts at once.
#[sqlx::test]
async fn only_admins_change_members(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    for (who, expected) in [
        (
            &t.lead,
            [Permission::MemberUpdateRole, Permission::MemberRemove].map(Refusal::Forbidden),
        ),
        (&t.eve, [Refusal::Hidden; 2]),
        (&t.stranger, [Refusal::Hidden; 2]),
    ] {
        let role = d
            .change_member_role(&who.actor, &t.slug, t.maya.id, OrganizationRole::Admin)
            .await;
        let removal = d.remove_member(&who.actor, &t.slug, t.maya.id).await;
        assert_eq!([refusal(role), refusal(removal)], expected);
    }
    d.change_member_role(&t.admin.actor, &t.slug, t.maya.id, OrganizationRole::Admin)
        .await
        .unwrap();
    assert_eq!(
        t.standing(&t.production, &t.maya).await.project,
        Some(ProjectStanding {
            role: ProjectRole::Admin,
            because: Because::OrganizationAdmin
        })
    );
    // Back again: what the membership gave is gone, what the project gave is as it was (C4).
    d.change_member_role(&t.maya.actor, &t.slug, t.maya.id, OrganizationRole::Member)
        .await
        .unwrap();
    assert!(!t.sees(&t.production, &t.maya).await);
    assert_eq!(
        t.standing(&t.research, &t.maya).await.project,
        Some(ProjectStanding {
            role: ProjectRole::Member,
            because: Because::Added
        })
    );
    let again = d
        .change_member_role(&t.maya.actor, &t.slug, t.noah.id, OrganizationRole::Admin)
        .await;
    assert_eq!(refusal(again), Refusal::Forbidden(Permission::MemberUpdateRole));
}

/// M6, P3: who is no member cannot be told from who does not exist, nor a foreign organization from none.
#[sqlx::test]
async fn there_is_nothing_to_change_about_somebody_who_is_no_member(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let nobody = policy::UserId(uuid::Uuid::now_v7());
    for user in [t.eve.id, t.stranger.id, nobody] {
        let role = t
            .directory
            .change_member_role(&t.owner.actor, &t.slug, user, OrganizationRole::Admin)
            .await;
        assert_eq!(refusal(role), Refusal::NotAMember);
        assert_eq!(
            refusal(t.directory.remove_member(&t.owner.actor, &t.slug, user).await),
            Refusal::NotAMember
        );
    }
    for organization in ["acme-elsewhere", "no-such-organization"] {
        let outcome = t
            .directory
            .remove_member(&t.owner.actor, &slug(organization), t.stranger.id)
            .await;
        assert_eq!(refusal(outcome), Refusal::Hidden);
    }
}

/// M6: removal ends all access in the same instant, and nobody becomes an external by it, where externals are allowed
/// or not.
#[sqlx::test]
async fn a_removed_member_has_no_access_to_anything_of_the_organization(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.put(&t.production, &t.lead, ProjectRole::Member).await;
    t.directory
        .change_collaborator_role(&t.owner.actor, &t.default.slug, t.lead.id, ProjectRole::Admin)
        .await
        .unwrap();
    t.directory
        .remove_member(&t.admin.actor, &t.slug, t.lead.id)
        .await
        .unwrap();
    for project in [&t.default, &t.research, &t.production] {
        assert!(!t.sees(project, &t.lead).await);
        assert!(
            !t.directory
                .has_access(&t.lead.actor, t.organization, project.id)
                .await
                .unwrap()
        );
        let row = t.directory.collaborator(&t.owner.actor, &project.slug, t.lead.id).await;
        assert_eq!(refusal(row), Refusal::NotACollaborator);
    }
    assert!(
        t.directory
            .find_projects(&t.lead.actor, None, "", 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        t.directory
            .organizations_of(&t.lead.actor, 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        t.directory
            .count_externals(&t.owner.actor, &t.research.slug)
            .await
            .unwrap(),
        1,
        "eve, as before"
    );
    let outcome = t.directory.remove_member(&t.admin.actor, &t.slug, t.lead.id).await;
    assert_eq!(
        refusal(outcome),
        Refusal::NotAMember,
        "there is no such member any more"
    );
}

/// M6: an organization Admin loses, with the membership, every project too.
#[sqlx::test]
async fn a_removed_admin_has_no_access_left(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.directory
        .remove_member(&t.owner.actor, &t.slug, t.admin.id)
        .await
        .unwrap();
    for project in [&t.default, &t.research, &t.production] {
        assert!(!t.sees(project, &t.admin).await);
    }
    let outcome = t
        .directory
        .add_collaborator(&t.admin.actor, &t.research.slug, &t.noah.email)
        .await;
    assert_eq!(refusal(outcome), Refusal::Hidden);
}

/// M7: earlier project roles do not come back, not even one in the Default Project.
#[sqlx::test]
async fn a_member_invited_again_starts_fresh(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.directory
        .change_collaborator_role(&t.owner.actor, &t.default.slug, t.lead.id, ProjectRole::Admin)
        .await
        .unwrap();
    t.directory
        .remove_member(&t.owner.actor, &t.slug, t.lead.id)
        .await
        .unwrap();
    t.join(&t.lead, OrganizationRole::Member).await;
    assert!(!t.sees(&t.research, &t.lead).await);
    assert_eq!(
        t.standing(&t.default, &t.lead).await.project,
        Some(ProjectStanding {
            role: ProjectRole::Member,
            because: Because::OrganizationMember
        })
    );
}

/// M8
#[sqlx::test]
async fn a_member_may_leave_and_the_owner_may_not(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for person in [&t.maya, &t.admin] {
        t.directory
            .remove_member(&person.actor, &t.slug, person.id)
            .await
            .unwrap();
        assert!(!t.sees(&t.default, person).await);
    }
    let outcome = t.directory.remove_member(&t.owner.actor, &t.slug, t.owner.id).await;
    assert_eq!(refusal(outcome), Refusal::OwnerProtected);
    // An external is no member, so there is nothing to leave.
    assert_eq!(
        refusal(t.directory.remove_member(&t.eve.actor, &t.slug, t.eve.id).await),
        Refusal::Hidden
    );
}

/// A1
#[sqlx::test]
async fn what_happens_to_a_member_is_audited(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let change = t
        .directory
        .change_member_role(&t.owner.actor, &t.slug, t.maya.id, OrganizationRole::Admin);
    let (done, events) = t.audited(change).await;
    done.unwrap();
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(event.action, "member:update_role");
    assert_eq!(
        (event.organization_id, event.project_id),
        (Some(t.organization.0), None)
    );
    assert_eq!(
        (event.actor_id, event.target_id),
        (Some(t.owner.id.0), Some(t.maya.id.0))
    );
    assert_eq!(
        (&event.before, &event.after),
        (&Some(json!({ "role": "member" })), &Some(json!({ "role": "admin" })))
    );

    let (done, events) = t
        .audited(t.directory.remove_member(&t.owner.actor, &t.slug, t.maya.id))
        .await;
    done.unwrap();
    // A2: the project's Admins find in its own audit what ended in it.
    let [event, lost] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(
        (lost.action.as_str(), lost.project_id, lost.target_id),
        ("collaborator:remove", Some(t.research.id.0), Some(t.maya.id.0))
    );
    assert_eq!(lost.before, Some(json!({ "role": "member" })));
    assert_eq!((event.action.as_str(), &event.refusal), ("member:remove", &None));
    assert_eq!(
        (&event.before, &event.after),
        (&Some(json!({ "role": "admin" })), &None)
    );
}

/// M6, A1: the invitations that somebody sent end with their right to invite, in whichever way it ends, and their mails
/// with them: nobody comes in on a right that was taken away. Those of others stay.
#[sqlx::test]
async fn open_invitations_end_with_the_right_to_invite(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let d = &t.directory;
    let by_owner = t.invite("stays@new.test").await;
    for way in ["demoted", "removed", "left"] {
        let person = t.someone("Ida Inviter", &format!("ida-{way}@acme.test")).await;
        t.join(&person, OrganizationRole::Admin).await;
        let (b, a) = (format!("b-{way}@new.test"), format!("a-{way}@new.test"));
        let mut sent = Vec::new();
        for email in [&b, &a] {
            sent.push(d.invite_member(&person.actor, &t.slug, email).await.unwrap());
        }
        let taken = t.accept_as_new(&sent[0].token, "Nina New").await;
        let (done, events) = t
            .audited(async {
                match way {
                    "demoted" => {
                        let role = OrganizationRole::Member;
                        d.change_member_role(&t.owner.actor, &t.slug, person.id, role).await
                    }
                    "removed" => d
                        .remove_member(&t.admin.actor, &t.slug, person.id)
                        .await
                        .map(|done| done.name),
                    _ => d
                        .remove_member(&person.actor, &t.slug, person.id)
                        .await
                        .map(|done| done.name),
                }
            })
            .await;
        assert_eq!(done.unwrap().as_str(), "Ida Inviter");
        let [event] = &events[..] else { panic!("{events:?}") };
        assert_eq!(
            event.after.as_ref().unwrap()["revoked_invitations"],
            json!([a]),
            "the accepted one was not open"
        );
        let opened = d.open_invitation(&sent[1].token).await.unwrap();
        assert_eq!(opened.state, InvitationState::Revoked);
        let new = t.someone("Nora New", &a).await;
        let outcome = d.accept_invitation(&new.actor, &sent[1].token).await;
        assert_eq!(refusal(outcome), Refusal::InvitationRevoked);
        assert!(t.has_member(&taken).await, "who came in before stays");
        assert_eq!(
            count(&pool, "SELECT count(*) FROM outbox WHERE kind = 'invitation'").await,
            1,
            "{way}: the Owner's"
        );
    }
    let opened = d.open_invitation(&by_owner.token).await.unwrap();
    assert_eq!(opened.state, InvitationState::Pending);
}

/// M6: whoever stays an Admin, or becomes one, keeps what they sent; what another Admin sent again is that Admin's.
#[sqlx::test]
async fn an_invitation_sent_again_is_the_last_senders(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let first = d.invite_member(&t.admin.actor, &t.slug, "nina@new.test").await.unwrap();
    d.change_member_role(&t.owner.actor, &t.slug, t.admin.id, OrganizationRole::Admin)
        .await
        .unwrap();
    assert_eq!(
        d.open_invitation(&first.token).await.unwrap().state,
        InvitationState::Pending
    );
    let second = d.resend_invitation(&t.owner.actor, &t.slug, first.id).await.unwrap();
    d.remove_member(&t.owner.actor, &t.slug, t.admin.id).await.unwrap();
    let opened = d.open_invitation(&second.token).await.unwrap();
    assert_eq!(opened.state, InvitationState::Pending);
    assert_eq!(opened.invited_by.unwrap().as_str(), "Olivia Owner");
}

/// M6, N5: what will end is named before it does, to those who may end it, and it is that which ends.
#[sqlx::test]
async fn a_departure_names_the_projects_and_invitations_that_end(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    t.put(&t.production, &t.maya, ProjectRole::Admin).await;
    t.let_end(&t.production, &t.maya, -1).await;
    for (person, projects) in [
        (&t.maya, vec!["Default Project", "acme-research"]),
        (&t.noah, vec!["Default Project"]),
        (&t.admin, vec!["Default Project", "acme-production", "acme-research"]),
    ] {
        let told = d.removal_preview(&t.owner.actor, &t.slug, person.id).await.unwrap();
        let names: Vec<_> = told.projects.iter().map(policy::Name::as_str).collect();
        assert_eq!(
            (names.len(), names),
            (usize::try_from(told.project_count).unwrap(), projects)
        );
        assert_eq!((told.invitation_count, told.invitations.len()), (0, 0));
    }
    for email in ["zoe@new.test", "abe@new.test"] {
        d.invite_member(&t.admin.actor, &t.slug, email).await.unwrap();
    }
    t.invite("by-owner@new.test").await;
    for who in [&t.owner, &t.admin] {
        let told = d.removal_preview(&who.actor, &t.slug, t.admin.id).await.unwrap();
        let emails: Vec<_> = told.invitations.iter().map(policy::Email::as_str).collect();
        assert_eq!(
            (told.invitation_count, emails),
            (2, vec!["abe@new.test", "zoe@new.test"])
        );
    }
    for (who, of, expected) in [
        (&t.maya, &t.noah, Refusal::Forbidden(Permission::MemberRemove)),
        (&t.admin, &t.owner, Refusal::OwnerProtected),
        (&t.owner, &t.owner, Refusal::OwnerProtected),
        (&t.owner, &t.eve, Refusal::NotAMember),
        (&t.eve, &t.noah, Refusal::Hidden),
        (&t.stranger, &t.stranger, Refusal::Hidden),
    ] {
        assert_eq!(refusal(d.removal_preview(&who.actor, &t.slug, of.id).await), expected);
    }
    // M8: one's own is everybody's to know.
    assert_eq!(
        d.removal_preview(&t.maya.actor, &t.slug, t.maya.id)
            .await
            .unwrap()
            .project_count,
        2
    );
}

/// M6: a great many are counted, and the first hundred named.
#[sqlx::test]
async fn a_departure_names_a_hundred_and_counts_the_rest(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    sql(
        &pool,
        &format!(
            "INSERT INTO projects (organization_id, id, name, is_default, created_at)
                 SELECT '{organization}', gen_random_uuid(), 'Project ' || n, false, now() FROM generate_series(1, 120) n;
             INSERT INTO invitations (organization_id, id, email, invited_by, created_at, sent_at, expires_at)
                 SELECT '{organization}', gen_random_uuid(), 'person' || n || '@new.test', '{admin}', now(), now(), now()
                 FROM generate_series(1, 130) n",
            organization = t.organization,
            admin = t.admin.id,
        ),
    )
    .await;
    let told = t
        .directory
        .removal_preview(&t.owner.actor, &t.slug, t.admin.id)
        .await
        .unwrap();
    assert_eq!((told.project_count, told.projects.len()), (123, 100));
    assert_eq!((told.invitation_count, told.invitations.len()), (130, 100));
}

/// M6: a removal ends one person's access, and nobody else's.
#[sqlx::test]
async fn whom_a_removed_member_let_in_stays_in(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    d.add_collaborator(&t.lead.actor, &t.research.slug, &t.noah.email)
        .await
        .unwrap();
    d.remove_member(&t.owner.actor, &t.slug, t.lead.id).await.unwrap();
    assert!(t.sees(&t.research, &t.noah).await);
    assert_eq!(t.row(&t.research, &t.noah).await.added_by.unwrap().as_str(), "Lea Lead");
}
