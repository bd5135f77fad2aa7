//! A forgotten password: a link by mail, once, for an hour, and nothing said about who has an account.

use policy::Refusal;
use sqlx::PgPool;
use time::Duration;

use super::fixture::{
    OTHER_PASSWORD, PASSWORD, account, actor, count, email, events, in_seconds, nowhere, origin, password, refusal,
    take_link,
};
use crate::{Directory, LinkToken, Origin, Settings, attempts::Limit};

const MAYA: &str = "maya@acme.test";

/// With Maya's account, and a mail server.
async fn with_maya(pool: &PgPool) -> Directory {
    let settings = Settings {
        sends_mail: true,
        ..Settings::default()
    };
    let directory = Directory::new(pool.clone(), settings);
    directory.create_user(account("Maya Muster", MAYA)).await.unwrap();
    directory
}

/// Asks for a link, and answers the one that was mailed.
async fn mailed(directory: &Directory) -> LinkToken {
    directory.request_password_reset(MAYA, &origin()).await.unwrap();
    let mail = take_link(directory).await;
    directory.mail_sent(mail.id).await.unwrap();
    mail.link().clone()
}

/// It signs in with the new password, ends every other session and link, and works once.
#[sqlx::test]
async fn a_link_leads_to_a_new_password_once(pool: PgPool) {
    let d = with_maya(&pool).await;
    let old = d.sign_in(MAYA, PASSWORD, &origin()).await.unwrap();
    let (first, second) = (mailed(&d).await, mailed(&d).await);
    assert_ne!(first, second);
    for token in [&first, &second] {
        assert_eq!(
            d.open_password_reset(token).await.unwrap().as_str(),
            MAYA,
            "looking at it uses it up for nobody"
        );
    }
    let new = d
        .reset_password(&second, password(OTHER_PASSWORD), &origin())
        .await
        .unwrap();
    assert_eq!(d.session(&new.token).await.unwrap().unwrap().email.as_str(), MAYA);
    assert!(d.session(&old.token).await.unwrap().is_none());
    for token in [&second, &first, &nowhere()] {
        assert_eq!(refusal(d.open_password_reset(token).await), Refusal::LinkDead);
        let again = d.reset_password(token, password(PASSWORD), &origin()).await;
        assert_eq!(refusal(again), Refusal::LinkDead);
    }
    assert_eq!(
        refusal(d.sign_in(MAYA, PASSWORD, &origin()).await),
        Refusal::CredentialsWrong
    );
    d.sign_in(MAYA, OTHER_PASSWORD, &origin()).await.unwrap();
}

/// For an hour.
#[sqlx::test]
async fn a_link_to_a_new_password_is_good_for_an_hour(pool: PgPool) {
    let d = with_maya(&pool).await;
    let token = mailed(&d).await;
    let late = in_seconds::<3601>(&d);
    assert_eq!(refusal(late.open_password_reset(&token).await), Refusal::LinkDead);
    let outcome = late.reset_password(&token, password(OTHER_PASSWORD), &origin()).await;
    assert_eq!(refusal(outcome), Refusal::LinkDead);
    d.sign_in(MAYA, PASSWORD, &origin()).await.unwrap();
    let in_time = in_seconds::<3500>(&d);
    in_time
        .reset_password(&token, password(OTHER_PASSWORD), &origin())
        .await
        .unwrap();
}

/// A password that was changed some other way needs no link any more.
#[sqlx::test]
async fn a_new_password_ends_the_links_to_one(pool: PgPool) {
    let d = with_maya(&pool).await;
    let token = mailed(&d).await;
    let session = d.sign_in(MAYA, PASSWORD, &origin()).await.unwrap();
    let maya = actor(&d, &session.token).await;
    d.change_password(&maya, PASSWORD, password(OTHER_PASSWORD))
        .await
        .unwrap();
    assert_eq!(refusal(d.open_password_reset(&token).await), Refusal::LinkDead);
    let token = mailed(&d).await;
    d.set_password(&email(MAYA), password(PASSWORD)).await.unwrap();
    assert_eq!(refusal(d.open_password_reset(&token).await), Refusal::LinkDead);
}

/// X6: the answer and the audit are the same for an address that has no account; only no mail is sent.
#[sqlx::test]
async fn asking_for_a_link_does_not_tell_who_has_an_account(pool: PgPool) {
    let d = with_maya(&pool).await;
    for typed in [MAYA, " MAYA@Acme.test", "nobody@acme.test"] {
        d.request_password_reset(typed, &origin()).await.unwrap();
    }
    assert_eq!(count(&pool, "SELECT count(*) FROM outbox").await, 2);
    let told: Vec<_> = events(&pool)
        .await
        .into_iter()
        .skip(1)
        .map(|event| {
            (
                event.action,
                event.refusal,
                event.target.unwrap(),
                event.before,
                event.after,
                event.address,
            )
        })
        .collect();
    let row = |address: &str| {
        let action = "user:request_password_reset".to_owned();
        (action, None, address.to_owned(), None, None, "192.0.2.7".to_owned())
    };
    assert_eq!(told, [row(MAYA), row(MAYA), row("nobody@acme.test")]);
    assert_eq!(
        refusal(d.request_password_reset("no address", &origin()).await),
        Refusal::EmailInvalid
    );
}

/// Without a mail server there is no such link, for anybody.
#[sqlx::test]
async fn without_a_mail_server_there_is_no_link_to_a_new_password(pool: PgPool) {
    let d = super::fixture::directory(&pool);
    d.create_user(account("Maya Muster", MAYA)).await.unwrap();
    for typed in [MAYA, "nobody@acme.test"] {
        assert_eq!(
            refusal(d.request_password_reset(typed, &origin()).await),
            Refusal::NoMail
        );
    }
    assert_eq!(count(&pool, "SELECT count(*) FROM outbox").await, 0);
}

/// Each link is a mail: five an hour to one address, account or none, and a hundred asked for from one address.
#[sqlx::test]
async fn how_many_links_are_mailed_is_limited(pool: PgPool) {
    let d = with_maya(&pool).await;
    let from = |number: u8| Origin {
        address: format!("198.51.100.{number}"),
        ..origin()
    };
    for typed in [MAYA, "nobody@acme.test"] {
        for number in 0..5 {
            d.request_password_reset(typed, &from(number)).await.unwrap();
        }
        let refused = refusal(d.request_password_reset(typed, &from(9)).await);
        assert!(
            matches!(refused, Refusal::TooManyAttempts { retry_after: 1..=3600 }),
            "{refused:?}"
        );
    }
    assert_eq!(count(&pool, "SELECT count(*) FROM outbox").await, 5);
    in_seconds::<3601>(&d)
        .request_password_reset(MAYA, &from(9))
        .await
        .unwrap();

    let limit = Limit {
        bucket: "password_reset address 192.0.2.7".to_owned(),
        count: 100,
        window: Duration::hours(1),
    };
    for _ in 0..100 {
        d.attempt(&limit).await.unwrap();
    }
    let refused = refusal(d.request_password_reset("mia@acme.test", &origin()).await);
    assert!(matches!(refused, Refusal::TooManyAttempts { .. }), "{refused:?}");
    d.request_password_reset("mia@acme.test", &from(1)).await.unwrap();
}

/// A1, A3: using a link is audited, dead or not; the link itself is nowhere.
#[sqlx::test]
async fn using_a_link_is_audited_and_the_link_is_stored_nowhere(pool: PgPool) {
    let d = with_maya(&pool).await;
    let token = mailed(&d).await;
    d.reset_password(&nowhere(), password(OTHER_PASSWORD), &origin())
        .await
        .unwrap_err();
    let stored = format!(
        "SELECT count(*) FROM password_reset_tokens t WHERE t::text LIKE '%{0}%' OR token_hash = decode('{1}', 'base64')",
        token.reveal(),
        token.reveal().replace('-', "+").replace('_', "/") + "=",
    );
    assert_eq!(count(&pool, "SELECT count(*) FROM password_reset_tokens").await, 1);
    assert_eq!(count(&pool, &stored).await, 0);
    d.reset_password(&token, password(OTHER_PASSWORD), &origin())
        .await
        .unwrap();
    let rows: Vec<_> = events(&pool)
        .await
        .into_iter()
        .filter(|event| event.action == "user:reset_password")
        .collect();
    let seen: Vec<_> = rows
        .iter()
        .map(|event| (event.refusal.as_deref(), event.target_id.is_some()))
        .collect();
    assert_eq!(seen, [(Some("link_dead"), false), (None, true)]);
    for event in events(&pool).await {
        assert!(!format!("{event:?}").contains(&token.reveal()));
    }
    assert_eq!(count(&pool, "SELECT count(*) FROM password_reset_tokens").await, 0);
}

/// E4: whoever had the account before the address was proved could have added a key to it.
#[sqlx::test]
async fn a_link_to_a_new_password_removes_ssh_keys(pool: PgPool) {
    let d = with_maya(&pool).await;
    let session = d.sign_in(MAYA, PASSWORD, &origin()).await.unwrap();
    let before = d.session(&session.token).await.unwrap().unwrap().actor(origin());
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAII2jiQYn6QCVghbfu7nROqyNNkp/HwZazGC2WsIfDiLh";
    d.add_ssh_key(&before, "Laptop", key).await.unwrap();
    d.reset_password(&mailed(&d).await, password(OTHER_PASSWORD), &origin())
        .await
        .unwrap();
    assert!(d.ssh_keys(before.user).await.unwrap().is_empty());
}
