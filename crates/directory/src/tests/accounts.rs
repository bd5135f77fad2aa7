//! Signing up, signing in, passwords, and the limits on trying.

use std::sync::atomic::{AtomicU64, Ordering};

use policy::Refusal;
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};

use super::fixture::{
    OTHER_PASSWORD, PASSWORD, account, anonymous, count, directory, email, events, origin, password, refusal,
    until_one_waits,
};
use crate::{Directory, Principal};

const MAYA: &str = "maya@acme.test";

async fn with_maya(pool: &PgPool) -> Directory {
    let directory = directory(pool);
    directory
        .create_user(&Principal::operator(), account("Maya Muster", MAYA))
        .await
        .unwrap();
    directory
}

fn later(directory: &Directory) -> Directory {
    directory
        .clone()
        .with_clock(|| OffsetDateTime::now_utc() + Duration::minutes(16))
}

/// C3: an address is one account's, in whichever case.
#[sqlx::test]
async fn an_address_has_one_account(pool: PgPool) {
    let directory = with_maya(&pool).await;
    for typed in [MAYA, " MAYA@Acme.Test "] {
        let outcome = directory.sign_up(&anonymous(), account("Another", typed)).await;
        assert_eq!(refusal(outcome), Refusal::EmailTaken);
        assert_eq!(
            refusal(
                directory
                    .create_user(&Principal::operator(), account("Another", typed))
                    .await
            ),
            Refusal::EmailTaken
        );
    }
    let people: i64 = sqlx::query_scalar("SELECT count(*) FROM users")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(people, 1);
}

/// The same answer and the same trace, whether the address or the password is wrong.
#[sqlx::test]
async fn a_wrong_password_and_an_unknown_address_get_the_same_answer(pool: PgPool) {
    let directory = with_maya(&pool).await;
    for (typed, secret) in [
        (MAYA, OTHER_PASSWORD),
        (MAYA, ""),
        (MAYA, "correct-horse-battery "),
        ("nobody@acme.test", PASSWORD),
        ("no address", PASSWORD),
        (MAYA, &"x".repeat(100_000)),
    ] {
        assert_eq!(
            refusal(directory.sign_in(&anonymous(), typed, secret).await),
            Refusal::CredentialsWrong
        );
    }
    let sessions: i64 = sqlx::query_scalar("SELECT count(*) FROM sessions")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(sessions, 0);
    directory
        .sign_in(&anonymous(), " MAYA@ACME.test", PASSWORD)
        .await
        .unwrap();
}

/// A1
#[sqlx::test]
async fn signing_in_is_audited_done_or_refused(pool: PgPool) {
    let directory = with_maya(&pool).await;
    directory.sign_in(&anonymous(), MAYA, OTHER_PASSWORD).await.unwrap_err();
    directory
        .sign_in(&anonymous(), "nobody@acme.test", PASSWORD)
        .await
        .unwrap_err();
    directory.sign_in(&anonymous(), MAYA, PASSWORD).await.unwrap();
    let maya = directory
        .session(&directory.sign_in(&anonymous(), MAYA, PASSWORD).await.unwrap().token)
        .await
        .unwrap()
        .unwrap();
    let events = events(&pool).await;
    let seen: Vec<_> = events[1..]
        .iter()
        .map(|event| (event.refusal.as_deref(), event.target.as_deref(), event.target_id))
        .collect();
    let user = Some(maya.user.0);
    assert_eq!(
        seen,
        [
            (Some("credentials_wrong"), Some(MAYA), user),
            (Some("credentials_wrong"), Some("nobody@acme.test"), None),
            (None, Some(MAYA), user),
            (None, Some(MAYA), user),
        ]
    );
    for event in &events[1..] {
        assert_eq!(
            (event.action.as_str(), event.actor_kind.as_str()),
            ("session:create", "nobody")
        );
        assert_eq!(
            (event.address.as_str(), event.request_id.as_str()),
            ("192.0.2.7", "request-1")
        );
    }
}

/// What succeeds is not counted, however often.
#[sqlx::test]
async fn signing_in_rightly_does_not_count_towards_a_limit(pool: PgPool) {
    let directory = with_maya(&pool).await;
    for _ in 0..11 {
        directory.sign_in(&anonymous(), MAYA, PASSWORD).await.unwrap();
    }
    let counted: i64 = sqlx::query_scalar("SELECT sum(count) FROM attempts")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(counted, 0);
}

/// A limit counts attempts side by side, too, and its window opens again.
#[sqlx::test]
async fn attempts_side_by_side_do_not_pass_a_limit_together(pool: PgPool) {
    let directory = directory(&pool);
    let limit = crate::attempts::Limit {
        bucket: "test".to_owned(),
        count: 3,
        window: Duration::minutes(15),
    };
    let (a, b, c, d, e) = tokio::join!(
        directory.attempt(&limit),
        directory.attempt(&limit),
        directory.attempt(&limit),
        directory.attempt(&limit),
        directory.attempt(&limit),
    );
    assert_eq!([a, b, c, d, e].iter().filter(|outcome| outcome.is_ok()).count(), 3);
    later(&directory).attempt(&limit).await.unwrap();
    later(&directory).forgive(&limit).await.unwrap();
    directory.forget_old_attempts().await.unwrap();
    let tomorrow = directory
        .clone()
        .with_clock(|| OffsetDateTime::now_utc() + Duration::days(2));
    tomorrow.forget_old_attempts().await.unwrap();
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM attempts")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(kept, 0);
}

/// Changing one's password ends every other session, and keeps the one it was changed in.
#[sqlx::test]
async fn a_new_password_ends_every_other_session(pool: PgPool) {
    let directory = with_maya(&pool).await;
    let here = directory.sign_in(&anonymous(), MAYA, PASSWORD).await.unwrap();
    let there = directory.sign_in(&anonymous(), MAYA, PASSWORD).await.unwrap();
    let session = directory.session(&here.token).await.unwrap().unwrap();
    let actor = session.principal(origin());

    let outcome = directory
        .change_password(&actor, OTHER_PASSWORD, password(OTHER_PASSWORD))
        .await;
    assert_eq!(refusal(outcome), Refusal::CurrentPasswordWrong);
    assert!(directory.session(&there.token).await.unwrap().is_some());

    directory
        .change_password(&actor, PASSWORD, password(OTHER_PASSWORD))
        .await
        .unwrap();
    assert!(directory.session(&here.token).await.unwrap().is_some());
    assert!(directory.session_lives(session.id).await.unwrap());
    assert!(directory.session(&there.token).await.unwrap().is_none());
    assert_eq!(
        refusal(directory.sign_in(&anonymous(), MAYA, PASSWORD).await),
        Refusal::CredentialsWrong
    );
    directory.sign_in(&anonymous(), MAYA, OTHER_PASSWORD).await.unwrap();
}

/// J9: guessing the password in force in a session somebody left open is limited, in that session; strangers who try to
/// sign in don't use that up.
#[sqlx::test]
async fn guessing_the_password_in_force_is_limited(pool: PgPool) {
    let directory = with_maya(&pool).await;
    let session = directory.sign_in(&anonymous(), MAYA, PASSWORD).await.unwrap();
    let actor = directory
        .session(&session.token)
        .await
        .unwrap()
        .unwrap()
        .principal(origin());
    let limit = crate::limits::current_password(actor.session().unwrap());
    for _ in 0..limit.count {
        directory.attempt(&limit).await.unwrap();
    }
    let change = async |actor| {
        directory
            .change_password(actor, PASSWORD, password(OTHER_PASSWORD))
            .await
    };
    let refused = refusal(change(&actor).await);
    assert!(
        matches!(refused, Refusal::TooManyAttempts { retry_after: 1..=900 }),
        "{refused:?}"
    );
    let elsewhere = directory.sign_in(&anonymous(), MAYA, PASSWORD).await.unwrap();
    let session = directory.session(&elsewhere.token).await.unwrap().unwrap();
    change(&session.principal(origin())).await.unwrap();
}

/// An operator's new password ends every session.
#[sqlx::test]
async fn a_password_set_by_the_operator_ends_every_session(pool: PgPool) {
    let directory = with_maya(&pool).await;
    let session = directory.sign_in(&anonymous(), MAYA, PASSWORD).await.unwrap();
    directory
        .set_password(&Principal::operator(), &email(MAYA), password(OTHER_PASSWORD))
        .await
        .unwrap();
    assert!(directory.session(&session.token).await.unwrap().is_none());
    directory.sign_in(&anonymous(), MAYA, OTHER_PASSWORD).await.unwrap();
    let outcome = directory
        .set_password(
            &Principal::operator(),
            &email("nobody@acme.test"),
            password(OTHER_PASSWORD),
        )
        .await;
    assert_eq!(refusal(outcome), Refusal::UserNotFound);
    let kinds: Vec<_> = events(&pool)
        .await
        .into_iter()
        .filter(|event| event.action == "user:update_password")
        .map(|event| event.actor_kind)
        .collect();
    assert_eq!(kinds, ["operator", "operator"]);
}

/// A password replaced while it is being verified opens no session any more, which would outlive its replacement.
#[sqlx::test]
async fn a_password_replaced_while_it_is_verified_opens_nothing(pool: PgPool) {
    let directory = with_maya(&pool).await;
    let session = directory.sign_in(&anonymous(), MAYA, PASSWORD).await.unwrap();
    let actor = directory
        .session(&session.token)
        .await
        .unwrap()
        .unwrap()
        .principal(origin());
    let origin = origin();
    for signs_in in [true, false] {
        let mut tx = pool.begin().await.unwrap();
        // The replacement is under way …
        sqlx::query("SELECT FROM users FOR UPDATE")
            .execute(&mut *tx)
            .await
            .unwrap();
        let attempt = async {
            if signs_in {
                refusal(
                    directory
                        .sign_in(&Principal::anonymous(origin.clone()), MAYA, PASSWORD)
                        .await,
                )
            } else {
                refusal(
                    directory
                        .change_password(&actor, PASSWORD, password(OTHER_PASSWORD))
                        .await,
                )
            }
        };
        // … the old one has been found right, and whoever typed it waits for the row …
        let (refused, ()) = tokio::join!(attempt, async {
            until_one_waits(&pool).await;
            sqlx::query("UPDATE users SET password_hash = password_hash || 'x'")
                .execute(&mut *tx)
                .await
                .unwrap();
            tx.commit().await.unwrap();
        });
        // … in vain.
        assert_eq!(
            refused,
            if signs_in {
                Refusal::CredentialsWrong
            } else {
                Refusal::CurrentPasswordWrong
            }
        );
        sqlx::query("UPDATE users SET password_hash = left(password_hash, -1)")
            .execute(&pool)
            .await
            .unwrap();
    }
    directory
        .sign_in(&Principal::anonymous(origin.clone()), MAYA, PASSWORD)
        .await
        .unwrap();
}

/// Ids of rows come in with the directory, as the time does.
#[sqlx::test]
async fn ids_come_in_with_the_directory(pool: PgPool) {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let d = directory(&pool).with_ids(|| uuid::Uuid::from_u128(u128::from(NEXT.fetch_add(1, Ordering::Relaxed))));
    let made = account("Nina New", "nina@new.test");
    let user = d.create_user(&Principal::operator(), made).await.unwrap();
    assert!(user.0.as_u128() < 100, "{user}");
    let others = "SELECT count(*) FROM audit_events WHERE id::text NOT LIKE '00000000-0000-0000-%'";
    assert_eq!(count(&pool, others).await, 0);
}
