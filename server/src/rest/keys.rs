//! The end of a key that somebody came by (K10).

use axum::{
    Json,
    body::Body,
    extract::{Request, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use directory::{Origin, Token, TokenKind};
use policy::Refusal;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Rest, Result,
    body::{bytes, read_object, text},
    caller,
};
use crate::visit;

/// A key, and a few words around it: anybody may send this.
const MOST_BYTES: usize = 4 * 1024;

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<Rest> {
    OpenApiRouter::default().routes(routes!(revoke_key))
}

/// What became of a key.
#[derive(Debug, Serialize, ToSchema)]
struct Revoked {
    /// Whether it is one of ours, which opens nothing any more. False: no key of ours, and nothing was done.
    revoked: bool,
}

/// Revokes the key that is presented, at once and for good: in the body, or as the bearer if there is no body. For anybody who
/// came by a key, like a scanner of published code: it needs nothing but the key itself. Presenting it again answers the same.
#[utoipa::path(post, path = "/v1/keys/revoke", tag = "Keys", security((), ("key" = [])),
    request_body(content = ref("#/components/schemas/PresentedKey")),
    responses((status = 200, description = "What became of it.", body = Revoked)))]
async fn revoke_key(State(rest): State<Rest>, request: Request) -> Response {
    let origin = visit::origin(&request);
    let spent = rest.limits.address(&origin.address);
    let (parts, body) = request.into_parts();
    let answer = match spent.check() {
        Ok(()) => revoke(&rest, &origin, &parts.headers, body).await.map(Json),
        Err(refusal) => Err(refusal.into()),
    };
    let mut response = answer.into_response();
    spent.say(response.headers_mut());
    response
}

async fn revoke(rest: &Rest, origin: &Origin, headers: &HeaderMap, body: Body) -> Result<Revoked> {
    let body = bytes(body, MOST_BYTES).await?;
    let token = if body.is_empty() {
        caller::presented(headers)
    } else {
        let mut fields = read_object(headers, &body)?;
        let key = fields.needed("key", text);
        Token::parse(TokenKind::ApiKey, &fields.done(key)?)
    };
    match token {
        Ok(token) => Ok(Revoked {
            revoked: rest.directory.revoke_presented_key(&token, origin).await?,
        }),
        Err(Refusal::KeyMissing) => Err(Refusal::KeyMissing.into()),
        // A scanner finds much that looks like a key.
        Err(_) => Ok(Revoked { revoked: false }),
    }
}
