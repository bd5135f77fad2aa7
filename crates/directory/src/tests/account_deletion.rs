//! W1: an account that ends: what ends with it, what stays, and what is left of the person.

use policy::{OrganizationRole, ProjectRole, Refusal};
use serde_json::json;
use sqlx::PgPool;

use super::fixture::{
    OTHER_PASSWORD, PASSWORD, Tenant, account, actor, anonymous, count, email, events, name, password, refusal,
    refused_by_database, slug, take_link,
};
use crate::{InvitationState, MemberQuery, Principal, limits};

const NINA: &str = "nina@new.test";
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIACkT80s4v1qk2zWXhAMMif/g/J9b5ZfWb6fvCEi/Yvv";

/// Nina, who owns no organization: a member of the tenant's, made an Admin.
async fn nina(t: &Tenant) -> Principal {
    let sent = t.invite(NINA).await;
    let nina = t.accept_as_new(&sent.token, "Nina New").await;
    t.directory
        .verify_as_operator(&Principal::operator(), &email(NINA))
        .await
        .unwrap();
    let admin = OrganizationRole::Admin;
    t.directory
        .change_member_role(&t.owner.actor, &t.slug, nina.id(), admin)
        .await
        .unwrap();
    nina
}

/// W1: the Owner has to hand over or delete the organization first; then the account can go.
#[sqlx::test]
async fn whoever_owns_an_organization_keeps_their_account(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let (owner, stranger) = (t.sign_in(&t.owner).await, t.sign_in(&t.stranger).await);
    for actor in [&owner, &stranger] {
        assert_eq!(
            refusal(d.delete_account(actor, PASSWORD).await),
            Refusal::OwnsOrganization
        );
        let wrong = d.delete_account(actor, OTHER_PASSWORD).await;
        assert_eq!(refusal(wrong), Refusal::CurrentPasswordWrong, "before anything is told");
        assert!(d.session_lives(actor.session().unwrap()).await.unwrap());
    }
    d.transfer_ownership(&owner, &t.slug, t.admin.id, "Acme Research")
        .await
        .unwrap();
    d.delete_account(&owner, PASSWORD).await.unwrap();
    assert!(!t.has_member(&owner).await);
    let elsewhere = slug("acme-elsewhere");
    d.delete_organization(&stranger, &elsewhere, "Elsewhere").await.unwrap();
    d.delete_account(&stranger, PASSWORD).await.unwrap();
    assert_eq!(
        count(&pool, "SELECT count(*) FROM users WHERE deleted_at IS NOT NULL").await,
        2
    );
}

/// Nothing ends with a wrong password, and guessing it is limited as signing in is.
#[sqlx::test]
async fn an_account_is_not_deleted_with_a_wrong_password(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let nina = nina(&t).await;
    for typed in [OTHER_PASSWORD, "", "correct-horse-battery "] {
        assert_eq!(
            refusal(t.directory.delete_account(&nina, typed).await),
            Refusal::CurrentPasswordWrong
        );
    }
    assert!(t.has_member(&nina).await);
    let limit = limits::current_password(nina.session().unwrap());
    for _ in 0..7 {
        t.directory.attempt(&limit).await.unwrap();
    }
    let refused = refusal(t.directory.delete_account(&nina, PASSWORD).await);
    assert!(matches!(refused, Refusal::TooManyAttempts { .. }), "{refused:?}");
}

/// E5, M6: every access, session, key and link of theirs ends in the same instant, and the invitations they sent.
#[sqlx::test]
async fn everything_of_a_deleted_person_ends(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let other = Tenant::named(&pool, "other").await;
    let d = &t.directory;
    let nina = nina(&t).await;
    other
        .directory
        .add_collaborator(&other.lead.actor, &other.research.slug, NINA)
        .await
        .unwrap();
    d.add_collaborator(&t.owner.actor, &t.research.slug, NINA)
        .await
        .unwrap_err();
    d.add_ssh_key(&nina, "", KEY).await.unwrap();
    let there = d.sign_in(&anonymous(), NINA, PASSWORD).await.unwrap();
    let invited = d.invite_member(&nina, &t.slug, "nora@new.test").await.unwrap();
    d.request_password_reset(&anonymous(), NINA).await.unwrap();
    let link = loop {
        let mail = take_link(d).await;
        if mail.to.as_str() == NINA {
            break mail.link().clone();
        }
    };

    d.delete_account(&nina, PASSWORD).await.unwrap();
    assert!(d.session(&there.token).await.unwrap().is_none());
    assert!(!d.session_lives(nina.session().unwrap()).await.unwrap());
    assert_eq!(
        refusal(d.sign_in(&anonymous(), NINA, PASSWORD).await),
        Refusal::CredentialsWrong
    );
    assert_eq!(
        refusal(d.sign_in(&anonymous(), NINA, "").await),
        Refusal::CredentialsWrong
    );
    assert_eq!(refusal(d.open_password_reset(&link).await), Refusal::LinkDead);
    let opened = d.open_invitation(&invited.token).await.unwrap();
    assert_eq!(opened.state, InvitationState::Revoked);
    for project in [&t.default, &t.research, &t.production] {
        assert!(!d.has_access(&nina, t.organization, project.id).await.unwrap());
    }
    assert!(
        !d.has_access(&nina, other.organization, other.research.id)
            .await
            .unwrap()
    );
    assert!(d.organizations_of(&nina, 10).await.unwrap().is_empty());
    assert!(d.find_projects(&nina, None, "", 10).await.unwrap().is_empty());
    assert!(d.ssh_keys(&nina).await.unwrap().is_empty());
    for table in [
        "members",
        "collaborators",
        "sessions",
        "ssh_keys",
        "password_reset_tokens",
    ] {
        let left = format!("SELECT count(*) FROM {table} WHERE user_id = '{}'", nina.id());
        assert_eq!(count(&pool, &left).await, 0, "{table}");
    }
    d.add_ssh_key(&t.maya.actor, "", KEY).await.unwrap();
    assert!(other.sees(&other.research, &other.eve).await && t.sees(&t.default, &t.noah).await);
}

/// A1, K5: what names the person names a deleted user; what they did stays, in the audit under their id.
#[sqlx::test]
async fn rows_that_name_a_deleted_person_say_so(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let nina = nina(&t).await;
    d.add_collaborator(&nina, &t.production.slug, &t.noah.email)
        .await
        .unwrap();
    let invited = d.invite_member(&nina, &t.slug, "nora@new.test").await.unwrap();
    let nora = t.accept_as_new(&invited.token, "Nora New").await;
    let revoked = d.invite_member(&nina, &t.slug, "norman@new.test").await.unwrap();
    let (done, left) = t.audited(d.delete_account(&nina, PASSWORD)).await;
    done.unwrap();
    // A2: the organization's Admins find in its own audit that a member is gone.
    let [event, gone] = &left[..] else { panic!("{left:?}") };
    assert_eq!(
        (gone.action.as_str(), gone.organization_id),
        ("member:remove", Some(t.organization.0))
    );
    assert_eq!((event.action.as_str(), &event.refusal), ("user:delete", &None));
    assert_eq!(
        (event.actor_id, event.target_id),
        (Some(nina.id().0), Some(nina.id().0))
    );
    assert_eq!(event.before, Some(json!({ "email": NINA })));

    assert_eq!(
        t.row(&t.production, &t.noah).await.added_by.unwrap().as_str(),
        "Deleted user"
    );
    assert_eq!(
        d.member(&t.maya.actor, &t.slug, nora.id())
            .await
            .unwrap()
            .added_by
            .unwrap()
            .as_str(),
        "Deleted user"
    );
    let opened = d.open_invitation(&revoked.token).await.unwrap();
    assert_eq!(opened.invited_by.unwrap().as_str(), "Deleted user");
    let by_them = events(&pool)
        .await
        .iter()
        .filter(|event| event.actor_id == Some(nina.id().0))
        .count();
    assert_eq!(by_them, 5, "what they did, and that they left");
    for search in ["Nina", NINA, "Deleted"] {
        let query = MemberQuery {
            search: search.to_owned(),
            limit: 10,
            ..MemberQuery::default()
        };
        assert!(
            d.members(&t.owner.actor, &t.slug, &query)
                .await
                .unwrap()
                .rows
                .is_empty(),
            "{search}"
        );
    }
}

/// O2, M7: the address is free, and whoever makes an account with it is somebody else, who gets back nothing.
#[sqlx::test]
async fn the_address_of_a_deleted_account_is_free_again(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let first = nina(&t).await;
    d.delete_account(&first, PASSWORD).await.unwrap();
    let sent = t.invite(NINA).await;
    assert!(!d.open_invitation(&sent.token).await.unwrap().has_account);
    let session = d.sign_up(&anonymous(), account("Nina Next", NINA)).await.unwrap();
    let second = actor(d, &session.token).await;
    assert_ne!(first.id(), second.id());
    assert!(!t.has_member(&second).await);
    // Twice over: a deleted account is in nobody's way, not even another deleted one's.
    let organizations = d.organizations_of(&second, 10).await.unwrap();
    let own = &organizations[0];
    d.delete_organization(&second, &own.slug, own.name.as_str())
        .await
        .unwrap();
    d.delete_account(&second, PASSWORD).await.unwrap();
    t.accept_as_new(&sent.token, "Nina Third").await;
}

/// E5: what was begun just before, by the session that is over now, comes too late, and says so.
#[sqlx::test]
async fn nothing_is_done_by_a_deleted_person(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let nina = nina(&t).await;
    let elsewhere = Tenant::named(&pool, "other").await.invite(NINA).await;
    d.delete_account(&nina, PASSWORD).await.unwrap();
    for refused in [
        refusal(d.change_name(&nina, &name("Nina Back")).await),
        refusal(d.change_password(&nina, PASSWORD, password(OTHER_PASSWORD)).await),
        refusal(d.delete_account(&nina, PASSWORD).await),
        refusal(d.delete_account(&nina, "").await),
        refusal(d.add_ssh_key(&nina, "", KEY).await),
        refusal(d.accept_invitation(&nina, &elsewhere.token).await),
    ] {
        assert_eq!(refused, Refusal::SignedOut);
    }
    let invited = d.invite_member(&nina, &t.slug, "nora@new.test").await;
    assert_eq!(refusal(invited), Refusal::Hidden);
    let left = "SELECT count(*) FROM users WHERE name = 'Deleted user' AND password_hash = ''";
    assert_eq!(count(&pool, left).await, 1);
}

/// Past the code: an account has an address for as long as it is one, and none after.
#[sqlx::test]
async fn the_database_refuses_an_account_without_an_address(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for sql in [
        format!("UPDATE users SET email = NULL WHERE id = '{}'", t.maya.id),
        format!("UPDATE users SET deleted_at = now() WHERE id = '{}'", t.maya.id),
    ] {
        assert_eq!(refused_by_database(&pool, &sql).await, "users_deleted_have_no_email");
    }
}

/// A person's new name is in every list at once, and in its order.
#[sqlx::test]
async fn a_new_name_shows_in_every_list(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    t.put(&t.production, &t.maya, ProjectRole::Member).await;
    let (done, events) = t.audited(d.change_name(&t.maya.actor, &name("Aaron Anew"))).await;
    done.unwrap();
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (event.action.as_str(), event.target_id),
        ("user:update_name", Some(t.maya.id.0))
    );
    assert_eq!(event.before, Some(json!({ "name": "Maya Member" })));
    assert_eq!(event.after, Some(json!({ "name": "Aaron Anew" })));
    let query = MemberQuery {
        limit: 1,
        ..MemberQuery::default()
    };
    let first = &d.members(&t.noah.actor, &t.slug, &query).await.unwrap().rows[0];
    assert_eq!((first.user, first.name.as_str()), (t.maya.id, "Aaron Anew"));
    for project in [&t.default, &t.research, &t.production] {
        let query = crate::CollaboratorQuery {
            search: "anew".to_owned(),
            limit: 9,
            ..Default::default()
        };
        let rows = d
            .collaborators(&t.owner.actor, &project.slug, &query)
            .await
            .unwrap()
            .rows;
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].user, rows[0].name.as_str()), (t.maya.id, "Aaron Anew"));
    }
    // The lists' copies cannot be told anything else.
    let lie = format!("UPDATE members SET name = 'Somebody' WHERE user_id = '{}'", t.maya.id);
    assert_eq!(refused_by_database(&pool, &lie).await, "members_user_fkey");
}
