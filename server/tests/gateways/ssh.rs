//! sshd with `docs/gateways/sshd_config`, as on a node of a cluster, and real logins.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use sqlx::PgPool;

use crate::roster::{CLUSTER, Folder, Process, Roster, document, find, free_port, until_listening};

/// Runs a program that must succeed.
fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
}

/// A user of this machine that goes with the test.
struct Login(String);

impl Login {
    fn new() -> Self {
        let name = format!("roster-{}", std::process::id());
        // `*` is no password, and not a locked account either: sshd lets nobody into a locked one.
        run(
            "useradd",
            &[
                "--no-create-home",
                "--home-dir",
                "/",
                "--shell",
                "/bin/sh",
                "--password",
                "*",
                &name,
            ],
        );
        Self(name)
    }
}

impl Drop for Login {
    fn drop(&mut self) {
        drop(Command::new("userdel").arg(&self.0).stderr(Stdio::null()).status());
    }
}

struct Node {
    roster: Roster,
    port: u16,
    login: Login,
    folder: Folder,
    _sshd: Process,
}

impl Node {
    /// Nothing if sshd is to be left out.
    async fn start(pool: PgPool) -> Option<Self> {
        let program = find("sshd")?;
        let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
        assert!(
            is_root,
            "sshd logs others in as root only: ROSTER_TEST_SKIP=sshd leaves it out"
        );
        // sshd wants it there, and on some machines only its service makes it.
        fs::create_dir_all("/run/sshd").unwrap();
        let roster = Roster::start(pool, "node-server").await;
        // sshd runs a command only if root alone could have changed it: not in /tmp.
        let folder = Folder::new(Path::new("/var/lib"), "node");
        let file = |name: &str| folder.0.join(name).to_str().unwrap().to_owned();
        let (command, token, host_key) = (file("roster"), file("token"), file("host_key"));
        fs::copy(env!("CARGO_BIN_EXE_roster"), &command).unwrap();
        folder.write("token", &roster.token);
        run("chmod", &["0400", &token]);
        run("chown", &["nobody", &token]);
        run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &host_key]);
        let config = document(
            "sshd_config",
            &[
                ("/usr/local/bin/roster", &command),
                ("https://roster.example.com", &roster.url()),
                ("/etc/roster/gateway-token", &token),
                ("01900000-0000-7000-8000-000000000000", CLUSTER),
                (
                    "AuthorizedKeysCommandUser roster-keys",
                    "AuthorizedKeysCommandUser nobody",
                ),
            ],
        );
        let port = free_port();
        run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &file("ca")]);
        // What a node's own sshd_config says beside it: one that trusts certificates, too.
        let config = format!(
            "{config}\nPort {port}\nListenAddress 127.0.0.1\nHostKey {host_key}\nPidFile none\nUsePAM no\n\
             TrustedUserCAKeys {}\n",
            file("ca.pub"),
        );
        let config = folder.write("sshd_config", &config);
        let log = fs::File::create(folder.0.join("log")).unwrap();
        let sshd = Process::start(
            Command::new(program)
                .arg("-D")
                .arg("-e")
                .arg("-f")
                .arg(config)
                .stderr(log),
        );
        until_listening(port);
        Some(Self {
            roster,
            port,
            login: Login::new(),
            folder,
            _sshd: sshd,
        })
    }

    /// A new key, put into the person's account.
    async fn key_of(&self, email: &str) -> PathBuf {
        let key = self.folder.0.join(email);
        run(
            "ssh-keygen",
            &[
                "-q",
                "-t",
                "ed25519",
                "-N",
                "",
                "-C",
                email,
                "-f",
                key.to_str().unwrap(),
            ],
        );
        let public = fs::read_to_string(key.with_extension("test.pub")).unwrap();
        let fields = [("name", ""), ("public_key", public.as_str())];
        self.roster.post("/api/add_ssh_key", &fields, email).await;
        key
    }

    /// A key that no account has, with a certificate for the login by somebody whom the machine trusts.
    fn certified(&self) -> PathBuf {
        let (key, ca) = (self.folder.0.join("certified"), self.folder.0.join("ca"));
        let (key, ca) = (key.to_str().unwrap(), ca.to_str().unwrap());
        run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", key]);
        let public = format!("{key}.pub");
        run(
            "ssh-keygen",
            &["-q", "-s", ca, "-I", "somebody", "-n", &self.login.0, &public],
        );
        key.into()
    }

    fn ssh(&self, login: &str, key: &Path) -> Output {
        let (key, port) = (key.to_str().unwrap(), self.port.to_string());
        Command::new("ssh")
            .args(["-F", "/dev/null", "-i", key, "-p", &port])
            .args([
                "-o",
                "IdentitiesOnly=yes",
                "-o",
                "IdentityAgent=none",
                "-o",
                "BatchMode=yes",
                "-o",
                "LogLevel=ERROR",
            ])
            .args([
                "-o",
                "StrictHostKeyChecking=no",
                "-o",
                "UserKnownHostsFile=/dev/null",
                "-o",
                "ConnectTimeout=20",
            ])
            .args([&format!("{login}@127.0.0.1"), "id -un"])
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    #[track_caller]
    fn lets_in(&self, key: &Path) {
        let output = self.ssh(&self.login.0, key);
        let log = fs::read_to_string(self.folder.0.join("log")).unwrap();
        assert!(output.status.success(), "{output:?}\n{log}");
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), self.login.0);
    }

    #[track_caller]
    fn turns_away(&self, login: &str, key: &Path) {
        let output = self.ssh(login, key);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{login}");
        assert!(error.contains("Permission denied (publickey)"), "{error}");
    }
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e4_present_collaborators_log_in_to_a_cluster_and_nobody_else(pool: PgPool) {
    let Some(mut node) = Node::start(pool).await else {
        return;
    };
    let mia = node.key_of("mia@acme.test").await;
    let eve = node.key_of("eve@partner.test").await;
    let olivia = node.key_of("olivia@acme.test").await;
    let noah = node.key_of("noah@acme.test").await;
    let login = node.login.0.clone();
    for key in [&mia, &eve, &olivia] {
        node.lets_in(key);
    }
    // Noah is in the organization and not in the project; and root's login is nobody's.
    node.turns_away(&login, &noah);
    node.turns_away("root", &olivia);
    // When it succeeded: whoever the machine's own authority had signed for was let in, and Roster wasn't asked.
    node.turns_away(&login, &node.certified());

    // E5: at the next login.
    node.roster.remove("mia@acme.test").await;
    node.turns_away(&login, &mia);
    node.roster
        .run("UPDATE collaborators SET expires_at = now() WHERE name = 'Eve External'")
        .await;
    node.turns_away(&login, &eve);
    node.lets_in(&olivia);

    // E6: nobody gets in by Roster's being away.
    node.roster.stop();
    node.turns_away(&login, &olivia);
    node.roster.go_on();
    node.lets_in(&olivia);
    node.roster.run("UPDATE gateway_tokens SET revoked_at = now()").await;
    node.turns_away(&login, &olivia);
}
