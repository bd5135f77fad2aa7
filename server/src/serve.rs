//! `roster serve`: from the configuration to a running server, and in order back to nothing.

use std::{error::Error, io::Write, net::SocketAddr, sync::Arc, time::Duration};

use app::gate::Cookies;
use axum::serve::ListenerExt;
use directory::Directory;
use tokio::{net::TcpListener, signal, task::JoinHandle, time};

use crate::{Assets, Broadcast, Console, config::Config, log, postgres::Embedded, router};

/// Database connections of one server, for each audience its own: programs that report much, and people who change much, must
/// not keep gateways waiting for an answer (E3).
const FOR_PEOPLE: u32 = 16;
const FOR_PROGRAMS: u32 = 8;
const FOR_GATEWAYS: u32 = 8;
/// How long answers under way have, once the server is told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until told to stop.
pub(crate) async fn serve(config: &Config, demo: bool) -> Result<(), Box<dyn Error + Send + Sync>> {
    log::start();
    let assets = Arc::new(Assets::find(config.site.as_deref())?);
    // First the address: somebody else listening there is found out before anything is started.
    let listener = TcpListener::bind(config.addr)
        .await
        .map_err(|error| format!("cannot listen on {}: {error} (ROSTER_ADDR says where)", config.addr))?;
    let database = match &config.database_url {
        Some(_) => None,
        None => Some(Embedded::start(&config.data).await?),
    };
    let served = with_database(config, demo, assets, listener, database.as_ref()).await;
    if let Some(database) = database {
        database.stop().await;
    }
    served
}

async fn with_database(
    config: &Config,
    demo: bool,
    assets: Arc<Assets>,
    listener: TcpListener,
    database: Option<&Embedded>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let url = config
        .database_url
        .as_deref()
        .or(database.map(Embedded::url))
        .unwrap_or_default();
    let directory = Directory::connect(url, FOR_PEOPLE, config.settings).await?;
    let for_programs = Directory::connect(url, FOR_PROGRAMS, config.settings).await?;
    let for_gateways = Directory::connect(url, FOR_GATEWAYS, config.settings).await?;
    directory.migrate().await?;
    if demo {
        match directory.load_demo().await {
            // A second start finds the first one's data.
            Ok(()) | Err(directory::DemoError::NotEmpty) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let broadcast = Broadcast::default();
    let console = Console {
        directory: directory.clone(),
        for_programs: for_programs.clone(),
        for_gateways: for_gateways.clone(),
        assets,
        cookies: Cookies {
            is_secure: config.is_secure,
        },
        broadcast: broadcast.clone(),
        url: config.url.as_str().into(),
    };
    let router = router(&console)?.into_make_service_with_connect_info::<SocketAddr>();
    let mut helpers = vec![
        tokio::spawn(broadcast.clone().listen(directory.clone())),
        tokio::spawn(tidy(directory.clone())),
    ];
    if let Some(post) = config.post.clone() {
        let deliver = post.deliver(directory.clone(), broadcast.subscribe(), console.url.clone());
        helpers.push(tokio::spawn(deliver));
    }

    let stopping = Arc::new(tokio::sync::Notify::new());
    let told = Arc::clone(&stopping);
    // Without TCP_NODELAY every answer waits 40 ms for an acknowledgement.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        stop_signal().await;
        tracing::info!("stopping");
        broadcast.end();
        told.notify_one();
    });
    tracing::info!(url = config.url, "serving");
    writeln!(std::io::stdout(), "Roster is at {}", config.url)?;

    // A client that never ends its request does not keep the server from stopping.
    let late = async {
        stopping.notified().await;
        time::sleep(GRACE).await;
    };
    let served = tokio::select! {
        served = server => served,
        () = late => Ok(()),
    };
    helpers.iter().for_each(JoinHandle::abort);
    // Bounded as well: a query under way has had its time.
    let closed = async { tokio::join!(directory.close(), for_programs.close(), for_gateways.close()) };
    drop(time::timeout(GRACE, closed).await);
    Ok(served?)
}

/// Throws away, now and then, what is over: sessions, counts of attempts, flashes, mail that was sent.
async fn tidy(directory: Directory) {
    let mut hour = time::interval(Duration::from_secs(60 * 60));
    loop {
        hour.tick().await;
        for done in [
            directory.forget_old_sessions().await,
            directory.forget_old_attempts().await,
            directory.forget_old_flashes().await,
            directory.forget_old_mail().await,
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
