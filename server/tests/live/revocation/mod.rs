//! E5: nothing that starts after the answer to a change is allowed by what was before it, on any server.
//!
//! Two servers on one database are asked without pause, at every entrance that a credential opens, while people are
//! removed, demoted, expire and sign out, and keys are revoked and expire. Each subject has a number: odd while its
//! access has ended and the answer to that is there, even while it has, may have, or is given access. A request that
//! finds the same odd number before it starts and after it is answered, at an entrance that this end shuts, and was
//! allowed, is one too many.

mod cache;
mod stage;

use std::{
    net::SocketAddr,
    sync::{
        Arc, RwLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use axum::http::StatusCode;

use directory::{Directory, Principal, Settings};
use policy::{ApiKeyId, UserId};
use sqlx::PgPool;
use tokio::{task::JoinSet, time::sleep};

use super::servers::{Credential, Door, Roster, Stream, form, sign_in, url_of};

use cache::cache_in_front_of;

/// How many people, and how many keys.
const SUBJECTS: usize = 40;

/// How many at once ask.
const ASKERS: usize = 6;

/// How many at once change things, each among its own subjects.
const CHANGERS: usize = 4;

/// How many changes there are.
const CHANGES: u64 = 2_000;

const PROJECT: &str = "ml-research";

/// Where somebody gets in, or doesn't.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entrance {
    /// A gateway, asked about the project: for something that only Admins may do, so that a demotion shuts it.
    Project,
    /// A gateway, asked about one of the project's clusters: the same.
    Resource,
    /// The console: the project's collaborators.
    AppState,
    /// A node of the cluster.
    Login,
    /// REST: what the key is.
    Whoami,
    /// REST: the project's resources.
    Resources,
}

impl Entrance {
    const ALL: [Self; 6] = [
        Self::Project,
        Self::Resource,
        Self::AppState,
        Self::Login,
        Self::Whoami,
        Self::Resources,
    ];

    /// Whether the answer lets in. Neither, where a key has called REST as often as it may.
    fn lets_in(self, status: StatusCode, body: &str) -> Option<bool> {
        match (self, status) {
            // A node is answered either way: with a key, or with none.
            (Self::Login, StatusCode::OK) => Some(!body.is_empty()),
            (_, StatusCode::OK) => Some(true),
            (Self::Project | Self::Resource, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
            | (Self::AppState, StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND)
            | (Self::Whoami | Self::Resources, StatusCode::UNAUTHORIZED) => Some(false),
            (Self::Whoami | Self::Resources, StatusCode::TOO_MANY_REQUESTS) => None,
            _ => panic!("{self:?}: {status} {body}"),
        }
    }
}

/// What has ended.
#[derive(Clone, Copy, Debug)]
enum End {
    /// All access: of the person to the project, or of the key.
    Access,
    /// Being an Admin: a Member goes on reading and logging in.
    Role,
    /// The session: SSH keys are the account's.
    Session,
}

impl End {
    /// Whether nobody gets in there any more.
    fn shuts(self, entrance: Entrance) -> bool {
        match self {
            Self::Access => true,
            Self::Role => matches!(entrance, Entrance::Project | Entrance::Resource),
            Self::Session => entrance != Entrance::Login,
        }
    }
}

/// What gets an end.
#[derive(Clone, Copy)]
enum Ending {
    Collaborator(UserId),
    Key(ApiKeyId),
}

#[derive(Clone, Copy)]
enum Kind {
    Person(UserId),
    Key,
}

impl Kind {
    /// Where one of this kind gets in.
    const fn entrances(self) -> [Entrance; 4] {
        match self {
            Self::Person(_) => [
                Entrance::Project,
                Entrance::Resource,
                Entrance::AppState,
                Entrance::Login,
            ],
            Self::Key => [
                Entrance::Project,
                Entrance::Resource,
                Entrance::Whoami,
                Entrance::Resources,
            ],
        }
    }
}

struct Subject {
    kind: Kind,
    credential: RwLock<Credential>,
    key: RwLock<Option<ApiKeyId>>,
    number: AtomicU64,
    /// What ended last: it stays the same while the number is odd.
    end: RwLock<End>,
    /// How many requests were counted that started after an end.
    asked: AtomicU64,
}

impl Subject {
    fn new(kind: Kind, credential: Credential) -> Self {
        Self {
            kind,
            credential: RwLock::new(credential),
            key: RwLock::new(None),
            number: AtomicU64::new(0),
            end: RwLock::new(End::Access),
            asked: AtomicU64::new(0),
        }
    }

    /// The answer is there: from now on nothing is allowed that this ends.
    fn ended(&self, end: End) {
        *self.end.write().unwrap() = end;
        self.number.fetch_or(1, SeqCst);
    }

    /// Waits until somebody has asked after the end: on a busy machine that takes a while, and without it there was
    /// nothing to find. So many had been counted before.
    async fn until_asked(&self, before: u64) {
        let deadline = Instant::now() + Duration::from_secs(5);
        while self.asked.load(SeqCst) == before && Instant::now() < deadline {
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// Access is given again, from now on perhaps.
    fn given(&self) {
        self.number.fetch_add(1, SeqCst);
    }
}

/// What was counted at one entrance.
#[derive(Debug, Default)]
struct Tally {
    /// Requests that were allowed while access was there.
    allowed: AtomicU64,
    /// Requests that started after the answer and were refused.
    refused: AtomicU64,
    /// Requests that started after the answer and were allowed: must be none.
    too_many: AtomicU64,
}

/// What was counted.
#[derive(Debug, Default)]
struct Count {
    /// In the order of [`Entrance::ALL`].
    at: [Tally; Entrance::ALL.len()],
    changes: AtomicU64,
}

impl Count {
    fn at(&self, entrance: Entrance) -> &Tally {
        &self.at[entrance as usize]
    }

    /// One of the counts, at all entrances together.
    fn sum(&self, of: impl Fn(&Tally) -> &AtomicU64) -> u64 {
        self.at.iter().map(|tally| of(tally).load(SeqCst)).sum()
    }
}

/// People and keys, and everything it takes to change them.
struct Stage {
    directory: Directory,
    pool: PgPool,
    /// The servers that people change things on.
    consoles: Vec<SocketAddr>,
    gateway: String,
    /// The id of a cluster of the project.
    cluster: String,
    admin: Principal,
    admin_cookie: String,
    subjects: Vec<Subject>,
    count: Count,
    /// Which subjects are being changed right now, one by each changer: they are asked about most.
    changing: [AtomicUsize; CHANGERS],
    is_over: AtomicBool,
}

#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e5_nothing_is_allowed_after_the_answer_that_ended_it_on_any_server(pool: PgPool) {
    let url = url_of(&pool).await;
    let servers = [Roster::start(&url).await, Roster::start(&url).await];
    let addresses = servers.iter().map(|server| server.addr).collect::<Vec<_>>();
    let count = play(pool, &addresses, &addresses, CHANGES).await;
    assert_eq!(count.sum(|tally| &tally.too_many), 0, "{count:?}");
    assert!(count.changes.load(SeqCst) >= CHANGES, "{count:?}");
    // There was something to find: both servers were asked without pause, before and after, at every entrance.
    assert!(count.sum(|tally| &tally.allowed) > 1_000, "{count:?}");
    assert!(count.sum(|tally| &tally.refused) > 1_000, "{count:?}");
    for entrance in Entrance::ALL {
        let tally = count.at(entrance);
        let least = tally.allowed.load(SeqCst).min(tally.refused.load(SeqCst));
        assert!(least > 20, "{entrance:?}: {tally:?}");
    }
}

/// The same with a second's memory of each answer in front of the servers: what the test is there to find, it finds.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e5_a_cache_of_one_second_would_be_found(pool: PgPool) {
    let url = url_of(&pool).await;
    let servers = [Roster::start(&url).await, Roster::start(&url).await];
    let consoles = servers.iter().map(|server| server.addr).collect::<Vec<_>>();
    let mut caches = Vec::new();
    for server in &servers {
        caches.push(cache_in_front_of(server.addr).await);
    }
    let count = play(pool, &caches, &consoles, 200).await;
    assert!(count.sum(|tally| &tally.too_many) > 0, "{count:?}");
}

/// Somebody looks at a project on one server, and is removed on the other: the stream says so, and ends.
#[sqlx::test(migrations = "../crates/directory/migrations")]
async fn e5_an_open_stream_ends_when_its_reader_is_removed_on_another_server(pool: PgPool) {
    let url = url_of(&pool).await;
    Directory::new(pool.clone(), Settings::default())
        .load_demo(&Principal::operator())
        .await
        .unwrap();
    let [here, there] = [Roster::start(&url).await, Roster::start(&url).await];
    let (mia, cookie) = sign_in(&pool, "mia@acme.test").await;
    let (_, admin) = sign_in(&pool, "adam@acme.test").await;
    let path = format!("/events?project={PROJECT}");
    let stream = Stream::open(here.addr, &path, &cookie).await.unwrap();
    let user = mia.user().unwrap().to_string();
    let fields = [("project", PROJECT), ("user", &*user)];
    let mut door = Door::open(there.addr).await.unwrap();
    let (status, body) = door.send(form("remove_collaborator", &admin, &fields)).await.unwrap();
    assert_eq!(status, StatusCode::OK, "{body}");
    // Far below the 15 s after which each stream looks by itself (BEAT in server/src/events/stream.rs): in 5 s it can
    // only have been told by the other server, through the database.
    let told = stream.end(Duration::from_secs(5)).await.unwrap();
    assert!(told.contains("event: gone"), "{told}");
}

/// Asks `doors` while the people and keys of the demo change through `consoles`.
async fn play(pool: PgPool, doors: &[SocketAddr], consoles: &[SocketAddr], changes: u64) -> Count {
    let stage = Arc::new(Stage::set(pool, consoles.to_vec()).await);
    let mut askers = JoinSet::new();
    for asker in 0..ASKERS {
        let (stage, door) = (Arc::clone(&stage), doors[asker % doors.len()]);
        askers.spawn(async move { stage.ask(door, asker).await });
    }
    let mut changers = JoinSet::new();
    for changer in 0..CHANGERS {
        let stage = Arc::clone(&stage);
        let rounds = changes / CHANGERS as u64;
        changers.spawn(async move { stage.change(changer, rounds).await });
    }
    while let Some(done) = changers.join_next().await {
        done.unwrap();
    }
    stage.is_over.store(true, SeqCst);
    while let Some(done) = askers.join_next().await {
        done.unwrap();
    }
    let Ok(stage) = Arc::try_unwrap(stage) else {
        panic!("somebody is still at it")
    };
    stage.count
}

/// Chance that can be repeated (xorshift64*, Vigna 2016).
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(number).unwrap() % most
    }
}
