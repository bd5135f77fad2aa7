//! Static error pages, made without the app: for requests that must not reach it, and for when the database is away.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

/// The page for when the database cannot be asked (E6).
pub(crate) fn unavailable(status: StatusCode) -> Response {
    let mut response = bare(
        status,
        "Roster can’t answer right now",
        "Nothing was changed. Try again in a moment.",
    );
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

/// The page for a form of another origin (403).
pub(crate) fn foreign_form() -> Response {
    let text = "It came from another address than the one this console is set up for, so nothing was changed. Open \
                 the console at its own address and try again. If this is its address, whoever runs it has to set \
                 ROSTER_URL to it.";
    bare(StatusCode::FORBIDDEN, "This form was not accepted", text)
}

/// The page for a request for another host (421).
pub(crate) fn misdirected() -> Response {
    let text = "It asks for a host name that isn’t this console’s, so nothing was done. Open the console at its own \
                 address. If this is its address, whoever runs it has to set ROSTER_URL to it.";
    bare(
        StatusCode::MISDIRECTED_REQUEST,
        "This isn’t the console’s address",
        text,
    )
}

/// A page with a title and one paragraph, without scripts or styles.
pub(crate) fn bare(status: StatusCode, title: &str, text: &str) -> Response {
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title></head>\
         <body><main><h1>{title}</h1><p>{text}</p></main></body></html>"
    );
    (status, Html(page)).into_response()
}
