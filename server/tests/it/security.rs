//! What keeps browsers, and the people in front of them, from harm: headers, cookies, cross-site requests, redirects,
//! and errors that tell nothing. Regression tests of the traps in PITFALLS.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use app::Problem;
use axum::{
    body::Body,
    http::{HeaderName, Method, Request, StatusCode, Uri, header},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use directory::{Directory, OffsetDateTime, Settings};
use policy::Refusal;
use sqlx::{PgPool, postgres::PgPoolOptions};

use crate::{
    functions::FUNCTIONS,
    test_app::{Answer, Ask, CLUSTER, Manner, PASSWORD, RESEARCH, TestApp, URL, Who},
};

/// Every screen and state that has markup of its own, as somebody sees it.
const SCREENS: [(Who, &str, u16); 65] = [
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

fn header_name(name: &'static str) -> HeaderName {
    HeaderName::from_static(name)
}

/// Every start tag of a page.
fn tags(html: &str) -> impl Iterator<Item = &str> {
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
    let person = [("name", evil), ("email", "evil@evil.test"), ("password", PASSWORD)];
    assert_eq!(app.ask(Ask::post("/api/sign_up", person)).await.status, 200);
    let directory = &app.state.directory;
    directory
        .verify_as_operator(&"evil@evil.test".parse().unwrap())
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
    let id: uuid::Uuid = sqlx::query_scalar("SELECT id FROM users WHERE email = 'evil@evil.test'")
        .fetch_one(&app.pool)
        .await
        .unwrap();

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

/// No element and no attribute came of the text. (In an attribute's value `<` is text; the quote around it is what
/// counts.)
fn assert_harmless(what: &str, html: &str) {
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

/// A page of requests of every kind: answered, refused, wrong, unknown.
fn of_every_kind(app: &TestApp) -> Vec<(&'static str, Ask)> {
    let form = [("project", RESEARCH), ("email", "noah@acme.test")];
    let add = || Ask::post("/api/add_collaborator", form);
    let mut large = add().by(Who::Owner);
    large.body = vec![b'a'; 70_000];
    let mut deleting = Ask::get("/projects/ml-research").by(Who::Owner);
    deleting.method = Method::DELETE;
    vec![
        ("page", Ask::get("/projects/ml-research").by(Who::Owner)),
        ("page for nobody", Ask::get("/sign-in")),
        ("to sign in", Ask::get("/projects/ml-research")),
        ("home", Ask::get("/").by(Who::Owner)),
        ("hidden page", Ask::get("/projects/ml-research").by(Who::Stranger)),
        (
            "wrong page",
            Ask::get("/settings/projects/ml-research/collaborators?sort=x").by(Who::Owner),
        ),
        ("no page", Ask::get("/nothing").by(Who::Owner)),
        ("read", Ask::get("/api/overview?project=ml-research").by(Who::Owner)),
        (
            "read, hidden",
            Ask::get("/api/overview?project=ml-research").by(Who::Stranger),
        ),
        ("read, signed out", Ask::get("/api/shell")),
        ("read, malformed", Ask::get("/api/overview").by(Who::Owner)),
        ("no function", Ask::get("/api/nothing")),
        ("write", add().by(Who::Owner)),
        ("write, forbidden", add().by(Who::Member)),
        (
            "write, malformed",
            Ask::post("/api/add_collaborator", [("x", "y")]).by(Who::Owner),
        ),
        ("write, plain", add().by(Who::Owner).manner(Manner::Plain)),
        (
            "write, cross-site",
            add().by(Who::Owner).with(header_name("sec-fetch-site"), "cross-site"),
        ),
        ("too large", large),
        ("wrong method", deleting),
        ("events, signed out", Ask::get("/events?project=ml-research")),
        ("events, malformed", Ask::get("/events?x=y").by(Who::Owner)),
        ("alive", Ask::get("/healthz")),
        ("ready", Ask::get("/readyz")),
        ("no asset", Ask::get("/pkg/nothing.js")),
        ("no icon", Ask::get("/favicon.svg")),
        (
            "garbage cookie",
            Ask::get("/projects/ml-research").with(header::COOKIE, "roster=%%%; roster"),
        ),
        ("secret in path", Ask::get(app.fill("/settings/{Owner}")).by(Who::Owner)),
    ]
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn every_answer_has_the_headers_that_keep_a_browser_on_its_guard(pool: PgPool) {
    let app = TestApp::new(pool.clone()).await;
    let away = app.behind(Directory::new(closed(&pool).await, Settings::default()));
    for (what, ask) in of_every_kind(&app) {
        for app in [&app, &away] {
            let answer = app.ask(ask.clone()).await;
            assert_guarded(what, &answer);
        }
        app.restore().await;
    }
}

fn assert_guarded(what: &str, answer: &Answer) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        // Nothing people see, and no error, is kept by a cache.
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header(name), value, "{what} ({}): {name}", answer.status);
    }
    let policy = answer.header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
        "{what}: {policy}"
    );
    assert!(answer.header("permissions-policy").contains("camera=()"), "{what}");
    assert_eq!(
        answer.headers.get_all("content-security-policy").iter().count(),
        1,
        "{what}"
    );
    assert!(
        uuid::Uuid::parse_str(answer.header("x-request-id")).is_ok(),
        "{what}: request id"
    );
    for header in ["server", "x-powered-by", "access-control-allow-origin"] {
        assert_eq!(answer.header(header), "", "{what}: {header}");
    }
}

/// The request's id goes into logs and the audit (A1), so a client does not choose it.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_request_id_is_always_ours(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let theirs = "00000000-0000-7000-8000-000000000000";
    let form = [("project", RESEARCH), ("email", "noah@acme.test")];
    for ask in [
        Ask::get("/healthz"),
        Ask::get("/projects/ml-research").by(Who::Owner),
        Ask::post("/api/add_collaborator", form).by(Who::Owner),
    ] {
        let asked = |ask: Ask| app.ask(ask.with(header_name("x-request-id"), theirs));
        let (one, other) = (asked(ask.clone()).await, asked(ask).await);
        assert_ne!(one.header("x-request-id"), theirs);
        assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
    }
    assert!(app.audited(theirs).await.is_empty());
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn cookies_over_http_are_kept_from_scripts_and_other_sites(pool: PgPool) {
    let app = TestApp::new(pool).await;
    check_cookies(&app, "roster", "").await;
}

/// `__Host-`: over https the browser itself makes sure that no other host and no plain connection ever set it.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn cookies_over_https_are_bound_to_the_host(pool: PgPool) {
    let app = TestApp::with(pool, true).await;
    check_cookies(&app, "__Host-roster", "; Secure").await;
}

async fn check_cookies(app: &TestApp, name: &str, secure: &str) {
    let enter = [("email", "mia@acme.test"), ("password", PASSWORD)];
    let answer = app.ask(Ask::post("/api/sign_in", enter)).await;
    let flags = format!("Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax{secure}");
    let cookie = answer.set_cookie(name).unwrap();
    assert_eq!(cookie.split_once("; ").unwrap().1, flags);
    // 256 bits from a generator; and it works.
    let token = answer.cookie(name).unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(token).unwrap().len(), 32);
    let shell = Ask::get("/api/shell?project=ml-research").with(header::COOKIE, format!("{name}={token}"));
    let shell = app.ask(shell).await;
    assert_eq!(shell.status, 200);
    let project = shell.set_cookie(&format!("{name}-project")).unwrap();
    assert!(
        project.ends_with(&format!("; HttpOnly; SameSite=Lax{secure}")),
        "{project}"
    );
    // The other name is no session: over https a cookie without the prefix could be somebody else's.
    let other = if secure.is_empty() { "__Host-roster" } else { "roster" };
    let answer = app
        .ask(Ask::get("/api/shell").with(header::COOKIE, format!("{other}={token}")))
        .await;
    assert_eq!(answer.status, 401);

    let form = [("project", RESEARCH), ("email", "x")];
    let answer = app
        .ask(
            Ask::post("/api/add_collaborator", form)
                .by(Who::Owner)
                .manner(Manner::Plain),
        )
        .await;
    let flash = answer.set_cookie(&format!("{name}-flash")).unwrap();
    assert!(
        flash.ends_with(&format!("; Path=/; Max-Age=60; HttpOnly; SameSite=Lax{secure}")),
        "{flash}"
    );

    let out = Ask::post("/api/sign_out", [("", ""); 0]).with(header::COOKIE, format!("{name}={token}"));
    let out = app.ask(out).await;
    for cookie in [name.to_owned(), format!("{name}-project")] {
        assert_eq!(out.cookie(&cookie), Some(""), "{cookie}");
        assert!(out.set_cookie(&cookie).unwrap().contains("Max-Age=0"), "{cookie}");
    }
    let answer = app
        .ask(Ask::get("/api/shell").with(header::COOKIE, format!("{name}={token}")))
        .await;
    assert_eq!(
        answer.status, 401,
        "a session that was signed out is over on the server too"
    );
}

/// Cookies travel with a form that another site sends: what the browser says of its origin decides.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn no_other_site_can_send_a_form(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let before = app.fingerprint().await;
    let site = || header_name("sec-fetch-site");
    for function in FUNCTIONS.iter().filter(|function| function.is_write()) {
        let ask = || {
            function
                .call(&function.filled(&app))
                .by(Who::Owner)
                .with(header::HOST, "127.0.0.1:3000")
        };
        for (why, ask) in [
            ("cross-site", ask().with(site(), "cross-site")),
            ("same-site is another origin", ask().with(site(), "same-site")),
            ("unknown word", ask().with(site(), "nonsense")),
            ("origin", ask().with(header::ORIGIN, "https://evil.test")),
            ("origin null", ask().with(header::ORIGIN, "null")),
            (
                "origin, another port",
                ask().with(header::ORIGIN, "http://127.0.0.1:3001"),
            ),
            ("origin, longer", ask().with(header::ORIGIN, format!("{URL}.evil.test"))),
            (
                "origin, cross-site",
                ask()
                    .with(header::ORIGIN, "https://evil.test")
                    .with(site(), "cross-site"),
            ),
        ] {
            let answer = app.ask(ask.manner(Manner::Program)).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}: {why}", function.path);
            assert_eq!(
                answer.set_cookie("roster"),
                None,
                "{}: {why}: no session (login CSRF)",
                function.path
            );
        }
        assert_eq!(app.fingerprint().await, before, "{}", function.path);
        assert_eq!(audit_of_forms(&app).await, 0, "{}: not even tried", function.path);
    }
    // Our own, told by either header, and programs that say nothing.
    for ask in [
        Ask::get("").with(site(), "same-origin"),
        Ask::get("").with(site(), "none"),
        Ask::get("").with(header::ORIGIN, URL),
        Ask::get(""),
    ] {
        let form = [("project", RESEARCH), ("email", "noah@acme.test")];
        let mut own = Ask::post("/api/add_collaborator", form).by(Who::Owner);
        own.headers.extend(ask.headers);
        assert_eq!(app.ask(own).await.status, 200);
        app.restore().await;
    }
}

async fn audit_of_forms(app: &TestApp) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM audit_events WHERE actor_kind <> 'operator'")
        .fetch_one(&app.pool)
        .await
        .unwrap()
}

/// PITFALLS: a mutation by GET defeats SameSite. No function that changes anything answers to it, nor to anything but
/// POST.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn nothing_is_changed_by_a_link(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let before = app.fingerprint().await;
    for function in &FUNCTIONS {
        let fields = function.filled(&app);
        let query = crate::test_app::encode(fields.iter().map(|(name, value)| (*name, value)));
        for method in [
            Method::GET,
            Method::HEAD,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
        ] {
            let is_own = method == function.method || (function.method == Method::GET && method == Method::HEAD);
            if is_own {
                continue;
            }
            let mut ask = Ask::post(
                format!("{}?{query}", function.path),
                fields.iter().map(|(n, v)| (*n, v)),
            )
            .by(Who::Owner);
            ask.method = method.clone();
            let answer = app.ask(ask).await;
            assert!(
                [404, 405].contains(&answer.status.as_u16()),
                "{method} {}: {}",
                function.path,
                answer.status
            );
        }
    }
    assert_eq!(app.fingerprint().await, before);
    assert_eq!(audit_of_forms(&app).await, 0);
    let cookie_lives = app.ask(Ask::get("/api/shell").by(Who::Owner)).await;
    assert_eq!(cookie_lives.status, 200, "nobody was signed out");
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_body_has_its_limit(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for function in FUNCTIONS.iter().filter(|function| function.is_write()) {
        let mut ask = function.call(&function.filled(&app)).by(Who::Owner);
        ask.body.extend(std::iter::repeat_n(b'a', 64 * 1024));
        ask = ask.with(header::CONTENT_LENGTH, "99999");
        let answer = app.ask(ask).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", function.path);
    }
    // Nor does it help not to say how long it is.
    let chunks = futures::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>(vec![b'a'; 1024])));
    let request = Request::post("/api/sign_in")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from_stream(chunks))
        .unwrap();
    let answer = app.send(request).await;
    assert!(answer.status.is_client_error(), "{}", answer.status);
    closed_code("/api/sign_in", &answer);
}

/// PITFALLS: a `next` must be a path of this console.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn nobody_is_led_to_another_site(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let evils: [&str; 19] = [
        "//evil.test",
        "///evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "\\/evil.test",
        "/\t/evil.test",
        "/\n/evil.test",
        "\t//evil.test",
        " //evil.test",
        "https://evil.test",
        "https:evil.test",
        "https:",
        "HTTPS://evil.test",
        "javascript:alert(1)",
        "data:text/html,x",
        "evil.test",
        "/x\r\nSet-Cookie: roster=evil",
        "/x\0",
        "/\u{2028}/evil.test",
    ];
    for next in evils {
        let typed: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let enter = [("email", "mia@acme.test"), ("password", PASSWORD), ("next", next)];
        let wrong = [("email", "mia@acme.test"), ("password", "wrong"), ("next", next)];
        for (manner, fields) in [(Manner::Program, enter), (Manner::Plain, enter), (Manner::Plain, wrong)] {
            let answer = app.ask(Ask::post("/api/sign_in", fields).manner(manner)).await;
            assert_eq!(answer.status, 303, "{next:?}");
            let expected = if fields[1].1 == "wrong" { "/sign-in" } else { "/" };
            assert_eq!(answer.location(), expected, "{next:?}");
            assert!(
                !answer.headers.values().any(|value| value.as_bytes() == b"roster=evil"),
                "{next:?}"
            );
            app.restore().await;
        }
        let person = [
            ("name", "N"),
            ("email", "n@n.test"),
            ("password", PASSWORD),
            ("next", next),
        ];
        let answer = app.ask(Ask::post("/api/sign_up", person).manner(Manner::Plain)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.location()),
            (303, "/sign-up"),
            "{next:?}"
        );
        app.restore().await;
        // The pages keep it only to hand it back, and link to nothing but their own.
        for page in ["/sign-in", "/sign-up"] {
            let answer = app.ask(Ask::get(format!("{page}?next={typed}"))).await;
            assert_eq!(answer.status, 200, "{page} {next:?}");
            for tag in tags(&answer.text) {
                let href = tag.split_once(" href=\"").map_or("/", |(_, rest)| rest);
                assert!(
                    href.starts_with('/') && !href.starts_with("//"),
                    "{page} {next:?}: <{tag}>"
                );
                assert!(
                    !href.starts_with("/sign") || !tag.contains("evil"),
                    "{page} {next:?}: <{tag}>"
                );
            }
        }
    }
    // Good ones are followed.
    for next in [
        "/docs/roles",
        "/settings/projects/ml-research/collaborators?q=a%20b&role=admin",
    ] {
        let enter = [("email", "mia@acme.test"), ("password", PASSWORD), ("next", next)];
        assert_eq!(app.ask(Ask::post("/api/sign_in", enter)).await.location(), next);
    }
}

/// A redirect that is made of the address itself does not leave the console either.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn no_address_of_ours_leads_to_another_site(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for uri in [
        "//evil.test/~current",
        "///evil.test/~current",
        "//evil.test/projects/~current",
        "/\\evil.test/~current",
        "/.//evil.test/~current",
        "//evil.test",
        "//evil.test/projects/ml-research",
        "/projects/~current//evil.test",
        "/settings/projects/~current/collaborators?next=//evil.test",
    ] {
        for who in [Who::Nobody, Who::Stranger, Who::Owner] {
            let Ok(uri) = uri.parse::<Uri>() else { continue };
            let answer = app.ask(Ask::get(uri.to_string()).by(who)).await;
            let to = answer.location();
            assert!(
                to.is_empty()
                    || (to.starts_with('/')
                        && !to.starts_with("//")
                        && !to.starts_with("/\\")
                        && !to.starts_with("/.")),
                "{uri} {who:?}: {to}"
            );
            assert!(!answer.status.is_server_error(), "{uri} {who:?}: {}", answer.status);
        }
    }
}

/// PITFALLS: leptos reads `?__path=…&__err=…` of a page as the outcome of a form. It can be forged: codes only, never
/// text.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_forged_error_in_the_address_shows_no_text(pool: PgPool) {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    let app = TestApp::new(pool).await;
    let pages = [
        ("/settings/profile", "/api/change_password"),
        ("/settings/projects/ml-research", "/api/update_project"),
        (
            "/settings/projects/ml-research/collaborators?dialog=add",
            "/api/add_collaborator",
        ),
        ("/sign-in", "/api/sign_in"),
    ];
    let errors = [
        "FORGED-TEXT",
        r#""FORGED-TEXT""#,
        r#"{"refused":"FORGED-TEXT"}"#,
        r#"{"ServerError":"FORGED-TEXT"}"#,
        "ServerError|FORGED-TEXT",
        "<script>alert(1)</script>FORGED-TEXT",
    ];
    for (page, path) in pages {
        for error in errors {
            let encoded = [
                STANDARD.encode(error),
                URL_SAFE.encode(error),
                URL_SAFE_NO_PAD.encode(error),
                error.to_owned(),
            ];
            for error in encoded {
                let error: String = form_urlencoded::byte_serialize(error.as_bytes()).collect();
                let joint = if page.contains('?') { '&' } else { '?' };
                let uri = format!("{page}{joint}__path={path}&__err={error}");
                let who = if page == "/sign-in" { Who::Nobody } else { Who::Owner };
                let answer = app.ask(Ask::get(&uri).by(who)).await;
                assert_eq!(answer.status, 200, "{uri}");
                assert!(!answer.text.contains("FORGED-TEXT"), "{uri}");
                assert_harmless(&uri, &answer.text);
            }
        }
    }
}

/// An error of a function is a closed code: it reads as [`Problem`] and as nothing else.
pub(crate) fn closed_code(what: &str, answer: &Answer) -> Problem {
    let problem: Problem = serde_json::from_str(&answer.text)
        .unwrap_or_else(|error| panic!("{what}: {error}: {} {:?}", answer.status, answer.text));
    assert_eq!(answer.status, problem.status(), "{what}");
    problem
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn what_is_unknown_is_not_found_and_what_is_wrong_is_a_code(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for who in [Who::Nobody, Who::Owner] {
        for uri in [
            "/api/nothing",
            "/api/collaborators/",
            "/api//collaborators",
            "/api/Collaborators",
            "/api/%63ollaborators",
        ] {
            for ask in [Ask::get(uri), Ask::post(uri, [("project", RESEARCH)])] {
                let answer = app.ask(ask.by(who)).await;
                assert_eq!(closed_code(uri, &answer), Problem::from(Refusal::Hidden), "{uri}");
            }
        }
    }
    for uri in [
        "/api",
        "/nothing",
        "/settings",
        "/projects",
        "/projects/",
        "/v2/whoami",
        "/.env",
        "/pkg/../Cargo.toml",
        "/pkg/%2e%2e/Cargo.toml",
        "/projects/%ff",
        "/projects/a%00b",
        "/%2e%2e/%2e%2e/etc/passwd",
    ] {
        let answer = app.ask(Ask::get(uri).by(Who::Owner)).await;
        assert!([400, 404].contains(&answer.status.as_u16()), "{uri}: {}", answer.status);
        assert!(
            !answer.text.contains("[workspace]") && !answer.text.contains("root:"),
            "{uri}"
        );
    }
    for uri in [
        "/events",
        "/events?x=y",
        "/events?project=a&x=FORGED-TEXT",
        "/events?project[]=a",
        "/events?project=%ff",
    ] {
        let answer = app.ask(Ask::get(uri).by(Who::Owner)).await;
        assert!(answer.status.is_client_error(), "{uri}: {}", answer.status);
        problem_code(uri, &answer);
    }
}

/// The code of a problem as programs are told it (INTERFACES), which has nothing from outside in it.
#[track_caller]
fn problem_code(what: &str, answer: &Answer) -> String {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{what}");
    assert!(!answer.text.contains("FORGED"), "{what}: {}", answer.text);
    let told: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(told["request_id"], answer.header("x-request-id"), "{what}");
    told["code"].as_str().unwrap().to_owned()
}

/// A pool that is closed: as good as a database that went away.
async fn closed(pool: &PgPool) -> PgPool {
    let options = (*pool.connect_options()).clone();
    let pool = PgPoolOptions::new().connect_lazy_with(options);
    pool.close().await;
    pool
}

/// E6: if the database cannot be asked, the answer is 503, never "allowed" and never 403.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn without_the_database_the_answer_is_503(pool: PgPool) {
    let app = TestApp::new(pool.clone()).await;
    // One that nobody listens at, asked for as long as a pool waits.
    let dead = PgPoolOptions::new()
        .acquire_timeout(Duration::from_millis(200))
        .connect_lazy("postgres://nobody@127.0.0.1:1/nothing")
        .unwrap();
    let settings = app.state.directory.settings();
    for pool in [closed(&pool).await, dead] {
        let directory = Directory::new(pool, settings);
        let away = app.behind(directory);
        assert_eq!(away.ask(Ask::get("/healthz")).await.status, 200);
        let ready = away.ask(Ask::get("/readyz")).await;
        assert_eq!(ready.status, 503);
        assert_eq!(problem_code("/readyz", &ready), "unavailable");
        for (who, uri, _) in SCREENS {
            let answer = away.ask(Ask::get(app.fill(uri)).by(who).manner(Manner::Plain)).await;
            // Pages that say nothing of anybody need no database.
            let expected = if who == Who::Nobody { 200 } else { 503 };
            assert_eq!(answer.status, expected, "{uri}");
            if who != Who::Nobody {
                assert!(answer.header("content-type").starts_with("text/html"), "{uri}");
                assert!(answer.text.contains("Nothing was changed"), "{uri}: says so in words");
            }
        }
        for function in &FUNCTIONS {
            for manner in [Manner::Program, Manner::Script] {
                let ask = function.call(&function.filled(&app)).manner(manner);
                let answer = away.ask(ask.clone().by(Who::Owner)).await;
                assert_eq!(
                    closed_code(function.path, &answer),
                    Problem::Unavailable,
                    "{}",
                    function.path
                );
                let answer = away.ask(ask).await;
                let expected = match function.path {
                    // Those that are there for nobody; and nobody is signed out already.
                    "/api/sign_out" => 303,
                    "/api/sends_mail" => 200,
                    _ if function.is_for_nobody() => 503,
                    _ => 401,
                };
                assert_eq!(answer.status, expected, "{} for nobody", function.path);
            }
        }
        let answer = away.ask(Ask::get("/events?project=ml-research").by(Who::Owner)).await;
        assert_eq!(answer.status, 503);
        assert_eq!(problem_code("/events", &answer), "unavailable");
    }
}

/// A session over its end, or one nobody used for long, is none.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_session_that_is_over_signs_nobody_in(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for change in [
        "UPDATE sessions SET expires_at = now() - interval '1 second'",
        "UPDATE sessions SET last_seen_at = now() - interval '7 days 1 second'",
        "DELETE FROM sessions",
    ] {
        sqlx::query(change).execute(&app.pool).await.unwrap();
        assert_eq!(
            app.ask(Ask::get("/api/shell").by(Who::Owner)).await.status,
            401,
            "{change}"
        );
        assert_eq!(
            app.ask(Ask::get("/projects/ml-research").by(Who::Owner)).await.status,
            303,
            "{change}"
        );
        app.restore().await;
        assert_eq!(app.ask(Ask::get("/api/shell").by(Who::Owner)).await.status, 200);
    }
}

static BROKEN: AtomicBool = AtomicBool::new(false);

/// A clock that can be broken: every call of the directory looks at it.
fn clock() -> OffsetDateTime {
    assert!(!BROKEN.load(Ordering::SeqCst), "INNER-TEXT of a panic");
    OffsetDateTime::now_utc()
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn a_panic_is_a_500_that_says_nothing(pool: PgPool) {
    let app = TestApp::new(pool.clone()).await;
    let broken = app.behind(Directory::new(pool, Settings::default()).with_clock(clock));
    let enter = || Ask::post("/api/sign_in", [("email", "mia@acme.test"), ("password", PASSWORD)]);
    let asks = || {
        [
            Ask::get("/projects/ml-research").by(Who::Owner),
            Ask::get("/api/shell").by(Who::Owner),
            enter(),
        ]
    };
    for ask in asks() {
        assert!(!broken.ask(ask).await.status.is_server_error());
    }
    BROKEN.store(true, Ordering::SeqCst);
    for ask in asks() {
        let uri = ask.uri.clone();
        let answer = broken.ask(ask).await;
        assert_eq!(answer.status, 500, "{uri}");
        assert_eq!(closed_code(&uri, &answer), Problem::Internal, "{uri}");
        assert_guarded_but_cache(&uri, &answer);
    }
    BROKEN.store(false, Ordering::SeqCst);
    assert_eq!(broken.ask(enter()).await.status, 303, "and the server goes on");
}

fn assert_guarded_but_cache(what: &str, answer: &Answer) {
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
    assert!(
        answer.header("content-security-policy").contains("default-src 'none'"),
        "{what}"
    );
    assert!(!answer.header("x-request-id").is_empty(), "{what}");
}
