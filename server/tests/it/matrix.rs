//! Who may do what, for every page and every server function (R1, R2, P3): the expected status, as data.
//!
//! What is expected here was read off RULES, not off the code.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use leptos_axum::generate_route_list;
use sqlx::PgPool;

use crate::{
    functions::{FUNCTIONS, NEW_PASSWORD, function, registered},
    test_app::{
        ACME, API_KEY, Ask, CLUSTER, EMPTY, FILE, FORGOTTEN, INVITATION, INVITED, INVITED_STRANGER, MANAGE_KEY, Manner,
        NO_LINK, OVER_KEY, PASSWORD, PRODUCTION_CLUSTER, RESEARCH, SESSION, SSH_KEY, TO_CHANGE, TO_UNDO, TestApp,
        UNPROVED, Who,
    },
};

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

const CASES: &[Case] = &[
    // Reading.
    case("P3", "/api/shell", &[], SIGNED_IN),
    case("P3", "/api/shell", &[("project", PRODUCTION)], SIGNED_IN),
    case("P3", "/api/overview", &[("project", RESEARCH)], RESEARCH_READ),
    case("P3 C4", "/api/overview", &[("project", PRODUCTION)], PRODUCTION_READ),
    case("P3 D2 X3", "/api/overview", &[("project", DEFAULT)], DEFAULT_READ),
    case(
        "P3",
        "/api/overview",
        &[("project", "no-such-project")],
        SIGNED_OUT_OR_NOTHING,
    ),
    case("P3", "/api/project_settings", &[("project", RESEARCH)], RESEARCH_READ),
    case(
        "P3",
        "/api/project_settings",
        &[("project", PRODUCTION)],
        PRODUCTION_READ,
    ),
    case("P3 D2", "/api/project_settings", &[("project", DEFAULT)], DEFAULT_READ),
    case("C1", "/api/collaborators", &[("project", RESEARCH)], RESEARCH_READ),
    case(
        "C1 C4",
        "/api/collaborators",
        &[("project", PRODUCTION)],
        PRODUCTION_READ,
    ),
    case("C1 D2", "/api/collaborators", &[("project", DEFAULT)], DEFAULT_READ),
    case(
        "C1 C10",
        "/api/collaborators",
        &[
            ("project", RESEARCH),
            ("query[kind]", "external"),
            ("subject", "{Owner}"),
        ],
        RESEARCH_READ,
    ),
    // Resources and usage.
    case(
        "E1",
        "/api/resources",
        &[("project", RESEARCH), ("kind", "clusters")],
        RESEARCH_READ,
    ),
    case(
        "E1",
        "/api/resources",
        &[("project", RESEARCH), ("kind", "cluster")],
        SIGNED_OUT_OR_NOTHING,
    ),
    case(
        "E1 C4",
        "/api/resources",
        &[("project", PRODUCTION), ("kind", "files"), ("query[state]", "ready")],
        PRODUCTION_READ,
    ),
    case(
        "E1 D2",
        "/api/resources",
        &[("project", DEFAULT), ("kind", "models")],
        DEFAULT_READ,
    ),
    case(
        "E1",
        "/api/resource",
        &[("project", RESEARCH), ("kind", "clusters"), ("id", CLUSTER)],
        RESEARCH_READ,
    ),
    case(
        "E1",
        "/api/resource",
        &[("project", RESEARCH), ("kind", "volumes"), ("id", CLUSTER)],
        SIGNED_OUT_OR_NOTHING,
    ),
    case(
        "P3",
        "/api/resource",
        &[("project", RESEARCH), ("kind", "clusters"), ("id", PRODUCTION_CLUSTER)],
        SIGNED_OUT_OR_NOTHING,
    ),
    case("R1", "/api/usage", &[("project", RESEARCH)], RESEARCH_READ),
    case(
        "R1",
        "/api/usage",
        &[("project", PRODUCTION), ("days", "90")],
        PRODUCTION_READ,
    ),
    case(
        "R1 D5",
        "/api/usage",
        &[("project", DEFAULT), ("days", "7")],
        DEFAULT_READ,
    ),
    case(
        "R1",
        "/api/usage",
        &[("project", RESEARCH), ("days", "8")],
        [401, 400, 400, 400, 400, 400, 400, 400],
    ),
    case(
        "R1 E1",
        "/api/create_resource",
        &[
            ("project", RESEARCH),
            ("kind", "files"),
            ("name", "Another File"),
            ("purpose", "batch"),
            ("size_bytes", "1"),
        ],
        RESEARCH_READ,
    ),
    case(
        "R1 E1",
        "/api/create_resource",
        &[
            ("project", RESEARCH),
            ("kind", "volumes"),
            ("name", "Another Volume"),
            ("size_gib", "1"),
            ("sharing", "local"),
        ],
        RESEARCH_ADMIN,
    ),
    // What is wrong with it is for those who may.
    case(
        "R2 N3",
        "/api/create_resource",
        &[
            ("project", RESEARCH),
            ("kind", "volumes"),
            ("name", ""),
            ("size_gib", "-1"),
        ],
        [401, 404, 404, 403, 422, 422, 422, 403],
    ),
    case(
        "E1",
        "/api/create_resource",
        &[
            ("project", RESEARCH),
            ("kind", "files"),
            ("name", "first-file"),
            ("purpose", "batch"),
            ("size_bytes", "1"),
        ],
        [401, 404, 404, 409, 409, 409, 409, 409],
    ),
    case(
        "R1",
        "/api/update_resource",
        &[
            ("project", RESEARCH),
            ("kind", "clusters"),
            ("id", CLUSTER),
            ("name", "first-cluster"),
            ("state", "creating"),
            ("nodes", "3"),
        ],
        RESEARCH_ADMIN,
    ),
    case(
        "R1",
        "/api/update_resource",
        &[
            ("project", RESEARCH),
            ("kind", "files"),
            ("id", FILE),
            ("name", "renamed"),
            ("state", "ready"),
        ],
        RESEARCH_READ,
    ),
    // Whatever kind it is said to be of: the permission is that of the kind it is of.
    case(
        "R2",
        "/api/update_resource",
        &[
            ("project", RESEARCH),
            ("kind", "files"),
            ("id", CLUSTER),
            ("name", "mine"),
            ("state", "creating"),
        ],
        RESEARCH_ADMIN,
    ),
    case(
        "P3",
        "/api/update_resource",
        &[
            ("project", RESEARCH),
            ("kind", "clusters"),
            ("id", PRODUCTION_CLUSTER),
            ("name", "mine"),
            ("state", "creating"),
        ],
        [401, 404, 404, 403, 404, 404, 404, 403],
    ),
    case(
        "R1",
        "/api/delete_resource",
        &[("project", RESEARCH), ("kind", "clusters"), ("id", CLUSTER)],
        RESEARCH_ADMIN,
    ),
    case(
        "R1",
        "/api/delete_resource",
        &[("project", RESEARCH), ("kind", "files"), ("id", FILE)],
        RESEARCH_READ,
    ),
    case(
        "P3",
        "/api/delete_resource",
        &[("project", RESEARCH), ("kind", "clusters"), ("id", PRODUCTION_CLUSTER)],
        SIGNED_OUT_OR_NOTHING,
    ),
    // One's own account.
    case(
        "A1",
        "/api/sign_in",
        &[("email", "mia@acme.test"), ("password", PASSWORD)],
        ENTERS,
    ),
    case(
        "A1",
        "/api/sign_in",
        &[("email", "mia@acme.test"), ("password", "not-her-password")],
        [422; 8],
    ),
    case(
        "O2",
        "/api/sign_up",
        &[
            ("name", "Nora New"),
            ("email", "nora@new.test"),
            ("password", NEW_PASSWORD),
        ],
        ANYONE,
    ),
    case(
        "O2",
        "/api/sign_up",
        &[
            ("name", "Nora New"),
            ("email", "mia@acme.test"),
            ("password", NEW_PASSWORD),
        ],
        ANYONE,
    ),
    case("A1", "/api/sign_out", &[], ENTERS),
    case(
        "A1",
        "/api/change_password",
        &[("current_password", PASSWORD), ("password", NEW_PASSWORD)],
        SIGNED_IN,
    ),
    case(
        "A1",
        "/api/change_password",
        &[("current_password", "not-the-password"), ("password", NEW_PASSWORD)],
        [401, 422, 422, 422, 422, 422, 422, 422],
    ),
    // Adding.
    case(
        "C2",
        "/api/add_collaborator",
        &[("project", RESEARCH), ("email", "noah@acme.test")],
        RESEARCH_ADMIN,
    ),
    case(
        "X2",
        "/api/add_collaborator",
        &[("project", RESEARCH), ("email", "stranger@elsewhere.test")],
        RESEARCH_ADMIN,
    ),
    case(
        "C3",
        "/api/add_collaborator",
        &[("project", RESEARCH), ("email", "mia@acme.test")],
        [401, 404, 404, 403, 409, 409, 409, 403],
    ),
    case(
        "C3",
        "/api/add_collaborator",
        &[("project", RESEARCH), ("email", "nobody@nowhere.test")],
        [401, 404, 404, 403, 422, 422, 422, 403],
    ),
    case(
        "C3",
        "/api/add_collaborator",
        &[("project", RESEARCH), ("email", "no address")],
        [401, 404, 404, 403, 422, 422, 422, 403],
    ),
    case(
        "C2 C4",
        "/api/add_collaborator",
        &[("project", PRODUCTION), ("email", "mia@acme.test")],
        PRODUCTION_READ,
    ),
    case(
        "X1",
        "/api/add_collaborator",
        &[("project", PRODUCTION), ("email", "eve@partner.test")],
        [401, 404, 404, 404, 404, 422, 422, 404],
    ),
    case(
        "D4",
        "/api/add_collaborator",
        &[("project", DEFAULT), ("email", "eve@partner.test")],
        [401, 404, 403, 403, 403, 422, 422, 404],
    ),
    // Roles.
    case(
        "C5",
        "/api/change_collaborator_role",
        &[("project", RESEARCH), ("user", "{Member}"), ("role", "admin")],
        RESEARCH_ADMIN,
    ),
    case(
        "X2",
        "/api/change_collaborator_role",
        &[("project", RESEARCH), ("user", "{External}"), ("role", "admin")],
        RESEARCH_ADMIN,
    ),
    case(
        "C7",
        "/api/change_collaborator_role",
        &[("project", RESEARCH), ("user", "{Admin}"), ("role", "member")],
        RESEARCH_ADMIN,
    ),
    case(
        "W1",
        "/api/change_collaborator_role",
        &[("project", RESEARCH), ("user", "{Owner}"), ("role", "member")],
        [401, 404, 404, 403, 409, 409, 409, 403],
    ),
    case(
        "C4",
        "/api/change_collaborator_role",
        &[
            ("project", RESEARCH),
            ("user", "{OrganizationAdmin}"),
            ("role", "member"),
        ],
        [401, 404, 404, 403, 409, 409, 409, 403],
    ),
    // Somebody without access is not there to be changed; who may not change anybody is told that and no more.
    case(
        "P3",
        "/api/change_collaborator_role",
        &[("project", RESEARCH), ("user", "{Stranger}"), ("role", "admin")],
        [401, 404, 404, 403, 404, 404, 404, 403],
    ),
    case(
        "P3",
        "/api/change_collaborator_role",
        &[("project", PRODUCTION), ("user", "{Admin}"), ("role", "admin")],
        [401, 404, 404, 404, 404, 404, 404, 404],
    ),
    case(
        "C5 D2",
        "/api/change_collaborator_role",
        &[("project", DEFAULT), ("user", "{Newcomer}"), ("role", "admin")],
        DEFAULT_ADMIN,
    ),
    // Removing and leaving.
    case(
        "C6 C7",
        "/api/remove_collaborator",
        &[("project", RESEARCH), ("user", "{Member}")],
        [401, 404, 404, 200, 200, 200, 200, 403],
    ),
    case(
        "C6 C7",
        "/api/remove_collaborator",
        &[("project", RESEARCH), ("user", "{Admin}")],
        RESEARCH_ADMIN,
    ),
    case(
        "C6 C7 X2",
        "/api/remove_collaborator",
        &[("project", RESEARCH), ("user", "{External}")],
        [401, 404, 404, 403, 200, 200, 200, 200],
    ),
    case(
        "C4",
        "/api/remove_collaborator",
        &[("project", RESEARCH), ("user", "{OrganizationAdmin}")],
        [401, 404, 404, 403, 409, 409, 409, 403],
    ),
    case(
        "W1",
        "/api/remove_collaborator",
        &[("project", RESEARCH), ("user", "{Owner}")],
        [401, 404, 404, 403, 409, 409, 409, 403],
    ),
    case(
        "D3",
        "/api/remove_collaborator",
        &[("project", DEFAULT), ("user", "{Newcomer}")],
        [401, 404, 409, 403, 403, 409, 409, 404],
    ),
    // End dates.
    case(
        "C8",
        "/api/set_collaborator_end_date",
        &[
            ("project", RESEARCH),
            ("user", "{Member}"),
            ("expires_on", "2999-12-31"),
        ],
        RESEARCH_ADMIN,
    ),
    case(
        "C8",
        "/api/set_collaborator_end_date",
        &[
            ("project", RESEARCH),
            ("user", "{Member}"),
            ("expires_on", "1999-12-31"),
        ],
        [401, 404, 404, 403, 422, 422, 422, 403],
    ),
    case(
        "W1 C4",
        "/api/set_collaborator_end_date",
        &[("project", RESEARCH), ("user", "{Owner}"), ("expires_on", "2999-12-31")],
        [401, 404, 404, 403, 409, 409, 409, 403],
    ),
    case(
        "D2 C8",
        "/api/set_collaborator_end_date",
        &[
            ("project", DEFAULT),
            ("user", "{Newcomer}"),
            ("expires_on", "2999-12-31"),
        ],
        [401, 404, 403, 403, 403, 409, 409, 404],
    ),
    // Settings.
    case(
        "P2 X1",
        "/api/update_project",
        &[("project", RESEARCH), ("name", "Renamed"), ("slug", "renamed")],
        RESEARCH_ADMIN,
    ),
    case(
        "P2",
        "/api/update_project",
        &[("project", RESEARCH), ("name", "Renamed"), ("slug", PRODUCTION)],
        [401, 404, 404, 403, 409, 409, 409, 403],
    ),
    case(
        "P2",
        "/api/update_project",
        &[("project", RESEARCH), ("name", ""), ("slug", "renamed")],
        [401, 404, 404, 403, 422, 422, 422, 403],
    ),
    case(
        "P2",
        "/api/update_project",
        &[("project", PRODUCTION), ("name", "Renamed"), ("slug", "renamed")],
        PRODUCTION_READ,
    ),
    case(
        "D1",
        "/api/update_project",
        &[("project", DEFAULT), ("name", "Renamed"), ("slug", "renamed")],
        DEFAULT_ADMIN,
    ),
    case(
        "D4",
        "/api/update_project",
        &[
            ("project", DEFAULT),
            ("name", "Renamed"),
            ("slug", "renamed"),
            ("allow_externals", "on"),
        ],
        [401, 404, 403, 403, 403, 422, 422, 404],
    ),
    case("X1", "/api/remove_externals", &[("project", RESEARCH)], RESEARCH_ADMIN),
    // API keys.
    case("K4", "/api/api_keys", &[("project", RESEARCH)], RESEARCH_READ),
    case("K4 C4", "/api/api_keys", &[("project", PRODUCTION)], PRODUCTION_READ),
    case(
        "K4 D2",
        "/api/api_keys",
        &[("project", DEFAULT), ("query[state]", "revoked")],
        DEFAULT_READ,
    ),
    case(
        "K4 P3",
        "/api/api_keys",
        &[("project", DEFAULT), ("subject", API_KEY)],
        DEFAULT_READ,
    ),
    case(
        "K2",
        "/api/create_api_key",
        &[("project", RESEARCH), ("name", "CI")],
        RESEARCH_READ,
    ),
    case(
        "K2 K6",
        "/api/create_api_key",
        &[
            ("project", RESEARCH),
            ("name", "CI"),
            ("reach", "use"),
            ("expires", "on"),
            ("expires_on", "2999-12-31"),
        ],
        RESEARCH_READ,
    ),
    case(
        "K11",
        "/api/create_api_key",
        &[("project", RESEARCH), ("name", "CI"), ("reach", "manage")],
        RESEARCH_ADMIN,
    ),
    case(
        "K2 C4",
        "/api/create_api_key",
        &[("project", PRODUCTION), ("name", "CI"), ("expires", "7")],
        PRODUCTION_READ,
    ),
    case(
        "K2 D2 X3",
        "/api/create_api_key",
        &[("project", DEFAULT), ("name", "CI")],
        DEFAULT_READ,
    ),
    case(
        "K11 D2",
        "/api/create_api_key",
        &[("project", DEFAULT), ("name", "CI"), ("reach", "manage")],
        DEFAULT_ADMIN,
    ),
    case(
        "K2",
        "/api/create_api_key",
        &[("project", RESEARCH), ("name", " ")],
        [401, 404, 404, 422, 422, 422, 422, 422],
    ),
    case(
        "K6",
        "/api/create_api_key",
        &[
            ("project", RESEARCH),
            ("name", "CI"),
            ("expires", "on"),
            ("expires_on", "1999-12-31"),
        ],
        [401, 404, 404, 422, 422, 422, 422, 422],
    ),
    case(
        "K6",
        "/api/set_api_key_expiration",
        &[("project", RESEARCH), ("key", API_KEY), ("expires", "30")],
        RESEARCH_READ,
    ),
    case(
        "K11",
        "/api/set_api_key_expiration",
        &[("project", RESEARCH), ("key", MANAGE_KEY), ("expires", "30")],
        RESEARCH_ADMIN,
    ),
    case(
        "K6",
        "/api/set_api_key_expiration",
        &[("project", RESEARCH), ("key", OVER_KEY)],
        [401, 404, 404, 409, 409, 409, 409, 409],
    ),
    case(
        "K6",
        "/api/set_api_key_expiration",
        &[
            ("project", RESEARCH),
            ("key", API_KEY),
            ("expires", "on"),
            ("expires_on", "1999-12-31"),
        ],
        [401, 404, 404, 422, 422, 422, 422, 422],
    ),
    case(
        "K1",
        "/api/set_api_key_expiration",
        &[("project", DEFAULT), ("key", API_KEY), ("expires", "30")],
        SIGNED_OUT_OR_NOTHING,
    ),
    case(
        "K7",
        "/api/rotate_api_key",
        &[("project", RESEARCH), ("key", API_KEY), ("overlap", "0")],
        RESEARCH_READ,
    ),
    case(
        "K7 K11",
        "/api/rotate_api_key",
        &[("project", RESEARCH), ("key", MANAGE_KEY), ("overlap", "168")],
        RESEARCH_ADMIN,
    ),
    case(
        "K7",
        "/api/rotate_api_key",
        &[("project", RESEARCH), ("key", OVER_KEY), ("overlap", "24")],
        [401, 404, 404, 409, 409, 409, 409, 409],
    ),
    case(
        "K1",
        "/api/rotate_api_key",
        &[("project", DEFAULT), ("key", API_KEY), ("overlap", "24")],
        SIGNED_OUT_OR_NOTHING,
    ),
    case(
        "K2 K7",
        "/api/revoke_api_key",
        &[("project", RESEARCH), ("key", API_KEY)],
        RESEARCH_READ,
    ),
    case(
        "K2 K7 K11",
        "/api/revoke_api_key",
        &[("project", RESEARCH), ("key", MANAGE_KEY)],
        RESEARCH_READ,
    ),
    case(
        "K7",
        "/api/revoke_api_key",
        &[("project", RESEARCH), ("key", OVER_KEY)],
        [401, 404, 404, 409, 409, 409, 409, 409],
    ),
    case(
        "K1",
        "/api/revoke_api_key",
        &[("project", DEFAULT), ("key", API_KEY)],
        SIGNED_OUT_OR_NOTHING,
    ),
    case(
        "W3 K8",
        "/api/regenerate_default_key",
        &[("project", DEFAULT)],
        [401, 404, 404, 404, 404, 404, 200, 404],
    ),
    case(
        "W3 K8 D6",
        "/api/regenerate_default_key",
        &[("project", RESEARCH)],
        SIGNED_OUT_OR_NOTHING,
    ),
    // Removing somebody, and a key of theirs with them.
    case(
        "C6 C7 K5",
        "/api/remove_collaborator",
        &[
            ("project", RESEARCH),
            ("user", "{Member}"),
            ("revoke-01900000-0000-7000-8000-000000000006", "on"),
        ],
        [401, 404, 404, 200, 200, 200, 200, 403],
    ),
    // The organization.
    case("O3", "/api/organization", &[("organization", ACME)], ACME_READ),
    case(
        "O3",
        "/api/organization",
        &[("organization", "partner")],
        [401, 404, 404, 404, 404, 404, 404, 200],
    ),
    case(
        "O3",
        "/api/update_organization",
        &[("organization", ACME), ("name", "Renamed"), ("slug", "renamed")],
        ACME_ADMIN,
    ),
    case(
        "O1",
        "/api/update_organization",
        &[("organization", ACME), ("name", "Renamed"), ("slug", "partner")],
        [401, 404, 403, 403, 403, 409, 409, 404],
    ),
    case(
        "O3",
        "/api/update_organization",
        &[("organization", ACME), ("name", ""), ("slug", "renamed")],
        [401, 404, 403, 403, 403, 422, 422, 404],
    ),
    case(
        "W2",
        "/api/transfer_ownership",
        &[
            ("organization", ACME),
            ("user", "{OrganizationAdmin}"),
            ("confirmation", "Acme Research"),
        ],
        [401, 404, 403, 403, 403, 403, 200, 404],
    ),
    case(
        "W2",
        "/api/transfer_ownership",
        &[
            ("organization", ACME),
            ("user", "{OrganizationAdmin}"),
            ("confirmation", "acme"),
        ],
        [401, 404, 403, 403, 403, 403, 422, 404],
    ),
    case(
        "W2",
        "/api/transfer_ownership",
        &[
            ("organization", ACME),
            ("user", "{Newcomer}"),
            ("confirmation", "Acme Research"),
        ],
        [401, 404, 403, 403, 403, 403, 409, 404],
    ),
    case(
        "W2",
        "/api/transfer_ownership",
        &[
            ("organization", ACME),
            ("user", "{Owner}"),
            ("confirmation", "Acme Research"),
        ],
        [401, 404, 403, 403, 403, 403, 409, 404],
    ),
    case(
        "W2 X3",
        "/api/transfer_ownership",
        &[
            ("organization", ACME),
            ("user", "{External}"),
            ("confirmation", "Acme Research"),
        ],
        [401, 404, 403, 403, 403, 403, 404, 404],
    ),
    case(
        "W1",
        "/api/delete_organization",
        &[("organization", ACME), ("confirmation", "Acme Research")],
        [401, 404, 403, 403, 403, 403, 409, 404],
    ),
    case(
        "W1",
        "/api/delete_organization",
        &[
            ("organization", "sam-stranger"),
            ("confirmation", "Sam Stranger\u{2019}s organization"),
        ],
        [401, 200, 404, 404, 404, 404, 404, 404],
    ),
    case(
        "W1",
        "/api/delete_organization",
        &[("organization", "sam-stranger"), ("confirmation", "sam")],
        [401, 422, 404, 404, 404, 404, 404, 404],
    ),
    case("O3", "/api/members", &[("organization", ACME)], ACME_READ),
    case(
        "O3 M6",
        "/api/members",
        &[
            ("organization", ACME),
            ("query[role]", "admin"),
            ("subject", "{Newcomer}"),
        ],
        ACME_READ,
    ),
    case(
        "M6",
        "/api/change_member_role",
        &[("organization", ACME), ("user", "{Newcomer}"), ("role", "admin")],
        ACME_ADMIN,
    ),
    case(
        "W1",
        "/api/change_member_role",
        &[("organization", ACME), ("user", "{Owner}"), ("role", "member")],
        [401, 404, 403, 403, 403, 409, 409, 404],
    ),
    case(
        "M6 X3",
        "/api/change_member_role",
        &[("organization", ACME), ("user", "{External}"), ("role", "admin")],
        [401, 404, 403, 403, 403, 404, 404, 404],
    ),
    case(
        "M6 M8",
        "/api/remove_member",
        &[("organization", ACME), ("user", "{Newcomer}")],
        [401, 404, 200, 403, 403, 200, 200, 404],
    ),
    case(
        "M6 M8",
        "/api/remove_member",
        &[("organization", ACME), ("user", "{OrganizationAdmin}")],
        ACME_ADMIN,
    ),
    case(
        "W1 M8",
        "/api/remove_member",
        &[("organization", ACME), ("user", "{Owner}")],
        [401, 404, 403, 403, 403, 409, 409, 404],
    ),
    case(
        "M6",
        "/api/remove_member",
        &[("organization", ACME), ("user", "{External}")],
        [401, 404, 403, 403, 403, 404, 404, 404],
    ),
    case("M2", "/api/invitations", &[("organization", ACME)], ACME_ADMIN),
    case(
        "M2",
        "/api/invite_members",
        &[("organization", ACME), ("email", "another@new.test")],
        ACME_ADMIN,
    ),
    case(
        "M2",
        "/api/invite_members",
        &[("organization", ACME), ("email", "Noah@Acme.test")],
        [401, 404, 403, 403, 403, 409, 409, 404],
    ),
    case(
        "M3",
        "/api/invite_members",
        &[("organization", ACME), ("email", "INVITED@new.test")],
        [401, 404, 403, 403, 403, 409, 409, 404],
    ),
    case(
        "M2",
        "/api/invite_members",
        &[("organization", ACME), ("email", "nobody")],
        [401, 404, 403, 403, 403, 422, 422, 404],
    ),
    case(
        "M3",
        "/api/resend_invitation",
        &[("organization", ACME), ("invitation", INVITATION)],
        ACME_ADMIN,
    ),
    case(
        "M3",
        "/api/resend_invitation",
        &[
            ("organization", ACME),
            ("invitation", "00000000-0000-7000-8000-000000000000"),
        ],
        [401, 404, 403, 403, 403, 404, 404, 404],
    ),
    case(
        "P3",
        "/api/resend_invitation",
        &[("organization", "partner"), ("invitation", INVITATION)],
        [401, 404, 404, 404, 404, 404, 404, 404],
    ),
    case(
        "M3",
        "/api/revoke_invitation",
        &[("organization", ACME), ("invitation", INVITATION)],
        ACME_ADMIN,
    ),
    case(
        "M3",
        "/api/revoke_invitation",
        &[
            ("organization", ACME),
            ("invitation", "00000000-0000-7000-8000-000000000000"),
        ],
        [401, 404, 403, 403, 403, 404, 404, 404],
    ),
    case(
        "P3",
        "/api/revoke_invitation",
        &[("organization", "partner"), ("invitation", INVITATION)],
        [401, 404, 404, 404, 404, 404, 404, 404],
    ),
    case("M4", "/api/invitation", &[("token", INVITED)], ANYONE),
    case("M4", "/api/invitation", &[("token", NO_LINK)], NO_ONE),
    case(
        "M4",
        "/api/accept_invitation",
        &[("token", INVITED_STRANGER)],
        [401, 200, 403, 403, 403, 403, 403, 403],
    ),
    case(
        "M4",
        "/api/accept_invitation",
        &[("token", NO_LINK)],
        SIGNED_OUT_OR_NOTHING,
    ),
    case(
        "O2 M5",
        "/api/accept_invitation_as_new",
        &[("token", INVITED), ("name", "Ina Invited"), ("password", NEW_PASSWORD)],
        ANYONE,
    ),
    case(
        "O2",
        "/api/accept_invitation_as_new",
        &[
            ("token", INVITED_STRANGER),
            ("name", "Ina Invited"),
            ("password", NEW_PASSWORD),
        ],
        [409; 8],
    ),
    case(
        "O2",
        "/api/accept_invitation_as_new",
        &[("token", INVITED), ("name", "Ina Invited"), ("password", "short")],
        [422; 8],
    ),
    case(
        "M3",
        "/api/accept_invitation_as_new",
        &[("token", NO_LINK), ("name", "Ina Invited"), ("password", NEW_PASSWORD)],
        NO_ONE,
    ),
    case("O3 P3", "/api/projects", &[("organization", ACME)], ACME_READ),
    case(
        "P1",
        "/api/create_project",
        &[("organization", ACME), ("name", "Staging"), ("slug", "staging")],
        ACME_ADMIN,
    ),
    case(
        "P2",
        "/api/create_project",
        &[("organization", ACME), ("name", "Staging"), ("slug", PRODUCTION)],
        [401, 404, 403, 403, 403, 409, 409, 404],
    ),
    case(
        "P2",
        "/api/create_project",
        &[("organization", ACME), ("name", "Staging"), ("slug", "No Slug")],
        [401, 404, 403, 403, 403, 422, 422, 404],
    ),
    case(
        "P4",
        "/api/delete_project",
        &[("project", EMPTY), ("confirmation", EMPTY)],
        [401, 404, 404, 403, 403, 200, 200, 403],
    ),
    case(
        "P4",
        "/api/delete_project",
        &[("project", EMPTY), ("confirmation", "Wound Up")],
        [401, 404, 404, 403, 403, 422, 422, 403],
    ),
    case(
        "P4",
        "/api/delete_project",
        &[("project", PRODUCTION), ("confirmation", PRODUCTION)],
        [401, 404, 404, 404, 404, 409, 409, 404],
    ),
    case(
        "D1 P4",
        "/api/delete_project",
        &[("project", DEFAULT), ("confirmation", DEFAULT)],
        [401, 404, 403, 403, 403, 409, 409, 404],
    ),
    case(
        "P3",
        "/api/find_projects",
        &[("organization", ACME), ("search", "")],
        SIGNED_IN,
    ),
    case("A1", "/api/sessions", &[], SIGNED_IN),
    case(
        "A1",
        "/api/end_session",
        &[("session", SESSION)],
        [401, 404, 404, 404, 200, 404, 404, 404],
    ),
    case("A1", "/api/end_other_sessions", &[], SIGNED_IN),
    case("E4", "/api/ssh_keys", &[], SIGNED_IN),
    case(
        "E4",
        "/api/add_ssh_key",
        &[
            (
                "public_key",
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti x",
            ),
            ("name", ""),
        ],
        SIGNED_IN,
    ),
    case(
        "E4",
        "/api/add_ssh_key",
        &[("public_key", "ssh-ed25519 AAAA")],
        [401, 422, 422, 422, 422, 422, 422, 422],
    ),
    case(
        "E4",
        "/api/remove_ssh_key",
        &[("key", SSH_KEY)],
        [401, 404, 404, 404, 200, 404, 404, 404],
    ),
    case("A1", "/api/change_name", &[("name", "Another Name")], SIGNED_IN),
    case(
        "W1",
        "/api/delete_account",
        &[("current_password", PASSWORD)],
        [401, 409, 200, 200, 200, 200, 409, 409],
    ),
    case(
        "W1",
        "/api/delete_account",
        &[("current_password", "not-the-password")],
        [401, 422, 422, 422, 422, 422, 422, 422],
    ),
    case("A1", "/api/sends_mail", &[], ANYONE),
    case(
        "A1",
        "/api/request_password_reset",
        &[("email", "mia@acme.test")],
        ANYONE,
    ),
    case("A1", "/api/request_password_reset", &[("email", "nobody")], [422; 8]),
    case("A1", "/api/password_reset", &[("token", FORGOTTEN)], ANYONE),
    case("A1", "/api/password_reset", &[("token", NO_LINK)], [410; 8]),
    case(
        "A1",
        "/api/reset_password",
        &[("token", FORGOTTEN), ("password", NEW_PASSWORD)],
        ANYONE,
    ),
    case(
        "A1",
        "/api/reset_password",
        &[("token", NO_LINK), ("password", NEW_PASSWORD)],
        [410; 8],
    ),
    // Proof of address.
    case("J1", "/api/email_verification", &[("token", UNPROVED)], ANYONE),
    case("J1", "/api/email_verification", &[("token", NO_LINK)], [410; 8]),
    case(
        "J1 J3",
        "/api/verify_email",
        &[("token", UNPROVED), ("password", NEW_PASSWORD)],
        ANYONE,
    ),
    case(
        "J1",
        "/api/verify_email",
        &[("token", UNPROVED), ("password", PASSWORD)],
        ANYONE,
    ),
    case(
        "J1",
        "/api/verify_email",
        &[("token", UNPROVED), ("password", "short")],
        [422; 8],
    ),
    case(
        "J1",
        "/api/verify_email",
        &[("token", NO_LINK), ("password", NEW_PASSWORD)],
        [410; 8],
    ),
    // Without a password it is for the account's own session.
    case(
        "J1 J3",
        "/api/verify_email",
        &[("token", UNPROVED)],
        [401, 410, 410, 200, 410, 410, 410, 410],
    ),
    case("J4", "/api/resend_verification", &[], SIGNED_IN),
    // Another address.
    case(
        "J5",
        "/api/request_email_change",
        &[("email", "another@new.test")],
        SIGNED_IN,
    ),
    case(
        "J5",
        "/api/request_email_change",
        &[("email", "noah@acme.test")],
        [401, 200, 409, 200, 200, 200, 200, 200],
    ),
    case(
        "J5",
        "/api/request_email_change",
        &[("email", "nobody")],
        [401, 422, 422, 422, 422, 422, 422, 422],
    ),
    case("J5", "/api/email_change", &[("token", TO_CHANGE)], ANYONE),
    case("J5", "/api/email_change", &[("token", NO_LINK)], [410; 8]),
    case("J5", "/api/email_change", &[("token", TO_UNDO)], [410; 8]),
    case(
        "J5",
        "/api/change_email",
        &[("token", TO_CHANGE)],
        [401, 410, 410, 200, 410, 410, 410, 410],
    ),
    case(
        "J5",
        "/api/change_email",
        &[("token", TO_UNDO)],
        [401, 410, 410, 410, 410, 410, 410, 410],
    ),
    case("J5", "/api/email_undo", &[("token", TO_UNDO)], ANYONE),
    case("J5", "/api/email_undo", &[("token", TO_CHANGE)], [410; 8]),
    case(
        "J5",
        "/api/undo_email_change",
        &[("token", TO_UNDO), ("password", NEW_PASSWORD)],
        ANYONE,
    ),
    case(
        "J5",
        "/api/undo_email_change",
        &[("token", TO_UNDO), ("password", "short")],
        [422; 8],
    ),
    case(
        "J5",
        "/api/undo_email_change",
        &[("token", TO_CHANGE), ("password", NEW_PASSWORD)],
        [410; 8],
    ),
    case("J3", "/api/made_keys", &[], SIGNED_IN),
    case(
        "J3 K7",
        "/api/revoke_made_keys",
        &[("revoke-01900000-0000-7000-8000-000000000005", "on")],
        [401, 404, 404, 200, 404, 404, 404, 404],
    ),
];

const SIGNED_OUT_OR_NOTHING: Statuses = [401, 404, 404, 404, 404, 404, 404, 404];

#[test]
fn every_server_function_is_in_the_matrix_and_has_one_who_is_let_in() {
    let rows: BTreeSet<_> = CASES.iter().map(|case| case.path.to_owned()).collect();
    assert_eq!(rows, registered().into_iter().map(|(_, path)| path).collect());
    for function in &FUNCTIONS {
        let cases = || CASES.iter().filter(|case| case.path == function.path);
        assert!(
            cases().any(|case| case.expected.iter().any(|s| *s < 400)),
            "{}",
            function.path
        );
        let hides = function.takes("project") || function.takes("organization");
        if hides && !["/api/shell", "/api/find_projects"].contains(&function.path) {
            assert!(cases().any(|case| case.expected.contains(&404)), "{}", function.path);
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
    for case in CASES {
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
