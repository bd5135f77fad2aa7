//! The reverse proxies of `docs/gateways` between clients and a service: each lets through whom Roster names, and
//! nobody else.

mod decisions;
mod logs;
mod paths;

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use sqlx::PgPool;

use crate::roster::{Answer, ENDPOINT, Folder, Process, Roster, ask, document, find, free_port, until_listening};

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
