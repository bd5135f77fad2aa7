//! J10: somebody registers another person's SSH public key, and keeps them from using it.

use std::{fs, path::PathBuf, process::Command};

use axum::http::Method;
use serde_json::Value;
use sqlx::PgPool;

use crate::test_app::{Ask, TestApp, Who};

/// A key pair of ssh-keygen's, in a folder that goes with the test.
struct KeyPair(PathBuf);

impl KeyPair {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("roster-key-{}", uuid::Uuid::now_v7()));
        fs::create_dir(&folder).unwrap();
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "desk", "-f"])
            .arg(folder.join("key"))
            .status()
            .unwrap();
        assert!(made.success());
        Self(folder)
    }

    /// What the page's command prints.
    fn sign(&self, namespace: &str, text: &str) -> String {
        let file = self.0.join("text");
        fs::write(&file, text).unwrap();
        let signed = Command::new("ssh-keygen")
            .args(["-q", "-Y", "sign", "-n", namespace, "-f"])
            .args([self.0.join("key"), file])
            .status()
            .unwrap();
        assert!(signed.success());
        fs::read_to_string(self.0.join("text.sig")).unwrap()
    }

    fn public(&self) -> String {
        fs::read_to_string(self.0.join("key.pub")).unwrap()
    }
}

impl Drop for KeyPair {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// When it succeeded: whoever came first had the key, and its owner was told `ssh_key_taken` for good.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn j10_whoever_holds_the_private_key_gets_it_back(pool: PgPool) {
    let app = TestApp::new(pool).await;
    let key = KeyPair::new();
    let public = key.public();
    let add = async |who, signature: &str| {
        let form = [("name", ""), ("public_key", public.as_str()), ("signature", signature)];
        app.ask(Ask::post("/api/add_ssh_key", form).by(who)).await
    };
    let first = add(Who::Stranger, "").await;
    assert_eq!(first.status, 200, "{}", first.text);
    let owner = add(Who::Member, "").await;
    assert_eq!(owner.status, 409, "{}", owner.text);
    assert!(owner.text.contains("ssh_key_needs_proof"), "{}", owner.text);

    let mut page = Ask::get("/api/ssh_keys").by(Who::Member);
    page.method = Method::GET;
    let page: Value = serde_json::from_str(&app.ask(page).await.text).unwrap();
    let proof = |name: &str| page["proof"][name].as_str().unwrap().to_owned();
    assert_eq!(proof("namespace"), "roster@127.0.0.1");
    let signature = key.sign(&proof("namespace"), &proof("text"));
    // A signature made for somebody else's account is none.
    assert_eq!(add(Who::Admin, &signature).await.status, 422);
    let owner = add(Who::Member, &signature).await;
    assert_eq!(owner.status, 200, "{}", owner.text);
    let holders: Vec<String> = sqlx::query_scalar(
        "SELECT u.email FROM ssh_keys k JOIN users u ON u.id = k.user_id WHERE k.proved_at IS NOT NULL",
    )
    .fetch_all(&app.pool)
    .await
    .unwrap();
    assert_eq!(holders, ["mia@acme.test"]);
    assert_eq!(add(Who::Stranger, "").await.status, 409);
}
