//! The cases of what changes a project, and of its API keys.

use super::{
    Case, DEFAULT, DEFAULT_ADMIN, DEFAULT_READ, PRODUCTION, PRODUCTION_READ, RESEARCH_ADMIN, RESEARCH_READ,
    SIGNED_OUT_OR_NOTHING, case,
};
use crate::test_app::{API_KEY, MANAGE_KEY, OVER_KEY, RESEARCH};

/// Changes in a project.
pub(super) const PROJECTS: &[Case] = &[
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
];

/// API keys, and removals with keys.
pub(super) const KEYS: &[Case] = &[
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
];
