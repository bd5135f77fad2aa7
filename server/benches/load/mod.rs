//! Load on a server: as many requests as are answered, and a steady rate of them.

use std::{
    error::Error,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use http_body_util::{BodyExt, Empty};
use hyper::{Request, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    time::{MissedTickBehavior, interval, sleep_until},
};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Connections at once.
const CONNECTIONS: usize = 16;
/// How long each measurement takes.
pub(crate) const PERIOD: Duration = Duration::from_secs(10);

/// What is asked for.
pub(crate) struct Target {
    pub(crate) server: SocketAddr,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The header that says who asks: one of them with each request, in turn.
    pub(crate) askers: Vec<(&'static str, String)>,
    /// How often was asked.
    pub(crate) turn: AtomicUsize,
    /// A good answer has status 200 and at least so many bytes.
    pub(crate) least: usize,
}

impl Target {
    /// Who asks next.
    fn asker(&self) -> Option<&(&'static str, String)> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        self.askers.get(turn % self.askers.len().max(1))
    }
}

/// One connection, kept open.
async fn connect(target: &Target) -> Outcome<http1::SendRequest<Empty<Bytes>>> {
    let stream = TcpStream::connect(target.server).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn ask(sender: &mut http1::SendRequest<Empty<Bytes>>, target: &Target) -> Outcome<()> {
    sender.ready().await?;
    let request = Request::get(&target.path).header("host", target.server.to_string());
    let request = target
        .headers
        .iter()
        .chain(target.asker())
        .fold(request, |request, (name, value)| request.header(*name, value));
    let request = request.body(Empty::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let page = response.into_body().collect().await?.to_bytes();
    if status != 200 || page.len() < target.least {
        Err(format!("{}: {status}, {} bytes", target.path, page.len()).into())
    } else {
        Ok(())
    }
}

/// Requests a second, as many as are answered.
pub(crate) async fn flat_out(target: &Arc<Target>, period: Duration) -> Outcome<f64> {
    let end = Instant::now() + period;
    let mut workers = Vec::new();
    for _ in 0..CONNECTIONS {
        let target = Arc::clone(target);
        workers.push(tokio::spawn(async move {
            let mut sender = connect(&target).await?;
            let mut count = 0_u32;
            while Instant::now() < end {
                ask(&mut sender, &target).await?;
                count += 1;
            }
            Outcome::Ok(count)
        }));
    }
    let mut sum = 0;
    for worker in workers {
        sum += worker.await??;
    }
    Ok(f64::from(sum) / period.as_secs_f64())
}

/// Times of requests at a steady rate, counted from when each was due: a server that stalls makes the ones behind it
/// late too.
pub(crate) async fn at_rate(target: &Arc<Target>, rate: u32) -> Outcome<Vec<Duration>> {
    let times = Arc::new(Mutex::new(Vec::new()));
    let start = tokio::time::Instant::now() + Duration::from_millis(50);
    let each = u32::try_from(CONNECTIONS)?;
    let mut workers = Vec::new();
    for worker in 0..each {
        let (target, times) = (Arc::clone(target), Arc::clone(&times));
        workers.push(tokio::spawn(async move {
            let mut sender = connect(&target).await?;
            let mut beat = interval(Duration::from_secs(1) * each / rate);
            beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
            sleep_until(start + Duration::from_secs(1) * worker / rate).await;
            beat.reset_immediately();
            loop {
                let due = beat.tick().await;
                if due > start + PERIOD {
                    return Outcome::Ok(());
                }
                ask(&mut sender, &target).await?;
                if let Ok(mut times) = times.lock() {
                    times.push(due.elapsed());
                }
            }
        }));
    }
    for worker in workers {
        worker.await??;
    }
    let mut times = times.lock().map_err(|_| "a worker failed")?.clone();
    times.sort_unstable();
    Ok(times)
}

pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted
        .get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
