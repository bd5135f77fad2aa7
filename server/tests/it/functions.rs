//! The server functions, as data: what each is called with so that it works for an Admin of the project. A function that is
//! not here fails a test, and so does a row without a function.

use std::collections::BTreeSet;

use axum::http::Method;

use crate::house::{Ask, House, Manner, NO_PROJECT, PASSWORD, RESEARCH, Who, encode};

/// A server function and arguments that it takes.
pub(crate) struct Function {
    pub(crate) path: &'static str,
    pub(crate) method: Method,
    /// In braces: somebody's id.
    pub(crate) fields: &'static [(&'static str, &'static str)],
}

pub(crate) const NEW_PASSWORD: &str = "staple-battery-horse";

/// Every server function.
pub(crate) static FUNCTIONS: [Function; 14] = [
    read("/api/shell", &[("project", RESEARCH)]),
    read("/api/project", &[("project", RESEARCH)]),
    read("/api/project_settings", &[("project", RESEARCH)]),
    read(
        "/api/collaborators",
        &[
            ("project", RESEARCH),
            ("query[q]", "m"),
            ("query[role]", "member"),
            ("query[kind]", "member"),
            ("query[sort]", "name"),
            ("query[order]", "asc"),
            ("query[after]", ""),
            ("subject", "{External}"),
        ],
    ),
    write(
        "/api/sign_in",
        &[
            ("email", "mia@acme.test"),
            ("password", PASSWORD),
            ("next", "/docs/roles"),
        ],
    ),
    write(
        "/api/sign_up",
        &[
            ("name", "Nora New"),
            ("email", "nora@new.test"),
            ("password", NEW_PASSWORD),
            ("next", "/docs/roles"),
        ],
    ),
    write("/api/sign_out", &[]),
    write(
        "/api/change_password",
        &[("current_password", PASSWORD), ("password", NEW_PASSWORD)],
    ),
    write(
        "/api/add_collaborator",
        &[("project", RESEARCH), ("email", "noah@acme.test")],
    ),
    write(
        "/api/change_collaborator_role",
        &[("project", RESEARCH), ("user", "{Member}"), ("role", "admin")],
    ),
    write(
        "/api/remove_collaborator",
        &[("project", RESEARCH), ("user", "{Member}")],
    ),
    write(
        "/api/set_collaborator_end_date",
        &[
            ("project", RESEARCH),
            ("user", "{Member}"),
            ("expires_on", "2999-12-31"),
        ],
    ),
    write(
        "/api/update_project",
        &[
            ("project", RESEARCH),
            ("name", "Renamed"),
            ("slug", "renamed"),
            ("allow_externals", "on"),
        ],
    ),
    write("/api/remove_externals", &[("project", RESEARCH)]),
];

const fn read(path: &'static str, fields: &'static [(&'static str, &'static str)]) -> Function {
    Function {
        path,
        method: Method::GET,
        fields,
    }
}

const fn write(path: &'static str, fields: &'static [(&'static str, &'static str)]) -> Function {
    Function {
        path,
        method: Method::POST,
        fields,
    }
}

impl Function {
    pub(crate) fn is_write(&self) -> bool {
        self.method == Method::POST
    }

    pub(crate) fn takes_project(&self) -> bool {
        self.fields.iter().any(|(name, _)| *name == "project")
    }

    /// Its fields, with ids in place.
    pub(crate) fn filled(&self, house: &House) -> Vec<(&'static str, Vec<u8>)> {
        self.fields
            .iter()
            .map(|(name, value)| (*name, house.fill(value).into_bytes()))
            .collect()
    }

    /// A call with these fields.
    pub(crate) fn call(&self, fields: &[(&str, Vec<u8>)]) -> Ask {
        let fields = fields.iter().map(|(name, value)| (*name, value));
        if self.is_write() {
            Ask::post(self.path, fields)
        } else {
            Ask::get(format!("{}?{}", self.path, encode(fields)))
        }
    }
}

pub(crate) fn function(path: &str) -> &'static Function {
    FUNCTIONS.iter().find(|function| function.path == path).unwrap()
}

/// What the server really has.
pub(crate) fn registered() -> BTreeSet<(String, String)> {
    // Only what is linked is registered: this makes the app be.
    let _ = app::App;
    leptos::server_fn::axum::server_fn_paths()
        .map(|(path, method)| (method.to_string(), path.to_owned()))
        .collect()
}

#[test]
fn every_server_function_has_a_row_and_every_row_a_function() {
    let rows: BTreeSet<_> = FUNCTIONS
        .iter()
        .map(|function| (function.method.to_string(), function.path.to_owned()))
        .collect();
    assert_eq!(rows, registered());
    assert_eq!(rows.len(), FUNCTIONS.len(), "one row each");
    assert_eq!(RESEARCH.len(), NO_PROJECT.len());
}

/// The rows are worth something: as they are, they work.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn every_row_works_for_an_admin_of_the_project(pool: sqlx::PgPool) {
    let house = House::new(pool).await;
    for function in &FUNCTIONS {
        let before = house.fingerprint().await;
        let ask = function
            .call(&function.filled(&house))
            .by(Who::Admin)
            .manner(Manner::Script);
        let answer = house.ask(ask).await;
        let path = function.path;
        let is_entry = ["/api/sign_in", "/api/sign_up", "/api/sign_out"].contains(&path);
        assert_eq!(
            answer.status,
            if is_entry { 303 } else { 200 },
            "{path}: {}",
            answer.text
        );
        assert!(!answer.text.contains("Err"), "{path}: {}", answer.text);
        let changes = function.is_write() && !["/api/sign_in", "/api/sign_out"].contains(&path);
        assert_eq!(house.fingerprint().await != before, changes, "{path}");
        house.restore().await;
        assert_eq!(house.fingerprint().await, before, "{path} is taken back");
    }
}
