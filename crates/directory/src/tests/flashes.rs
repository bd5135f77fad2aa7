//! J11: flashes, as the directory keeps them. What attacks make of it is in `server/tests/it/attacks/forged_flash.rs`.

use policy::Refusal;
use sqlx::PgPool;

use super::fixture::{account, anonymous, count, directory, in_seconds, origin, refusal, sql};
use crate::{Directory, FlashHolder, FlashTicket, Origin, SessionToken};

async fn session(directory: &Directory, email: &str) -> SessionToken {
    let session = directory.sign_up(&anonymous(), account("Nina New", email)).await;
    session.unwrap().token
}

#[sqlx::test]
async fn j11_a_flash_is_its_holders_once_for_a_minute(pool: PgPool) {
    let d = directory(&pool);
    let (nina, theo) = (session(&d, "nina@new.test").await, session(&d, "theo@new.test").await);
    let (hers, his) = (FlashHolder::Session(&nina), FlashHolder::Session(&theo));
    let visitor = origin();
    let ticket = d.keep_flash(hers, None, b"rsk_secret").await.unwrap();
    let read = FlashTicket::parse(&ticket.reveal()).unwrap();
    for other in [his, FlashHolder::Visitor(&visitor)] {
        assert_eq!(d.take_flash(other, &read).await.unwrap(), None);
    }
    let late = in_seconds::<61>(&d);
    assert_eq!(d.take_flash(hers, &read).await.unwrap().unwrap(), b"rsk_secret");
    assert_eq!(d.take_flash(hers, &read).await.unwrap(), None, "once");
    let ticket = d.keep_flash(hers, None, b"").await.unwrap();
    assert_eq!(late.take_flash(hers, &ticket).await.unwrap(), None, "a minute later");
    for text in ["", "x", "eyJmb3JtIjoic2lnbl9pbiJ9", &format!("{}A", ticket.reveal())] {
        assert!(FlashTicket::parse(text).is_none(), "{text}");
    }
    assert_eq!(format!("{ticket:?}"), "FlashTicket(…)");
}

/// A visitor is known by network and browser; one IPv6 customer is one network.
#[sqlx::test]
async fn j11_a_visitors_flash_is_for_their_network_and_browser(pool: PgPool) {
    let d = directory(&pool);
    let at = |address: &str, browser: &str| Origin {
        address: address.to_owned(),
        user_agent: browser.to_owned(),
        ..origin()
    };
    let theirs = at("2001:db8:1:2::1", "theirs");
    let ticket = d.keep_flash(FlashHolder::Visitor(&theirs), None, b"x").await.unwrap();
    for other in [at("2001:db8:1:3::1", "theirs"), at("2001:db8:1:2::1", "another")] {
        assert_eq!(d.take_flash(FlashHolder::Visitor(&other), &ticket).await.unwrap(), None);
    }
    let same = at("2001:db8:1:2::2", "theirs");
    assert!(
        d.take_flash(FlashHolder::Visitor(&same), &ticket)
            .await
            .unwrap()
            .is_some()
    );
}

/// J12: nobody fills the table: each holder's are counted, all are, and what nobody came for goes.
#[sqlx::test]
async fn j12_flashes_are_counted_and_go(pool: PgPool) {
    let d = directory(&pool);
    let visitor = origin();
    let keep = async |directory: &Directory| directory.keep_flash(FlashHolder::Visitor(&visitor), None, b"x").await;
    for bucket in ["flash:network:192.0.2.7", "flash:visitors"] {
        keep(&d).await.unwrap();
        let full = format!("UPDATE attempts SET count = 6000 WHERE bucket = '{bucket}'");
        sql(&pool, &full).await;
        assert!(
            matches!(refusal(keep(&d).await), Refusal::TooManyAttempts { .. }),
            "{bucket}"
        );
        sql(&pool, "DELETE FROM attempts").await;
    }
    let nina = session(&d, "nina@new.test").await;
    d.keep_flash(FlashHolder::Session(&nina), None, b"x").await.unwrap();
    assert_eq!(count(&pool, "SELECT count(*) FROM flashes").await, 3);
    keep(&in_seconds::<61>(&d)).await.unwrap();
    assert_eq!(
        count(&pool, "SELECT count(*) FROM flashes").await,
        1,
        "those that lapsed went"
    );
    in_seconds::<122>(&d).forget_old_flashes().await.unwrap();
    assert_eq!(count(&pool, "SELECT count(*) FROM flashes").await, 0);
    // A flash too large for the table is refused by it: the server keeps them smaller.
    let large = vec![0; 65_536];
    assert!(
        d.keep_flash(FlashHolder::Visitor(&visitor), None, &large)
            .await
            .is_err()
    );
}
