//! E6: while the database is away every answer is 503; afterwards answers are right again, and nothing that was answered as done
//! is lost.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use hyper::StatusCode;
use server::postgres::Embedded;
use tokio::{task::JoinSet, time::sleep};

use super::servers::{About, Credential, Door, Roster, Stage, authorize, form, get};

/// How many at once ask, and how many change something.
const ASKERS: usize = 8;
const WRITERS: usize = 4;

/// What was answered.
#[derive(Debug, Default)]
struct Count {
    right: AtomicU64,
    unavailable: AtomicU64,
}

#[tokio::test(flavor = "multi_thread")]
async fn e6_a_database_that_goes_away_is_503_and_nothing_that_was_answered_is_lost() {
    let folder = Folder::new();
    let database = Embedded::start(&folder.0).await.unwrap();
    let url = database.url().to_owned();
    let stage = Arc::new(Stage::set(&url).await);
    let server = Roster::start(&url).await;
    let addr = server.addr;
    let (is_over, count) = (Arc::new(AtomicBool::new(false)), Arc::new(Count::default()));

    // Half of them may, half of them may not: neither answer may turn into the other.
    let mut askers = JoinSet::new();
    for asker in 0..ASKERS {
        let (stage, is_over, count) = (Arc::clone(&stage), Arc::clone(&is_over), Arc::clone(&count));
        askers.spawn(async move {
            let mut door = Door::open(addr).await.unwrap();
            let (who, right) = if asker % 2 == 0 {
                (&stage.admin, StatusCode::OK)
            } else {
                (&stage.stranger, StatusCode::FORBIDDEN)
            };
            while !is_over.load(SeqCst) {
                let request = authorize(
                    &stage.gateway,
                    About::Project("ml-research"),
                    "cluster:view",
                    &Credential::Session(who.clone()),
                );
                let (status, body) = door.send(request).await.unwrap();
                if status == right {
                    count.right.fetch_add(1, SeqCst);
                } else {
                    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
                    count.unavailable.fetch_add(1, SeqCst);
                    sleep(Duration::from_millis(2)).await;
                }
            }
        });
    }
    let done = Arc::new(Mutex::new(Vec::new()));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (stage, is_over, done) = (Arc::clone(&stage), Arc::clone(&is_over), Arc::clone(&done));
        writers.spawn(async move {
            let mut door = Door::open(addr).await.unwrap();
            for number in 0.. {
                if is_over.load(SeqCst) {
                    break;
                }
                let name = format!("key {writer} {number}");
                let fields = [("project", "ml-research"), ("name", &name)];
                let (status, body) = door.send(form("create_api_key", &stage.admin, &fields)).await.unwrap();
                if status == StatusCode::OK {
                    done.lock().unwrap().push(name);
                } else {
                    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
                    sleep(Duration::from_millis(2)).await;
                }
            }
        });
    }

    sleep(Duration::from_secs(1)).await;
    let before = count.right.load(SeqCst);
    assert!(before > 0 && count.unavailable.load(SeqCst) == 0, "{count:?}");
    database.stop().await;
    // Away for good: whoever asks now is told so.
    let mut door = Door::open(addr).await.unwrap();
    let (status, _) = door.send(get("/readyz")).await.unwrap();
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let (status, _) = door.send(get("/healthz")).await.unwrap();
    assert_eq!(status, StatusCode::OK);
    let right = count.right.load(SeqCst);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(count.right.load(SeqCst), right, "answers without a database");
    assert!(count.unavailable.load(SeqCst) > 0, "{count:?}");

    let database = Embedded::start(&folder.0).await.unwrap();
    let back = Instant::now();
    while count.right.load(SeqCst) < right + 100 {
        assert!(
            back.elapsed() < Duration::from_secs(30),
            "no answers since the database is back: {count:?}"
        );
        sleep(Duration::from_millis(50)).await;
    }
    is_over.store(true, SeqCst);
    for workers in [&mut askers, &mut writers] {
        while let Some(worker) = workers.join_next().await {
            worker.unwrap();
        }
    }

    let kept: Vec<String> = stage.names_of_keys().await;
    let done = done.lock().unwrap().clone();
    assert!(done.len() > 10, "{}", done.len());
    let lost: Vec<_> = done.iter().filter(|name| !kept.contains(name)).collect();
    assert!(lost.is_empty(), "answered as done, and lost: {lost:?}");
    drop(server);
    database.stop().await;
}

/// A folder of the test's own, taken away with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("roster-outage-{}", std::process::id()));
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
