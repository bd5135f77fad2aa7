//! The reverse proxies of `docs/gateways` between clients and a service: each lets through whom Roster names, and
//! nobody else.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use sqlx::PgPool;

use crate::roster::{
    Answer, ENDPOINT, FOREIGN, FOREIGN_ENDPOINT, Folder, Process, Roster, USE, ask, document, find, free_port,
    until_listening,
};

/// A service that answers 200 to everything, tries to set the console's cookie, and keeps what it was asked.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) port: u16,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Service {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let service = Self {
            port: listener.local_addr().unwrap().port(),
            asked: Arc::default(),
        };
        let asked = Arc::clone(&service.asked);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = read(&mut stream);
                asked.lock().unwrap().push(request);
                let answer =
                    "HTTP/1.1 200 OK\r\nSet-Cookie: roster=x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nHello";
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        service
    }

    /// What it was asked since it was last looked.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

/// A request, to its end.
pub(crate) fn read(stream: &mut TcpStream) -> String {
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut text = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = stream.read(&mut piece).unwrap();
        text.extend_from_slice(&piece[..count]);
        let read = String::from_utf8_lossy(&text);
        if let Some((head, body)) = read.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse::<usize>()
                    .ok()
            });
            if body.len() >= length.unwrap_or(0) {
                return read.into_owned();
            }
        }
        assert!(count > 0, "{read}");
    }
}

/// The value of a header in what the service was asked.
fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let values: Vec<_> = request
        .lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .collect();
    assert!(values.len() < 2, "{name} twice: {request}");
    values.first().copied()
}

/// A reverse proxy of `docs/gateways`. nginx serves each endpoint under a path of its own, the others serve one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proxy {
    Nginx,
    Traefik,
    Envoy,
}

pub(crate) struct ProxySetup {
    pub(crate) proxy: Proxy,
    roster: Roster,
    pub(crate) service: Service,
    pub(crate) port: u16,
    folder: Folder,
    _process: Process,
}

impl ProxySetup {
    /// Nothing if it is to be left out.
    async fn start(pool: PgPool, proxy: Proxy) -> Option<Self> {
        Self::start_with(pool, proxy, ToOwned::to_owned).await
    }

    /// With a change to nginx's file.
    async fn start_with(pool: PgPool, proxy: Proxy, change: fn(&str) -> String) -> Option<Self> {
        Self::begin(pool, proxy, change, |port| port, Service::start()).await
    }

    /// Before another service.
    pub(crate) async fn start_before(pool: PgPool, proxy: Proxy, service: Service) -> Option<Self> {
        Self::begin(pool, proxy, ToOwned::to_owned, |port| port, service).await
    }

    /// With something between the proxy and Roster's port.
    async fn begin(
        pool: PgPool,
        proxy: Proxy,
        change: fn(&str) -> String,
        between: fn(u16) -> u16,
        service: Service,
    ) -> Option<Self> {
        let program = find(match proxy {
            Proxy::Nginx => "nginx",
            Proxy::Traefik => "traefik",
            Proxy::Envoy => "envoy",
        })?;
        let (roster, port) = (Roster::start(pool, "server").await, free_port());
        let folder = Folder::new(&std::env::temp_dir(), "proxy");
        let mut command = Command::new(program);
        match proxy {
            Proxy::Nginx => nginx(&mut command, &folder, &roster, (service.port, port), change),
            Proxy::Traefik => traefik(&mut command, &folder, &roster, service.port, port),
            Proxy::Envoy => envoy(
                &mut command,
                &folder,
                &roster,
                (service.port, port),
                between(roster.port),
            ),
        }
        let process = Process::start(&mut command);
        until_listening(port);
        let setup = Self {
            proxy,
            roster,
            service,
            port,
            folder,
            _process: process,
        };
        // Traefik listens before it has read what it is to do.
        for _ in 0..100 {
            if setup.get(&[]).status != 404 {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(setup)
    }

    /// Where the endpoint of `ml-research` is served.
    pub(crate) fn path(&self, rest: &str) -> String {
        match self.proxy {
            Proxy::Nginx => format!("/endpoints/{ENDPOINT}/{rest}"),
            Proxy::Traefik | Proxy::Envoy => format!("/{rest}"),
        }
    }

    fn get(&self, headers: &[(&str, &str)]) -> Answer {
        ask(self.port, "GET", &self.path("x"), headers, "")
    }

    fn with_key(&self, key: &str) -> Answer {
        self.get(&[("Authorization", &format!("Bearer {key}"))])
    }

    /// The lines of its access log.
    fn log(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.0.join(LOG)).unwrap_or_default();
        text.lines().map(ToOwned::to_owned).collect()
    }

    /// The last line of its log, once the log is so: it is written after the answer.
    #[track_caller]
    fn last_logged(&self, is_so: impl Fn(&[String]) -> bool) -> String {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let lines = self.log();
            if let Some(last) = lines.last()
                && is_so(&lines)
            {
                return last.clone();
            }
            assert!(Instant::now() < deadline, "{lines:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What its log says of a request.
    #[track_caller]
    fn logged(&self, headers: &[(&str, &str)]) -> String {
        let known = self.log().len();
        ask(self.port, "GET", &self.path("x?token=hush"), headers, "");
        self.last_logged(|lines| lines.len() > known)
    }
}

/// Where the proxies write their access log, in the folder of the test.
const LOG: &str = "access.log";

fn nginx(
    command: &mut Command,
    folder: &Folder,
    roster: &Roster,
    (service, port): (u16, u16),
    change: fn(&str) -> String,
) {
    let token = format!("proxy_set_header X-Roster-Gateway \"{}\";", roster.token);
    let token = folder.write("token", &token);
    let config = document(
        "nginx.conf",
        &[
            ("127.0.0.1:3000", &format!("127.0.0.1:{}", roster.port)),
            ("127.0.0.1:9000", &format!("127.0.0.1:{service}")),
            ("127.0.0.1:8080", &format!("127.0.0.1:{port}")),
            ("/etc/nginx/roster-gateway-token", token.to_str().unwrap()),
            (
                "/var/log/nginx/roster-gateway.log",
                folder.0.join(LOG).to_str().unwrap(),
            ),
        ],
    );
    let config = change(&config);
    // What a machine's own nginx.conf says around it; one process, so that there is one to stop.
    let here = folder.0.display();
    let around = format!(
        "daemon off; master_process off; pid {here}/pid; error_log {here}/error.log;
         events {{}}
         http {{
             access_log off;
             client_body_temp_path {here}/body; proxy_temp_path {here}/proxy; fastcgi_temp_path {here}/fastcgi;
             uwsgi_temp_path {here}/uwsgi; scgi_temp_path {here}/scgi;
             {config}
         }}"
    );
    let config = folder.write("nginx.conf", &around);
    command.arg("-p").arg(&folder.0).arg("-c").arg(config);
}

fn traefik(command: &mut Command, folder: &Folder, roster: &Roster, service: u16, port: u16) {
    let config = document(
        "traefik.yml",
        &[
            ("http://127.0.0.1:3000", &roster.url()),
            ("127.0.0.1:9000", &format!("127.0.0.1:{service}")),
            ("01900000-0000-7000-8000-000000000000", ENDPOINT),
            ("Host(`services.example.com`)", "Host(`127.0.0.1`)"),
            // No certificate here.
            ("      tls: {}\n", ""),
        ],
    );
    let config = folder.write("dynamic.yml", &config);
    command
        .env("ROSTER_GATEWAY_TOKEN", &roster.token)
        .arg(format!("--entrypoints.websecure.address=127.0.0.1:{port}"))
        .arg("--entrypoints.websecure.http.aliasheadersstrategy=delete")
        .arg(format!("--accesslog.filepath={}", folder.0.join(LOG).display()))
        .args([
            "--accesslog.format=json",
            "--accesslog.fields.headers.names.X-Roster-Reason=keep",
            "--accesslog.fields.names.RequestPath=drop",
        ])
        .arg(format!("--providers.file.filename={}", config.display()))
        .args([
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
            "--log.level=FATAL",
        ])
        .current_dir(&folder.0);
}

fn envoy(command: &mut Command, folder: &Folder, roster: &Roster, (service, port): (u16, u16), asked: u16) {
    let config = document(
        "envoy.yaml",
        &[
            ("port_value: 3000", &format!("port_value: {asked}")),
            ("port_value: 9000", &format!("port_value: {service}")),
            ("port_value: 8080", &format!("port_value: {port}")),
            ("01900000-0000-7000-8000-000000000000", ENDPOINT),
            ("rsg_…", &roster.token),
            ("/dev/stdout", folder.0.join(LOG).to_str().unwrap()),
        ],
    );
    let config = folder.write("envoy.yaml", &config);
    command
        .arg("-c")
        .arg(config)
        .args(["--concurrency", "1", "--disable-hot-restart", "--log-level", "off"])
        .args(["--file-flush-interval-msec", "100"])
        .current_dir(&folder.0);
}

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

/// nginx tells endpoints apart by their paths: one that leads from one to another is asked for, and served, as where it
/// leads to.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e3_nginx_asks_for_where_a_path_leads_to(pool: PgPool) {
    let Some(mut setup) = ProxySetup::start(pool, Proxy::Nginx).await else {
        return;
    };
    let foreign = format!("Bearer {FOREIGN}");
    let foreign = [("Authorization", foreign.as_str())];
    let own = format!("endpoint/{FOREIGN_ENDPOINT}");
    for between in ["..", "%2e%2e", "x/../..", "..%2f", "./.."] {
        let to_own = format!("/endpoints/{ENDPOINT}/{between}/{FOREIGN_ENDPOINT}/a%20b");
        assert_eq!(ask(setup.port, "GET", &to_own, &foreign, "").status, 200, "{to_own}");
        let asked = setup.service.asked();
        assert!(asked[0].starts_with("GET /a%20b HTTP/1.1"), "{to_own}: {asked:?}");
        assert_eq!(header(&asked[0], "X-Roster-Resource"), Some(own.as_str()), "{to_own}");
        let away = format!("/endpoints/{FOREIGN_ENDPOINT}/{between}/{ENDPOINT}/a%20b");
        assert_eq!(ask(setup.port, "GET", &away, &foreign, "").status, 403, "{away}");
        assert_eq!(setup.service.asked(), [""; 0], "{away}");
    }
    // A line break keeps no rule of the file from matching: the service doesn't get the path as the client wrote it.
    let broken = format!("/endpoints/{ENDPOINT}/../{FOREIGN_ENDPOINT}/a%0ab");
    assert_eq!(ask(setup.port, "GET", &broken, &foreign, "").status, 200);
    let asked = setup.service.asked();
    assert!(asked[0].starts_with("GET /a%0Ab HTTP/1.1"), "{asked:?}");
    let olivia = setup.roster.cookie("olivia@acme.test").await;
    let olivia = [("Cookie", olivia.as_str())];
    for elsewhere in ["/", "/_roster", "/endpoints/", "/endpoints/x/", "/gateway/authorize"] {
        assert_eq!(
            ask(setup.port, "GET", elsewhere, &olivia, "").status,
            404,
            "{elsewhere}"
        );
    }
    setup.roster.stop();
    let away = setup.get(&olivia);
    assert!(away.status == 503 && away.head.contains("retry-after: 1"), "{away:?}");
    assert_eq!(setup.service.asked(), [""; 0]);
}

/// A proxy between a gateway and Roster that resolves paths, as nginx does with `proxy_pass http://roster/`: what it is
/// asked leads where the client's path leads it.
fn resolving(to: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // It ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let request = read(&mut stream);
            let (line, rest) = request.split_once("\r\n").unwrap();
            let mut words = line.split(' ');
            let (method, path) = (words.next().unwrap(), words.next().unwrap());
            let mut resolved = Vec::new();
            for part in path.replace("%2e", ".").replace("%2f", "/").split('/') {
                match part {
                    "" | "." => {}
                    ".." => drop(resolved.pop()),
                    part => resolved.push(part.to_owned()),
                }
            }
            let request = format!(
                "{method} /{} HTTP/1.1\r\nConnection: close\r\n{rest}",
                resolved.join("/")
            );
            let mut roster = TcpStream::connect(("127.0.0.1", to)).unwrap();
            roster.write_all(request.as_bytes()).unwrap();
            let mut answer = Vec::new();
            roster.read_to_end(&mut answer).unwrap();
            stream.write_all(&answer).unwrap();
        }
    });
    port
}

/// When it succeeded: behind Envoy's file as it was, and a proxy that resolves paths before Roster, `/../../healthz`
/// was asked for as `/gateway/authorize/../../healthz`, which was `/healthz`: 200, and nobody in particular was let in.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e3_envoy_asks_roster_whatever_path_it_is_sent(pool: PgPool) {
    let Some(setup) = ProxySetup::begin(pool, Proxy::Envoy, ToOwned::to_owned, resolving, Service::start()).await
    else {
        return;
    };
    for path in [
        "/../../healthz",
        "/%2e%2e/%2e%2e/healthz",
        "/..%2f..%2fhealthz",
        "/x/../../../../healthz",
        "//healthz",
    ] {
        let answer = ask(setup.port, "GET", path, &[], "");
        assert!(matches!(answer.status, 400 | 401), "{path}: {answer:?}");
    }
    assert_eq!(setup.service.asked(), [""; 0]);
}

/// nginx's file with the lines that send browsers to sign in.
fn with_sign_in(config: &str) -> String {
    let (before, lines) = config.split_once("    #error_page 401").unwrap();
    let (lines, after) = lines.split_once("    #}\n").unwrap();
    let lines = lines.replace("\n    #", "\n    ");
    format!("{before}    error_page 401{lines}    }}\n{after}")
}

/// If it is told to, nginx sends browsers of people who aren't signed in to the console; all others are told no as
/// ever.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e3_nginx_sends_browsers_to_sign_in_and_nobody_else(pool: PgPool) {
    let Some(setup) = ProxySetup::start_with(pool, Proxy::Nginx, with_sign_in).await else {
        return;
    };
    let page = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    let answer = setup.get(&[page]);
    let to = "location: https://roster.example.com/sign-in";
    assert!(
        answer.status == 302 && answer.head.lines().any(|line| line == to),
        "{answer:?}"
    );
    let path = setup.path("x");
    let bearer = ("Authorization", "Bearer rsk_nothing");
    let others: [(&str, &[(&str, &str)]); 5] = [
        ("GET", &[]),
        ("GET", &[("Accept", "*/*")]),
        ("POST", &[page]),
        ("HEAD", &[page]),
        ("GET", &[page, bearer]),
    ];
    for (method, headers) in others {
        let answer = ask(setup.port, method, &path, headers, "");
        assert!(
            answer.status == 401 && answer.head.contains("www-authenticate: bearer"),
            "{method} {headers:?}: {answer:?}"
        );
    }
    let noah = setup.roster.cookie("noah@acme.test").await;
    assert_eq!(setup.get(&[page, ("Cookie", &noah)]).status, 403);
    assert_eq!(setup.service.asked(), [""; 0]);
    let mia = setup.roster.cookie("mia@acme.test").await;
    assert_eq!(setup.get(&[page, ("Cookie", &mia)]).status, 200);
}
