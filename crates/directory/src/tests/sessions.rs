//! Sessions: who is signed in, for how long.

use policy::{Refusal, SessionId};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};

use super::fixture::{PASSWORD, Tenant, account, anonymous, directory, events, in_days, origin, refusal};
use crate::{Directory, Origin, Principal, Session, SessionToken};

async fn signed_in(directory: &Directory) -> (SessionToken, Session) {
    let token = directory
        .sign_up(&anonymous(), account("Nina New", "nina@new.test"))
        .await
        .unwrap()
        .token;
    let session = directory.session(&token).await.unwrap().unwrap();
    (token, session)
}

#[sqlx::test]
async fn a_session_tells_whose_it_is(pool: PgPool) {
    let directory = directory(&pool);
    let (token, session) = signed_in(&directory).await;
    assert_eq!(
        (session.name.as_str(), session.email.as_str()),
        ("Nina New", "nina@new.test")
    );
    let read = SessionToken::parse(&token.reveal()).unwrap();
    assert_eq!(directory.session(&read).await.unwrap().unwrap().id, session.id);
    assert!(directory.session_lives(session.id).await.unwrap());
}

#[sqlx::test]
async fn a_cookie_that_was_never_given_out_signs_nobody_in(pool: PgPool) {
    let directory = directory(&pool);
    let (token, session) = signed_in(&directory).await;
    let other = SessionToken::parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
    assert!(directory.session(&other).await.unwrap().is_none());
    let id = session.id.to_string();
    let longer = format!("{}A", token.reveal());
    for text in ["", "x", "not base64!", &id, &longer] {
        assert!(SessionToken::parse(text).is_none(), "{text}");
    }
}

/// A3: a copy of the table signs nobody in, and a log of the token shows nothing.
#[sqlx::test]
async fn the_table_holds_the_hash_and_not_the_token(pool: PgPool) {
    let directory = directory(&pool);
    let (token, _) = signed_in(&directory).await;
    let row: String = sqlx::query_scalar("SELECT s::text FROM sessions s")
        .fetch_one(&pool)
        .await
        .unwrap();
    let stored: Vec<u8> = sqlx::query_scalar("SELECT token_hash FROM sessions")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(!row.contains(&token.reveal()));
    let hash_as_token = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, stored);
    assert!(
        directory
            .session(&SessionToken::parse(&hash_as_token).unwrap())
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(format!("{token:?}"), "SessionToken(…)");
}

#[sqlx::test]
async fn a_session_nobody_uses_ends_after_seven_days(pool: PgPool) {
    let directory = directory(&pool);
    let (token, session) = signed_in(&directory).await;
    assert!(in_days::<8>(&directory).session(&token).await.unwrap().is_none());
    assert!(!in_days::<8>(&directory).session_lives(session.id).await.unwrap());
    // Used on the sixth day, it goes on for seven more.
    assert!(in_days::<6>(&directory).session(&token).await.unwrap().is_some());
    assert!(in_days::<12>(&directory).session(&token).await.unwrap().is_some());
}

#[sqlx::test]
async fn a_session_lasts_no_longer_than_thirty_days_however_much_it_is_used(pool: PgPool) {
    let directory = directory(&pool);
    let (token, session) = signed_in(&directory).await;
    for used in [
        in_days::<6>(&directory),
        in_days::<12>(&directory),
        in_days::<18>(&directory),
        in_days::<24>(&directory),
        in_days::<29>(&directory),
    ] {
        assert!(used.session(&token).await.unwrap().is_some());
    }
    assert!(in_days::<31>(&directory).session(&token).await.unwrap().is_none());
    assert!(!in_days::<31>(&directory).session_lives(session.id).await.unwrap());
}

#[sqlx::test]
async fn old_sessions_are_thrown_away_and_live_ones_kept(pool: PgPool) {
    let directory = directory(&pool);
    let (token, _) = signed_in(&directory).await;
    directory.forget_old_sessions().await.unwrap();
    assert!(directory.session(&token).await.unwrap().is_some());
    in_days::<8>(&directory).forget_old_sessions().await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM sessions")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(left, 0);
}

/// Reading a page writes nothing: the last use is noted once a minute.
#[sqlx::test]
async fn the_last_use_is_noted_no_more_than_once_a_minute(pool: PgPool) {
    let directory = directory(&pool);
    let (token, _) = signed_in(&directory).await;
    let version = async || {
        let row: String = sqlx::query_scalar("SELECT xmin::text FROM sessions")
            .fetch_one(&pool)
            .await
            .unwrap();
        row
    };
    let before = version().await;
    directory.session(&token).await.unwrap();
    assert_eq!(version().await, before);
    let later = directory
        .clone()
        .with_clock(|| OffsetDateTime::now_utc() + Duration::minutes(2));
    later.session(&token).await.unwrap();
    assert_ne!(version().await, before);
}

#[sqlx::test]
async fn signing_out_ends_this_session_and_no_other(pool: PgPool) {
    let directory = directory(&pool);
    let (token, session) = signed_in(&directory).await;
    let other = directory
        .sign_in(&anonymous(), "nina@new.test", PASSWORD)
        .await
        .unwrap();
    directory.sign_out(&session.principal(origin())).await.unwrap();
    assert!(directory.session(&token).await.unwrap().is_none());
    assert!(!directory.session_lives(session.id).await.unwrap());
    assert!(directory.session(&other.token).await.unwrap().is_some());
    let last = events(&pool).await.pop().unwrap();
    assert_eq!(
        (last.action.as_str(), last.actor_id),
        ("session:end", Some(session.user.0))
    );
}

/// Nobody ends somebody else's session by its id.
#[sqlx::test]
async fn a_session_is_ended_by_its_own_person_alone(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (token, session) = signed_in(&t.directory).await;
    let forged = Principal::signed_in(t.stranger.id, session.id, origin());
    t.directory.sign_out(&forged).await.unwrap();
    assert!(t.directory.session(&token).await.unwrap().is_some());
}

/// A person's sessions, the last used first, with where each was begun; none that is over, and nobody else's.
#[sqlx::test]
async fn a_person_sees_where_they_are_signed_in(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let (first, session) = signed_in(d).await;
    t.sign_in(&t.maya).await;
    let phone = Origin {
        address: "2001:db8::7".to_owned(),
        user_agent: "x".repeat(400),
        ..origin()
    };
    d.sign_in(&Principal::anonymous(phone), "nina@new.test", PASSWORD)
        .await
        .unwrap();
    let seen = d.sessions(&session.principal(origin())).await.unwrap();
    let told: Vec<_> = seen
        .iter()
        .map(|one| (one.address.as_str(), one.user_agent.len()))
        .collect();
    assert_eq!(told, [("2001:db8::7", 300), ("192.0.2.7", "a browser".len())]);
    assert_eq!(seen[1].id, session.id);
    assert!(seen.iter().all(|one| one.created_at <= one.last_seen_at));
    // Used again later, it is the last used; what nobody used for a week is over.
    in_days::<6>(d).session(&first).await.unwrap();
    let seen = in_days::<6>(d).sessions(&session.principal(origin())).await.unwrap();
    assert_eq!((seen.len(), seen[0].id), (2, session.id));
    let seen = in_days::<8>(d).sessions(&session.principal(origin())).await.unwrap();
    assert_eq!(seen.iter().map(|one| one.id).collect::<Vec<_>>(), [session.id]);
}

/// E5, P3: any of one's own, from any of them, at once; somebody else's cannot be told from none.
#[sqlx::test]
async fn a_person_ends_their_own_sessions_alone(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let (here, session) = signed_in(d).await;
    let nina = session.principal(origin());
    let there = d.sign_in(&anonymous(), "nina@new.test", PASSWORD).await.unwrap().token;
    let maya = t.sign_in(&t.maya).await;
    for somebody_elses in [maya.session().unwrap(), SessionId(uuid::Uuid::now_v7())] {
        assert_eq!(refusal(d.end_session(&nina, somebody_elses).await), Refusal::Hidden);
    }
    assert!(d.session_lives(maya.session().unwrap()).await.unwrap());
    let other = d.session(&there).await.unwrap().unwrap().id;
    d.end_session(&nina, other).await.unwrap();
    let last = events(&pool).await.pop().unwrap();
    assert_eq!(
        (last.action.as_str(), last.actor_id, last.target_id),
        ("session:end", Some(nina.id().0), Some(other.0))
    );
    assert!(d.session(&there).await.unwrap().is_none());
    assert!(d.session(&here).await.unwrap().is_some());
    assert_eq!(
        refusal(d.end_session(&nina, other).await),
        Refusal::Hidden,
        "it is over"
    );
    d.end_session(&nina, session.id).await.unwrap();
    assert!(d.session(&here).await.unwrap().is_none());
}

/// Every other one of one's own, and nobody else's.
#[sqlx::test]
async fn a_person_ends_every_other_session_of_theirs(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let (here, session) = signed_in(d).await;
    let mut there = Vec::new();
    for _ in 0..3 {
        there.push(d.sign_in(&anonymous(), "nina@new.test", PASSWORD).await.unwrap().token);
    }
    let maya = t.sign_in(&t.maya).await;
    let nina = session.principal(origin());
    for _ in 0..2 {
        d.end_other_sessions(&nina).await.unwrap();
        assert!(d.session(&here).await.unwrap().is_some());
    }
    for token in &there {
        assert!(d.session(token).await.unwrap().is_none());
    }
    assert!(d.session_lives(maya.session().unwrap()).await.unwrap());
    assert_eq!(events(&pool).await.pop().unwrap().action, "session:end_others");
}
