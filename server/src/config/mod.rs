//! The configuration: a flag overrides the environment, which overrides `roster.toml`, which overrides the default
//! (INTERFACES, configuration).
//!
//! Owns reading and checking the settings. Must not know what is done with them. A wrong value stops the start, with
//! one line that names the setting, the value and what is allowed.

pub(crate) mod error;
mod quotas;

use std::{
    collections::HashMap,
    env,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use directory::{BreachedPasswords, Directory, Settings};
use http::Uri;

use crate::{cli::Flags, client::TrustedProxies, mail::Mailer};

pub(crate) use error::ConfigError;
use error::names;

/// The settings that the server runs with.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The PostgreSQL to use; `None` for the private one.
    pub(crate) database_url: Option<String>,
    /// The same database past a pooler in transaction mode.
    pub(crate) database_direct_url: Option<String>,
    /// The most connections to it, in all.
    pub(crate) connections: u32,
    /// Data folder of the private PostgreSQL.
    pub(crate) data: PathBuf,
    /// Address to listen on.
    pub(crate) addr: SocketAddr,
    /// The address to listen on for gateways, if they have a listener of their own (E8).
    pub(crate) gateway_addr: Option<SocketAddr>,
    /// The address to give out metrics at, if they are wanted (U1).
    pub(crate) metrics_addr: Option<SocketAddr>,
    /// The proxies whose word about the client's address is believed (J9).
    pub(crate) proxies: TrustedProxies,
    /// Public base URL, without a path.
    pub(crate) url: String,
    /// Whether the public URL is https.
    pub(crate) is_secure: bool,
    /// Folder of the built site, if given.
    pub(crate) site: Option<PathBuf>,
    /// What the operator decides for the installation.
    pub(crate) settings: Settings,
    /// The mail server, if there is one.
    pub(crate) mailer: Option<Mailer>,
    /// How many days the audit is kept (A5).
    pub(crate) audit_days: u16,
    /// Passwords that are refused because they were stolen elsewhere, if the operator has them (J6).
    pub(crate) breached: Option<BreachedPasswords>,
}

impl Config {
    /// Reads flags, environment and settings file.
    pub(crate) fn read(flags: &Flags) -> Result<Self, ConfigError> {
        let file = read_file(&flags.config)?;
        Self::from_sources(|name| {
            let flag = match name {
                "DATABASE_URL" => &flags.database_url,
                "ROSTER_DATA" => &flags.data,
                "ROSTER_ADDR" => &flags.addr,
                "ROSTER_URL" => &flags.url,
                "ROSTER_SITE" => &flags.site,
                _ => &None,
            };
            let from_file = || {
                names()
                    .find(|(known, _)| *known == name)
                    .and_then(|(_, key)| file.get(*key).cloned())
            };
            flag.clone()
                .or_else(|| env::var(name).ok().filter(|value| !value.is_empty()))
                .or_else(from_file)
        })
    }

    /// Reads the settings from wherever `value` finds them.
    ///
    /// # Errors
    /// One line that names the setting, its value and what is allowed.
    pub(crate) fn from_sources(value: impl Fn(&'static str) -> Option<String>) -> Result<Self, ConfigError> {
        let addr = parse_addr(&value, "ROSTER_ADDR")?.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 3000)));
        let gateway_addr = parse_addr(&value, "ROSTER_GATEWAY_ADDR")?;
        if gateway_addr == Some(addr) {
            let allowed = "another address than ROSTER_ADDR, or left out: then gateways ask there";
            return Err(wrong("ROSTER_GATEWAY_ADDR", addr.to_string(), allowed));
        }
        let metrics_addr = parse_addr(&value, "ROSTER_METRICS_ADDR")?;
        if let Some(taken) = metrics_addr.filter(|wanted| *wanted == addr || gateway_addr == Some(*wanted)) {
            let allowed = "another address than ROSTER_ADDR and ROSTER_GATEWAY_ADDR: metrics have one of their own";
            return Err(wrong("ROSTER_METRICS_ADDR", taken.to_string(), allowed));
        }
        let proxies = match value("ROSTER_TRUSTED_PROXIES") {
            None => TrustedProxies::default(),
            Some(text) => text.parse().map_err(|_| {
                wrong(
                    "ROSTER_TRUSTED_PROXIES",
                    text,
                    "networks, like 127.0.0.0/8,::1/128,10.0.0.0/8",
                )
            })?,
        };
        let url = value("ROSTER_URL").unwrap_or_else(|| format!("http://{addr}"));
        let is_insecure_allowed = choice(&value, "ROSTER_INSECURE_HTTP", false, ["on", "off"])?;
        let (url, is_secure) = parse_url(url, is_insecure_allowed)?;
        let is_open_allowed = choice(&value, "ROSTER_INSECURE_DATABASE", false, ["on", "off"])?;
        for name in ["DATABASE_URL", "ROSTER_DATABASE_DIRECT_URL"] {
            if let Some(url) = value(name) {
                check_database(name, &url, is_open_allowed)?;
            }
        }
        if value("ROSTER_DATABASE_DIRECT_URL").is_some() && value("DATABASE_URL").is_none() {
            let allowed = "left out when there is no DATABASE_URL: the private database has no pooler before it";
            return Err(wrong("ROSTER_DATABASE_DIRECT_URL", "…".to_owned(), allowed));
        }
        let mailer = parse_mailer(
            value("ROSTER_SMTP_URL"),
            value("ROSTER_MAIL_FROM"),
            &url,
            is_insecure_allowed,
        )?;
        Ok(Self {
            database_url: value("DATABASE_URL"),
            database_direct_url: value("ROSTER_DATABASE_DIRECT_URL"),
            connections: connections(value("ROSTER_DATABASE_CONNECTIONS"))?,
            data: value("ROSTER_DATA").unwrap_or_else(|| ".roster".to_owned()).into(),
            addr,
            gateway_addr,
            metrics_addr,
            proxies,
            url,
            is_secure,
            site: value("ROSTER_SITE").map(PathBuf::from),
            settings: Settings {
                open_sign_up: choice(&value, "ROSTER_SIGN_UP", true, ["open", "invited"])?,
                additional_projects: choice(&value, "ROSTER_ADDITIONAL_PROJECTS", true, ["on", "off"])?,
                neutral_add_errors: choice(&value, "ROSTER_NEUTRAL_ADD_ERRORS", false, ["on", "off"])?,
                sends_mail: mailer.is_some(),
                quotas: quotas::read(&value)?,
            },
            mailer,
            audit_days: audit_days(value("ROSTER_AUDIT_DAYS"))?,
            breached: parse_breached(value("ROSTER_BREACHED_PASSWORDS"))?,
        })
    }
}

/// Parses how many days the audit is kept: at least a month, so that nobody who reads it monthly misses anything.
fn audit_days(text: Option<String>) -> Result<u16, ConfigError> {
    const DEFAULT: u16 = 400;
    let Some(text) = text else { return Ok(DEFAULT) };
    text.parse()
        .ok()
        .filter(|days| (30..=36_500).contains(days))
        .ok_or_else(|| wrong("ROSTER_AUDIT_DAYS", text, "a number of days from 30 to 36500"))
}

/// Parses how many connections to the database there may be: at least five, since one listens and each audience has its
/// own.
fn connections(text: Option<String>) -> Result<u32, ConfigError> {
    const DEFAULT: u32 = 33;
    let Some(text) = text else { return Ok(DEFAULT) };
    text.parse()
        .ok()
        .filter(|connections| (5..=1000).contains(connections))
        .ok_or_else(|| wrong("ROSTER_DATABASE_CONNECTIONS", text, "a number from 5 to 1000"))
}

const fn wrong(name: &'static str, value: String, allowed: &'static str) -> ConfigError {
    ConfigError::Value { name, value, allowed }
}

fn choice(
    value: &impl Fn(&'static str) -> Option<String>,
    name: &'static str,
    default: bool,
    [yes, no]: [&'static str; 2],
) -> Result<bool, ConfigError> {
    match value(name) {
        None => Ok(default),
        Some(text) if text == yes => Ok(true),
        Some(text) if text == no => Ok(false),
        Some(text) => Err(wrong(
            name,
            text,
            if yes == "open" { "open or invited" } else { "on or off" },
        )),
    }
}

fn parse_addr(
    value: &impl Fn(&'static str) -> Option<String>,
    name: &'static str,
) -> Result<Option<SocketAddr>, ConfigError> {
    let parse = |text: String| {
        text.parse()
            .map_err(|_| wrong(name, text, "an address and a port, like 127.0.0.1:3000"))
    };
    value(name).map(parse).transpose()
}

/// Refuses a database whose connection could be read or changed on the way, unless the operator allows that.
fn check_database(name: &'static str, url: &str, is_open_allowed: bool) -> Result<(), ConfigError> {
    // The value itself is not shown: it may hold a password.
    let refuse = |allowed| Err(wrong(name, "…".to_owned(), allowed));
    if !["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
    {
        return refuse("a URL that begins with postgres://");
    }
    match Directory::is_sealed(url) {
        Err(bad) => refuse(bad.wanted()),
        Ok(false) if !is_open_allowed => refuse(
            "with TLS where the database is on another machine: ?sslmode=verify-full, or require \
             (ROSTER_INSECURE_DATABASE=on allows it without all the same)",
        ),
        Ok(_) => Ok(()),
    }
}

/// Opens the folder of breached passwords. A name that is not such a folder stops the start, since it would refuse no
/// password.
fn parse_breached(folder: Option<String>) -> Result<Option<BreachedPasswords>, ConfigError> {
    let Some(folder) = folder else { return Ok(None) };
    BreachedPasswords::open(PathBuf::from(&folder)).map(Some).map_err(|_| {
        wrong(
            "ROSTER_BREACHED_PASSWORDS",
            folder,
            "a folder that can be read, with range files in it that are named like 0018A or 0018A.txt",
        )
    })
}

/// Parses the mail server and the sender's address, which need each other.
fn parse_mailer(
    url: Option<String>,
    from: Option<String>,
    console_url: &str,
    is_insecure_allowed: bool,
) -> Result<Option<Mailer>, ConfigError> {
    let (url, from) = match (url, from) {
        (None, None) => return Ok(None),
        (Some(url), Some(from)) => (url, from),
        (Some(_), None) => {
            return Err(wrong(
                "ROSTER_MAIL_FROM",
                String::new(),
                "set when ROSTER_SMTP_URL is: whom mail is from, like Roster <roster@example.com>",
            ));
        }
        (None, Some(from)) => {
            return Err(wrong(
                "ROSTER_MAIL_FROM",
                from,
                "left out when there is no ROSTER_SMTP_URL to send it by",
            ));
        }
    };
    let Ok(mailbox) = from.parse() else {
        return Err(wrong(
            "ROSTER_MAIL_FROM",
            from,
            "an address, like Roster <roster@example.com>",
        ));
    };
    // The value itself is not shown: it may hold a password.
    let mailer = Mailer::new(&url, mailbox, console_url, is_insecure_allowed).ok_or_else(|| {
        wrong(
            "ROSTER_SMTP_URL",
            "…".to_owned(),
            "a URL like smtps://user:password@mail.example.com, smtp://mail.example.com?tls=required, or, on this \
             machine, smtp://127.0.0.1:25",
        )
    })?;
    Ok(Some(mailer))
}

/// Returns the base URL without a trailing slash, and whether it is https.
pub(crate) fn parse_url(url: String, is_insecure_allowed: bool) -> Result<(String, bool), ConfigError> {
    let allowed = "a URL without a path, like https://roster.example.com";
    let Ok(uri) = url.parse::<Uri>() else {
        return Err(wrong("ROSTER_URL", url, allowed));
    };
    let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else {
        return Err(wrong("ROSTER_URL", url, allowed));
    };
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        return Err(wrong("ROSTER_URL", url, allowed));
    }
    let is_loopback = host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    match scheme {
        "https" => Ok((url.trim_end_matches('/').to_owned(), true)),
        "http" if is_loopback || is_insecure_allowed => Ok((url.trim_end_matches('/').to_owned(), false)),
        "http" => Err(wrong(
            "ROSTER_URL",
            url,
            "https, or a loopback address: plain http would send passwords in the clear (ROSTER_INSECURE_HTTP=on \
             allows it all the same)",
        )),
        _ => Err(wrong("ROSTER_URL", url, allowed)),
    }
}

fn read_file(path: &Path) -> Result<HashMap<String, String>, ConfigError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        // The file may be missing, unless it was named.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && path == Path::new("roster.toml") => String::new(),
        Err(error) => return Err(ConfigError::File(path.to_owned(), error.to_string())),
    };
    let table: toml::Table =
        toml::from_str(&text).map_err(|error| ConfigError::File(path.to_owned(), error.message().to_owned()))?;
    table
        .into_iter()
        .map(|(key, value)| {
            if !names().any(|(_, known)| *known == key) {
                return Err(ConfigError::Unknown(path.to_owned(), key));
            }
            Ok((key, value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(set: &[(&'static str, &'static str)]) -> Result<Config, String> {
        let value = |name| {
            set.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Config::from_sources(value).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_set_is_a_console_on_this_machine() {
        let config = config(&[]).unwrap();
        assert_eq!(
            (config.url.as_str(), config.is_secure),
            ("http://127.0.0.1:3000", false)
        );
        assert_eq!(config.data, Path::new(".roster"));
        assert_eq!(config.audit_days, 400);
        assert!(
            config.settings.open_sign_up && config.settings.additional_projects && !config.settings.neutral_add_errors
        );
    }

    #[test]
    fn a_wrong_value_names_the_setting_the_value_and_what_is_allowed() {
        for (name, value, allowed) in [
            ("ROSTER_ADDR", "here", "an address and a port"),
            ("ROSTER_GATEWAY_ADDR", "3001", "an address and a port"),
            (
                "ROSTER_GATEWAY_ADDR",
                "127.0.0.1:3000",
                "another address than ROSTER_ADDR",
            ),
            ("ROSTER_METRICS_ADDR", "9100", "an address and a port"),
            (
                "ROSTER_METRICS_ADDR",
                "127.0.0.1:3000",
                "another address than ROSTER_ADDR",
            ),
            ("ROSTER_TRUSTED_PROXIES", "10.0.0.0/8;::1", "networks, like"),
            ("ROSTER_INSECURE_DATABASE", "yes", "on or off"),
            ("ROSTER_URL", "ftp://x", "a URL without a path"),
            ("ROSTER_URL", "https://x.test/y", "a URL without a path"),
            ("ROSTER_URL", "http://roster.test", "https, or a loopback address"),
            ("ROSTER_SIGN_UP", "yes", "open or invited"),
            ("ROSTER_ADDITIONAL_PROJECTS", "1", "on or off"),
            ("ROSTER_NEUTRAL_ADD_ERRORS", "true", "on or off"),
            ("ROSTER_AUDIT_DAYS", "a year", "a number of days from 30 to 36500"),
            ("ROSTER_DATABASE_CONNECTIONS", "4", "a number from 5 to 1000"),
            ("ROSTER_DATABASE_CONNECTIONS", "many", "a number from 5 to 1000"),
            ("ROSTER_AUDIT_DAYS", "7", "a number of days from 30 to 36500"),
            ("ROSTER_BREACHED_PASSWORDS", "/nowhere/at/all", "range files"),
            ("ROSTER_BREACHED_PASSWORDS", "/proc/self/fd", "range files"),
        ] {
            let error = config(&[(name, value)]).unwrap_err();
            assert!(
                error.contains(name) && error.contains(value) && error.contains(allowed),
                "{error}"
            );
            assert_eq!(error.lines().count(), 1);
        }
        let from = ("ROSTER_MAIL_FROM", "Roster <roster@acme.test>");
        let error = config(&[("ROSTER_SMTP_URL", "http://u:hunter2@x"), from]).unwrap_err();
        assert!(
            error.contains("ROSTER_SMTP_URL") && !error.contains("hunter2"),
            "{error}"
        );
        let error = config(&[("ROSTER_SMTP_URL", "smtp://x"), ("ROSTER_MAIL_FROM", "nobody")]).unwrap_err();
        assert!(
            error.contains("ROSTER_MAIL_FROM") && error.contains("an address"),
            "{error}"
        );
        assert!(config(&[("ROSTER_SMTP_URL", "smtp://x")]).is_err() && config(&[from]).is_err());
        let error = config(&[("DATABASE_URL", "mysql://u:hunter2@x")]).unwrap_err();
        assert!(error.contains("DATABASE_URL") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_database_on_another_machine_is_reached_by_tls() {
        let open = "postgres://u:hunter2@db.test/roster";
        for url in [open, "postgres://u:hunter2@192.0.2.1/roster?sslmode=prefer"] {
            let error = config(&[("DATABASE_URL", url)]).unwrap_err();
            assert!(
                error.contains("sslmode=verify-full") && !error.contains("hunter2"),
                "{error}"
            );
        }
        assert!(config(&[("DATABASE_URL", open), ("ROSTER_INSECURE_DATABASE", "on")]).is_ok());
        for url in [
            "postgres://u@db.test/roster?sslmode=require",
            "postgresql://u@db.test/roster?sslmode=verify-full",
            "postgres://u@localhost/roster",
            "postgres://u@127.0.0.1:5433/roster",
            "postgres://u@[::1]/roster",
            "postgres://u@localhost/roster?host=%2Frun%2Fpostgresql",
        ] {
            assert!(config(&[("DATABASE_URL", url)]).is_ok(), "{url}");
        }
        let direct = |url| {
            config(&[
                ("DATABASE_URL", "postgres://u@localhost/x"),
                ("ROSTER_DATABASE_DIRECT_URL", url),
            ])
        };
        let error = direct(open).unwrap_err();
        assert!(
            error.contains("ROSTER_DATABASE_DIRECT_URL is \"…\", but must be with TLS"),
            "{error}"
        );
        assert!(direct("postgres://u@localhost:5433/x").is_ok());
        let alone = config(&[("ROSTER_DATABASE_DIRECT_URL", "postgres://u@localhost/x")]).unwrap_err();
        assert!(alone.contains("left out"), "{alone}");
        let error = config(&[("DATABASE_URL", "postgres://u:hunter2@/x?port=y")]).unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn mail_is_sent_where_there_is_a_mail_server() {
        assert!(!config(&[]).unwrap().settings.sends_mail);
        let set = [
            ("ROSTER_SMTP_URL", "smtp://127.0.0.1:25"),
            ("ROSTER_MAIL_FROM", "roster@acme.test"),
        ];
        let config = config(&set).unwrap();
        assert!(config.settings.sends_mail && config.mailer.is_some());
    }

    #[test]
    fn plain_http_is_for_this_machine_alone() {
        for url in ["http://localhost:8080", "http://127.0.0.1", "http://[::1]:3000/"] {
            assert!(!config(&[("ROSTER_URL", url)]).unwrap().is_secure, "{url}");
        }
        assert!(config(&[("ROSTER_URL", "https://roster.test")]).unwrap().is_secure);
        assert!(config(&[("ROSTER_URL", "http://roster.test"), ("ROSTER_INSECURE_HTTP", "on")]).is_ok());
    }
}
