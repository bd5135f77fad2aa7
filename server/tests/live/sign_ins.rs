//! A storm of sign-ins (J9): what waits for a password check is bounded, and who finds no room is told so at once. 150
//! clients once kept everybody waiting for 4.5 s, and more clients would have for longer.

use std::time::Duration;

use directory::{Directory, Principal, Settings};
use hyper::StatusCode;
use sqlx::PgPool;
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

use super::servers::{Door, Roster, form, url_of};

/// Clients at once, each of a network of its own.
const CLIENTS: u16 = 150;
/// Nobody waits longer, even where the tests share the machine with others.
const MOST: Duration = Duration::from_secs(20);

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn j9_who_finds_no_room_to_wait_for_a_password_check_is_told_at_once(pool: PgPool) {
    Directory::new(pool.clone(), Settings::default())
        .load_demo(&Principal::operator())
        .await
        .unwrap();
    let server = Roster::start(&url_of(&pool).await).await;
    let addr = server.addr;
    let mut storm = JoinSet::new();
    for client in 0..CLIENTS {
        let mut door = Door::open(addr).await.unwrap();
        storm.spawn(async move {
            let email = format!("p{client}@nowhere.test");
            let mut request = form("sign_in", "", &[("email", &email), ("password", "a wrong password")]);
            let network = format!("2001:db8:0:{client:x}::1");
            request
                .headers_mut()
                .insert("x-forwarded-for", network.parse().unwrap());
            let begun = Instant::now();
            let (status, _) = timeout(MOST, door.send(request)).await.unwrap().unwrap();
            (status, begun.elapsed())
        });
    }
    let answers = storm.join_all().await;
    let times = |wanted| {
        let mut times: Vec<_> = answers
            .iter()
            .filter(|(status, _)| *status == wanted)
            .map(|(_, time)| *time)
            .collect();
        times.sort_unstable();
        times
    };
    let (checked, turned_away) = (
        times(StatusCode::UNPROCESSABLE_ENTITY),
        times(StatusCode::SERVICE_UNAVAILABLE),
    );
    assert_eq!(checked.len() + turned_away.len(), usize::from(CLIENTS), "{answers:?}");
    assert!(!checked.is_empty() && !turned_away.is_empty(), "{answers:?}");
    // Nothing was counted against them: there is room again.
    let mut door = Door::open(addr).await.unwrap();
    let fields = [("email", "mia@acme.test"), ("password", "correct-horse-battery")];
    assert_eq!(
        door.send(form("sign_in", "", &fields)).await.unwrap().0,
        StatusCode::SEE_OTHER
    );
}
