//! Who may do what, for every page and every server function (R1, R2, P3): the expected status, as data.
//!
//! What is expected here was read off RULES, not off the code.

mod organizations;
mod pages;
mod projects;
mod reading;

use std::collections::BTreeSet;

use sqlx::PgPool;

use crate::{
    functions::{FUNCTIONS, function, registered},
    test_app::{Manner, TestApp, Who},
};

use organizations::ADDRESSES;
use organizations::ORGANIZATIONS;
use projects::KEYS;
use projects::PROJECTS;
use reading::READING;

const PEOPLE: [Who; 8] = [
    Who::Nobody,
    Who::Stranger,
    Who::Newcomer,
    Who::Member,
    Who::Admin,
    Who::OrganizationAdmin,
    Who::Owner,
    Who::External,
];

/// One expected status for each of [`PEOPLE`].
type Statuses = [u16; 8];

// In the order of PEOPLE:         nobody stranger newcomer member admin org-adm owner external
const ANYONE: Statuses = /*    */ [200, 200, 200, 200, 200, 200, 200, 200];

const NO_ONE: Statuses = /*    */ [404, 404, 404, 404, 404, 404, 404, 404];

const SIGNED_IN: Statuses = /* */ [401, 200, 200, 200, 200, 200, 200, 200];

const ENTERS: Statuses = /*    */ [303, 303, 303, 303, 303, 303, 303, 303];

const RESEARCH_READ: Statuses = [401, 404, 404, 200, 200, 200, 200, 200];

const RESEARCH_ADMIN: Statuses = [401, 404, 404, 403, 200, 200, 200, 403];

const PRODUCTION_READ: Statuses = [401, 404, 404, 404, 404, 200, 200, 404];

const DEFAULT_READ: Statuses = /**/ [401, 404, 200, 200, 200, 200, 200, 404];

const DEFAULT_ADMIN: Statuses = [401, 404, 403, 403, 403, 200, 200, 404];

const ACME_READ: Statuses = /*   */ [401, 404, 200, 200, 200, 200, 200, 404];

const ACME_ADMIN: Statuses = /*  */ [401, 404, 403, 403, 403, 200, 200, 404];

const PRODUCTION: &str = "production";

const DEFAULT: &str = "acme-default";

/// A call of a server function, and what each gets.
struct Case {
    path: &'static str,
    fields: &'static [(&'static str, &'static str)],
    expected: Statuses,
    rules: &'static str,
}

const fn case(
    rules: &'static str,
    path: &'static str,
    fields: &'static [(&'static str, &'static str)],
    expected: Statuses,
) -> Case {
    Case {
        path,
        fields,
        expected,
        rules,
    }
}

/// Every case.
fn cases() -> impl Iterator<Item = &'static Case> {
    [READING, PROJECTS, KEYS, ORGANIZATIONS, ADDRESSES]
        .into_iter()
        .flatten()
}

const SIGNED_OUT_OR_NOTHING: Statuses = [401, 404, 404, 404, 404, 404, 404, 404];

#[test]
fn every_server_function_is_in_the_matrix_and_has_one_who_is_let_in() {
    let rows: BTreeSet<_> = cases().map(|case| case.path.to_owned()).collect();
    assert_eq!(rows, registered().into_iter().map(|(_, path)| path).collect());
    for function in &FUNCTIONS {
        let of_function = || cases().filter(|case| case.path == function.path);
        assert!(
            of_function().any(|case| case.expected.iter().any(|s| *s < 400)),
            "{}",
            function.path
        );
        let hides = function.takes("project") || function.takes("organization");
        if hides && !["/api/shell", "/api/find_projects"].contains(&function.path) {
            assert!(
                of_function().any(|case| case.expected.contains(&404)),
                "{}",
                function.path
            );
        }
    }
}

/// R1, R2, P3, E5, A1: each call by each person, as a program, a script and a plain form send it. What is refused
/// changes nothing; what is done changes something; both are in the audit, once, with the id of the request.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn each_server_function_answers_each_person_as_the_table_says(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let before = app.fingerprint().await;
    let mut wrong = Vec::new();
    for case in cases() {
        for (who, expected) in PEOPLE.into_iter().zip(case.expected) {
            for manner in Manner::ALL {
                // Reading is for scripts and programs; a browser that goes there is sent back to where it was.
                if manner == Manner::Plain && !function(case.path).is_write() {
                    continue;
                }
                let fields: Vec<_> = case
                    .fields
                    .iter()
                    .map(|(name, value)| (*name, app.fill(value).into_bytes()))
                    .collect();
                let answer = app.ask(function(case.path).call(&fields).by(who).manner(manner)).await;
                let what = format!("{} {} {:?} {who:?} {manner:?}", case.rules, case.path, case.fields);
                let is_write = function(case.path).is_write();
                let wanted = match manner {
                    // A browser is led on, whatever came of it.
                    Manner::Plain if is_write => 303,
                    // A refusal is told to a script of ours, unless nobody is signed in.
                    Manner::Script if is_write && (402..500).contains(&expected) => 200,
                    Manner::Plain | Manner::Script | Manner::Program => expected,
                };
                if answer.status != wanted {
                    wrong.push(format!("{what}: {} for {wanted}: {}", answer.status, answer.text));
                }
                if expected >= 400 && !answer.text.contains("refused") {
                    wrong.push(format!("{what}: no refusal: {}", answer.text));
                }
                let is_changed = app.fingerprint().await != before;
                let may_change = expected < 400 && is_write && !function(case.path).changes_only_sessions();
                if is_changed != may_change {
                    wrong.push(format!("{what}: changed: {is_changed}"));
                }
                // Calls by nobody end before anything is attempted, except entering; signing out twice is nothing.
                let is_attempt = is_write && expected != 401 && !(case.path == "/api/sign_out" && who == Who::Nobody);
                let audited = app.audited(answer.header("x-request-id")).await;
                let refused: Vec<_> = audited.iter().map(|(_, refusal)| refusal.is_some()).collect();
                let wanted = if is_attempt { vec![expected >= 400] } else { vec![] };
                // What ends with a membership or an account is in the audit of each place it ends in.
                let refused = if refused.contains(&true) {
                    refused
                } else {
                    refused.into_iter().take(1).collect()
                };
                // What is wrong with what was typed may be found before anything is attempted.
                if refused != wanted && !(expected == 422 && refused.is_empty()) {
                    wrong.push(format!("{what}: audited (refused?): {refused:?} for {wanted:?}"));
                }
                if is_changed || is_write {
                    app.restore().await;
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}
