//! E6: while the database is away every answer is 503; afterwards answers are right again, and nothing that was
//! answered as done is lost.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use http_body_util::Full;
use hyper::{Request, StatusCode, body::Bytes};
use server::postgres::Embedded;
use tokio::{task::JoinSet, time::sleep};

use super::servers::{About, Credential, Door, Roster, Stage, authorize, form, get, read};

/// How many at once ask as gateways, call as programs, and change something.
const GATEWAYS: usize = 8;
const PROGRAMS: usize = 2;
const WRITERS: usize = 4;
/// How long programs wait between calls: together they call less often than one key may.
const PAUSE: Duration = Duration::from_millis(50);

/// What was answered.
#[derive(Debug, Default)]
pub(super) struct Count {
    right: AtomicU64,
    unavailable: AtomicU64,
}

/// What goes on all the while.
#[derive(Default)]
pub(super) struct Load {
    gateways: Count,
    programs: Count,
    /// The names of the keys that were answered as made.
    pub(super) done: Mutex<Vec<String>>,
    pub(super) is_over: AtomicBool,
}

impl Load {
    /// Asks the same until it is over. What is answered is right, or that there is no answer now.
    async fn ask(
        &self,
        addr: SocketAddr,
        request: impl Fn() -> Request<Full<Bytes>>,
        right: StatusCode,
        (count, pause): (&Count, Duration),
    ) {
        let mut door = Door::open(addr).await.unwrap();
        while !self.is_over.load(SeqCst) {
            let (status, body) = door.send(request()).await.unwrap();
            if status == right {
                count.right.fetch_add(1, SeqCst);
            } else {
                assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
                count.unavailable.fetch_add(1, SeqCst);
                sleep(Duration::from_millis(2)).await;
            }
            if !pause.is_zero() {
                sleep(pause).await;
            }
        }
    }

    /// Makes one API key after the other until it is over.
    async fn write(&self, addr: SocketAddr, stage: &Stage, writer: usize) {
        let mut door = Door::open(addr).await.unwrap();
        for number in 0.. {
            if self.is_over.load(SeqCst) {
                break;
            }
            let name = format!("key {writer} {number}");
            let fields = [("project", "ml-research"), ("name", &name)];
            let (status, body) = door.send(form("create_api_key", &stage.admin, &fields)).await.unwrap();
            if status == StatusCode::OK {
                self.done.lock().unwrap().push(name);
            } else {
                assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
                sleep(Duration::from_millis(2)).await;
            }
        }
    }

    /// Right answers to gateways, right answers to programs, and changes.
    pub(super) fn right(&self) -> [u64; 3] {
        [
            self.gateways.right.load(SeqCst),
            self.programs.right.load(SeqCst),
            self.done.lock().unwrap().len() as u64,
        ]
    }

    /// Answers to gateways and to programs that there is none now.
    pub(super) fn unavailable(&self) -> [u64; 2] {
        [&self.gateways, &self.programs].map(|count| count.unavailable.load(SeqCst))
    }

    /// Waits until it is so.
    pub(super) async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let begin = Instant::now();
        while !is_so(self) {
            assert!(
                begin.elapsed() < Duration::from_secs(30),
                "{what}: not within 30 s; right {:?}, unavailable {:?}",
                self.right(),
                self.unavailable()
            );
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Gateways, programs and writers, who ask until it is over.
pub(super) fn start_workers(addr: SocketAddr, stage: &Arc<Stage>, load: &Arc<Load>) -> JoinSet<()> {
    let mut workers = JoinSet::new();
    // Half of them may, half of them may not: neither answer may turn into the other.
    for gateway in 0..GATEWAYS {
        let (stage, load) = (Arc::clone(stage), Arc::clone(load));
        workers.spawn(async move {
            let (who, right) = if gateway % 2 == 0 {
                (&stage.admin, StatusCode::OK)
            } else {
                (&stage.stranger, StatusCode::FORBIDDEN)
            };
            let who = Credential::Session(who.clone());
            let request = || authorize(&stage.gateway, About::Project("ml-research"), "cluster:view", &who);
            load.ask(addr, request, right, (&load.gateways, Duration::ZERO)).await;
        });
    }
    for program in 0..PROGRAMS {
        let (stage, load) = (Arc::clone(stage), Arc::clone(load));
        workers.spawn(async move {
            let (path, right) = if program % 2 == 0 {
                ("/v1/projects/ml-research/resources", StatusCode::OK)
            } else {
                ("/v1/projects/production/resources", StatusCode::NOT_FOUND)
            };
            let who = Credential::Key(stage.key.clone());
            load.ask(addr, || read(path, &who), right, (&load.programs, PAUSE))
                .await;
        });
    }
    for writer in 0..WRITERS {
        let (stage, load) = (Arc::clone(stage), Arc::clone(load));
        workers.spawn(async move { load.write(addr, &stage, writer).await });
    }
    workers
}

#[tokio::test(flavor = "multi_thread")]
async fn e6_a_database_that_goes_away_is_503_and_nothing_that_was_answered_is_lost() {
    let folder = Folder::named("outage");
    let database = Embedded::start(&folder.0).await.unwrap();
    let url = database.url().to_owned();
    let stage = Arc::new(Stage::set(&url).await);
    let server = Roster::start(&url).await;
    let addr = server.addr;
    let load = Arc::new(Load::default());
    let mut workers = start_workers(addr, &stage, &load);

    sleep(Duration::from_secs(1)).await;
    load.until("everybody is answered", |load| {
        load.right().into_iter().all(|count| count > 0)
    })
    .await;
    assert_eq!(load.unavailable(), [0, 0]);
    database.stop().await;
    // Away for good: whoever asks now is told so.
    let mut door = Door::open(addr).await.unwrap();
    let (status, _) = door.send(get("/readyz")).await.unwrap();
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let (status, _) = door.send(get("/healthz")).await.unwrap();
    assert_eq!(status, StatusCode::OK);
    load.until("gateways and programs are told that there is no answer", |load| {
        load.unavailable().into_iter().all(|count| count > 0)
    })
    .await;
    // What the database did before it went away may still be on its way to whoever asked.
    sleep(Duration::from_secs(1)).await;
    let right = load.right();
    sleep(Duration::from_secs(2)).await;
    assert_eq!(load.right(), right, "answers without a database");

    // Back again, everybody goes on by themselves: those who ask, those who call, and those who change something.
    let database = Embedded::start(&folder.0).await.unwrap();
    load.until("right answers and changes, since the database is back", |load| {
        let now = load.right();
        now[0] >= right[0] + 100 && now[1] >= right[1] + 10 && now[2] >= right[2] + 10
    })
    .await;
    load.is_over.store(true, SeqCst);
    while let Some(worker) = workers.join_next().await {
        worker.unwrap();
    }

    let kept: Vec<String> = stage.names_of_keys().await;
    let done = load.done.lock().unwrap().clone();
    assert!(done.len() > 10, "{}", done.len());
    let lost: Vec<_> = done.iter().filter(|name| !kept.contains(name)).collect();
    assert!(lost.is_empty(), "answered as done, and lost: {lost:?}");
    drop(server);
    database.stop().await;
}

/// A folder of the test's own, taken away with it.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn named(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("roster-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        // PostgreSQL runs as another account when we are root.
        std::fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
