//! `roster serve`: starts the parts of a server in order, runs it, and shuts it down gracefully.

use std::{error::Error, io::Write, sync::Arc, time::Duration};

use app::request_context::Cookies;
use directory::{DemoError, Directory, Principal};
use tokio::{signal, sync::watch, task::JoinHandle, time};

use crate::{
    assets::Assets,
    config::Config,
    database::Directories,
    events::broadcast::Broadcast,
    listen::{Caps, Listener, Occupancy, raise_file_limit},
    log,
    metrics::{self, Metrics, Scraped},
    postgres::{Embedded, account::Account},
    privileges,
    router::{self, router},
    state::AppState,
};

/// How long requests in progress may take once the server is told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until told to stop.
pub(crate) async fn serve(config: &Config, demo: bool) -> Result<(), Box<dyn Error + Send + Sync>> {
    log::start();
    let assets = Assets::find(config.site.as_deref())?;
    // Binds the addresses first, so that one in use is reported before anything is started.
    let listeners = Listeners::bind(config).await?;
    let database = match &config.database_url {
        Some(_) => None,
        None => Some(Embedded::start(&config.data).await?),
    };
    let accounts = match &database {
        Some(database) => vec![database.account().clone()],
        None => Account::without_database(),
    };
    let urls = [&config.database_url, &config.database_direct_url];
    let urls: Vec<_> = urls.into_iter().filter_map(Option::as_deref).collect();
    let needed = privileges::needed(&assets, &urls);
    let served = match privileges::give_up_root(&accounts, &needed) {
        Ok(()) => with_database(config, demo, Arc::new(assets), listeners, database.as_ref()).await,
        Err(error) => Err(format!("cannot give up root: {error}").into()),
    };
    if let Some(database) = database {
        database.stop().await;
    }
    served
}

/// Where the server listens.
struct Listeners {
    console: Listener,
    /// Where gateways have an address of their own.
    gateways: Option<Listener>,
    /// Where metrics are given out.
    metrics: Option<Listener>,
}

impl Listeners {
    async fn bind(config: &Config) -> Result<Self, String> {
        let (for_console, for_gateways) = Caps::divide(raise_file_limit(), config.gateway_addr.is_some());
        let listen = async |addr, caps, name| {
            Listener::bind(addr, caps, config.proxies.clone())
                .await
                .map_err(|error| format!("cannot listen on {addr}: {error} ({name} says where)"))
        };
        Ok(Self {
            console: listen(config.addr, for_console, "ROSTER_ADDR").await?,
            gateways: match config.gateway_addr {
                Some(addr) => Some(listen(addr, for_gateways, "ROSTER_GATEWAY_ADDR").await?),
                None => None,
            },
            metrics: match config.metrics_addr {
                Some(addr) => Some(listen(addr, Caps::METRICS, "ROSTER_METRICS_ADDR").await?),
                None => None,
            },
        })
    }

    /// The connections of each listener, by its name.
    fn occupancies(&self) -> Vec<(&'static str, Occupancy)> {
        let each = [
            ("console", Some(&self.console)),
            ("gateways", self.gateways.as_ref()),
            ("metrics", self.metrics.as_ref()),
        ];
        each.into_iter()
            .filter_map(|(name, listener)| Some((name, listener?.occupancy())))
            .collect()
    }

    /// Answers until told to stop, and then until what is under way is answered.
    async fn answer(self, state: &AppState, stop: watch::Receiver<bool>) -> Result<(), tower_http::csrf::ConfigError> {
        let listeners = self.occupancies().into();
        let Self {
            console,
            gateways,
            metrics,
        } = self;
        let scraped = async {
            if let (Some(listener), Some(metrics)) = (metrics, &state.metrics) {
                let scraped = Scraped {
                    metrics: metrics.clone(),
                    pools: Arc::new([
                        ("people", state.directory.clone()),
                        ("programs", state.for_programs.clone()),
                        ("gateways", state.for_gateways.clone()),
                    ]),
                    broadcast: state.broadcast.clone(),
                    listeners,
                };
                listener.serve(metrics::router(scraped), stop.clone()).await;
            }
        };
        match gateways {
            None => {
                tokio::join!(console.serve(router(state)?, stop.clone()), scraped);
            }
            Some(gateways) => {
                let (for_console, for_gateways) = router::routers(state)?;
                tokio::join!(
                    console.serve(for_console, stop.clone()),
                    gateways.serve(for_gateways, stop.clone()),
                    scraped
                );
            }
        }
        Ok(())
    }
}

async fn with_database(
    config: &Config,
    demo: bool,
    assets: Arc<Assets>,
    listeners: Listeners,
    database: Option<&Embedded>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let directories = Directories::open(config, database.map(Embedded::url)).await?;
    let directory = &directories.people;
    if demo {
        match directory.load_demo(&Principal::operator()).await {
            // A second start finds the first one's data.
            Ok(()) | Err(DemoError::NotEmpty) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let broadcast = Broadcast::default();
    let state = AppState {
        directory: directory.clone(),
        for_programs: directories.programs.clone(),
        for_gateways: directories.gateways.clone(),
        assets,
        cookies: Cookies {
            is_secure: config.is_secure,
        },
        broadcast: broadcast.clone(),
        url: config.url.as_str().into(),
        proxies: config.proxies.clone(),
        metrics: config.metrics_addr.map(|_| Metrics::new()).transpose()?,
    };
    let mut helpers = vec![
        tokio::spawn(broadcast.clone().listen(directory.clone())),
        tokio::spawn(tidy(directory.clone(), config.audit_days)),
    ];
    if let Some(mailer) = config.mailer.clone() {
        let deliver = mailer.deliver(directory.clone(), broadcast.subscribe(), state.url.clone());
        helpers.push(tokio::spawn(deliver));
    }

    let (stop, mut stopping) = watch::channel(false);
    helpers.push(tokio::spawn(async move {
        stop_signal().await;
        tracing::info!("stopping");
        broadcast.end();
        stop.send_replace(true);
        // Keeps the sender alive: the listeners take its end for a signal.
        std::future::pending::<()>().await;
    }));
    tracing::info!(url = config.url, "serving");
    writeln!(std::io::stdout(), "Roster is at {}", config.url)?;

    let answered = listeners.answer(&state, stopping.clone());
    // A client that never ends its request does not keep the server from stopping.
    let late = async {
        drop(stopping.wait_for(|stopping| *stopping).await);
        time::sleep(GRACE).await;
    };
    let served = tokio::select! {
        served = answered => served,
        () = late => Ok(()),
    };
    helpers.iter().for_each(JoinHandle::abort);
    // Bounded as well: a query under way has had its time.
    drop(time::timeout(GRACE, directories.close()).await);
    Ok(served?)
}

/// Deletes expired rows at the start and every hour: sessions, counts of attempts, flashes, sent mail, old months of
/// the audit.
async fn tidy(directory: Directory, audit_days: u16) {
    let mut hour = time::interval(Duration::from_secs(60 * 60));
    loop {
        hour.tick().await;
        for done in [
            directory.forget_old_sessions().await,
            directory.forget_old_devices().await,
            directory.forget_old_attempts().await,
            directory.forget_old_flashes().await,
            directory.forget_old_submissions().await,
            directory.forget_old_mail().await,
            directory.keep_audit(audit_days).await,
        ] {
            if let Err(error) = done {
                tracing::warn!(%error, "tidying has to wait");
            }
        }
    }
}

/// Waits for Ctrl-C, or for the service manager.
async fn stop_signal() {
    let interrupt = async {
        if signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let terminate = async {
        match signal::unix::signal(signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
