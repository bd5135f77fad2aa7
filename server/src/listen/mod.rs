//! Listeners: who may connect, how many at once, and for how long without a request (E8).
//!
//! Owns sockets, connections and their limits. Must not know what is answered.

mod heads;
mod seats;

use std::{io, net::SocketAddr, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulConnection, GracefulShutdown},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::sleep,
};
use tower::ServiceExt;

use crate::client::TrustedProxies;
use heads::{HeadClock, TimedHeads};
pub(crate) use seats::{Caps, Occupancy, Seats, raise_file_limit};

/// How long the head of a request may take: from the connection on, later from its first byte on.
const HEAD: Duration = Duration::from_secs(10);
/// How long a connection may wait for another request. Longer than usual proxies keep one, so that it is they who close
/// it, and none sends a request to a connection that just ended.
const IDLE: Duration = Duration::from_secs(120);
/// The largest head that is read. A form or page of ours has a few KiB.
const MOST_HEAD: usize = 64 * 1024;
/// How long to wait with accepting when the system has no descriptors or memory left.
const PAUSE: Duration = Duration::from_millis(100);

/// An address that is listened on.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    seats: Seats,
}

impl Listener {
    /// Listens on an address. `exempt` are proxies: each carries everybody, so no limit per network applies to it.
    ///
    /// # Errors
    /// If the address cannot be bound.
    pub(crate) async fn bind(addr: SocketAddr, caps: Caps, exempt: TrustedProxies) -> io::Result<Self> {
        Ok(Self {
            socket: TcpListener::bind(addr).await?,
            seats: Seats::new(caps, exempt),
        })
    }

    /// How many connections there are.
    pub(crate) fn occupancy(&self) -> Occupancy {
        self.seats.occupancy()
    }

    /// Serves until `stop` becomes true, and then until the requests under way are answered.
    pub(crate) async fn serve(self, router: Router, mut stop: watch::Receiver<bool>) {
        let connections = GracefulShutdown::new();
        // A dropped sender counts as the signal to stop.
        let mut stopped = std::pin::pin!(async move { drop(stop.wait_for(|stop| *stop).await) });
        loop {
            // The seat first: whoever comes while all are taken waits in the system's queue.
            let next = async { (self.seats.take().await, self.accept().await) };
            let (seat, (stream, peer)) = tokio::select! {
                next = next => next,
                () = &mut stopped => break,
            };
            // Closed at once if the client's network has as many connections as it may.
            let Some(taken_seat) = self.seats.assign(seat, peer.ip()) else {
                continue;
            };
            let connection = connections.watch(connection(stream, peer, router.clone()));
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection ended");
                }
                drop(taken_seat);
            });
        }
        drop(self.socket);
        connections.shutdown().await;
    }

    async fn accept(&self) -> (TcpStream, SocketAddr) {
        loop {
            match self.socket.accept().await {
                Ok(accepted) => return accepted,
                // The client closed the connection.
                Err(error) if is_the_clients(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "connections have to wait");
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset
    )
}

/// A connection as a future that answers its requests, one after the other.
fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
) -> impl GracefulConnection<Error = hyper::Error> + Send + 'static {
    // Without it every answer waits 40 ms for an acknowledgement.
    drop(stream.set_nodelay(true));
    let clock = HeadClock::default();
    let stream = TimedHeads::new(stream, clock.clone(), HEAD);
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let (router, answering) = (router.clone(), clock.answering());
        async move {
            let answer = router.oneshot(request).await;
            drop(answering);
            answer
        }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(MOST_HEAD)
        .serve_connection(TokioIo::new(stream), service)
}
