//! nginx with `docs/gateways/nginx.conf`, between clients and a service.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use sqlx::PgPool;

use crate::roster::{
    Answer, ENDPOINT, FOREIGN, FOREIGN_ENDPOINT, Folder, Process, Roster, USE, ask, document, find, free_port,
    until_listening,
};

/// A service that answers 200 to everything, tries to set the console's cookie, and keeps what it was asked.
#[derive(Clone)]
struct Service {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
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
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

/// A request, to its end.
fn read(stream: &mut TcpStream) -> String {
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

struct Gate {
    roster: Roster,
    service: Service,
    port: u16,
    _nginx: Process,
    _folder: Folder,
}

impl Gate {
    /// Nothing if nginx is to be left out.
    async fn start(pool: PgPool) -> Option<Self> {
        let program = find("nginx")?;
        let (roster, service, port) = (Roster::start(pool, "nginx-server").await, Service::start(), free_port());
        let folder = Folder::new(&std::env::temp_dir(), "nginx");
        let token = format!("proxy_set_header X-Roster-Gateway \"{}\";", roster.token);
        let token = folder.write("token", &token);
        let config = document(
            "nginx.conf",
            &[
                ("127.0.0.1:3000", &format!("127.0.0.1:{}", roster.port)),
                ("127.0.0.1:9000", &format!("127.0.0.1:{}", service.port)),
                ("127.0.0.1:8080", &format!("127.0.0.1:{port}")),
                ("/etc/nginx/roster-gateway-token", token.to_str().unwrap()),
            ],
        );
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
        let nginx = Process::start(Command::new(program).arg("-p").arg(&folder.0).arg("-c").arg(config));
        until_listening(port);
        Some(Self {
            roster,
            service,
            port,
            _nginx: nginx,
            _folder: folder,
        })
    }

    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        ask(self.port, "GET", path, headers, "")
    }

    /// The status with that API key, at the endpoint of `ml-research`.
    fn with_key(&self, key: &str) -> u16 {
        let bearer = format!("Bearer {key}");
        self.get(&path(ENDPOINT, "x"), &[("Authorization", &bearer)]).status
    }
}

fn path(endpoint: &str, rest: &str) -> String {
    format!("/endpoints/{endpoint}/{rest}")
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e3_nginx_lets_through_whom_roster_names_and_nobody_else(pool: PgPool) {
    let Some(mut gate) = Gate::start(pool).await else {
        return;
    };
    let mia = gate.roster.cookie("mia@acme.test").await;

    // A person, by their session; a program, by its key.
    let answer = gate.get(&path(ENDPOINT, "v1/chat?x=1"), &[("Cookie", &mia)]);
    assert_eq!((answer.status, answer.text.as_str()), (200, "Hello"), "{answer:?}");
    assert!(!answer.head.contains("set-cookie"), "{answer:?}");
    let asked = gate.service.asked();
    let [request] = &asked[..] else { panic!("{asked:?}") };
    assert!(request.starts_with("GET /v1/chat?x=1 HTTP/1.1"), "{request}");
    let id = gate.roster.id("mia@acme.test").await;
    let resource = format!("endpoint/{ENDPOINT}");
    for (name, value) in [
        ("X-Roster-Subject", Some(id.as_str())),
        ("X-Roster-Subject-Type", Some("user")),
        ("X-Roster-Project", Some("ml-research")),
        ("X-Roster-Role", Some("member")),
        ("X-Roster-Resource", Some(&resource)),
        ("X-Roster-Gateway", None),
        ("X-Roster-Action", None),
        ("Authorization", None),
        ("Cookie", None),
    ] {
        assert_eq!(header(request, name), value, "{name}");
    }
    let bearer = format!("Bearer {USE}");
    let answer = ask(
        gate.port,
        "POST",
        &path(ENDPOINT, "v1/chat"),
        &[("Authorization", &bearer)],
        "How are you?",
    );
    assert_eq!(answer.status, 200, "{answer:?}");
    let asked = gate.service.asked();
    assert!(
        asked[0].starts_with("POST /v1/chat HTTP/1.1") && asked[0].ends_with("How are you?"),
        "{asked:?}"
    );
    assert_eq!(header(&asked[0], "X-Roster-Subject-Type"), Some("api_key"));
    assert_eq!(header(&asked[0], "X-Roster-Role"), Some("use"));

    // Nobody else; and the service hears nothing of them.
    let nobody = gate.get(&path(ENDPOINT, "x"), &[]);
    assert!(
        nobody.status == 401 && nobody.head.contains("www-authenticate: bearer"),
        "{nobody:?}"
    );
    let noah = gate.roster.cookie("noah@acme.test").await;
    assert_eq!(gate.get(&path(ENDPOINT, "x"), &[("Cookie", &noah)]).status, 403);
    assert_eq!(gate.with_key(FOREIGN), 403);
    assert_eq!(gate.with_key("rsk_nothing"), 401);
    assert_eq!(gate.get("/_roster", &[("Cookie", &mia)]).status, 404);
    assert_eq!(gate.get("/endpoints/x/", &[("Cookie", &mia)]).status, 404);
    assert_eq!(gate.service.asked(), [""; 0]);

    // E5: at the next request.
    assert_eq!(gate.with_key(USE), 200);
    gate.roster
        .run("UPDATE api_keys SET revoked_at = now() WHERE name LIKE 'rsk_use%'")
        .await;
    assert_eq!(gate.with_key(USE), 401);
    assert_eq!(gate.get(&path(ENDPOINT, "x"), &[("Cookie", &mia)]).status, 200);
    gate.roster.remove("mia@acme.test").await;
    assert_eq!(gate.get(&path(ENDPOINT, "x"), &[("Cookie", &mia)]).status, 403);

    // E6: neither yes nor no, while there is nobody to ask.
    let olivia = gate.roster.cookie("olivia@acme.test").await;
    assert_eq!(gate.get(&path(ENDPOINT, "x"), &[("Cookie", &olivia)]).status, 200);
    gate.service.asked();
    gate.roster.stop();
    let away = gate.get(&path(ENDPOINT, "x"), &[("Cookie", &olivia)]);
    assert!(away.status == 503 && away.head.contains("retry-after: 1"), "{away:?}");
    assert_eq!(gate.service.asked(), [""; 0]);
    gate.roster.go_on();
    assert_eq!(gate.get(&path(ENDPOINT, "x"), &[("Cookie", &olivia)]).status, 200);
    gate.roster.run("UPDATE gateway_tokens SET revoked_at = now()").await;
    assert_eq!(gate.get(&path(ENDPOINT, "x"), &[("Cookie", &olivia)]).status, 401);
}

/// What a client says of itself, or of what it is about, is believed neither by Roster nor by the service.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e3_a_client_cannot_speak_in_the_gateways_name(pool: PgPool) {
    let Some(gate) = Gate::start(pool).await else { return };
    let foreign = format!("Bearer {FOREIGN}");
    let mia = gate.roster.cookie("mia@acme.test").await;
    let own = format!("endpoint/{FOREIGN_ENDPOINT}");
    let forged = [
        ("X-Roster-Subject", "01900000-0000-7000-8000-000000000000"),
        ("x-roster-subject", "01900000-0000-7000-8000-000000000000"),
        ("X_Roster_Subject", "01900000-0000-7000-8000-000000000000"),
        ("X-Roster-Subject-Type", "api_key"),
        ("X-Roster-Role", "admin"),
        ("X-Roster-Project", "production"),
        ("X-Roster-Resource", &own),
        ("X-Roster-Action", "endpoint:view"),
        (
            "X-Roster-Gateway",
            "rsg_nevernevernevernevernevernevernevernevernev0yn1Oc",
        ),
    ];
    // A key of another project stays outside, whatever it says it is about.
    let headers = [&forged[..], &[("Authorization", foreign.as_str())]].concat();
    assert_eq!(gate.get(&path(ENDPOINT, "x"), &headers).status, 403);
    assert_eq!(gate.get(&path(ENDPOINT, "x"), &forged).status, 401);
    assert_eq!(gate.service.asked(), [""; 0]);
    // And whoever may go in goes in as themselves.
    let headers = [&forged[..], &[("Cookie", mia.as_str())]].concat();
    assert_eq!(gate.get(&path(ENDPOINT, "x"), &headers).status, 200);
    let asked = gate.service.asked();
    let id = gate.roster.id("mia@acme.test").await;
    let resource = format!("endpoint/{ENDPOINT}");
    for (name, value) in [
        ("X-Roster-Subject", Some(id.as_str())),
        ("X_Roster_Subject", None),
        ("X-Roster-Subject-Type", Some("user")),
        ("X-Roster-Role", Some("member")),
        ("X-Roster-Project", Some("ml-research")),
        ("X-Roster-Resource", Some(&resource)),
        ("X-Roster-Action", None),
        ("X-Roster-Gateway", None),
    ] {
        assert_eq!(header(&asked[0], name), value, "{name}");
    }

    // A path that leads from one endpoint to another is asked for, and served, as where it leads to.
    for between in ["..", "%2e%2e", "x/../..", "..%2f", "./.."] {
        let to_own = format!("/endpoints/{ENDPOINT}/{between}/{FOREIGN_ENDPOINT}/a%20b");
        assert_eq!(
            gate.get(&to_own, &[("Authorization", &foreign)]).status,
            200,
            "{to_own}"
        );
        let asked = gate.service.asked();
        assert!(asked[0].starts_with("GET /a%20b HTTP/1.1"), "{to_own}: {asked:?}");
        assert_eq!(header(&asked[0], "X-Roster-Resource"), Some(own.as_str()), "{to_own}");
        let away = format!("/endpoints/{FOREIGN_ENDPOINT}/{between}/{ENDPOINT}/a%20b");
        assert_eq!(gate.get(&away, &[("Authorization", &foreign)]).status, 403, "{away}");
        assert_eq!(gate.service.asked(), [""; 0], "{away}");
    }
}
