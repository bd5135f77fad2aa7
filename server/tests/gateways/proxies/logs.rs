//! Each proxy logs the reason that Roster gave.

use crate::roster::{ENDPOINT, FOREIGN, USE};

use sqlx::PgPool;

use super::{Proxy, ProxySetup};

/// What became of a request, and why, is in the proxy's log; and nothing that opens anything.
async fn logs_why(pool: PgPool, proxy: Proxy) {
    let Some(mut setup) = ProxySetup::start(pool, proxy).await else {
        return;
    };
    let says = |status: u16, reason: &str| match proxy {
        Proxy::Nginx => vec![format!(" {status} reason={reason} ")],
        Proxy::Traefik => vec![
            format!("\"DownstreamStatus\":{status},"),
            format!("\"downstream_X-Roster-Reason\":\"{reason}\""),
        ],
        Proxy::Envoy => vec![format!(" {status} reason={reason}")],
    };
    let assert_logged = |headers: &[(&str, &str)], status: u16, reason: &str| {
        let line = setup.logged(headers);
        for said in says(status, reason) {
            assert!(line.contains(&said), "{said}: {line}");
        }
        line
    };
    // What was asked to see it running.
    setup.last_logged(|lines| lines.iter().any(|line| line.contains("signed_out")));
    let noah = setup.roster.cookie("noah@acme.test").await;
    let (foreign, own) = (format!("Bearer {FOREIGN}"), format!("Bearer {USE}"));
    assert_logged(&[], 401, "signed_out");
    assert_logged(&[("Cookie", &noah)], 403, "no_access");
    assert_logged(&[("Authorization", &foreign)], 403, "no_access");
    assert_logged(&[("Authorization", "Bearer rsk_nothing")], 401, "key_invalid");
    if proxy == Proxy::Nginx {
        let mia = setup.roster.cookie("mia@acme.test").await;
        let line = assert_logged(&[("Cookie", &mia)], 200, "added");
        let subject = format!("subject=user/{}", setup.roster.id("mia@acme.test").await);
        assert!(line.contains(&subject), "{line}");
        assert!(line.contains(&format!("\"GET {ENDPOINT}/x\"")), "{line}");
        assert_logged(&[("Authorization", &own)], 200, "key_reach");
    }
    setup
        .roster
        .run("UPDATE api_keys SET revoked_at = now() WHERE name LIKE 'rsk_use%'")
        .await;
    assert_logged(&[("Authorization", &own)], 401, "key_revoked");
    setup.roster.run("UPDATE gateway_tokens SET revoked_at = now()").await;
    assert_logged(&[("Authorization", &own)], 401, "gateway_unknown");

    setup.roster.stop();
    let away = setup.logged(&[("Cookie", &noah)]);
    let status = match proxy {
        Proxy::Nginx | Proxy::Envoy => " 503 reason=",
        Proxy::Traefik => "\"DownstreamStatus\":50",
    };
    assert!(away.contains(status), "{away}");
    let log = setup.log().join("\n");
    let session = noah.trim_start_matches("roster=");
    for secret in ["rsk_", "rsg_", session, "hush"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e3_nginx_logs_why(pool: PgPool) {
    logs_why(pool, Proxy::Nginx).await;
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e3_traefik_logs_why(pool: PgPool) {
    logs_why(pool, Proxy::Traefik).await;
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e3_envoy_logs_why(pool: PgPool) {
    logs_why(pool, Proxy::Envoy).await;
}
