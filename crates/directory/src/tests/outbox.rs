//! M2, M3: mail that waits to be sent: taken once, tried again, given up, and never sent once its link would lead
//! nowhere.

use policy::Refusal;
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};

use super::fixture::{
    Tenant, anonymous, count, in_days, in_seconds, nowhere, refusal, refused_by_database, sql, until_one_waits,
};
use crate::{
    Delivery, Directory, InvitationQuery, InvitationState, Mail, MailAbout, authorization::writer::Writer, links,
};

const NINA: &str = "nina@new.test";

async fn take(d: &Directory) -> Option<Mail> {
    d.take_mail().await.unwrap()
}

impl Tenant {
    async fn delivery(&self) -> Delivery {
        let query = InvitationQuery {
            limit: 1,
            ..InvitationQuery::default()
        };
        let list = self
            .directory
            .invitations(&self.owner.actor, &self.slug, &query)
            .await
            .unwrap();
        list.rows[0].delivery
    }

    /// Makes every mail due now.
    async fn make_due(&self) {
        sql(
            &self.pool,
            "UPDATE outbox SET next_attempt_at = now() - interval '1 second'",
        )
        .await;
    }
}

/// M2: the mail says who invites to what, and its link leads there, beside the one to copy. Once sent it is not sent
/// again.
#[sqlx::test]
async fn an_invitations_mail_is_sent_once(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let d = &t.directory;
    assert!(take(d).await.is_none());
    let sent = t.invite(NINA).await;
    assert_eq!(t.delivery().await, Delivery::Waiting);
    let mail = take(d).await.unwrap();
    assert_eq!(mail.to.as_str(), NINA);
    let MailAbout::Invitation {
        organization,
        invited_by,
        expires_at,
    } = &mail.about
    else {
        panic!("{mail:?}")
    };
    assert_eq!(
        (organization.as_str(), invited_by.as_ref().unwrap().as_str()),
        ("Acme Research", "Olivia Owner")
    );
    let week = *expires_at - OffsetDateTime::now_utc();
    assert!(week > Duration::minutes(7 * 24 * 60 - 1) && week <= Duration::days(7));
    assert_ne!(*mail.link(), sent.token, "each copy of a link is a secret of its own");
    for token in [mail.link(), &sent.token] {
        assert_eq!(d.open_invitation(token).await.unwrap().state, InvitationState::Pending);
    }
    assert_eq!(t.delivery().await, Delivery::Retrying);
    d.mail_sent(mail.id).await.unwrap();
    assert_eq!(t.delivery().await, Delivery::Sent);
    assert!(take(&in_days::<1>(d)).await.is_none());
    t.accept_as_new(mail.link(), "Nina New").await;
}

/// A mail that failed is tried again: soon at first, then later and later, but at least every hour.
#[sqlx::test]
async fn a_failed_mail_waits_longer_each_time(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let d = &t.directory;
    t.invite(NINA).await;
    let mail = take(d).await.unwrap();
    for (attempts, wait) in [
        (1, 2),
        (2, 4),
        (3, 8),
        (11, 2048),
        (12, 3600),
        (40, 3600),
        (1_000_000, 3600),
    ] {
        sqlx::query("UPDATE outbox SET attempts = $1")
            .bind(attempts)
            .execute(&pool)
            .await
            .unwrap();
        let before = OffsetDateTime::now_utc();
        d.mail_failed(mail.id, false).await.unwrap();
        let after = OffsetDateTime::now_utc();
        let due: OffsetDateTime = sqlx::query_scalar("SELECT next_attempt_at FROM outbox")
            .fetch_one(&pool)
            .await
            .unwrap();
        // PostgreSQL's times are of a microsecond.
        let (wait, grain) = (Duration::seconds(wait), Duration::microseconds(1));
        assert!(
            before + wait - grain <= due && due <= after + wait + grain,
            "{attempts}"
        );
        assert_eq!(t.delivery().await, Delivery::Retrying);
    }
    assert!(take(d).await.is_none());
    assert!(take(&in_seconds::<3500>(d)).await.is_none());
    assert_eq!(take(&in_seconds::<3700>(d)).await.unwrap().id, mail.id);
}

/// After three days of failures it is given up, and said so; sending the invitation again begins anew.
#[sqlx::test]
async fn a_mail_is_given_up_after_three_days(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let d = &t.directory;
    let sent = t.invite(NINA).await;
    for (hours, expected) in [(71, Delivery::Retrying), (73, Delivery::Failed)] {
        t.make_due().await;
        let mail = take(d).await.unwrap();
        sql(
            &pool,
            &format!("UPDATE outbox SET created_at = now() - interval '{hours} hours'"),
        )
        .await;
        d.mail_failed(mail.id, false).await.unwrap();
        assert_eq!(t.delivery().await, expected, "{hours}");
    }
    t.make_due().await;
    assert!(take(d).await.is_none());
    d.resend_invitation(&t.owner.actor, &t.slug, sent.id).await.unwrap();
    assert_eq!(t.delivery().await, Delivery::Waiting);
    assert_eq!(take(d).await.unwrap().to.as_str(), NINA);
}

/// A mail whose deliverer never came back is taken by another, after two minutes; each attempt's link works.
#[sqlx::test]
async fn a_mail_being_sent_is_nobody_elses_for_a_while(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let d = &t.directory;
    let sent = t.invite(NINA).await;
    let first = take(d).await.unwrap();
    assert!(take(d).await.is_none());
    assert!(take(&in_seconds::<110>(d)).await.is_none());
    let second = take(&in_seconds::<130>(d)).await.unwrap();
    assert_eq!(first.id, second.id, "a mail server that gets both can tell");
    for token in [&sent.token, first.link(), second.link()] {
        assert_eq!(d.open_invitation(token).await.unwrap().state, InvitationState::Pending);
    }
    // Both may report, in whichever order, and whatever they saw: sent is sent.
    sql(&pool, "UPDATE outbox SET created_at = now() - interval '4 days'").await;
    d.mail_failed(second.id, false).await.unwrap();
    assert_eq!(t.delivery().await, Delivery::Failed);
    d.mail_sent(first.id).await.unwrap();
    assert_eq!(t.delivery().await, Delivery::Sent);
    d.mail_failed(second.id, false).await.unwrap();
    assert_eq!(t.delivery().await, Delivery::Sent);
}

/// Several servers deliver at once, and no two of them the same mail.
#[sqlx::test]
async fn no_two_deliverers_take_the_same_mail(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    for round in 0..6 {
        for number in 0..5 {
            t.invite(&format!("nina{round}{number}@new.test")).await;
        }
        let d = &t.directory;
        let (a, b, c, e, f, g) = tokio::join!(take(d), take(d), take(d), take(d), take(d), take(d));
        let mut taken: Vec<_> = [a, b, c, e, f, g].into_iter().flatten().map(|mail| mail.id).collect();
        while let Some(mail) = take(d).await {
            taken.push(mail.id);
        }
        assert_eq!(taken.len(), 5);
        taken.sort();
        taken.dedup();
        assert_eq!(taken.len(), 5);
    }
}

/// M3: what was revoked, accepted or replaced is not mailed any more, and a report about it does no harm.
#[sqlx::test]
async fn a_mail_whose_invitation_ended_is_not_sent(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let (d, owner) = (&t.directory, &t.owner.actor);
    for (number, under_way) in [false, true].into_iter().enumerate() {
        let [revoked, accepted, replaced] =
            ["revoked", "accepted", "replaced"].map(|how| format!("{how}{number}@new.test"));
        let (revoked, accepted, replaced) = (
            t.invite(&revoked).await,
            t.invite(&accepted).await,
            t.invite(&replaced).await,
        );
        let mut taken = Vec::new();
        while under_way && let Some(mail) = take(d).await {
            taken.push(mail);
        }
        assert_eq!(taken.len(), if under_way { 3 } else { 0 });
        d.revoke_invitation(owner, &t.slug, revoked.id).await.unwrap();
        t.accept_as_new(&accepted.token, "Nina New").await;
        d.resend_invitation(owner, &t.slug, replaced.id).await.unwrap();
        // Whoever accepted by the copied link is sent one that proves the address.
        let proof = take(d).await.unwrap();
        assert_eq!(proof.to, accepted.email);
        d.mail_sent(proof.id).await.unwrap();
        let rest = take(d).await.unwrap();
        assert_eq!(rest.to, replaced.email);
        assert!(take(d).await.is_none());
        d.mail_sent(rest.id).await.unwrap();
        for mail in taken {
            d.mail_failed(mail.id, false).await.unwrap();
            d.mail_sent(mail.id).await.unwrap();
            if mail.to == replaced.email {
                assert_eq!(refusal(d.open_invitation(mail.link()).await), Refusal::Hidden);
            }
        }
        t.make_due().await;
        assert!(take(d).await.is_none());
    }
    d.mail_sent(uuid::Uuid::now_v7()).await.unwrap();
}

/// M3: the old link is dead, also that of a mail which is just being made when the invitation is sent again.
#[sqlx::test]
async fn a_link_made_while_the_invitation_is_sent_again_is_dead(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let sent = t.invite(NINA).await;
    // What taking a mail does, held before its commit.
    let mut tx = Writer::for_worker(t.directory.pool.begin().await.unwrap(), uuid::Uuid::now_v7);
    sqlx::query("UPDATE outbox SET attempts = attempts + 1")
        .execute(&mut *tx)
        .await
        .unwrap();
    let mailed = links::add_token(&mut tx, t.organization, sent.id, true).await.unwrap();
    let (again, ()) = tokio::join!(t.directory.resend_invitation(&t.owner.actor, &t.slug, sent.id), async {
        until_one_waits(&pool).await;
        tx.into_transaction().commit().await.unwrap();
    });
    assert_eq!(refusal(t.directory.open_invitation(&mailed).await), Refusal::Hidden);
    assert_eq!(refusal(t.directory.open_invitation(&sent.token).await), Refusal::Hidden);
    t.accept_as_new(&again.unwrap().token, "Nina New").await;
}

/// The oldest comes first, and a mail that cannot be delivered does not hold up the rest.
#[sqlx::test]
async fn a_mail_that_fails_lets_others_pass(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let d = &t.directory;
    for number in 0..3 {
        t.invite(&format!("nina{number}@new.test")).await;
    }
    let first = take(d).await.unwrap();
    assert_eq!(first.to.as_str(), "nina0@new.test");
    d.mail_failed(first.id, false).await.unwrap();
    assert_eq!(take(d).await.unwrap().to.as_str(), "nina1@new.test");
    assert_eq!(take(d).await.unwrap().to.as_str(), "nina2@new.test");
    assert!(take(d).await.is_none());
}

/// A link to a new password is mailed to the person it is for.
#[sqlx::test]
async fn a_link_to_a_new_password_is_mailed(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let d = &t.directory;
    d.request_password_reset(&anonymous(), &t.maya.email).await.unwrap();
    let mail = take(d).await.unwrap();
    assert_eq!(mail.to.as_str(), t.maya.email);
    let MailAbout::PasswordReset { name } = &mail.about else {
        panic!("{mail:?}")
    };
    assert_eq!(name.as_str(), "Maya Member");
    let link = mail.link().clone();
    assert_eq!(d.open_password_reset(&link).await.unwrap().email.as_str(), t.maya.email);
    assert_eq!(
        refusal(d.open_invitation(&link).await),
        Refusal::Hidden,
        "it is a link of one kind alone"
    );
    let sent = t.invite(NINA).await;
    d.mail_sent(take(d).await.unwrap().id).await.unwrap();
    assert_eq!(refusal(d.open_password_reset(&sent.token).await), Refusal::LinkDead);
    assert_eq!(refusal(d.open_password_reset(&nowhere()).await), Refusal::LinkDead);
    // Each attempt's link works, for an hour from then.
    d.mail_failed(mail.id, false).await.unwrap();
    let again = take(&in_seconds::<5000>(d)).await.unwrap();
    assert_eq!(again.to, mail.to);
    let later = in_seconds::<5000>(d);
    later.open_password_reset(again.link()).await.unwrap();
    assert_eq!(refusal(later.open_password_reset(&link).await), Refusal::LinkDead);
}

/// A mail to somebody who deleted their account as it was asked for is dropped, and holds up nobody else's.
#[sqlx::test]
async fn a_mail_to_a_deleted_person_holds_up_no_other(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    t.directory
        .request_password_reset(&anonymous(), &t.noah.email)
        .await
        .unwrap();
    let left =
        "UPDATE users SET email = NULL, email_proved_at = NULL, name = 'Deleted user', deleted_at = now() WHERE id = ";
    sql(&pool, &format!("{left} '{}'", t.noah.id)).await;
    t.invite(NINA).await;
    assert_eq!(take(&t.directory).await.unwrap().to.as_str(), NINA);
    assert!(take(&t.directory).await.is_none());
}

/// What is over is thrown away after a month; what waits is kept.
#[sqlx::test]
async fn old_mail_is_thrown_away_and_waiting_mail_kept(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    for number in 0..3 {
        t.invite(&format!("nina{number}@new.test")).await;
    }
    let (sent, failed) = (take(&t.directory).await.unwrap(), take(&t.directory).await.unwrap());
    t.directory.mail_sent(sent.id).await.unwrap();
    sqlx::query("UPDATE outbox SET created_at = now() - interval '4 days' WHERE id = $1")
        .bind(failed.id)
        .execute(&pool)
        .await
        .unwrap();
    t.directory.mail_failed(failed.id, false).await.unwrap();
    in_days::<29>(&t.directory).forget_old_mail().await.unwrap();
    assert_eq!(count(&pool, "SELECT count(*) FROM outbox").await, 3);
    in_days::<31>(&t.directory).forget_old_mail().await.unwrap();
    assert_eq!(count(&pool, "SELECT count(*) FROM outbox").await, 1);
}

/// U1: what waits is counted with the age of the oldest; what was sent or given up doesn't wait.
#[sqlx::test]
async fn u1_mail_that_waits_is_counted(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let backlog = async |directory: &Directory| {
        let backlog = directory.mail_backlog().await.unwrap();
        (backlog.waiting, backlog.oldest.whole_days())
    };
    assert_eq!(backlog(&in_days::<3>(&t.directory)).await, (0, 0));
    for number in 0..3 {
        t.invite(&format!("nina{number}@new.test")).await;
    }
    assert_eq!(backlog(&in_days::<3>(&t.directory)).await, (3, 3));
    let (sent, refused) = (take(&t.directory).await.unwrap(), take(&t.directory).await.unwrap());
    assert_eq!(backlog(&t.directory).await, (3, 0), "one that is being sent may fail");
    t.directory.mail_sent(sent.id).await.unwrap();
    t.directory.mail_failed(refused.id, true).await.unwrap();
    assert_eq!(backlog(&in_days::<3>(&t.directory)).await, (1, 3));
}

/// Past the code: a mail is about one thing.
#[sqlx::test]
async fn the_database_refuses_a_mail_about_nothing_or_two_things(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    t.invite(NINA).await;
    for (sql, constraint) in [
        (
            "UPDATE outbox SET invitation_id = NULL".to_owned(),
            "outbox_has_one_subject",
        ),
        (
            format!("UPDATE outbox SET user_id = '{}'", t.maya.id),
            "outbox_has_one_subject",
        ),
        (
            "UPDATE outbox SET sent_at = now(), failed_at = now()".to_owned(),
            "outbox_ends_once",
        ),
    ] {
        assert_eq!(refused_by_database(&pool, &sql).await, constraint, "{sql}");
    }
}

/// What the mail server will never take is given up at once: the inviter passes the link on by hand.
#[sqlx::test]
async fn a_mail_that_is_refused_for_good_is_not_tried_again(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let d = &t.directory;
    t.invite(NINA).await;
    let mail = take(d).await.unwrap();
    d.mail_failed(mail.id, true).await.unwrap();
    assert_eq!(t.delivery().await, Delivery::Failed);
    t.make_due().await;
    assert!(take(d).await.is_none());
}
