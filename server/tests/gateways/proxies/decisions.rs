//! Each proxy lets through whom Roster names, and nobody who only says so.

use crate::roster::{FOREIGN, FOREIGN_ENDPOINT, USE, ask};

use sqlx::PgPool;

use super::{Proxy, ProxySetup, header};

async fn lets_through_whom_roster_names(pool: PgPool, proxy: Proxy) {
    let Some(mut setup) = ProxySetup::start(pool, proxy).await else {
        return;
    };
    let mia = setup.roster.cookie("mia@acme.test").await;
    let mia = [("Cookie", mia.as_str())];

    // A person, by their session; a program, by its key.
    let answer = ask(setup.port, "GET", &setup.path("v1/chat?x=1"), &mia, "");
    assert!(answer.status == 200 && answer.text.contains("Hello"), "{answer:?}");
    assert!(!answer.head.contains("set-cookie"), "{answer:?}");
    let asked = setup.service.asked();
    let [request] = &asked[..] else { panic!("{asked:?}") };
    assert!(request.starts_with("GET /v1/chat?x=1 HTTP/1.1"), "{request}");
    assert_told(
        request,
        &setup.roster.id("mia@acme.test").await,
        &setup.roster.project().await,
    );
    let bearer = format!("Bearer {USE}");
    let key = [("Authorization", bearer.as_str())];
    let answer = ask(setup.port, "POST", &setup.path("v1/chat"), &key, "How are you?");
    assert_eq!(answer.status, 200, "{answer:?}");
    let asked = setup.service.asked();
    assert!(
        asked[0].starts_with("POST /v1/chat HTTP/1.1") && asked[0].ends_with("How are you?"),
        "{asked:?}"
    );
    assert_eq!(header(&asked[0], "X-Roster-Subject-Type"), Some("api_key"));
    assert_eq!(header(&asked[0], "X-Roster-Role"), Some("use"));
    assert_eq!(header(&asked[0], "Authorization"), None);

    // Nobody else; and the service hears nothing of them.
    let nobody = setup.get(&[]);
    assert!(
        nobody.status == 401 && nobody.head.contains("www-authenticate: bearer"),
        "{nobody:?}"
    );
    let noah = setup.roster.cookie("noah@acme.test").await;
    assert_eq!(setup.get(&[("Cookie", &noah)]).status, 403);
    assert_eq!(setup.with_key(FOREIGN).status, 403);
    assert_eq!(setup.with_key("rsk_nothing").status, 401);
    assert_eq!(setup.service.asked(), [""; 0]);

    // E5: at the next request.
    assert_eq!(setup.with_key(USE).status, 200);
    setup
        .roster
        .run("UPDATE api_keys SET revoked_at = now() WHERE name LIKE 'rsk_use%'")
        .await;
    assert_eq!(setup.with_key(USE).status, 401);
    assert_eq!(setup.get(&mia).status, 200);
    setup.roster.remove("mia@acme.test").await;
    assert_eq!(setup.get(&mia).status, 403);

    // E6: neither yes nor no, while there is nobody to ask.
    let olivia = setup.roster.cookie("olivia@acme.test").await;
    let olivia = [("Cookie", olivia.as_str())];
    assert_eq!(setup.get(&olivia).status, 200);
    setup.service.asked();
    setup.roster.stop();
    let away = setup.get(&olivia);
    assert!((500..600).contains(&away.status), "{away:?}");
    assert_eq!(setup.service.asked(), [""; 0]);
    setup.roster.go_on();
    assert_eq!(setup.get(&olivia).status, 200);
    setup.roster.run("UPDATE gateway_tokens SET revoked_at = now()").await;
    assert_eq!(setup.get(&olivia).status, 401);
}

/// What the service is told of Mia, and what it is not.
#[track_caller]
fn assert_told(request: &str, mia: &str, project: &str) {
    for (name, value) in [
        ("X-Roster-Subject", Some(mia)),
        ("X_Roster_Subject", None),
        ("X-Roster_Subject", None),
        ("X-Roster-Subject-Type", Some("user")),
        ("X-Roster-Role", Some("member")),
        ("X-Roster-Project", Some("ml-research")),
        ("X-Roster-Project-Id", Some(project)),
        (
            "X-Roster-Resource",
            Some("endpoint/01900000-0000-7000-8000-0000000000e1"),
        ),
        ("X-Roster-Action", None),
        ("X-Roster-Reason", None),
        ("X-Roster-Gateway", None),
        ("Authorization", None),
        ("Cookie", None),
    ] {
        assert_eq!(header(request, name), value, "{name}");
    }
}

/// What a client says of itself, or of what it is about, is believed neither by Roster nor by the service.
async fn takes_no_word_of_the_clients(pool: PgPool, proxy: Proxy) {
    let Some(setup) = ProxySetup::start(pool, proxy).await else {
        return;
    };
    let foreign = format!("Bearer {FOREIGN}");
    let mia = setup.roster.cookie("mia@acme.test").await;
    let own = format!("endpoint/{FOREIGN_ENDPOINT}");
    let forged = [
        ("X-Roster-Subject", "01900000-0000-7000-8000-000000000000"),
        ("x-roster-subject", "01900000-0000-7000-8000-000000000000"),
        // What becomes a variable's name in a service may be the same with either.
        ("X_Roster_Subject", "01900000-0000-7000-8000-000000000000"),
        ("X-Roster_Subject", "01900000-0000-7000-8000-000000000000"),
        ("X.Roster.Subject", "01900000-0000-7000-8000-000000000000"),
        ("X-Roster-Subject-Type", "api_key"),
        ("X-Roster-Role", "admin"),
        ("X-Roster-Project", "production"),
        ("X-Roster-Project-Id", "01900000-0000-7000-8000-000000000000"),
        ("X-Roster-Resource", &own),
        ("X-Roster-Action", "endpoint:view"),
        ("X-Roster-Reason", "organization_admin"),
        (
            "X-Roster-Gateway",
            "rsg_nevernevernevernevernevernevernevernevernev0yn1Oc",
        ),
    ];
    // A key of another project stays outside, whatever it says it is about.
    let headers = [&forged[..], &[("Authorization", foreign.as_str())]].concat();
    assert_eq!(setup.get(&headers).status, 403);
    assert_eq!(setup.get(&forged).status, 401);
    // Nor does it get rid of what the gateway says, by calling it a header of this connection alone.
    let headers = [
        ("Connection", "close, X-Roster-Resource"),
        ("Authorization", foreign.as_str()),
    ];
    let answer = setup.get(&headers);
    assert!(answer.status >= 400, "{answer:?}");
    assert_eq!(setup.service.asked(), [""; 0]);
    // Whoever may go in can't get rid of what Roster says of them either: they are let in with it, or not at all.
    for named in ["X-Roster-Role", "X-Roster-Subject", "X-Roster-Project-Id"] {
        let connection = format!("close, {named}");
        let headers = [("Connection", connection.as_str()), ("Cookie", mia.as_str())];
        let answer = setup.get(&headers);
        for request in setup.service.asked() {
            assert!(
                answer.status == 200 && header(&request, named).is_some(),
                "{named}: {request}"
            );
        }
    }
    // And whoever may go in goes in as themselves.
    let headers = [&forged[..], &[("Cookie", mia.as_str())]].concat();
    assert_eq!(setup.get(&headers).status, 200);
    let asked = setup.service.asked();
    let project = setup.roster.project().await;
    assert_told(&asked[0], &setup.roster.id("mia@acme.test").await, &project);
    // Envoy drops names with `_` alone (docs/gateways says so).
    let is_dropped = header(&asked[0], "X.Roster.Subject").is_none();
    assert_eq!(is_dropped, proxy != Proxy::Envoy);
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e3_nginx_lets_through_whom_roster_names_and_nobody_else(pool: PgPool) {
    lets_through_whom_roster_names(pool, Proxy::Nginx).await;
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e3_traefik_lets_through_whom_roster_names_and_nobody_else(pool: PgPool) {
    lets_through_whom_roster_names(pool, Proxy::Traefik).await;
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e3_envoy_lets_through_whom_roster_names_and_nobody_else(pool: PgPool) {
    lets_through_whom_roster_names(pool, Proxy::Envoy).await;
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e3_no_client_speaks_in_nginxs_name(pool: PgPool) {
    takes_no_word_of_the_clients(pool, Proxy::Nginx).await;
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e3_no_client_speaks_in_traefiks_name(pool: PgPool) {
    takes_no_word_of_the_clients(pool, Proxy::Traefik).await;
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e3_no_client_speaks_in_envoys_name(pool: PgPool) {
    takes_no_word_of_the_clients(pool, Proxy::Envoy).await;
}
