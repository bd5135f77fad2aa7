//! A1 to A3: what was done and what was refused is written down, once, for good, and without a secret.

use policy::{OrganizationRole, ProjectRole, Refusal};
use sqlx::PgPool;

use super::fixture::{
    OTHER_PASSWORD, PASSWORD, Tenant, account, actor, anonymous, count, email, events, in_days, in_seconds, name,
    nowhere as dead_link, origin, password, refusal, refused_by_database, slug, sql, take_link, without_schema,
};
use crate::{Directory, LinkToken, Principal, ProjectChange, SessionToken, Target};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMftuJW0uUz2Kyopq2B+vhXt7u/fEqf0qAocmZ7tmyuu";

/// Does everything there is to do with links, and has everything refused that can be. Answers the links and session
/// tokens given out on the way.
async fn everything_with_links(t: &Tenant) -> (Vec<LinkToken>, Vec<SessionToken>) {
    let d = &t.directory;
    let owner = &t.owner.actor;
    let mut links = Vec::new();
    let mut tokens = Vec::new();
    for address in ["nora@new.test", "norman@new.test"] {
        let sent = t.invite(address).await;
        links.push(sent.token);
        let again = d.resend_invitation(owner, &t.slug, sent.id).await.unwrap();
        d.accept_invitation(&t.maya.actor, &again.token).await.unwrap_err();
        links.push(again.token);
        let mail = take_link(d).await;
        let link = mail.link().clone();
        d.mail_sent(mail.id).await.unwrap();
        let accepted = d
            .accept_invitation_as_new(&anonymous(), &link, name("Nora New"), password(PASSWORD))
            .await;
        tokens.push(accepted.unwrap().0.token);
        d.accept_invitation_as_new(&anonymous(), &link, name("Nora New"), password(OTHER_PASSWORD))
            .await
            .unwrap_err();
        links.push(link);
        d.revoke_invitation(owner, &t.slug, sent.id).await.unwrap_err();
        d.request_password_reset(&anonymous(), address).await.unwrap();
        let link = take_link(d).await.link().clone();
        let reset = d
            .reset_password(&anonymous(), &link, password(OTHER_PASSWORD), false)
            .await
            .unwrap();
        d.reset_password(&anonymous(), &link, password(PASSWORD), false)
            .await
            .unwrap_err();
        links.push(link);
        tokens.push(reset.token);
    }
    let revoked = t.invite("nick@new.test").await;
    d.revoke_invitation(owner, &t.slug, revoked.id).await.unwrap();
    links.push(revoked.token);
    let nora = actor(d, &tokens[1]).await;
    d.add_ssh_key(&nora, "Laptop", KEY).await.unwrap();
    d.change_name(&nora, &name("Nora Other")).await.unwrap();
    d.end_other_sessions(&nora).await.unwrap();
    d.delete_account(&nora, PASSWORD).await.unwrap_err();
    d.delete_account(&nora, OTHER_PASSWORD).await.unwrap();
    let called = slug("audited");
    d.create_project(owner, &t.slug, &name("Audited"), &called)
        .await
        .unwrap();
    d.delete_project(owner, &called, "audited").await.unwrap();
    d.update_organization(owner, &t.slug, &name("Acme Labs"), &t.slug)
        .await
        .unwrap();
    d.transfer_ownership(owner, &t.slug, t.admin.id, "Acme Labs")
        .await
        .unwrap();
    (links, tokens)
}

/// Does everything there is to do, and has everything refused that can be. Answers the tokens given out on the way.
async fn everything(t: &Tenant) -> Vec<SessionToken> {
    let d = &t.directory;
    let project = &t.research.slug;
    let mut tokens = Vec::new();
    let session = d
        .sign_up(&anonymous(), account("Nina New", "nina@new.test"))
        .await
        .unwrap();
    let nina = d.session(&session.token).await.unwrap().unwrap().principal(origin());
    tokens.push(session.token);
    tokens.push(d.sign_in(&anonymous(), "nina@new.test", PASSWORD).await.unwrap().token);
    d.sign_up(&anonymous(), account("Nina New", "nina@new.test"))
        .await
        .unwrap_err();
    d.sign_in(&anonymous(), "nina@new.test", OTHER_PASSWORD)
        .await
        .unwrap_err();
    d.sign_in(&anonymous(), "nobody@new.test", OTHER_PASSWORD)
        .await
        .unwrap_err();
    d.change_password(&nina, OTHER_PASSWORD, password(OTHER_PASSWORD))
        .await
        .unwrap_err();
    d.change_password(&nina, PASSWORD, password(OTHER_PASSWORD))
        .await
        .unwrap();
    d.set_password(&Principal::operator(), &email("nina@new.test"), password(PASSWORD))
        .await
        .unwrap();
    tokens.push(d.sign_in(&anonymous(), "nina@new.test", PASSWORD).await.unwrap().token);
    d.create_user(&Principal::operator(), account("Otto Operator", "otto@new.test"))
        .await
        .unwrap();
    d.create_user(&Principal::operator(), account("Otto Operator", "otto@new.test"))
        .await
        .unwrap_err();
    for actor in [&t.lead.actor, &t.maya.actor, &t.stranger.actor] {
        let _ = d.add_collaborator(actor, project, "nina@new.test").await;
        let _ = d.add_collaborator(actor, project, "nobody@new.test").await;
        let _ = d.add_collaborator(actor, project, "no address").await;
        let _ = d
            .change_collaborator_role(actor, project, nina.id(), ProjectRole::Admin)
            .await;
        let _ = d.set_collaborator_end_date(actor, project, nina.id(), None).await;
        let _ = d.remove_collaborator(actor, project, nina.id(), &[]).await;
        let _ = d.remove_externals(actor, project, &[]).await;
        let _ = d
            .update_project(
                actor,
                project,
                &ProjectChange {
                    slug: slug("vision"),
                    ..t.settings(&t.production).await
                },
            )
            .await;
    }
    for actor in [&t.stranger.actor, &t.maya.actor, &t.owner.actor] {
        let _ = d
            .change_member_role(actor, &t.slug, t.noah.id, OrganizationRole::Admin)
            .await;
        let _ = d.remove_member(actor, &t.slug, t.noah.id).await;
        let _ = d.remove_member(actor, &t.slug, t.owner.id).await;
    }
    d.sign_out(&nina).await.unwrap();
    tokens
}

/// A1: each refusal leaves one row, too, with who, what, why and in which request; and nothing "after".
#[sqlx::test]
async fn each_refusal_is_audited_once(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, project) = (&t.directory, &t.research.slug);
    let settings = t.settings(&t.research).await;
    let taken = ProjectChange {
        slug: t.production.slug.clone(),
        ..settings.clone()
    };
    let nowhere = slug("no-such-project");
    let (lead, maya, owner) = (&t.lead.actor, &t.maya.actor, &t.owner.actor);
    macro_rules! refused {
        ($($actor:expr, $action:literal, $code:literal, $target:expr, $doing:expr;)*) => {$({
            // In a box each, or all of them are on one stack.
            let (done, events) = t.audited(Box::pin(async { $doing.await.map(|_| ()) })).await;
            assert_eq!(refusal(done).code(), $code);
            let [event] = &events[..] else { panic!("{events:?}") };
            assert_eq!((event.action.as_str(), event.refusal.as_deref()), ($action, Some($code)));
            assert_eq!((event.actor_kind.as_str(), event.actor_id), ("user", Some($actor.id().0)));
            assert_eq!(event.credential, format!("session {}", $actor.session().unwrap()));
            assert_eq!(event.target_id, $target, "{}", $action);
            assert_eq!(event.after, None);
            assert_eq!((event.address.as_str(), event.request_id.as_str()), ("192.0.2.7", "request-1"));
        })*};
    }
    refused! {
        maya, "collaborator:add", "forbidden", None, d.add_collaborator(maya, project, &t.noah.email);
        lead, "collaborator:add", "user_not_found", None, d.add_collaborator(lead, project, "nobody@acme.test");
        owner, "collaborator:add", "not_found", None, d.add_collaborator(owner, &nowhere, &t.noah.email);
        maya, "collaborator:update_role", "forbidden", Some(t.lead.id.0),
            d.change_collaborator_role(maya, project, t.lead.id, ProjectRole::Member);
        lead, "collaborator:update_role", "owner_protected", Some(t.owner.id.0),
            d.change_collaborator_role(lead, project, t.owner.id, ProjectRole::Member);
        lead, "collaborator:update_role", "end_date_invalid", Some(t.maya.id.0),
            d.set_collaborator_end_date(lead, project, t.maya.id, Some(time::OffsetDateTime::UNIX_EPOCH));
        lead, "collaborator:remove", "organization_admin_protected", Some(t.admin.id.0),
            d.remove_collaborator(lead, project, t.admin.id, &[]);
        maya, "collaborator:remove", "default_project_for_all", Some(t.maya.id.0),
            d.remove_collaborator(maya, &t.default.slug, t.maya.id, &[]);
        lead, "collaborator:remove", "not_a_collaborator", Some(t.noah.id.0), d.remove_collaborator(lead, project, t.noah.id, &[]);
        maya, "collaborator:remove", "forbidden", None, d.remove_externals(maya, project, &[]);
        maya, "project:update", "forbidden", None, d.update_project(maya, project, &settings);
        lead, "project:update", "slug_taken", None, d.update_project(lead, project, &taken);
        maya, "member:update_role", "forbidden", Some(t.noah.id.0),
            d.change_member_role(maya, &t.slug, t.noah.id, OrganizationRole::Admin);
        owner, "member:remove", "owner_protected", Some(t.owner.id.0), d.remove_member(owner, &t.slug, t.owner.id);
        owner, "member:remove", "not_a_member", Some(t.eve.id.0), d.remove_member(owner, &t.slug, t.eve.id);
    }
    let sent = t.invite("nina@new.test").await;
    let (absent, key) = (
        policy::InvitationId(uuid::Uuid::now_v7()),
        policy::SshKeyId(uuid::Uuid::now_v7()),
    );
    let session = policy::SessionId(uuid::Uuid::now_v7());
    let (title, free, taken) = (name("Vision"), slug("vision"), &t.production.slug);
    let (signed_in, admin) = (&t.sign_in(&t.owner).await, &t.admin.actor);
    refused! {
        maya, "member:invite", "forbidden", None, d.invite_member(maya, &t.slug, "nora@new.test");
        owner, "member:invite", "email_invalid", None, d.invite_member(owner, &t.slug, "no address");
        owner, "member:invite", "already_member", Some(t.noah.id.0), d.invite_member(owner, &t.slug, &t.noah.email);
        owner, "member:invite", "already_invited", None, d.invite_member(owner, &t.slug, "nina@new.test");
        owner, "member:invite", "not_found", None, d.invite_member(owner, &nowhere, "nora@new.test");
        maya, "invitation:resend", "forbidden", Some(sent.id.0), d.resend_invitation(maya, &t.slug, sent.id);
        owner, "invitation:resend", "not_found", Some(absent.0), d.resend_invitation(owner, &t.slug, absent);
        maya, "invitation:revoke", "forbidden", Some(sent.id.0), d.revoke_invitation(maya, &t.slug, sent.id);
        owner, "invitation:revoke", "not_found", Some(absent.0), d.revoke_invitation(owner, &t.slug, absent);
        maya, "invitation:accept", "invitation_for_another", Some(maya.id().0), d.accept_invitation(maya, &sent.token);
        maya, "invitation:accept", "not_found", Some(maya.id().0), d.accept_invitation(maya, &dead_link());
        maya, "organization:update", "forbidden", None, d.update_organization(maya, &t.slug, &title, &free);
        owner, "organization:update", "slug_taken", None,
            d.update_organization(owner, &t.slug, &title, &slug("acme-elsewhere"));
        admin, "organization:transfer", "owner_only", Some(maya.id().0),
            d.transfer_ownership(admin, &t.slug, maya.id(), "Acme Research");
        owner, "organization:transfer", "not_an_admin", Some(maya.id().0),
            d.transfer_ownership(owner, &t.slug, maya.id(), "Acme Research");
        owner, "organization:transfer", "confirmation_wrong", Some(admin.id().0),
            d.transfer_ownership(owner, &t.slug, admin.id(), "");
        admin, "organization:delete", "owner_only", None, d.delete_organization(admin, &t.slug, "Acme Research");
        owner, "organization:delete", "organization_in_use", None, d.delete_organization(owner, &t.slug, "Acme Research");
        maya, "project:create", "forbidden", None, d.create_project(maya, &t.slug, &title, &free);
        owner, "project:create", "slug_taken", None, d.create_project(owner, &t.slug, &title, taken);
        lead, "project:delete", "forbidden", None, d.delete_project(lead, project, project.as_str());
        owner, "project:delete", "default_project_kept", None,
            d.delete_project(owner, &t.default.slug, t.default.slug.as_str());
        owner, "project:delete", "confirmation_wrong", None, d.delete_project(owner, project, "");
        owner, "project:delete", "not_found", None, d.delete_project(owner, &nowhere, nowhere.as_str());
        maya, "session:end", "not_found", Some(session.0), d.end_session(maya, session);
        maya, "ssh_key:add", "ssh_key_invalid", Some(maya.id().0), d.add_ssh_key(maya, "", "no key");
        maya, "ssh_key:remove", "not_found", Some(key.0), d.remove_ssh_key(maya, key);
        signed_in, "user:delete", "owns_organization", Some(t.owner.id.0), d.delete_account(signed_in, PASSWORD);
        signed_in, "user:delete", "current_password_wrong", Some(t.owner.id.0), d.delete_account(signed_in, "");
        signed_in, "user:update_password", "current_password_wrong", Some(t.owner.id.0),
            d.change_password(signed_in, "", password(OTHER_PASSWORD));
    }
    d.set_additional_projects(&Principal::operator(), &t.slug, false)
        .await
        .unwrap();
    refused! {
        owner, "project:create", "projects_switched_off", None, d.create_project(owner, &t.slug, &title, &free);
    }
}

/// A1: without its row in the audit, a change is not made.
#[sqlx::test]
async fn nothing_is_done_that_cannot_be_audited(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    sql(
        &pool,
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';
         CREATE TRIGGER fail BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION fail()",
    )
    .await;
    let (d, slug) = (&t.directory, &t.research.slug);
    d.add_collaborator(&t.lead.actor, slug, &t.noah.email)
        .await
        .unwrap_err();
    d.remove_collaborator(&t.lead.actor, slug, t.maya.id, &[])
        .await
        .unwrap_err();
    d.remove_member(&t.owner.actor, &t.slug, t.admin.id).await.unwrap_err();
    d.invite_member(&t.owner.actor, &t.slug, "nina@new.test")
        .await
        .unwrap_err();
    d.create_project(&t.owner.actor, &t.slug, &name("Vision"), &"vision".parse().unwrap())
        .await
        .unwrap_err();
    d.delete_project(&t.owner.actor, slug, slug.as_str()).await.unwrap_err();
    d.add_ssh_key(&t.maya.actor, "", KEY).await.unwrap_err();
    for table in ["invitations", "invitation_tokens", "ssh_keys"] {
        assert_eq!(
            count(&pool, &format!("SELECT count(*) FROM {table}")).await,
            0,
            "{table}"
        );
    }
    assert_eq!(
        count(&pool, "SELECT count(*) FROM projects WHERE name = 'Vision'").await,
        0
    );
    assert!(!t.sees(&t.research, &t.noah).await);
    assert!(t.sees(&t.research, &t.maya).await);
    assert!(t.sees(&t.production, &t.admin).await);
}

/// A2: past the code, too; in the months it is kept in as well, and of the counts beside it.
#[sqlx::test]
async fn the_audit_can_only_be_added_to(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    for _ in 0..2 {
        t.directory
            .add_collaborator(&t.lead.actor, &t.research.slug, "no address")
            .await
            .unwrap_err();
    }
    let (before, month) = (events(&pool).await.len(), this_month(&pool).await);
    assert!(before > 0);
    let insert = "INSERT INTO audit_events SELECT * FROM audit_events LIMIT 1 ON CONFLICT (at, id) DO UPDATE SET action = 'nothing'";
    let mut forbidden = vec![insert.to_owned(), "TRUNCATE audit_repeats".to_owned()];
    for table in ["audit_events", &month] {
        forbidden.extend([
            format!("UPDATE {table} SET action = 'nothing'"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table}"),
            format!("TRUNCATE {table} CASCADE"),
        ]);
    }
    forbidden.extend(
        [
            "TRUNCATE audit_events_other",
            "DELETE FROM audit_repeats",
            "UPDATE audit_repeats SET count = 1",
            "UPDATE audit_repeats SET count = count",
            "UPDATE audit_repeats SET count = count + 1, event_id = gen_random_uuid()",
        ]
        .map(ToOwned::to_owned),
    );
    for sql in forbidden {
        assert_eq!(
            refused_by_database(&t.pool, &sql).await,
            "audit_events_append_only",
            "{sql}"
        );
    }
    assert_eq!(events(&pool).await.len(), before);
}

/// The partition of the present month.
async fn this_month(pool: &PgPool) -> String {
    sqlx::query_scalar("SELECT 'audit_events_' || to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')")
        .fetch_one(pool)
        .await
        .unwrap()
}

/// The partitions there are.
async fn months(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit_events'::regclass ORDER BY 1",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

/// A5: months that ended longer ago than the operator wants to keep go whole, those ahead are made, and nothing else is
/// taken away.
#[sqlx::test]
async fn a5_months_are_made_ahead_and_dropped_whole(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.directory
        .add_collaborator(&t.lead.actor, &t.research.slug, "no address")
        .await
        .unwrap_err();
    let kept = events(&pool).await.len();
    t.directory.keep_audit(400).await.unwrap();
    // This month and two ahead, and one for every time that has none.
    assert_eq!(months(&pool).await.len(), 4);
    assert_eq!(events(&pool).await.len(), kept);

    // Half a year later without a server: its rows find no month, and lose nothing by it.
    let later = in_days::<190>(&t.directory);
    later.keep_audit(400).await.unwrap();
    let unkept = in_days::<330>(&t.directory);
    unkept
        .add_collaborator(&t.lead.actor, &t.research.slug, "no address")
        .await
        .unwrap_err();
    assert_eq!(count(&pool, "SELECT count(*) FROM audit_events_other").await, 1);
    unkept.keep_audit(400).await.unwrap();
    assert_eq!(events(&pool).await.len(), kept + 1);

    // 400 days after the month's end it goes, with the counts that belong to it; the later row does not.
    let old = in_days::<440>(&t.directory);
    old.keep_audit(400).await.unwrap();
    assert_eq!(events(&pool).await.len(), 1);
    assert_eq!(count(&pool, "SELECT count(*) FROM audit_repeats").await, 0);
    let older = in_days::<740>(&t.directory);
    older.keep_audit(400).await.unwrap();
    assert_eq!(events(&pool).await.len(), 0);
    // It is there again for what comes, with its guard.
    assert_eq!(
        refused_by_database(&pool, "TRUNCATE audit_events_other").await,
        "audit_events_append_only"
    );
}

/// A5: the rows that were there before there were months are in them.
#[sqlx::test(migrations = false)]
async fn a5_the_audit_of_before_is_kept_in_its_months(pool: PgPool) {
    without_schema(&pool).await;
    let migrator = sqlx::migrate!();
    let split = |is_before: bool| sqlx::migrate::Migrator {
        migrations: migrator
            .iter()
            .filter(|migration| (migration.version < 20_261_126_000_004) == is_before)
            .cloned()
            .collect::<Vec<_>>()
            .into(),
        ignore_missing: true,
        ..sqlx::migrate::Migrator::DEFAULT
    };
    split(true).run(&pool).await.unwrap();
    sql(
        &pool,
        "INSERT INTO audit_events (id, at, actor_kind, credential, action, target, address, request_id)
         SELECT gen_random_uuid(), now() - make_interval(months => n), 'nobody', '', 'session:create', n::text, '', ''
         FROM generate_series(0, 4) n",
    )
    .await;
    split(false).run(&pool).await.unwrap();
    assert_eq!(
        count(&pool, "SELECT count(DISTINCT tableoid) FROM audit_events").await,
        5
    );
    assert_eq!(count(&pool, "SELECT sum(target::int) FROM audit_events").await, 10);
    assert_eq!(count(&pool, "SELECT count(*) FROM audit_events_other").await, 0);
}

/// A4: what is refused again in the same way is counted in its first row: by who, what, why and where.
#[sqlx::test]
async fn a4_refused_attempts_are_counted_in_their_first_row(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug) = (&t.directory, &t.research.slug);
    let tries = async |d: &Directory, actor: &Principal, email: &str| {
        d.add_collaborator(actor, slug, email).await.unwrap_err();
    };
    for _ in 0..5 {
        tries(d, &t.maya.actor, &t.noah.email).await;
    }
    // Another person, another reason: rows of their own. On whom isn't a kind: it is of their choosing.
    tries(d, &t.lead.actor, "nobody@acme.test").await;
    tries(d, &t.lead.actor, "somebody@acme.test").await;
    tries(d, &t.lead.actor, "no address").await;
    // And another window of time.
    tries(&in_seconds::<600>(d), &t.maya.actor, &t.noah.email).await;
    let page = d.project_audit(&t.owner.actor, slug, None, 100).await.unwrap();
    let mut refused: Vec<_> = page
        .events
        .iter()
        .filter_map(|event| {
            let why = event.refusal.clone()?;
            Some((why, event.target.clone().unwrap_or_default(), event.count))
        })
        .collect();
    refused.sort();
    let row = |why: &str, target: &str, count| (why.to_owned(), target.to_owned(), count);
    assert_eq!(
        refused,
        [
            row("email_invalid", "", 1),
            row("forbidden", &t.noah.email, 1),
            row("forbidden", &t.noah.email, 5),
            row("user_not_found", "nobody@acme.test", 2),
        ]
    );
    // What is done is written each time.
    for role in [ProjectRole::Admin, ProjectRole::Member, ProjectRole::Admin] {
        let (done, rows) = t
            .audited(d.change_collaborator_role(&t.owner.actor, slug, t.maya.id, role))
            .await;
        done.unwrap();
        assert_eq!(rows.len(), 1);
    }
}

/// A4: whoever has no access to a project or an organization leaves a trail for the operator, and not in its audit.
#[sqlx::test]
async fn a4_strangers_leave_no_trail_in_an_audit_of_others(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug, who) = (&t.directory, &t.research.slug, &t.stranger.actor);
    let settings = t.settings(&t.research).await;
    macro_rules! leaves {
        ($($doing:expr;)*) => {$({
            // In a box each, or all of them are on one stack.
            let (done, rows) = t.audited(Box::pin(async { $doing.await.map(|_| ()) })).await;
            assert_eq!(refusal(done), Refusal::Hidden);
            let [row] = &rows[..] else { panic!("{rows:?}") };
            assert_eq!((row.organization_id, row.project_id), (None, None), "{}", row.action);
            assert_eq!(row.actor_id, Some(who.id().0));
        })*};
    }
    leaves! {
        d.add_collaborator(who, slug, "BUY CHEAP GPUS");
        d.change_collaborator_role(who, slug, t.maya.id, ProjectRole::Admin);
        d.update_project(who, slug, &settings);
        d.delete_project(who, slug, slug.as_str());
        d.create_api_key(who, slug, &name("BUY"), policy::KeyScope::Use, None);
        d.authorize(who, policy::Permission::ProjectUpdate, Target::Project(&slug.clone().into()));
        d.invite_member(who, &t.slug, "BUY CHEAP GPUS");
        d.remove_member(who, &t.slug, t.noah.id);
        d.create_project(who, &t.slug, &name("BUY"), &"buy-cheap-gpus".parse().unwrap());
        d.update_organization(who, &t.slug, &name("BUY"), &t.slug);
        d.authorize(who, policy::Permission::MemberInvite, Target::Organization(&t.slug));
        d.transfer_ownership(who, &t.slug, who.id(), "");
        d.delete_organization(who, &t.slug, "");
        d.regenerate_default_key(who, &t.default.slug);
    }
    assert_eq!(
        count(
            &pool,
            "SELECT count(*) FROM audit_events e WHERE e::text LIKE '%CHEAP GPUS%'"
        )
        .await,
        0
    );
}

/// A3: no password, no token, no hash of either, whatever was done or refused.
#[sqlx::test]
async fn no_secret_is_ever_in_the_audit(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let mut tokens = everything(&t).await;
    let (links, more) = everything_with_links(&t).await;
    tokens.extend(more);
    let rows: Vec<String> = sqlx::query_scalar("SELECT e::text FROM audit_events e")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert!(rows.len() > 60, "{}", rows.len());
    let hashes: Vec<String> = sqlx::query_scalar(
        "SELECT password_hash FROM users WHERE email LIKE '%@new.test' UNION ALL SELECT encode(token_hash, 'hex') FROM sessions
         UNION ALL SELECT encode(token_hash, 'hex') FROM invitation_tokens",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert!(hashes.len() >= 3);
    let mut secrets: Vec<String> = tokens.iter().map(SessionToken::reveal).collect();
    secrets.extend(links.iter().map(LinkToken::reveal));
    secrets.extend(hashes);
    secrets.extend([PASSWORD, OTHER_PASSWORD, "argon2", "password_hash", "token"].map(str::to_owned));
    for row in rows {
        for secret in &secrets {
            assert!(!row.contains(secret.as_str()), "{secret} in {row}");
        }
    }
}

/// A2: project Admins read their project's, in pages, the latest first; nobody else does, and nothing else is in it.
#[sqlx::test]
async fn project_admins_read_their_projects_audit(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let other = Tenant::named(&pool, "other").await;
    let (d, slug) = (&t.directory, &t.research.slug);
    for role in [ProjectRole::Admin, ProjectRole::Member, ProjectRole::Admin] {
        d.change_collaborator_role(&t.lead.actor, slug, t.maya.id, role)
            .await
            .unwrap();
    }
    d.change_collaborator_role(&t.lead.actor, slug, t.maya.id, ProjectRole::Member)
        .await
        .unwrap();
    d.add_collaborator(&t.maya.actor, slug, &t.noah.email)
        .await
        .unwrap_err();
    // Who has no access is the operator's affair (A4).
    d.add_collaborator(&t.stranger.actor, slug, &t.noah.email)
        .await
        .unwrap_err();
    d.add_collaborator(&t.owner.actor, &t.production.slug, &t.noah.email)
        .await
        .unwrap();
    other
        .directory
        .remove_collaborator(&other.owner.actor, &other.research.slug, other.maya.id, &[])
        .await
        .unwrap();

    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = d.project_audit(&t.lead.actor, slug, after, 2).await.unwrap();
        assert!(page.events.len() <= 2);
        seen.extend(page.events);
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    let actions: Vec<_> = seen
        .iter()
        .map(|event| (event.action.as_str(), event.refusal.as_deref()))
        .collect();
    let mut expected = vec![("collaborator:add", Some("forbidden"))];
    expected.extend([("collaborator:update_role", None); 4]);
    assert_eq!(actions, expected);
    let stored = events(&pool)
        .await
        .into_iter()
        .find(|event| event.event_id() == seen[0].id)
        .unwrap();
    assert_eq!(
        (stored.target, stored.actor_id),
        (seen[0].target.clone(), Some(t.maya.id.0))
    );
    assert!(
        seen.windows(2)
            .all(|pair| pair[0].id > pair[1].id && pair[0].at >= pair[1].at)
    );

    for (person, expected) in [
        (&t.maya, Refusal::Forbidden(policy::Permission::AuditRead)),
        (&t.eve, Refusal::Forbidden(policy::Permission::AuditRead)),
        (&t.noah, Refusal::Hidden),
        (&other.owner, Refusal::Hidden),
    ] {
        assert_eq!(refusal(d.project_audit(&person.actor, slug, None, 10).await), expected);
    }
}
