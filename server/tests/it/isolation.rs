//! P3: to somebody without access, a project is the same as one that does not exist: the same status, headers and body,
//! byte for byte, whatever is asked of it and however. Only what no two answers share is left out: the request's id,
//! the nonce of a page, and the slug as they typed it themselves.

use axum::http::{HeaderName, header};
use sqlx::PgPool;

use crate::{
    functions::FUNCTIONS,
    test_app::{Ask, Manner, NO_PROJECT, RESEARCH, TestApp, Who},
};

/// A project that is there, one of as many letters that is not, and people who can see neither.
const HIDDEN: [(&str, &str, &[Who]); 3] = [
    (RESEARCH, NO_PROJECT, &[Who::Nobody, Who::Stranger, Who::Newcomer]),
    (
        "production",
        "xx-nothing",
        &[
            Who::Nobody,
            Who::Stranger,
            Who::Newcomer,
            Who::Member,
            Who::Admin,
            Who::External,
        ],
    ),
    (
        "acme-default",
        "xx-no-things",
        &[Who::Nobody, Who::Stranger, Who::External],
    ),
];

/// Organizations that are there, ones that are not, and people who have nothing to do with them. (An External
/// Collaborator knows the name of theirs, X3.)
const HIDDEN_ORGANIZATIONS: [(&str, &str, &[Who]); 2] = [
    ("acme", "nope", &[Who::Nobody, Who::Stranger]),
    (
        "partner",
        "unknown",
        &[Who::Nobody, Who::Stranger, Who::Newcomer, Who::Owner],
    ),
];

/// What somebody might put into a field to learn from the answer.
const PROBES: [&str; 13] = [
    "",
    "x",
    "admin",
    "no address",
    "mia@acme.test",
    "nobody@nowhere.test",
    "1999-01-01",
    "2999-01-01",
    "partner-default",
    "not-taken",
    "{Owner}",
    "{Stranger}",
    "00000000-0000-0000-0000-000000000000",
];

/// Compares, and gathers what differs.
async fn compare(
    app: &TestApp,
    wrong: &mut Vec<String>,
    what: &str,
    (real, none): (&str, &str),
    ask: impl Fn(&str) -> Ask,
) {
    let (there, nowhere) = (app.ask(ask(real)).await, app.ask(ask(none)).await);
    let (one, other) = (there.anonymous(real), nowhere.anonymous(none));
    if one != other {
        wrong.push(format!("{what}:\n{one}\n--- for one that is not there ---\n{other}"));
    }
    if there.status.is_server_error() {
        wrong.push(format!("{what}: {}", there.status));
    }
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn every_function_answers_the_same_for_a_hidden_project_and_for_none(pool: PgPool) {
    every_function(pool, "project", &HIDDEN).await;
}

/// X3: nor is there an organization for those outside it.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn every_function_answers_the_same_for_a_hidden_organization_and_for_none(pool: PgPool) {
    every_function(pool, "organization", &HIDDEN_ORGANIZATIONS).await;
}

async fn every_function(pool: PgPool, what: &str, hidden: &[(&str, &str, &[Who])]) {
    let app = TestApp::new(pool).await;
    let before = app.fingerprint().await;
    let mut wrong = Vec::new();
    for function in FUNCTIONS.iter().filter(|function| function.takes(what)) {
        let base = function.filled(&app);
        let mut variants = vec![base.clone()];
        for (at, (name, _)) in base.iter().enumerate().filter(|(_, (name, _))| *name != what) {
            for probe in PROBES {
                let mut fields = base.clone();
                fields[at].1 = app.fill(probe).into_bytes();
                variants.push(fields);
            }
            let mut fields = base.clone();
            fields.remove(at);
            variants.push(fields);
            let mut fields = base.clone();
            fields.push((name, Vec::new()));
            variants.push(fields);
        }
        for &(real, none, people) in hidden {
            for who in people {
                for (at, fields) in variants.iter().enumerate() {
                    // What is asked matters in every manner, what is typed in one.
                    let manners = if at == 0 { &Manner::ALL[..] } else { &Manner::ALL[..1] };
                    for manner in manners {
                        let called = format!("{} {who:?} {manner:?} {fields:?}", function.path);
                        compare(&app, &mut wrong, &called, (real, none), |slug| {
                            let mut fields = fields.clone();
                            for field in fields
                                .iter_mut()
                                .filter(|(name, value)| *name == what || value == real.as_bytes())
                            {
                                field.1 = slug.as_bytes().to_vec();
                            }
                            function.call(&fields).by(*who).manner(*manner)
                        })
                        .await;
                    }
                }
                // Limits count for each person; they are no part of this.
                sqlx::query("DELETE FROM attempts").execute(&app.pool).await.unwrap();
            }
        }
        assert_eq!(app.fingerprint().await, before, "{}", function.path);
    }
    assert!(wrong.is_empty(), "{} differ, the first:\n{}", wrong.len(), wrong[0]);
}

/// Every page of a project, and what its query can ask for.
const PAGES: [&str; 25] = [
    "/projects/{slug}",
    "/projects/{slug}/nothing",
    "/projects/{slug}/clusters",
    "/projects/{slug}/clusters?q=first&after=nonsense",
    "/projects/{slug}/clusters?dialog=create",
    "/projects/{slug}/clusters/01900000-0000-7000-8000-000000000005",
    "/projects/{slug}/clusters/01900000-0000-7000-8000-000000000007?dialog=delete",
    "/projects/{slug}/usage",
    "/projects/{slug}/usage?days=nonsense",
    "/projects/{slug}/usage?measure=nonsense",
    "/settings/projects/{slug}",
    "/settings/projects/{slug}/collaborators",
    "/settings/projects/{slug}/collaborators?q=olivia",
    "/settings/projects/{slug}/collaborators?role=nonsense",
    "/settings/projects/{slug}/collaborators?after=nonsense",
    "/settings/projects/{slug}/collaborators?dialog=add",
    "/settings/projects/{slug}/collaborators?dialog=remove&user={Owner}",
    "/settings/projects/{slug}/collaborators?dialog=end-date&user={Owner}",
    "/settings/projects/{slug}/collaborators.csv",
    "/settings/projects/{slug}/api-keys",
    "/settings/projects/{slug}/api-keys?q=ci&state=revoked",
    "/settings/projects/{slug}/api-keys?state=nonsense",
    "/settings/projects/{slug}/api-keys?dialog=revoke&key=01900000-0000-7000-8000-000000000005",
    "/settings/projects/{slug}/api-keys?dialog=regenerate",
    "/events?project={slug}",
];

/// Every page of an organization, and what its query can ask for.
const ORGANIZATION_PAGES: [&str; 12] = [
    "/settings/organization/{slug}",
    "/settings/organization/{slug}/nothing",
    "/settings/organization/{slug}/members",
    "/settings/organization/{slug}/members?q=olivia",
    "/settings/organization/{slug}/members?after=nonsense",
    "/settings/organization/{slug}/members?dialog=remove&user={Owner}",
    "/settings/organization/{slug}/members.csv",
    "/settings/organization/{slug}/invitations",
    "/settings/organization/{slug}/invitations?dialog=invite",
    "/settings/organization/{slug}/projects",
    "/settings/organization/{slug}/projects?dialog=create",
    "/events?organization={slug}",
];

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn every_page_is_the_same_for_a_hidden_project_and_for_none(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let mut wrong = Vec::new();
    for &(real, none, people) in &HIDDEN_ORGANIZATIONS {
        for who in people {
            for page in ORGANIZATION_PAGES {
                let page = app.fill(page);
                for manner in [Manner::Program, Manner::Plain] {
                    compare(&app, &mut wrong, &format!("{page} {who:?}"), (real, none), |slug| {
                        Ask::get(page.replace("{slug}", slug)).by(*who).manner(manner)
                    })
                    .await;
                }
            }
        }
    }
    for (real, none, people) in HIDDEN {
        for who in people {
            for page in PAGES {
                let page = app.fill(page);
                for manner in [Manner::Program, Manner::Plain] {
                    compare(&app, &mut wrong, &format!("{page} {who:?}"), (real, none), |slug| {
                        Ask::get(page.replace("{slug}", slug)).by(*who).manner(manner)
                    })
                    .await;
                }
            }
            // The project last looked at comes out of a cookie, which can be forged.
            for page in ["/", "/projects/~current", "/settings/profile", "/api/shell"] {
                compare(
                    &app,
                    &mut wrong,
                    &format!("{page} {who:?} cookie"),
                    (real, none),
                    |slug| {
                        Ask::get(page)
                            .by(*who)
                            .with(header::COOKIE, format!("roster-project={slug}"))
                    },
                )
                .await;
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ, the first:\n{}", wrong.len(), wrong[0]);
}

/// What is not there says nothing of what is: no name of the organization, its projects or its people.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn nothing_of_a_tenant_is_in_what_a_stranger_gets(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let secrets = [
        "acme",
        "Acme",
        "ML Research",
        "Production",
        "Olivia",
        "olivia",
        "Maya",
        "Eve",
    ];
    let mut uris: Vec<_> = PAGES.iter().map(|page| page.replace("{slug}", "production")).collect();
    uris.extend(["/", "/settings/profile", "/api/shell", "/api/shell?project=production"].map(ToOwned::to_owned));
    for uri in uris {
        let uri = app.fill(&uri);
        let answer = app.ask(Ask::get(&uri).by(Who::Stranger)).await;
        for secret in secrets {
            assert!(!answer.text.contains(secret), "{uri}: {secret}: {}", answer.text);
        }
    }
    // X3: an external knows the organization's name and their project; nothing else of it.
    let others = ["Production", "acme-default", "Noah", "noah@"];
    for uri in [
        "/projects/ml-research",
        "/settings/projects/ml-research/collaborators",
        "/api/shell",
        "/settings/profile",
    ] {
        let answer = app.ask(Ask::get(uri).by(Who::External)).await;
        assert_eq!(answer.status, 200, "{uri}");
        for secret in others {
            assert!(!answer.text.contains(secret), "{uri}: {secret}");
        }
    }
}

/// P2: a slug that was let go answers as one that never was.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_slug_let_go_is_the_same_as_none(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let rename = [("project", RESEARCH), ("name", "ML Research"), ("slug", "renamed")];
    assert_eq!(
        app.ask(Ask::post("/api/update_project", rename).by(Who::Admin))
            .await
            .status,
        200
    );
    let mut wrong = Vec::new();
    for who in [
        Who::Nobody,
        Who::Stranger,
        Who::Newcomer,
        Who::Member,
        Who::Admin,
        Who::Owner,
        Who::External,
    ] {
        for page in [
            "/projects/{slug}",
            "/projects/{slug}/clusters/01900000-0000-7000-8000-000000000005",
            "/settings/projects/{slug}/collaborators",
            "/api/overview?project={slug}",
            "/events?project={slug}",
        ] {
            compare(
                &app,
                &mut wrong,
                &format!("{page} {who:?}"),
                (RESEARCH, NO_PROJECT),
                |slug| {
                    Ask::get(page.replace("{slug}", slug))
                        .by(who)
                        .with(HeaderName::from_static("accept"), "*/*")
                },
            )
            .await;
        }
    }
    assert!(wrong.is_empty(), "{} differ, the first:\n{}", wrong.len(), wrong[0]);
    assert_eq!(app.ask(Ask::get("/projects/renamed").by(Who::Member)).await.status, 200);
}
