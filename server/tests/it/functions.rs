//! The server functions, as data: what each is called with so that it works, and for whom. A function that is
//! not here fails a test, and so does a row without a function.

use std::collections::BTreeSet;

use axum::http::Method;

use crate::test_app::{
    ACME, API_KEY, Ask, CLUSTER, EMPTY, FORGOTTEN, INVITATION, INVITED, INVITED_STRANGER, Manner, NO_PROJECT, PASSWORD,
    RESEARCH, SESSION, SSH_KEY, TO_CHANGE, TO_UNDO, TestApp, UNPROVED, Who, encode,
};

/// A server function and arguments that it takes.
pub(crate) struct Function {
    pub(crate) path: &'static str,
    pub(crate) method: Method,
    /// In braces: somebody's id.
    pub(crate) fields: &'static [(&'static str, &'static str)],
    /// For whom it works.
    pub(crate) who: Who,
    /// Whether it only reads, by POST: what it is asked with is a secret, which no query should hold.
    reads: bool,
}

pub(crate) const NEW_PASSWORD: &str = "staple-battery-horse";

/// Every server function.
pub(crate) static FUNCTIONS: [Function; 66] = [
    read("/api/shell", &[("project", RESEARCH)]),
    read("/api/overview", &[("project", RESEARCH)]),
    read("/api/project_settings", &[("project", RESEARCH)]),
    read(
        "/api/resources",
        &[
            ("project", RESEARCH),
            ("kind", "clusters"),
            ("query[q]", "first"),
            ("query[state]", "creating"),
            ("query[sort]", "name"),
            ("query[order]", "asc"),
            ("query[after]", ""),
        ],
    ),
    read(
        "/api/resource",
        &[("project", RESEARCH), ("kind", "clusters"), ("id", CLUSTER)],
    ),
    read(
        "/api/usage",
        &[("project", RESEARCH), ("days", "7"), ("measure", "gpu_seconds")],
    ),
    write(
        "/api/create_resource",
        &[
            ("project", RESEARCH),
            ("kind", "files"),
            ("name", "Another File"),
            ("state", "ready"),
            ("purpose", "batch"),
            ("size_bytes", "1"),
        ],
    ),
    write(
        "/api/update_resource",
        &[
            ("project", RESEARCH),
            ("kind", "clusters"),
            ("id", CLUSTER),
            ("name", "Another Name"),
            ("state", "running"),
            ("seen", ""),
            ("gpu", "H200"),
            ("nodes", "3"),
            ("scheduler", "slurm"),
            ("region", "eu"),
        ],
    ),
    write(
        "/api/delete_resource",
        &[("project", RESEARCH), ("kind", "clusters"), ("id", CLUSTER)],
    ),
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
    read("/api/find_projects", &[("organization", ACME), ("search", "research")]),
    read("/api/organization", &[("organization", ACME)]),
    read(
        "/api/members",
        &[
            ("organization", ACME),
            ("query[q]", "m"),
            ("query[role]", "member"),
            ("query[sort]", "name"),
            ("query[order]", "asc"),
            ("query[after]", ""),
            ("subject", ""),
        ],
    ),
    read(
        "/api/invitations",
        &[
            ("organization", ACME),
            ("query[q]", "new"),
            ("query[state]", "pending"),
            ("query[after]", ""),
        ],
    )
    .by(Who::Owner),
    read(
        "/api/projects",
        &[("organization", ACME), ("query[q]", "research"), ("query[after]", "")],
    ),
    read_by_post("/api/invitation", &[("token", INVITED)]),
    read("/api/sessions", &[]),
    read("/api/ssh_keys", &[]),
    read("/api/sends_mail", &[]),
    read_by_post("/api/password_reset", &[("token", FORGOTTEN)]),
    read_by_post("/api/email_verification", &[("token", UNPROVED)]),
    read_by_post("/api/email_change", &[("token", TO_CHANGE)]),
    read_by_post("/api/email_undo", &[("token", TO_UNDO)]),
    read("/api/made_keys", &[]),
    write(
        "/api/update_organization",
        &[("organization", ACME), ("name", "Renamed"), ("slug", "renamed")],
    )
    .by(Who::Owner),
    write(
        "/api/transfer_ownership",
        &[
            ("organization", ACME),
            ("user", "{OrganizationAdmin}"),
            ("confirmation", "Acme Research"),
        ],
    )
    .by(Who::Owner),
    write(
        "/api/delete_organization",
        &[
            ("organization", "sam-stranger"),
            ("confirmation", "Sam Stranger\u{2019}s organization"),
        ],
    )
    .by(Who::Stranger),
    write(
        "/api/change_member_role",
        &[("organization", ACME), ("user", "{Newcomer}"), ("role", "admin")],
    )
    .by(Who::Owner),
    write("/api/remove_member", &[("organization", ACME), ("user", "{Newcomer}")]).by(Who::Owner),
    write(
        "/api/invite_members",
        &[("organization", ACME), ("email", "another@new.test")],
    )
    .by(Who::Owner),
    write(
        "/api/resend_invitation",
        &[("organization", ACME), ("invitation", INVITATION)],
    )
    .by(Who::Owner),
    write(
        "/api/revoke_invitation",
        &[("organization", ACME), ("invitation", INVITATION)],
    )
    .by(Who::Owner),
    write("/api/accept_invitation", &[("token", INVITED_STRANGER)]).by(Who::Stranger),
    write(
        "/api/accept_invitation_as_new",
        &[("token", INVITED), ("name", "Ina Invited"), ("password", NEW_PASSWORD)],
    )
    .by(Who::Nobody),
    write(
        "/api/create_project",
        &[("organization", ACME), ("name", "Staging"), ("slug", "staging")],
    )
    .by(Who::Owner),
    write("/api/delete_project", &[("project", EMPTY), ("confirmation", EMPTY)]).by(Who::Owner),
    read(
        "/api/api_keys",
        &[
            ("project", RESEARCH),
            ("query[q]", "n"),
            ("query[state]", "active"),
            ("query[after]", ""),
            ("subject", API_KEY),
        ],
    ),
    write(
        "/api/create_api_key",
        &[
            ("project", RESEARCH),
            ("name", "CI"),
            ("reach", "manage"),
            ("expires", "on"),
            ("expires_on", "2999-12-31"),
        ],
    ),
    write(
        "/api/set_api_key_expiration",
        &[
            ("project", RESEARCH),
            ("key", API_KEY),
            ("expires", "on"),
            ("expires_on", "2999-12-31"),
        ],
    )
    .by(Who::Member),
    write(
        "/api/rotate_api_key",
        &[
            ("project", RESEARCH),
            ("key", API_KEY),
            ("overlap", "24"),
            ("expires", "on"),
            ("expires_on", "2999-12-31"),
        ],
    )
    .by(Who::Member),
    write("/api/revoke_api_key", &[("project", RESEARCH), ("key", API_KEY)]).by(Who::External),
    write("/api/regenerate_default_key", &[("project", "acme-default")]).by(Who::Owner),
    write("/api/end_session", &[("session", SESSION)]),
    write("/api/end_other_sessions", &[]),
    write(
        "/api/add_ssh_key",
        &[
            (
                "public_key",
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti maya@laptop",
            ),
            ("name", "Laptop"),
        ],
    ),
    write("/api/remove_ssh_key", &[("key", SSH_KEY)]),
    write("/api/change_name", &[("name", "Another Name")]),
    write("/api/delete_account", &[("current_password", PASSWORD)]),
    write("/api/request_password_reset", &[("email", "mia@acme.test")]).by(Who::Nobody),
    write(
        "/api/reset_password",
        &[("token", FORGOTTEN), ("password", NEW_PASSWORD)],
    )
    .by(Who::Nobody),
    write("/api/verify_email", &[("token", UNPROVED), ("password", NEW_PASSWORD)]).by(Who::Nobody),
    write("/api/resend_verification", &[]),
    write("/api/request_email_change", &[("email", "another@new.test")]),
    write("/api/change_email", &[("token", TO_CHANGE)]).by(Who::Member),
    write(
        "/api/undo_email_change",
        &[("token", TO_UNDO), ("password", NEW_PASSWORD)],
    )
    .by(Who::Nobody),
    write(
        "/api/revoke_made_keys",
        &[("revoke-01900000-0000-7000-8000-000000000005", "on")],
    )
    .by(Who::Member),
];

const fn read(path: &'static str, fields: &'static [(&'static str, &'static str)]) -> Function {
    Function {
        path,
        method: Method::GET,
        fields,
        who: Who::Admin,
        reads: true,
    }
}

const fn read_by_post(path: &'static str, fields: &'static [(&'static str, &'static str)]) -> Function {
    Function {
        path,
        method: Method::POST,
        fields,
        who: Who::Admin,
        reads: true,
    }
}

const fn write(path: &'static str, fields: &'static [(&'static str, &'static str)]) -> Function {
    Function {
        path,
        method: Method::POST,
        fields,
        who: Who::Admin,
        reads: false,
    }
}

impl Function {
    const fn by(mut self, who: Who) -> Self {
        self.who = who;
        self
    }

    pub(crate) fn is_write(&self) -> bool {
        !self.reads
    }

    /// Whether it is about something that hides from those outside: `project` or `organization`.
    pub(crate) fn takes(&self, what: &str) -> bool {
        self.fields.iter().any(|(name, _)| *name == what)
    }

    /// Whether it is there for people who are not signed in.
    pub(crate) fn is_for_nobody(&self) -> bool {
        [
            "/api/sign_in",
            "/api/sign_up",
            "/api/sign_out",
            "/api/invitation",
            "/api/accept_invitation_as_new",
            "/api/sends_mail",
            "/api/request_password_reset",
            "/api/password_reset",
            "/api/reset_password",
            "/api/email_verification",
            "/api/verify_email",
            "/api/email_change",
            "/api/email_undo",
            "/api/undo_email_change",
        ]
        .contains(&self.path)
    }

    /// What is left of it is no row that only changes by somebody's will: a session ended.
    pub(crate) fn changes_only_sessions(&self) -> bool {
        ["/api/sign_out", "/api/end_session", "/api/end_other_sessions"].contains(&self.path)
    }

    /// Its fields, with ids in place.
    pub(crate) fn filled(&self, app: &TestApp) -> Vec<(&'static str, Vec<u8>)> {
        self.fields
            .iter()
            .map(|(name, value)| (*name, app.fill(value).into_bytes()))
            .collect()
    }

    /// A call with these fields.
    pub(crate) fn call(&self, fields: &[(&str, Vec<u8>)]) -> Ask {
        let fields = fields.iter().map(|(name, value)| (*name, value));
        if self.method == Method::POST {
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
async fn every_row_works(pool: sqlx::PgPool) {
    let app = TestApp::new(pool).await;
    for function in &FUNCTIONS {
        let before = app.fingerprint().await;
        let ask = function
            .call(&function.filled(&app))
            .by(function.who)
            .manner(Manner::Script);
        let answer = app.ask(ask).await;
        let path = function.path;
        let is_entry = ["/api/sign_in", "/api/sign_out"].contains(&path);
        assert_eq!(
            answer.status,
            if is_entry { 303 } else { 200 },
            "{path}: {}",
            answer.text
        );
        assert!(!answer.text.contains("Err"), "{path}: {}", answer.text);
        let changes = function.is_write() && !function.changes_only_sessions();
        assert_eq!(app.fingerprint().await != before, changes, "{path}");
        app.restore().await;
        assert_eq!(app.fingerprint().await, before, "{path} is taken back");
    }
}
