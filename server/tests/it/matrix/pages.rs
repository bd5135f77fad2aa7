//! The pages: which status each person gets for each path.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use leptos_axum::generate_route_list;
use sqlx::PgPool;

use super::{ACME_READ, ANYONE, ENTERS, NO_ONE, PEOPLE, Statuses};
use crate::test_app::{Ask, Manner, TestApp, Who};

const TO_SIGN_IN: Statuses = [303, 200, 200, 200, 200, 200, 200, 200];

const ONLY_SIGNED_OUT: Statuses = [200, 303, 303, 303, 303, 303, 303, 303];

const RESEARCH_PAGE: Statuses = [303, 404, 404, 200, 200, 200, 200, 200];

const PRODUCTION_PAGE: Statuses = [303, 404, 404, 404, 404, 200, 200, 404];

const DEFAULT_PAGE: Statuses = [303, 404, 200, 200, 200, 200, 200, 404];

const NO_PAGE: Statuses = [303, 404, 404, 404, 404, 404, 404, 404];

const ACME_PAGE: Statuses = [303, 404, 200, 200, 200, 200, 200, 404];

const ACME_ADMINS_PAGE: Statuses = [303, 404, 403, 403, 403, 200, 200, 404];

const INVITATION_PAGE: &str = "/invitations/aWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWk";

const VERIFY_PAGE: &str = "/verify-email/bm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm4";

const CHANGE_PAGE: &str = "/change-email/b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb28";

const UNDO_PAGE: &str = "/undo-email-change/cHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHA";

const RESET_PAGE: &str = "/reset-password/a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s";

/// Pages and other addresses: the route it belongs to, the address, and what each gets.
const PAGES: &[(&str, &str, Statuses)] = &[
    ("/", "/", [303, 302, 302, 302, 302, 302, 302, 302]),
    ("/sign-in", "/sign-in", ONLY_SIGNED_OUT),
    ("/sign-up", "/sign-up", ONLY_SIGNED_OUT),
    ("/docs/roles", "/docs/roles", ANYONE),
    ("/projects/{project}", "/projects/ml-research", RESEARCH_PAGE),
    ("/projects/{project}", "/projects/production", PRODUCTION_PAGE),
    ("/projects/{project}", "/projects/acme-default", DEFAULT_PAGE),
    ("/projects/{project}", "/projects/no-such-project", NO_PAGE),
    ("/projects/{project}", "/projects/~current", ENTERS),
    (
        "/projects/{project}/usage",
        "/projects/ml-research/usage?days=90",
        RESEARCH_PAGE,
    ),
    (
        "/projects/{project}/usage",
        "/projects/production/usage",
        PRODUCTION_PAGE,
    ),
    ("/projects/{project}/usage", "/projects/~current/usage", ENTERS),
    (
        "/projects/{project}/{kind}",
        "/projects/ml-research/clusters?dialog=create",
        RESEARCH_PAGE,
    ),
    (
        "/projects/{project}/{kind}",
        "/projects/acme-default/models",
        DEFAULT_PAGE,
    ),
    (
        "/projects/{project}/{kind}",
        "/projects/production/files?sort=added",
        PRODUCTION_PAGE,
    ),
    ("/projects/{project}/{kind}", "/projects/ml-research/people", NO_PAGE),
    (
        "/projects/{project}/{kind}/{id}",
        "/projects/ml-research/clusters/01900000-0000-7000-8000-000000000005?dialog=delete",
        RESEARCH_PAGE,
    ),
    (
        "/projects/{project}/{kind}/{id}",
        "/projects/ml-research/volumes/01900000-0000-7000-8000-000000000005",
        NO_PAGE,
    ),
    (
        "/projects/{project}/{kind}/{id}",
        "/projects/ml-research/clusters/01900000-0000-7000-8000-000000000007",
        NO_PAGE,
    ),
    (
        "/projects/{project}/{kind}/{id}",
        "/projects/ml-research/clusters/x",
        NO_PAGE,
    ),
    ("/settings/profile", "/settings/profile", TO_SIGN_IN),
    (
        "/settings/projects/{project}",
        "/settings/projects/ml-research",
        RESEARCH_PAGE,
    ),
    (
        "/settings/projects/{project}",
        "/settings/projects/production",
        PRODUCTION_PAGE,
    ),
    (
        "/settings/projects/{project}",
        "/settings/projects/acme-default",
        DEFAULT_PAGE,
    ),
    ("/settings/projects/{project}", "/settings/projects/~current", ENTERS),
    (
        "/settings/projects/{project}/collaborators",
        "/settings/projects/ml-research/collaborators",
        RESEARCH_PAGE,
    ),
    (
        "/settings/projects/{project}/collaborators",
        "/settings/projects/ml-research/collaborators?dialog=add",
        RESEARCH_PAGE,
    ),
    (
        "/settings/projects/{project}/collaborators",
        "/settings/projects/ml-research/collaborators?dialog=remove&user={Member}",
        RESEARCH_PAGE,
    ),
    (
        "/settings/projects/{project}/collaborators",
        "/settings/projects/production/collaborators",
        PRODUCTION_PAGE,
    ),
    (
        "/settings/projects/{project}/collaborators",
        "/settings/projects/acme-default/collaborators?q=a&sort=role&order=desc",
        DEFAULT_PAGE,
    ),
    (
        "/settings/projects/{project}/collaborators",
        "/settings/projects/~current/collaborators?q=a",
        ENTERS,
    ),
    (
        "/settings/projects/{project}/api-keys",
        "/settings/projects/ml-research/api-keys",
        RESEARCH_PAGE,
    ),
    (
        "/settings/projects/{project}/api-keys",
        "/settings/projects/ml-research/api-keys?dialog=create",
        RESEARCH_PAGE,
    ),
    (
        "/settings/projects/{project}/api-keys",
        "/settings/projects/ml-research/api-keys?state=active&dialog=rotate&key=01900000-0000-7000-8000-000000000006",
        RESEARCH_PAGE,
    ),
    (
        "/settings/projects/{project}/api-keys",
        "/settings/projects/production/api-keys",
        PRODUCTION_PAGE,
    ),
    (
        "/settings/projects/{project}/api-keys",
        "/settings/projects/acme-default/api-keys?dialog=regenerate",
        DEFAULT_PAGE,
    ),
    (
        "/settings/projects/{project}/api-keys",
        "/settings/projects/~current/api-keys?q=a",
        ENTERS,
    ),
    ("/{*rest}", "/nothing-here", NO_PAGE),
    ("/forgot-password", "/forgot-password", ANYONE),
    ("/reset-password/{token}", RESET_PAGE, ANYONE),
    ("/reset-password/{token}", "/reset-password/nonsense", [410; 8]),
    ("/invitations/{token}", INVITATION_PAGE, ANYONE),
    ("/invitations/{token}", "/invitations/nonsense", NO_ONE),
    ("/verify-email/{token}", VERIFY_PAGE, ANYONE),
    ("/verify-email/{token}", "/verify-email/nonsense", [410; 8]),
    ("/change-email/{token}", CHANGE_PAGE, ANYONE),
    ("/change-email/{token}", "/change-email/nonsense", [410; 8]),
    ("/undo-email-change/{token}", UNDO_PAGE, ANYONE),
    ("/undo-email-change/{token}", "/undo-email-change/nonsense", [410; 8]),
    ("/settings/my-api-keys", "/settings/my-api-keys", TO_SIGN_IN),
    ("/settings/sessions", "/settings/sessions", TO_SIGN_IN),
    ("/settings/ssh-keys", "/settings/ssh-keys", TO_SIGN_IN),
    (
        "/settings/organization/{organization}",
        "/settings/organization/acme",
        ACME_PAGE,
    ),
    (
        "/settings/organization/{organization}",
        "/settings/organization/nothing",
        NO_PAGE,
    ),
    (
        "/settings/organization/{organization}",
        "/settings/organization/~current",
        ENTERS,
    ),
    (
        "/settings/organization/{organization}/members",
        "/settings/organization/acme/members?sort=role&order=desc",
        ACME_PAGE,
    ),
    (
        "/settings/organization/{organization}/members",
        "/settings/organization/acme/members?dialog=remove&user={Newcomer}",
        ACME_PAGE,
    ),
    (
        "/settings/organization/{organization}/members",
        "/settings/organization/~current/members?dialog=invite",
        ENTERS,
    ),
    (
        "/settings/organization/{organization}/invitations",
        "/settings/organization/acme/invitations?dialog=invite",
        ACME_ADMINS_PAGE,
    ),
    (
        "/settings/organization/{organization}/invitations",
        "/settings/organization/nothing/invitations",
        NO_PAGE,
    ),
    (
        "/settings/organization/{organization}/projects",
        "/settings/organization/acme/projects?dialog=create",
        ACME_PAGE,
    ),
    ("", "/settings/organization/acme/members.csv?q=m&sort=role", ACME_PAGE),
    ("", "/settings/organization/nothing/members.csv", NO_PAGE),
    (
        "",
        "/settings/projects/ml-research/collaborators.csv?kind=external",
        RESEARCH_PAGE,
    ),
    ("", "/settings/projects/production/collaborators.csv", PRODUCTION_PAGE),
    ("", "/events?organization=acme", ACME_READ),
    (
        "",
        "/events?organization=acme&project=ml-research",
        [401, 400, 400, 400, 400, 400, 400, 400],
    ),
    ("", "/healthz", ANYONE),
    ("", "/readyz", ANYONE),
    (
        "",
        "/events?project=production",
        [401, 404, 404, 404, 404, 200, 200, 404],
    ),
    ("", "/events", [401, 400, 400, 400, 400, 400, 400, 400]),
    ("", "/api/nothing", NO_ONE),
    ("", "/pkg/nothing.js", NO_ONE),
    ("", "/fonts/nothing.woff2", NO_ONE),
    ("", "/favicon.svg", NO_ONE),
];

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn each_page_answers_each_person_as_the_table_says(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let before = app.fingerprint().await;
    let mut wrong = Vec::new();
    for (_, uri, expected) in PAGES {
        let uri = app.fill(uri);
        for (who, expected) in PEOPLE.into_iter().zip(*expected) {
            let ask = Ask::get(&uri).by(who).manner(Manner::Plain);
            // An event stream goes on: its head is enough.
            let (status, location) = if uri.starts_with("/events") {
                (app.open(ask).await.status(), String::new())
            } else {
                let answer = app.ask(ask).await;
                (answer.status, answer.location().to_owned())
            };
            if status != expected {
                wrong.push(format!("{uri} {who:?}: {status} for {expected}"));
            }
            if who == Who::Nobody && status == StatusCode::SEE_OTHER && !location.starts_with("/sign-in") {
                wrong.push(format!("{uri} {who:?}: sent to {location}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(app.fingerprint().await, before, "looking changes nothing");
}

/// A new page without a row fails, and so does a row whose page is gone.
#[tokio::test]
async fn every_page_is_in_the_matrix() {
    drop(any_spawner::Executor::init_tokio());
    let routes: BTreeSet<_> = generate_route_list(app::App)
        .iter()
        .map(|route| route.path().to_owned())
        .collect();
    let rows: BTreeSet<_> = PAGES
        .iter()
        .map(|(route, ..)| (*route).to_owned())
        .filter(|route| !route.is_empty())
        .collect();
    assert_eq!(rows, routes);
}
