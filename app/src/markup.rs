//! HTML and SVG as text: for the rows of lists, and wherever Leptos writes a text as it is. Owns the escaping; knows no
//! component.

/// HTML that is being written. Data can only become text or the value of an attribute: what is written as it is must be
/// part of this program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Markup(String);

impl Markup {
    /// Writes whole tags, and text between them, as they are.
    pub(crate) fn raw(&mut self, html: &'static str) -> &mut Self {
        debug_assert!(leaves_no_tag_open(html), "{html}");
        self.0.push_str(html);
        self
    }

    /// Writes a text.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        push_escaped(&mut self.0, text);
        self
    }

    /// Begins an element whose attributes are data. The tag ends with the value that is returned.
    pub(crate) fn open(&mut self, name: &'static str) -> Tag<'_> {
        debug_assert!(name.bytes().all(|byte| byte.is_ascii_lowercase()), "{name}");
        self.0.push('<');
        self.0.push_str(name);
        Tag(self)
    }

    /// What was written so far.
    pub(crate) fn html(&self) -> &str {
        &self.0
    }

    /// What was written.
    pub(crate) fn into_html(self) -> String {
        self.0
    }
}

/// A tag, to which attributes are added.
pub(crate) struct Tag<'a>(&'a mut Markup);

impl Tag<'_> {
    /// Adds an attribute.
    pub(crate) fn attribute(self, name: &'static str, value: &str) -> Self {
        let html = &mut self.0.0;
        html.push(' ');
        html.push_str(name);
        html.push_str("=\"");
        push_escaped(html, value);
        html.push('"');
        self
    }
}

impl Drop for Tag<'_> {
    fn drop(&mut self) {
        self.0.0.push('>');
    }
}

/// Writes data so that it is text between tags, and the value of an attribute between double quotes.
fn push_escaped(html: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"']) {
        let (before, from) = rest.split_at(at);
        html.push_str(before);
        html.push_str(match from.as_bytes().first() {
            Some(b'&') => "&amp;",
            Some(b'<') => "&lt;",
            Some(b'>') => "&gt;",
            _ => "&quot;",
        });
        // Each of them is one byte.
        rest = from.get(1..).unwrap_or_default();
    }
    html.push_str(rest);
}

/// Returns the text escaped, for what is written by other means.
#[cfg(feature = "ssr")]
pub(crate) fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    push_escaped(&mut html, text);
    html
}

/// Whether what follows this piece of HTML is text. An element whose content isn't read as text has no place here.
fn leaves_no_tag_open(html: &str) -> bool {
    html.rfind('<') <= html.rfind('>') && !["<script", "<style", "<!--"].iter().any(|begin| html.contains(begin))
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::Markup;

    /// Names that would be markup if they were not escaped.
    pub(crate) const HOSTILE: [&str; 7] = [
        "</title><script>document.documentElement.dataset.pwned=1</script>",
        "<img src=x onerror=alert(1)>",
        "\" autofocus onfocus=\"alert(1)",
        "' onmouseover='alert(1)",
        "</td></tr></table><b>bold</b>",
        "&lt;b&gt; &amp;amp; &quot;",
        "--><!-- ]]> \u{0} \u{202e}txt",
    ];

    /// A piece of HTML as the parser of a browser reads it, as far as this program writes it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) enum Piece {
        Text(String),
        /// The name of a tag, with a slash before it if it ends an element, and its attributes.
        Tag(String, Vec<(String, String)>),
    }

    /// Reads HTML as the tokenizer of the standard does: a tag ends at the first `>` that is in no value.
    pub(crate) fn read(html: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut rest = html;
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('<') {
                let (tag, after) = read_tag(after);
                pieces.push(tag);
                rest = after;
            } else {
                let end = rest.find('<').unwrap_or(rest.len());
                pieces.push(Piece::Text(unescape(&rest[..end])));
                rest = &rest[end..];
            }
        }
        pieces
    }

    fn read_tag(html: &str) -> (Piece, &str) {
        let end = html.find([' ', '>']).expect("a tag has an end");
        let (name, mut rest) = html.split_at(end);
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start_matches(' ');
            if let Some(after) = rest.strip_prefix('>') {
                return (Piece::Tag(name.to_owned(), attributes), after);
            }
            let end = rest.find(['=', ' ', '>']).expect("an attribute has an end");
            let name = rest[..end].to_owned();
            rest = &rest[end..];
            if let Some(after) = rest.strip_prefix("=\"") {
                let (value, after) = after.split_once('"').expect("a value has an end");
                attributes.push((name, unescape(value)));
                rest = after;
            } else {
                attributes.push((name, String::new()));
            }
        }
    }

    fn unescape(html: &str) -> String {
        html.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&amp;", "&")
    }

    /// The names of all tags and attributes: what must not depend on data.
    pub(crate) fn shape(html: &str) -> Vec<(String, Vec<String>)> {
        read(html)
            .into_iter()
            .filter_map(|piece| match piece {
                Piece::Text(_) => None,
                Piece::Tag(name, attributes) => Some((name, attributes.into_iter().map(|(name, _)| name).collect())),
            })
            .collect()
    }

    fn written(text: &str, value: &str) -> String {
        let mut out = Markup::default();
        out.raw("<p>")
            .open("a")
            .attribute("href", value)
            .attribute("title", text);
        out.text(text).raw("</a></p>");
        out.into_html()
    }

    fn is_read_back(text: &str, value: &str) {
        let tag = |name: &str| Piece::Tag(name.to_owned(), Vec::new());
        let attribute = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let attributes = vec![attribute("href", value), attribute("title", text)];
        let mut expected = vec![tag("p"), Piece::Tag("a".to_owned(), attributes)];
        if !text.is_empty() {
            expected.push(Piece::Text(text.to_owned()));
        }
        expected.extend([tag("/a"), tag("/p")]);
        assert_eq!(read(&written(text, value)), expected);
    }

    #[test]
    fn hostile_texts_stay_what_they_are() {
        for text in HOSTILE {
            is_read_back(text, text);
        }
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_place(text in any::<String>(), value in any::<String>()) {
            is_read_back(&text, &value);
        }

        #[test]
        fn nor_one_of_the_characters_that_matter(text in "[<>&\"'=/ a!-]{0,12}", value in "[<>&\"'=/ a!-]{0,12}") {
            is_read_back(&text, &value);
        }
    }

    #[test]
    #[should_panic(expected = "<td class=")]
    fn a_tag_is_not_left_open() {
        Markup::default().raw("<td class=");
    }
}
