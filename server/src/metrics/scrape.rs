//! The answer to a scrape: what was counted, and what is so right now.
//!
//! It answers while the database is away, and says that then; the outbox, which is read from the database, is left out.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    middleware::from_fn,
    response::{IntoResponse, Response},
    routing::get,
};
use directory::{Directory, MailBacklog, refused_attempts};
use prometheus::{Error, Gauge, Registry, TEXT_FORMAT, TextEncoder};
use tokio::{sync::Mutex, time::timeout};
use tower::ServiceBuilder;
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};

use super::{
    count::Metrics,
    process,
    series::{counters, gauge, gauges, register, whole},
};
use crate::{
    events::broadcast::Broadcast,
    http::layers::{no_store, protect},
    listen::Occupancy,
};

/// How long the database is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long its answer is used again, so that frequent scrapes don't load it.
const FRESH: Duration = Duration::from_secs(1);
/// How long an answer may take in all.
const MOST_TIME: Duration = Duration::from_secs(5);

/// What is looked at when somebody scrapes. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Scraped {
    /// What was counted.
    pub(crate) metrics: Metrics,
    /// Each pool of connections to the database, by its name. The first one is asked about the outbox.
    pub(crate) pools: Arc<[(&'static str, Directory)]>,
    /// The open streams.
    pub(crate) broadcast: Broadcast,
    /// The connections of each listener, by its name.
    pub(crate) listeners: Arc<[(&'static str, Occupancy)]>,
}

/// When the outbox was last asked for, and what came of it.
type Asked = (Instant, Option<MailBacklog>);

#[derive(Clone, Debug)]
struct Scraper {
    scraped: Scraped,
    last: Arc<Mutex<Option<Asked>>>,
}

/// The router of the listener for metrics: `/metrics`, and nothing else.
pub(crate) fn router(scraped: Scraped) -> Router {
    let scraper = Scraper {
        scraped,
        last: Arc::default(),
    };
    Router::new().route("/metrics", get(scrape)).with_state(scraper).layer(
        ServiceBuilder::new()
            .layer(from_fn(protect))
            .layer(no_store())
            .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }))
            .layer(TimeoutLayer::with_status_code(
                StatusCode::SERVICE_UNAVAILABLE,
                MOST_TIME,
            )),
    )
}

async fn scrape(State(scraper): State<Scraper>) -> Response {
    let backlog = scraper.backlog().await;
    match text(&scraper.scraped, backlog) {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::warn!(%error, "metrics can't be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

impl Scraper {
    /// The mail that waits; none if the database doesn't say in time. One scrape asks at a time; others that waited for
    /// it use its answer.
    async fn backlog(&self) -> Option<MailBacklog> {
        let ask = async {
            let mut last = self.last.lock().await;
            if let Some((at, known)) = *last
                && at.elapsed() < FRESH
            {
                return known;
            }
            let (_, directory) = self.scraped.pools.first()?;
            let asked = timeout(PATIENCE, directory.mail_backlog()).await;
            let known = asked.ok().and_then(Result::ok);
            *last = Some((Instant::now(), known));
            known
        };
        timeout(PATIENCE + PATIENCE, ask).await.ok().flatten()
    }
}

/// All metrics as text. What is so right now is written to a registry of its own.
fn text(scraped: &Scraped, backlog: Option<MailBacklog>) -> Result<String, Error> {
    let now = Registry::new();
    add_build(&now)?;
    add_pools(&now, &scraped.pools)?;
    add_outbox(&now, backlog)?;
    add_listeners(&now, &scraped.listeners)?;
    add_refused_attempts(&now, &scraped.metrics)?;
    gauge(
        &now,
        "roster_streams",
        "Live streams that are open.",
        scraped.broadcast.count(),
    )?;
    process::add(&now)?;
    let mut families = scraped.metrics.gather();
    families.extend(now.gather());
    TextEncoder::new().encode_to_string(&families)
}

fn add_build(now: &Registry) -> Result<(), Error> {
    let build = gauges("roster_build_info", "The version that runs; always 1.", &["version"])?;
    build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
    register(now, &build)
}

fn add_pools(now: &Registry, pools: &[(&'static str, Directory)]) -> Result<(), Error> {
    let open = gauges(
        "roster_database_connections",
        "Connections to the database that are used or idle, by pool.",
        &["pool", "state"],
    )?;
    let most = gauges(
        "roster_database_connections_limit",
        "Connections to the database that there may be, by pool.",
        &["pool"],
    )?;
    let waits = counters(
        "roster_database_waits_total",
        "How often a connection to the database was waited for, since all were used, by pool.",
        &["pool"],
    )?;
    for (pool, directory) in pools {
        let pool = *pool;
        let state = directory.pool_state();
        open.with_label_values(&[pool, "used"]).set(state.used.into());
        open.with_label_values(&[pool, "idle"]).set(state.idle.into());
        most.with_label_values(&[pool]).set(state.most.into());
        waits.with_label_values(&[pool]).inc_by(state.waits);
    }
    register(now, &open)?;
    register(now, &most)?;
    register(now, &waits)
}

/// The outbox, if the database said how it is, and whether it did.
fn add_outbox(now: &Registry, backlog: Option<MailBacklog>) -> Result<(), Error> {
    let is_up = usize::from(backlog.is_some());
    gauge(
        now,
        "roster_database_up",
        "Whether the database answers: 1, or 0.",
        is_up,
    )?;
    let Some(backlog) = backlog else { return Ok(()) };
    let waiting = usize::try_from(backlog.waiting).unwrap_or(usize::MAX);
    gauge(now, "roster_outbox_mails", "Mails that wait to be sent.", waiting)?;
    let oldest = Gauge::new(
        "roster_outbox_oldest_seconds",
        "How long the oldest mail has waited to be sent, in seconds; 0 if none waits.",
    )?;
    oldest.set(backlog.oldest.as_seconds_f64());
    register(now, &oldest)
}

fn add_listeners(now: &Registry, listeners: &[(&'static str, Occupancy)]) -> Result<(), Error> {
    let open = gauges(
        "roster_connections",
        "Connections that are open, by listener.",
        &["listener"],
    )?;
    let most = gauges(
        "roster_connections_limit",
        "Connections that there may be, by listener.",
        &["listener"],
    )?;
    let refused = counters(
        "roster_connections_refused_total",
        "Connections that were closed at once, since their network had its part, by listener.",
        &["listener"],
    )?;
    for (listener, occupancy) in listeners {
        let listener = *listener;
        open.with_label_values(&[listener]).set(whole(occupancy.open()));
        most.with_label_values(&[listener]).set(whole(occupancy.most()));
        refused.with_label_values(&[listener]).inc_by(occupancy.refused());
    }
    register(now, &open)?;
    register(now, &most)?;
    register(now, &refused)
}

/// Attempts that a limit refused: those that are counted in the database, and those of this server.
fn add_refused_attempts(now: &Registry, metrics: &Metrics) -> Result<(), Error> {
    let refused = counters(
        "roster_refused_attempts_total",
        "Attempts that a limit refused, by limit.",
        &["limit"],
    )?;
    for (limit, count) in refused_attempts().chain(metrics.refused()) {
        refused.with_label_values(&[limit]).inc_by(count);
    }
    register(now, &refused)
}
