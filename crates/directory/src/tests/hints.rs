//! Hints: sent when a change is committed, never before, and never for what was refused.

use policy::{KeyScope, OrganizationRole, ProjectRole};
use sqlx::{PgPool, postgres::PgListener};
use time::Duration;

use super::fixture::{PASSWORD, Tenant, account, anonymous, name, origin, slug as slug_of, sql};
use crate::{Hint, Principal};

/// Hints come in the order of their commits, so what was sent before this mark has come when the mark does.
const MARK: &str = "SELECT pg_notify('roster', 'mark')";

async fn listener(t: &Tenant) -> PgListener {
    let mut listener = PgListener::connect_with(&t.pool).await.unwrap();
    listener.listen(Hint::CHANNEL).await.unwrap();
    listener
}

async fn heard(t: &Tenant, listener: &mut PgListener) -> Vec<String> {
    sql(&t.pool, MARK).await;
    let mut heard = Vec::new();
    loop {
        let notification = listener.recv().await.unwrap();
        if notification.payload() == "mark" {
            heard.sort();
            return heard;
        }
        heard.push(notification.payload().to_owned());
    }
}

fn sorted(hints: &[Hint]) -> Vec<String> {
    let mut texts: Vec<_> = hints.iter().map(Hint::to_string).collect();
    texts.sort();
    texts
}

/// E5: each change tells whom it concerns.
#[sqlx::test]
async fn each_change_sends_hints_to_whom_it_concerns(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug) = (&t.directory, &t.research.slug);
    let mut listener = listener(&t).await;
    let (project, organization) = (Hint::Project(t.research.id), Hint::Organization(t.organization));

    d.add_collaborator(&t.lead.actor, slug, &t.noah.email).await.unwrap();
    assert_eq!(
        heard(&t, &mut listener).await,
        sorted(&[project, Hint::User(t.noah.id)])
    );
    d.change_collaborator_role(&t.lead.actor, slug, t.noah.id, ProjectRole::Admin)
        .await
        .unwrap();
    assert_eq!(
        heard(&t, &mut listener).await,
        sorted(&[project, Hint::User(t.noah.id)])
    );
    d.set_collaborator_end_date(&t.lead.actor, slug, t.noah.id, None)
        .await
        .unwrap();
    assert_eq!(
        heard(&t, &mut listener).await,
        sorted(&[project, Hint::User(t.noah.id)])
    );
    d.remove_collaborator(&t.lead.actor, slug, t.noah.id, &[])
        .await
        .unwrap();
    assert_eq!(
        heard(&t, &mut listener).await,
        sorted(&[project, Hint::User(t.noah.id)])
    );
    d.remove_externals(&t.lead.actor, slug, &[]).await.unwrap();
    assert_eq!(heard(&t, &mut listener).await, sorted(&[project, Hint::User(t.eve.id)]));
    let settings = t.settings(&t.research).await;
    d.update_project(&t.lead.actor, slug, &settings).await.unwrap();
    assert_eq!(heard(&t, &mut listener).await, sorted(&[project, organization]));
    d.change_member_role(&t.owner.actor, &t.slug, t.noah.id, OrganizationRole::Admin)
        .await
        .unwrap();
    assert_eq!(
        heard(&t, &mut listener).await,
        sorted(&[organization, Hint::User(t.noah.id)])
    );
    d.remove_member(&t.owner.actor, &t.slug, t.noah.id).await.unwrap();
    assert_eq!(
        heard(&t, &mut listener).await,
        sorted(&[organization, Hint::User(t.noah.id)])
    );

    let (a, vision) = (&t.owner.actor, slug_of("vision"));
    d.create_project(a, &t.slug, &name("Vision"), &vision).await.unwrap();
    assert_eq!(heard(&t, &mut listener).await, sorted(&[organization]));
    let (_, id) = d.project_ids(&t.owner.actor, &vision).await.unwrap();
    d.delete_project(a, &vision, "vision").await.unwrap();
    assert_eq!(
        heard(&t, &mut listener).await,
        sorted(&[organization, Hint::Project(id)])
    );
    d.update_organization(a, &t.slug, &name("Acme"), &t.slug).await.unwrap();
    assert_eq!(heard(&t, &mut listener).await, sorted(&[organization]));
    d.set_additional_projects(&Principal::operator(), &t.slug, true)
        .await
        .unwrap();
    assert_eq!(heard(&t, &mut listener).await, sorted(&[organization]));
    d.transfer_ownership(a, &t.slug, t.admin.id, "Acme").await.unwrap();
    let both = [organization, Hint::User(t.admin.id), Hint::User(t.owner.id)];
    assert_eq!(heard(&t, &mut listener).await, sorted(&both));
    d.change_name(&t.maya.actor, &name("Maya Other")).await.unwrap();
    assert_eq!(heard(&t, &mut listener).await, sorted(&[Hint::User(t.maya.id)]));

    let token = d
        .sign_up(&anonymous(), account("Nina", "nina@new.test"))
        .await
        .unwrap()
        .token;
    let session = d.session(&token).await.unwrap().unwrap();
    let hint = sorted(&[Hint::User(session.user)]);
    assert!(
        heard(&t, &mut listener).await.is_empty(),
        "nobody looks at what did not exist"
    );
    d.change_password(
        &session.principal(origin()),
        PASSWORD,
        super::fixture::password("another password"),
    )
    .await
    .unwrap();
    assert_eq!(heard(&t, &mut listener).await, hint);
    d.set_password(
        &Principal::operator(),
        &session.email,
        super::fixture::password(PASSWORD),
    )
    .await
    .unwrap();
    assert_eq!(heard(&t, &mut listener).await, hint);
    d.sign_out(&session.principal(origin())).await.unwrap();
    assert_eq!(heard(&t, &mut listener).await, hint);
}

/// M2, M3, E5: whoever looks at the invitations, whoever accepts one, and whoever delivers mail.
#[sqlx::test]
async fn each_step_of_an_invitation_sends_hints(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let (d, a) = (&t.directory, &t.admin.actor);
    let mut listener = listener(&t).await;
    let invitations = Hint::Invitations(t.organization);
    let sent = d.invite_member(a, &t.slug, &t.stranger.email).await.unwrap();
    assert_eq!(heard(&t, &mut listener).await, sorted(&[invitations, Hint::Mail]));
    let mail = d.take_mail().await.unwrap().unwrap();
    d.mail_failed(mail.id, false).await.unwrap();
    assert_eq!(heard(&t, &mut listener).await, sorted(&[invitations]));
    d.mail_sent(mail.id).await.unwrap();
    assert_eq!(heard(&t, &mut listener).await, sorted(&[invitations]));
    let again = d.resend_invitation(a, &t.slug, sent.id).await.unwrap();
    assert_eq!(heard(&t, &mut listener).await, sorted(&[invitations, Hint::Mail]));
    d.open_invitation(&again.token).await.unwrap();
    assert!(heard(&t, &mut listener).await.is_empty());
    d.accept_invitation(&t.stranger.actor, &again.token).await.unwrap();
    assert_eq!(
        heard(&t, &mut listener).await,
        sorted(&[Hint::Organization(t.organization), Hint::User(t.stranger.id)])
    );
    let sent = d.invite_member(a, &t.slug, "nina@new.test").await.unwrap();
    d.revoke_invitation(a, &t.slug, sent.id).await.unwrap();
    assert_eq!(
        heard(&t, &mut listener).await,
        sorted(&[invitations, invitations, Hint::Mail])
    );
    d.request_password_reset(&anonymous(), &t.maya.email).await.unwrap();
    assert_eq!(heard(&t, &mut listener).await, sorted(&[Hint::Mail]));
    // Whether there is an account is found out by whoever makes the mail (X6).
    d.request_password_reset(&anonymous(), "nobody@acme.test")
        .await
        .unwrap();
    assert_eq!(heard(&t, &mut listener).await, sorted(&[Hint::Mail]));
}

/// E5: every place that a deleted person was in, and they themselves.
#[sqlx::test]
async fn a_deleted_account_is_told_to_whom_it_concerns(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let maya = t.sign_in(&t.maya).await;
    let eve = t.sign_in(&t.eve).await;
    let mut listener = listener(&t).await;
    t.directory.delete_account(&maya, PASSWORD).await.unwrap();
    let expected = sorted(&[Hint::Organization(t.organization), Hint::User(maya.id())]);
    assert_eq!(heard(&t, &mut listener).await, expected);
    t.directory.delete_account(&eve, PASSWORD).await.unwrap();
    assert_eq!(
        heard(&t, &mut listener).await,
        sorted(&[Hint::Project(t.research.id), Hint::User(eve.id())])
    );
}

#[sqlx::test]
async fn what_is_refused_sends_no_hint(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug) = (&t.directory, &t.research.slug);
    let mut listener = listener(&t).await;
    d.add_collaborator(&t.maya.actor, slug, &t.noah.email)
        .await
        .unwrap_err();
    d.add_collaborator(&t.lead.actor, slug, &t.maya.email)
        .await
        .unwrap_err();
    d.remove_collaborator(&t.lead.actor, slug, t.owner.id, &[])
        .await
        .unwrap_err();
    d.remove_member(&t.owner.actor, &t.slug, t.owner.id).await.unwrap_err();
    d.invite_member(&t.owner.actor, &t.slug, &t.maya.email)
        .await
        .unwrap_err();
    d.transfer_ownership(&t.owner.actor, &t.slug, t.admin.id, "")
        .await
        .unwrap_err();
    d.create_project(&t.owner.actor, &t.slug, &name("Taken"), slug)
        .await
        .unwrap_err();
    d.sign_in(&anonymous(), "nobody@acme.test", PASSWORD).await.unwrap_err();
    // Refused late, with the change made already: two want one slug.
    let wanted = crate::ProjectChange {
        slug: t.production.slug.clone(),
        ..t.settings(&t.research).await
    };
    d.update_project(&t.lead.actor, slug, &wanted).await.unwrap_err();
    assert!(heard(&t, &mut listener).await.is_empty());
}

/// E5, K7: whoever looks at a project hears of each change to its keys, and of a key that was shown to be revoked.
#[sqlx::test]
async fn k7_each_change_to_a_key_tells_those_who_look_at_its_project(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, a, slug) = (&t.directory, &t.lead.actor, &t.research.slug);
    let mut listener = listener(&t).await;
    let told = sorted(&[Hint::Project(t.research.id)]);
    let ci = name("CI");
    let key = d.create_api_key(a, slug, &ci, KeyScope::Manage, None).await.unwrap();
    assert_eq!(heard(&t, &mut listener).await, told);
    d.set_api_key_expiration(a, slug, key.id, None).await.unwrap();
    assert_eq!(heard(&t, &mut listener).await, told);
    let next = d.rotate_api_key(a, slug, key.id, Duration::HOUR, None).await.unwrap();
    assert!(heard(&t, &mut listener).await.iter().all(|hint| told.contains(hint)));
    d.revoke_api_key(a, slug, key.id).await.unwrap();
    assert_eq!(heard(&t, &mut listener).await, told);
    d.revoke_presented_key(&anonymous(), &next.secret).await.unwrap();
    assert_eq!(heard(&t, &mut listener).await, told);
    let theirs = d
        .create_api_key(&t.maya.actor, slug, &ci, KeyScope::Use, None)
        .await
        .unwrap();
    assert_eq!(heard(&t, &mut listener).await, told);
    d.remove_collaborator(a, slug, t.maya.id, &[(theirs.id, policy::KeyFate::Revoke)])
        .await
        .unwrap();
    assert_eq!(
        heard(&t, &mut listener).await,
        sorted(&[Hint::Project(t.research.id), Hint::User(t.maya.id)])
    );
    let default = sorted(&[Hint::Project(t.default.id)]);
    let key = d.regenerate_default_key(&t.owner.actor, &t.default.slug).await.unwrap();
    assert_eq!(heard(&t, &mut listener).await, default);
    d.revoke_presented_key(&anonymous(), &key.secret).await.unwrap();
    assert_eq!(heard(&t, &mut listener).await, default);

    // What is refused is told to nobody; nor is a use of a key.
    let alive = d.create_api_key(a, slug, &ci, KeyScope::Manage, None).await.unwrap();
    heard(&t, &mut listener).await;
    d.revoke_api_key(a, slug, next.id).await.unwrap_err();
    d.rotate_api_key(&t.eve.actor, slug, alive.id, Duration::HOUR, None)
        .await
        .unwrap_err();
    d.regenerate_default_key(&t.admin.actor, &t.default.slug)
        .await
        .unwrap_err();
    d.authenticate_key(&alive.secret, origin()).await.unwrap();
    assert!(heard(&t, &mut listener).await.is_empty());
}

/// Whoever hears a hint finds the change made; what fails in the end was never heard of.
#[sqlx::test]
async fn a_hint_comes_after_the_commit_and_not_at_all_without_one(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug) = (&t.directory, &t.research.slug);
    let mut hints = d.hints().await.unwrap();
    d.add_collaborator(&t.lead.actor, slug, &t.noah.email).await.unwrap();
    assert_eq!(hints.next().await.unwrap(), Hint::Project(t.research.id));
    assert!(t.sees(&t.research, &t.noah).await);
    assert_eq!(hints.next().await.unwrap(), Hint::User(t.noah.id));

    // A fault at the very end, at the commit itself.
    sql(
        &pool,
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';
         CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON audit_events DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION fail()",
    )
    .await;
    let mut listener = listener(&t).await;
    d.remove_collaborator(&t.lead.actor, slug, t.noah.id, &[])
        .await
        .unwrap_err();
    assert!(heard(&t, &mut listener).await.is_empty());
    assert!(t.sees(&t.research, &t.noah).await);
}

#[test]
fn a_hint_is_read_back_from_its_text_and_nothing_else_is_one() {
    let id = uuid::Uuid::now_v7();
    for hint in [
        Hint::Organization(policy::OrganizationId(id)),
        Hint::Project(policy::ProjectId(id)),
        Hint::User(policy::UserId(id)),
        Hint::Mail,
    ] {
        assert_eq!(hint.to_string().parse(), Ok(hint));
    }
    for text in [
        "",
        "mark",
        "user",
        "user x",
        "nobody 01893c5a-7e00-7000-8000-000000000001",
    ] {
        assert_eq!(text.parse::<Hint>(), Err(()), "{text}");
    }
}
