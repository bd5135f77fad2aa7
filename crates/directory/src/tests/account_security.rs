//! What protects an account: passwords that are not guessed (J6), a second look (J7), and word of what was done (J8).

use policy::{ProjectRole, Refusal, SshKeyId, Weakness};
use sqlx::PgPool;

use super::fixture::{
    OTHER_PASSWORD, PASSWORD, Person, Tenant, account, actor, anonymous, count, directory, email, name, origin,
    password, refusal,
};
use crate::{BreachedPasswords, Directory, MailAbout, Notice, Origin, Principal, Session, SessionToken, Settings};

const NINA: &str = "nina.newman@cobalt-forge.test";
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMftuJW0uUz2Kyopq2B+vhXt7u/fEqf0qAocmZ7tmyuu";

/// What each of these says is wrong with it, where it is Nina's.
const WEAK: &[(&str, Weakness)] = &[
    ("123456789012", Weakness::Sequence),
    ("passwordpassword", Weakness::Repeats),
    ("            ", Weakness::Repeats),
    ("qwertyuiopasdf", Weakness::Common),
    ("P@ssw0rd12345", Weakness::Common),
    ("abcdefghijklm", Weakness::Sequence),
    ("nina.newman2026", Weakness::AboutYou),
    ("CobaltForge-01", Weakness::AboutYou),
    ("NinaNewman!!", Weakness::AboutYou),
];

/// J6: a password that is easily guessed is refused with what makes it so, wherever a new one is set; and nothing is
/// changed.
#[sqlx::test]
async fn j6_a_password_that_is_easily_guessed_is_refused_everywhere(pool: PgPool) {
    let d = directory(&pool);
    let nina = account("Nina Newman", NINA);
    let mut found = Vec::new();
    for (text, _) in WEAK {
        let weak = crate::NewAccount {
            password: password(text),
            ..nina.clone()
        };
        let refused = d.sign_up(&anonymous(), weak).await;
        if let Err(crate::Error::Refused(Refusal::PasswordWeak(weakness))) = refused {
            found.push((*text, weakness));
        }
    }
    assert_eq!(found, WEAK);
    assert_eq!(count(&pool, "SELECT count(*) FROM users").await, 0);
    let signed_in = d.sign_up(&anonymous(), nina).await.unwrap();
    let nina = actor(&d, &signed_in.token).await;
    let (text, weakness) = WEAK[1];
    let expected = Refusal::PasswordWeak(weakness);
    assert_eq!(
        refusal(d.change_password(&nina, PASSWORD, password(text)).await),
        expected
    );
    assert_eq!(
        refusal(
            d.set_password(&Principal::operator(), &email(NINA), password(text))
                .await
        ),
        expected
    );
    let weak = crate::NewAccount {
        password: password(text),
        ..account("Nick New", "nick@cobalt-forge.test")
    };
    assert_eq!(refusal(d.create_user(&Principal::operator(), weak).await), expected);
    // Each attempt is in the audit, those of strangers together, and the old password is good.
    let refused = "SELECT count(*) FROM audit_events WHERE refusal = 'password_repeats'";
    assert_eq!(count(&pool, refused).await, 4);
    d.sign_in(&anonymous(), NINA, PASSWORD).await.unwrap();
}

/// J6: what an organization is called is no password of its people, and a link is not used up by a weak one.
#[sqlx::test]
async fn j6_an_organizations_name_is_no_password_in_it(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let d = &t.directory;
    let weak = Refusal::PasswordWeak(Weakness::AboutYou);
    let sent = t.invite(NINA).await;
    let acme = password("AcmeResearch1");
    let accepted = d
        .accept_invitation_as_new(&anonymous(), &sent.token, name("Nina Newman"), acme.clone())
        .await;
    assert_eq!(refusal(accepted), weak);
    let maya = t.sign_in(&t.maya).await;
    assert_eq!(refusal(d.change_password(&maya, PASSWORD, acme.clone()).await), weak);
    d.request_password_reset(&anonymous(), &t.maya.email).await.unwrap();
    let mail = super::fixture::take_link(d).await;
    let mail = if mail.to.as_str() == t.maya.email {
        mail
    } else {
        super::fixture::take_link(d).await
    };
    assert_eq!(
        refusal(d.reset_password(&anonymous(), mail.link(), acme, false).await),
        weak
    );
    d.reset_password(&anonymous(), mail.link(), password(OTHER_PASSWORD), false)
        .await
        .unwrap();
    t.accept_as_new(&sent.token, "Nina Newman").await;
}

/// J6: a password that was stolen elsewhere is found in the operator's folder, by range files as they are published.
#[sqlx::test]
async fn j6_a_breached_password_is_refused(pool: PgPool) {
    let folder = std::env::temp_dir().join(format!("roster-breached-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir(&folder).unwrap();
    assert!(BreachedPasswords::open(folder.clone()).is_err(), "no file of a range");
    assert!(BreachedPasswords::open(folder.join("none")).is_err());
    // SHA-1 of the two passwords; the second as padding, which was never seen.
    let (first, second) = (sha1(PASSWORD), sha1(OTHER_PASSWORD));
    let line = |hash: &str, count| format!("0000000000000000000000000000000000A:3\r\n{}:{count}\r\n", &hash[5..]);
    std::fs::write(folder.join(&first[..5]), line(&first, 7)).unwrap();
    std::fs::write(folder.join(format!("{}.txt", &second[..5])), line(&second, 0)).unwrap();
    let breached = BreachedPasswords::open(folder.clone()).unwrap();
    let d = directory(&pool).refusing(Some(breached));
    let refused = refusal(d.sign_up(&anonymous(), account("Nina Newman", NINA)).await);
    assert_eq!(refused, Refusal::PasswordWeak(Weakness::Breached));
    let other = crate::NewAccount {
        password: password(OTHER_PASSWORD),
        ..account("Nina Newman", NINA)
    };
    d.sign_up(&anonymous(), other).await.unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}

fn sha1(text: &str) -> String {
    use sha1::Digest;
    let hash = sha1::Sha1::digest(text.as_bytes());
    hash.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// How often the audit has an action, done or refused.
async fn done(pool: &PgPool, action: &str) -> i64 {
    count(
        pool,
        &format!("SELECT count(*) FROM audit_events WHERE action = '{action}'"),
    )
    .await
}

async fn session(d: &Directory, token: &SessionToken) -> Option<Session> {
    d.session(token).await.unwrap()
}

/// J7: signing in while signed in, as whomever, ends the session that the browser had; it is in the audit.
#[sqlx::test]
async fn j7_signing_in_again_ends_the_session_of_that_browser(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    t.sign_in(&t.maya).await;
    d.set_password(&Principal::operator(), &email(&t.noah.email), password(PASSWORD))
        .await
        .unwrap();
    let first = d.sign_in(&anonymous(), &t.maya.email, PASSWORD).await.unwrap();
    let elsewhere = d.sign_in(&anonymous(), &t.maya.email, PASSWORD).await.unwrap();
    let there = Origin {
        session: session(d, &first.token).await.map(|session| session.id),
        ..origin()
    };
    // What fails ends nothing.
    d.sign_in(&Principal::anonymous(there.clone()), &t.noah.email, OTHER_PASSWORD)
        .await
        .unwrap_err();
    assert!(session(d, &first.token).await.is_some());
    let second = d
        .sign_in(&Principal::anonymous(there.clone()), &t.noah.email, PASSWORD)
        .await
        .unwrap();
    assert!(session(d, &first.token).await.is_none());
    assert!(session(d, &second.token).await.is_some() && session(d, &elsewhere.token).await.is_some());
    assert_eq!(done(&pool, "session:end").await, 1);
}

/// J7: ten minutes after the password was given, what asks for it is refused, until it is given again in this session.
#[sqlx::test]
async fn j7_a_second_look_is_asked_for(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let maya = t.sign_in(&t.maya).await;
    let other = d.sign_in(&anonymous(), &t.maya.email, PASSWORD).await.unwrap();
    let other = actor(d, &other.token).await;
    d.add_ssh_key(&maya, "", KEY).await.unwrap();
    sqlx::query("UPDATE sessions SET confirmed_at = now() - interval '10 minutes'")
        .execute(&pool)
        .await
        .unwrap();
    let refused = async |who| refusal(d.add_ssh_key(who, "", KEY).await);
    sqlx::query("DELETE FROM ssh_keys").execute(&pool).await.unwrap();
    assert_eq!(refused(&maya).await, Refusal::ConfirmationNeeded);
    assert_eq!(
        refusal(d.confirm(&maya, OTHER_PASSWORD).await),
        Refusal::CurrentPasswordWrong
    );
    assert_eq!(refused(&maya).await, Refusal::ConfirmationNeeded);
    d.confirm(&maya, PASSWORD).await.unwrap();
    assert_eq!(
        refused(&other).await,
        Refusal::ConfirmationNeeded,
        "each session for itself"
    );
    d.add_ssh_key(&maya, "", KEY).await.unwrap();
    assert_eq!(done(&pool, "session:confirm").await, 2);
    // A session that ended meanwhile confirms nothing.
    d.end_session(&maya, other.session().unwrap()).await.unwrap();
    assert_eq!(refused(&other).await, Refusal::SignedOut);
    // Removing a key takes a way in away, and needs no second look.
    let id = d.ssh_keys(&maya).await.unwrap()[0].id;
    assert_ne!(id, SshKeyId(uuid::Uuid::nil()));
    d.remove_ssh_key(&other, id).await.unwrap();
}

/// J7, J9: wrong passwords given to confirm are counted as those at the door are.
#[sqlx::test]
async fn j7_confirming_is_no_place_to_guess(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let maya = t.sign_in(&t.maya).await;
    for _ in 0..10 {
        let refused = refusal(t.directory.confirm(&maya, OTHER_PASSWORD).await);
        assert_eq!(refused, Refusal::CurrentPasswordWrong);
    }
    let refused = refusal(t.directory.confirm(&maya, PASSWORD).await);
    assert!(matches!(refused, Refusal::TooManyAttempts { .. }), "{refused:?}");
}

/// J8, J9: a device is known to the account it signed in to, by a token of ours; one that the browser was given by
/// somebody else is replaced, and whoever signed in there before stays known.
#[sqlx::test]
async fn j9_a_device_is_known_to_whom_it_signed_in(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    for person in [&t.maya, &t.noah] {
        let wanted = password(PASSWORD);
        d.set_password(&Principal::operator(), &email(&person.email), wanted)
            .await
            .unwrap();
    }
    let on = |device: &crate::DeviceToken| Origin {
        device: Some(device.clone()),
        ..origin()
    };
    let is_known = async |person: &Person, device: &crate::DeviceToken| {
        let known = d.known_device(&email(&person.email), &on(device)).await;
        known.unwrap().is_some()
    };
    let first = d.sign_in(&anonymous(), &t.maya.email, PASSWORD).await.unwrap();
    let mayas = first.device.unwrap();
    assert!(is_known(&t.maya, &mayas).await);
    assert!(!is_known(&t.noah, &mayas).await);
    let again = d
        .sign_in(&Principal::anonymous(on(&mayas)), &t.maya.email, PASSWORD)
        .await
        .unwrap();
    assert!(again.device.is_none(), "the browser keeps its token");
    let both = d
        .sign_in(&Principal::anonymous(on(&mayas)), &t.noah.email, PASSWORD)
        .await
        .unwrap()
        .device
        .unwrap();
    for person in [&t.maya, &t.noah] {
        assert!(is_known(person, &both).await);
        assert!(!is_known(person, &mayas).await);
    }
    // With another password, other devices are strange again.
    d.set_password(&Principal::operator(), &email(&t.maya.email), password(OTHER_PASSWORD))
        .await
        .unwrap();
    assert!(!is_known(&t.maya, &both).await);
    assert!(is_known(&t.noah, &both).await);
    let left: Vec<u8> = sqlx::query_scalar("SELECT token_hash FROM devices")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_ne!(
        crate::DeviceToken::parse(&both.reveal()).unwrap().reveal().as_bytes(),
        left
    );
}

/// An account remembers fifty devices, those that were used last.
#[sqlx::test]
async fn j9_an_account_remembers_so_many_devices(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    sqlx::query(
        "INSERT INTO devices SELECT sha256(n::text::bytea), $1, now() - n * interval '1 hour', now() - n * interval '1 hour'
         FROM generate_series(1, 50) n",
    )
    .bind(t.maya.id.0)
    .execute(&pool)
    .await
    .unwrap();
    let signed_in = t.sign_in(&t.maya).await;
    assert!(t.directory.session_lives(signed_in.session().unwrap()).await.unwrap());
    // A new password forgot them all; the one in use is there.
    assert_eq!(count(&pool, "SELECT count(*) FROM devices").await, 1);
    for _ in 0..50 {
        t.directory
            .sign_in(&anonymous(), &t.maya.email, PASSWORD)
            .await
            .unwrap();
    }
    assert_eq!(count(&pool, "SELECT count(*) FROM devices").await, 50);
}

/// J8: the person is told of what lets somebody in, and of what they became; by mail, to the address of the account.
#[sqlx::test]
async fn j8_a_person_is_told_of_what_was_done_to_their_account(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let d = &t.directory;
    let maya = t.sign_in(&t.maya).await;
    d.change_password(&maya, PASSWORD, password(OTHER_PASSWORD))
        .await
        .unwrap();
    d.add_ssh_key(&maya, "", KEY).await.unwrap();
    let (owner, slug) = (&t.owner.actor, &t.slug);
    for role in [ProjectRole::Admin, ProjectRole::Admin, ProjectRole::Member] {
        let changed = d
            .change_collaborator_role(owner, &t.research.slug, t.maya.id, role)
            .await;
        assert_eq!(changed.unwrap().as_str(), "Maya Member");
    }
    d.change_member_role(owner, slug, t.maya.id, policy::OrganizationRole::Admin)
        .await
        .unwrap();
    d.transfer_ownership(owner, slug, t.maya.id, "Acme Research")
        .await
        .unwrap();
    let mut told = Vec::new();
    while let Some(mail) = d.take_mail().await.unwrap() {
        assert_eq!(mail.to.as_str(), t.maya.email);
        assert!(mail.token.is_none());
        let MailAbout::Notice { notice, .. } = mail.about else {
            panic!("{mail:?}")
        };
        d.mail_sent(mail.id).await.unwrap();
        told.push(notice);
    }
    let organization = name("Acme Research");
    let expected = [
        Notice::PasswordChanged,
        Notice::NewDevice {
            address: origin().address,
        },
        Notice::PasswordChanged,
        Notice::SshKeyAdded {
            fingerprint: d.ssh_keys(&t.maya.actor).await.unwrap()[0].fingerprint.clone(),
        },
        Notice::BecameProjectAdmin {
            project: name(t.research.slug.as_str()),
        },
        Notice::BecameAdmin {
            organization: organization.clone(),
        },
        Notice::BecameOwner { organization },
    ];
    assert_eq!(told, expected);
    // Where no mail is sent, none waits.
    let quiet = Directory::new(pool.clone(), Settings::default());
    quiet
        .sign_in(&anonymous(), &t.maya.email, OTHER_PASSWORD)
        .await
        .unwrap();
    assert_eq!(
        count(&pool, "SELECT count(*) FROM outbox WHERE sent_at IS NULL").await,
        0
    );
}
