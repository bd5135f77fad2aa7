//! Forms that are sent twice at once: a double click where no script holds the second one back, in a browser that shows
//! the second answer and forgets the first.

use axum::http::header;
use sqlx::PgPool;

use crate::test_app::{Answer, Ask, INVITED, Manner, RESEARCH, TO_CHANGE, TestApp, Who};

const KEYS: &str = "SELECT count(*) FROM api_keys WHERE name = 'Nightly builds'";

fn create(uri: &str) -> Ask {
    Ask::post(uri, [("project", RESEARCH), ("name", "Nightly builds")]).by(Who::Member)
}

async fn keys(app: &TestApp) -> i64 {
    sqlx::query_scalar(KEYS).fetch_one(&app.pool).await.unwrap()
}

/// The secret on the page that an answer leads to.
async fn secret(app: &TestApp, answer: &Answer) -> Option<String> {
    let flash = format!("roster-flash={}", answer.cookie("roster-flash").unwrap());
    let page = app
        .ask(Ask::get(answer.location()).by(Who::Member).with(header::COOKIE, flash))
        .await;
    let secret = page.text.split("value=\"rsk_").nth(1)?.split('"').next()?;
    Some(secret.to_owned())
}

/// Two POSTs of one form at once make one key; whichever answer the browser shows has its secret.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn two_posts_of_one_form_at_once_make_one_key(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for shown in [0, 1] {
        sqlx::query("DELETE FROM api_keys WHERE name = 'Nightly builds'")
            .execute(&app.pool)
            .await
            .unwrap();
        let post = || app.ask(create("/api/create_api_key").manner(Manner::Plain));
        let answers: [Answer; 2] = tokio::join!(post(), post()).into();
        for answer in &answers {
            assert_eq!(answer.status, 303);
            assert!(answer.location().ends_with("?dialog=secret"), "{}", answer.location());
        }
        assert_eq!(keys(&app).await, 1);
        assert!(secret(&app, &answers[shown]).await.is_some(), "answer {shown}");
        assert_eq!(secret(&app, &answers[1 - shown]).await, None, "shown once");
    }
}

/// The browser breaks the first POST off as it sends the second: it is done to its end all the same, and the second
/// shows its secret.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_form_that_is_broken_off_is_done_and_shown_by_the_second(pool: PgPool) {
    let app = TestApp::new(pool.clone()).await;
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE api_keys IN SHARE ROW EXCLUSIVE MODE")
        .execute(&mut *lock)
        .await
        .unwrap();
    let post = || app.ask(create("/api/create_api_key?page=one").manner(Manner::Plain));
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    tokio::select! {
        _ = post() => panic!("it has to wait"),
        () = async {
            while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&pool).await.unwrap() == 0 {
                tokio::task::yield_now().await;
            }
        } => {}
    }
    let (second, ()) = tokio::join!(post(), async { lock.commit().await.unwrap() });
    assert!(second.location().ends_with("?dialog=secret"), "{}", second.location());
    assert_eq!(keys(&app).await, 1);
    assert!(secret(&app, &second).await.is_some());
}

/// What was refused changed nothing: sent again from the same page it is another form, and may be taken by then.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_form_that_was_refused_is_not_done(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let age = "UPDATE sessions SET confirmed_at = now() - make_interval(mins => $1)";
    for (ago, made) in [(11, 0), (0, 1), (0, 1)] {
        sqlx::query(age).bind(ago).execute(&app.pool).await.unwrap();
        app.ask(create("/api/create_api_key?page=one").manner(Manner::Plain))
            .await;
        assert_eq!(keys(&app).await, made, "{ago}");
    }
}

/// No link's secret is kept in the table.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn where_an_answer_leads_is_kept_without_secrets(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for (path, token) in [("/api/change_email", TO_CHANGE), ("/api/accept_invitation", INVITED)] {
        let sent = Ask::post(path, [("token", token)]).by(Who::Owner).manner(Manner::Plain);
        assert!(app.ask(sent).await.location().ends_with(token));
    }
    let kept: Vec<Option<String>> = sqlx::query_scalar("SELECT location FROM submissions")
        .fetch_all(&app.pool)
        .await
        .unwrap();
    assert_eq!(kept, [None, None]);
}

/// A program is told that the second one was taken already, and never the secret.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_program_that_sends_twice_at_once_is_told_so(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let post = || Box::pin(app.ask(create("/api/create_api_key")));
    // As long as the projects are held, no key is made: whichever comes first is not done before the other one comes.
    let mut held = app.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM projects FOR NO KEY UPDATE")
        .execute(&mut *held)
        .await
        .unwrap();
    let (mut one, mut other) = (post(), post());
    let (refused, first) = tokio::select! {
        refused = &mut one => (refused, other),
        refused = &mut other => (refused, one),
    };
    assert_eq!(
        (refused.status.as_u16(), &*refused.text),
        (409, r#"{"refused":"already_sent"}"#)
    );
    held.rollback().await.unwrap();
    assert_eq!(first.await.status, 200);
    assert_eq!(keys(&app).await, 1);
}

/// One after the other they are two, unless both are from one page: the browser's back button leads to another one.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn what_is_sent_again_from_the_same_page_is_done_once(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let send = async |uri: &str| app.ask(create(uri).manner(Manner::Plain)).await;
    for (uri, made) in [
        ("/api/create_api_key", 1),
        ("/api/create_api_key", 2),
        ("/api/create_api_key?page=one", 3),
        ("/api/create_api_key?page=one", 3),
        ("/api/create_api_key?page=two", 4),
    ] {
        let answer = send(uri).await;
        assert!(answer.location().ends_with("?dialog=secret"), "{uri}");
        assert_eq!(keys(&app).await, made, "{uri}");
    }
    // Each page has a name of its own, in each of its forms.
    let page = async || app.ask(Ask::get("/settings/profile").by(Who::Member)).await.text;
    let name = |html: &str| {
        html.split("&amp;page=")
            .nth(1)
            .map(|rest| rest.split('"').next().unwrap().to_owned())
    };
    let (one, other) = (name(&page().await), name(&page().await));
    assert!(one.is_some() && one != other, "{one:?} {other:?}");
    // Another person's, and another content, is another form.
    let theirs = create("/api/create_api_key?page=two")
        .by(Who::Admin)
        .manner(Manner::Plain);
    app.ask(theirs).await;
    assert_eq!(keys(&app).await, 5);
}

/// What the server could not do is no form that was done: sent again, it is.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_form_that_came_to_nothing_can_be_sent_again(pool: PgPool) {
    let app = TestApp::new(pool).await;
    sqlx::raw_sql(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
         CREATE TRIGGER fail BEFORE INSERT ON api_keys EXECUTE FUNCTION fail();",
    )
    .execute(&app.pool)
    .await
    .unwrap();
    let uri = "/api/create_api_key?page=one";
    let answer = app.ask(create(uri)).await;
    assert_eq!(answer.status, 500, "{}", answer.text);
    sqlx::raw_sql("DROP TRIGGER fail ON api_keys")
        .execute(&app.pool)
        .await
        .unwrap();
    assert_eq!(app.ask(create(uri)).await.status, 200);
}
