//! Live events (E5): who may follow, what is told, and when it ends.

use std::time::Duration;

use axum::{body::Body, http::header};
use http_body_util::BodyExt;
use sqlx::PgPool;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use crate::test_app::{Ask, RESEARCH, TestApp, Who};

const FOLLOW: &str = "/events?project=ml-research";

/// A test app whose server listens to its database, as `roster serve` does.
struct Listening {
    app: TestApp,
    listener: JoinHandle<()>,
}

impl Listening {
    async fn new(pool: PgPool) -> Self {
        let app = TestApp::new(pool.clone()).await;
        let listener = tokio::spawn(app.state.broadcast.clone().listen(app.state.directory.clone()));
        let listening = Self { app, listener };
        // Known to listen once a word of the database's has come through; then quiet, so that no late one is taken for
        // another.
        let mut stream = listening.follow(Who::Member).await;
        loop {
            sqlx::query("SELECT pg_notify('roster', 'everything')")
                .execute(&pool)
                .await
                .unwrap();
            if !stream.is_quiet().await {
                break;
            }
        }
        while !stream.is_quiet().await {}
        listening
    }

    async fn follow(&self, who: Who) -> Stream {
        let response = self.app.open(Ask::get(FOLLOW).by(who)).await;
        assert_eq!(response.status(), 200, "{who:?}");
        let kind = response.headers()["content-type"].to_str().unwrap();
        assert_eq!(kind, "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let mut stream = Stream {
            body: response.into_body(),
            rest: String::new(),
        };
        // The first beat: it is open.
        stream.read().await.unwrap();
        stream
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)], who: Who) {
        let fields = fields.iter().map(|(name, value)| (*name, self.app.fill(value)));
        let answer = self.app.ask(Ask::post(path, fields).by(who)).await;
        assert!(answer.status == 200 || answer.status == 303, "{path}: {}", answer.text);
    }

    async fn end(self) {
        self.listener.abort();
        drop(self.listener.await);
    }
}

/// An open event stream.
struct Stream {
    body: Body,
    rest: String,
}

impl Stream {
    /// What comes next, as it is sent; nothing if the stream is over.
    async fn read(&mut self) -> Option<String> {
        let frame = timeout(Duration::from_secs(5), self.body.frame())
            .await
            .expect("nothing for 5 s")?;
        Some(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
    }

    /// The name of the next event; nothing if the stream is over.
    async fn next(&mut self) -> Option<String> {
        loop {
            while let Some((event, rest)) = self.rest.split_once("\n\n") {
                let name = event
                    .lines()
                    .find_map(|line| line.strip_prefix("event: "))
                    .map(ToOwned::to_owned);
                self.rest = rest.to_owned();
                if name.is_some() {
                    return name;
                }
            }
            let more = self.read().await?;
            self.rest.push_str(&more);
        }
    }

    /// What is told within a second, and nothing after it.
    async fn last_within_a_second(&mut self, since: Instant) -> Vec<String> {
        let mut told = Vec::new();
        while let Some(event) = self.next().await {
            told.push(event);
        }
        assert!(since.elapsed() < Duration::from_secs(1), "took {:?}", since.elapsed());
        told
    }

    /// Whether nothing is told for a while.
    async fn is_quiet(&mut self) -> bool {
        timeout(Duration::from_millis(300), self.next()).await.is_err()
    }
}

/// P3: nobody and strangers get no stream, and no word of what there is.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn only_people_with_access_can_follow_a_project(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for (who, status) in [
        (Who::Nobody, 401),
        (Who::Stranger, 404),
        (Who::Newcomer, 404),
        (Who::Member, 200),
        (Who::Admin, 200),
        (Who::OrganizationAdmin, 200),
        (Who::Owner, 200),
        (Who::External, 200),
    ] {
        assert_eq!(app.open(Ask::get(FOLLOW).by(who)).await.status(), status, "{who:?}");
    }
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_change_is_told_to_those_who_look_and_never_what_it_was(pool: PgPool) {
    let here = Listening::new(pool).await;
    let (mut member, mut external) = (here.follow(Who::Member).await, here.follow(Who::External).await);
    here.post(
        "/api/add_collaborator",
        &[("project", RESEARCH), ("email", "noah@acme.test")],
        Who::Admin,
    )
    .await;
    let told = member.read().await.unwrap();
    assert_eq!(told, "event: changed\ndata: project\n\n", "no name, no address, no id");
    assert_eq!(external.next().await.as_deref(), Some("changed"));
    // What happens in another project of the organization is not theirs to hear of.
    here.post(
        "/api/add_collaborator",
        &[("project", "production"), ("email", "noah@acme.test")],
        Who::Owner,
    )
    .await;
    assert!(external.is_quiet().await);
    here.end().await;
}

/// E5: whoever is removed is told within a second, and their stream ends; their next request is refused. The others go
/// on.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn who_is_removed_is_told_and_the_stream_ends(pool: PgPool) {
    let here = Listening::new(pool).await;
    let (mut member, mut admin) = (here.follow(Who::Member).await, here.follow(Who::Admin).await);
    here.post(
        "/api/remove_collaborator",
        &[("project", RESEARCH), ("user", "{Member}")],
        Who::Admin,
    )
    .await;
    let since = Instant::now();
    let again = here.app.open(Ask::get(FOLLOW).by(Who::Member)).await;
    assert_eq!(again.status(), 404);
    assert_eq!(member.last_within_a_second(since).await, ["gone"]);
    assert_eq!(admin.next().await.as_deref(), Some("changed"));
    assert!(admin.is_quiet().await);
    here.end().await;
}

/// One stream serves all tabs of a browser: what is told says what it is about, what isn't there is gone, and whoever
/// loses one of the things goes on following the others.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn several_things_are_followed_by_one_stream(pool: PgPool) {
    let here = Listening::new(pool).await;
    let uri = "/events?follow=project%3Aml-research&follow=organization%3Aacme&follow=project%3Aproduction";
    let open = here.app.open(Ask::get(uri).by(Who::Member)).await;
    assert_eq!(open.status(), 200);
    let mut member = Stream {
        body: open.into_body(),
        rest: String::new(),
    };
    assert_eq!(
        member.read().await.unwrap(),
        "event: gone\ndata: project:production\n\n",
        "as what there is not"
    );
    member.read().await.unwrap();
    here.post(
        "/api/add_collaborator",
        &[("project", RESEARCH), ("email", "noah@acme.test")],
        Who::Admin,
    )
    .await;
    assert_eq!(
        member.read().await.unwrap(),
        "event: changed\ndata: project:ml-research\n\n"
    );
    here.post(
        "/api/remove_collaborator",
        &[("project", RESEARCH), ("user", "{Member}")],
        Who::Admin,
    )
    .await;
    let told = member.read().await.unwrap();
    assert_eq!(told, "event: gone\ndata: project:ml-research\n\n");
    here.post(
        "/api/update_organization",
        &[("organization", "acme"), ("name", "Acme"), ("slug", "acme")],
        Who::Owner,
    )
    .await;
    assert_eq!(
        member.read().await.unwrap(),
        "event: changed\ndata: organization:acme\n\n"
    );
    let hidden = "/events?follow=project%3Aproduction&follow=project%3Anothing";
    assert_eq!(here.app.open(Ask::get(hidden).by(Who::Member)).await.status(), 404);
    here.end().await;
}

/// The same for all externals at once (X1), and for somebody who left (C7).
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn externals_who_are_removed_and_people_who_leave_are_told_as_well(pool: PgPool) {
    let here = Listening::new(pool).await;
    let (mut member, mut external) = (here.follow(Who::Member).await, here.follow(Who::External).await);
    here.post("/api/remove_externals", &[("project", RESEARCH)], Who::Admin)
        .await;
    assert_eq!(external.last_within_a_second(Instant::now()).await, ["gone"]);
    assert_eq!(member.next().await.as_deref(), Some("changed"));
    here.post(
        "/api/remove_collaborator",
        &[("project", RESEARCH), ("user", "{Member}")],
        Who::Member,
    )
    .await;
    let told = member.last_within_a_second(Instant::now()).await;
    assert_eq!(told.last().map(String::as_str), Some("gone"), "{told:?}");
    here.end().await;
}

/// A role that is lowered ends no stream: they may still look (C5).
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_change_of_role_is_told_and_the_stream_goes_on(pool: PgPool) {
    let here = Listening::new(pool).await;
    let mut admin = here.follow(Who::Admin).await;
    let fields = [("project", RESEARCH), ("user", "{Admin}"), ("role", "member")];
    here.post("/api/change_collaborator_role", &fields, Who::Owner).await;
    assert_eq!(admin.next().await.as_deref(), Some("changed"));
    let refused = here
        .app
        .ask(Ask::post("/api/remove_externals", [("project", RESEARCH)]).by(Who::Admin))
        .await;
    assert_eq!(refused.status, 403, "and their next request is a Member's");
    here.end().await;
}

/// A stream follows the project, not its slug: a rename is told, and the reader goes on.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_rename_is_told_and_the_stream_goes_on(pool: PgPool) {
    let here = Listening::new(pool).await;
    let mut member = here.follow(Who::Member).await;
    let fields = [
        ("project", RESEARCH),
        ("name", "Renamed"),
        ("slug", "renamed"),
        ("allow_externals", "on"),
    ];
    here.post("/api/update_project", &fields, Who::Admin).await;
    assert_eq!(member.next().await.as_deref(), Some("changed"));
    assert!(member.is_quiet().await);
    here.end().await;
}

/// Signing out ends the streams of that session within a second, and of no other.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn signing_out_ends_the_stream(pool: PgPool) {
    let here = Listening::new(pool).await;
    let (mut member, mut other) = (here.follow(Who::Member).await, here.follow(Who::Admin).await);
    here.post("/api/sign_out", &[], Who::Member).await;
    let told = member.last_within_a_second(Instant::now()).await;
    assert_eq!(told, ["changed"], "asking again sends them to sign in");
    assert!(other.is_quiet().await);
    let answer = here.app.ask(Ask::get("/projects/ml-research").by(Who::Member)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.location()),
        (303, "/sign-in?next=%2Fprojects%2Fml-research")
    );
    here.end().await;
}

/// A new password ends the person's other sessions, and their streams (E5).
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_new_password_ends_the_streams_of_other_sessions(pool: PgPool) {
    let here = Listening::new(pool).await;
    let mut elsewhere = here.follow(Who::Member).await;
    let enter = [("email", Who::Member.email()), ("password", crate::test_app::PASSWORD)];
    let session = here.app.ask(Ask::post("/api/sign_in", enter)).await;
    let fields = [
        ("current_password", crate::test_app::PASSWORD),
        ("password", crate::functions::NEW_PASSWORD),
    ];
    let cookie = format!("roster={}", session.cookie("roster").unwrap());
    let change = Ask::post("/api/change_password", fields).with(header::COOKIE, cookie);
    assert_eq!(here.app.ask(change).await.status, 200);
    assert_eq!(elsewhere.last_within_a_second(Instant::now()).await, ["changed"]);
    assert_eq!(here.app.ask(Ask::get("/api/shell").by(Who::Member)).await.status, 401);
    here.end().await;
}

/// Or the server could not stop.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn the_end_of_the_server_ends_every_stream(pool: PgPool) {
    let here = Listening::new(pool).await;
    let mut streams = Vec::new();
    for who in [Who::Member, Who::Owner, Who::External] {
        streams.push(here.follow(who).await);
    }
    here.app.state.broadcast.end();
    let since = Instant::now();
    for stream in &mut streams {
        assert!(stream.last_within_a_second(since).await.is_empty());
    }
    // One that comes while it stops ends at once.
    let late = here.app.open(Ask::get(FOLLOW).by(Who::Member)).await;
    let mut late = Stream {
        body: late.into_body(),
        rest: String::new(),
    };
    assert!(late.last_within_a_second(Instant::now()).await.is_empty());
    here.end().await;
}

/// A reader who closes the page costs nothing any more: the sessions and streams of others are as they were.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn who_closes_the_page_is_forgotten(pool: PgPool) {
    let here = Listening::new(pool).await;
    for _ in 0..50 {
        drop(here.follow(Who::Member).await);
    }
    sleep(Duration::from_millis(50)).await;
    let mut member = here.follow(Who::Member).await;
    here.post(
        "/api/add_collaborator",
        &[("project", RESEARCH), ("email", "noah@acme.test")],
        Who::Admin,
    )
    .await;
    assert_eq!(member.next().await.as_deref(), Some("changed"));
    here.end().await;
}
