//! The planted fault: a cache in front of a server.

use std::{
    net::SocketAddr,
    sync::{Arc, RwLock},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::super::servers::Door;

use http_body_util::Full;
use tokio::net::TcpListener;

type Remembered = Arc<RwLock<std::collections::HashMap<String, (Instant, (StatusCode, String))>>>;

/// The planted fault: a proxy that remembers each answer for a second.
pub(super) async fn cache_in_front_of(server: SocketAddr) -> SocketAddr {
    async fn answer(State((server, remembered)): State<(SocketAddr, Remembered)>, request: Request) -> Response {
        let key = access_request_of(&request);
        let known = remembered.read().unwrap().get(&key).cloned();
        if let Some((at, answer)) = known
            && at.elapsed() < Duration::from_secs(1)
        {
            return answer.into_response();
        }
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let mut door = Door::open(server).await.unwrap();
        let asked = hyper::Request::from_parts(parts, Full::new(body));
        let answer = door.send(asked).await.unwrap();
        remembered
            .write()
            .unwrap()
            .insert(key, (Instant::now(), answer.clone()));
        answer.into_response()
    }
    let state = (server, Remembered::default());
    let router = Router::new().fallback(answer).with_state(state);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, router).into_future());
    addr
}

/// The access request as the key of the planted cache: what is asked, and for whom.
fn access_request_of(request: &Request) -> String {
    let said = ["x-roster-resource", "cookie", "authorization"].map(|name| request.headers().get(name));
    format!("{} {said:?}", request.uri())
}
