//! Proof of address (J1 to J4): what proves one, who finds an account without proof, and what ends by the first proof.

use policy::{Refusal, UserId};
use sqlx::PgPool;

use super::fixture::{
    OTHER_PASSWORD, PASSWORD, Person, Tenant, account, actor, anonymous, count, email, in_days, in_seconds, name,
    password, refusal, sql, until_one_waits, without_schema,
};
use crate::{Directory, LinkToken, Mail, MailAbout, Principal, Settings, error::Error};

pub(super) const NINA: &str = "nina@new.test";

/// Makes an account by signing up, and answers its person.
pub(super) async fn sign_up(t: &Tenant) -> Principal {
    let session = t
        .directory
        .sign_up(&anonymous(), account("Nina New", NINA))
        .await
        .unwrap();
    actor(&t.directory, &session.token).await
}

pub(super) async fn is_proved(d: &Directory, user: UserId) -> bool {
    count(
        &d.pool,
        &format!("SELECT count(*) FROM users WHERE id = '{user}' AND email_proved_at IS NOT NULL"),
    )
    .await
        == 1
}

/// The next mail, given to the mail server; word of what was done to an account is passed over.
pub(super) async fn mail(d: &Directory) -> Mail {
    loop {
        let mail = d.take_mail().await.unwrap().unwrap();
        d.mail_sent(mail.id).await.unwrap();
        if !matches!(mail.about, MailAbout::Notice { .. }) {
            return mail;
        }
    }
}

/// A link that proves the address of whoever asks for it.
pub(super) async fn link(d: &Directory, person: &Principal) -> LinkToken {
    d.resend_verification(person).await.unwrap();
    let mail = mail(d).await;
    assert!(matches!(mail.about, MailAbout::VerifyEmail), "{mail:?}");
    mail.token.unwrap()
}

/// J1: a button behind a mailed link proves an address, and so does the operator. Signing up, and a link copied by
/// hand, don't.
#[sqlx::test]
async fn j1_what_proves_an_address(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let d = &t.directory;
    let nina = sign_up(&t).await;
    assert!(!is_proved(d, nina.id()).await, "signing up");
    assert!(
        !d.session(&d.sign_in(&anonymous(), NINA, PASSWORD).await.unwrap().token)
            .await
            .unwrap()
            .unwrap()
            .is_proved
    );
    let token = link(d, &nina).await;
    d.open_verification(&token).await.unwrap();
    assert!(!is_proved(d, nina.id()).await, "opening the link");
    d.verify_own_address(&nina, &token).await.unwrap();
    assert!(is_proved(d, nina.id()).await, "pressing the button");

    for (address, is_mailed) in [("copied@new.test", false), ("mailed@new.test", true)] {
        let sent = t.invite(address).await;
        let mailed = mail(d).await.token.unwrap();
        let token = if is_mailed { &mailed } else { &sent.token };
        let person = t.accept_as_new(token, "Nora New").await;
        assert_eq!(is_proved(d, person.id()).await, is_mailed, "{address}");
        // Whoever made an account by a copied link is sent one that proves the address.
        let next = d.take_mail().await.unwrap();
        assert_eq!(
            next.is_some_and(|mail| matches!(mail.about, MailAbout::VerifyEmail)),
            !is_mailed
        );
    }

    let created = d
        .create_user(&Principal::operator(), account("Omar Other", "omar@new.test"))
        .await
        .unwrap();
    assert!(is_proved(d, created).await, "the operator makes an account");
    let other = sign_up_as(d, "pia@new.test").await;
    assert_eq!(
        d.verify_as_operator(&Principal::operator(), &email("pia@new.test"))
            .await
            .unwrap(),
        other.id()
    );
    assert!(is_proved(d, other.id()).await, "the operator verifies");
    assert!(
        d.session_lives(other.session().unwrap()).await.unwrap(),
        "and nothing ends by that"
    );
    assert_eq!(
        refusal(
            d.verify_as_operator(&Principal::operator(), &email("no@new.test"))
                .await
        ),
        Refusal::UserNotFound
    );
}

async fn sign_up_as(d: &Directory, address: &str) -> Principal {
    let session = d.sign_up(&anonymous(), account("Pia Person", address)).await.unwrap();
    actor(d, &session.token).await
}

/// J1, M4: accepting as the account that is signed in proves its address too, if the link was mailed; nothing ends by
/// it.
#[sqlx::test]
async fn j1_accepting_by_a_mailed_link_proves_the_address(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let d = &t.directory;
    let other = Tenant::named(&pool, "other").await;
    let nina = sign_up(&t).await;
    let copied = other.invite(NINA).await;
    d.accept_invitation(&nina, &copied.token).await.unwrap();
    assert!(!is_proved(d, nina.id()).await);
    t.invite(NINA).await;
    let mailed = mail(d).await.token.unwrap();
    let (joined, events) = t.audited(d.accept_invitation(&nina, &mailed)).await;
    joined.unwrap();
    assert!(is_proved(d, nina.id()).await);
    assert!(d.session_lives(nina.session().unwrap()).await.unwrap());
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.action.as_str(), event.organization_id))
        .collect();
    assert_eq!(
        told,
        [
            ("invitation:accept", Some(t.organization.0)),
            ("user:verify_email", None)
        ]
    );
}

/// J2: an account without proof is no account to whoever adds its address; in an organization that invited that very
/// address it is found, and listed as what it is.
#[sqlx::test]
async fn j2_an_unproved_account_is_found_by_the_organization_that_invited_it(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let nina = sign_up(&t).await;
    let add = async || {
        d.add_collaborator(&t.lead.actor, &t.research.slug, " NINA@new.test ")
            .await
    };
    let (refused, events) = t.audited(add()).await;
    assert_eq!(refusal(refused), Refusal::UserNotFound);
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!((event.target.as_deref(), event.target_id), (Some(NINA), None));
    let sent = t.invite(NINA).await;
    assert_eq!(refusal(add().await), Refusal::UserNotFound, "invited, but not come");
    d.accept_invitation(&nina, &sent.token).await.unwrap();
    add().await.unwrap();
    assert_eq!(refusal(add().await), Refusal::AlreadyCollaborator);
    assert!(
        !d.collaborator(&t.lead.actor, &t.research.slug, nina.id())
            .await
            .unwrap()
            .is_proved
    );
    assert!(!d.member(&t.owner.actor, &t.slug, nina.id()).await.unwrap().is_proved);
    assert!(d.member(&t.owner.actor, &t.slug, t.maya.id).await.unwrap().is_proved);
    let other = Tenant::named(&pool, "other").await;
    let elsewhere = d.add_collaborator(&other.lead.actor, &other.research.slug, NINA).await;
    assert_eq!(
        refusal(elsewhere),
        Refusal::UserNotFound,
        "another organization knows nothing of it"
    );

    d.verify_as_operator(&Principal::operator(), &email(NINA))
        .await
        .unwrap();
    d.add_collaborator(&other.lead.actor, &other.research.slug, NINA)
        .await
        .unwrap();
    assert!(d.member(&t.owner.actor, &t.slug, nina.id()).await.unwrap().is_proved);
}

/// J2: who was an External Collaborator before addresses were proved stays one, marked; once gone, they have to prove
/// theirs.
#[sqlx::test]
async fn j2_an_unproved_external_stays_and_does_not_come_back(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    sql(
        &pool,
        &format!("UPDATE users SET email_proved_at = NULL WHERE id = '{}'", t.eve.id),
    )
    .await;
    assert!(t.sees(&t.research, &t.eve).await);
    assert!(!t.row(&t.research, &t.eve).await.is_proved);
    let add = async || d.add_collaborator(&t.lead.actor, &t.research.slug, &t.eve.email).await;
    assert_eq!(refusal(add().await), Refusal::AlreadyCollaborator);
    t.let_end(&t.research, &t.eve, -1).await;
    assert_eq!(refusal(add().await), Refusal::UserNotFound);
}

/// J1: a link proves the address it was mailed to, for a day.
#[sqlx::test]
async fn j1_a_link_is_good_for_a_day_and_for_its_address(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let d = &t.directory;
    let nina = sign_up(&t).await;
    let token = link(d, &nina).await;
    in_seconds::<86_300>(d).open_verification(&token).await.unwrap();
    let late = in_days::<1>(d);
    assert_eq!(refusal(late.open_verification(&token).await), Refusal::LinkDead);
    assert_eq!(refusal(late.verify_own_address(&nina, &token).await), Refusal::LinkDead);
    assert_eq!(
        refusal(late.verify_address(&anonymous(), &token, PASSWORD).await),
        Refusal::LinkDead
    );
    sql(
        &pool,
        "UPDATE users SET email = 'other@new.test' WHERE email = 'nina@new.test'",
    )
    .await;
    assert_eq!(refusal(d.verify_own_address(&nina, &token).await), Refusal::LinkDead);
    assert_eq!(
        refusal(d.verify_address(&anonymous(), &token, PASSWORD).await),
        Refusal::LinkDead
    );
    assert!(!is_proved(d, nina.id()).await);
    late.forget_old_mail().await.unwrap();
    assert_eq!(count(&pool, "SELECT count(*) FROM email_verification_tokens").await, 0);
}

/// X6: what comes of a sign-up is said by mail alone. To an account that isn't proved it is the link that makes it
/// theirs.
#[sqlx::test]
async fn x6_a_mail_says_what_came_of_signing_up(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let d = &t.directory;
    let sign_up = async |address: &str| d.sign_up_by_mail(&anonymous(), account("Nina New", address)).await;
    sign_up(NINA).await.unwrap();
    let first = mail(d).await;
    assert!(matches!(first.about, MailAbout::VerifyEmail) && first.to.as_str() == NINA);
    d.sign_in(&anonymous(), NINA, PASSWORD).await.unwrap();
    let again = account("Mallory", NINA);
    let again = crate::NewAccount {
        password: password(OTHER_PASSWORD),
        ..again
    };
    let (done, events) = t.audited(d.sign_up_by_mail(&anonymous(), again)).await;
    done.unwrap();
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (event.action.as_str(), event.target.as_deref()),
        ("user:create_again", Some(NINA))
    );
    assert_eq!(
        (event.target_id, event.organization_id, &event.after),
        (None, None, &None)
    );
    assert!(matches!(mail(d).await.about, MailAbout::VerifyEmail));
    sign_up(&t.maya.email).await.unwrap();
    let told = mail(d).await;
    assert!(matches!(told.about, MailAbout::SignUpAgain) && told.token.is_none());
    assert_eq!(
        count(
            &pool,
            "SELECT count(*) FROM users WHERE name IN ('Nina New', 'Mallory')"
        )
        .await,
        1
    );
    assert_eq!(count(&pool, "SELECT count(*) FROM organizations").await, 3);
    assert_eq!(
        refusal(d.sign_in(&anonymous(), NINA, OTHER_PASSWORD).await),
        Refusal::CredentialsWrong
    );

    let closed = Settings {
        open_sign_up: false,
        ..d.settings()
    };
    let closed = Directory::new(pool.clone(), closed);
    for address in ["nora@new.test", NINA] {
        let outcome = closed.sign_up_by_mail(&anonymous(), account("Nora New", address)).await;
        assert_eq!(refusal(outcome), Refusal::SignUpClosed);
    }
}

/// J4, J9: five mails an hour to an address by signing up, and five by asking for the link again, counted as they are
/// tried.
#[sqlx::test]
async fn j4_how_many_links_are_mailed_is_limited(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let d = &t.directory;
    for address in [NINA, &t.maya.email] {
        for _ in 0..5 {
            d.sign_up_by_mail(&anonymous(), account("Nina New", address))
                .await
                .unwrap();
        }
        let refused = refusal(d.sign_up_by_mail(&anonymous(), account("Nina New", address)).await);
        assert!(matches!(refused, Refusal::TooManyAttempts { .. }), "{refused:?}");
    }
    let session = d.sign_in(&anonymous(), NINA, PASSWORD).await.unwrap();
    let nina = actor(d, &session.token).await;
    for _ in 0..5 {
        d.resend_verification(&nina).await.unwrap();
        sql(&pool, "DELETE FROM outbox").await;
    }
    let refused = refusal(d.resend_verification(&nina).await);
    assert!(matches!(refused, Refusal::TooManyAttempts { .. }), "{refused:?}");
    let silent = Directory::new(pool.clone(), Settings::default());
    let later = in_seconds::<3601>(&silent);
    assert_eq!(refusal(later.resend_verification(&nina).await), Refusal::NoMail);
}

/// O2: the invited address had an account when the link was opened, and lost it before the button's turn came. Once
/// this made an account without a password.
#[sqlx::test]
async fn an_account_deleted_while_its_invitation_is_accepted_as_new_leaves_none_without_a_password(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let nina: Person = t.someone("Nina New", NINA).await;
    let nina_signed_in = t.sign_in(&nina).await;
    let sent = t.invite(NINA).await;
    let mut held = pool.begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(turn_in($1))")
        .bind(t.organization.0)
        .execute(&mut *held)
        .await
        .unwrap();
    let somebody = anonymous();
    let accept = d.accept_invitation_as_new(&somebody, &sent.token, name("Nina Next"), password(OTHER_PASSWORD));
    let (accepted, ()) = tokio::join!(accept, async {
        until_one_waits(&pool).await;
        d.delete_account(&nina_signed_in, PASSWORD).await.unwrap();
        held.commit().await.unwrap();
    });
    assert!(
        matches!(accepted, Err(Error::Refused(Refusal::EmailTaken))),
        "{accepted:?}"
    );
    let empty = "SELECT count(*) FROM users WHERE password_hash = '' AND deleted_at IS NULL";
    assert_eq!(count(&pool, empty).await, 0);
    t.accept_as_new(&sent.token, "Nina Next").await;
}

/// Accounts that were there before: those are proved that the audit knows a proof of; nobody loses anything.
#[sqlx::test(migrations = false)]
async fn of_old_accounts_those_are_proved_that_the_audit_knows_a_proof_of(pool: PgPool) {
    const PROVED_ADDRESSES: i64 = 20_261_126_000_001;
    without_schema(&pool).await;
    let migrations = sqlx::migrate!();
    let mut before = migrations
        .iter()
        .filter(|migration| migration.version < PROVED_ADDRESSES);
    for migration in before.by_ref() {
        sqlx::raw_sql(migration.sql.clone()).execute(&pool).await.unwrap();
    }
    for (who, action, kind) in [
        ("reset", "user:reset_password", "nobody"),
        ("made", "user:create", "operator"),
        ("signed-up", "user:create", "nobody"),
        ("asked", "user:request_password_reset", "nobody"),
    ] {
        sql(
            &pool,
            &format!(
                "WITH person AS (
                     INSERT INTO users (id, email, name, password_hash, created_at)
                     VALUES (gen_random_uuid(), '{who}@old.test', 'Old', 'x', now()) RETURNING id)
                 INSERT INTO audit_events (id, at, actor_kind, credential, action, target_id, address, request_id)
                 SELECT gen_random_uuid(), now(), '{kind}', '', '{action}', id, '', '' FROM person"
            ),
        )
        .await;
    }
    sql(
        &pool,
        "INSERT INTO outbox (id, user_id, created_at, next_attempt_at)
         SELECT gen_random_uuid(), id, now(), now() FROM users WHERE email = 'asked@old.test'",
    )
    .await;
    let this = migrations
        .iter()
        .find(|migration| migration.version == PROVED_ADDRESSES);
    sqlx::raw_sql(this.unwrap().sql.clone()).execute(&pool).await.unwrap();
    let proved: Vec<String> =
        sqlx::query_scalar("SELECT email FROM users WHERE email_proved_at IS NOT NULL ORDER BY email")
            .fetch_all(&pool)
            .await
            .unwrap();
    assert_eq!(proved, ["made@old.test", "reset@old.test"]);
    let waiting: (String, String) = sqlx::query_as("SELECT kind, email FROM outbox")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(waiting, ("password_reset".to_owned(), "asked@old.test".to_owned()));
}
