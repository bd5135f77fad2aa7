//! Which program asks: by its key, looked up at every request (E5), and no more often than it may.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use directory::{Error, Origin, Principal, Token, TokenKind};
use policy::Refusal;

use super::{context::Rest, limits::Spent};
use crate::http::{credentials, problem::ApiError};

/// Finds out which key asks, puts a [`Principal`] into the request, and passes on.
pub(crate) async fn identify(State(rest): State<Rest>, mut request: Request, next: Next) -> Response {
    let (spent, actor) = caller(&rest, presented(request.headers()), credentials::origin(&request)).await;
    let mut response = match actor {
        Ok(actor) => {
            request.extensions_mut().insert(actor);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    };
    spent.say(response.headers_mut());
    response
}

/// Finds out which key or meter asks (E9), puts a [`Principal`] into the request, and passes on.
pub(crate) async fn identify_reporter(State(rest): State<Rest>, mut request: Request, next: Next) -> Response {
    let origin = credentials::origin(&request);
    let (spent, reporter) = match presented_as(request.headers(), TokenKind::Meter) {
        Some(token) => meter(&rest, &token, origin).await,
        None => caller(&rest, presented(request.headers()), origin).await,
    };
    let mut response = match reporter {
        Ok(reporter) => {
            request.extensions_mut().insert(reporter);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    };
    spent.say(response.headers_mut());
    response
}

async fn meter(rest: &Rest, token: &Token, origin: Origin) -> (Spent, Result<Principal, ApiError>) {
    let spent = rest.limits.key(token.reveal());
    if let Err(refusal) = spent.check() {
        return (spent, Err(refusal.into()));
    }
    match rest.directory.authenticate_meter(token, origin.clone()).await {
        Ok(meter) => (spent, Ok(meter)),
        Err(Error::Refused(refusal)) => stranger(rest, &origin, refusal),
        Err(error) => (spent, Err(error.into())),
    }
}

/// The bearer token of a request, if it is well-formed for this kind.
fn presented_as(headers: &HeaderMap, kind: TokenKind) -> Option<Token> {
    let mut values = headers.get_all(header::AUTHORIZATION).into_iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    Token::parse(kind, credentials::bearer(value.to_str().ok()?)?).ok()
}

async fn caller(rest: &Rest, key: Result<Token, Refusal>, origin: Origin) -> (Spent, Result<Principal, ApiError>) {
    let token = match key {
        Ok(token) => token,
        Err(refusal) => return stranger(rest, &origin, refusal),
    };
    let spent = rest.limits.key(token.reveal());
    if let Err(refusal) = spent.check() {
        return (spent, Err(refusal.into()));
    }
    match rest.directory.authenticate_key(&token, origin.clone()).await {
        Ok(actor) => (spent, Ok(actor)),
        Err(Error::Refused(refusal)) => stranger(rest, &origin, refusal),
        Err(error) => (spent, Err(error.into())),
    }
}

/// The refusal of a caller without a working key; once its address exceeds the limit, that of too many attempts.
fn stranger(rest: &Rest, origin: &Origin, refusal: Refusal) -> (Spent, Result<Principal, ApiError>) {
    let spent = rest.limits.address(&origin.address);
    let refusal = spent.check().err().unwrap_or(refusal);
    (spent, Err(refusal.into()))
}

/// Any secret of ours that came with a request (K10), and what it is for.
///
/// # Errors
/// [`Refusal::KeyMissing`], [`Refusal::KeyInvalid`].
pub(crate) fn presented_secret(headers: &HeaderMap) -> Result<(TokenKind, Token), Refusal> {
    let other = [TokenKind::Gateway, TokenKind::Meter]
        .into_iter()
        .find_map(|kind| Some((kind, presented_as(headers, kind)?)));
    match other {
        Some(found) => Ok(found),
        None => presented(headers).map(|token| (TokenKind::ApiKey, token)),
    }
}

/// The key that came with a request. What can't be one is refused without asking the database (K3).
///
/// # Errors
/// [`Refusal::KeyMissing`], [`Refusal::KeyInvalid`].
pub(crate) fn presented(headers: &HeaderMap) -> Result<Token, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).into_iter();
    let value = values.next().ok_or(Refusal::KeyMissing)?;
    // Two of them are ambiguous.
    if values.next().is_some() {
        return Err(Refusal::KeyInvalid);
    }
    let value = value.to_str().map_err(|_| Refusal::KeyInvalid)?;
    let secret = credentials::bearer(value).ok_or(Refusal::KeyMissing)?;
    Token::parse(TokenKind::ApiKey, secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bearer_is_a_key() {
        let refused = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, value.parse().unwrap());
            }
            presented(&headers).unwrap_err()
        };
        assert_eq!(refused(&[]), Refusal::KeyMissing);
        assert_eq!(refused(&["Basic eDp5"]), Refusal::KeyMissing);
        assert_eq!(refused(&["Bearer"]), Refusal::KeyMissing);
        assert_eq!(refused(&["Bearer nonsense"]), Refusal::KeyInvalid);
        assert_eq!(refused(&["Bearer a", "Bearer b"]), Refusal::KeyInvalid);
    }
}
