//! W2: ownership goes to another Admin, by the Owner or by the operator.

use policy::{OrganizationRole, OrganizationStanding, ProjectRole, Refusal, UserId};
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use super::fixture::{Person, Tenant, email, name, refusal, slug};
use crate::Principal;

const ACME: &str = "Acme Research";
const ADMIN: OrganizationStanding = OrganizationStanding::Member(OrganizationRole::Admin);

impl Tenant {
    async fn membership(&self, person: &Person) -> OrganizationStanding {
        self.directory
            .member(&self.maya.actor, &self.slug, person.id)
            .await
            .unwrap()
            .standing
    }
}

/// W2, C4: the new Owner is one at once; the old one stays an Admin, whom anybody who may can demote and remove now.
#[sqlx::test]
async fn the_owner_hands_over_to_another_admin(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let handed = d
        .transfer_ownership(&t.owner.actor, &t.slug, t.admin.id, "  Acme Research ")
        .await;
    assert_eq!(handed.unwrap().as_str(), "Adam Admin");
    assert_eq!(
        (t.membership(&t.admin).await, t.membership(&t.owner).await),
        (OrganizationStanding::Owner, ADMIN)
    );
    for project in [&t.default, &t.research, &t.production] {
        assert_eq!(
            t.standing(project, &t.owner).await.project.unwrap().role,
            ProjectRole::Admin
        );
    }
    let settings = d.organization_settings(&t.maya.actor, &t.slug).await.unwrap();
    assert_eq!(settings.owner.as_str(), "Adam Admin");
    // W1: it protects the new one now, and the old one no more.
    let demoted = d
        .change_member_role(&t.owner.actor, &t.slug, t.admin.id, OrganizationRole::Member)
        .await;
    assert_eq!(refusal(demoted), Refusal::OwnerProtected);
    let back = d.transfer_ownership(&t.owner.actor, &t.slug, t.owner.id, ACME).await;
    assert_eq!(refusal(back), Refusal::OwnerOnly);
    d.change_member_role(&t.admin.actor, &t.slug, t.owner.id, OrganizationRole::Member)
        .await
        .unwrap();
    assert!(!t.sees(&t.production, &t.owner).await);
    d.remove_member(&t.admin.actor, &t.slug, t.owner.id).await.unwrap();
    assert!(!t.sees(&t.default, &t.owner).await);
}

/// W2, R2, X3: by the Owner alone, to another Admin alone, with the organization's name typed as it is.
#[sqlx::test]
async fn ownership_is_handed_over_in_no_other_way(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let nobody = UserId(Uuid::now_v7());
    for (who, organization, to, typed, expected) in [
        (&t.admin, "acme", t.admin.id, ACME, Refusal::OwnerOnly),
        (&t.maya, "acme", t.admin.id, ACME, Refusal::OwnerOnly),
        (&t.maya, "acme", nobody, "", Refusal::OwnerOnly),
        (&t.eve, "acme", t.admin.id, ACME, Refusal::Hidden),
        (&t.stranger, "acme", t.stranger.id, ACME, Refusal::Hidden),
        (&t.owner, "acme-elsewhere", t.admin.id, "Elsewhere", Refusal::Hidden),
        (&t.owner, "no-such-organization", t.admin.id, ACME, Refusal::Hidden),
        (&t.owner, "acme", t.owner.id, ACME, Refusal::NotAnAdmin),
        (&t.owner, "acme", t.maya.id, ACME, Refusal::NotAnAdmin),
        (&t.owner, "acme", t.eve.id, ACME, Refusal::NotAMember),
        (&t.owner, "acme", t.stranger.id, ACME, Refusal::NotAMember),
        (&t.owner, "acme", nobody, ACME, Refusal::NotAMember),
        (&t.owner, "acme", t.admin.id, "", Refusal::ConfirmationWrong),
        (
            &t.owner,
            "acme",
            t.admin.id,
            "acme research",
            Refusal::ConfirmationWrong,
        ),
        (&t.owner, "acme", t.admin.id, "acme", Refusal::ConfirmationWrong),
    ] {
        let outcome = d.transfer_ownership(&who.actor, &slug(organization), to, typed).await;
        assert_eq!(refusal(outcome), expected, "{} {organization} {typed}", who.email);
    }
    assert_eq!(
        (t.membership(&t.owner).await, t.membership(&t.admin).await),
        (OrganizationStanding::Owner, ADMIN)
    );
}

/// W2: the Owner is shown to whom it can go; every member sees who the Owner is, and nobody else anything.
#[sqlx::test]
async fn the_owner_alone_sees_to_whom_ownership_can_go(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let other = t.someone("Ada Admin", "ada@acme.test").await;
    t.join(&other, OrganizationRole::Admin).await;
    let settings = t
        .directory
        .organization_settings(&t.owner.actor, &t.slug)
        .await
        .unwrap();
    let transfer_candidates: Vec<_> = settings
        .transfer_candidates
        .iter()
        .map(|(user, name, email)| (*user, name.as_str(), email.as_str()))
        .collect();
    assert_eq!(
        transfer_candidates,
        [
            (other.id, "Ada Admin", "ada@acme.test"),
            (t.admin.id, "Adam Admin", "adam@acme.test")
        ]
    );
    for person in [&t.admin, &t.maya] {
        let settings = t.directory.organization_settings(&person.actor, &t.slug).await.unwrap();
        assert_eq!(
            (settings.owner.as_str(), settings.transfer_candidates.len()),
            ("Olivia Owner", 0)
        );
        assert_eq!(settings.organization.name.as_str(), ACME);
    }
    for person in [&t.eve, &t.stranger] {
        let outcome = t.directory.organization_settings(&person.actor, &t.slug).await;
        assert_eq!(refusal(outcome), Refusal::Hidden);
        assert_eq!(
            refusal(t.directory.organization(&person.actor, &t.slug).await),
            Refusal::Hidden
        );
    }
}

/// W2: the operator makes any member the Owner, an Admin if they were none; nobody who is not a member.
#[sqlx::test]
async fn the_operator_hands_over_when_an_owner_is_lost(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    for (organization, to, expected) in [
        ("acme", "nobody@acme.test", Refusal::UserNotFound),
        ("acme", t.eve.email.as_str(), Refusal::NotAMember),
        ("acme", &t.stranger.email, Refusal::NotAMember),
        ("no-such-organization", &t.maya.email, Refusal::Hidden),
    ] {
        let outcome = d
            .transfer_ownership_as_operator(&Principal::operator(), &slug(organization), &email(to))
            .await;
        assert_eq!(refusal(outcome), expected, "{organization} {to}");
    }
    for person in [&t.maya, &t.admin] {
        d.transfer_ownership_as_operator(&Principal::operator(), &t.slug, &email(&person.email))
            .await
            .unwrap();
        assert_eq!(t.membership(person).await, OrganizationStanding::Owner);
        assert_eq!(t.membership(&t.owner).await, ADMIN);
    }
    assert_eq!(t.membership(&t.maya).await, ADMIN);
    // To whom owns it already: nothing changes, and nothing fails.
    d.transfer_ownership_as_operator(&Principal::operator(), &t.slug, &email(&t.admin.email))
        .await
        .unwrap();
    assert_eq!(t.membership(&t.admin).await, OrganizationStanding::Owner);
}

/// A1: by whom, from whom, to whom.
#[sqlx::test]
async fn handing_over_is_audited(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let (done, events) = t
        .audited(d.transfer_ownership(&t.owner.actor, &t.slug, t.admin.id, ACME))
        .await;
    done.unwrap();
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (event.action.as_str(), &event.refusal),
        ("organization:transfer", &None)
    );
    assert_eq!(
        (event.actor_id, event.target_id),
        (Some(t.owner.id.0), Some(t.admin.id.0))
    );
    assert_eq!(event.organization_id, Some(t.organization.0));
    assert_eq!(event.before, Some(json!({ "owner": t.owner.id })));
    assert_eq!(event.after, Some(json!({ "owner": t.admin.id })));
    let (done, events) = t
        .audited(d.transfer_ownership_as_operator(&Principal::operator(), &t.slug, &email(&t.maya.email)))
        .await;
    done.unwrap();
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (event.actor_kind.as_str(), event.credential.as_str()),
        ("operator", "command line")
    );
    assert_eq!(
        (event.target_id, event.target.as_deref()),
        (Some(t.maya.id.0), Some(t.maya.email.as_str()))
    );
    let (done, events) = t
        .audited(d.transfer_ownership_as_operator(&Principal::operator(), &t.slug, &email("nobody@acme.test")))
        .await;
    done.unwrap_err();
    assert_eq!(events[0].refusal.as_deref(), Some("user_not_found"));
}

/// W1, W2: an organization's new name is what is typed from then on.
#[sqlx::test]
async fn the_name_that_is_typed_is_the_present_one(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    d.update_organization(&t.admin.actor, &t.slug, &name("Acme Labs"), &t.slug)
        .await
        .unwrap();
    let old = d.transfer_ownership(&t.owner.actor, &t.slug, t.admin.id, ACME).await;
    assert_eq!(refusal(old), Refusal::ConfirmationWrong);
    d.transfer_ownership(&t.owner.actor, &t.slug, t.admin.id, "Acme Labs")
        .await
        .unwrap();
}
