//! The SSH keys that nodes of clusters ask for.

use super::{CLUSTER, FOREIGN_CLUSTER, TestGateway};
use sqlx::PgPool;

/// E4: the keys of the project's present collaborators, and of nobody else.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e4_a_node_is_told_the_keys_of_present_collaborators(pool: PgPool) {
    let gateway = TestGateway::new(pool).await;
    // Everybody has a key; Maya has two.
    gateway
        .run(
            "INSERT INTO ssh_keys (id, user_id, name, algorithm, public_key, fingerprint, created_at)
             SELECT gen_random_uuid(), id, 'Key', 'ssh-ed25519', 'ssh-ed25519 ' || split_part(email, '@', 1),
                 'SHA256:' || email, now()
             FROM users",
        )
        .await;
    let lines = async |query: &str| lines_of(&gateway, query).await;
    let here = format!("cluster={CLUSTER}&user=ubuntu");
    let mut everybody = lines(&here).await;
    everybody.sort();
    let mut expected = [
        "ssh-ed25519 adam adam@acme.test",
        "ssh-ed25519 eve eve@partner.test",
        "ssh-ed25519 maya maya@acme.test",
        "ssh-ed25519 x maya@acme.test",
        "ssh-ed25519 mia mia@acme.test",
        "ssh-ed25519 olivia olivia@acme.test",
    ];
    expected.sort_unstable();
    assert_eq!(everybody, expected);
    assert_eq!(
        lines(&format!("cluster={FOREIGN_CLUSTER}&user=ubuntu")).await,
        ["ssh-ed25519 adam adam@acme.test", "ssh-ed25519 olivia olivia@acme.test"]
    );
    // With the fingerprint of the key that is shown, that one alone.
    let one = |email: &str| format!("{here}&fingerprint=SHA256:{email}");
    assert_eq!(lines(&one("mia@acme.test")).await, ["ssh-ed25519 mia mia@acme.test"]);
    for other in ["noah@acme.test", "stranger@elsewhere.test", "nobody@nowhere.test"] {
        assert_eq!(lines(&one(other)).await, [""; 0], "{other}");
    }

    // Which logins: every one but root's, or the one the cluster names.
    assert_eq!(lines(&here.replace("ubuntu", "anybody")).await.len(), 6);
    assert_eq!(lines(&here.replace("ubuntu", "root")).await, [""; 0]);
    assert_eq!(lines(&one("mia@acme.test").replace("ubuntu", "root")).await, [""; 0]);
    for (named, login, count) in [
        ("ubuntu", "ubuntu", 6),
        ("ubuntu", "root", 0),
        ("root", "root", 6),
        ("root", "ubuntu", 0),
    ] {
        sqlx::query("UPDATE resources SET details = jsonb_build_object('ssh_login', $1::text) WHERE kind = 'cluster'")
            .bind(named)
            .execute(&gateway.app.pool)
            .await
            .unwrap();
        assert_eq!(
            lines(&here.replace("ubuntu", login)).await.len(),
            count,
            "{named} {login}"
        );
    }
    gateway
        .run("UPDATE resources SET details = '{}' WHERE kind = 'cluster'")
        .await;

    // E5: whoever is removed, whose access ended, who has no key any more.
    gateway.run("DELETE FROM collaborators WHERE name = 'Mia Muster'").await;
    gateway
        .run("UPDATE collaborators SET expires_at = now() WHERE name = 'Eve External'")
        .await;
    gateway
        .run("DELETE FROM ssh_keys WHERE public_key = 'ssh-ed25519 x'")
        .await;
    let left = lines(&here).await;
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(
        !left.iter().any(|line| line.contains("mia") || line.contains("eve")),
        "{left:?}"
    );
    for gone in ["mia@acme.test", "eve@partner.test"] {
        assert_eq!(lines(&one(gone)).await, [""; 0], "{gone}");
    }
}

/// The lines that a node is told.
async fn lines_of(gateway: &TestGateway, query: &str) -> Vec<String> {
    let answer = gateway.authorized_keys(query).await;
    assert_eq!(answer.status, 200, "{query}");
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.text.is_empty() || answer.text.ends_with('\n'));
    answer.text.lines().map(ToOwned::to_owned).collect()
}
