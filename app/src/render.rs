//! Renders a page on the server: asks for everything it shows, and then renders it once, whole. Its status, its headers
//! and where it leads are known before a byte is sent.
//!
//! Owns the document around every page. It must not know the directory, nor any screen.

use std::fmt::Write as _;

use axum::http::{HeaderMap, StatusCode, request::Parts};
use leptos::{nonce::Nonce, prelude::*, reactive::computed::ScopedFuture};
use leptos_axum::ResponseOptions;
use leptos_router::{components::provide_server_redirect, location::RequestUrl};

use crate::{
    App, address::PageAddress, answers::Answers, components::RenderedTitle, markup::escape, page_data::asks,
    request_context::redirect,
};

/// The files that every page names. Their names change with their content, so that they can be kept for good.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// The path of the script that hydrates a page.
    pub script: &'a str,
    /// The path of the WebAssembly.
    pub wasm: &'a str,
    /// The path of the styles.
    pub style: &'a str,
}

/// A rendered page.
#[derive(Debug)]
pub struct Page {
    /// The document.
    pub html: String,
    /// The status that was set on the way, if one was.
    pub status: Option<StatusCode>,
    /// The headers that were set on the way.
    pub headers: HeaderMap,
    /// What its scripts are allowed by.
    pub nonce: String,
}

/// Renders the page that a request asks for. `parts` carries the request's context.
pub async fn render(parts: Parts, site: Site<'_>) -> Page {
    let path = parts
        .uri
        .path_and_query()
        .map_or("/", |whole| whole.as_str())
        .to_owned();
    let address = PageAddress::parse(parts.uri.path(), parts.uri.query().unwrap_or_default());
    let (options, title) = (ResponseOptions::default(), RenderedTitle::default());
    let nonce = Nonce::new();
    let owner = Owner::new_root(None);
    owner.with(|| {
        // The router wants a whole address, and looks at its path and query alone.
        provide_context(RequestUrl::new(&format!("http://roster.invalid{path}")));
        provide_context(parts);
        provide_context(options.clone());
        provide_context(title.clone());
        provide_context(nonce.clone());
        provide_server_redirect(redirect);
    });
    let answers = owner.with(|| ScopedFuture::new(Answers::of(asks(&address)))).await;
    let html = owner.with(|| {
        provide_context(answers.clone());
        let body = App().to_html();
        let mut html = String::with_capacity(body.len() + 4096);
        write_head(&mut html, &title.take(), &nonce.to_string(), site);
        html.push_str("<body>");
        html.push_str(&body);
        answers.write(&nonce.to_string(), &mut html);
        html.push_str("</body></html>");
        html
    });
    owner.unset_with_forced_cleanup();
    let (status, headers) = match options.0.read() {
        Ok(options) => (options.status, options.headers.clone()),
        Err(_) => (Some(StatusCode::INTERNAL_SERVER_ERROR), HeaderMap::new()),
    };
    Page {
        html,
        status,
        headers,
        nonce: nonce.to_string(),
    }
}

/// Writes the document up to its body.
fn write_head(out: &mut String, title: &str, nonce: &str, site: Site<'_>) {
    let Site { script, wasm, style } = site;
    let title = escape(title);
    // Writing to a text can't fail.
    let _ = write!(
        out,
        "<!DOCTYPE html><html lang=\"en\"><head>\
         <meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title>\
         <link rel=\"icon\" href=\"/favicon.svg\" type=\"image/svg+xml\">\
         <link rel=\"preload\" href=\"/fonts/inter-latin.woff2\" as=\"font\" type=\"font/woff2\" \
         crossorigin=\"anonymous\">\
         <link rel=\"stylesheet\" href=\"{style}\">\
         <link rel=\"modulepreload\" href=\"{script}\" nonce=\"{nonce}\">\
         <link rel=\"preload\" href=\"{wasm}\" as=\"fetch\" type=\"application/wasm\" crossorigin=\"anonymous\">\
         <script type=\"module\" nonce=\"{nonce}\">import start,{{hydrate}} from '{script}';\
         start({{module_or_path:'{wasm}'}}).then(hydrate)</script></head>"
    );
}
