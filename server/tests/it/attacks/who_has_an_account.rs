//! Nobody learns from an answer whether an address has an account (X6, M4). Until 2026-11 signing up told it where mail
//! is sent too, the link that an inviter copies showed it, and links' secrets stood in queries.

use sqlx::PgPool;

use crate::test_app::{ACME, Ask, FORGOTTEN, INVITED, INVITED_STRANGER, Manner, PASSWORD, TestApp, Who};

/// Signing up answers the same for an address of nobody, of an account that isn't proved, and of one that is.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn x6_signing_up_answers_the_same_whoever_has_an_account(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for manner in Manner::ALL {
        let mut answers = Vec::new();
        for email in ["nora@new.test", "nora@new.test", "mia@acme.test"] {
            let person = [("name", "Nora New"), ("email", email), ("password", PASSWORD)];
            let answer = app.ask(Ask::post("/api/sign_up", person).manner(manner)).await;
            assert!(answer.cookie("roster").is_none(), "{manner:?}: nobody is signed in");
            answers.push(answer.anonymous(email));
        }
        assert_eq!(answers[0], answers[1], "{manner:?}");
        assert_eq!(answers[0], answers[2], "{manner:?}");
        app.restore().await;
    }
}

/// An inviter looks at the link they copied, before and after naming the address: it is the same for one with an
/// account.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn m4_a_copied_link_does_not_show_who_has_an_account(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let mut pages = Vec::new();
    for email in ["sarah@elsewhere.test", "stranger@elsewhere.test"] {
        sqlx::query("DELETE FROM invitations").execute(&app.pool).await.unwrap();
        let invite = [("organization", ACME), ("email", email)];
        let answer = app.ask(Ask::post("/api/invite_members", invite).by(Who::Owner)).await;
        let (_, rest) = answer.text.split_once("/invitations/").unwrap();
        let token = rest.split('"').next().unwrap();
        let opened = app.ask(Ask::get(format!("/invitations/{token}"))).await;
        assert!(!opened.text.contains(email), "the address isn't told");
        let named = app.ask(Ask::get(format!("/invitations/{token}?email={email}"))).await;
        let typed = email.replace('@', "%40");
        let same = |page: String| page.replace(token, "TOKEN").replace(&typed, "EMAIL");
        pages.push([same(opened.anonymous(email)), same(named.anonymous(email))]);
    }
    let [without, with] = pages.try_into().unwrap();
    assert_eq!(without[0], with[0], "before the address is named");
    assert_eq!(without[1], with[1], "after");
}

/// A wrong address is answered the same whether it has an account or not, and guessing is limited.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn m4_naming_wrong_addresses_for_a_copied_link_tells_nothing_and_is_limited(pool: PgPool) {
    let app = TestApp::new(pool).await;
    sqlx::query("UPDATE invitation_tokens SET is_mailed = false")
        .execute(&app.pool)
        .await
        .unwrap();
    let name = async |email: &str| {
        let fields = [("token", INVITED), ("email", email)];
        app.ask(Ask::post("/api/invitation", fields)).await.anonymous(email)
    };
    let wrong = name("mia@acme.test").await;
    assert!(wrong.contains("not_the_invited"), "{wrong}");
    assert_eq!(name("mia@nobody.test").await, wrong);
    for _ in 0..28 {
        name("mia@nobody.test").await;
    }
    assert!(name("invited@new.test").await.contains("too_many_attempts"));
    // Nor is a new account made by whoever has the link and does not know the address.
    let accept = [("token", INVITED), ("name", "Mallory"), ("password", PASSWORD)];
    let answer = app.ask(Ask::post("/api/accept_invitation_as_new", accept)).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
}

/// The secret of a link is in no query, where proxies and browsers keep it: the functions that read one take it in a
/// body alone.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_links_secret_is_taken_from_no_query(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for (path, token) in [
        ("/api/invitation", INVITED_STRANGER),
        ("/api/password_reset", FORGOTTEN),
        ("/api/email_verification", FORGOTTEN),
    ] {
        let answer = app.ask(Ask::get(format!("{path}?token={token}"))).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text);
        let in_query = Ask::post(format!("{path}?token={token}"), [("x", "y")]);
        assert!(app.ask(in_query).await.status.is_client_error(), "{path}");
    }
}
