//! A forgotten password: a link by mail, once, for an hour, and nothing said about who has an account.

use policy::Refusal;
use sqlx::PgPool;

use super::fixture::{
    OTHER_PASSWORD, PASSWORD, account, actor, anonymous, count, email, events, in_seconds, nowhere, password, refusal,
    sql, take_link,
};
use crate::{Directory, InvitationState, LinkToken, Principal, Settings};

const MAYA: &str = "maya@acme.test";

/// With Maya's account, and a mail server.
async fn with_maya(pool: &PgPool) -> Directory {
    let settings = Settings {
        sends_mail: true,
        ..Settings::default()
    };
    let directory = Directory::new(pool.clone(), settings);
    directory
        .create_user(&Principal::operator(), account("Maya Muster", MAYA))
        .await
        .unwrap();
    directory
}

/// Asks for a link, and answers the one that was mailed.
async fn mailed(directory: &Directory) -> LinkToken {
    // As if the one before were from longer ago.
    sql(&directory.pool, "DELETE FROM attempts").await;
    directory.request_password_reset(&anonymous(), MAYA).await.unwrap();
    let mail = take_link(directory).await;
    directory.mail_sent(mail.id).await.unwrap();
    mail.link().clone()
}

/// It signs in with the new password, ends every other session and link, and works once.
#[sqlx::test]
async fn a_link_leads_to_a_new_password_once(pool: PgPool) {
    let d = with_maya(&pool).await;
    let old = d.sign_in(&anonymous(), MAYA, PASSWORD).await.unwrap();
    let (first, second) = (mailed(&d).await, mailed(&d).await);
    assert_ne!(first, second);
    for token in [&first, &second] {
        assert_eq!(
            d.open_password_reset(token).await.unwrap().email.as_str(),
            MAYA,
            "looking at it uses it up for nobody"
        );
    }
    let new = d
        .reset_password(&anonymous(), &second, password(OTHER_PASSWORD), false)
        .await
        .unwrap();
    assert_eq!(d.session(&new.token).await.unwrap().unwrap().email.as_str(), MAYA);
    assert!(d.session(&old.token).await.unwrap().is_none());
    for token in [&second, &first, &nowhere()] {
        assert_eq!(refusal(d.open_password_reset(token).await), Refusal::LinkDead);
        let again = d.reset_password(&anonymous(), token, password(PASSWORD), false).await;
        assert_eq!(refusal(again), Refusal::LinkDead);
    }
    assert_eq!(
        refusal(d.sign_in(&anonymous(), MAYA, PASSWORD).await),
        Refusal::CredentialsWrong
    );
    d.sign_in(&anonymous(), MAYA, OTHER_PASSWORD).await.unwrap();
}

/// For an hour.
#[sqlx::test]
async fn a_link_to_a_new_password_is_good_for_an_hour(pool: PgPool) {
    let d = with_maya(&pool).await;
    let token = mailed(&d).await;
    let late = in_seconds::<3601>(&d);
    assert_eq!(refusal(late.open_password_reset(&token).await), Refusal::LinkDead);
    let outcome = late
        .reset_password(&anonymous(), &token, password(OTHER_PASSWORD), false)
        .await;
    assert_eq!(refusal(outcome), Refusal::LinkDead);
    d.sign_in(&anonymous(), MAYA, PASSWORD).await.unwrap();
    let in_time = in_seconds::<3500>(&d);
    in_time
        .reset_password(&anonymous(), &token, password(OTHER_PASSWORD), false)
        .await
        .unwrap();
}

/// A password that was changed some other way needs no link any more.
#[sqlx::test]
async fn a_new_password_ends_the_links_to_one(pool: PgPool) {
    let d = with_maya(&pool).await;
    let token = mailed(&d).await;
    let session = d.sign_in(&anonymous(), MAYA, PASSWORD).await.unwrap();
    let maya = actor(&d, &session.token).await;
    d.change_password(&maya, PASSWORD, password(OTHER_PASSWORD))
        .await
        .unwrap();
    assert_eq!(refusal(d.open_password_reset(&token).await), Refusal::LinkDead);
    let token = mailed(&d).await;
    d.set_password(&Principal::operator(), &email(MAYA), password(PASSWORD))
        .await
        .unwrap();
    assert_eq!(refusal(d.open_password_reset(&token).await), Refusal::LinkDead);
}

/// X6: the answer and the audit are the same for an address that has no account; only no mail is sent.
#[sqlx::test]
async fn asking_for_a_link_does_not_tell_who_has_an_account(pool: PgPool) {
    let d = with_maya(&pool).await;
    for typed in [MAYA, " MAYA@Acme.test", "nobody@acme.test"] {
        d.request_password_reset(&anonymous(), typed).await.unwrap();
    }
    // A mail is wanted for each address, but for one that is wanted already; whether there is somebody to send it to is
    // found out when it is made.
    assert_eq!(count(&pool, "SELECT count(*) FROM outbox").await, 2);
    let mut mailed = Vec::new();
    while let Some(mail) = d.take_mail().await.unwrap() {
        mailed.push(mail.to.to_string());
    }
    assert_eq!(mailed, [MAYA]);
    assert_eq!(count(&pool, "SELECT count(*) FROM outbox").await, 1);
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
        refusal(d.request_password_reset(&anonymous(), "no address").await),
        Refusal::EmailInvalid
    );
}

/// Without a mail server there is no such link, for anybody.
#[sqlx::test]
async fn without_a_mail_server_there_is_no_link_to_a_new_password(pool: PgPool) {
    let d = super::fixture::directory(&pool);
    d.create_user(&Principal::operator(), account("Maya Muster", MAYA))
        .await
        .unwrap();
    for typed in [MAYA, "nobody@acme.test"] {
        assert_eq!(
            refusal(d.request_password_reset(&anonymous(), typed).await),
            Refusal::NoMail
        );
    }
    assert_eq!(count(&pool, "SELECT count(*) FROM outbox").await, 0);
}

/// A1, A3: using a link is audited, dead or not; the link itself is nowhere.
#[sqlx::test]
async fn using_a_link_is_audited_and_the_link_is_stored_nowhere(pool: PgPool) {
    let d = with_maya(&pool).await;
    let token = mailed(&d).await;
    d.reset_password(&anonymous(), &nowhere(), password(OTHER_PASSWORD), false)
        .await
        .unwrap_err();
    let stored = format!(
        "SELECT count(*) FROM password_reset_tokens t WHERE t::text LIKE '%{0}%' OR token_hash = decode('{1}', 'base64')",
        token.reveal(),
        token.reveal().replace('-', "+").replace('_', "/") + "=",
    );
    assert_eq!(count(&pool, "SELECT count(*) FROM password_reset_tokens").await, 1);
    assert_eq!(count(&pool, &stored).await, 0);
    d.reset_password(&anonymous(), &token, password(OTHER_PASSWORD), false)
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

/// J3: a proved account's keys are its person's, and stay, unless they say that somebody else may have used it. Then
/// all ends.
#[sqlx::test]
async fn a_new_password_ends_everything_else_on_request(pool: PgPool) {
    let d = with_maya(&pool).await;
    let session = d.sign_in(&anonymous(), MAYA, PASSWORD).await.unwrap();
    let before = actor(&d, &session.token).await;
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAII2jiQYn6QCVghbfu7nROqyNNkp/HwZazGC2WsIfDiLh";
    d.add_ssh_key(&before, "Laptop", key).await.unwrap();
    let own = &d.organizations_of(&before, 1).await.unwrap()[0].slug;
    let sent = d.invite_member(&before, own, "nina@new.test").await.unwrap();
    for (is_on_request, keys, state) in [
        (false, 1, InvitationState::Pending),
        (true, 0, InvitationState::Revoked),
    ] {
        let link = mailed(&d).await;
        assert!(d.open_password_reset(&link).await.unwrap().is_proved);
        d.reset_password(&anonymous(), &link, password(OTHER_PASSWORD), is_on_request)
            .await
            .unwrap();
        assert_eq!(d.ssh_keys(&before).await.unwrap().len(), keys);
        assert_eq!(d.open_invitation(&sent.token).await.unwrap().state, state);
    }
}
