//! `roster authorized-keys` as a program: the keys, or nothing and one line (E4, E6).

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    process::{Command, Output},
    time::{Duration, Instant},
};

use sqlx::PgPool;

use crate::roster::{CLUSTER, Folder, Process, Roster, find, free_port, until_listening};

/// A machine that is no server: a token's file, a broken configuration, and no database.
struct Machine {
    folder: Folder,
}

impl Machine {
    fn new(token: &str) -> Self {
        let folder = Folder::new(&std::env::temp_dir(), "machine");
        folder.write("roster.toml", "of some other program");
        let file = folder.write("token", &format!("{token}\n"));
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
        Self { folder }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_roster"));
        command
            .arg("authorized-keys")
            .args(arguments)
            .current_dir(&self.folder.0)
            .env_clear()
            .env("DATABASE_URL", "mysql://nonsense");
        command
    }

    fn run(&self, url: &str) -> Output {
        let asked = [
            "--cluster",
            CLUSTER,
            "--user",
            "ubuntu",
            "--token-file",
            "token",
            "--url",
            url,
        ];
        self.command(&asked).output().unwrap()
    }

    /// What it ends with, having printed no key.
    #[track_caller]
    fn error(&self, url: &str) -> String {
        error(self.run(url))
    }
}

#[track_caller]
fn error(output: Output) -> String {
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(!error.contains("rsg_"), "{error}");
    error
}

/// A server that answers this to the first who asks, and stays silent after.
fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).unwrap() > 0);
        stream.write_all(answer.as_bytes()).unwrap();
        // Whoever waits for more waits in vain.
        std::thread::sleep(Duration::from_secs(30));
    });
    url
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e4_the_keys_are_printed_or_nothing_is(pool: PgPool) {
    let mut roster = Roster::start(pool, "keys-server").await;
    roster
        .run(
            "INSERT INTO ssh_keys (id, user_id, name, algorithm, public_key, fingerprint, created_at)
             SELECT gen_random_uuid(), id, 'Key', 'ssh-ed25519', 'ssh-ed25519 ' || split_part(email, '@', 1),
             'SHA256:' || email, now()
             FROM users WHERE email LIKE 'm%'",
        )
        .await;
    let machine = Machine::new(&roster.token);
    let printed = |output: Output| {
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let both = "ssh-ed25519 maya maya@acme.test\nssh-ed25519 mia mia@acme.test\n";
    assert_eq!(printed(machine.run(&roster.url())), both);
    // The same by the environment; and one key, for who shows it.
    let mut command = machine.command(&[
        "--cluster",
        CLUSTER,
        "--user",
        "ubuntu",
        "--fingerprint",
        "SHA256:mia@acme.test",
    ]);
    command
        .env("ROSTER_URL", roster.url())
        .env("ROSTER_GATEWAY_TOKEN_FILE", "token");
    assert_eq!(printed(command.output().unwrap()), "ssh-ed25519 mia mia@acme.test\n");
    let nobody = machine.command(&[
        "--cluster",
        "x",
        "--user",
        "ubuntu",
        "--token-file",
        "token",
        "--url",
        &roster.url(),
    ]);
    assert_eq!(printed({ nobody }.output().unwrap()), "");
    let root = machine.command(&[
        "--cluster",
        CLUSTER,
        "--user",
        "root",
        "--token-file",
        "token",
        "--url",
        &roster.url(),
    ]);
    assert_eq!(printed({ root }.output().unwrap()), "");

    let bad = machine.command(&[
        "--cluster",
        CLUSTER,
        "--user",
        "a b",
        "--token-file",
        "token",
        "--url",
        &roster.url(),
    ]);
    let said = error({ bad }.output().unwrap());
    assert!(said.contains("400 (malformed)"), "{said}");
    roster.run("UPDATE gateway_tokens SET revoked_at = now()").await;
    let said = machine.error(&roster.url());
    assert!(said.contains("401 (gateway_unknown)"), "{said}");
    roster.stop();
    let said = machine.error(&roster.url());
    assert!(said.contains("does not answer"), "{said}");
}

/// Over https it trusts what the machine trusts, and nothing else.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e4_over_https_the_server_is_known_by_its_certificate(pool: PgPool) {
    let Some(nginx) = find("nginx") else { return };
    let roster = Roster::start(pool, "https-server").await;
    let machine = Machine::new(&roster.token);
    let folder = &machine.folder.0;
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args([
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-keyout",
            "key",
            "-out",
            "certificate",
        ])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let (here, port) = (folder.display(), free_port());
    let config = machine.folder.write(
        "nginx.conf",
        &format!(
            "daemon off; master_process off; pid {here}/pid; error_log {here}/error.log;
             events {{}}
             http {{
                 access_log off; proxy_temp_path {here}/proxy; client_body_temp_path {here}/body;
                 fastcgi_temp_path {here}/fastcgi; uwsgi_temp_path {here}/uwsgi; scgi_temp_path {here}/scgi;
                 server {{
                     listen 127.0.0.1:{port} ssl;
                     ssl_certificate {here}/certificate;
                     ssl_certificate_key {here}/key;
                     location / {{ proxy_pass http://127.0.0.1:{}; }}
                 }}
             }}",
            roster.port
        ),
    );
    let _nginx = Process::start(Command::new(nginx).arg("-p").arg(folder).arg("-c").arg(config));
    until_listening(port);
    let url = format!("https://localhost:{port}");
    let ask = |url: &str, certificates: &str| {
        let asked = [
            "--cluster",
            CLUSTER,
            "--user",
            "ubuntu",
            "--token-file",
            "token",
            "--url",
            url,
        ];
        machine
            .command(&asked)
            .env("SSL_CERT_FILE", certificates)
            .output()
            .unwrap()
    };
    let output = ask(&url, "certificate");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    // Another's certificate, another's name.
    let empty = machine.folder.write("none", "");
    let said = error(ask(&url, empty.to_str().unwrap()));
    assert!(said.contains("certificate"), "{said}");
    let said = error(ask(&format!("https://127.0.0.1:{port}"), "certificate"));
    assert!(said.contains("certificate"), "{said}");
}

#[test]
fn e6_what_is_no_list_of_keys_prints_nothing() {
    let machine = Machine::new("rsg_nevernevernevernevernevernevernevernevernev0yn1Oc");
    let nobody = format!("http://127.0.0.1:{}", free_port());
    for (url, says) in [
        (nobody.as_str(), "does not answer"),
        ("http://roster.example.com", "in the clear"),
        ("https://roster.example.com/console", "a URL without a path"),
        ("nonsense", "a URL without a path"),
    ] {
        let said = machine.error(url);
        assert!(said.contains(says), "{said}");
    }
    for (answer, says) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nkey\n",
            "no list of keys",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkey\n", "no list of keys"),
        (
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
            "answered 302",
        ),
        ("HTTP/1.1 204 No Content\r\n\r\n", "answered 204"),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nkey",
            "to the end",
        ),
        ("SSH-2.0-nonsense\r\n", "does not answer"),
    ] {
        let said = machine.error(&answering(answer));
        assert!(said.contains(says), "{answer:?}: {said}");
    }
    // One that takes its time is not waited for: nor in the middle of the answer.
    for silent in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nssh-ed25519 x\n",
    ] {
        let begin = Instant::now();
        machine.error(&answering(silent));
        let took = begin.elapsed();
        assert!((4..7).contains(&took.as_secs()), "{silent:?}: {took:?}");
    }
}

#[test]
fn a3_a_token_that_everybody_can_read_is_not_used() {
    let machine = Machine::new("rsg_nevernevernevernevernevernevernevernevernev0yn1Oc");
    let url = format!("http://127.0.0.1:{}", free_port());
    let file = machine.folder.0.join("token");
    let said = |mode: u32| {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        machine.error(&url)
    };
    assert!(said(0o644).contains("open to everybody"));
    assert!(said(0o602).contains("open to everybody"));
    assert!(said(0o640).contains("does not answer"), "its group may read it");
    fs::write(&file, "rsk_use0use0use0use0use0use0use0use0use0use0use1NA3Cd").unwrap();
    assert!(said(0o600).contains("does not hold a gateway token"));
    fs::remove_file(&file).unwrap();
    assert!(machine.error(&url).contains("cannot be read"));
    let without = |arguments: &[&str]| error(machine.command(arguments).output().unwrap());
    let asked = ["--cluster", CLUSTER, "--user", "ubuntu"];
    assert!(without(&asked).contains("--url"));
    assert!(without(&[&asked[..], &["--url", &url]].concat()).contains("--token-file"));
}
