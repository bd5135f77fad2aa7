//! The address of a database as it is written in a URL: one host, or a list of hosts as libpq reads it.
//!
//! Owns the list's form. It must not know how a connection is opened. sqlx parses URLs with one host; here a list is
//! taken apart into such URLs.

use std::fmt;

use sqlx::postgres::PgConnectOptions;

/// What a server must be to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Any server.
    Any,
    /// No standby.
    Primary,
    /// A server that takes changes.
    ReadWrite,
}

/// Why an address can't be used. It contains no part of the address, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadAddress {
    /// It isn't a URL of PostgreSQL's form.
    Url,
    /// A host of the list is empty.
    EmptyHost,
    /// An IPv6 address isn't in brackets.
    Brackets,
    /// A port isn't one.
    Port,
    /// There are several ports, and not as many as hosts.
    PortCount,
    /// Servers that take no changes are asked for, or something unknown is.
    Target,
}

impl BadAddress {
    /// Returns what the address must be instead.
    #[must_use]
    pub const fn wanted(self) -> &'static str {
        match self {
            Self::Url => {
                "a URL that PostgreSQL understands, like postgres://roster@db.example.com/roster?sslmode=verify-full"
            }
            Self::EmptyHost => "a list of hosts without an empty one, like postgres://roster@db1:5432,db2:5432/roster",
            Self::Brackets => {
                "a URL with IPv6 addresses in brackets, like postgres://roster@[2001:db8::1]:5432,[2001:db8::2]/roster"
            }
            Self::Port => "a URL with ports from 1 to 65535, like postgres://roster@db1:5432,db2:5432/roster",
            Self::PortCount => "a URL with as many ports in port= as there are hosts, or one for all of them",
            Self::Target => "a URL with target_session_attrs=read-write or primary, since Roster has to write",
        }
    }
}

impl fmt::Display for BadAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the address must be {}", self.wanted())
    }
}

impl std::error::Error for BadAddress {}

/// A host of an address.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    /// As an operator knows it; without user and password.
    pub(crate) name: String,
    pub(crate) options: PgConnectOptions,
}

/// A host as it was written.
struct Written<'a> {
    /// The name or address, or the folder of a socket.
    host: &'a str,
    port: Option<u16>,
    /// Whether it was in the parameter `host`, and not before the path.
    is_parameter: bool,
}

/// The parts of a URL.
struct Parts<'a> {
    scheme: &'a str,
    user: Option<&'a str>,
    hosts: &'a str,
    path: &'a str,
    /// The parameters that are sqlx's.
    rest: Vec<&'a str>,
    host: Option<&'a str>,
    port: Option<&'a str>,
    target: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(url: &'a str) -> Result<Self, BadAddress> {
        let (scheme, after) = url.split_once("://").ok_or(BadAddress::Url)?;
        let end = after.find(['/', '?', '#']).unwrap_or(after.len());
        let (authority, tail) = after.split_at(end);
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, hosts)) => (Some(user), hosts),
            None => (None, authority),
        };
        let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
        let mut parts = Self {
            scheme,
            user,
            hosts,
            path,
            rest: Vec::new(),
            host: None,
            port: None,
            target: None,
        };
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("host", value)) => parts.host = Some(value),
                Some(("port", value)) => parts.port = Some(value),
                Some(("target_session_attrs", value)) => parts.target = Some(value),
                Some(_) | None => parts.rest.push(parameter),
            }
        }
        Ok(parts)
    }

    /// The hosts in their order, each with its port.
    fn written(&self) -> Result<Vec<Written<'a>>, BadAddress> {
        let mut written: Vec<Written<'a>> = match self.host.filter(|hosts| !hosts.is_empty()) {
            Some(hosts) => {
                let host = |host| Written {
                    host,
                    port: None,
                    is_parameter: true,
                };
                items(hosts).into_iter().map(host).collect()
            }
            None => items(self.hosts)
                .into_iter()
                .map(host_and_port)
                .collect::<Result<_, _>>()?,
        };
        // A single host may be left out: it is this machine.
        if written.len() > 1 && written.iter().any(|written| written.host.is_empty()) {
            return Err(BadAddress::EmptyHost);
        }
        if let Some(ports) = self.port {
            let ports = items(ports).into_iter().map(port).collect::<Result<Vec<_>, _>>()?;
            if ports.len() != 1 && ports.len() != written.len() {
                return Err(BadAddress::PortCount);
            }
            for (written, port) in written.iter_mut().zip(ports.iter().cycle()) {
                written.port = *port;
            }
        }
        Ok(written)
    }

    /// The same address with this host alone.
    fn with(&self, written: &Written<'_>) -> Result<Host, BadAddress> {
        let (mut authority, mut parameters) = (String::new(), self.rest.clone());
        let parameter = format!("host={}", written.host);
        if let Some(user) = self.user {
            authority = format!("{user}@");
        }
        if written.is_parameter {
            // What is in the authority counts for nothing then, but must be something.
            authority.push_str("localhost");
            parameters.push(&parameter);
        } else {
            authority.push_str(written.host);
        }
        let port = written.port.map(|port| format!(":{port}")).unwrap_or_default();
        let (scheme, path, parameters) = (self.scheme, self.path, parameters.join("&"));
        let name = written.host.replace("%2F", "/").replace("%2f", "/");
        Ok(Host {
            name: format!("{name}{port}"),
            options: options(&format!("{scheme}://{authority}{port}{path}?{parameters}"))?,
        })
    }

    /// What a server must be. Of several hosts only one takes changes: any other would be of no use, and once it was
    /// found, the right one would never be looked for.
    fn wanted(&self, is_list: bool) -> Result<Wanted, BadAddress> {
        match self.target {
            Some("any") if !is_list => Ok(Wanted::Any),
            Some("primary") => Ok(Wanted::Primary),
            Some("read-write") => Ok(Wanted::ReadWrite),
            None if is_list => Ok(Wanted::ReadWrite),
            None => Ok(Wanted::Any),
            Some(_) => Err(BadAddress::Target),
        }
    }
}

/// Parses an address: its hosts in their order, and what a server must be to be used.
pub(crate) fn parse(url: &str) -> Result<(Vec<Host>, Wanted), BadAddress> {
    let parts = Parts::of(url)?;
    let written = parts.written()?;
    let wanted = parts.wanted(written.len() > 1)?;
    if written.len() > 1 {
        let hosts = written.iter().map(|written| parts.with(written));
        return Ok((hosts.collect::<Result<_, _>>()?, wanted));
    }
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let rest = query
        .split('&')
        .filter(|parameter| !parameter.starts_with("target_session_attrs="));
    let options = options(&format!("{address}?{}", rest.collect::<Vec<_>>().join("&")))?;
    let name = written.first().map(|written| written.host.to_owned());
    let name = name.unwrap_or_default();
    Ok((vec![Host { name, options }], wanted))
}

/// Parses the options of a connection from a URL with one host. The startup parameter that sqlx sets for the digits of
/// floating point numbers is left out: poolers refuse parameters that they don't know, and PostgreSQL's default has the
/// same effect.
fn options(url: &str) -> Result<PgConnectOptions, BadAddress> {
    let options: PgConnectOptions = url.parse().map_err(|_| BadAddress::Url)?;
    Ok(options.application_name("roster").extra_float_digits(None))
}

/// The items of a list. A comma may be encoded in a parameter's value.
fn items(list: &str) -> Vec<&str> {
    list.split(',')
        .flat_map(|items| items.split("%2C"))
        .flat_map(|items| items.split("%2c"))
        .collect()
}

fn host_and_port(item: &str) -> Result<Written<'_>, BadAddress> {
    // The brackets belong to the host.
    let after = match item.strip_prefix('[') {
        Some(_) => item.find(']').ok_or(BadAddress::Brackets)? + 1,
        None => item.find(':').unwrap_or(item.len()),
    };
    let (host, after) = item.split_at(after);
    let after = match after.strip_prefix(':') {
        Some(after) => after,
        None if after.is_empty() => "",
        None => return Err(BadAddress::Brackets),
    };
    if after.contains(':') {
        return Err(BadAddress::Brackets);
    }
    Ok(Written {
        host,
        port: port(after)?,
        is_parameter: false,
    })
}

/// Parses a port; an empty one is PostgreSQL's own.
fn port(text: &str) -> Result<Option<u16>, BadAddress> {
    match text.parse() {
        _ if text.is_empty() => Ok(None),
        Ok(0) | Err(_) => Err(BadAddress::Port),
        Ok(port) => Ok(Some(port)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each host with its port, or the folder of its socket.
    fn hosts(url: &str) -> Vec<(String, u16)> {
        let (hosts, _) = parse(url).unwrap();
        let of = |Host { options, .. }: &Host| {
            let socket = options.get_socket().map(|folder| folder.display().to_string());
            (
                socket.unwrap_or_else(|| options.get_host().to_owned()),
                options.get_port(),
            )
        };
        hosts.iter().map(of).collect()
    }

    fn to(hosts: &[(&str, u16)]) -> Vec<(String, u16)> {
        hosts.iter().map(|(host, port)| ((*host).to_owned(), *port)).collect()
    }

    #[test]
    fn u5_a_list_of_hosts_is_read_as_libpq_reads_it() {
        for (url, expected) in [
            (
                "postgres://u:p@db1:5433,db2:5434/roster",
                vec![("db1", 5433), ("db2", 5434)],
            ),
            (
                "postgres://u:p@db1,db2:5434,db3:/roster",
                vec![("db1", 5432), ("db2", 5434), ("db3", 5432)],
            ),
            (
                "postgresql://db1,db2/roster?sslmode=require",
                vec![("db1", 5432), ("db2", 5432)],
            ),
            (
                "postgres://u:a%40b@[::1]:5433,[2001:db8::2]/roster",
                vec![("[::1]", 5433), ("[2001:db8::2]", 5432)],
            ),
            (
                "postgres://u@%2Frun%2Fa,%2Frun%2Fb:5433/roster",
                vec![("/run/a", 5432), ("/run/b", 5433)],
            ),
            (
                "postgres://u@x/roster?host=/run/a,/run/b&port=5433,5434",
                vec![("/run/a", 5433), ("/run/b", 5434)],
            ),
            (
                "postgres://u@x/roster?host=db1%2Cdb2&port=6432",
                vec![("db1", 6432), ("db2", 6432)],
            ),
            (
                "postgres://u@db1,db2/roster?port=6432",
                vec![("db1", 6432), ("db2", 6432)],
            ),
            ("postgres://u@db1:5433/roster", vec![("db1", 5433)]),
            ("postgres://u@localhost/roster?host=%2Frun%2Fa", vec![("/run/a", 5432)]),
        ] {
            assert_eq!(hosts(url), to(&expected), "{url}");
        }
    }

    /// All else is the same for each of them.
    #[test]
    fn u5_each_host_has_the_user_the_database_and_the_parameters() {
        let (hosts, wanted) =
            parse("postgres://me:secret@a:1,b:2/shop?target_session_attrs=read-write&sslmode=require").unwrap();
        assert_eq!(wanted, Wanted::ReadWrite);
        let names: Vec<_> = hosts.iter().map(|host| host.name.as_str()).collect();
        assert_eq!(names, ["a:1", "b:2"], "without the password");
        for host in hosts {
            assert_eq!(host.options.get_username(), "me");
            assert_eq!(host.options.get_database(), Some("shop"));
            assert!(matches!(
                host.options.get_ssl_mode(),
                sqlx::postgres::PgSslMode::Require
            ));
        }
    }

    #[test]
    fn u5_what_a_server_must_be() {
        for (target, wanted) in [
            ("target_session_attrs=primary", Ok(Wanted::Primary)),
            ("sslmode=disable&target_session_attrs=read-write", Ok(Wanted::ReadWrite)),
            ("target_session_attrs=standby", Err(BadAddress::Target)),
            ("target_session_attrs=prefer-standby", Err(BadAddress::Target)),
            ("target_session_attrs=read_write", Err(BadAddress::Target)),
            ("target_session_attrs=", Err(BadAddress::Target)),
        ] {
            for hosts in ["a", "a,b"] {
                let found = parse(&format!("postgres://u@{hosts}/d?{target}"));
                assert_eq!(found.map(|(_, wanted)| wanted), wanted, "{target}");
            }
        }
        let wanted = |url| parse(url).map(|(_, wanted)| wanted);
        assert_eq!(wanted("postgres://u@a/d"), Ok(Wanted::Any));
        assert_eq!(wanted("postgres://u@a/d?target_session_attrs=any"), Ok(Wanted::Any));
        assert_eq!(
            wanted("postgres://u@a,b/d"),
            Ok(Wanted::ReadWrite),
            "of several, the one that counts"
        );
        assert_eq!(
            wanted("postgres://u@a,b/d?target_session_attrs=any"),
            Err(BadAddress::Target)
        );
    }

    #[test]
    fn u5_a_malformed_list_is_told_in_one_line_without_the_password() {
        for (url, why) in [
            ("postgres://u:secret@a,,b/d", BadAddress::EmptyHost),
            ("postgres://u:secret@a,/d", BadAddress::EmptyHost),
            ("postgres://u:secret@,a/d", BadAddress::EmptyHost),
            ("postgres://u:secret@a:0,b/d", BadAddress::Port),
            ("postgres://u:secret@a:65536,b/d", BadAddress::Port),
            ("postgres://u:secret@a:x,b/d", BadAddress::Port),
            ("postgres://u:secret@[::1,b/d", BadAddress::Brackets),
            ("postgres://u:secret@[::1]5432,b/d", BadAddress::Brackets),
            ("postgres://u:secret@2001:db8::1,b/d", BadAddress::Brackets),
            ("postgres://u:secret@a,b,c/d?port=1,2", BadAddress::PortCount),
            ("postgres://u:secret@a b,c/d", BadAddress::Url),
            ("secret", BadAddress::Url),
        ] {
            let found = parse(url).map(|(hosts, _)| hosts.len()).unwrap_err();
            assert_eq!(found, why, "{url}");
            let said = found.to_string();
            assert!(!said.contains("secret") && said.lines().count() == 1, "{said}");
        }
    }
}
