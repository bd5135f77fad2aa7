//! Forms that are done: the redirect, the message, and that it is shown once.

use axum::http::header;

use super::{CLUSTER_PAGE, KEYS, LIST, NEW_SECRET, Sent, follow, sent, words};
use crate::{
    functions::NEW_PASSWORD,
    test_app::{
        ACME, API_KEY, Ask, CLUSTER, EMPTY, FILE, INVITATION, INVITED_STRANGER, MANAGE_KEY, Manner, PASSWORD, RESEARCH,
        SESSION, SSH_KEY, TestApp, Who,
    },
};
use directory::{Origin, Token, TokenKind};
use sqlx::PgPool;

/// What is done, and told once.
pub(super) const DONE: &[Sent] = &[
    sent(
        Who::Admin,
        "/api/add_collaborator",
        &[("project", RESEARCH), ("email", " NOAH@acme.test ")],
        LIST,
        "Noah Newcomer was added as a Member.",
    ),
    sent(
        Who::Admin,
        "/api/change_collaborator_role",
        &[("project", RESEARCH), ("user", "{Member}"), ("role", "admin")],
        LIST,
        "Mia Muster is now an Admin.",
    ),
    sent(
        Who::Owner,
        "/api/change_collaborator_role",
        &[("project", RESEARCH), ("user", "{Admin}"), ("role", "member")],
        LIST,
        "Maya Member is now a Member.",
    ),
    sent(
        Who::Admin,
        "/api/remove_collaborator",
        &[("project", RESEARCH), ("user", "{Member}")],
        LIST,
        "Mia Muster was removed. Their access ended at once.",
    ),
    sent(
        Who::Admin,
        "/api/set_collaborator_end_date",
        &[
            ("project", RESEARCH),
            ("user", "{External}"),
            ("expires_on", "2999-12-31"),
        ],
        LIST,
        "The end date of Eve External’s access was saved.",
    ),
    sent(
        Who::Admin,
        "/api/set_collaborator_end_date",
        &[("project", RESEARCH), ("user", "{External}"), ("expires_on", "")],
        LIST,
        "Eve External’s access no longer has an end date.",
    ),
    sent(
        Who::Admin,
        "/api/update_project",
        &[("project", RESEARCH), ("name", "Renamed"), ("slug", "renamed")],
        "/settings/projects/renamed",
        "Your changes were saved.",
    ),
    sent(
        Who::Admin,
        "/api/remove_externals",
        &[("project", RESEARCH)],
        "/settings/projects/ml-research",
        "1 external collaborator was removed.",
    ),
    sent(
        Who::Admin,
        "/api/change_password",
        &[("current_password", PASSWORD), ("password", NEW_PASSWORD)],
        "/settings/profile",
        "Your password was changed. You were signed out everywhere else.",
    ),
];

/// What is done in an organization, and to one's own account.
const DONE_IN_ORGANIZATIONS: &[Sent] = &[
    sent(
        Who::Owner,
        "/api/update_organization",
        &[("organization", ACME), ("name", "Renamed"), ("slug", "renamed")],
        "/settings/organization/renamed",
        "Your changes were saved.",
    ),
    sent(
        Who::Owner,
        "/api/transfer_ownership",
        &[
            ("organization", ACME),
            ("user", "{OrganizationAdmin}"),
            ("confirmation", " Acme Research "),
        ],
        "/settings/organization/acme",
        "Adam Admin now owns the organization. You’re still an Admin of it.",
    ),
    sent(
        Who::OrganizationAdmin,
        "/api/change_member_role",
        &[("organization", ACME), ("user", "{Newcomer}"), ("role", "admin")],
        "/settings/organization/acme/members",
        "Noah Newcomer is now an Admin of the organization.",
    ),
    sent(
        Who::OrganizationAdmin,
        "/api/remove_member",
        &[("organization", ACME), ("user", "{Newcomer}")],
        "/settings/organization/acme/members",
        "Noah Newcomer was removed from the organization.",
    ),
    sent(
        Who::Owner,
        "/api/revoke_invitation",
        &[("organization", ACME), ("invitation", INVITATION)],
        "/settings/organization/acme/invitations",
        "The invitation for invited@new.test was revoked.",
    ),
    // Its link is in the dialog, this once.
    sent(
        Who::Owner,
        "/api/invite_members",
        &[("organization", ACME), ("email", "another@new.test")],
        "/settings/organization/acme/invitations?dialog=invite",
        "Invitation link",
    ),
    sent(
        Who::Owner,
        "/api/resend_invitation",
        &[("organization", ACME), ("invitation", INVITATION)],
        "/settings/organization/acme/invitations?dialog=sent",
        "Invitation link",
    ),
    sent(
        Who::Stranger,
        "/api/accept_invitation",
        &[("token", INVITED_STRANGER)],
        "/projects/acme-default",
        "You’re now a member of Acme Research.",
    ),
    sent(
        Who::Owner,
        "/api/create_project",
        &[("organization", ACME), ("name", "Staging"), ("slug", " staging ")],
        "/projects/staging",
        "Staging was created.",
    ),
    sent(
        Who::Owner,
        "/api/delete_project",
        &[("project", EMPTY), ("confirmation", EMPTY)],
        "/settings/organization/acme/projects",
        "Wound Up was deleted.",
    ),
    sent(
        Who::Member,
        "/api/create_resource",
        &[
            ("project", RESEARCH),
            ("kind", "files"),
            ("name", " Another File "),
            ("purpose", "batch"),
            ("size_bytes", " 1 "),
        ],
        "/projects/ml-research/files",
        "The file Another File was created.",
    ),
    sent(
        Who::Admin,
        "/api/update_resource",
        &[
            ("project", RESEARCH),
            ("kind", "clusters"),
            ("id", CLUSTER),
            ("name", "Another Name"),
            ("state", "running"),
        ],
        CLUSTER_PAGE,
        "Your changes to Another Name were saved.",
    ),
    sent(
        Who::Member,
        "/api/delete_resource",
        &[("project", RESEARCH), ("kind", "files"), ("id", FILE)],
        "/projects/ml-research/files",
        "The file first-file was deleted.",
    ),
    sent(
        Who::Admin,
        "/api/end_session",
        &[("session", SESSION)],
        "/settings/sessions",
        "The session was signed out.",
    ),
    sent(
        Who::Admin,
        "/api/end_other_sessions",
        &[],
        "/settings/sessions",
        "You were signed out everywhere else.",
    ),
    sent(
        Who::Admin,
        "/api/remove_ssh_key",
        &[("key", SSH_KEY)],
        "/settings/ssh-keys",
        "The SSH key Desk was removed.",
    ),
    sent(
        Who::Admin,
        "/api/change_name",
        &[("name", "Maya Renamed")],
        "/settings/profile",
        "Your changes were saved.",
    ),
];

/// What is done with API keys, and in what a removal says of them.
pub(super) const DONE_WITH_KEYS: &[Sent] = &[
    sent(
        Who::External,
        "/api/create_api_key",
        &[
            ("project", RESEARCH),
            ("name", " CI "),
            ("expires", "7"),
            ("expires_on", ""),
        ],
        NEW_SECRET,
        "CI is ready to use.",
    ),
    sent(
        Who::Member,
        "/api/rotate_api_key",
        &[("project", RESEARCH), ("key", API_KEY), ("overlap", "24")],
        NEW_SECRET,
        "This key replaces Nightly, and is ready to use.",
    ),
    sent(
        Who::Owner,
        "/api/regenerate_default_key",
        &[("project", "acme-default")],
        "/settings/projects/acme-default/api-keys?dialog=secret",
        "The Organization Default Key has a new secret. The old secret no longer works.",
    ),
    sent(
        Who::Member,
        "/api/set_api_key_expiration",
        &[
            ("project", RESEARCH),
            ("key", API_KEY),
            ("expires", "on"),
            ("expires_on", " 2999-12-31 "),
        ],
        KEYS,
        "The expiration of Nightly was saved.",
    ),
    sent(
        Who::Admin,
        "/api/set_api_key_expiration",
        &[
            ("project", RESEARCH),
            ("key", MANAGE_KEY),
            ("expires", ""),
            ("expires_on", "2999-12-31"),
        ],
        KEYS,
        "The API key Deploy no longer expires.",
    ),
    sent(
        Who::Member,
        "/api/revoke_api_key",
        &[("project", RESEARCH), ("key", MANAGE_KEY)],
        KEYS,
        "The API key Deploy was revoked. It no longer works.",
    ),
    sent(
        Who::Admin,
        "/api/remove_collaborator",
        &[("project", RESEARCH), ("user", "{Member}")],
        LIST,
        "2 API keys they created, still working: Deploy, Nightly",
    ),
    sent(
        Who::Admin,
        "/api/remove_collaborator",
        &[
            ("project", RESEARCH),
            ("user", "{Member}"),
            ("revoke-01900000-0000-7000-8000-000000000005", "on"),
        ],
        LIST,
        "1 API key revoked: Nightly",
    ),
    sent(
        Who::Owner,
        "/api/remove_member",
        &[("organization", ACME), ("user", "{Member}")],
        "/settings/organization/acme/members",
        "2 API keys they created, still working: Deploy, Nightly",
    ),
];

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn without_scripts_what_was_done_is_told_once(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for sent in DONE.iter().chain(DONE_IN_ORGANIZATIONS).chain(DONE_WITH_KEYS) {
        let answer = app.ask(sent.ask(&app, Manner::Plain)).await;
        let (first, second) = follow(&app, sent, &answer).await;
        assert!(
            words(&first.text).contains(sent.says),
            "{}: {}",
            sent.path,
            words(&first.text)
        );
        assert!(!second.text.contains(sent.says), "{}: told twice", sent.path);
        app.restore().await;
    }
}

/// K3: the secret is in the page that comes next, once; in no address, no other page and no cache; and it opens the
/// project.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn k3_a_new_secret_is_shown_once_and_kept_nowhere(pool: PgPool) {
    let app = TestApp::new(pool).await;
    for sent in &DONE_WITH_KEYS[..3] {
        let answer = app.ask(sent.ask(&app, Manner::Plain)).await;
        let flash = serde_json::to_value(answer.flash().unwrap()).unwrap();
        let secret = flash["outcome"]["Ok"]["key_made"]["secret"].as_str().unwrap();
        let token = Token::parse(TokenKind::ApiKey, secret).unwrap();
        // On its way it is on the server, and the browser has a ticket that no script reads, for a minute (J11).
        assert!(!format!("{:?}", answer.headers).contains("rsk_"), "{}", sent.path);
        let cookie = answer.set_cookie("roster-flash").unwrap();
        for part in ["HttpOnly", "SameSite=Lax", "Max-Age=60"] {
            assert!(cookie.contains(part), "{}: {part}: {cookie}", sent.path);
        }
        assert!(!answer.location().contains("rsk_"), "{}", sent.path);
        let (first, second) = follow(&app, sent, &answer).await;
        let shown = first
            .text
            .split("<input")
            .find(|input| input.contains("id=\"secret-key\""))
            .unwrap();
        let (shown, _) = shown.split_once('>').unwrap();
        assert!(
            shown.contains(&format!("value=\"{secret}\"")) && shown.contains("readonly"),
            "{shown}"
        );
        assert!(words(&first.text).contains("Secret key"), "{}", sent.path);
        for page in [&first, &second, &answer] {
            assert_eq!(page.header("cache-control"), "no-store", "{}", sent.path);
        }
        assert!(
            !second.text.contains(secret) && !second.text.contains("secret-key"),
            "{}",
            sent.path
        );
        assert!(second.text.contains(&secret[..8]), "the list shows how it begins");
        let opened = app.state.directory.authenticate_key(&token, Origin::default()).await;
        assert!(opened.is_ok(), "{}", sent.path);

        // With scripts it is in the answer, and nowhere else either.
        app.restore().await;
        let answer = app.ask(sent.ask(&app, Manner::Script)).await;
        let json: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
        let secret = json["Ok"]["key_made"]["secret"].as_str().unwrap();
        assert!(Token::parse(TokenKind::ApiKey, secret).is_ok(), "{json}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.set_cookie("roster-flash"), None);
        let audit: Vec<String> = sqlx::query_scalar("SELECT a::text FROM audit_events a")
            .fetch_all(&app.pool)
            .await
            .unwrap();
        assert!(audit.iter().all(|row| !row.contains("rsk_")), "A3");
        app.restore().await;
    }
}

/// C6: a checkbox for each key is all there is beside the person and the project; its name says which.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn c6_only_keys_are_chosen_in_a_removal(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let before = app.fingerprint().await;
    let user = app.id(Who::Member).to_string();
    for wrong in [
        "revoke",
        "revoke-",
        "revoke-x",
        "revoke-{Member}x",
        "revoke[]",
        "Revoke-01900000-0000-7000-8000-000000000005",
        "unrevoke-01900000-0000-7000-8000-000000000005",
        "revoke-01900000-0000-7000-8000-000000000005[x]",
        "role",
        "",
    ] {
        let wrong = app.fill(wrong);
        let fields = [("project", RESEARCH), ("user", &user), (&*wrong, "on")];
        let answer = app
            .ask(Ask::post("/api/remove_collaborator", fields).by(Who::Admin))
            .await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.text);
        assert_eq!(app.fingerprint().await, before, "{wrong}");
    }
    // One that is not theirs, or nowhere, is left alone without a word.
    let none = "revoke-00000000-0000-7000-8000-000000000000";
    let fields = [("project", RESEARCH), ("user", &user), (none, "on")];
    let answer = app
        .ask(Ask::post("/api/remove_collaborator", fields).by(Who::Admin))
        .await;
    assert_eq!(answer.status, 200);
    assert!(answer.text.contains("\"revoked_count\":0"), "{}", answer.text);
}

/// C7: who left has no page of the project to go back to.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn who_leaves_is_led_home_and_told(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let fields = [
        ("project", RESEARCH.to_owned()),
        ("user", app.id(Who::Member).to_string()),
    ];
    let answer = app
        .ask(
            Ask::post("/api/remove_collaborator", fields)
                .by(Who::Member)
                .manner(Manner::Plain),
        )
        .await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, "/"));
    let flash = format!("roster-flash={}", answer.cookie("roster-flash").unwrap());
    // Home leads on to a project; the message must survive that.
    let home = Ask::get("/").by(Who::Member).manner(Manner::Plain);
    let home = app.ask(home.with(header::COOKIE, flash.clone())).await;
    assert_eq!((home.status.as_u16(), home.location()), (302, "/projects/acme-default"));
    assert_eq!(
        home.set_cookie("roster-flash"),
        None,
        "not taken away by a page that nobody sees"
    );
    let page = app
        .ask(Ask::get(home.location()).by(Who::Member).with(header::COOKIE, flash))
        .await;
    assert!(words(&page.text).contains("You left the project."));
    assert_eq!(page.cookie("roster-flash"), Some(""));
}
