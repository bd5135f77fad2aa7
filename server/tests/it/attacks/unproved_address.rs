//! An address that nobody proved decides nothing (J1 to J3). Until 2026-11 whoever signed up with somebody's address
//! first was let in wherever that address was added.

use axum::http::header;
use directory::{Origin, Token};
use policy::SessionId;
use sqlx::PgPool;
use uuid::Uuid;

use crate::test_app::{Ask, Manner, PASSWORD, RESEARCH, TestApp, Who};

const CARLA: &str = "carla@acme.test";
const NOBODY: &str = "nobdy@acme.test";

/// Whether an address has access to a project of Acme's.
async fn has_access(app: &TestApp, email: &str) -> bool {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM access a JOIN users u ON u.id = a.user_id \
        WHERE u.email = $1 AND a.because <> 'organization_admin')",
    )
    .bind(email)
    .fetch_one(&app.pool)
    .await
    .unwrap()
}

/// What an Admin of `ml-research` is answered who adds this address.
async fn added(app: &TestApp, email: &str) -> (u16, String) {
    let fields = [("project", RESEARCH), ("email", email)];
    let answer = app.ask(Ask::post("/api/add_collaborator", fields).by(Who::Admin)).await;
    (answer.status.as_u16(), answer.anonymous(email))
}

/// A stranger signs up as Carla and waits.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn j2_whoever_signed_up_with_somebodys_address_is_not_let_in_by_it(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let person = [("name", "Carla Chief"), ("email", CARLA), ("password", PASSWORD)];
    app.ask(Ask::post("/api/sign_up", person)).await;
    let accounts: i64 = sqlx::query_scalar("SELECT count(*) FROM users WHERE email = $1")
        .bind(CARLA)
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert_eq!(accounts, 1, "the account is there");
    let (status, answer) = added(&app, CARLA).await;
    assert_eq!(status, 422);
    assert_eq!(answer, added(&app, NOBODY).await.1, "as if there were no account");
    assert!(!has_access(&app, CARLA).await);
}

/// Where sign-up is by invitation only, a stranger invites Carla's address to an organization of their own, and uses
/// the copied link themselves.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn j1_a_copied_link_proves_no_address(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let invite = [("organization", "partner"), ("email", CARLA)];
    let answer = app
        .ask(Ask::post("/api/invite_members", invite).by(Who::External))
        .await;
    let (_, rest) = answer.text.split_once("/invitations/").unwrap();
    let token = rest.split('"').next().unwrap();
    let accept = [
        ("token", token),
        ("email", CARLA),
        ("name", "Carla Chief"),
        ("password", PASSWORD),
    ];
    let joined = app.ask(Ask::post("/api/accept_invitation_as_new", accept)).await;
    assert_eq!(joined.status, 200, "{}", joined.text);
    assert!(has_access(&app, CARLA).await, "in the organization that invited them");
    let (status, answer) = added(&app, CARLA).await;
    assert_eq!(status, 422);
    assert_eq!(answer, added(&app, NOBODY).await.1, "as if there were no account");
}

/// A stranger signed up as Carla, made an API key and an SSH key, and waits for Carla to get her account back by a
/// mailed link.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn j3_a_first_proof_ends_what_a_stranger_put_into_the_account(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let person = [("name", "Carla Chief"), ("email", CARLA), ("password", PASSWORD)];
    app.ask(Ask::post("/api/sign_up", person)).await;
    let entered = app
        .ask(Ask::post("/api/sign_in", [("email", CARLA), ("password", PASSWORD)]))
        .await;
    let stranger = entered.cookie("roster").unwrap().to_owned();
    let user: Uuid = sqlx::query_scalar("SELECT id FROM users WHERE email = $1")
        .bind(CARLA)
        .fetch_one(&app.pool)
        .await
        .unwrap();
    let session: Uuid = sqlx::query_scalar("SELECT id FROM sessions WHERE user_id = $1")
        .bind(user)
        .fetch_one(&app.pool)
        .await
        .unwrap();
    let actor = directory::Principal::signed_in(policy::UserId(user), SessionId(session), Origin::default());
    let directory = &app.state.directory;
    let own = "carla-chief-default".parse().unwrap();
    let key = directory
        .create_api_key(&actor, &own, &"Mine".parse().unwrap(), policy::KeyScope::Use, None)
        .await
        .unwrap();
    let default = directory.regenerate_default_key(&actor, &own).await.unwrap();
    let opens = async |secret: &Token| directory.authenticate_key(secret, Origin::default()).await.is_ok();
    let (key, default) = (key.secret, default.secret);
    assert!(opens(&key).await && opens(&default).await);
    let ssh = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
    directory.add_ssh_key(&actor, "Theirs", ssh).await.unwrap();

    sqlx::query(
        "INSERT INTO password_reset_tokens (token_hash, user_id, expires_at)
         VALUES (sha256(decode(repeat('6d', 32), 'hex')), $1, now() + interval '1 hour')",
    )
    .bind(user)
    .execute(&app.pool)
    .await
    .unwrap();
    let reset = [
        ("token", "bW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW0"),
        ("password", "staple-battery-horse"),
    ];
    let answer = app
        .ask(Ask::post("/api/reset_password", reset).manner(Manner::Plain))
        .await;
    assert_eq!(answer.location(), "/settings/my-api-keys", "Carla is shown the keys");
    let carla = answer.cookie("roster").unwrap().to_owned();
    let page = |cookie: &str| Ask::get("/settings/my-api-keys").with(header::COOKIE, format!("roster={cookie}"));
    assert_eq!(app.ask(page(&stranger)).await.status, 303, "the stranger is signed out");
    assert!(directory.ssh_keys(&actor).await.unwrap().is_empty());
    assert!(
        !opens(&default).await,
        "what the stranger knows of the default key opens nothing"
    );
    let shown = app.ask(page(&carla)).await.text;
    let (_, rest) = shown.split_once("name=\"revoke-").unwrap();
    let name = format!("revoke-{}", rest.split('"').next().unwrap());
    let revoke =
        Ask::post("/api/revoke_made_keys", [(name.as_str(), "on")]).with(header::COOKIE, format!("roster={carla}"));
    assert_eq!(app.ask(revoke).await.status, 200);
    assert!(!opens(&key).await, "the key the stranger made opens nothing any more");
}
