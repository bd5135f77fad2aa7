//! A tenant with people of every kind, and short words for what tests ask over and over.

use std::future::Future;

use policy::{
    ApiKeyId, Email, EventId, KeyScope, Name, OrganizationId, OrganizationRole, Password, ProjectId, ProjectRole,
    Refusal, SessionId, Slug, Standing, UserId,
};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde_json::Value;
use sqlx::{AssertSqlSafe, FromRow, PgPool, PgTransaction};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{
    ApiKeyIdentity, Collaborator, CollaboratorQuery, Directory, Error, Identity, LinkToken, Mail, NewAccount,
    NewInvitation, Origin, Principal, ProjectChange, Result, SessionToken, Settings,
    authorization::lookup::find_project, authorization::writer::Writer, memberships, organizations, projects, users,
};

/// A hash that no password has: nobody of the fixture signs in, so nothing need be hashed.
const NO_PASSWORD: &str = "no password";
pub(super) const PASSWORD: &str = "correct-horse-battery";
pub(super) const OTHER_PASSWORD: &str = "staple-battery-horse";

/// Two organizations. In the first:
///
/// | | organization | Research (externals allowed) | Production |
/// |---|---|---|---|
/// | owner | Owner | Admin | Admin |
/// | admin | Admin | Admin | Admin |
/// | lead | Member | Admin | |
/// | maya | Member | Member | |
/// | noah | Member | | |
/// | eve | | Member, external | |
/// | stranger | Owner of the other organization | | |
pub(super) struct Tenant {
    pub(super) directory: Directory,
    pub(super) pool: PgPool,
    pub(super) organization: OrganizationId,
    pub(super) slug: Slug,
    pub(super) default: Project,
    pub(super) research: Project,
    pub(super) production: Project,
    pub(super) owner: Person,
    pub(super) admin: Person,
    pub(super) lead: Person,
    pub(super) maya: Person,
    pub(super) noah: Person,
    pub(super) eve: Person,
    pub(super) stranger: Person,
}

#[derive(Clone, Debug)]
pub(super) struct Project {
    pub(super) id: ProjectId,
    pub(super) slug: Slug,
}

#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) id: UserId,
    pub(super) email: String,
    pub(super) actor: Principal,
}

pub(super) fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

pub(super) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(super) fn password(text: &str) -> Password {
    text.parse().unwrap()
}

pub(super) fn account(person: &str, email: &str) -> NewAccount {
    NewAccount {
        email: email.parse().unwrap(),
        name: name(person),
        password: password(PASSWORD),
    }
}

pub(super) fn origin() -> Origin {
    Origin {
        address: "192.0.2.7".to_owned(),
        request_id: "request-1".to_owned(),
        user_agent: "a browser".to_owned(),
        ..Origin::default()
    }
}

pub(super) fn directory(pool: &PgPool) -> Directory {
    Directory::new(pool.clone(), Settings::default())
}

/// Takes the schema away again that a template may have brought along, for tests that begin before it.
pub(super) async fn without_schema(pool: &PgPool) {
    sqlx::raw_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        .execute(pool)
        .await
        .unwrap();
}

/// The same directory, that many days later; before, if negative.
pub(super) fn in_days<const DAYS: i64>(directory: &Directory) -> Directory {
    directory
        .clone()
        .with_clock(|| OffsetDateTime::now_utc() + Duration::days(DAYS))
}

/// The same directory, that many seconds later.
pub(super) fn in_seconds<const SECONDS: i64>(directory: &Directory) -> Directory {
    directory
        .clone()
        .with_clock(|| OffsetDateTime::now_utc() + Duration::seconds(SECONDS))
}

/// A program with a key.
pub(super) fn with_key(key: ApiKeyIdentity) -> Principal {
    Principal {
        identity: Identity::ApiKey(key),
        origin: origin(),
    }
}

/// Somebody who isn't signed in.
pub(super) fn anonymous() -> Principal {
    Principal::anonymous(origin())
}

impl Principal {
    /// The person.
    pub(super) fn id(&self) -> UserId {
        self.user().unwrap()
    }
}

impl Mail {
    /// What its link carries.
    pub(super) fn link(&self) -> &LinkToken {
        self.token.as_ref().unwrap()
    }
}

/// The next mail that carries a link; word of other things is passed over.
pub(super) async fn take_link(directory: &Directory) -> Mail {
    loop {
        let mail = directory.take_mail().await.unwrap().unwrap();
        if mail.token.is_some() {
            return mail;
        }
    }
}

/// A link that leads nowhere.
pub(super) fn nowhere() -> LinkToken {
    LinkToken::parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap()
}

/// The person of a session.
pub(super) async fn actor(directory: &Directory, token: &SessionToken) -> Principal {
    directory.session(token).await.unwrap().unwrap().principal(origin())
}

/// How many rows a query counts.
pub(super) async fn count(pool: &PgPool, what: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(what.to_owned()))
        .fetch_one(pool)
        .await
        .unwrap()
}

/// Why it was refused.
#[track_caller]
pub(super) fn refusal<T>(result: Result<T>) -> Refusal {
    match result {
        Err(Error::Refused(refusal)) => refusal,
        Err(error) => panic!("failed, not refused: {error}"),
        Ok(_) => panic!("done, not refused"),
    }
}

/// A new account, its address proved.
async fn person(directory: &Directory, person: &str, email: String) -> Person {
    let account = account(person, &email);
    let mut db = Writer::for_worker(directory.pool.acquire().await.unwrap(), Uuid::now_v7);
    let id = users::insert(&mut db, &account, NO_PASSWORD, directory.now())
        .await
        .unwrap();
    sqlx::query("UPDATE users SET email_proved_at = created_at WHERE id = $1")
        .bind(id.0)
        .execute(&mut *db)
        .await
        .unwrap();
    drop(db);
    let session = SessionId(Uuid::now_v7());
    begin_session(&directory.pool, id, session).await;
    Person {
        id,
        email,
        actor: Principal::signed_in(id, session, origin()),
    }
}

/// A session that nobody has the token of, just confirmed (J7).
async fn begin_session(pool: &PgPool, user: UserId, session: SessionId) {
    sqlx::query(
        "INSERT INTO sessions (id, token_hash, user_id, created_at, last_seen_at, expires_at, address, user_agent)
         VALUES ($1, sha256($1::text::bytea), $2, now(), now(), now() + interval '30 days', '', '')",
    )
    .bind(session.0)
    .bind(user.0)
    .execute(pool)
    .await
    .unwrap();
}

impl Tenant {
    pub(super) async fn new(pool: &PgPool) -> Self {
        Self::named(pool, "acme").await
    }

    /// One more of them in the same database.
    pub(super) async fn named(pool: &PgPool, called: &str) -> Self {
        let directory = directory(pool);
        let someone = async |who: &str, first: &str| person(&directory, who, format!("{first}@{called}.test")).await;
        let owner = someone("Olivia Owner", "olivia").await;
        let admin = someone("Adam Admin", "adam").await;
        let lead = someone("Lea Lead", "lea").await;
        let maya = someone("Maya Member", "maya").await;
        let noah = someone("Noah Newcomer", "noah").await;
        let eve = someone("Eve External", "eve").await;
        let stranger = someone("Sam Stranger", "sam").await;

        let people = [&admin, &lead, &maya, &noah].map(|person| person.id);
        let (founder, outsider) = (owner.id, stranger.id);
        let operator = Principal::operator();
        let making = directory.change(&operator, "fixture", |change| {
            Box::pin(async move {
                let change = &mut change.permit_operator().unwrap();
                let at = change.at;
                let elsewhere = format!("{called}-elsewhere");
                organizations::create(change, outsider, &name("Elsewhere"), &elsewhere, None, true)
                    .await
                    .unwrap();
                let organization = organizations::create(change, founder, &name("Acme Research"), called, None, true)
                    .await
                    .unwrap();
                for (person, role) in [
                    (people[0], OrganizationRole::Admin),
                    (people[1], OrganizationRole::Member),
                    (people[2], OrganizationRole::Member),
                    (people[3], OrganizationRole::Member),
                ] {
                    memberships::insert(change.write(), organization, person, role, Some(founder), at)
                        .await
                        .unwrap();
                }
                let mut made = Vec::new();
                for called in ["research", "production"].map(|project| format!("{called}-{project}")) {
                    let project = Project {
                        id: ProjectId(change.new_id()),
                        slug: slug(&called),
                    };
                    let (id, title) = (project.id, name(&called));
                    projects::insert(change.write(), organization, id, &title, &project.slug, false, at)
                        .await
                        .unwrap();
                    made.push(project);
                }
                Ok((organization, made))
            })
        });
        let (organization, mut made) = making.await.unwrap();
        let (production, research) = (made.pop().unwrap(), made.pop().unwrap());
        let default = sqlx::query_scalar("SELECT default_project_id FROM organizations WHERE id = $1")
            .bind(organization.0)
            .fetch_one(pool)
            .await
            .unwrap();
        let default = Project {
            id: ProjectId(default),
            slug: slug(&format!("{called}-default")),
        };
        let tenant = Self {
            directory,
            pool: pool.clone(),
            organization,
            slug: slug(called),
            default,
            research,
            production,
            owner,
            admin,
            lead,
            maya,
            noah,
            eve,
            stranger,
        };
        tenant.set_externals(&tenant.research, true).await;
        for (person, role) in [
            (&tenant.lead, ProjectRole::Admin),
            (&tenant.maya, ProjectRole::Member),
            (&tenant.eve, ProjectRole::Member),
        ] {
            tenant.put(&tenant.research, person, role).await;
        }
        tenant
    }

    /// The same with other settings.
    pub(super) fn with_settings(mut self, settings: Settings) -> Self {
        self.directory = Directory::new(self.pool.clone(), settings);
        self
    }

    /// The same with a mail server.
    pub(super) fn sending_mail(self) -> Self {
        self.with_settings(Settings {
            sends_mail: true,
            ..Settings::default()
        })
    }

    /// An invitation, by the Owner.
    pub(super) async fn invite(&self, email: &str) -> NewInvitation {
        self.directory
            .invite_member(&self.owner.actor, &self.slug, email)
            .await
            .unwrap()
    }

    /// Accepts an invitation as somebody new, and answers who that is now.
    pub(super) async fn accept_as_new(&self, token: &LinkToken, who: &str) -> Principal {
        let (name, password) = (name(who), password(PASSWORD));
        let (session, _) = self
            .directory
            .accept_invitation_as_new(&anonymous(), token, name, password)
            .await
            .unwrap();
        actor(&self.directory, &session.token).await
    }

    /// Gives somebody a password, and signs them in with it.
    pub(super) async fn sign_in(&self, person: &Person) -> Principal {
        self.directory
            .set_password(&Principal::operator(), &email(&person.email), password(PASSWORD))
            .await
            .unwrap();
        let session = self
            .directory
            .sign_in(&anonymous(), &person.email, PASSWORD)
            .await
            .unwrap();
        actor(&self.directory, &session.token).await
    }

    /// Whether somebody is a member.
    pub(super) async fn has_member(&self, person: &Principal) -> bool {
        self.directory.is_member(person, self.organization).await.unwrap()
    }

    /// Everybody, by what they are called in the table above.
    pub(super) fn people(&self) -> [(&'static str, &Person); 7] {
        [
            ("owner", &self.owner),
            ("admin", &self.admin),
            ("lead", &self.lead),
            ("maya", &self.maya),
            ("noah", &self.noah),
            ("eve", &self.eve),
            ("stranger", &self.stranger),
        ]
    }

    /// One more account.
    pub(super) async fn someone(&self, who: &str, email: &str) -> Person {
        person(&self.directory, who, email.to_owned()).await
    }

    /// One more member.
    pub(super) async fn join(&self, person: &Person, role: OrganizationRole) {
        let mut db = Writer::for_worker(self.directory.pool.acquire().await.unwrap(), Uuid::now_v7);
        let at = OffsetDateTime::now_utc();
        memberships::insert(&mut db, self.organization, person.id, role, Some(self.owner.id), at)
            .await
            .unwrap();
    }

    /// Writes a collaborator as if added long ago.
    pub(super) async fn put(&self, project: &Project, person: &Person, role: ProjectRole) {
        sqlx::query(
            "INSERT INTO collaborators (organization_id, project_id, user_id, name, role, added_by, added_at)
             SELECT $1, $2, u.id, u.name, $4, $5, now() FROM users u WHERE u.id = $3",
        )
        .bind(self.organization.0)
        .bind(project.id.0)
        .bind(person.id.0)
        .bind(role.code())
        .bind(self.owner.id.0)
        .execute(&self.pool)
        .await
        .unwrap();
    }

    pub(super) async fn set_externals(&self, project: &Project, allow: bool) {
        sqlx::query("UPDATE projects SET allow_externals = $2 WHERE id = $1")
            .bind(project.id.0)
            .bind(allow)
            .execute(&self.pool)
            .await
            .unwrap();
    }

    /// Lets somebody's access end that many seconds from now; before, if negative.
    pub(super) async fn let_end(&self, project: &Project, person: &Person, seconds: i32) {
        let rows = sqlx::query(
            "UPDATE collaborators SET expires_at = now() + make_interval(secs => $3) WHERE project_id = $1 AND user_id = $2",
        )
        .bind(project.id.0)
        .bind(person.id.0)
        .bind(f64::from(seconds))
        .execute(&self.pool)
        .await
        .unwrap()
        .rows_affected();
        assert_eq!(rows, 1);
    }

    /// What somebody is to a project, by the reader that every decision uses.
    pub(super) async fn standing(&self, project: &Project, person: &Person) -> Standing {
        find_project(&self.pool, &project.slug, &person.actor)
            .await
            .unwrap()
            .standing
    }

    /// Whether somebody gets in.
    pub(super) async fn sees(&self, project: &Project, person: &Person) -> bool {
        match self.directory.project(&person.actor, &project.slug).await {
            Ok(_) => true,
            Err(Error::Refused(Refusal::Hidden)) => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// A person's row on the Collaborators page, as the Owner sees it.
    pub(super) async fn row(&self, project: &Project, person: &Person) -> Collaborator {
        self.directory
            .collaborator(&self.owner.actor, &project.slug, person.id)
            .await
            .unwrap()
    }

    /// All collaborators, as the Owner sees them, in pages of `limit`.
    pub(super) async fn pages(&self, project: &Project, mut query: CollaboratorQuery) -> Vec<Collaborator> {
        let mut all = Vec::new();
        loop {
            let page = self
                .directory
                .collaborators(&self.owner.actor, &project.slug, &query)
                .await
                .unwrap();
            assert!(page.rows.len() <= usize::from(query.limit));
            all.extend(page.rows);
            match page.next {
                Some(next) => query.after = Some(crate::Cursor::decode(&next.encode()).unwrap()),
                None => return all,
            }
        }
    }

    /// A key of a project, as a program that showed its secret has it.
    pub(super) async fn key(&self, project: &Project, reach: KeyScope) -> Principal {
        let key = ApiKeyId(Uuid::now_v7());
        sqlx::query(
            "INSERT INTO api_keys (organization_id, project_id, id, name, reach, secret_start, secret_end, created_at)
             VALUES ($1, $2, $3, 'CI', $4, 'rsk_test', 'test', now())",
        )
        .bind(self.organization.0)
        .bind(project.id.0)
        .bind(key.0)
        .bind(reach.code())
        .execute(&self.pool)
        .await
        .unwrap();
        let key = ApiKeyIdentity {
            key,
            organization: self.organization,
            project: project.id,
            reach,
        };
        with_key(key)
    }

    /// A project's settings with nothing changed; to change one of them in.
    pub(super) async fn settings(&self, project: &Project) -> ProjectChange {
        let seen = find_project(&self.pool, &project.slug, &self.owner.actor)
            .await
            .unwrap();
        ProjectChange {
            name: seen.name,
            slug: seen.slug,
            allow_externals: seen.allow_externals,
        }
    }

    /// Holds a project: until the end of this, every change to it waits.
    pub(super) async fn hold(&self, project: &Project) -> PgTransaction<'static> {
        let mut held = self.pool.begin().await.unwrap();
        sqlx::query("SELECT FROM projects WHERE id = $1 FOR UPDATE")
            .bind(project.id.0)
            .execute(&mut *held)
            .await
            .unwrap();
        held
    }

    /// What is done meanwhile, and the audit rows it leaves: as the first of its kind, whatever was refused before.
    pub(super) async fn audited<T>(&self, doing: impl Future<Output = T>) -> (T, Vec<Event>) {
        sql(&self.pool, FORGET_REPEATS).await;
        let before = events(&self.pool).await.len();
        let done = doing.await;
        (done, events(&self.pool).await.split_off(before))
    }
}

/// Past the triggers: what was refused lately is refused for the first time again.
const FORGET_REPEATS: &str = "BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM audit_repeats; COMMIT";

/// A row of the audit.
#[derive(Debug, FromRow)]
pub(super) struct Event {
    pub(super) id: Uuid,
    pub(super) organization_id: Option<Uuid>,
    pub(super) project_id: Option<Uuid>,
    pub(super) actor_kind: String,
    pub(super) actor_id: Option<Uuid>,
    pub(super) credential: String,
    pub(super) action: String,
    pub(super) refusal: Option<String>,
    pub(super) target_id: Option<Uuid>,
    pub(super) target: Option<String>,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
    pub(super) address: String,
    pub(super) request_id: String,
}

impl Event {
    pub(super) const fn event_id(&self) -> EventId {
        EventId(self.id)
    }
}

/// The whole audit, the oldest first.
pub(super) async fn events(pool: &PgPool) -> Vec<Event> {
    sqlx::query_as("SELECT * FROM audit_events ORDER BY id")
        .fetch_all(pool)
        .await
        .unwrap()
}

/// Runs SQL past the code, up to the commit; answers the name of the constraint that refused it.
pub(super) async fn refused_by_database(pool: &PgPool, sql: &str) -> String {
    let mut tx = pool.begin().await.unwrap();
    let outcome = match sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut *tx).await {
        Ok(_) => tx.commit().await,
        Err(error) => Err(error),
    };
    match outcome {
        Err(sqlx::Error::Database(error)) => error.constraint().map_or_else(|| error.to_string(), str::to_owned),
        Err(error) => panic!("{error}"),
        Ok(()) => panic!("the database did as told: {sql}"),
    }
}

/// Runs SQL past the code, and expects it to be done.
pub(super) async fn sql(pool: &PgPool, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(pool)
        .await
        .unwrap();
}

/// Whether somebody waits for a lock that another holds; until then, waits for that.
pub(super) async fn until_one_waits(pool: &PgPool) {
    until_waiting(pool, 1).await;
}

/// The same of so many.
pub(super) async fn until_waiting(pool: &PgPool, many: i64) {
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while count(pool, waiting).await < many {
        tokio::task::yield_now().await;
    }
}

pub(super) fn email(text: &str) -> Email {
    text.parse().unwrap()
}

/// Tries a property on random inputs; a failing one is made as small as still fails, and shown.
pub(super) async fn for_all<S: Strategy>(
    cases: u32,
    inputs: S,
    mut holds: impl AsyncFnMut(S::Value) -> std::result::Result<(), String>,
) where
    S::Value: Clone,
{
    let mut runner = TestRunner::default();
    for _ in 0..cases {
        let mut input = inputs.new_tree(&mut runner).unwrap();
        let Err(mut fault) = holds(input.current()).await else {
            continue;
        };
        let mut smallest = input.current();
        for _ in 0..100 {
            if !input.simplify() {
                break;
            }
            loop {
                match holds(input.current()).await {
                    Err(again) => {
                        (fault, smallest) = (again, input.current());
                        break;
                    }
                    Ok(()) if input.complicate() => {}
                    Ok(()) => break,
                }
            }
        }
        panic!("{fault}\nwith {smallest:#?}");
    }
}
