//! The stage: who is asked about, who asks, and who changes what.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    time::Duration,
};

use axum::body::Bytes;

use super::{
    super::servers::{About, Credential, Door, authorize, authorized_keys, form, read, sign_in},
    CHANGERS, Chance, Count, End, Ending, Entrance, Kind, PROJECT, SUBJECTS, Stage, Subject,
};

use directory::{Directory, Error, OffsetDateTime, Principal, Settings};
use http_body_util::Full;
use policy::{KeyScope, Refusal, UserId};
use sqlx::PgPool;
use tokio::time::sleep;
use uuid::Uuid;

impl Stage {
    pub(super) async fn set(pool: PgPool, consoles: Vec<SocketAddr>) -> Self {
        let directory = Directory::new(pool.clone(), Settings::default());
        directory.load_demo(&Principal::operator()).await.unwrap();
        let gateway = directory
            .create_gateway_token(&Principal::operator(), &"load".parse().unwrap())
            .await
            .unwrap();
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
    pub(super) async fn ask(&self, door: SocketAddr, asker: usize) {
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
    pub(super) async fn change(&self, changer: usize, rounds: u64) {
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

async fn make_admin(directory: &Directory, admin: &Principal, user: UserId) {
    directory
        .change_collaborator_role(admin, &PROJECT.parse().unwrap(), user, policy::ProjectRole::Admin)
        .await
        .unwrap();
}

async fn give_key(directory: &Directory, admin: &Principal, subject: &Subject) {
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
