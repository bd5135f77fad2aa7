//! Another address for an account (J5): proved first, told to the old one, and undone by it.

use policy::Refusal;
use sqlx::PgPool;

use super::{
    fixture::{
        OTHER_PASSWORD, PASSWORD, Tenant, account, actor, anonymous, email, events, in_days, nowhere, password,
        refusal, sql, until_one_waits,
    },
    verification::{NINA, is_proved, mail, sign_up},
};
use crate::{Directory, LinkToken, MailAbout, Principal};

const NEW: &str = "maya@elsewhere.test";

/// A tenant in which Maya has signed in by her password.
async fn tenant(pool: &PgPool) -> Tenant {
    let mut t = Tenant::new(pool).await.sending_mail();
    t.maya.actor = t.sign_in(&t.maya).await;
    t
}

async fn ask(d: &Directory, person: &Principal, new: &str) -> LinkToken {
    d.request_email_change(person, &email(new)).await.unwrap();
    let mail = mail(d).await;
    assert!(matches!(mail.about, MailAbout::ChangeEmail), "{mail:?}");
    assert_eq!(mail.to.as_str(), new);
    mail.token.unwrap()
}

/// What the old address gets: the link that undoes it.
async fn undo(d: &Directory, old: &str) -> Option<LinkToken> {
    let mail = mail(d).await;
    assert!(matches!(mail.about, MailAbout::EmailChanged { .. }), "{mail:?}");
    assert_eq!(mail.to.as_str(), old);
    mail.token
}

async fn signs_in(d: &Directory, address: &str, password: &str) -> bool {
    d.sign_in(&anonymous(), address, password).await.is_ok()
}

/// J5: the account has its address until the button behind the link at the new one is pressed, in its own session.
#[sqlx::test]
async fn j5_the_new_address_is_proved_first(pool: PgPool) {
    let t = tenant(&pool).await;
    let d = &t.directory;
    let (maya, old) = (&t.maya.actor, &*t.maya.email);
    let unchanged = d.request_email_change(maya, &email(old)).await;
    assert_eq!(refusal(unchanged), Refusal::EmailUnchanged);

    let replaced = ask(d, maya, "typo@elsewhere.test").await;
    let link = ask(d, maya, NEW).await;
    assert_eq!(refusal(d.open_email_change(&replaced).await), Refusal::LinkDead);
    assert_eq!(refusal(d.open_email_change(&nowhere()).await), Refusal::LinkDead);
    let opened = d.open_email_change(&link).await.unwrap();
    assert_eq!((opened.user, opened.email.as_str()), (t.maya.id, NEW));
    assert!(signs_in(d, old, PASSWORD).await && !signs_in(d, NEW, PASSWORD).await);

    // By another's session the link is none, or an attacker's account would get the address of whoever pressed.
    assert_eq!(refusal(d.change_email(&t.noah.actor, &link).await), Refusal::LinkDead);
    // What changes it can not undo it.
    assert_eq!(refusal(d.open_email_undo(&link).await), Refusal::LinkDead);

    let (changed, told) = t.audited(d.change_email(maya, &link)).await;
    assert_eq!(changed.unwrap().as_str(), NEW);
    assert_eq!(told[0].action, "user:update_email");
    assert_eq!(told[0].before.as_ref().unwrap()["email"], old);
    assert_eq!(told[0].after.as_ref().unwrap()["email"], NEW);
    assert!(is_proved(d, t.maya.id).await);
    assert!(
        d.session_lives(maya.session().unwrap()).await.unwrap(),
        "nothing ends by it"
    );
    assert!(signs_in(d, NEW, PASSWORD).await && !signs_in(d, old, PASSWORD).await);
    assert_eq!(refusal(d.change_email(maya, &link).await), Refusal::LinkDead);
    assert_eq!(refusal(d.open_email_undo(&link).await), Refusal::LinkDead);
    assert!(undo(d, old).await.is_some());
}

/// J5, J7: it asks for the password again, and for a mail server; a link is good for a day.
#[sqlx::test]
async fn j5_what_refuses_a_change_of_address(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let asked = t.directory.request_email_change(&t.maya.actor, &email(NEW)).await;
    assert_eq!(refusal(asked), Refusal::NoMail);
    let t = t.sending_mail();
    let d = &t.directory;
    let link = ask(d, &t.maya.actor, NEW).await;
    let late = in_days::<2>(d);
    assert_eq!(
        refusal(late.change_email(&t.maya.actor, &link).await),
        Refusal::LinkDead
    );
    sql(
        &pool,
        "UPDATE sessions SET confirmed_at = now() - interval '11 minutes'",
    )
    .await;
    let asked = d.request_email_change(&t.maya.actor, &email(NEW)).await;
    assert_eq!(refusal(asked), Refusal::ConfirmationNeeded);
    sql(&pool, "UPDATE sessions SET confirmed_at = now()").await;
    for nth in 0..4 {
        ask(d, &t.maya.actor, &format!("maya{nth}@elsewhere.test")).await;
    }
    let asked = d.request_email_change(&t.maya.actor, &email(NEW)).await;
    assert!(matches!(refusal(asked), Refusal::TooManyAttempts { .. }));
}

/// X6, J5: asking says nothing of who has an account; the mail to that address does, and the link is for nobody.
#[sqlx::test]
async fn j5_an_address_with_an_account_is_told_by_mail_alone(pool: PgPool) {
    let t = tenant(&pool).await;
    let d = &t.directory;
    d.request_email_change(&t.maya.actor, &email(&t.noah.email))
        .await
        .unwrap();
    let told = mail(d).await;
    assert!(matches!(told.about, MailAbout::EmailTaken), "{told:?}");
    assert_eq!((told.to.as_str(), told.token.is_none()), (&*t.noah.email, true));

    // Taken after the link was mailed.
    let link = ask(d, &t.maya.actor, NINA).await;
    sign_up(&t).await;
    let changed = d.change_email(&t.maya.actor, &link).await;
    assert_eq!(refusal(changed), Refusal::EmailTaken);
    assert!(signs_in(d, &t.maya.email, PASSWORD).await);
}

/// J5: the old address gives the account back to whoever reads it, for 7 days, and whoever changed it keeps nothing.
#[sqlx::test]
async fn j5_the_old_address_undoes_it(pool: PgPool) {
    let t = tenant(&pool).await;
    let d = &t.directory;
    let old = &*t.maya.email;
    // Twice: the second change takes nothing from the first address.
    let link = ask(d, &t.maya.actor, NEW).await;
    d.change_email(&t.maya.actor, &link).await.unwrap();
    let first = undo(d, old).await.unwrap();
    let link = ask(d, &t.maya.actor, "thief@elsewhere.test").await;
    d.change_email(&t.maya.actor, &link).await.unwrap();
    let second = undo(d, NEW).await.unwrap();
    let waiting = ask(d, &t.maya.actor, "next@elsewhere.test").await;

    let opened = d.open_email_undo(&first).await.unwrap();
    assert_eq!(
        (opened.old.as_str(), opened.current.as_str()),
        (old, "thief@elsewhere.test")
    );
    let late = in_days::<8>(d);
    assert_eq!(refusal(late.open_email_undo(&first).await), Refusal::LinkDead);
    let weak = d
        .undo_email_change(&anonymous(), &first, password("password1234"))
        .await;
    assert!(matches!(refusal(weak), Refusal::PasswordWeak(_)));

    let session = d
        .undo_email_change(&anonymous(), &first, password(OTHER_PASSWORD))
        .await
        .unwrap();
    let maya = actor(d, &session.token).await;
    assert_eq!(maya.id(), t.maya.id);
    assert!(!d.session_lives(t.maya.actor.session().unwrap()).await.unwrap());
    assert!(signs_in(d, old, OTHER_PASSWORD).await && is_proved(d, maya.id()).await);
    for address in [NEW, "thief@elsewhere.test"] {
        assert!(!signs_in(d, address, PASSWORD).await && !signs_in(d, address, OTHER_PASSWORD).await);
    }
    for dead in [&first, &second] {
        let undone = d.undo_email_change(&anonymous(), dead, password(OTHER_PASSWORD)).await;
        assert_eq!(refusal(undone), Refusal::LinkDead);
    }
    assert_eq!(refusal(d.change_email(&maya, &waiting).await), Refusal::LinkDead);
    let told = events(&pool).await;
    let told = told
        .iter()
        .rfind(|event| event.action == "user:undo_email_change" && event.refusal.is_none());
    assert_eq!(told.unwrap().after.as_ref().unwrap()["email"], old);
}

/// J5: an address that can be given back is nobody else's for 7 days, and says so as a taken one does.
#[sqlx::test]
async fn j5_the_old_address_is_kept_meanwhile(pool: PgPool) {
    let t = tenant(&pool).await;
    let d = &t.directory;
    let old = &*t.maya.email;
    let link = ask(d, &t.maya.actor, NEW).await;
    d.change_email(&t.maya.actor, &link).await.unwrap();
    undo(d, old).await.unwrap();
    assert_eq!(
        refusal(d.sign_up(&anonymous(), account("Mallory", old)).await),
        Refusal::EmailTaken
    );
    d.sign_up_by_mail(&anonymous(), account("Mallory", old)).await.unwrap();
    assert!(!signs_in(d, old, PASSWORD).await);
    // The mail says so to whoever reads it, as of an address that has an account.
    let told = mail(d).await;
    assert!(matches!(told.about, MailAbout::SignUpAgain), "{told:?}");
    d.request_email_change(&t.noah.actor, &email(old)).await.unwrap();
    assert!(matches!(mail(d).await.about, MailAbout::EmailTaken));

    // Its own person may go back to it.
    let link = ask(d, &t.maya.actor, old).await;
    d.change_email(&t.maya.actor, &link).await.unwrap();
    assert!(signs_in(d, old, PASSWORD).await);

    sql(
        &pool,
        "UPDATE email_changes SET expires_at = now() WHERE changed_at IS NOT NULL",
    )
    .await;
    d.sign_up(&anonymous(), account("Nobody Known", NEW)).await.unwrap();
}

/// J5: somebody signs up with the old address at the very moment at which the account gets another one: it waits for
/// that, and is refused.
#[sqlx::test]
async fn j5_nobody_takes_the_old_address_while_it_changes(pool: PgPool) {
    let t = tenant(&pool).await;
    let d = &t.directory;
    let link = ask(d, &t.maya.actor, NEW).await;
    d.change_email(&t.maya.actor, &link).await.unwrap();
    // What the change did, once more and held open.
    sql(&pool, "DELETE FROM email_changes").await;
    let mut held = pool.begin().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "INSERT INTO email_changes (id, user_id, old_email, new_email, requested_at, changed_at, expires_at)
             VALUES (gen_random_uuid(), '{id}', '{NEW}', 'third@elsewhere.test', now(), now(), now() + interval '7 days');
         UPDATE users SET email = 'third@elsewhere.test' WHERE id = '{id}'",
        id = t.maya.id
    )))
    .execute(&mut *held)
    .await
    .unwrap();
    let other = d.clone();
    let taking = tokio::spawn(async move { other.sign_up(&anonymous(), account("Mallory", NEW)).await });
    until_one_waits(&pool).await;
    held.commit().await.unwrap();
    assert_eq!(refusal(taking.await.unwrap()), Refusal::EmailTaken);
}

/// J5: an old address that was never proved is told nothing: its mailbox may be a stranger's, who could take the
/// account by undoing the change.
#[sqlx::test]
async fn j5_an_unproved_old_address_undoes_nothing(pool: PgPool) {
    let t = tenant(&pool).await;
    let d = &t.directory;
    let nina = sign_up(&t).await;
    let link = ask(d, &nina, NEW).await;
    d.change_email(&nina, &link).await.unwrap();
    assert!(is_proved(d, nina.id()).await);
    while let Some(mail) = d.take_mail().await.unwrap() {
        assert_ne!(mail.to.as_str(), NINA, "{mail:?}");
        d.mail_sent(mail.id).await.unwrap();
    }
    d.sign_up(&anonymous(), account("Nina New", NINA)).await.unwrap();
}

/// J5: the operator changes an address without a link; the old one is told, without one that undoes it.
#[sqlx::test]
async fn j5_the_operator_changes_an_address(pool: PgPool) {
    let t = tenant(&pool).await;
    let d = &t.directory;
    let old = &t.maya.email;
    let link = ask(d, &t.maya.actor, "other@elsewhere.test").await;
    let change = async |from: &str, to: &str| d.set_email(&Principal::operator(), &email(from), &email(to)).await;
    assert_eq!(refusal(change("no@new.test", NEW).await), Refusal::UserNotFound);
    assert_eq!(refusal(change(old, &t.noah.email).await), Refusal::EmailTaken);
    assert_eq!(refusal(change(old, old).await), Refusal::EmailUnchanged);
    assert_eq!(change(old, NEW).await.unwrap(), t.maya.id);
    assert!(signs_in(d, NEW, PASSWORD).await);
    assert_eq!(refusal(d.change_email(&t.maya.actor, &link).await), Refusal::LinkDead);
    assert!(undo(d, old).await.is_none());
    d.sign_up(&anonymous(), account("Nobody Known", old)).await.unwrap();

    // Without mail as well.
    let t = Tenant::named(&pool, "quiet").await;
    t.directory
        .set_email(
            &Principal::operator(),
            &email(&t.maya.email),
            &email("quiet@elsewhere.test"),
        )
        .await
        .unwrap();
    assert!(
        t.directory
            .take_mail()
            .await
            .unwrap()
            .is_none_or(|mail| mail.to.as_str() != t.maya.email)
    );
}

/// J5: with the account its changes end: no link gives back an address, and none stays reserved.
#[sqlx::test]
async fn j5_deleting_the_account_frees_its_addresses(pool: PgPool) {
    let t = tenant(&pool).await;
    let d = &t.directory;
    let old = &t.maya.email;
    let link = ask(d, &t.maya.actor, NEW).await;
    d.change_email(&t.maya.actor, &link).await.unwrap();
    let token = undo(d, old).await.unwrap();
    d.delete_account(&t.maya.actor, PASSWORD).await.unwrap();
    assert_eq!(refusal(d.open_email_undo(&token).await), Refusal::LinkDead);
    for address in [&**old, NEW] {
        d.sign_up(&anonymous(), account("Nobody Known", address)).await.unwrap();
    }
}
