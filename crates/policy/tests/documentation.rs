//! docs/permissions.md is the table of permissions, printed (R1).
//!
//! `UPDATE=1 cargo test --package policy --test documentation` prints it anew.

use std::{env, fs, path::Path};

use policy::{
    Because, OrganizationRole, OrganizationStanding, Permission, ProjectRole, ProjectStanding, Scope, Standing,
};

const HEAD: &str = "\
# Permissions

Every permission Roster knows, and which roles have it. Printed from `crates/policy/src/permission.rs`, the one table that screens, server
functions and the page `/docs/roles` read; a test holds this file equal to it. To print it anew:
`UPDATE=1 cargo test --package policy --test documentation`.

Without access, the answer is \"not found\" (404). With access but not the role, it is \"not permitted\" (403), with the permission's name.
";

const ORGANIZATION: &str = "
## Organization

Decided by the organization role. The Owner is an Admin, for good. External Collaborators and strangers have none of these.

";

const PROJECT: &str = "
## Project

Decided by the project role, External Collaborators' too. Admins of the organization are Admins of every project; every member has access to the Default
Project.

";

/// Asked of the decision itself, not of the data behind it.
fn answer(permission: Permission, role: OrganizationRole, project_role: ProjectRole) -> &'static str {
    let standing = Standing {
        organization: Some(OrganizationStanding::Member(role)),
        project: Some(ProjectStanding {
            role: project_role,
            because: Because::Added,
        }),
    };
    if standing.may(permission) { "yes" } else { "no" }
}

fn table(scope: Scope) -> String {
    let mut table = "| permission | what it lets one do | Admin | Member |\n|---|---|---|---|\n".to_owned();
    for &permission in Permission::ALL.iter().filter(|permission| permission.scope() == scope) {
        table.push_str(&format!(
            "| `{permission}` | {} | {} | {} |\n",
            permission.label(),
            answer(permission, OrganizationRole::Admin, ProjectRole::Admin),
            answer(permission, OrganizationRole::Member, ProjectRole::Member),
        ));
    }
    table
}

/// R1
#[test]
fn the_printed_permissions_are_the_policys() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/permissions.md");
    let printed = [
        HEAD,
        ORGANIZATION,
        &table(Scope::Organization),
        PROJECT,
        &table(Scope::Project),
    ]
    .concat();
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, &printed).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap();
    assert!(
        kept == printed,
        "docs/permissions.md is not what the policy says: UPDATE=1 cargo test --package policy --test documentation"
    );
}
