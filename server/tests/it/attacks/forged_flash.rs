//! J11: a message that somebody else made, a secret of somebody else's making shown as one's own, and a session set by
//! a service on another port of the same host. Cookies don't separate ports, so every cookie here is one that such a
//! service could set.

use axum::http::{HeaderName, header};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sqlx::PgPool;

use crate::test_app::{Answer, Ask, Manner, PASSWORD, RESEARCH, TestApp, Who};

const KEYS: &str = "/settings/projects/ml-research/api-keys";
/// Where the secret of a new key is shown.
const SECRET: &str = "/settings/projects/ml-research/api-keys?dialog=secret";
const ADD: &str = "/settings/projects/ml-research/collaborators?dialog=add";

/// A key made by a plain form: the answer, with the ticket to its secret.
async fn make_key(app: &TestApp, who: Who) -> Answer {
    let fields = [("project", RESEARCH), ("name", "Deploy")];
    let answer = app
        .ask(Ask::post("/api/create_api_key", fields).by(who).manner(Manner::Plain))
        .await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, SECRET));
    answer
}

fn ticket(answer: &Answer) -> String {
    format!("roster-flash={}", answer.cookie("roster-flash").unwrap())
}

fn secret(answer: &Answer) -> String {
    let flash = serde_json::to_value(answer.flash().unwrap()).unwrap();
    flash["outcome"]["Ok"]["key_made"]["secret"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn show(app: &TestApp, page: &str, who: Who, cookie: &str) -> Answer {
    app.ask(Ask::get(page).by(who).with(header::COOKIE, cookie)).await
}

/// What was accepted before: the message itself in the cookie. Now it is read as a ticket, and is none.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn j11_a_cookie_that_anybody_could_write_shows_nothing(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let before = app.fingerprint().await;
    let made = concat!(
        r#"{"form":"create_key","outcome":{"Ok":{"key_made":"#,
        r#"{"name":"FORGED","secret":"rsk_FORGED","how":"created"}}},"typed":[]}"#,
    );
    let added =
        r#"{"form":"add_collaborator","outcome":{"Ok":{"added":{"name":"FORGED"}}},"typed":[["email","FORGED"]]}"#;
    let refused =
        r#"{"form":"add_collaborator","outcome":{"Err":{"refused":"email_invalid"}},"typed":[["email","FORGED"]]}"#;
    let json = [made, added, refused, r#""FORGED""#, "[]", ""];
    let cookies = json.into_iter().map(|json| URL_SAFE_NO_PAD.encode(json));
    let odd = ["%00%ff", "!!!", "", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"];
    let cookies: Vec<String> = cookies.chain(odd.map(ToOwned::to_owned)).collect();
    for page in [SECRET, ADD] {
        let clean = app.ask(Ask::get(page).by(Who::Owner)).await;
        for cookie in &cookies {
            let answer = show(&app, page, Who::Owner, &format!("roster-flash={cookie}")).await;
            assert_eq!(answer.status, 200, "{cookie}");
            assert_eq!(
                answer.common_text(),
                clean.common_text(),
                "{page} {cookie}: it shows nothing"
            );
            assert_eq!(answer.cookie("roster-flash"), Some(""), "{cookie}: and is taken away");
        }
    }
    assert_eq!(app.fingerprint().await, before);
}

/// A ticket belongs to the session whose form it answers: in another it shows nothing, and isn't used up.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn j11_the_ticket_of_another_session_shows_nothing(pool: PgPool) {
    let app = TestApp::new(pool).await;
    // Both may read the page, so that only the session makes the difference.
    for (maker, other) in [(Who::Admin, Who::Owner), (Who::Member, Who::Admin)] {
        let answer = make_key(&app, maker).await;
        let (ticket, secret) = (ticket(&answer), secret(&answer));
        let shown = show(&app, SECRET, other, &ticket).await;
        assert_eq!(shown.status, 200);
        assert!(
            !shown.text.contains(&secret) && !shown.text.contains("secret-key"),
            "{other:?}"
        );
        // Nor to somebody who isn't signed in, on the pages that they have.
        let shown = show(&app, "/sign-in", Who::Nobody, &ticket).await;
        assert!(!shown.text.contains(&secret));
        let shown = show(&app, SECRET, maker, &ticket).await;
        assert!(
            shown.text.contains(&secret),
            "{maker:?}: it is still there for its own session"
        );
    }
}

/// The same person's other session is another one as well, and a session that is over shows nothing.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn j11_a_ticket_ends_with_its_session(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let answer = make_key(&app, Who::Admin).await;
    let (ticket, secret) = (ticket(&answer), secret(&answer));
    let form = [("email", Who::Admin.email()), ("password", PASSWORD)];
    let again = app.ask(Ask::post("/api/sign_in", form).manner(Manner::Plain)).await;
    let session = format!("roster={}; {ticket}", again.cookie("roster").unwrap());
    let shown = show(&app, SECRET, Who::Nobody, &session).await;
    assert_eq!(shown.status, 200, "signed in again");
    assert!(!shown.text.contains(&secret));
    sqlx::query("DELETE FROM sessions WHERE user_id = $1")
        .bind(app.id(Who::Admin))
        .execute(&app.pool)
        .await
        .unwrap();
    let shown = show(&app, SECRET, Who::Admin, &ticket).await;
    assert_eq!((shown.status.as_u16(), shown.text.contains(&secret)), (303, false));
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn j11_a_ticket_shows_once_and_for_a_minute(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let answer = make_key(&app, Who::Admin).await;
    let (used, first) = (ticket(&answer), secret(&answer));
    assert!(show(&app, SECRET, Who::Admin, &used).await.text.contains(&first));
    assert!(
        !show(&app, SECRET, Who::Admin, &used).await.text.contains(&first),
        "reused"
    );

    let answer = make_key(&app, Who::Admin).await;
    sqlx::query("UPDATE flashes SET expires_at = now() - interval '1 second'")
        .execute(&app.pool)
        .await
        .unwrap();
    let shown = show(&app, SECRET, Who::Admin, &ticket(&answer)).await;
    assert!(!shown.text.contains(&secret(&answer)), "lapsed");
}

/// The cookies can be set and the page opened by a page on another port, with everything the attacker's own. Browsers
/// say where a page was opened from, and no page can make them lie.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn j11_a_page_opened_by_another_origin_shows_no_flash(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for site in ["same-site", "cross-site", "none"] {
        let answer = make_key(&app, Who::Admin).await;
        let page = Ask::get(SECRET).with(HeaderName::from_static("sec-fetch-site"), site);
        let page = page.by(Who::Admin).with(header::COOKIE, ticket(&answer));
        let shown = app.ask(page).await;
        assert_eq!(shown.status, 200, "{site}");
        assert!(!shown.text.contains(&secret(&answer)), "{site}");
        assert_eq!(shown.cookie("roster-flash"), Some(""), "{site}: and the ticket is gone");
    }
}

/// Without a session a ticket is bound to network and browser, and holds no secret.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn j11_a_visitors_ticket_is_for_their_browser(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let browser = |ask: Ask, name: &str| ask.with(header::USER_AGENT, name);
    let form = [("email", "attacker@evil.test"), ("password", "not-the-password")];
    let form = Ask::post("/api/sign_in", form).manner(Manner::Plain);
    let answer = app.ask(browser(form, "theirs")).await;
    let ticket = ticket(&answer);
    for (name, is_shown) in [("another", false), ("theirs", true)] {
        let page = Ask::get(answer.location()).with(header::COOKIE, ticket.clone());
        let shown = app.ask(browser(page, name)).await;
        assert_eq!(shown.text.contains("attacker@evil.test"), is_shown, "{name}");
    }
}

/// A copy of the database shows nothing, and who can write to it can't make a message either.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn j11_what_waits_is_sealed(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let answer = make_key(&app, Who::Admin).await;
    let (ticket, secret) = (ticket(&answer), secret(&answer));
    let (row, sealed): (String, Vec<u8>) = sqlx::query_as("SELECT f::text, sealed FROM flashes f")
        .fetch_one(&app.pool)
        .await
        .unwrap();
    let contains = |text: &str| sealed.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(!contains(&secret) && !contains("create_key") && !row.contains(&secret[4..]));
    sqlx::query("UPDATE flashes SET sealed = set_byte(sealed, 5, get_byte(sealed, 5) # 1)")
        .execute(&app.pool)
        .await
        .unwrap();
    let shown = show(&app, SECRET, Who::Admin, &ticket).await;
    assert_eq!((shown.status.as_u16(), shown.text.contains(&secret)), (200, false));
}

/// A service on the same host sets its own session beside the person's, for some of our paths: those pages were then in
/// the attacker's session, the others in the person's. Now such a request is nobody's, and the cookie beside ours is
/// taken away.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn j11_a_second_session_cookie_signs_nobody_in(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let (theirs, attackers) = (app.cookie(Who::Member).unwrap(), app.cookie(Who::External).unwrap());
    let both = format!("{attackers}; {theirs}");
    let answer = show(&app, "/settings/profile", Who::Nobody, &both).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert!(answer.location().starts_with("/sign-in"));
    let gone: Vec<&str> = answer
        .headers
        .get_all(header::SET_COOKIE)
        .iter()
        .map(|line| line.to_str().unwrap())
        .collect();
    for path in ["/settings", "/settings/", "/settings/profile", "/settings/profile/"] {
        let wanted = format!("roster=; Path={path}; Max-Age=0");
        assert!(gone.contains(&&*wanted), "{path}: {gone:?}");
    }
    // The one at `/` is theirs, and stays: with it alone they are who they were.
    assert!(!gone.iter().any(|line| line.contains("Path=/;")), "{gone:?}");
    let answer = show(&app, "/sign-in", Who::Nobody, &theirs).await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, "/"));

    let fields = [("project", RESEARCH), ("name", "x")];
    let ask = Ask::post("/api/create_api_key", fields).with(header::COOKIE, both);
    assert_eq!(app.ask(ask).await.status, 401, "no form is anybody's either");
    assert!(app.ask(Ask::get(KEYS).by(Who::Member)).await.status.is_success());
}

/// J12: what forms come to doesn't fill the disk. Past the limit a form does what it does, and tells less.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn j11_flashes_of_one_session_are_counted(pool: PgPool) {
    let app = TestApp::new(pool).await;
    drop(make_key(&app, Who::Admin).await);
    let full = "UPDATE attempts SET count = 300 WHERE bucket LIKE 'flash:session:%'";
    sqlx::query(full).execute(&app.pool).await.unwrap();
    let answer = make_key(&app, Who::Admin).await;
    assert_eq!(answer.cookie("roster-flash"), None);
    let other = make_key(&app, Who::Member).await;
    assert!(other.flash().is_some(), "somebody else's count is another");
}
