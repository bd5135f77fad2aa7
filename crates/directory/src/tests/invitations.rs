//! M2 to M5, M7, O2, X4: invitations, from sending to accepting.

use policy::{
    Because, InvitationId, OrganizationRole, OrganizationStanding, Permission, ProjectRole, ProjectStanding, Refusal,
    Slug,
};
use serde_json::json;
use sqlx::PgPool;
use time::Duration;
use uuid::Uuid;

use super::fixture::{
    Event, OTHER_PASSWORD, PASSWORD, Person, Tenant, account, actor, anonymous, count, email, in_days, in_seconds,
    name, nowhere, origin, password, refusal, refused_by_database, slug,
};
use crate::{
    Delivery, Directory, Invitation, InvitationQuery, InvitationState, LinkToken, NewInvitation, Principal, Result,
    Settings, attempts::Limit,
};

const NINA: &str = "nina@new.test";
const WEEK: i64 = 7 * 24 * 60 * 60;

fn query(state: Option<InvitationState>) -> InvitationQuery {
    InvitationQuery {
        state,
        limit: 100,
        ..InvitationQuery::default()
    }
}

/// Accepts as somebody new, and answers with a name of their own.
async fn accept_as_new(d: &Directory, token: &LinkToken) -> Result<Slug> {
    let accepted = d
        .accept_invitation_as_new(&anonymous(), token, name("Nina New"), password(PASSWORD))
        .await;
    accepted.map(|(_, joined)| joined.default_project)
}

impl Tenant {
    async fn listed(&self, state: Option<InvitationState>) -> Vec<Invitation> {
        self.directory
            .invitations(&self.owner.actor, &self.slug, &query(state))
            .await
            .unwrap()
            .rows
    }

    async fn state(&self, token: &LinkToken) -> InvitationState {
        self.directory.open_invitation(token).await.unwrap().state
    }

    /// Nina, with an account.
    async fn nina(&self) -> Person {
        self.someone("Nina New", NINA).await
    }

    async fn members_now(&self) -> i64 {
        count(&self.pool, "SELECT count(*) FROM members").await
    }
}

/// M2, R2, X3: inviting, sending again, revoking and reading who was invited are for Admins; to those outside there is
/// nothing.
#[sqlx::test]
async fn only_admins_have_to_do_with_invitations(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let sent = t.invite(NINA).await;
    let answers = async |who: &Person, organization: &Slug| {
        let a = &who.actor;
        [
            refusal(d.invitations(&who.actor, organization, &query(None)).await),
            refusal(d.invite_member(a, organization, "nora@new.test").await),
            refusal(d.invite_member(a, organization, "no address").await),
            refusal(d.resend_invitation(a, organization, sent.id).await),
            refusal(d.resend_invitation(a, organization, InvitationId(Uuid::now_v7())).await),
            refusal(d.revoke_invitation(a, organization, sent.id).await),
        ]
    };
    for who in [&t.lead, &t.maya, &t.noah] {
        let forbidden = Refusal::Forbidden(Permission::MemberInvite);
        assert_eq!(answers(who, &t.slug).await, [forbidden; 6]);
    }
    for who in [&t.eve, &t.stranger] {
        assert_eq!(answers(who, &t.slug).await, [Refusal::Hidden; 6]);
        assert_eq!(answers(who, &slug("no-such-organization")).await, [Refusal::Hidden; 6]);
    }
    assert_eq!(t.state(&sent.token).await, InvitationState::Pending);
    // An Admin elsewhere finds nothing of this organization's there.
    let elsewhere = slug("acme-elsewhere");
    for outcome in [
        d.resend_invitation(&t.stranger.actor, &elsewhere, sent.id)
            .await
            .map(drop),
        d.revoke_invitation(&t.stranger.actor, &elsewhere, sent.id)
            .await
            .map(drop),
    ] {
        assert_eq!(refusal(outcome), Refusal::Hidden);
    }
    d.invite_member(&t.admin.actor, &t.slug, "nora@new.test").await.unwrap();
    assert_eq!(t.listed(None).await.len(), 2);
}

/// M4, M5, O2: the account is made inside the inviting organization and owns none; it is a Member, in the Default
/// Project at once, and signed in.
#[sqlx::test]
async fn somebody_new_accepts_into_the_inviting_organization_alone(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let sent = t.invite(NINA).await;
    let organizations = count(&pool, "SELECT count(*) FROM organizations").await;
    let opened = d.open_invitation(&sent.token).await.unwrap();
    assert_eq!(opened.organization.as_str(), "Acme Research");
    assert_eq!((opened.email.as_str(), opened.has_account), (NINA, false));
    assert_eq!(opened.invited_by.unwrap().as_str(), "Olivia Owner");
    assert_eq!(t.listed(None).await.len(), 1, "M4: looking accepts nothing");

    let accepted = d
        .accept_invitation_as_new(&anonymous(), &sent.token, name("Nina New"), password(PASSWORD))
        .await;
    let (session, joined) = accepted.unwrap();
    assert_eq!(
        (joined.organization.as_str(), &joined.default_project),
        ("Acme Research", &t.default.slug)
    );
    let session = d.session(&session.token).await.unwrap().unwrap();
    assert_eq!((session.name.as_str(), session.email.as_str()), ("Nina New", NINA));
    let nina = session.principal(origin());
    let seen = d.organizations_of(&nina, 10).await.unwrap();
    let seen: Vec<_> = seen.iter().map(|one| (one.slug.as_str(), one.standing)).collect();
    let member = OrganizationStanding::Member(OrganizationRole::Member);
    assert_eq!(seen, [("acme", Some(member))]);
    assert_eq!(count(&pool, "SELECT count(*) FROM organizations").await, organizations);
    let place = d.project(&nina, &t.default.slug).await.unwrap().standing.project;
    let expected = ProjectStanding {
        role: ProjectRole::Member,
        because: Because::OrganizationMember,
    };
    assert_eq!(place, Some(expected));
    let row = d.member(&t.maya.actor, &t.slug, session.user).await.unwrap();
    assert_eq!(row.added_by.unwrap().as_str(), "Olivia Owner");
    assert_eq!(t.state(&sent.token).await, InvitationState::Accepted);
    d.sign_in(&anonymous(), NINA, PASSWORD).await.unwrap();
}

/// O2, M5: an account that is there is added, and keeps what it has elsewhere.
#[sqlx::test]
async fn somebody_with_an_account_accepts_signed_in(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let sent = t.invite(" SAM@Acme.TEST ").await;
    assert_eq!(sent.email.as_str(), t.stranger.email, "M3: compared without case");
    assert!(t.directory.open_invitation(&sent.token).await.unwrap().has_account);
    let joined = t
        .directory
        .accept_invitation(&t.stranger.actor, &sent.token)
        .await
        .unwrap();
    assert_eq!(joined.default_project, t.default.slug);
    assert!(t.sees(&t.default, &t.stranger).await);
    assert!(!t.sees(&t.research, &t.stranger).await && !t.sees(&t.production, &t.stranger).await);
    let seen = t.directory.organizations_of(&t.stranger.actor, 10).await.unwrap();
    let seen: Vec<_> = seen.iter().map(|one| (one.slug.as_str(), one.standing)).collect();
    let member = OrganizationStanding::Member(OrganizationRole::Member);
    assert_eq!(
        seen,
        [
            ("acme", Some(member)),
            ("acme-elsewhere", Some(OrganizationStanding::Owner))
        ]
    );
}

/// M4: with the link of another address nothing is accepted, and nothing is learned of what has become of it.
#[sqlx::test]
async fn a_link_for_another_address_accepts_nothing_whatever_its_state(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let (pending, revoked, accepted) = (
        t.invite("a@new.test").await,
        t.invite("b@new.test").await,
        t.invite(NINA).await,
    );
    d.revoke_invitation(&t.owner.actor, &t.slug, revoked.id).await.unwrap();
    accept_as_new(d, &accepted.token).await.unwrap();
    let before = t.members_now().await;
    for who in [&t.stranger, &t.eve, &t.maya, &t.owner] {
        for token in [&pending.token, &revoked.token, &accepted.token] {
            let outcome = d.accept_invitation(&who.actor, token).await;
            assert_eq!(refusal(outcome), Refusal::InvitationForAnother);
        }
        let later = in_days::<8>(d).accept_invitation(&who.actor, &pending.token).await;
        assert_eq!(refusal(later), Refusal::InvitationForAnother, "expired");
        assert_eq!(
            refusal(d.accept_invitation(&who.actor, &nowhere()).await),
            Refusal::Hidden
        );
    }
    assert_eq!(t.members_now().await, before);
    assert_eq!(t.state(&pending.token).await, InvitationState::Pending);
}

/// M3: a link works once, by either door.
#[sqlx::test]
async fn a_link_works_once(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let sent = t.invite(NINA).await;
    let nina = t.accept_as_new(&sent.token, "Nina New").await;
    for _ in 0..2 {
        assert_eq!(
            refusal(d.accept_invitation(&nina, &sent.token).await),
            Refusal::InvitationAccepted
        );
        assert_eq!(
            refusal(accept_as_new(d, &sent.token).await),
            Refusal::InvitationAccepted
        );
    }
    d.remove_member(&t.owner.actor, &t.slug, nina.id()).await.unwrap();
    assert_eq!(
        refusal(d.accept_invitation(&nina, &sent.token).await),
        Refusal::InvitationAccepted
    );
    assert!(!t.has_member(&nina).await);
}

/// M3: after seven days to the second it is expired: listed as that, accepted by no door, and no obstacle to a new one.
#[sqlx::test]
async fn an_invitation_lapses_after_seven_days_and_blocks_no_new_one(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let nina = t.nina().await;
    let sent = t.invite(NINA).await;
    let [row] = &t.listed(None).await[..] else { panic!() };
    assert_eq!(row.expires_at - row.sent_at, Duration::days(7));
    assert_eq!(row.state, InvitationState::Pending);
    let just_before = in_seconds::<{ WEEK - 60 }>(&t.directory);
    assert_eq!(
        just_before.open_invitation(&sent.token).await.unwrap().state,
        InvitationState::Pending
    );
    let d = in_seconds::<{ WEEK + 1 }>(&t.directory);
    assert_eq!(
        d.open_invitation(&sent.token).await.unwrap().state,
        InvitationState::Expired
    );
    assert_eq!(
        refusal(d.accept_invitation(&nina.actor, &sent.token).await),
        Refusal::InvitationExpired
    );
    assert_eq!(
        refusal(accept_as_new(&d, &sent.token).await),
        Refusal::InvitationExpired
    );
    for (state, expected) in [
        (None, 1),
        (Some(InvitationState::Expired), 1),
        (Some(InvitationState::Pending), 0),
        (Some(InvitationState::Revoked), 0),
    ] {
        let rows = d
            .invitations(&t.owner.actor, &t.slug, &query(state))
            .await
            .unwrap()
            .rows;
        assert_eq!(rows.len(), expected, "{state:?}");
        assert!(rows.iter().all(|row| row.state == InvitationState::Expired));
    }
    // It becomes a new one, by another Admin, with a new link and new seven days.
    let again = d.invite_member(&t.admin.actor, &t.slug, "NINA@new.test").await.unwrap();
    assert_eq!(
        refusal(d.open_invitation(&sent.token).await),
        Refusal::Hidden,
        "the old link is dead"
    );
    let opened = d.open_invitation(&again.token).await.unwrap();
    assert_eq!(
        (opened.state, opened.invited_by.unwrap().as_str()),
        (InvitationState::Pending, "Adam Admin")
    );
    assert_eq!(
        d.invitations(&t.owner.actor, &t.slug, &query(None))
            .await
            .unwrap()
            .rows
            .len(),
        1
    );
    in_seconds::<{ 2 * WEEK - 60 }>(&t.directory)
        .accept_invitation(&nina.actor, &again.token)
        .await
        .unwrap();
    assert!(t.has_member(&nina.actor).await);
}

/// M3: sending again makes a new link for another seven days, also of an expired one; every old link is dead.
#[sqlx::test]
async fn sending_again_replaces_the_link(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let nina = t.nina().await;
    let sent = t.invite(NINA).await;
    let mailed = t.directory.take_mail().await.unwrap().unwrap().link().clone();
    let d = in_days::<8>(&t.directory);
    let again = d.resend_invitation(&t.admin.actor, &t.slug, sent.id).await.unwrap();
    assert_eq!((again.id, again.email.as_str()), (sent.id, NINA));
    for old in [&sent.token, &mailed] {
        assert_eq!(refusal(d.open_invitation(old).await), Refusal::Hidden);
        assert_eq!(refusal(d.accept_invitation(&nina.actor, old).await), Refusal::Hidden);
        assert_eq!(refusal(accept_as_new(&d, old).await), Refusal::Hidden);
    }
    let opened = d.open_invitation(&again.token).await.unwrap();
    assert_eq!(
        (opened.state, opened.invited_by.unwrap().as_str()),
        (InvitationState::Pending, "Adam Admin")
    );
    let once_more = in_days::<9>(&t.directory)
        .resend_invitation(&t.owner.actor, &t.slug, sent.id)
        .await
        .unwrap();
    assert_eq!(refusal(d.open_invitation(&again.token).await), Refusal::Hidden);
    d.accept_invitation(&nina.actor, &once_more.token).await.unwrap();
}

/// M3: revoked is for good: the link is dead, nothing is left to send again or to revoke, and the address can be
/// invited anew.
#[sqlx::test]
async fn a_revoked_invitation_is_over(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, owner) = (&t.directory, &t.owner.actor);
    let nina = t.nina().await;
    let sent = t.invite(NINA).await;
    assert_eq!(
        d.revoke_invitation(owner, &t.slug, sent.id).await.unwrap().as_str(),
        NINA
    );
    assert_eq!(t.state(&sent.token).await, InvitationState::Revoked);
    assert_eq!(
        refusal(d.accept_invitation(&nina.actor, &sent.token).await),
        Refusal::InvitationRevoked
    );
    assert_eq!(refusal(accept_as_new(d, &sent.token).await), Refusal::InvitationRevoked);
    assert_eq!(
        refusal(d.revoke_invitation(owner, &t.slug, sent.id).await),
        Refusal::InvitationRevoked
    );
    assert_eq!(
        refusal(d.resend_invitation(owner, &t.slug, sent.id).await),
        Refusal::InvitationRevoked
    );
    assert!(t.listed(None).await.is_empty());
    assert_eq!(t.listed(Some(InvitationState::Revoked)).await.len(), 1);

    let again = t.invite(NINA).await;
    assert_ne!(again.id, sent.id);
    assert_eq!(
        refusal(d.accept_invitation(&nina.actor, &sent.token).await),
        Refusal::InvitationRevoked
    );
    d.accept_invitation(&nina.actor, &again.token).await.unwrap();
    assert_eq!(
        refusal(d.revoke_invitation(owner, &t.slug, again.id).await),
        Refusal::InvitationAccepted
    );
    assert_eq!(
        refusal(d.resend_invitation(owner, &t.slug, again.id).await),
        Refusal::InvitationAccepted
    );
}

/// M3: one open invitation per address and organization; whoever is a member needs none.
#[sqlx::test]
async fn an_address_has_one_open_invitation_and_a_member_none(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    t.invite(NINA).await;
    for (typed, expected) in [
        (NINA, Refusal::AlreadyInvited),
        ("  Nina@NEW.test", Refusal::AlreadyInvited),
        (t.maya.email.as_str(), Refusal::AlreadyMember),
        ("MAYA@acme.test ", Refusal::AlreadyMember),
        (&t.owner.email, Refusal::AlreadyMember),
        ("no address", Refusal::EmailInvalid),
        ("", Refusal::EmailInvalid),
    ] {
        let outcome = d.invite_member(&t.admin.actor, &t.slug, typed).await;
        assert_eq!(refusal(outcome), expected, "{typed:?}");
    }
    assert_eq!(t.listed(None).await.len(), 1);
    // In another organization the same address is invited by itself.
    let other = Tenant::named(&pool, "other").await;
    let elsewhere = other.invite(NINA).await;
    let nina = other.accept_as_new(&elsewhere.token, "Nina New").await;
    assert!(other.has_member(&nina).await && !t.has_member(&nina).await);
    assert_eq!(t.listed(None).await.len(), 1);
}

/// M3: past the code, too.
#[sqlx::test]
async fn the_database_refuses_a_second_open_invitation_and_two_ends(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.invite(NINA).await;
    let copy = "INSERT INTO invitations (organization_id, id, email, created_at, sent_at, expires_at)
                SELECT organization_id, gen_random_uuid(), email, now(), now(), now() FROM invitations";
    assert_eq!(refused_by_database(&pool, copy).await, "invitations_one_open_index");
    for (sql, constraint) in [
        (
            "UPDATE invitations SET accepted_at = now(), revoked_at = now()",
            "invitations_end_once",
        ),
        (
            "UPDATE invitations SET email = upper(email)",
            "invitations_email_is_lower_case",
        ),
        (
            "UPDATE invitation_tokens SET token_hash = 'short'",
            "invitation_tokens_hash_is_sha256",
        ),
        (
            "UPDATE invitation_tokens SET organization_id = gen_random_uuid()",
            "invitation_tokens_invitation_fkey",
        ),
    ] {
        assert_eq!(refused_by_database(&pool, sql).await, constraint, "{sql}");
    }
}

/// M7: whoever accepted and was removed can be invited again, and starts fresh.
#[sqlx::test]
async fn a_removed_member_is_invited_again_and_starts_fresh(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let first = t.invite(NINA).await;
    let nina = t.accept_as_new(&first.token, "Nina New").await;
    d.add_collaborator(&t.owner.actor, &t.research.slug, NINA)
        .await
        .unwrap();
    d.change_member_role(&t.owner.actor, &t.slug, nina.id(), OrganizationRole::Admin)
        .await
        .unwrap();
    d.remove_member(&t.owner.actor, &t.slug, nina.id()).await.unwrap();
    let second = t.invite(NINA).await;
    assert!(d.open_invitation(&second.token).await.unwrap().has_account);
    assert_eq!(
        refusal(d.accept_invitation(&nina, &first.token).await),
        Refusal::InvitationAccepted
    );
    d.accept_invitation(&nina, &second.token).await.unwrap();
    let seen = d.find_projects(&nina, None, "", 10).await.unwrap();
    let seen: Vec<_> = seen.iter().map(|project| &project.slug).collect();
    assert_eq!(seen, [&t.default.slug]);
    let place = d.member(&t.owner.actor, &t.slug, nina.id()).await.unwrap().standing;
    assert_eq!(place, OrganizationStanding::Member(OrganizationRole::Member));
    assert_eq!(t.listed(Some(InvitationState::Accepted)).await.len(), 2);
}

/// X4: an external who accepts keeps the project role, is external no more, and is in the Default Project.
#[sqlx::test]
async fn an_external_who_accepts_keeps_the_project_role(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    d.change_collaborator_role(&t.owner.actor, &t.research.slug, t.eve.id, ProjectRole::Admin)
        .await
        .unwrap();
    let sent = t.invite(&t.eve.email).await;
    d.accept_invitation(&t.eve.actor, &sent.token).await.unwrap();
    let expected = ProjectStanding {
        role: ProjectRole::Admin,
        because: Because::Added,
    };
    assert_eq!(t.standing(&t.research, &t.eve).await.project, Some(expected));
    assert!(t.sees(&t.default, &t.eve).await && !t.sees(&t.production, &t.eve).await);
    assert_eq!(d.count_externals(&t.owner.actor, &t.research.slug).await.unwrap(), 0);
}

/// O2: where the address got an account meanwhile, by whatever way, that account is to be used; and its owner can.
#[sqlx::test]
async fn an_address_that_got_an_account_meanwhile_signs_in_to_accept(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let sent = t.invite(NINA).await;
    let session = d.sign_up(&anonymous(), account("Nina New", NINA)).await.unwrap();
    let nina = actor(d, &session.token).await;
    assert!(d.open_invitation(&sent.token).await.unwrap().has_account);
    let taken_over = d
        .accept_invitation_as_new(&anonymous(), &sent.token, name("Mallory"), password(OTHER_PASSWORD))
        .await;
    assert_eq!(refusal(taken_over), Refusal::EmailTaken);
    assert_eq!(
        t.state(&sent.token).await,
        InvitationState::Pending,
        "it can still be accepted"
    );
    assert!(!t.has_member(&nina).await);
    d.sign_in(&anonymous(), NINA, PASSWORD).await.unwrap();
    d.accept_invitation(&nina, &sent.token).await.unwrap();
    assert_eq!(d.organizations_of(&nina, 10).await.unwrap().len(), 2);
}

/// O2: an invitation opens the door also where sign-up is closed.
#[sqlx::test]
async fn the_invited_make_accounts_where_nobody_else_does(pool: PgPool) {
    let t = Tenant::new(&pool).await.with_settings(Settings {
        open_sign_up: false,
        ..Settings::default()
    });
    let sent = t.invite(NINA).await;
    let nina = t.accept_as_new(&sent.token, "Nina New").await;
    assert!(t.has_member(&nina).await);
}

/// M3: whoever became a member by another way loses nothing by accepting.
#[sqlx::test]
async fn accepting_twice_over_takes_nothing_away(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let nina = t.nina().await;
    let sent = t.invite(NINA).await;
    t.join(&nina, OrganizationRole::Admin).await;
    t.directory.accept_invitation(&nina.actor, &sent.token).await.unwrap();
    assert_eq!(t.state(&sent.token).await, InvitationState::Accepted);
    assert_eq!(
        t.standing(&t.default, &nina).await.organization,
        Some(OrganizationStanding::Member(OrganizationRole::Admin))
    );
}

/// M3, A3: the secret of a link is in no table, in no audit row and in no log; only its SHA-256 is, and that opens
/// nothing.
#[sqlx::test]
async fn a_link_is_stored_only_as_a_hash(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let sent = t.invite(NINA).await;
    let mailed = t.directory.take_mail().await.unwrap().unwrap();
    t.directory.mail_failed(mailed.id, false).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert!(tables.contains(&"outbox".to_owned()));
    for token in [&sent.token, mailed.link()] {
        let hex: String = base64_bytes(token).iter().map(|byte| format!("{byte:02x}")).collect();
        for table in &tables {
            let found = format!(
                "SELECT count(*) FROM {table} t WHERE t::text LIKE '%{hex}%' OR t::text LIKE '%{}%'",
                token.reveal()
            );
            assert_eq!(count(&pool, &found).await, 0, "{table}");
        }
        assert_eq!(format!("{token:?}"), "LinkToken(…)");
        assert_eq!(&LinkToken::parse(&token.reveal()).unwrap(), token);
    }
    assert!(!format!("{sent:?} {mailed:?}").contains(&sent.token.reveal()));
    let hashes: Vec<Vec<u8>> = sqlx::query_scalar("SELECT token_hash FROM invitation_tokens")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(hashes.len(), 2, "the one to copy and the one mailed");
    for hash in hashes {
        let as_link = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, hash);
        let outcome = t.directory.open_invitation(&LinkToken::parse(&as_link).unwrap()).await;
        assert_eq!(refusal(outcome), Refusal::Hidden);
    }
    for text in [
        "",
        "x",
        "not base64!",
        &format!("{}A", sent.token.reveal()),
        &sent.id.to_string(),
    ] {
        assert!(LinkToken::parse(text).is_none(), "{text}");
    }
}

fn base64_bytes(token: &LinkToken) -> Vec<u8> {
    base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, token.reveal()).unwrap()
}

/// M2: without a mail server nothing waits to be mailed; with one, one mail does, whatever was sent before.
#[sqlx::test]
async fn a_mail_is_wanted_only_where_there_is_a_mail_server(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let quiet = t.invite(NINA).await;
    t.directory
        .resend_invitation(&t.owner.actor, &t.slug, quiet.id)
        .await
        .unwrap();
    assert_eq!(count(&pool, "SELECT count(*) FROM outbox").await, 0);
    assert_eq!(t.listed(None).await[0].delivery, Delivery::None);
    let t = t.sending_mail();
    t.invite("nora@new.test").await;
    t.directory
        .resend_invitation(&t.owner.actor, &t.slug, quiet.id)
        .await
        .unwrap();
    t.directory
        .resend_invitation(&t.owner.actor, &t.slug, quiet.id)
        .await
        .unwrap();
    assert_eq!(count(&pool, "SELECT count(*) FROM outbox").await, 2);
    assert!(t.listed(None).await.iter().all(|row| row.delivery == Delivery::Waiting));
}

/// M3: the latest first, a page at a time, by a part of the address and by state.
#[sqlx::test]
async fn invitations_are_listed_searched_and_paged(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let mut sent: Vec<NewInvitation> = Vec::new();
    for email in ["a_b@new.test", "axb@new.test", "c@new.test", "d@new.test", "e@new.test"] {
        sent.push(t.invite(email).await);
    }
    d.revoke_invitation(&t.owner.actor, &t.slug, sent[3].id).await.unwrap();
    accept_as_new(d, &sent[4].token).await.unwrap();
    let emails = async |query: InvitationQuery| {
        let list = d.invitations(&t.admin.actor, &t.slug, &query).await.unwrap();
        assert!(list.organization.standing.may(Permission::MemberInvite));
        let emails: Vec<_> = list.rows.iter().map(|row| row.email.to_string()).collect();
        (emails, list.next)
    };
    let search = |text: &str| InvitationQuery {
        search: text.to_owned(),
        ..query(None)
    };
    assert_eq!(
        emails(query(None)).await.0,
        ["c@new.test", "axb@new.test", "a_b@new.test"]
    );
    assert_eq!(emails(search("A_B")).await.0, ["a_b@new.test"]);
    assert_eq!(emails(search(" new.TEST ")).await.0.len(), 3);
    assert_eq!(emails(search("%")).await.0.len(), 0);
    for (state, expected) in [
        (InvitationState::Pending, 3),
        (InvitationState::Expired, 0),
        (InvitationState::Accepted, 1),
        (InvitationState::Revoked, 1),
    ] {
        assert_eq!(emails(query(Some(state))).await.0.len(), expected, "{state:?}");
    }
    let mut page = InvitationQuery {
        limit: 1,
        ..InvitationQuery::default()
    };
    let mut seen = Vec::new();
    loop {
        let (rows, next) = emails(page.clone()).await;
        seen.extend(rows);
        match next {
            Some(next) => page.after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, ["c@new.test", "axb@new.test", "a_b@new.test"]);
    let none = InvitationQuery::default();
    assert_eq!(emails(none).await.0.len(), 1, "none is as good as one");
    let bad = d.invitations(&t.admin.actor, &t.slug, &search("\0")).await;
    assert_eq!(refusal(bad), Refusal::Malformed);
}

/// A1, A3: each step leaves one row: who, on which address, in which organization; never a link.
#[sqlx::test]
async fn each_step_of_an_invitation_is_audited(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, owner) = (&t.directory, &t.owner.actor);
    let told = |events: &[Event]| {
        let [event] = events else { panic!("{events:?}") };
        assert_eq!(
            (event.organization_id, event.project_id),
            (Some(t.organization.0), None)
        );
        assert_eq!(event.target.as_deref(), Some(NINA));
        (
            event.action.clone(),
            event.refusal.clone(),
            event.actor_kind.clone(),
            event.actor_id,
        )
    };
    let by = |actor: &Principal, action: &str, refusal: Option<&str>| {
        (
            action.to_owned(),
            refusal.map(str::to_owned),
            "user".to_owned(),
            Some(actor.id().0),
        )
    };
    let (sent, events) = t.audited(d.invite_member(owner, &t.slug, " NINA@new.test")).await;
    let sent = sent.unwrap();
    assert_eq!(told(&events), by(owner, "member:invite", None));
    let (again, events) = t.audited(d.resend_invitation(owner, &t.slug, sent.id)).await;
    let again = again.unwrap();
    assert_eq!(told(&events), by(owner, "invitation:resend", None));
    assert_eq!(events[0].target_id, Some(sent.id.0));

    let (stranger, events) = t.audited(d.accept_invitation(&t.stranger.actor, &again.token)).await;
    stranger.unwrap_err();
    assert_eq!(
        told(&events),
        by(&t.stranger.actor, "invitation:accept", Some("invitation_for_another"))
    );
    let (accepted, events) = t.audited(accept_as_new(d, &again.token)).await;
    accepted.unwrap();
    assert_eq!(
        told(&events),
        ("invitation:accept".to_owned(), None, "nobody".to_owned(), None)
    );
    assert_eq!(events[0].after, Some(json!({ "role": "member" })));
    assert_eq!(events[0].address, "192.0.2.7");
    let session = d.sign_in(&anonymous(), NINA, PASSWORD).await.unwrap();
    let nina = actor(d, &session.token).await;
    assert_eq!(events[0].target_id, Some(nina.id().0));
    let (twice, events) = t.audited(d.accept_invitation(&nina, &again.token)).await;
    twice.unwrap_err();
    assert_eq!(
        told(&events),
        by(&nina, "invitation:accept", Some("invitation_accepted"))
    );

    d.remove_member(owner, &t.slug, nina.id()).await.unwrap();
    let sent = t.invite(NINA).await;
    let (revoked, events) = t.audited(d.revoke_invitation(owner, &t.slug, sent.id)).await;
    revoked.unwrap();
    assert_eq!(told(&events), by(owner, "invitation:revoke", None));
    let (twice, events) = t.audited(d.revoke_invitation(owner, &t.slug, sent.id)).await;
    twice.unwrap_err();
    assert_eq!(
        told(&events),
        by(owner, "invitation:revoke", Some("invitation_revoked"))
    );

    // A dead link is nobody's: there is no organization to note it in.
    let (dead, events) = t.audited(accept_as_new(d, &nowhere())).await;
    dead.unwrap_err();
    assert_eq!(events[0].refusal.as_deref(), Some("not_found"));
    assert_eq!(
        (events.len(), events[0].organization_id, &events[0].target),
        (1, None, &None)
    );
}

/// Invitations are mails to strangers: an Admin sends 500 an hour, in all organizations together, and whoever else may
/// go on.
#[sqlx::test]
async fn how_many_invitations_somebody_sends_is_limited(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let limit = Limit {
        bucket: format!("member:invite {}", t.admin.id),
        count: 500,
        window: Duration::hours(1),
    };
    for _ in 0..499 {
        d.attempt(&limit).await.unwrap();
    }
    let sent = d.invite_member(&t.admin.actor, &t.slug, NINA).await.unwrap();
    for outcome in [
        d.invite_member(&t.admin.actor, &t.slug, "nora@new.test")
            .await
            .map(drop),
        d.resend_invitation(&t.admin.actor, &t.slug, sent.id).await.map(drop),
    ] {
        let refused = refusal(outcome);
        assert!(
            matches!(refused, Refusal::TooManyAttempts { retry_after: 1..=3600 }),
            "{refused:?}"
        );
    }
    assert_eq!(
        t.state(&sent.token).await,
        InvitationState::Pending,
        "its link is as it was"
    );
    d.revoke_invitation(&t.admin.actor, &t.slug, sent.id).await.unwrap();
    t.invite("nora@new.test").await;
    in_seconds::<3700>(d)
        .invite_member(&t.admin.actor, &t.slug, "norman@new.test")
        .await
        .unwrap();
}

/// M4, E5: an invitation changed meanwhile is what it is when the button is pressed, not when the page was made.
#[sqlx::test]
async fn who_invites_and_to_what_is_read_when_the_link_is_opened(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let sent = t.invite(NINA).await;
    d.update_organization(&t.owner.actor, &t.slug, &name("Acme Labs"), &slug("acme-labs"))
        .await
        .unwrap();
    d.change_name(&t.owner.actor, &name("Olivia Other")).await.unwrap();
    let opened = d.open_invitation(&sent.token).await.unwrap();
    assert_eq!(opened.organization.as_str(), "Acme Labs");
    assert_eq!(opened.invited_by.unwrap().as_str(), "Olivia Other");
    assert_eq!(opened.email, email(NINA));
    t.accept_as_new(&sent.token, "Nina New").await;
}
