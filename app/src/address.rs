//! The address of the page that is shown, decoded once and here alone. The router's own maps decode what they read a second
//! time, so that `%2B` becomes a space and `%26` ends a value.

use std::borrow::Cow;

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map};

/// A part of the query, as it was typed; empty if there is none. Of several the first counts.
pub(crate) fn use_query(name: &'static str) -> Memo<String> {
    let search = use_location().search;
    Memo::new(move |_| search.with(|search| query_part(search, name)))
}

/// A segment of the path, counted from 0; empty if there is none. Follows the parameters of the route the screen is of: on
/// the way to another screen the address has changed already, and says nothing to the one that is left.
pub(crate) fn use_segment(nth: usize) -> Memo<String> {
    let (path, params) = (use_location().pathname, use_params_map());
    Memo::new(move |_| {
        params.track();
        path.with_untracked(|path| segment(path, nth))
    })
}

fn query_part(search: &str, name: &str) -> String {
    form_urlencoded::parse(search.trim_start_matches('?').as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

fn segment(path: &str, nth: usize) -> String {
    let raw = path.split('/').skip(1).nth(nth).unwrap_or_default();
    percent_encoding::percent_decode_str(raw)
        .decode_utf8()
        .map(Cow::into_owned)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{query_part, segment};

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
    fn a_segment_is_decoded_once() {
        assert_eq!(segment("/settings/projects/ml-research/audit", 2), "ml-research");
        assert_eq!(segment("/projects/ml%2Dresearch", 1), "ml-research");
        assert_eq!(segment("/projects/ml%252Dresearch", 1), "ml%2Dresearch");
        assert_eq!(segment("/projects/a%2Fb", 1), "a/b");
        assert_eq!(segment("/projects/%FF", 1), "");
        assert_eq!(segment("/projects", 1), "");
    }
}
