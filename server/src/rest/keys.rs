//! The end of a secret that somebody came by: an API key, or a token of a gateway or a meter (K10).

use axum::{
    Json,
    body::Body,
    extract::{Request, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use directory::{Principal, Token, TokenKind};
use policy::Refusal;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    body::{bytes, read_object, text},
    caller,
    context::{Rest, Result},
};
use crate::http::credentials;

/// A key, and a few words around it: anybody may send this.
const MOST_BYTES: usize = 4 * 1024;

/// The routes of this file.
pub(crate) fn routes() -> OpenApiRouter<Rest> {
    OpenApiRouter::default().routes(routes!(revoke_key))
}

/// What became of a key or token.
#[derive(Debug, Serialize, ToSchema)]
struct Revoked {
    /// Whether it is one of ours, which opens nothing any more. False: none of ours, and nothing was done.
    revoked: bool,
}

/// Revokes the API key, gateway token or meter token that is presented, at once and for good: in the body, or as the
/// bearer if there is no body. For anybody who came by one, like a scanner of published code: it needs nothing but the
/// secret itself. Presenting it again answers the same.
#[utoipa::path(post, path = "/v1/keys/revoke", tag = "Keys", security((), ("key" = [])),
    request_body(content = ref("#/components/schemas/PresentedKey")),
    responses((status = 200, description = "What became of it.", body = Revoked)))]
async fn revoke_key(State(rest): State<Rest>, request: Request) -> Response {
    let principal = Principal::anonymous(credentials::origin(&request));
    let spent = rest.limits.address(&principal.origin.address);
    let (parts, body) = request.into_parts();
    let answer = match spent.check() {
        Ok(()) => revoke(&rest, &principal, &parts.headers, body).await.map(Json),
        Err(refusal) => Err(refusal.into()),
    };
    let mut response = answer.into_response();
    spent.say(response.headers_mut());
    response
}

/// A key without what stands around it, or is folded into it, where somebody copied it.
fn unwrapped(text: &str) -> String {
    let is_part = |c: &char| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '`' | ',' | ';' | '<' | '>');
    text.chars().filter(is_part).collect()
}

async fn revoke(rest: &Rest, principal: &Principal, headers: &HeaderMap, body: Body) -> Result<Revoked> {
    let body = bytes(body, MOST_BYTES).await?;
    let secret = if body.is_empty() {
        caller::presented_secret(headers)
    } else {
        let mut fields = read_object(headers, &body)?;
        let key = fields.needed("key", text);
        let text = fields.done(key)?;
        let text = unwrapped(&text);
        let kind = Token::kind_of(&text).unwrap_or(TokenKind::ApiKey);
        Token::parse(kind, &text).map(|token| (kind, token))
    };
    match secret {
        Ok((kind, token)) => Ok(Revoked {
            revoked: rest.directory.revoke_presented(principal, kind, &token).await?,
        }),
        Err(Refusal::KeyMissing) => Err(Refusal::KeyMissing.into()),
        // A scanner finds much that looks like a key.
        Err(_) => Ok(Revoked { revoked: false }),
    }
}
