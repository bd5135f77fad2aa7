//! `roster authorized-keys`: what sshd on a cluster's node runs to ask the server who may log in (E4).
//!
//! It runs on machines that are no server: it must not need a configuration, a database or a site. Either it prints the
//! server's whole answer, or nothing, and says why in one line.

use std::{
    env,
    error::Error,
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use directory::{Token, TokenKind};
use ureq::{
    Agent,
    tls::{Certificate, RootCerts, TlsConfig},
};

use crate::{
    cli::{AuthorizedKeys, Flags},
    config::parse_url,
};

/// How long the server may take: somebody waits at a prompt, and sshd with them.
const MOST_TIME: Duration = Duration::from_secs(5);
/// The longest answer, in bytes, which is some 100,000 keys. A longer one is refused.
const MOST_BYTES: u64 = 32 * 1024 * 1024;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Prints the keys that may log in now, one a line.
pub(crate) async fn print(flags: &Flags, asked: AuthorizedKeys) -> Outcome<()> {
    let url = flags
        .url
        .clone()
        .or_else(|| env::var("ROSTER_URL").ok())
        .ok_or("say where the server is, with --url or ROSTER_URL")?;
    let is_insecure_allowed = env::var("ROSTER_INSECURE_HTTP").is_ok_and(|value| value == "on");
    let (url, _) = parse_url(url, is_insecure_allowed)?;
    let file = asked
        .token_file
        .clone()
        .or_else(|| env::var_os("ROSTER_GATEWAY_TOKEN_FILE").map(PathBuf::from))
        .ok_or("say where the gateway token is, with --token-file or ROSTER_GATEWAY_TOKEN_FILE")?;
    let token = token(&file)?;
    let keys = tokio::task::spawn_blocking(move || ask(&url, &token, &asked)).await??;
    // Printed at once, after the whole answer has arrived.
    let mut out = std::io::stdout().lock();
    out.write_all(keys.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// The gateway token of a file that not everybody on the machine can read.
fn token(file: &Path) -> Outcome<Token> {
    let name = file.display();
    let cannot = |error| format!("{name} cannot be read: {error}");
    let mode = fs::metadata(file).map_err(cannot)?.permissions().mode();
    if mode & 0o007 != 0 {
        return Err(format!("{name} is open to everybody on this machine: chmod o= {name}").into());
    }
    let text = fs::read_to_string(file).map_err(cannot)?;
    Token::parse(TokenKind::Gateway, text.trim()).map_err(|_| format!("{name} does not hold a gateway token").into())
}

fn ask(url: &str, token: &Token, asked: &AuthorizedKeys) -> Outcome<String> {
    let mut request = agent()?
        .get(format!("{url}/ssh/authorized-keys"))
        .header("X-Roster-Gateway", token.reveal())
        .query("cluster", &asked.cluster)
        .query("user", &asked.user);
    if let Some(fingerprint) = &asked.fingerprint {
        request = request.query("fingerprint", fingerprint);
    }
    let mut response = request
        .call()
        .map_err(|error| format!("{url} does not answer: {error}"))?;
    let status = response.status().as_u16();
    if status != 200 {
        let reason = response
            .headers()
            .get("x-roster-reason")
            .and_then(|reason| reason.to_str().ok())
            .unwrap_or("no reason given");
        return Err(format!("{url} answered {status} ({reason})").into());
    }
    // A portal or a proxy in between may answer 200 with a page of its own.
    if response.body().mime_type() != Some("text/plain") {
        return Err(format!("{url} answered something that is no list of keys").into());
    }
    let keys = response
        .body_mut()
        .with_config()
        .limit(MOST_BYTES)
        .read_to_string()
        .map_err(|error| format!("{url} did not answer to the end: {error}"))?;
    if keys.is_empty() || keys.ends_with('\n') {
        Ok(keys)
    } else {
        Err(format!("{url} did not answer to the end").into())
    }
}

/// A client that goes straight to the server and nowhere else, and trusts what the machine trusts.
fn agent() -> Outcome<Agent> {
    // The ones that can be read: a machine's store may hold some that can't.
    let roots: Vec<_> = rustls_native_certs::load_native_certs()
        .certs
        .iter()
        .map(|certificate| Certificate::from_der(certificate).to_owned())
        .collect();
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&roots))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    Ok(Agent::config_builder()
        .timeout_global(Some(MOST_TIME))
        .max_redirects(0)
        .proxy(None)
        .http_status_as_error(false)
        .tls_config(tls)
        .build()
        .into())
}
