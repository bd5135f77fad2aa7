//! E4: SSH public keys: one person's each, good enough, and taken away at once.

use policy::{Refusal, SshKeyFormat, SshKeyId};
use sqlx::PgPool;
use uuid::Uuid;

use super::fixture::{Person, Tenant, count, in_days, origin, refusal, sql};
use crate::{Directory, Principal, SshKey, SshKeyProof};

const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAII2jiQYn6QCVghbfu7nROqyNNkp/HwZazGC2WsIfDiLh";
const ED25519_FINGERPRINT: &str = "SHA256:Hl7ZF9ciB8hoCIOKo5IHf+7EQNOarVb6GW4ZX0Lsjxg";
const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFmaoUD/UuBB4cEz+m5efTmO6Hf5nwqmJHrN0tQnKLd9";
const THIRD: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHoYt0MFxqjQmljX3ZoVgegc0lkuWAEc946OICRo72XV";
const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBCrQuWBAsy32l/122mh/6y889NV1SCQnKdKw1nMup4iTwA1tj2OenvCAoJoZizeKWq33in2Q6kiBaC3MN1RHChA=";
const ECDSA_FINGERPRINT: &str = "SHA256:pYKyiZoWCLZKoop40T0eeMu6outlSxhuiT2tL9ORxsU";
const RSA_2048: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCS86FSdUJ9CENVOqBcRIG80S1zYlSMp+AynzT+PV/VjM/uwLUQdWcrVhAD4cRT8os+WAU5KhkULxpuUQXNoPQJeDq/gOznOHKeRI7N1UWtwjXhO9uwfrx/LJt89SE4De8Kr6EwIHE0mORWOZAbclFxmM+1UG2I5Qf5H0hwpAkEPoebiA64cuHve/Op8zpzcdFei0TRFoe4KcSk+Xt4aC2C0wYmaHzTaZRgWKPrZMm7qhzAFPVF9kfA30e/GHmca/Eb719CNhmJSENKS3blEbcRNjWLe1iE59ARmK8vMTeVo0gXg7SCsLGHg7uKxz/l5UOT09ArYtkbwz4V+Jzxkk8H";
const RSA_2048_FINGERPRINT: &str = "SHA256:DqVJTziKncg06XxHAluQTAw+ivwulM61Sze3wXxFG3o";
const RSA_1024: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC3r/4QW8ZixNipCvBFdrNmg8y1G+YNXwUYb3ooErkB0H8MEO0DgoQVwj7BBjaa+9Kj5RKA10+GJbSBFoSKlejgwn4cnChfR1FbvcUMbwVbiTnCg5GXp7RctsXkhOmKvwYE9oVT7UBuoO5NQDHVQBWCX8hnqoVE1ZfS7dWX5DDgEw==";
const CERTIFICATE: &str = "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIAnNgPeN4Dztc/YYmO9047qxUZ/sroVy27o3/qG/W0F2AAAAIFmaoUD/UuBB4cEz+m5efTmO6Hf5nwqmJHrN0tQnKLd9AAAAAAAAAAAAAAABAAAAAmlkAAAACAAAAARtYXlhAAAAAAAAAAD//////////wAAAAAAAACCAAAAFXBlcm1pdC1YMTEtZm9yd2FyZGluZwAAAAAAAAAXcGVybWl0LWFnZW50LWZvcndhcmRpbmcAAAAAAAAAFnBlcm1pdC1wb3J0LWZvcndhcmRpbmcAAAAAAAAACnBlcm1pdC1wdHkAAAAAAAAADnBlcm1pdC11c2VyLXJjAAAAAAAAAAAAAAAzAAAAC3NzaC1lZDI1NTE5AAAAII2jiQYn6QCVghbfu7nROqyNNkp/HwZazGC2WsIfDiLhAAAAUwAAAAtzc2gtZWQyNTUxOQAAAEBJgR1GSmXggk6QwJXUcfWteQTKKOPVWDxjpzKDQJ8XFQtJ418eAxMD0diAZ1mX9nfzE48i9sogxAnsWIc7YpwP";

async fn keys(d: &Directory, who: &Person) -> Vec<SshKey> {
    d.ssh_keys(&who.actor).await.unwrap()
}

/// As a person added them: the latest first, by name, kind, and the fingerprint that `ssh-keygen -l` prints.
#[sqlx::test]
async fn a_person_keeps_keys_of_every_good_kind(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, a) = (&t.directory, &t.maya.actor);
    for (name, key, called) in [
        ("Laptop", format!("  {ED25519} maya@laptop\n"), "Laptop"),
        ("  ", format!("{ECDSA} maya@desk"), "maya@desk"),
        ("", RSA_2048.to_owned(), "ssh-rsa"),
    ] {
        assert_eq!(d.add_ssh_key(a, name, &key).await.unwrap().as_str(), called);
    }
    let seen = keys(d, &t.maya).await;
    let seen: Vec<_> = seen
        .iter()
        .map(|key| (key.name.as_str(), key.algorithm.as_str(), key.fingerprint.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("ssh-rsa", "ssh-rsa", RSA_2048_FINGERPRINT),
            ("maya@desk", "ecdsa-sha2-nistp256", ECDSA_FINGERPRINT),
            ("Laptop", "ssh-ed25519", ED25519_FINGERPRINT),
        ]
    );
    assert!(keys(d, &t.noah).await.is_empty());
    // What a node will be told: without a comment, for that is the person's own.
    let lines: Vec<String> = sqlx::query_scalar("SELECT public_key FROM ssh_keys ORDER BY created_at")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(lines, [ED25519, ECDSA, RSA_2048]);
}

/// A key says whose login it is: it is not added twice, by nobody, under no name and with no other comment.
#[sqlx::test]
async fn a_key_is_one_persons(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    d.add_ssh_key(&t.maya.actor, "Laptop", &format!("{ED25519} maya@laptop"))
        .await
        .unwrap();
    for who in [&t.maya, &t.noah, &t.stranger] {
        for key in [
            ED25519.to_owned(),
            format!("{ED25519} somebody@else"),
            format!("\t{ED25519} a b c "),
        ] {
            let outcome = d.add_ssh_key(&who.actor, "Mine", &key).await;
            let expected = if who.id == t.maya.id {
                Refusal::SshKeyTaken
            } else {
                Refusal::SshKeyNeedsProof
            };
            assert_eq!(refusal(outcome), expected);
        }
    }
    assert_eq!(count(&pool, "SELECT count(*) FROM ssh_keys").await, 1);
    // Once removed, it is anybody's.
    let id = keys(d, &t.maya).await[0].id;
    assert_eq!(d.remove_ssh_key(&t.maya.actor, id).await.unwrap().as_str(), "Laptop");
    d.add_ssh_key(&t.noah.actor, "", ED25519).await.unwrap();
}

/// What is too weak, no public key, or far worse, is refused, and nothing of it is kept.
#[sqlx::test]
async fn what_is_no_good_public_key_is_refused(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let private = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
    let long = format!("{ED25519} {}", "x".repeat(20_000));
    for (key, expected) in [
        (RSA_1024, Refusal::SshKeyWeak),
        ("ssh-dss AAAAB3NzaC1kc3MAAACBAJ maya@old", Refusal::SshKeyWeak),
        (private, Refusal::SshKeyPrivate),
        ("-----BEGIN RSA PRIVATE KEY-----", Refusal::SshKeyPrivate),
        ("", Refusal::SshKeyInvalid),
        (CERTIFICATE, Refusal::SshKeyFormat(SshKeyFormat::Certificate)),
        (&ED25519[..40], Refusal::SshKeyFormat(SshKeyFormat::Cut)),
        (
            "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAII2jiQYn6QCVghbfu7nROqyNNkp/HwZazGC2WsIfDiLh",
            Refusal::SshKeyInvalid,
        ),
        (
            &format!("{ED25519}\n{OTHER}"),
            Refusal::SshKeyFormat(SshKeyFormat::Several),
        ),
        (
            &format!("from=\"192.0.2.0/24\" {ED25519}"),
            Refusal::SshKeyFormat(SshKeyFormat::Options),
        ),
        (&long, Refusal::SshKeyInvalid),
    ] {
        let outcome = t.directory.add_ssh_key(&t.maya.actor, "Laptop", key).await;
        assert_eq!(refusal(outcome), expected, "{key:.60}");
    }
    for name in ["a\u{202E}b", &"x".repeat(101)] {
        let outcome = t.directory.add_ssh_key(&t.maya.actor, name, ED25519).await;
        assert_eq!(refusal(outcome), Refusal::NameInvalid);
    }
    assert_eq!(count(&pool, "SELECT count(*) FROM ssh_keys").await, 0);
    // A3: what was typed is nowhere, least of all a private key.
    assert_eq!(
        count(
            &pool,
            "SELECT count(*) FROM audit_events e WHERE e::text LIKE '%PRIVATE%' OR e::text LIKE '%b3Blb%'"
        )
        .await,
        0
    );
}

/// Fifty keys an account; two who come at once for the last place take turns.
#[sqlx::test]
async fn an_account_has_fifty_keys_at_most(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    sql(
        &pool,
        &format!(
            "INSERT INTO ssh_keys (id, user_id, name, algorithm, public_key, fingerprint, created_at)
             SELECT gen_random_uuid(), '{}', 'Key ' || n, 'ssh-ed25519', 'key ' || n, 'print ' || n, now()
             FROM generate_series(1, 49) n",
            t.maya.id
        ),
    )
    .await;
    for _ in 0..10 {
        let (a, b) = tokio::join!(
            d.add_ssh_key(&t.maya.actor, "One", ED25519),
            d.add_ssh_key(&t.maya.actor, "Other", OTHER),
        );
        let refused = match (a, b) {
            (Ok(_), refused) | (refused, Ok(_)) => refused,
            (Err(a), Err(b)) => panic!("{a} {b}"),
        };
        assert_eq!(refusal(refused), Refusal::TooManySshKeys);
        assert_eq!(keys(d, &t.maya).await.len(), 50);
        let last = keys(d, &t.maya).await[0].id;
        d.remove_ssh_key(&t.maya.actor, last).await.unwrap();
    }
    d.add_ssh_key(&t.noah.actor, "", THIRD).await.unwrap();
}

/// P3: somebody else's key cannot be told from none, and is removed by nobody but its person.
#[sqlx::test]
async fn a_key_is_removed_by_its_own_person_alone(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    d.add_ssh_key(&t.maya.actor, "", ED25519).await.unwrap();
    let key = keys(d, &t.maya).await[0].id;
    for who in [&t.owner, &t.admin, &t.lead, &t.noah] {
        for id in [key, SshKeyId(Uuid::now_v7())] {
            assert_eq!(refusal(d.remove_ssh_key(&who.actor, id).await), Refusal::Hidden);
        }
    }
    assert_eq!(keys(d, &t.maya).await.len(), 1);
    d.remove_ssh_key(&t.maya.actor, key).await.unwrap();
    assert_eq!(refusal(d.remove_ssh_key(&t.maya.actor, key).await), Refusal::Hidden);
    assert!(keys(d, &t.maya).await.is_empty());
}

/// A1
#[sqlx::test]
async fn keys_added_and_removed_are_audited_by_their_fingerprint(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let expected = serde_json::json!({ "name": "Laptop", "fingerprint": ED25519_FINGERPRINT });
    let added = serde_json::json!({ "name": "Laptop", "fingerprint": ED25519_FINGERPRINT, "proved": false });
    let (done, events) = t.audited(d.add_ssh_key(&t.maya.actor, "Laptop", ED25519)).await;
    done.unwrap();
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (event.action.as_str(), event.actor_id, event.target_id),
        ("ssh_key:add", Some(t.maya.id.0), Some(t.maya.id.0))
    );
    assert_eq!((&event.before, event.after.as_ref()), (&None, Some(&added)));
    let key = keys(d, &t.maya).await[0].id;
    let (done, events) = t.audited(d.remove_ssh_key(&t.maya.actor, key)).await;
    done.unwrap();
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (event.action.as_str(), event.target_id),
        ("ssh_key:remove", Some(key.0))
    );
    assert_eq!((event.before.as_ref(), &event.after), (Some(&expected), &None));
}

/// What ssh-keygen signs, for whom.
struct KeyPair(std::path::PathBuf);

impl KeyPair {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("roster-key-{}", Uuid::now_v7()));
        std::fs::create_dir(&folder).unwrap();
        let pair = Self(folder);
        pair.run(&["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]);
        pair
    }

    fn run(&self, arguments: &[&str]) {
        let done = std::process::Command::new("ssh-keygen")
            .args(arguments)
            .arg(self.0.join("key"))
            .stderr(std::process::Stdio::null())
            .status();
        assert!(done.unwrap().success());
    }

    fn public(&self) -> String {
        std::fs::read_to_string(self.0.join("key.pub")).unwrap()
    }

    fn sign(&self, namespace: &str, text: &str) -> String {
        let file = self.0.join("text");
        std::fs::write(&file, text).unwrap();
        let signed = std::process::Command::new("ssh-keygen")
            .args(["-Y", "sign", "-n", namespace, "-f"])
            .args([self.0.join("key"), file.clone()])
            .stderr(std::process::Stdio::null())
            .status();
        assert!(signed.unwrap().success());
        let signature = self.0.join("text.sig");
        let text = std::fs::read_to_string(&signature).unwrap();
        std::fs::remove_file(signature).unwrap();
        text
    }
}

impl Drop for KeyPair {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// What signatures are for here.
const FOR: &str = "roster@roster.example.com";

const fn with(signature: &str) -> Option<SshKeyProof<'_>> {
    Some(SshKeyProof {
        namespace: FOR,
        signature,
    })
}

/// J10: the one who signs the text gets the key from whoever has registered it, and keeps it; both are told by the
/// audit.
#[sqlx::test]
async fn j10_the_proved_one_wins_and_stays(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, pair) = (&t.directory, KeyPair::new());
    let public = pair.public();
    d.add_ssh_key(&t.stranger.actor, "Mine", &public).await.unwrap();
    let text = d.ssh_key_text(&t.maya.actor).unwrap();
    let maya = &t.maya.actor;
    assert_eq!(
        refusal(d.add_proved_ssh_key(maya, "", &public, None).await),
        Refusal::SshKeyNeedsProof
    );
    // Not by that key, for something else, for somebody else, from another session, of another day, cut.
    let text_of = |user, session| d.ssh_key_text(&Principal::signed_in(user, session, origin())).unwrap();
    let (other, good) = (KeyPair::new(), pair.sign(FOR, &text));
    let session = policy::SessionId(Uuid::now_v7());
    let days_ago = in_days::<-2>(d).ssh_key_text(maya).unwrap();
    for signature in [
        other.sign(FOR, &text),
        pair.sign("file", &text),
        pair.sign(FOR, &text_of(t.stranger.id, maya.session().unwrap())),
        pair.sign(FOR, &text_of(t.maya.id, session)),
        pair.sign(FOR, &days_ago),
        pair.sign(FOR, "something else"),
        good[..good.len() / 2].to_owned(),
        "no signature".to_owned(),
    ] {
        let outcome = d.add_proved_ssh_key(maya, "", &public, with(&signature)).await;
        assert_eq!(refusal(outcome), Refusal::SshSignatureInvalid);
    }
    assert_eq!(keys(d, &t.stranger).await.len(), 1);

    // As a browser sends it, of a text with a line break at its end.
    let good = pair.sign(FOR, &format!("{text}\n")).replace('\n', "\r\n");
    let (done, rows) = t
        .audited(d.add_proved_ssh_key(maya, "Desk", &public, with(&good)))
        .await;
    done.unwrap();
    let rows: Vec<_> = rows.iter().map(|row| (row.action.as_str(), row.target_id)).collect();
    assert_eq!(
        rows,
        [
            ("ssh_key:add", Some(t.maya.id.0)),
            ("ssh_key:lose", Some(t.stranger.id.0))
        ]
    );
    assert!(keys(d, &t.stranger).await.is_empty());
    assert!(keys(d, &t.maya).await[0].is_proved);

    // It stays, whoever has a copy of it now.
    let stranger = &t.stranger.actor;
    let theirs = pair.sign(FOR, &d.ssh_key_text(stranger).unwrap());
    for proof in [None, with(&theirs)] {
        let outcome = d.add_proved_ssh_key(stranger, "", &public, proof).await;
        assert_eq!(refusal(outcome), Refusal::SshKeyTaken);
    }
}
