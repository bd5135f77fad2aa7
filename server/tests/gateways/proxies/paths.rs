//! Paths that proxies read in their own way, and where they send browsers.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
};

use crate::roster::{ENDPOINT, FOREIGN, FOREIGN_ENDPOINT, ask};

use sqlx::PgPool;

use super::{Proxy, ProxySetup, Service, header, read};

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
