//! What keeps browsers, and the people in front of them, from harm: headers, cookies, cross-site requests, redirects,
//! and errors that tell nothing. Regression tests of the traps in PITFALLS.

mod cookies;
mod failures;
mod forms;
mod redirects;
mod screens;

use app::Problem;

use axum::http::{HeaderName, Method, header};

use directory::{Directory, Settings};
use sqlx::PgPool;

use crate::test_app::{Answer, Ask, Manner, RESEARCH, TestApp, Who};

use failures::closed;

fn header_name(name: &'static str) -> HeaderName {
    HeaderName::from_static(name)
}

/// A page of requests of every kind: answered, refused, wrong, unknown.
fn of_every_kind(app: &TestApp) -> Vec<(&'static str, Ask)> {
    let form = [("project", RESEARCH), ("email", "noah@acme.test")];
    let add = || Ask::post("/api/add_collaborator", form);
    let mut large = add().by(Who::Owner);
    large.body = vec![b'a'; 70_000];
    let mut deleting = Ask::get("/projects/ml-research").by(Who::Owner);
    deleting.method = Method::DELETE;
    vec![
        ("page", Ask::get("/projects/ml-research").by(Who::Owner)),
        ("page for nobody", Ask::get("/sign-in")),
        ("to sign in", Ask::get("/projects/ml-research")),
        ("home", Ask::get("/").by(Who::Owner)),
        ("hidden page", Ask::get("/projects/ml-research").by(Who::Stranger)),
        (
            "wrong page",
            Ask::get("/settings/projects/ml-research/collaborators?sort=x").by(Who::Owner),
        ),
        ("no page", Ask::get("/nothing").by(Who::Owner)),
        ("read", Ask::get("/api/overview?project=ml-research").by(Who::Owner)),
        (
            "read, hidden",
            Ask::get("/api/overview?project=ml-research").by(Who::Stranger),
        ),
        ("read, signed out", Ask::get("/api/shell")),
        ("read, malformed", Ask::get("/api/overview").by(Who::Owner)),
        ("no function", Ask::get("/api/nothing")),
        ("write", add().by(Who::Owner)),
        ("write, forbidden", add().by(Who::Member)),
        (
            "write, malformed",
            Ask::post("/api/add_collaborator", [("x", "y")]).by(Who::Owner),
        ),
        ("write, plain", add().by(Who::Owner).manner(Manner::Plain)),
        (
            "write, cross-site",
            add().by(Who::Owner).with(header_name("sec-fetch-site"), "cross-site"),
        ),
        ("too large", large),
        ("wrong method", deleting),
        ("events, signed out", Ask::get("/events?project=ml-research")),
        ("events, malformed", Ask::get("/events?x=y").by(Who::Owner)),
        ("alive", Ask::get("/healthz")),
        ("ready", Ask::get("/readyz")),
        ("no asset", Ask::get("/pkg/nothing.js")),
        ("no icon", Ask::get("/favicon.svg")),
        (
            "garbage cookie",
            Ask::get("/projects/ml-research").with(header::COOKIE, "roster=%%%; roster"),
        ),
        ("secret in path", Ask::get(app.fill("/settings/{Owner}")).by(Who::Owner)),
    ]
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn every_answer_has_the_headers_that_keep_a_browser_on_its_guard(pool: PgPool) {
    let app = TestApp::new(pool.clone()).await;
    let away = app.behind(Directory::new(closed(&pool).await, Settings::default()));
    for (what, ask) in of_every_kind(&app) {
        for app in [&app, &away] {
            let answer = app.ask(ask.clone()).await;
            assert_guarded(what, &answer);
        }
        app.restore().await;
    }
}

fn assert_guarded(what: &str, answer: &Answer) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        // Nothing people see, and no error, is kept by a cache.
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header(name), value, "{what} ({}): {name}", answer.status);
    }
    let policy = answer.header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
        "{what}: {policy}"
    );
    assert!(answer.header("permissions-policy").contains("camera=()"), "{what}");
    assert_eq!(
        answer.headers.get_all("content-security-policy").iter().count(),
        1,
        "{what}"
    );
    assert!(
        uuid::Uuid::parse_str(answer.header("x-request-id")).is_ok(),
        "{what}: request id"
    );
    for header in ["server", "x-powered-by", "access-control-allow-origin"] {
        assert_eq!(answer.header(header), "", "{what}: {header}");
    }
}

/// The request's id goes into logs and the audit (A1), so a client does not choose it.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_request_id_is_always_ours(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let theirs = "00000000-0000-7000-8000-000000000000";
    let form = [("project", RESEARCH), ("email", "noah@acme.test")];
    for ask in [
        Ask::get("/healthz"),
        Ask::get("/projects/ml-research").by(Who::Owner),
        Ask::post("/api/add_collaborator", form).by(Who::Owner),
    ] {
        let asked = |ask: Ask| app.ask(ask.with(header_name("x-request-id"), theirs));
        let (one, other) = (asked(ask.clone()).await, asked(ask).await);
        assert_ne!(one.header("x-request-id"), theirs);
        assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
    }
    assert!(app.audited(theirs).await.is_empty());
}

/// An error of a function is a closed code: it reads as [`Problem`] and as nothing else.
pub(crate) fn closed_code(what: &str, answer: &Answer) -> Problem {
    let problem: Problem = serde_json::from_str(&answer.text)
        .unwrap_or_else(|error| panic!("{what}: {error}: {} {:?}", answer.status, answer.text));
    assert_eq!(answer.status, problem.status(), "{what}");
    problem
}
