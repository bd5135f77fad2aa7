//! J9: how often what can be guessed or sends mail may be tried, and that nobody is kept out by what others do.

use policy::Refusal;
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};

use super::fixture::{
    OTHER_PASSWORD, PASSWORD, Person, Tenant, account, actor, anonymous, count, directory, email, in_seconds, origin,
    password, refusal, sql,
};
use crate::{Directory, Error, LinkToken, Origin, Principal, Result, Settings, attempts::Limit, limits};

const MAYA: &str = "maya@acme.test";
const NINA: &str = "nina@new.test";

fn from(address: &str) -> Origin {
    Origin {
        address: address.to_owned(),
        ..origin()
    }
}

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

/// Uses a limit up, without the work of what is limited.
async fn use_up(directory: &Directory, limit: &Limit) {
    sqlx::query(
        "INSERT INTO attempts (bucket, window_start, count) VALUES ($1, $2, $3)
                 ON CONFLICT (bucket) DO UPDATE SET count = $3",
    )
    .bind(&limit.bucket)
    .bind(OffsetDateTime::now_utc())
    .bind(limit.count)
    .execute(&directory.pool)
    .await
    .unwrap();
}

#[track_caller]
fn assert_waits<T>(outcome: Result<T>, most: Duration) {
    let refused = refusal(outcome);
    let Refusal::TooManyAttempts { retry_after } = refused else {
        panic!("{refused:?}")
    };
    assert!(
        (1..=most.whole_seconds()).contains(&retry_after.into()),
        "{retry_after}"
    );
}

/// Strangers' failures at one account are limited, by network and in all; and they keep a known device out in no case.
#[sqlx::test]
async fn j9_strangers_who_guess_keep_no_known_device_out(pool: PgPool) {
    let d = with_maya(&pool).await;
    let laptop = Some("laptop");
    for network in 1..=2 {
        let stranger = from(&format!("198.51.100.{network}"));
        for _ in 0..10 {
            let outcome = d
                .sign_in(&Principal::anonymous(stranger.clone()), MAYA, OTHER_PASSWORD)
                .await;
            assert_eq!(refusal(outcome), Refusal::CredentialsWrong);
        }
        assert_waits(
            d.sign_in(&Principal::anonymous(stranger.clone()), MAYA, PASSWORD).await,
            Duration::minutes(5),
        );
        // Ten are what one network has; the device is none of theirs, even there.
        d.sign_in_on(&Principal::anonymous(stranger.clone()), &email(MAYA), PASSWORD, laptop)
            .await
            .unwrap();
    }
    // Twenty are what strangers have together.
    assert_waits(d.sign_in(&anonymous(), MAYA, PASSWORD).await, Duration::minutes(5));
    for known in ["192.0.2.7", "198.51.100.1"] {
        d.sign_in_on(&Principal::anonymous(from(known)), &email(MAYA), PASSWORD, laptop)
            .await
            .unwrap();
    }
    // What the device has is limited as well, and its own.
    for _ in 0..10 {
        let outcome = d.sign_in_on(&anonymous(), &email(MAYA), OTHER_PASSWORD, laptop).await;
        assert_eq!(refusal(outcome), Refusal::CredentialsWrong);
    }
    assert_waits(
        d.sign_in_on(&anonymous(), &email(MAYA), PASSWORD, laptop).await,
        Duration::minutes(5),
    );
    d.sign_in_on(&anonymous(), &email(MAYA), PASSWORD, Some("phone"))
        .await
        .unwrap();
    in_seconds::<301>(&d)
        .sign_in(&anonymous(), MAYA, PASSWORD)
        .await
        .unwrap();
}

/// Failures at other accounts from one network, and everybody's together, keep strangers waiting for minutes and no
/// known device.
#[sqlx::test]
async fn j9_failures_at_other_accounts_keep_no_known_device_out(pool: PgPool) {
    let d = with_maya(&pool).await;
    let all = limits::sign_in(&"x@y.test".parse().unwrap(), &origin(), None);
    let laptop = Some("laptop");
    use_up(&d, &all[1]).await;
    assert_waits(d.sign_in(&anonymous(), MAYA, PASSWORD).await, Duration::minutes(5));
    d.sign_in(&Principal::anonymous(from("198.51.100.1")), MAYA, PASSWORD)
        .await
        .unwrap();
    use_up(&d, &all[0]).await;
    assert_waits(
        d.sign_in(&Principal::anonymous(from("198.51.100.1")), MAYA, PASSWORD)
            .await,
        Duration::minutes(1),
    );
    d.sign_in_on(&anonymous(), &email(MAYA), PASSWORD, laptop)
        .await
        .unwrap();
}

/// Whoever has one address of an IPv6 network has them all.
#[sqlx::test]
async fn j9_an_ipv6_network_guesses_as_one(pool: PgPool) {
    let d = with_maya(&pool).await;
    for number in 0..10 {
        let outcome = d
            .sign_in(
                &Principal::anonymous(from(&format!("2001:db8::{number}"))),
                MAYA,
                OTHER_PASSWORD,
            )
            .await;
        assert_eq!(refusal(outcome), Refusal::CredentialsWrong);
    }
    assert_waits(
        d.sign_in(&Principal::anonymous(from("2001:db8::ffff")), MAYA, PASSWORD)
            .await,
        Duration::minutes(5),
    );
    d.sign_in(&Principal::anonymous(from("2001:db8:0:1::1")), MAYA, PASSWORD)
        .await
        .unwrap();
}

/// An attempt that one limit refuses counts in none of the others: hammering at one account uses up nobody else's.
#[sqlx::test]
async fn j9_what_is_refused_counts_in_no_limit(pool: PgPool) {
    let d = with_maya(&pool).await;
    let limits = limits::sign_in(&MAYA.parse().unwrap(), &origin(), None);
    use_up(&d, &limits[3]).await;
    for _ in 0..5 {
        assert_waits(d.sign_in(&anonymous(), MAYA, PASSWORD).await, Duration::minutes(5));
    }
    let broader =
        "SELECT sum(count) FROM attempts WHERE bucket NOT LIKE '% network %' OR bucket LIKE 'sign_in network%'";
    assert_eq!(count(&pool, broader).await, 0);
}

/// New accounts, by network and in all.
#[sqlx::test]
async fn j9_new_accounts_are_limited(pool: PgPool) {
    let d = directory(&pool);
    let sign_up = async |from: &Origin| {
        d.sign_up(&Principal::anonymous(from.clone()), account("Maya", MAYA))
            .await
    };
    let limits = limits::sign_up(&from("2001:db8::1"));
    use_up(&d, &limits[1]).await;
    assert_waits(sign_up(&from("2001:db8::2")).await, Duration::hours(1));
    sign_up(&origin()).await.unwrap();
    sql(&pool, "DELETE FROM attempts").await;
    use_up(&d, &limits[0]).await;
    assert_waits(sign_up(&origin()).await, Duration::minutes(10));
}

/// Strangers who ask for somebody's links use nothing up: the person has one that works, and is told the same each
/// time.
#[sqlx::test]
async fn j9_strangers_use_up_nobodys_links_to_a_new_password(pool: PgPool) {
    let d = with_maya(&pool).await;
    for number in 0..6 {
        let stranger = from(&format!("198.51.100.{number}"));
        d.request_password_reset(&Principal::anonymous(stranger.clone()), MAYA)
            .await
            .unwrap();
    }
    d.request_password_reset(&anonymous(), MAYA).await.unwrap();
    assert_eq!(
        count(&pool, "SELECT count(*) FROM outbox").await,
        1,
        "one mail, which works"
    );
    let mail = d.take_mail().await.unwrap().unwrap();
    d.mail_sent(mail.id).await.unwrap();
    d.open_password_reset(&mail.token.unwrap()).await.unwrap();
    // In each window there is another one.
    in_seconds::<901>(&d)
        .request_password_reset(&anonymous(), MAYA)
        .await
        .unwrap();
    assert_eq!(count(&pool, "SELECT count(*) FROM outbox").await, 2);
    // Where the link ended meanwhile, the next one comes at once.
    d.set_password(&Principal::operator(), &MAYA.parse().unwrap(), password(PASSWORD))
        .await
        .unwrap();
    d.request_password_reset(&anonymous(), MAYA).await.unwrap();
    assert!(d.take_mail().await.unwrap().is_some());
}

/// Those who ask for many links, by network and in all.
#[sqlx::test]
async fn j9_asking_for_links_is_limited(pool: PgPool) {
    let d = with_maya(&pool).await;
    let limits = limits::password_reset(&from("2001:db8::1"));
    use_up(&d, &limits[1]).await;
    assert_waits(
        d.request_password_reset(&Principal::anonymous(from("2001:db8::2")), MAYA)
            .await,
        Duration::minutes(15),
    );
    d.request_password_reset(&anonymous(), MAYA).await.unwrap();
    assert_eq!(count(&pool, "SELECT count(*) FROM outbox").await, 1);
    use_up(&d, &limits[0]).await;
    assert_waits(
        d.request_password_reset(&anonymous(), NINA).await,
        Duration::minutes(10),
    );
}

/// Somebody who signed up, with an organization of their own, ready to write to people.
async fn stranger(t: &Tenant, number: usize) -> Result<Principal> {
    let account = account("Sam Stranger", &format!("stranger{number}@elsewhere.test"));
    // Nothing is mailed for those whose own address isn't proved.
    let address = account.email.clone();
    let session = t.directory.sign_up(&anonymous(), account).await?;
    t.directory.verify_as_operator(&Principal::operator(), &address).await?;
    Ok(actor(&t.directory, &session.token).await)
}

/// Invites from the stranger's own organization, and deletes that.
async fn invite_and_delete(t: &Tenant, stranger: &Principal) -> Result<LinkToken> {
    let organization = t.directory.organizations_of(stranger, 1).await?.remove(0);
    let invited = t.directory.invite_member(stranger, &organization.slug, NINA).await;
    let name = organization.name.to_string();
    t.directory
        .delete_organization(stranger, &organization.slug, &name)
        .await?;
    invited.map(|invited| invited.token)
}

/// Mail that was sent counts, whatever becomes of the organization that sent it; and a mailbox gets so much in all.
#[sqlx::test]
async fn j9_deleting_an_organization_forgets_no_mail(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let mut sent = 0;
    for number in 0..20 {
        let stranger = stranger(&t, number).await.unwrap();
        match invite_and_delete(&t, &stranger).await {
            Ok(_) => sent += 1,
            Err(Error::Refused(Refusal::TooManyAttempts { .. })) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(sent, 12);
}

/// One organization's mail, and one person's, leave room for others'; what was refused counts for nothing.
#[sqlx::test]
async fn j9_an_organization_leaves_room_for_others(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let d = &t.directory;
    let id = t.invite(NINA).await.id;
    let resend = async |by: &Person| d.resend_invitation(&by.actor, &t.slug, id).await;
    for by in [&t.owner, &t.admin, &t.owner] {
        resend(by).await.unwrap();
    }
    for _ in 0..20 {
        assert_waits(resend(&t.admin).await, Duration::hours(1));
    }
    assert_eq!(
        count(
            &pool,
            "SELECT max(count)::int8 FROM attempts WHERE bucket LIKE 'invitation mail%'"
        )
        .await,
        4
    );
    // Another address, and another organization, have their own.
    t.invite("norman@new.test").await;
    let other = Tenant::named(&pool, "other").await.sending_mail();
    other.invite(NINA).await;
    in_seconds::<3601>(d)
        .resend_invitation(&t.owner.actor, &t.slug, id)
        .await
        .unwrap();
}

/// A person who sends from one organization after the other is one person.
#[sqlx::test]
async fn j9_a_person_writes_to_an_address_as_one(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    for called in ["a", "b", "c", "d", "e"] {
        let other = Tenant::named(&pool, &format!("other-{called}")).await.sending_mail();
        other.join(&t.owner, policy::OrganizationRole::Admin).await;
        let invited = other.directory.invite_member(&t.owner.actor, &other.slug, NINA).await;
        assert_eq!(invited.is_ok(), called != "e", "{called}");
    }
}

/// The database ends what takes too long, but no migration.
#[sqlx::test]
async fn statements_and_idle_transactions_have_a_time_limit(pool: PgPool) {
    let url = std::env::var("DATABASE_URL").unwrap();
    let limit = std::time::Duration::from_millis(200);
    let d = Directory::connect_for(&url, 1, limit, Settings::default())
        .await
        .unwrap();
    let setting: String = sqlx::query_scalar("SELECT current_setting('idle_in_transaction_session_timeout')")
        .fetch_one(&d.pool)
        .await
        .unwrap();
    assert_eq!(setting, "1min");
    let slow = sqlx::query("SELECT pg_sleep(20)").execute(&d.pool).await.unwrap_err();
    assert!(
        matches!(Error::from(slow), Error::Unavailable(_)),
        "it is 503, and no fault of ours"
    );
    sqlx::query("SELECT 1").execute(&d.pool).await.unwrap();
    drop(pool);
}
