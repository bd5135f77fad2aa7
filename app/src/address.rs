//! The address of the page that is shown, decoded once and here alone. The router's own maps decode what they read a
//! second time, so that `%2B` becomes a space and `%26` ends a value.
//!
//! It is the address of the route a screen is of: on the way to another screen it stays as it was for the one that is
//! left.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map, use_url};
use percent_encoding::percent_decode_str;

/// The address of a page: the segments of its path and the parts of its query, each decoded once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PageAddress {
    segments: Vec<String>,
    search: String,
}

impl PageAddress {
    /// Reads a path and a query, with its question mark or without, as they are in a URL.
    pub(crate) fn parse(path: &str, search: &str) -> Self {
        Self {
            segments: path
                .split('/')
                .filter(|segment| !segment.is_empty())
                .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
                .collect(),
            search: search.to_owned(),
        }
    }

    /// The segments of the path.
    pub(crate) fn segments(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// A part of the query; empty if there is none.
    pub(crate) fn query(&self, name: &str) -> String {
        query_part(&self.search, name)
    }
}

/// The address of the route a screen is of.
pub(crate) fn use_address() -> Memo<PageAddress> {
    let url = use_url();
    Memo::new(move |_| url.with(|url| PageAddress::parse(url.path(), url.search())))
}

/// The address of the page that is shown, whichever route it is of: for the frame around all of them.
pub(crate) fn use_page_address() -> Memo<PageAddress> {
    let location = use_location();
    Memo::new(move |_| PageAddress::parse(&location.pathname.read(), &location.search.read()))
}

/// A part of the query, as it was typed; empty if there is none. Of several the first counts.
pub(crate) fn use_query(name: &'static str) -> Memo<String> {
    let url = use_url();
    Memo::new(move |_| url.with(|url| query_part(url.search(), name)))
}

/// A parameter of the path, as it was typed; empty if there is none.
pub(crate) fn use_param(name: &'static str) -> Memo<String> {
    let (url, params) = (use_url(), use_params_map());
    Memo::new(move |_| {
        let twice = params.with(|params| params.get(name)).unwrap_or_default();
        url.with(|url| decoded_once(url.path(), twice))
    })
}

fn query_part(search: &str, name: &str) -> String {
    form_urlencoded::parse(search.trim_start_matches('?').as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// The segment of the path that the router decoded twice to this; this, if the path has none yet, or no more.
fn decoded_once(path: &str, twice: String) -> String {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    path.split('/')
        .map(decode)
        .find(|once| decode(once) == twice)
        .unwrap_or(twice)
}

#[cfg(test)]
mod tests {
    use super::{PageAddress, decoded_once, query_part};

    #[test]
    fn segments_are_decoded_once() {
        for (path, segments) in [
            ("/", vec![]),
            (
                "/settings/projects/ml%2Dresearch/",
                vec!["settings", "projects", "ml-research"],
            ),
            ("/projects/a%2Fb/c%252D", vec!["projects", "a/b", "c%2D"]),
        ] {
            assert_eq!(PageAddress::parse(path, "").segments(), segments, "{path}");
        }
    }

    #[test]
    fn a_query_is_decoded_once() {
        for (search, q) in [
            ("q=plus%2Btag&role=member", "plus+tag"),
            ("?role=&q=a+b", "a b"),
            ("q=a%26role%3Dadmin", "a&role=admin"),
            ("q=100%2525", "100%25"),
            ("q=100%25&q=second", "100%"),
            ("q=%C3%A9", "\u{e9}"),
            ("q", ""),
            ("", ""),
        ] {
            assert_eq!(query_part(search, "q"), q, "{search}");
        }
    }

    #[test]
    fn a_parameter_is_decoded_once() {
        for (path, twice, once) in [
            ("/settings/projects/ml-research/audit", "ml-research", "ml-research"),
            ("/projects/ml%2Dresearch", "ml-research", "ml-research"),
            ("/projects/ml%252Dresearch", "ml-research", "ml%2Dresearch"),
            ("/projects/a%2Fb", "a/b", "a/b"),
            // The screen that is left.
            ("/settings/profile", "ml-research", "ml-research"),
            ("/projects", "", ""),
        ] {
            assert_eq!(decoded_once(path, twice.to_owned()), once, "{path}");
        }
    }
}
