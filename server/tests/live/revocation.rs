//! E5: nothing that starts after the answer to a change is allowed by what was before it, on any server.
//!
//! Two servers on one database are asked without pause, at every entrance that a credential opens, while people are
//! removed, demoted, expire and sign out, and keys are revoked and expire. Each subject has a number: odd while its
//! access has ended and the answer to that is there, even while it has, may have, or is given access. A request that
//! finds the same odd number before it starts and after it is answered, at an entrance that this end shuts, and was
//! allowed, is one too many.

use std::{
    net::SocketAddr,
    sync::{
        Arc, RwLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use directory::{Actor, Directory, Error, OffsetDateTime, Settings};
use http_body_util::Full;
use policy::{ApiKeyId, KeyScope, Refusal, UserId};
use sqlx::PgPool;
use tokio::{net::TcpListener, task::JoinSet, time::sleep};
use uuid::Uuid;

use super::servers::{
    About, Credential, Door, Roster, Stream, authorize, authorized_keys, form, read, sign_in, url_of,
};

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
    admin: Actor,
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
        .load_demo()
        .await
        .unwrap();
    let [here, there] = [Roster::start(&url).await, Roster::start(&url).await];
    let (mia, cookie) = sign_in(&pool, "mia@acme.test").await;
    let (_, admin) = sign_in(&pool, "adam@acme.test").await;
    let path = format!("/events?project={PROJECT}");
    let stream = Stream::open(here.addr, &path, &cookie).await.unwrap();
    let user = mia.user.to_string();
    let fields = [("project", PROJECT), ("user", &*user)];
    let mut door = Door::open(there.addr).await.unwrap();
    let (status, body) = door.send(form("remove_collaborator", &admin, &fields)).await.unwrap();
    assert_eq!(status, StatusCode::OK, "{body}");
    // Far below the 15 s after which each stream looks by itself (BEAT in server/src/events.rs): in 5 s it can only
    // have been told by the other server, through the database.
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

impl Stage {
    async fn set(pool: PgPool, consoles: Vec<SocketAddr>) -> Self {
        let directory = Directory::new(pool.clone(), Settings::default());
        directory.load_demo().await.unwrap();
        let gateway = directory.create_gateway_token(&"load".parse().unwrap()).await.unwrap();
        let (admin, admin_cookie) = sign_in(&pool, "adam@acme.test").await;
        let cluster: String = sqlx::query_scalar(
            "SELECT r.id::text FROM resources r JOIN project_slugs s ON s.project_id = r.project_id
             WHERE s.slug = $1 AND r.kind = 'cluster' ORDER BY r.id LIMIT 1",
        )
        .bind(PROJECT)
        .fetch_one(&pool)
        .await
        .unwrap();
        let mut subjects = Vec::new();
        for number in 0..SUBJECTS {
            let user = person(&pool, number).await;
            directory
                .add_collaborator(&admin, &PROJECT.parse().unwrap(), &format!("p{number}@acme.test"))
                .await
                .unwrap();
            make_admin(&directory, &admin, user).await;
            let (_, cookie) = sign_in(&pool, &format!("p{number}@acme.test")).await;
            subjects.push(Subject::new(Kind::Person(user), Credential::Session(cookie)));
            let key = Subject::new(Kind::Key, Credential::Key(String::new()));
            give_key(&directory, &admin, &key).await;
            subjects.push(key);
        }
        Self {
            directory,
            pool,
            consoles,
            gateway: gateway.reveal().to_owned(),
            cluster,
            admin,
            admin_cookie,
            subjects,
            count: Count::default(),
            changing: Default::default(),
            is_over: AtomicBool::new(false),
        }
    }

    /// Asks without pause, about one subject after another.
    async fn ask(&self, door: SocketAddr, asker: usize) {
        let mut connection = Door::open(door).await.unwrap();
        let mut chance = Chance(asker as u64 + 1);
        while !self.is_over.load(SeqCst) {
            let changing = self.changing[chance.below(CHANGERS)].load(SeqCst);
            let any = chance.below(self.subjects.len());
            let subject = &self.subjects[if chance.below(4) == 0 { any } else { changing }];
            let entrances = subject.kind.entrances();
            let entrance = entrances[chance.below(entrances.len())];
            let before = subject.number.load(SeqCst);
            // The one that counts, if the number stays the same.
            let end = *subject.end.read().unwrap();
            let request = self.access_request(entrance, subject, &mut chance);
            let (status, body) = connection.send(request).await.unwrap();
            let after = subject.number.load(SeqCst);
            let has_ended = before % 2 == 1 && before == after && end.shuts(entrance);
            let tally = self.count.at(entrance);
            let counter = match (entrance.lets_in(status, &body), has_ended) {
                (Some(true), true) => &tally.too_many,
                (Some(true), false) => &tally.allowed,
                (Some(false), true) => &tally.refused,
                (Some(false), false) | (None, _) => continue,
            };
            counter.fetch_add(1, SeqCst);
            if has_ended {
                subject.asked.fetch_add(1, SeqCst);
            }
        }
    }

    /// What is asked at an entrance for somebody.
    fn access_request(
        &self,
        entrance: Entrance,
        subject: &Subject,
        chance: &mut Chance,
    ) -> hyper::Request<Full<Bytes>> {
        let credential = subject.credential.read().unwrap().clone();
        match (entrance, subject.kind) {
            (Entrance::Project, _) => authorize(&self.gateway, About::Project(PROJECT), "cluster:create", &credential),
            (Entrance::Resource, _) => {
                let cluster = format!("cluster/{}", self.cluster);
                authorize(&self.gateway, About::Resource(&cluster), "cluster:delete", &credential)
            }
            (Entrance::AppState, _) => read(&format!("/api/collaborators?project={PROJECT}"), &credential),
            (Entrance::Login, Kind::Person(user)) => {
                authorized_keys(&self.gateway, &self.cluster, &format!("SHA256:{user}"))
            }
            (Entrance::Login, Kind::Key) => panic!("a key that logs in"),
            (Entrance::Whoami, _) => call("/v1/whoami", &credential, chance),
            (Entrance::Resources, _) => call(&format!("/v1/projects/{PROJECT}/resources"), &credential, chance),
        }
    }

    /// Ends the access of one of its own subjects after another, each in one of the ways there are, and gives it back.
    async fn change(&self, changer: usize, rounds: u64) {
        let mut chance = Chance(1_000 + changer as u64);
        let mut doors = Vec::new();
        for console in &self.consoles {
            doors.push(Door::open(*console).await.unwrap());
        }
        for _ in 0..rounds {
            let place = chance.below(self.subjects.len() / CHANGERS) * CHANGERS + changer;
            let subject = &self.subjects[place];
            self.changing[changer].store(place, SeqCst);
            let door = chance.below(doors.len());
            let asked = subject.asked.load(SeqCst);
            match subject.kind {
                Kind::Person(user) => self.end_person(&mut doors[door], subject, user, chance.below(6)).await,
                Kind::Key => self.end_key(&mut doors[door], subject, chance.below(4)).await,
            }
            self.count.changes.fetch_add(1, SeqCst);
            sleep(Duration::from_millis(2 + chance.below(15) as u64)).await;
            subject.until_asked(asked).await;
            match subject.kind {
                Kind::Person(user) => self.give_back(subject, user).await,
                Kind::Key => {
                    subject.given();
                    give_key(&self.directory, &self.admin, subject).await;
                }
            }
        }
    }

    async fn end_person(&self, door: &mut Door, subject: &Subject, user: UserId, way: usize) {
        let id = user.to_string();
        let person = [("project", PROJECT), ("user", &id)];
        let end = match way {
            0 | 1 => {
                self.send(door, form("remove_collaborator", &self.admin_cookie, &person))
                    .await;
                End::Access
            }
            2 => {
                let fields = [person[0], person[1], ("role", "member")];
                self.send(door, form("change_collaborator_role", &self.admin_cookie, &fields))
                    .await;
                End::Role
            }
            3 => {
                self.let_end(Ending::Collaborator(user)).await;
                End::Access
            }
            4 => {
                let member = [("organization", "acme"), person[1]];
                self.send(door, form("remove_member", &self.admin_cookie, &member))
                    .await;
                End::Access
            }
            _ => {
                let Credential::Session(cookie) = subject.credential.read().unwrap().clone() else {
                    panic!("a person without a session")
                };
                self.send(door, form("sign_out", &cookie, &[])).await;
                End::Session
            }
        };
        subject.ended(end);
    }

    async fn end_key(&self, door: &mut Door, subject: &Subject, way: usize) {
        let key = subject.key.read().unwrap().unwrap();
        if way == 0 {
            self.let_end(Ending::Key(key)).await;
        } else {
            let id = key.to_string();
            let fields = [("project", PROJECT), ("key", &id)];
            self.send(door, form("revoke_api_key", &self.admin_cookie, &fields))
                .await;
        }
        subject.ended(End::Access);
    }

    /// Gives access or a key an end that comes soon, and lets it come. On a busy machine it may come while it is being
    /// set, and is refused for it.
    async fn let_end(&self, what: Ending) {
        let project = PROJECT.parse().unwrap();
        loop {
            let end = Some(OffsetDateTime::now_utc() + Duration::from_millis(40));
            let set = match what {
                Ending::Collaborator(user) => {
                    self.directory
                        .set_collaborator_end_date(&self.admin, &project, user, end)
                        .await
                }
                Ending::Key(key) => {
                    self.directory
                        .set_api_key_expiration(&self.admin, &project, key, end)
                        .await
                }
            };
            match set {
                Ok(_) => return sleep(Duration::from_millis(50)).await,
                Err(Error::Refused(Refusal::EndDateInvalid)) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    async fn send(&self, door: &mut Door, request: hyper::Request<Full<Bytes>>) {
        let path = request.uri().path().to_owned();
        let (status, body) = door.send(request).await.unwrap();
        assert!(
            status.is_success() || status.is_redirection(),
            "{path}: {status} {body}"
        );
    }

    async fn give_back(&self, subject: &Subject, user: UserId) {
        subject.given();
        let project = PROJECT.parse().unwrap();
        let email: String = sqlx::query_scalar("SELECT email FROM users WHERE id = $1")
            .bind(user.0)
            .fetch_one(&self.pool)
            .await
            .unwrap();
        // Whatever was taken: the membership, the access, the role, the end date, the session.
        join(&self.pool, user).await;
        let role = policy::ProjectRole::Admin;
        let demoted = self
            .directory
            .change_collaborator_role(&self.admin, &project, user, role);
        if demoted.await.is_err() {
            self.directory
                .add_collaborator(&self.admin, &project, &email)
                .await
                .unwrap();
            make_admin(&self.directory, &self.admin, user).await;
        }
        self.directory
            .set_collaborator_end_date(&self.admin, &project, user, None)
            .await
            .unwrap();
        let (_, cookie) = sign_in(&self.pool, &email).await;
        *subject.credential.write().unwrap() = Credential::Session(cookie);
    }
}

async fn make_admin(directory: &Directory, admin: &Actor, user: UserId) {
    directory
        .change_collaborator_role(admin, &PROJECT.parse().unwrap(), user, policy::ProjectRole::Admin)
        .await
        .unwrap();
}

async fn give_key(directory: &Directory, admin: &Actor, subject: &Subject) {
    let made = directory
        .create_api_key(
            admin,
            &PROJECT.parse().unwrap(),
            &"load".parse().unwrap(),
            KeyScope::Manage,
            None,
        )
        .await
        .unwrap();
    *subject.key.write().unwrap() = Some(made.id);
    *subject.credential.write().unwrap() = Credential::Key(made.secret.reveal().to_owned());
}

/// A call of REST, as from an address of its own: who shows keys that are over is slowed down by address, and this is
/// about more of them than one client would show.
fn call(path: &str, credential: &Credential, chance: &mut Chance) -> hyper::Request<Full<Bytes>> {
    let mut request = read(path, credential);
    let client = format!("2001:db8:{:x}:{:x}::1", chance.below(1 << 16), chance.below(1 << 16));
    request.headers_mut().insert("x-forwarded-for", client.parse().unwrap());
    request
}

/// A member of the organization with an SSH key, without the seconds that a real password takes.
async fn person(pool: &PgPool, number: usize) -> UserId {
    let id = Uuid::now_v7();
    sqlx::query("INSERT INTO users (id, email, name, password_hash, created_at) VALUES ($1, $2, $3, '', now())")
        .bind(id)
        .bind(format!("p{number}@acme.test"))
        .bind(format!("Person {number}"))
        .execute(pool)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO ssh_keys (id, user_id, name, algorithm, public_key, fingerprint, created_at)
         VALUES ($1, $1, 'Key', 'ssh-ed25519', 'ssh-ed25519 x', 'SHA256:' || $1::text, now())",
    )
    .bind(id)
    .execute(pool)
    .await
    .unwrap();
    join(pool, UserId(id)).await;
    UserId(id)
}

async fn join(pool: &PgPool, user: UserId) {
    sqlx::query(
        "INSERT INTO members SELECT o.id, u.id, u.name, 'member', NULL, now() FROM organizations o, users u
         WHERE o.slug = 'acme' AND u.id = $1 ON CONFLICT DO NOTHING",
    )
    .bind(user.0)
    .execute(pool)
    .await
    .unwrap();
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

type Remembered = Arc<RwLock<std::collections::HashMap<String, (Instant, (StatusCode, String))>>>;

/// The planted fault: a proxy that remembers each answer for a second.
async fn cache_in_front_of(server: SocketAddr) -> SocketAddr {
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
