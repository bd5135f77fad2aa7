//! What services live on, through the files of `docs/gateways`: large uploads, WebSockets, answers that come little by
//! little, preflights, and paths with an encoded slash. What isn't carried is in `docs/gateways/README.md`.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use sqlx::PgPool;

use crate::{
    proxies::{Proxy, ProxySetup, Service, read},
    roster::{Folder, Process, Roster, USE, ask, find, free_port, until_listening},
};

/// A service that answers WebSockets, says `one`, pauses, and says `two` at `/live`, and keeps what it was asked.
fn start_service() -> Service {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let service = Service {
        port: listener.local_addr().unwrap().port(),
        asked: Arc::default(),
    };
    let asked = Arc::clone(&service.asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let asked = Arc::clone(&asked);
            std::thread::spawn(move || answer(stream.unwrap(), &asked));
        }
    });
    service
}

fn answer(mut stream: TcpStream, asked: &Mutex<Vec<String>>) {
    let request = read(&mut stream);
    asked.lock().unwrap().push(request.clone());
    if request.to_lowercase().contains("\r\nupgrade: websocket\r\n") {
        let switched = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        stream.write_all(switched.as_bytes()).unwrap();
        // Each letter comes back, in the other case.
        let mut letter = [0];
        while stream.read(&mut letter).unwrap_or(0) == 1 {
            stream.write_all(&[letter[0] ^ 0x20]).unwrap();
        }
        return;
    }
    let begin = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: one\n\n";
    stream.write_all(begin.as_bytes()).unwrap();
    if request.contains("/live ") {
        std::thread::sleep(Duration::from_secs(3));
        drop(stream.write_all(b"data: two\n\n"));
    }
}

/// Sends a request's head, and reads on until this was said.
fn until(stream: &mut TcpStream, words: &str) -> String {
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut said = String::new();
    let mut piece = [0; 1024];
    while !said.contains(words) {
        let count = stream.read(&mut piece).unwrap();
        assert!(count > 0, "{said}");
        said.push_str(&String::from_utf8_lossy(&piece[..count]));
    }
    said
}

async fn carries(pool: PgPool, proxy: Proxy) {
    let Some(setup) = ProxySetup::start_before(pool, proxy, start_service()).await else {
        return;
    };
    setup.service.asked();
    carries_large_bodies_and_no_preflights(&setup);
    streams(&setup);
}

/// When nginx's file failed: its limit on bodies counted in the sub-request's location, so that 2 MB were answered
/// 503.
fn carries_large_bodies_and_no_preflights(setup: &ProxySetup) {
    let bearer = format!("Bearer {USE}");
    let key = [("Authorization", bearer.as_str())];
    let body = "x".repeat(2_000_000);
    let answer = ask(setup.port, "POST", &setup.path("upload"), &key, &body);
    assert_eq!(answer.status, 200, "{}", answer.head);
    let asked = setup.service.asked();
    assert!(asked.last().unwrap().ends_with(&body), "{:?}", setup.proxy);
    // Nobody else's gets as far as the service.
    let answer = ask(setup.port, "POST", &setup.path("upload"), &[], &body[..1000]);
    assert_eq!(answer.status, 401, "{}", answer.head);
    assert_eq!(setup.service.asked(), [""; 0]);

    // A preflight shows no credential, by the standard: it is told no, and the service isn't asked.
    let preflight = [
        ("Origin", "https://app.example.com"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization"),
    ];
    let answer = ask(setup.port, "OPTIONS", &setup.path("x"), &preflight, "");
    assert_eq!(answer.status, 401, "{}", answer.head);
    assert_eq!(setup.service.asked(), [""; 0]);

    // To no protocol in which further requests go unseen (h2c).
    let (upgrade, connection) = (("Upgrade", "h2c"), ("Connection", "close, Upgrade, HTTP2-Settings"));
    let settings = ("HTTP2-Settings", "AAMAAABkAAQAAP__");
    ask(
        setup.port,
        "GET",
        &setup.path("x"),
        &[key[0], upgrade, connection, settings],
        "",
    );
    for request in setup.service.asked() {
        assert!(!request.to_lowercase().contains("upgrade: h2c"), "{request}");
    }

    // An encoded slash: nginx makes it a slash, to whoever decides and to whoever serves; Envoy refuses it.
    let answer = ask(setup.port, "GET", &setup.path("a%2Fb"), &key, "");
    let asked = setup.service.asked();
    match setup.proxy {
        Proxy::Nginx => assert!(answer.status == 200 && asked[0].starts_with("GET /a/b "), "{asked:?}"),
        Proxy::Traefik => assert!(answer.status == 200 && asked[0].starts_with("GET /a%2Fb "), "{asked:?}"),
        Proxy::Envoy => assert!(answer.status == 400 && asked.is_empty(), "{answer:?} {asked:?}"),
    }
}

/// WebSockets were closed by nginx's file, and what came little by little came at the end.
fn streams(setup: &ProxySetup) {
    let head = |more: &str| {
        let path = setup.path("live");
        format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {USE}\r\n{more}\r\n")
    };
    let mut stream = TcpStream::connect(("127.0.0.1", setup.port)).unwrap();
    let begin = Instant::now();
    stream.write_all(head("").as_bytes()).unwrap();
    let said = until(&mut stream, "data: one");
    assert!(begin.elapsed() < Duration::from_secs(2), "held back: {said}");
    until(&mut stream, "data: two");

    let mut stream = TcpStream::connect(("127.0.0.1", setup.port)).unwrap();
    let websocket = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    stream.write_all(head(websocket).as_bytes()).unwrap();
    let said = until(&mut stream, "\r\n\r\n");
    assert!(said.starts_with("HTTP/1.1 101"), "{said}");
    stream.write_all(b"hello").unwrap();
    until(&mut stream, "HELLO");
    // Nobody is let in by it.
    let mut stream = TcpStream::connect(("127.0.0.1", setup.port)).unwrap();
    let stranger = head(websocket).replace(USE, "rsk_nothing");
    stream.write_all(stranger.as_bytes()).unwrap();
    let said = until(&mut stream, "\r\n\r\n");
    assert!(said.starts_with("HTTP/1.1 401"), "{said}");
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e3_nginx_carries_what_services_live_on(pool: PgPool) {
    carries(pool, Proxy::Nginx).await;
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e3_traefik_carries_what_services_live_on(pool: PgPool) {
    carries(pool, Proxy::Traefik).await;
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e3_envoy_carries_what_services_live_on(pool: PgPool) {
    carries(pool, Proxy::Envoy).await;
}

/// The lines of the README for nginx before the console: pages, live events as they come, and Roster's own word on
/// what is too large.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn the_readmes_nginx_serves_the_console(pool: PgPool) {
    let Some(nginx) = find("nginx") else { return };
    let (roster, port) = (Roster::start(pool, "readme").await, free_port());
    let readme = include_str!("../../../README.md");
    let (_, server) = readme.split_once("```nginx\n").unwrap();
    let (server, _) = server.split_once("```").unwrap();
    let folder = Folder::new(&std::env::temp_dir(), "readme-proxy");
    let here = folder.0.display();
    let around = |server: &str| {
        format!(
            "daemon off; master_process off; pid {here}/pid; error_log {here}/error.log;
             events {{}}
             http {{
                 access_log off;
                 client_body_temp_path {here}/body; proxy_temp_path {here}/proxy; fastcgi_temp_path {here}/fastcgi;
                 uwsgi_temp_path {here}/uwsgi; scgi_temp_path {here}/scgi;
                 {server}
             }}"
        )
    };
    // As it stands, but for the certificate.
    make_certificate(&folder);
    let mut whole = server.to_owned();
    for (from, to) in [
        ("/etc/ssl/roster.example.com.pem", "certificate"),
        ("/etc/ssl/private/roster.example.com.key", "key"),
        ("127.0.0.1:3000", &format!("127.0.0.1:{}", roster.port)),
    ] {
        assert!(whole.contains(from), "{from}");
        let to = if from.starts_with('/') {
            format!("{here}/{to}")
        } else {
            to.to_owned()
        };
        whole = whole.replace(from, &to);
    }
    let file = folder.write("whole.conf", &around(&whole));
    let checked = Command::new(&nginx)
        .arg("-t")
        .arg("-p")
        .arg(&folder.0)
        .arg("-c")
        .arg(file)
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
    // In the clear, so that what it carries can be seen.
    let clear: String = whole
        .lines()
        .filter(|line| !line.contains("ssl"))
        .map(|line| format!("{line}\n"))
        .collect();
    let clear = clear.replace("server_name", &format!("listen 127.0.0.1:{port};\nserver_name"));
    let file = folder.write("clear.conf", &around(&clear));
    let _nginx = Process::start(Command::new(&nginx).arg("-p").arg(&folder.0).arg("-c").arg(file));
    until_listening(port);

    assert_eq!(ask(port, "GET", "/readyz", &[], "").status, 200);
    let bearer = format!("Bearer {USE}");
    let key = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let large = "x".repeat(1_500_000);
    let answer = ask(port, "POST", "/v1/projects/ml-research/resources", &key, &large);
    assert!(
        answer.status == 413 && answer.head.contains("application/problem+json"),
        "{answer:?}"
    );
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let cookie = roster.cookie("maya@acme.test").await;
    let head = format!("GET /events?project=ml-research HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    until(&mut stream, "text/event-stream");
    roster.remove("mia@acme.test").await;
    until(&mut stream, "changed");
}

/// A certificate for `roster.example.com`, and its key, signed by itself.
fn make_certificate(folder: &Folder) {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
        ])
        .args([
            "-subj",
            "/CN=roster.example.com",
            "-keyout",
            "key",
            "-out",
            "certificate",
        ])
        .current_dir(&folder.0)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}
