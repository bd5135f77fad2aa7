//! Every screen: its content security policy, and markup in what people typed.

use axum::http::header;

use sqlx::PgPool;

use crate::test_app::{Ask, CLUSTER, Manner, PASSWORD, RESEARCH, TestApp, Who};

/// Every screen and state that has markup of its own, as somebody sees it.
pub(super) const SCREENS: [(Who, &str, u16); 65] = [
    (Who::Nobody, "/sign-in", 200),
    (Who::Nobody, "/sign-in?next=/settings/profile", 200),
    (Who::Nobody, "/sign-up", 200),
    (Who::Nobody, "/docs/roles", 200),
    (Who::Owner, "/docs/roles", 200),
    (Who::Owner, "/projects/ml-research", 200),
    (Who::Owner, "/projects/acme-default", 200),
    (Who::External, "/projects/ml-research", 200),
    (Who::Stranger, "/projects/sam-stranger-default", 200),
    (Who::Owner, "/projects/ml-research/clusters", 200),
    (Who::Member, "/projects/ml-research/clusters", 200),
    (Who::Owner, "/projects/acme-default/models", 200),
    (Who::Owner, "/projects/ml-research/clusters?q=nothing-at-all", 200),
    (Who::Owner, "/projects/ml-research/evaluations?dialog=create", 200),
    (Who::Stranger, "/projects/sam-stranger-default/files", 200),
    (
        Who::Owner,
        "/projects/ml-research/clusters/01900000-0000-7000-8000-000000000005",
        200,
    ),
    (
        Who::Member,
        "/projects/ml-research/clusters/01900000-0000-7000-8000-000000000005",
        200,
    ),
    (
        Who::Owner,
        "/projects/ml-research/clusters/01900000-0000-7000-8000-000000000005?dialog=delete",
        200,
    ),
    (Who::Owner, "/projects/ml-research/usage", 200),
    (Who::Owner, "/projects/acme-default/usage?days=90&measure=tokens", 200),
    (Who::Stranger, "/projects/sam-stranger-default/usage?days=7", 200),
    (Who::Owner, "/projects/ml-research/people", 404),
    (Who::Owner, "/settings/profile", 200),
    (Who::Owner, "/settings/projects/ml-research", 200),
    (Who::Member, "/settings/projects/ml-research", 200),
    (Who::Owner, "/settings/projects/ml-research/collaborators", 200),
    (Who::Member, "/settings/projects/ml-research/collaborators", 200),
    (
        Who::Owner,
        "/settings/projects/ml-research/collaborators?dialog=add",
        200,
    ),
    (
        Who::Owner,
        "/settings/projects/ml-research/collaborators?dialog=remove&user={Member}",
        200,
    ),
    (
        Who::Owner,
        "/settings/projects/ml-research/collaborators?dialog=end-date&user={External}",
        200,
    ),
    (
        Who::Owner,
        "/settings/projects/ml-research/collaborators?q=nobody-at-all",
        200,
    ),
    (Who::Owner, "/settings/projects/acme-default/collaborators", 200),
    (Who::Owner, "/settings/projects/ml-research/api-keys", 200),
    (
        Who::Member,
        "/settings/projects/ml-research/api-keys?q=nothing-at-all",
        200,
    ),
    (Who::Owner, "/settings/projects/ml-research/api-keys?dialog=create", 200),
    (
        Who::Member,
        "/settings/projects/ml-research/api-keys?dialog=expiration&key=01900000-0000-7000-8000-000000000005",
        200,
    ),
    (
        Who::External,
        "/settings/projects/ml-research/api-keys?dialog=rotate&key=01900000-0000-7000-8000-000000000005",
        200,
    ),
    (
        Who::Owner,
        "/settings/projects/ml-research/api-keys?dialog=revoke&key=01900000-0000-7000-8000-000000000006",
        200,
    ),
    (
        Who::Owner,
        "/settings/projects/acme-default/api-keys?dialog=regenerate",
        200,
    ),
    (Who::Newcomer, "/settings/projects/acme-default/api-keys", 200),
    (Who::Nobody, "/forgot-password", 200),
    (Who::Owner, "/settings/sessions", 200),
    (Who::Owner, "/settings/ssh-keys", 200),
    (Who::Admin, "/settings/ssh-keys", 200),
    (Who::Owner, "/settings/projects/production", 200),
    (Who::Owner, "/settings/organization/acme", 200),
    (Who::OrganizationAdmin, "/settings/organization/acme", 200),
    (Who::Member, "/settings/organization/acme", 200),
    (Who::Stranger, "/settings/organization/sam-stranger", 200),
    (Who::Owner, "/settings/organization/acme/members", 200),
    (Who::Member, "/settings/organization/acme/members?sort=role", 200),
    (Who::Owner, "/settings/organization/acme/members?q=nobody-at-all", 200),
    (Who::Owner, "/settings/organization/acme/members?dialog=invite", 200),
    (
        Who::Owner,
        "/settings/organization/acme/members?dialog=remove&user={Member}",
        200,
    ),
    (Who::Owner, "/settings/organization/acme/invitations", 200),
    (Who::Owner, "/settings/organization/acme/invitations?state=revoked", 200),
    (Who::Owner, "/settings/organization/acme/invitations?dialog=invite", 200),
    (Who::Member, "/settings/organization/acme/invitations", 403),
    (Who::Owner, "/settings/organization/acme/projects", 200),
    (Who::Newcomer, "/settings/organization/acme/projects", 200),
    (Who::Owner, "/settings/organization/acme/projects?dialog=create", 200),
    (
        Who::Owner,
        "/invitations/aWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWk",
        200,
    ),
    (
        Who::Stranger,
        "/invitations/ampqampqampqampqampqampqampqampqampqampqamo",
        200,
    ),
    (Who::Stranger, "/projects/ml-research", 404),
    (
        Who::Owner,
        "/settings/projects/ml-research/collaborators?after=nonsense",
        400,
    ),
];

/// Every start tag of a page.
pub(super) fn tags(html: &str) -> impl Iterator<Item = &str> {
    html.split('<')
        .skip(1)
        .filter(|tag| tag.starts_with(|c: char| c.is_ascii_alphabetic()))
        .filter_map(|tag| tag.split('>').next())
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn every_screen_runs_its_own_script_and_nothing_else(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let mut nonces = Vec::new();
    for (who, uri, status) in SCREENS {
        let answer = app.ask(Ask::get(app.fill(uri)).by(who).manner(Manner::Plain)).await;
        assert_eq!(answer.status, status, "{uri}");
        let policy = answer.header("content-security-policy").to_owned();
        let nonce = answer.nonce().unwrap().to_owned();
        assert!(nonce.len() >= 22, "{uri}: {nonce}");
        for part in [
            "default-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "form-action 'self'",
            "style-src 'self'",
        ] {
            assert!(policy.contains(part), "{uri}: {policy}");
        }
        assert!(
            !policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"),
            "{uri}: {policy}"
        );
        for tag in tags(&answer.text) {
            let says = |word: &str| tag.contains(word);
            assert!(
                !says(" style=") && !tag.starts_with("style"),
                "{uri}: inline style: <{tag}>"
            );
            assert!(!says("javascript:"), "{uri}: <{tag}>");
            let handler = tag.split(' ').any(|part| part.starts_with("on") && part.contains('='));
            assert!(!handler, "{uri}: inline handler: <{tag}>");
            if tag.starts_with("script") {
                assert!(
                    says(&format!("nonce=\"{nonce}\"")),
                    "{uri}: script without nonce: <{tag}>"
                );
            }
        }
        nonces.push(nonce);
    }
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), SCREENS.len(), "a nonce is used once");
}

/// PITFALLS: leptos writes `<Title>` as it is; so whatever somebody can name is tried in every place it is shown.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn markup_in_names_and_searches_stays_text(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let evil = "</title></script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let id = name_everything(&app, evil).await;

    let typed: String = form_urlencoded::byte_serialize(evil.as_bytes()).collect();
    let mut uris: Vec<_> = SCREENS.iter().map(|(who, uri, _)| (*who, app.fill(uri))).collect();
    let list = "/settings/projects/ml-research/collaborators";
    for part in [
        "q", "role", "kind", "sort", "order", "after", "dialog", "user", "nothing",
    ] {
        uris.push((Who::Owner, format!("{list}?{part}={typed}")));
        uris.push((Who::Nobody, format!("{list}?{part}={typed}")));
    }
    uris.push((Who::Owner, format!("{list}?dialog=remove&user={id}")));
    uris.push((Who::Owner, format!("{list}?dialog=end-date&user={id}")));
    uris.push((Who::Nobody, format!("/sign-in?next={typed}")));
    uris.push((Who::Nobody, format!("/sign-in?next=/{typed}")));
    uris.push((Who::Nobody, format!("/sign-up?next=/{typed}")));
    let in_path = typed.replace('+', "%20");
    uris.push((Who::Owner, format!("/projects/{in_path}")));
    uris.push((Who::Owner, format!("/{in_path}")));
    let mut is_seen = false;
    for (who, uri) in uris {
        let answer = app.ask(Ask::get(&uri).by(who).manner(Manner::Plain)).await;
        assert!(!answer.status.is_server_error(), "{uri}: {}", answer.status);
        assert_harmless(&uri, &answer.text);
        is_seen |= answer.text.contains("alert(1)");
    }
    assert!(is_seen, "the names were shown at all");

    // What was typed and refused comes back in the field.
    for (path, field) in [("/api/add_collaborator", "email"), ("/api/update_project", "slug")] {
        let fields = [("project", RESEARCH), ("name", "x"), (field, evil)];
        let fields: Vec<_> = fields
            .into_iter()
            .filter(|(name, _)| *name != "name" || path == "/api/update_project")
            .collect();
        let answer = app
            .ask(Ask::post(path, fields).by(Who::Owner).manner(Manner::Plain))
            .await;
        assert_eq!(answer.status, 303, "{path}");
        let flash = format!("roster-flash={}", answer.cookie("roster-flash").unwrap());
        let page = app
            .ask(Ask::get(answer.location()).by(Who::Owner).with(header::COOKIE, flash))
            .await;
        assert!(page.text.contains("alert(1)"), "{path}: what was typed is kept (N3)");
        assert_harmless(path, &page.text);
    }
}

/// Gives the name `evil` to a person, their project, its organization and a resource. Returns the person's id.
async fn name_everything(app: &TestApp, evil: &str) -> uuid::Uuid {
    let person = [("name", evil), ("email", "evil@evil.test"), ("password", PASSWORD)];
    assert_eq!(app.ask(Ask::post("/api/sign_up", person)).await.status, 200);
    let directory = &app.state.directory;
    directory
        .verify_as_operator(&directory::Principal::operator(), &"evil@evil.test".parse().unwrap())
        .await
        .unwrap();
    let add = [("project", RESEARCH), ("email", "evil@evil.test")];
    assert_eq!(
        app.ask(Ask::post("/api/add_collaborator", add).by(Who::Owner))
            .await
            .status,
        200
    );
    let settings = [
        ("project", RESEARCH),
        ("name", evil),
        ("slug", RESEARCH),
        ("allow_externals", "on"),
    ];
    assert_eq!(
        app.ask(Ask::post("/api/update_project", settings).by(Who::Owner))
            .await
            .status,
        200
    );
    sqlx::query("UPDATE organizations SET name = $1 WHERE slug = 'acme'")
        .bind(evil)
        .execute(&app.pool)
        .await
        .unwrap();
    sqlx::query(
        "UPDATE resources SET name = $1, details = jsonb_set(details, '{gpu}', to_jsonb($1)) WHERE id = $2::uuid",
    )
    .bind(evil)
    .bind(CLUSTER)
    .execute(&app.pool)
    .await
    .unwrap();
    sqlx::query_scalar("SELECT id FROM users WHERE email = 'evil@evil.test'")
        .fetch_one(&app.pool)
        .await
        .unwrap()
}

/// No element and no attribute came of the text. (In an attribute's value `<` is text; the quote around it is what
/// counts.)
pub(super) fn assert_harmless(what: &str, html: &str) {
    let mut rest = html;
    while let Some(at) = rest.find("alert(1)") {
        let before = &rest[..at];
        let is_in_value = |before: &str| {
            // Inside a double-quoted value of the last tag, or inside a string of a script of ours, where `<` is
            // escaped.
            let tag = before.rfind('<').map_or("", |at| &before[at..]);
            tag.matches('"').count() % 2 == 1
        };
        for opener in ["<script>", "<img src=x onerror="] {
            if let Some(before) = before.strip_suffix(opener) {
                assert!(
                    is_in_value(before),
                    "{what}: raw markup: {}",
                    &rest[at.saturating_sub(200)..at + 20]
                );
            }
        }
        rest = &rest[at + 8..];
    }
    assert!(!html.contains("</title></script>"), "{what}: an end tag is raw");
}
