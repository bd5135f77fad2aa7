//! The cases of reading: pages' data, resources, usage, and one's own account.

use super::{
    ANYONE, Case, DEFAULT, DEFAULT_READ, ENTERS, PRODUCTION, PRODUCTION_READ, RESEARCH_ADMIN, RESEARCH_READ, SIGNED_IN,
    SIGNED_OUT_OR_NOTHING, case,
};
use crate::{
    functions::NEW_PASSWORD,
    test_app::{CLUSTER, FILE, PASSWORD, PRODUCTION_CLUSTER, RESEARCH},
};

/// Reading, and one's own account.
pub(super) const READING: &[Case] = &[
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
];
