//! Requests as programs, scripts and browsers send them, and what comes back.

use app::Flash;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};

use super::{URL, Who};

/// How something is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// By a program: no word about itself.
    Program,
    /// By the console's own script.
    Script,
    /// By a form or link in a browser, without scripts.
    Plain,
}

impl Manner {
    pub(crate) const ALL: [Self; 3] = [Self::Program, Self::Script, Self::Plain];
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) uri: String,
    pub(crate) who: Who,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) body: Vec<u8>,
}

impl Ask {
    pub(crate) fn get(uri: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            uri: uri.into(),
            who: Who::Nobody,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A form as a browser sends it.
    pub(crate) fn post<'a, V: AsRef<[u8]> + 'a>(
        uri: impl Into<String>,
        fields: impl IntoIterator<Item = (&'a str, V)>,
    ) -> Self {
        Self {
            method: Method::POST,
            body: encode(fields).into_bytes(),
            ..Self::get(uri)
        }
        .with(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
    }

    pub(crate) fn by(self, who: Who) -> Self {
        Self { who, ..self }
    }

    pub(crate) fn with(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With the headers of that kind of client.
    pub(crate) fn manner(self, manner: Manner) -> Self {
        let site = HeaderName::from_static("sec-fetch-site");
        let dest = HeaderName::from_static("sec-fetch-dest");
        match manner {
            Manner::Program => self,
            Manner::Script => self
                .with(header::ACCEPT, "application/json")
                .with(site, "same-origin")
                .with(dest, "empty"),
            Manner::Plain => self
                .with(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")
                .with(header::ORIGIN, URL)
                .with(header::REFERER, format!("{URL}/settings/profile"))
                .with(site, "same-origin")
                .with(dest, "document"),
        }
    }
}

/// A form, or a query.
pub(crate) fn encode<'a, V: AsRef<[u8]> + 'a>(fields: impl IntoIterator<Item = (&'a str, V)>) -> String {
    let mut text = String::new();
    for (name, value) in fields {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        text.extend(form_urlencoded::byte_serialize(value.as_ref()));
    }
    text
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(super) flash: Option<Flash>,
}

impl Answer {
    /// A header, or nothing.
    pub(crate) fn header(&self, name: impl AsRef<str>) -> &str {
        self.headers
            .get(name.as_ref())
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }

    /// Where it sends the browser to.
    pub(crate) fn location(&self) -> &str {
        self.header("location")
    }

    /// The `Set-Cookie` of this name.
    pub(crate) fn set_cookie(&self, name: &str) -> Option<&str> {
        self.headers
            .get_all(header::SET_COOKIE)
            .into_iter()
            .map(|value| value.to_str().unwrap())
            .find(|value| value.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')))
    }

    /// The value of that cookie.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.set_cookie(name)?.strip_prefix(name)?.get(1..)?.split(';').next()
    }

    /// The flash that the next page will show.
    pub(crate) fn flash(&self) -> Option<Flash> {
        self.flash.clone()
    }

    /// The nonce of its content security policy.
    pub(crate) fn nonce(&self) -> Option<&str> {
        let policy = self.header("content-security-policy");
        policy.split_once("'nonce-")?.1.split_once('\'').map(|(nonce, _)| nonce)
    }

    /// A page without what no two share: the nonce of its policy, and its name, by which its forms are known.
    pub(crate) fn common_text(&self) -> String {
        let text = self.text.replace(self.header("x-request-id"), "PAGE");
        text.replace(self.nonce().unwrap(), "NONCE")
    }

    /// All of it, except what no two answers share (request id, date, nonce), with `slug` made anonymous. Its length
    /// follows that of the slug.
    pub(crate) fn anonymous(&self, slug: &str) -> String {
        let mut text = format!("{}\n", self.status);
        let mut headers: Vec<_> = self
            .headers
            .iter()
            .filter(|(name, _)| !["x-request-id", "date", "content-length"].contains(&name.as_str()))
            .map(|(name, value)| {
                let value = value.to_str().unwrap();
                match &self.flash {
                    // The ticket is different each time; what it shows is not.
                    Some(flash) if value.starts_with("roster-flash=") => {
                        format!("{name}: flash {}", serde_json::to_string(flash).unwrap())
                    }
                    _ => format!("{name}: {value}"),
                }
            })
            .collect();
        headers.sort();
        text.push_str(&headers.join("\n"));
        text.push_str("\n\n");
        text.push_str(&self.text);
        if let Some(nonce) = self.nonce() {
            text = text.replace(nonce, "NONCE");
        }
        let id = self.header("x-request-id");
        if !id.is_empty() {
            text = text.replace(id, "ID");
        }
        text.replace(slug, "SLUG")
    }
}
