//! K1 to K11, W3, D6: API keys, from their first secret to their end; and what a person leaves behind who is removed
//! (C6, M6).

use policy::{
    ApiKeyId, Email, KeyFate, KeyScope, KeyState, OrganizationRole, Permission, ProjectRole, Refusal, ResourceKind,
    UserId,
};
use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool, migrate::Migrator};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::fixture::{
    Event, PASSWORD, Person, Project, Tenant, account, anonymous, count, events, name, origin, refusal,
    refused_by_database, slug, sql, until_one_waits, without_schema,
};
use crate::{ApiKey, ApiKeyList, ApiKeyQuery, Error, NewApiKey, Principal, Result, Token, TokenKind};

const ROUNDS: usize = 10;
const SSH_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAII2jiQYn6QCVghbfu7nROqyNNkp/HwZazGC2WsIfDiLh";
const DEFAULT_KEY: &str = "Organization Default Key";

fn soon(time: Duration) -> Option<OffsetDateTime> {
    Some(OffsetDateTime::now_utc() + time)
}

/// Seconds from now; the databases keep microseconds, and the tests a few seconds.
fn is_about(moment: Option<OffsetDateTime>, from_now: Duration) -> bool {
    moment.is_some_and(|at| (at - OffsetDateTime::now_utc() - from_now).abs() < Duration::seconds(30))
}

fn ids(rows: &[ApiKey]) -> Vec<ApiKeyId> {
    rows.iter().map(|key| key.id).collect()
}

impl Tenant {
    async fn try_key(&self, project: &Project, who: &Person, called: &str, reach: KeyScope) -> Result<NewApiKey> {
        self.directory
            .create_api_key(&who.actor, &project.slug, &name(called), reach, None)
            .await
    }

    /// A key that uses, without an end.
    async fn new_key(&self, project: &Project, who: &Person, called: &str) -> NewApiKey {
        self.try_key(project, who, called, KeyScope::Use).await.unwrap()
    }

    /// Why a secret opens nothing; nothing if it does.
    async fn closed(&self, secret: &Token) -> Option<Refusal> {
        match self.directory.authenticate_key(secret, origin()).await {
            Ok(_) => None,
            Err(Error::Refused(refusal)) => Some(refusal),
            Err(error) => panic!("{error}"),
        }
    }

    async fn keys(&self, project: &Project, who: &Person, query: &ApiKeyQuery) -> ApiKeyList {
        self.directory.api_keys(&who.actor, &project.slug, query).await.unwrap()
    }

    /// All keys of a project, as the Owner sees them.
    async fn all_keys(&self, project: &Project) -> Vec<ApiKey> {
        let query = ApiKeyQuery {
            limit: 200,
            ..ApiKeyQuery::default()
        };
        self.keys(project, &self.owner, &query).await.rows
    }

    async fn seen(&self, project: &Project, key: ApiKeyId) -> ApiKey {
        self.directory
            .api_key(&self.owner.actor, &project.slug, key)
            .await
            .unwrap()
    }

    /// The id of the Organization Default Key, past the code that hides it.
    async fn default_key_id(&self) -> ApiKeyId {
        let id = sqlx::query_scalar("SELECT id FROM api_keys WHERE organization_id = $1 AND is_default")
            .bind(self.organization.0)
            .fetch_one(&self.pool)
            .await
            .unwrap();
        ApiKeyId(id)
    }

    async fn regenerate(&self, who: &Person) -> Result<NewApiKey> {
        self.directory
            .regenerate_default_key(&who.actor, &self.default.slug)
            .await
    }

    /// Lets a key's end be that many seconds from now; before, if negative.
    async fn let_expire(&self, key: ApiKeyId, seconds: i32) {
        let rows = sqlx::query("UPDATE api_keys SET expires_at = now() + make_interval(secs => $2) WHERE id = $1")
            .bind(key.0)
            .bind(f64::from(seconds))
            .execute(&self.pool)
            .await
            .unwrap()
            .rows_affected();
        assert_eq!(rows, 1);
    }

    /// When a key was last used, once that is noted.
    async fn until_used(&self, key: ApiKeyId) -> OffsetDateTime {
        self.until_noted("SELECT last_used_at FROM api_keys WHERE id = $1", key)
            .await
    }

    /// When a key that is over was last tried, once that is noted.
    async fn until_tried(&self, key: ApiKeyId) -> OffsetDateTime {
        self.until_noted("SELECT refused_at FROM api_keys WHERE id = $1", key)
            .await
    }

    async fn until_noted(&self, when: &'static str, key: ApiKeyId) -> OffsetDateTime {
        loop {
            let noted: Option<OffsetDateTime> = sqlx::query_scalar(when)
                .bind(key.0)
                .fetch_one(&self.pool)
                .await
                .unwrap();
            if let Some(at) = noted {
                return at;
            }
            tokio::task::yield_now().await;
        }
    }

    /// What every change to a key answers.
    async fn changes(&self, who: &Person, project: &Project, key: ApiKeyId) -> Vec<(&'static str, Refusal)> {
        let (d, a, slug) = (&self.directory, &who.actor, &project.slug);
        vec![
            ("api_key", refusal(d.api_key(&who.actor, slug, key).await)),
            ("revoke", refusal(d.revoke_api_key(a, slug, key).await)),
            (
                "rotate",
                refusal(d.rotate_api_key(a, slug, key, Duration::HOUR, None).await),
            ),
            (
                "rotate, past",
                refusal(
                    d.rotate_api_key(a, slug, key, Duration::ZERO, Some(OffsetDateTime::UNIX_EPOCH))
                        .await,
                ),
            ),
            (
                "expiration",
                refusal(d.set_api_key_expiration(a, slug, key, soon(Duration::DAY)).await),
            ),
            (
                "no expiration",
                refusal(d.set_api_key_expiration(a, slug, key, None).await),
            ),
        ]
    }

    async fn put_resource(&self, project: &Project, by: UserId, kind: ResourceKind, called: &str) {
        sqlx::query(
            "INSERT INTO resources (organization_id, project_id, id, kind, name, state, details, created_by, created_at, updated_at)
             VALUES ($1, $2, gen_random_uuid(), $3, $4, 'ready', '{}', $5, now(), now())",
        )
        .bind(self.organization.0)
        .bind(project.id.0)
        .bind(kind.code())
        .bind(called)
        .bind(by.0)
        .execute(&self.pool)
        .await
        .unwrap();
    }

    /// Every table but sqlx's, whole, as PostgreSQL writes its rows; with its name.
    async fn dump(&self) -> Vec<(String, String)> {
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT table_name::text FROM information_schema.tables
             WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> '_sqlx_migrations'",
        )
        .fetch_all(&self.pool)
        .await
        .unwrap();
        let mut dump = Vec::new();
        for table in tables {
            let rows = format!("SELECT COALESCE(string_agg(t::text, E'\\n'), '') FROM {table} t");
            let rows = sqlx::query_scalar(AssertSqlSafe(rows))
                .fetch_one(&self.pool)
                .await
                .unwrap();
            dump.push((table, rows));
        }
        dump
    }
}

// Made, seen, ended

/// K2: collaborators of either role, and externals among them; nobody else, whatever they are in the organization.
#[sqlx::test]
async fn k2_collaborators_of_either_role_create_and_revoke_keys(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, research) = (&t.directory, &t.research);
    let inside = [&t.owner, &t.admin, &t.lead, &t.maya, &t.eve];
    for (place, who) in inside.into_iter().enumerate() {
        let made = t.new_key(research, who, "CI").await;
        let actor = d.authenticate_key(&made.secret, origin()).await.unwrap();
        assert_eq!(
            (
                actor.api_key().unwrap().organization,
                actor.api_key().unwrap().project,
                actor.api_key().unwrap().key,
                actor.api_key().unwrap().reach
            ),
            (t.organization, research.id, made.id, KeyScope::Use)
        );
        // The project's, not the person's: another one ends it.
        let other = inside[(place + 1) % inside.len()];
        assert_eq!(
            d.revoke_api_key(&other.actor, &research.slug, made.id).await.unwrap(),
            name("CI")
        );
        assert_eq!(t.closed(&made.secret).await, Some(Refusal::KeyRevoked));
    }
    let kept = t.new_key(research, &t.lead, "Kept").await;
    for who in [&t.noah, &t.stranger] {
        let outcome = t.try_key(research, who, "CI", KeyScope::Use).await;
        assert_eq!(refusal(outcome), Refusal::Hidden);
        for (what, answer) in t.changes(who, research, kept.id).await {
            assert_eq!(answer, Refusal::Hidden, "{what}");
        }
    }
    assert_eq!(t.all_keys(research).await.len(), inside.len() + 1);
    assert_eq!(t.closed(&kept.secret).await, None);
    // In the Default Project that is every member.
    let made = t.new_key(&t.default, &t.noah, "Notebook").await;
    assert_eq!(t.closed(&made.secret).await, None);
    let outcome = t.try_key(&t.default, &t.eve, "CI", KeyScope::Use).await;
    assert_eq!(refusal(outcome), Refusal::Hidden);
}

/// K3, A3: the secret is in the answer, its hash in one table, and no other part of it anywhere, whatever is done with
/// it.
#[sqlx::test]
async fn k3_no_part_of_a_secret_is_kept_but_what_the_list_shows(pool: PgPool) {
    let t = Tenant::new(&pool).await.sending_mail();
    let (d, a, slug) = (&t.directory, &t.owner.actor, &t.default.slug);
    let plain = t.new_key(&t.default, &t.noah, "CI").await;
    let first = t.regenerate(&t.owner).await.unwrap();
    let again = t.regenerate(&t.owner).await.unwrap();
    let dated = d
        .create_api_key(a, slug, &name("Night"), KeyScope::Manage, soon(Duration::DAY))
        .await
        .unwrap();
    let next = d.rotate_api_key(a, slug, dated.id, Duration::HOUR, None).await.unwrap();
    for key in [&plain, &again, &dated, &next] {
        assert_eq!(t.closed(&key.secret).await, None);
        t.until_used(key.id).await;
    }
    d.set_api_key_expiration(a, slug, plain.id, soon(Duration::DAY))
        .await
        .unwrap();
    d.revoke_api_key(a, slug, plain.id).await.unwrap();
    d.revoke_api_key(a, slug, plain.id).await.unwrap_err();
    for key in [&dated, &again, &first] {
        d.revoke_presented_key(&anonymous(), &key.secret).await.unwrap();
    }
    t.closed(&plain.secret).await.unwrap();
    t.invite("nina@new.test").await;

    let dump = t.dump().await;
    assert!(dump.len() > 12, "{}", dump.len());
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    for key in [&plain, &first, &again, &dated, &next] {
        let secret = key.secret.reveal();
        // Any eight characters in a row that the list does not show.
        for start in 1..=secret.len() - 8 {
            let part = &secret[start..start + 8];
            for (table, rows) in &dump {
                assert!(!rows.contains(part), "{table} has a part of a secret");
                assert!(
                    !rows.contains(&hex(part.as_bytes())),
                    "{table} has a part of a secret, in bytes"
                );
            }
        }
        let hash = hex(&key.secret.hash());
        let holding: Vec<_> = dump.iter().filter(|(_, rows)| rows.contains(&hash)).collect();
        let is_gone = [first.id, again.id].contains(&key.id);
        let expected: &[&str] = if is_gone { &[] } else { &["api_key_secrets"] };
        let holding: Vec<_> = holding.iter().map(|(table, _)| table.as_str()).collect();
        assert_eq!(holding, expected);
    }
    // The search finds what is there: what the list shows.
    let keys = dump.iter().find(|(table, _)| table == "api_keys");
    assert!(keys.is_some_and(|(_, rows)| rows.contains(plain.secret.start()) && rows.contains(plain.secret.end())));
}

/// K4
#[sqlx::test]
async fn k4_the_list_tells_of_each_key_what_the_rules_say(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let plain = t.new_key(&t.research, &t.maya, "CI").await;
    let end = soon(Duration::days(3));
    let (a, slug) = (&t.lead.actor, &t.research.slug);
    let dated = d
        .create_api_key(a, slug, &name("Deploy"), KeyScope::Manage, end)
        .await
        .unwrap();
    t.new_key(&t.default, &t.maya, "Elsewhere").await;

    for who in [&t.owner, &t.lead, &t.maya, &t.eve] {
        let list = t
            .keys(
                &t.research,
                who,
                &ApiKeyQuery {
                    limit: 50,
                    ..ApiKeyQuery::default()
                },
            )
            .await;
        assert!(list.default_key.is_none() && list.next.is_none());
        let [first, second] = &list.rows[..] else {
            panic!("{:?}", list.rows)
        };
        // The latest first.
        assert_eq!((first.id, second.id), (dated.id, plain.id));
        assert_eq!((first.name.as_str(), second.name.as_str()), ("Deploy", "CI"));
        assert_eq!((first.reach, second.reach), (KeyScope::Manage, KeyScope::Use));
        let by = |key: &ApiKey| key.created_by.clone().map(|name| name.to_string());
        assert_eq!(
            (by(first).as_deref(), by(second).as_deref()),
            (Some("Lea Lead"), Some("Maya Member"))
        );
        for (key, made) in [(first, &dated), (second, &plain)] {
            let secret = made.secret.reveal();
            assert_eq!(key.secret_start, secret[..8]);
            assert_eq!(key.secret_end, secret[secret.len() - 4..]);
            assert!(is_about(Some(key.created_at), Duration::ZERO));
            assert_eq!(
                (key.state, key.last_used_at, key.is_rotated),
                (KeyState::Active, None, false)
            );
        }
        assert!(is_about(first.expires_at, Duration::days(3)) && second.expires_at.is_none());
        // One by its id, the same.
        let one = d.api_key(&who.actor, slug, dated.id).await.unwrap();
        assert_eq!((one.name.as_str(), one.expires_at), ("Deploy", first.expires_at));
    }
    t.closed(&plain.secret).await;
    let used = t.until_used(plain.id).await;
    assert_eq!(t.seen(&t.research, plain.id).await.last_used_at, Some(used));
    assert!(is_about(Some(used), Duration::ZERO));
}

/// K4, C10: searched, filtered and paged by the database.
#[sqlx::test]
async fn k4_the_list_searches_filters_and_pages(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, project) = (&t.directory, &t.research);
    let mut made = Vec::new();
    for called in ["Alpha 1", "alpha 2", "100% beta", "Beta_2", "ÉTUDE", "gamma", "delta"] {
        made.push(t.new_key(project, &t.maya, called).await.id);
    }
    made.reverse();
    let [delta, gamma, etude, beta_2, percent, alpha_2, alpha_1] = made[..] else {
        panic!("{made:?}")
    };
    d.revoke_api_key(&t.maya.actor, &project.slug, gamma).await.unwrap();
    t.let_expire(delta, -1).await;
    // Revoked says more than expired.
    d.revoke_api_key(&t.maya.actor, &project.slug, alpha_1).await.unwrap();
    t.let_expire(alpha_1, -1).await;
    t.let_expire(etude, 60).await;

    let active = vec![etude, beta_2, percent, alpha_2];
    for (search, state, expected) in [
        ("", None, made.clone()),
        ("", Some(KeyState::Active), active),
        ("", Some(KeyState::Revoked), vec![gamma, alpha_1]),
        ("", Some(KeyState::Expired), vec![delta]),
        ("ALPHA", None, vec![alpha_2, alpha_1]),
        (" alpha ", Some(KeyState::Revoked), vec![alpha_1]),
        ("%", None, vec![percent]),
        ("_", None, vec![beta_2]),
        ("\\", None, vec![]),
        ("étude", None, vec![etude]),
        ("zeta", None, vec![]),
        ("rsk_", None, vec![]),
        // Whose keys they are, as somebody asks who was told that there are more of them (C6).
        ("maya", None, made.clone()),
        ("lead", None, vec![]),
    ] {
        for limit in [1, 2, 3, 50] {
            let mut query = ApiKeyQuery {
                search: search.to_owned(),
                state,
                limit,
                ..ApiKeyQuery::default()
            };
            let mut seen = Vec::new();
            loop {
                let page = t.keys(project, &t.maya, &query).await;
                assert!(page.rows.len() <= usize::from(limit));
                seen.extend(ids(&page.rows));
                match page.next {
                    Some(next) => query.after = Some(next),
                    None => break,
                }
            }
            assert_eq!(seen, expected, "{search:?} {state:?} by {limit}");
        }
    }
    let query = ApiKeyQuery {
        search: "\0".to_owned(),
        ..ApiKeyQuery::default()
    };
    assert_eq!(
        refusal(d.api_keys(&t.maya.actor, &project.slug, &query).await),
        Refusal::Malformed
    );
    for state in [KeyState::Active, KeyState::Expired, KeyState::Revoked] {
        for key in t.all_keys(project).await.iter().filter(|key| key.state == state) {
            assert_eq!(t.seen(project, key.id).await.state, state);
        }
    }
}

/// K4: the use of a key is noted once a minute and no more often, so that a busy key writes little.
#[sqlx::test]
async fn k4_the_last_use_is_noted_at_most_once_a_minute(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let made = t.new_key(&t.research, &t.maya, "CI").await;
    assert_eq!(t.closed(&made.secret).await, None);
    t.until_used(made.id).await;
    for (ago, is_use_due) in [(59, false), (30, false), (61, true)] {
        sql(
            &pool,
            &format!("UPDATE api_keys SET last_used_at = now() - interval '{ago} seconds'"),
        )
        .await;
        let before = t.seen(&t.research, made.id).await.last_used_at;
        // By a request, and by what notes it: each looks by itself.
        t.closed(&made.secret).await;
        t.directory.note_key_use(t.organization, t.research.id, made.id);
        // Another key's first use is noted after this one's, or not at all.
        let mark = t.new_key(&t.research, &t.maya, "Mark").await;
        t.closed(&mark.secret).await;
        t.until_used(mark.id).await;
        if is_use_due {
            while t.seen(&t.research, made.id).await.last_used_at == before {
                tokio::task::yield_now().await;
            }
        } else {
            assert_eq!(t.seen(&t.research, made.id).await.last_used_at, before, "{ago}");
        }
    }
    // What opens nothing is no use.
    let dead = t.new_key(&t.research, &t.maya, "Dead").await;
    t.directory
        .revoke_api_key(&t.maya.actor, &t.research.slug, dead.id)
        .await
        .unwrap();
    t.closed(&dead.secret).await.unwrap();
    assert_eq!(t.seen(&t.research, dead.id).await.last_used_at, None);
}

/// A1: the project learns that somebody goes on with a key that is over; once a day, however often they try.
#[sqlx::test]
async fn a1_the_use_of_a_key_that_is_over_is_audited_once_a_day(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (revoked, expired) = (
        t.new_key(&t.research, &t.maya, "Revoked").await,
        t.new_key(&t.research, &t.maya, "Expired").await,
    );
    t.directory
        .revoke_api_key(&t.maya.actor, &t.research.slug, revoked.id)
        .await
        .unwrap();
    t.let_expire(expired.id, -1).await;
    let uses = async |many: usize| loop {
        let uses: Vec<_> = events(&pool)
            .await
            .into_iter()
            .filter(|event| event.action == "api_key:use")
            .collect();
        if uses.len() >= many {
            return uses;
        }
        tokio::task::yield_now().await;
    };
    for (key, code) in [(&revoked, "key_revoked"), (&expired, "key_expired")] {
        for _ in 0..5 {
            assert_eq!(t.closed(&key.secret).await.map(Refusal::code), Some(code));
        }
    }
    let mut told: Vec<_> = uses(2)
        .await
        .into_iter()
        .map(|event| {
            assert_eq!(
                (event.project_id, &*event.address),
                (Some(t.research.id.0), "192.0.2.7")
            );
            assert_eq!(event.credential, format!("api key {}", event.target_id.unwrap()));
            (event.target.unwrap(), event.refusal.unwrap())
        })
        .collect();
    told.sort();
    assert_eq!(
        told,
        [("Expired", "key_expired"), ("Revoked", "key_revoked")].map(|(a, b)| (a.into(), b.into()))
    );
    // The next day it is news again.
    sql(
        &pool,
        "UPDATE api_keys SET refused_at = refused_at - interval '25 hours' WHERE name = 'Revoked'",
    )
    .await;
    t.closed(&expired.secret).await;
    t.closed(&revoked.secret).await;
    let last = uses(3).await;
    assert_eq!((last.len(), last[2].target.as_deref()), (3, Some("Revoked")));
}

/// K6: the end that is reached while a change waits for its turn is reached: what was refused once doesn't work again.
#[sqlx::test]
async fn k6_an_expiration_that_is_reached_while_a_change_waits_is_reached(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let key = t.new_key(&t.research, &t.maya, "CI").await;
    let held = t.hold(&t.research).await;
    t.let_expire(key.id, 1).await;
    let change = t
        .directory
        .set_api_key_expiration(&t.maya.actor, &t.research.slug, key.id, None);
    let (outcome, ()) = tokio::join!(change, async {
        until_one_waits(&pool).await;
        while t.closed(&key.secret).await.is_none() {
            tokio::task::yield_now().await;
        }
        held.rollback().await.unwrap();
    });
    assert_eq!(refusal(outcome), Refusal::KeyOver);
    assert_eq!(t.closed(&key.secret).await, Some(Refusal::KeyExpired));
}

/// K5: a key outlives its creator's place in the project, in the organization, and their account.
#[sqlx::test]
async fn k5_a_key_outlives_its_creators_access_and_account(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let maya = t.sign_in(&t.maya).await;
    let person = Person {
        actor: maya.clone(),
        ..t.maya.clone()
    };
    let made = t.new_key(&t.research, &person, "CI").await;
    d.remove_collaborator(&t.lead.actor, &t.research.slug, t.maya.id, &[])
        .await
        .unwrap();
    assert_eq!(t.closed(&made.secret).await, None);
    d.remove_member(&t.owner.actor, &t.slug, t.maya.id).await.unwrap();
    assert_eq!(t.closed(&made.secret).await, None);
    let by = t.seen(&t.research, made.id).await.created_by.unwrap();
    assert_eq!(by.as_str(), "Maya Member");
    d.delete_account(&maya, PASSWORD).await.unwrap();
    assert_eq!(t.closed(&made.secret).await, None);
    let seen = t.seen(&t.research, made.id).await;
    assert_eq!(seen.state, KeyState::Active);
    assert_ne!(seen.created_by.unwrap().as_str(), "Maya Member");
    // And the project still ends it.
    d.revoke_api_key(&t.eve.actor, &t.research.slug, made.id).await.unwrap();
    assert_eq!(t.closed(&made.secret).await, Some(Refusal::KeyRevoked));
}

/// K6: set at creation or later, changed, cancelled; never in the past; and reached for good.
#[sqlx::test]
async fn k6_an_expiration_is_set_changed_and_cancelled_until_it_is_reached(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, a, slug) = (&t.directory, &t.maya.actor, &t.research.slug);
    let now = OffsetDateTime::now_utc();
    for past in [OffsetDateTime::UNIX_EPOCH, now - Duration::SECOND, now] {
        let made = d.create_api_key(a, slug, &name("CI"), KeyScope::Use, Some(past)).await;
        assert_eq!(refusal(made), Refusal::EndDateInvalid);
    }
    assert!(t.all_keys(&t.research).await.is_empty());

    let key = d
        .create_api_key(a, slug, &name("CI"), KeyScope::Use, soon(Duration::DAY))
        .await
        .unwrap();
    assert!(is_about(t.seen(&t.research, key.id).await.expires_at, Duration::DAY));
    // By anybody of the project, sooner, later, not at all, again.
    for (who, end) in [
        (&t.lead, Some(Duration::HOUR)),
        (&t.eve, Some(Duration::days(400))),
        (&t.maya, None),
        (&t.owner, Some(Duration::WEEK)),
    ] {
        let done = d
            .set_api_key_expiration(&who.actor, slug, key.id, end.and_then(soon))
            .await;
        assert_eq!(done.unwrap(), name("CI"));
        let seen = t.seen(&t.research, key.id).await.expires_at;
        assert!(end.map_or(seen.is_none(), |end| is_about(seen, end)), "{seen:?}");
        assert_eq!(t.closed(&key.secret).await, None);
    }
    let past = d.set_api_key_expiration(a, slug, key.id, Some(now)).await;
    assert_eq!(refusal(past), Refusal::EndDateInvalid);
    assert!(is_about(t.seen(&t.research, key.id).await.expires_at, Duration::WEEK));

    t.let_expire(key.id, -1).await;
    assert_eq!(t.closed(&key.secret).await, Some(Refusal::KeyExpired));
    assert_eq!(Refusal::KeyExpired.status(), 401);
    for outcome in [
        d.revoke_api_key(a, slug, key.id).await.map(drop),
        d.rotate_api_key(a, slug, key.id, Duration::DAY, None).await.map(drop),
        d.set_api_key_expiration(a, slug, key.id, None).await.map(drop),
        d.set_api_key_expiration(a, slug, key.id, soon(Duration::DAY))
            .await
            .map(drop),
    ] {
        assert_eq!(refusal(outcome), Refusal::KeyOver);
    }
    // Still listed.
    let listed = t.all_keys(&t.research).await;
    assert_eq!((ids(&listed), listed[0].state), (vec![key.id], KeyState::Expired));
}

/// K7: at once, and for good: by no change does a revoked key come back.
#[sqlx::test]
async fn k7_revoking_acts_at_once_and_is_final(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, a, slug) = (&t.directory, &t.maya.actor, &t.research.slug);
    let key = t.new_key(&t.research, &t.maya, "CI").await;
    let other = t.new_key(&t.research, &t.maya, "Other").await;
    assert_eq!(t.closed(&key.secret).await, None);
    t.until_used(key.id).await;
    d.revoke_api_key(a, slug, key.id).await.unwrap();
    assert_eq!(t.closed(&key.secret).await, Some(Refusal::KeyRevoked));
    // What is noted beside a request would be taken for a change.
    t.until_tried(key.id).await;
    let at = "SELECT count(*) FROM api_keys WHERE revoked_at IS NOT NULL";
    assert_eq!(count(&pool, at).await, 1);
    let keep = "CREATE TABLE kept AS SELECT * FROM api_keys";
    sql(&pool, keep).await;
    let later = soon(Duration::DAY);
    for outcome in [
        d.revoke_api_key(a, slug, key.id).await.map(drop),
        d.set_api_key_expiration(a, slug, key.id, None).await.map(drop),
        d.set_api_key_expiration(a, slug, key.id, later).await.map(drop),
        d.rotate_api_key(a, slug, key.id, Duration::DAY, None).await.map(drop),
        d.rotate_api_key(a, slug, key.id, Duration::ZERO, later).await.map(drop),
    ] {
        assert_eq!(refusal(outcome), Refusal::KeyOver);
    }
    let differ = "SELECT count(*) FROM (TABLE api_keys EXCEPT TABLE kept) changed";
    assert_eq!(count(&pool, differ).await, 0);
    assert_eq!(t.closed(&key.secret).await, Some(Refusal::KeyRevoked));
    assert_eq!(t.closed(&other.secret).await, None);
    // One that expired as well stays revoked.
    t.let_expire(key.id, -1).await;
    assert_eq!(t.closed(&key.secret).await, Some(Refusal::KeyRevoked));
    assert_eq!(t.seen(&t.research, key.id).await.state, KeyState::Revoked);
}

/// K7: the successor has the name and reach; the old key lives on for the overlap, and never longer than it would have.
#[sqlx::test]
async fn k7_a_rotated_key_lives_for_the_overlap_and_never_longer_than_before(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, a, slug) = (&t.directory, &t.lead.actor, &t.research.slug);
    for (old_end, overlap, left) in [
        (None, Duration::DAY, Duration::DAY),
        (None, Duration::HOUR, Duration::HOUR),
        (Some(Duration::MINUTE * 10), Duration::DAY, Duration::MINUTE * 10),
        (Some(Duration::WEEK), Duration::HOUR, Duration::HOUR),
    ] {
        for reach in KeyScope::ALL {
            let title = name("CI");
            let old = d
                .create_api_key(a, slug, &title, reach, old_end.and_then(soon))
                .await
                .unwrap();
            let next_end = soon(Duration::days(30));
            let next = d.rotate_api_key(a, slug, old.id, overlap, next_end).await.unwrap();
            assert_ne!((next.id, next.secret.reveal()), (old.id, old.secret.reveal()));
            assert_eq!(next.name, title);
            for key in [&old, &next] {
                let opened = d.authenticate_key(&key.secret, origin()).await.unwrap();
                assert_eq!(
                    (opened.api_key().unwrap().key, opened.api_key().unwrap().reach),
                    (key.id, reach)
                );
            }
            let (seen, after) = (t.seen(&t.research, old.id).await, t.seen(&t.research, next.id).await);
            assert_eq!((seen.state, seen.is_rotated), (KeyState::Active, true));
            assert!(is_about(seen.expires_at, left), "{seen:?}");
            assert_eq!((after.state, after.is_rotated), (KeyState::Active, false));
            assert!(is_about(after.expires_at, Duration::days(30)));
            let by = after.created_by.map(|name| name.to_string());
            assert_eq!(by.as_deref(), Some("Lea Lead"));
            let successor: Option<Uuid> = sqlx::query_scalar("SELECT successor_id FROM api_keys WHERE id = $1")
                .bind(old.id.0)
                .fetch_one(&pool)
                .await
                .unwrap();
            assert_eq!(successor, Some(next.id.0));
            t.let_expire(old.id, -1).await;
            assert_eq!(t.closed(&old.secret).await, Some(Refusal::KeyExpired));
            assert_eq!(t.closed(&next.secret).await, None);
        }
    }
    // Without an overlap it is revoked at once.
    let old = t.new_key(&t.research, &t.lead, "Leaked").await;
    let next = d.rotate_api_key(a, slug, old.id, Duration::ZERO, None).await.unwrap();
    assert_eq!(t.closed(&old.secret).await, Some(Refusal::KeyRevoked));
    assert_eq!(t.closed(&next.secret).await, None);
    assert_eq!(t.seen(&t.research, old.id).await.state, KeyState::Revoked);
    assert_eq!(t.seen(&t.research, next.id).await.expires_at, None);
    let past = d
        .rotate_api_key(a, slug, next.id, Duration::DAY, Some(OffsetDateTime::UNIX_EPOCH))
        .await;
    assert_eq!(refusal(past), Refusal::EndDateInvalid);
    assert!(!t.seen(&t.research, next.id).await.is_rotated);
}

/// K7: what has a successor can only end sooner.
#[sqlx::test]
async fn k7_a_rotated_key_is_not_prolonged_nor_rotated_again(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, a, slug) = (&t.directory, &t.owner.actor, &t.research.slug);
    let old = t.new_key(&t.research, &t.maya, "CI").await;
    d.rotate_api_key(a, slug, old.id, Duration::DAY, None).await.unwrap();
    for end in [
        None,
        soon(Duration::days(2)),
        soon(Duration::DAY + Duration::MINUTE * 5),
    ] {
        let outcome = d.set_api_key_expiration(a, slug, old.id, end).await;
        assert_eq!(refusal(outcome), Refusal::KeyRotated, "{end:?}");
    }
    for overlap in [Duration::ZERO, Duration::HOUR, Duration::days(7)] {
        let outcome = d.rotate_api_key(a, slug, old.id, overlap, None).await;
        assert_eq!(refusal(outcome), Refusal::KeyRotated);
    }
    assert_eq!(t.all_keys(&t.research).await.len(), 2);
    assert!(is_about(t.seen(&t.research, old.id).await.expires_at, Duration::DAY));
    d.set_api_key_expiration(a, slug, old.id, soon(Duration::HOUR))
        .await
        .unwrap();
    assert!(is_about(t.seen(&t.research, old.id).await.expires_at, Duration::HOUR));
    d.revoke_api_key(a, slug, old.id).await.unwrap();
    assert_eq!(t.closed(&old.secret).await, Some(Refusal::KeyRevoked));
}

/// K11: a Member gets no key that manages, nor a longer life or a new secret for one; and ends any.
#[sqlx::test]
async fn k11_only_project_admins_make_rotate_and_date_keys_that_manage(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug) = (&t.directory, &t.research.slug);
    t.put(&t.research, &t.noah, ProjectRole::Member).await;
    for who in [&t.maya, &t.eve, &t.noah] {
        let key = t
            .try_key(&t.research, &t.lead, "Deploy", KeyScope::Manage)
            .await
            .unwrap();
        let opened = d.authenticate_key(&key.secret, origin()).await.unwrap();
        assert_eq!(opened.api_key().unwrap().reach, KeyScope::Manage);
        let a = &who.actor;
        let before = t.all_keys(&t.research).await.len();
        for outcome in [
            t.try_key(&t.research, who, "Mine", KeyScope::Manage).await.map(drop),
            d.rotate_api_key(a, slug, key.id, Duration::DAY, None).await.map(drop),
            d.rotate_api_key(a, slug, key.id, Duration::ZERO, None).await.map(drop),
            d.set_api_key_expiration(a, slug, key.id, None).await.map(drop),
            d.set_api_key_expiration(a, slug, key.id, soon(Duration::HOUR))
                .await
                .map(drop),
        ] {
            assert_eq!(refusal(outcome), Refusal::ManageKeyForAdmins);
        }
        assert_eq!(t.all_keys(&t.research).await.len(), before);
        assert_eq!(t.seen(&t.research, key.id).await.expires_at, None);
        d.revoke_api_key(a, slug, key.id).await.unwrap();
        assert_eq!(t.closed(&key.secret).await, Some(Refusal::KeyRevoked));
    }
    // An external who is Admin of the project makes one too; a Member of the organization who is Admin elsewhere does
    // not.
    t.put(&t.research, &t.stranger, ProjectRole::Admin).await;
    t.try_key(&t.research, &t.stranger, "Deploy", KeyScope::Manage)
        .await
        .unwrap();
    let outcome = t.try_key(&t.default, &t.lead, "Deploy", KeyScope::Manage).await;
    assert_eq!(refusal(outcome), Refusal::ManageKeyForAdmins);
}

/// K1, P3: a key's id opens nothing in another project, nor in another organization, even to somebody who is Admin of
/// both.
#[sqlx::test]
async fn k1_a_key_is_found_in_its_own_project_alone(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let other = Tenant::named(&pool, "other").await;
    let d = &t.directory;
    let key = t.new_key(&t.research, &t.owner, "CI").await;
    for (who, project) in [
        (&t.owner, &t.production),
        (&t.owner, &t.default),
        (&t.noah, &t.default),
        (&other.owner, &other.research),
        (&other.owner, &other.default),
    ] {
        let hidden = t.changes(who, project, key.id).await;
        let absent = t.changes(who, project, ApiKeyId(Uuid::now_v7())).await;
        assert_eq!(hidden, absent);
        assert!(
            hidden.iter().all(|(_, refusal)| *refusal == Refusal::Hidden),
            "{hidden:?}"
        );
        let after = ApiKeyQuery {
            after: Some(key.id),
            limit: 50,
            ..ApiKeyQuery::default()
        };
        assert!(t.keys(project, who, &after).await.rows.is_empty());
    }
    assert_eq!(t.closed(&key.secret).await, None);
    let actor = d.authenticate_key(&key.secret, origin()).await.unwrap();
    let view = d.key_view(&actor).await.unwrap();
    assert_eq!(
        (actor.api_key().unwrap().key, view.project, view.organization),
        (key.id, t.research.id, t.organization)
    );
    assert_eq!(
        (view.project_slug, view.organization_slug),
        (t.research.slug.clone(), t.slug.clone())
    );
    assert_eq!(
        (
            view.name.as_str(),
            view.project_name.as_str(),
            view.organization_name.as_str()
        ),
        ("CI", "acme-research", "Acme Research")
    );
}

/// P4, E5: the keys of a project die with it, in the same instant.
#[sqlx::test]
async fn p4_a_deleted_projects_keys_open_nothing(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let (key, other) = (
        t.new_key(&t.research, &t.maya, "CI").await,
        t.new_key(&t.default, &t.maya, "CI").await,
    );
    let actor = d.authenticate_key(&key.secret, origin()).await.unwrap();
    d.delete_project(&t.owner.actor, &t.research.slug, t.research.slug.as_str())
        .await
        .unwrap();
    assert_eq!(t.closed(&key.secret).await, Some(Refusal::KeyInvalid));
    assert_eq!(refusal(d.key_view(&actor).await), Refusal::KeyInvalid);
    assert!(!d.revoke_presented_key(&anonymous(), &key.secret).await.unwrap());
    assert_eq!(t.closed(&other.secret).await, None);
    let of = |table| format!("SELECT count(*) FROM {table} WHERE project_id = '{}'", t.research.id);
    for table in ["api_keys", "api_key_secrets"] {
        assert_eq!(count(&pool, &of(table)).await, 0, "{table}");
    }
}

// The Organization Default Key

/// D6, K8: every organization has one from its first instant, in its Default Project; nobody knows a secret of it yet.
#[sqlx::test]
async fn d6_an_organization_has_its_default_key_from_the_first_instant(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    t.directory
        .sign_up(&anonymous(), account("Nina New", "nina@new.test"))
        .await
        .unwrap();
    let rightly = "SELECT count(*) FROM organizations o JOIN api_keys k ON k.organization_id = o.id
                   WHERE k.is_default AND k.project_id = o.default_project_id AND k.name = 'Organization Default Key'
                     AND k.secret_start = '' AND k.secret_end = '' AND k.reach = 'use' AND k.created_by IS NULL";
    assert_eq!(count(&pool, rightly).await, 3);
    assert_eq!(count(&pool, "SELECT count(*) FROM organizations").await, 3);
    assert_eq!(count(&pool, "SELECT count(*) FROM api_key_secrets").await, 0);
    // The database holds it there: one, in the Default Project, never at an end.
    let id = t.default_key_id().await;
    for (change, constraint) in [
        (
            format!("UPDATE api_keys SET revoked_at = now() WHERE id = '{id}'"),
            "api_keys_default_lives",
        ),
        (
            format!("UPDATE api_keys SET expires_at = now() WHERE id = '{id}'"),
            "api_keys_default_lives",
        ),
        (
            format!("UPDATE api_keys SET successor_id = id WHERE id = '{id}'"),
            "api_keys_default_lives",
        ),
        (
            format!("UPDATE api_keys SET project_id = '{}' WHERE id = '{id}'", t.research.id),
            "api_keys_default_project_fkey",
        ),
        (
            format!(
                "INSERT INTO api_keys (organization_id, project_id, id, name, reach, is_default, secret_start, secret_end, created_at)
                 SELECT organization_id, project_id, gen_random_uuid(), name, reach, true, '', '', now() FROM api_keys WHERE id = '{id}'"
            ),
            "api_keys_one_default_index",
        ),
    ] {
        assert_eq!(refused_by_database(&pool, &change).await, constraint, "{change}");
    }
}

/// D6: organizations from before there were keys get theirs with the new tables.
#[sqlx::test(migrations = false)]
async fn d6_an_organization_from_before_keys_gets_its_default_key(pool: PgPool) {
    const KEYS: i64 = 20_261_124_000_001;
    without_schema(&pool).await;
    let all = sqlx::migrate!();
    let mut before = Migrator::DEFAULT;
    before.migrations = all
        .migrations
        .iter()
        .filter(|one| one.version < KEYS)
        .cloned()
        .collect::<Vec<_>>()
        .into();
    before.run(&pool).await.unwrap();
    sql(
        &pool,
        "INSERT INTO users (id, email, name, password_hash, created_at) VALUES (gen_random_uuid(), 'olivia@acme.test', 'Olivia', '', now());
         BEGIN;
         INSERT INTO organizations (id, slug, name, additional_projects, created_at, owner_id, default_project_id)
             SELECT gen_random_uuid(), slug, slug, true, now() - interval '1 year', u.id, gen_random_uuid()
             FROM users u, (VALUES ('one'), ('two')) v (slug);
         INSERT INTO members (organization_id, user_id, name, role, added_at)
             SELECT o.id, u.id, u.name, 'admin', now() FROM organizations o, users u;
         INSERT INTO projects (organization_id, id, name, is_default, created_at)
             SELECT id, default_project_id, 'Default Project', true, now() FROM organizations;
         INSERT INTO project_slugs (slug, organization_id, project_id) SELECT slug || '-default', id, default_project_id FROM organizations;
         COMMIT;",
    )
    .await;
    let directory = super::fixture::directory(&pool);
    directory.migrate().await.unwrap();
    let owner: Uuid = sqlx::query_scalar("SELECT id FROM users")
        .fetch_one(&pool)
        .await
        .unwrap();
    let owner = Principal::signed_in(UserId(owner), policy::SessionId(Uuid::now_v7()), origin());
    let mut found = Vec::new();
    for project in ["one-default", "two-default"] {
        let list = directory
            .api_keys(&owner, &slug(project), &ApiKeyQuery::default())
            .await
            .unwrap();
        let key = list.default_key.unwrap();
        assert_eq!((key.name.as_str(), key.secret_start.as_str()), (DEFAULT_KEY, ""));
        found.push(key.id);
    }
    assert_ne!(found[0], found[1]);
}

/// W3, K8: to everybody but the Owner the default key is not there: the same answers as for an id that nothing has.
#[sqlx::test]
async fn w3_the_default_key_does_not_exist_for_anybody_but_the_owner(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let other = Tenant::named(&pool, "other").await;
    let d = &t.directory;
    // A Member of the organization who is an Admin of the Default Project is nothing more to this key.
    t.put(&t.default, &t.lead, ProjectRole::Admin).await;
    let secret = t.regenerate(&t.owner).await.unwrap();
    let (id, absent) = (t.default_key_id().await, ApiKeyId(Uuid::now_v7()));
    assert_eq!(secret.id, id);
    for who in [&t.admin, &t.lead, &t.maya, &t.noah, &t.eve, &t.stranger, &other.owner] {
        for project in [&t.default, &t.research] {
            assert_eq!(t.changes(who, project, id).await, t.changes(who, project, absent).await);
            let regenerated = d.regenerate_default_key(&who.actor, &project.slug).await;
            assert_eq!(refusal(regenerated), Refusal::Hidden);
        }
    }
    let query = |search: &str, state| ApiKeyQuery {
        search: search.to_owned(),
        state,
        limit: 50,
        ..ApiKeyQuery::default()
    };
    for who in [&t.admin, &t.lead, &t.maya, &t.noah] {
        for query in [
            query("", None),
            query("default", None),
            query("", Some(KeyState::Active)),
        ] {
            let list = t.keys(&t.default, who, &query).await;
            assert!(list.default_key.is_none() && list.rows.is_empty(), "{list:?}");
        }
        // Nor by whoever made it.
        let owned_assets = d.owned_assets(&who.actor, &t.default.slug, t.owner.id).await.unwrap();
        assert_eq!((owned_assets.key_count, owned_assets.keys.len()), (0, 0));
    }
    // The Owner has it beside the list, in the Default Project alone.
    let list = t.keys(&t.default, &t.owner, &query("", None)).await;
    assert!(list.rows.is_empty());
    assert_eq!(list.default_key.unwrap().id, id);
    let list = t.keys(&t.research, &t.owner, &query("", None)).await;
    assert!(list.default_key.is_none());
    // Their own organization's, and no other's.
    let list = other.keys(&other.default, &other.owner, &query("", None)).await;
    assert_ne!(list.default_key.unwrap().id, id);
    assert_eq!(t.closed(&secret.secret).await, None);
}

/// W3, A2: an attempt on the default key leaves the row that one on an absent key leaves.
#[sqlx::test]
async fn w3_the_audit_of_an_attempt_does_not_tell_the_default_key_from_none(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, a, slug) = (&t.directory, &t.admin.actor, &t.default.slug);
    let row = |events: Vec<Event>| {
        let [event] = <[Event; 1]>::try_from(events).unwrap();
        (
            event.action,
            event.organization_id,
            event.project_id,
            event.refusal,
            event.target,
            event.before,
            event.after,
        )
    };
    let (id, absent) = (t.default_key_id().await, ApiKeyId(Uuid::now_v7()));
    let mut rows = Vec::new();
    for key in [id, absent] {
        let (done, revoking) = t.audited(d.revoke_api_key(a, slug, key)).await;
        done.unwrap_err();
        let (done, rotating) = t.audited(d.rotate_api_key(a, slug, key, Duration::DAY, None)).await;
        done.unwrap_err();
        let (done, dating) = t.audited(d.set_api_key_expiration(a, slug, key, None)).await;
        done.unwrap_err();
        rows.push([revoking, rotating, dating].map(row));
    }
    assert_eq!(rows[0], rows[1]);
}

/// K8: regenerated by the Owner, and nothing else; the old secret is dead at once.
#[sqlx::test]
async fn k8_the_default_key_is_regenerated_and_never_revoked(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, a, slug) = (&t.directory, &t.owner.actor, &t.default.slug);
    let id = t.default_key_id().await;
    let default_key = async || {
        let list = t.keys(&t.default, &t.owner, &ApiKeyQuery::default()).await;
        list.default_key.unwrap()
    };
    let kept = async |when: &str| {
        let expiration = soon(Duration::DAY);
        for outcome in [
            d.revoke_api_key(a, slug, id).await.map(drop),
            d.rotate_api_key(a, slug, id, Duration::DAY, None).await.map(drop),
            d.set_api_key_expiration(a, slug, id, expiration).await.map(drop),
        ] {
            assert_eq!(refusal(outcome), Refusal::DefaultKeyKept, "{when}");
        }
    };
    kept("before its first secret").await;
    let seen = default_key().await;
    assert_eq!((seen.secret_start.as_str(), seen.secret_end.as_str()), ("", ""));
    let mut dead: Vec<NewApiKey> = Vec::new();
    for _ in 0..3 {
        let (made, events) = t.audited(t.regenerate(&t.owner)).await;
        let made = made.unwrap();
        assert_eq!((made.id, made.name.as_str()), (id, DEFAULT_KEY));
        let opened = d.authenticate_key(&made.secret, origin()).await.unwrap();
        assert_eq!(
            (opened.api_key().unwrap().project, opened.api_key().unwrap().reach),
            (t.default.id, KeyScope::Use)
        );
        for old in &dead {
            assert_eq!(t.closed(&old.secret).await, Some(Refusal::KeyInvalid));
        }
        let seen = default_key().await;
        let secret = made.secret.reveal();
        assert_eq!(seen.secret_start, secret[..8]);
        assert_eq!(seen.secret_end, secret[secret.len() - 4..]);
        let [event] = &events[..] else { panic!("{events:?}") };
        assert_eq!(
            (event.action.as_str(), event.target_id, event.refusal.as_deref()),
            ("api_key:regenerate_default", Some(id.0), None)
        );
        // Not the project's, whose Admins read its audit and do not know of this key.
        assert_eq!(
            (event.organization_id, event.project_id),
            (Some(t.organization.0), None)
        );
        t.until_used(id).await;
        dead.push(made);
    }
    kept("after").await;
    assert_eq!(t.closed(&dead[2].secret).await, None);
    assert_eq!(
        refusal(d.regenerate_default_key(a, &t.research.slug).await),
        Refusal::Hidden
    );
    // The last use was the last secret's: a new one was never used.
    t.regenerate(&t.owner).await.unwrap();
    assert_eq!(default_key().await.last_used_at, None);
}

/// W2, W3: with the organization the default key goes to the new Owner.
#[sqlx::test]
async fn w3_the_default_key_goes_with_the_ownership(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let old = t.regenerate(&t.owner).await.unwrap();
    let transfer = d.transfer_ownership(&t.owner.actor, &t.slug, t.admin.id, "Acme Research");
    let (done, events) = t.audited(transfer).await;
    done.unwrap();
    let actions: Vec<_> = events.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(actions, ["organization:transfer", "api_key:forget_default"]);
    // Nobody but the Owner uses it: what the old one has seen opens nothing any more.
    assert_eq!(t.closed(&old.secret).await, Some(Refusal::KeyInvalid));
    let id = t.default_key_id().await;
    let list = t.keys(&t.default, &t.owner, &ApiKeyQuery::default()).await;
    assert!(list.default_key.is_none());
    assert_eq!(refusal(t.regenerate(&t.owner).await), Refusal::Hidden);
    for (what, answer) in t.changes(&t.owner, &t.default, id).await {
        assert_eq!(answer, Refusal::Hidden, "{what}");
    }
    let list = t.keys(&t.default, &t.admin, &ApiKeyQuery::default()).await;
    let seen = list.default_key.unwrap();
    assert_eq!(
        (seen.id, seen.secret_start.as_str(), seen.secret_end.as_str()),
        (id, "", "")
    );
    let made = t.regenerate(&t.admin).await.unwrap();
    assert_eq!(t.closed(&made.secret).await, None);

    // The operator's way is the same; for whom it is already, nothing changes.
    let email: Email = t.admin.email.parse().unwrap();
    d.transfer_ownership_as_operator(&Principal::operator(), &t.slug, &email)
        .await
        .unwrap();
    assert_eq!(t.closed(&made.secret).await, None);
    let email: Email = t.maya.email.parse().unwrap();
    d.transfer_ownership_as_operator(&Principal::operator(), &t.slug, &email)
        .await
        .unwrap();
    assert_eq!(t.closed(&made.secret).await, Some(Refusal::KeyInvalid));
}

// Presented

/// K10: whoever shows a key ends it, signed in or not, in whatever state it is; and it stays as it was ended first.
#[sqlx::test]
async fn k10_whoever_presents_a_key_revokes_it(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let key = t
        .try_key(&t.research, &t.lead, "Deploy", KeyScope::Manage)
        .await
        .unwrap();
    let other = t.new_key(&t.research, &t.maya, "CI").await;
    let (done, events) = t.audited(d.revoke_presented_key(&anonymous(), &key.secret)).await;
    assert!(done.unwrap());
    assert_eq!(t.closed(&key.secret).await, Some(Refusal::KeyRevoked));
    // What is noted beside a request is none of the next one's rows.
    t.until_tried(key.id).await;
    assert_eq!(t.closed(&other.secret).await, None);
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (event.action.as_str(), event.actor_kind.as_str(), event.actor_id),
        ("api_key:revoke_presented", "nobody", None)
    );
    assert_eq!(
        (event.organization_id, event.project_id, event.target_id),
        (Some(t.organization.0), Some(t.research.id.0), Some(key.id.0))
    );
    assert_eq!(
        (event.target.as_deref(), event.address.as_str()),
        (Some("Deploy"), "192.0.2.7")
    );

    let at = "SELECT revoked_at FROM api_keys WHERE revoked_at IS NOT NULL";
    let first: OffsetDateTime = sqlx::query_scalar(at).fetch_one(&pool).await.unwrap();
    let (done, events) = t.audited(d.revoke_presented_key(&anonymous(), &key.secret)).await;
    assert!(done.unwrap());
    assert!(events.is_empty(), "{events:?}");
    let again: OffsetDateTime = sqlx::query_scalar(at).fetch_one(&pool).await.unwrap();
    assert_eq!(first, again);

    let unknown = Token::random(TokenKind::ApiKey).unwrap();
    let (done, events) = t.audited(d.revoke_presented_key(&anonymous(), &unknown)).await;
    assert!(!done.unwrap());
    assert!(events.is_empty(), "{events:?}");
}

/// K8, K10: the default key shown in public loses its secret, and is there for the Owner to regenerate.
#[sqlx::test]
async fn k10_the_default_key_presented_loses_its_secret(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    let leaked = t.regenerate(&t.owner).await.unwrap();
    let (done, events) = t.audited(d.revoke_presented_key(&anonymous(), &leaked.secret)).await;
    assert!(done.unwrap());
    assert_eq!(t.closed(&leaked.secret).await, Some(Refusal::KeyInvalid));
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (event.organization_id, event.project_id, event.target_id),
        (Some(t.organization.0), None, Some(leaked.id.0))
    );
    assert!(!d.revoke_presented_key(&anonymous(), &leaked.secret).await.unwrap());
    let list = t.keys(&t.default, &t.owner, &ApiKeyQuery::default()).await;
    let seen = list.default_key.unwrap();
    // Nothing of the secret is shown any more: there is none.
    assert_eq!(
        (seen.id, seen.state, seen.secret_start.as_str()),
        (leaked.id, KeyState::Active, "")
    );
    let made = t.regenerate(&t.owner).await.unwrap();
    assert_eq!(t.closed(&made.secret).await, None);
}

/// K8, K10: an old secret that is presented while the Owner regenerates the key does not take the new one with it.
#[sqlx::test]
async fn k10_an_old_secret_presented_does_not_end_its_successor(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, scanner) = (&t.directory, anonymous());
    for _ in 0..ROUNDS {
        let old = t.regenerate(&t.owner).await.unwrap();
        let (made, presented) = tokio::join!(t.regenerate(&t.owner), d.revoke_presented_key(&scanner, &old.secret));
        presented.unwrap();
        let made = made.unwrap();
        assert_eq!(t.closed(&old.secret).await, Some(Refusal::KeyInvalid));
        assert_eq!(t.closed(&made.secret).await, None);
    }
}

// What a removal leaves behind

/// C6, K5: the chosen keys end with the access, each with its row in the audit; nobody else's do, and none elsewhere.
#[sqlx::test]
async fn c6_a_removal_revokes_exactly_the_chosen_keys_of_that_person_in_that_project(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let other = Tenant::named(&pool, "other").await;
    let (d, research) = (&t.directory, &t.research);
    other.set_externals(&other.research, true).await;
    other.put(&other.research, &t.maya, ProjectRole::Member).await;
    let default_key = t.regenerate(&t.owner).await.unwrap();
    sql(
        &pool,
        &format!(
            "UPDATE api_keys SET created_by = '{}' WHERE id = '{}'",
            t.maya.id, default_key.id
        ),
    )
    .await;
    let (zeta, alpha) = (
        t.new_key(research, &t.maya, "zeta").await,
        t.new_key(research, &t.maya, "alpha").await,
    );
    let kept = t.new_key(research, &t.maya, "kept").await;
    let dead = t.new_key(research, &t.maya, "dead").await;
    d.revoke_api_key(&t.maya.actor, &research.slug, dead.id).await.unwrap();
    let not_theirs = t.new_key(research, &t.lead, "lead's").await;
    let elsewhere = t.new_key(&t.default, &t.maya, "elsewhere").await;
    let foreign = other.new_key(&other.research, &t.maya, "foreign").await;
    let nothing = ApiKeyId(Uuid::now_v7());

    let chosen = [
        zeta.id,
        alpha.id,
        alpha.id,
        dead.id,
        not_theirs.id,
        elsewhere.id,
        foreign.id,
        default_key.id,
        nothing,
    ];
    let (removal, events) = t
        .audited(d.remove_collaborator(
            &t.lead.actor,
            &research.slug,
            t.maya.id,
            &chosen.map(|id| (id, KeyFate::Revoke)),
        ))
        .await;
    let removal = removal.unwrap();
    assert_eq!(removal.revoked, ["alpha", "zeta"].map(name));
    for key in [&zeta, &alpha, &dead] {
        assert_eq!(t.closed(&key.secret).await, Some(Refusal::KeyRevoked));
    }
    for key in [&kept, &not_theirs, &elsewhere, &foreign, &default_key] {
        assert_eq!(t.closed(&key.secret).await, None, "{}", key.name);
    }
    assert!(!t.sees(research, &t.maya).await);

    let [removed, revoked @ ..] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(
        (removed.action.as_str(), removed.target_id),
        ("collaborator:remove", Some(t.maya.id.0))
    );
    let mut targets = Vec::new();
    for event in revoked {
        assert_eq!(
            (event.action.as_str(), event.actor_id, event.refusal.as_deref()),
            ("api_key:revoke", Some(t.lead.id.0), None)
        );
        assert_eq!(
            (event.organization_id, event.project_id),
            (Some(t.organization.0), Some(research.id.0))
        );
        let called = event.target.clone().unwrap();
        assert_eq!(
            event.before,
            Some(json!({ "name": called, "reach": "use", "expires_at": null }))
        );
        targets.push(event.target_id.unwrap());
    }
    targets.sort();
    assert_eq!(targets, [zeta.id.0, alpha.id.0]);

    // Told before by the same words: what still worked.
    let names: Vec<_> = removal.owned_assets.keys.iter().map(|key| key.name.as_str()).collect();
    assert_eq!((names, removal.owned_assets.key_count), (vec!["kept"], 1));
}

/// C6: what the receipt says ended and what it says stays.
#[sqlx::test]
async fn c6_a_removal_tells_what_ended_and_what_stays(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, research, lead) = (&t.directory, &t.research, &t.lead.actor);
    d.add_ssh_key(&t.maya.actor, "Laptop", SSH_KEY).await.unwrap();
    let mine = t.new_key(research, &t.maya, "CI").await;
    t.new_key(&t.default, &t.maya, "Notebook").await;
    t.new_key(research, &t.eve, "Eve's").await;
    for (kind, called) in [
        (ResourceKind::Model, "mistral"),
        (ResourceKind::Cluster, "train-1"),
        (ResourceKind::Cluster, "train-2"),
    ] {
        t.put_resource(research, t.maya.id, kind, called).await;
    }
    t.put_resource(&t.default, t.maya.id, ResourceKind::File, "notes").await;
    t.put_resource(research, t.eve.id, ResourceKind::File, "eve's").await;

    let expired = t.new_key(research, &t.maya, "Expired").await;
    t.let_expire(expired.id, -1).await;
    let here = vec![(ResourceKind::Cluster, 2), (ResourceKind::Model, 1)];
    for who in [&t.owner, &t.lead, &t.maya, &t.eve] {
        let told = d.owned_assets(&who.actor, &research.slug, t.maya.id).await.unwrap();
        let [key] = &told.keys[..] else { panic!("{told:?}") };
        assert_eq!(
            (key.id, key.name.as_str(), key.reach, key.project.as_str()),
            (mine.id, "CI", KeyScope::Use, "acme-research")
        );
        assert_eq!((told.key_count, &told.resources), (1, &here));
    }
    for who in [&t.noah, &t.stranger] {
        let told = d.owned_assets(&who.actor, &research.slug, t.maya.id).await;
        assert_eq!(refusal(told), Refusal::Hidden);
    }
    let removal = d
        .remove_collaborator(lead, &research.slug, t.maya.id, &[])
        .await
        .unwrap();
    assert_eq!(removal.name.as_str(), "Maya Member");
    assert_eq!((removal.role, removal.ssh_keys), (Some(ProjectRole::Member), 1));
    assert!(is_about(Some(removal.at), Duration::ZERO) && removal.revoked.is_empty());
    assert_eq!(
        (removal.owned_assets.key_count, &removal.owned_assets.resources),
        (1, &here)
    );
    assert_eq!(t.closed(&mine.secret).await, None);
    // Somebody who made nothing, and has no SSH key.
    t.put(research, &t.noah, ProjectRole::Admin).await;
    let removal = d
        .remove_collaborator(lead, &research.slug, t.noah.id, &[])
        .await
        .unwrap();
    assert_eq!((removal.role, removal.ssh_keys), (Some(ProjectRole::Admin), 0));
    assert_eq!(
        (
            removal.owned_assets.key_count,
            removal.owned_assets.keys.len(),
            removal.owned_assets.resources
        ),
        (0, 0, vec![])
    );
}

/// C6, C7: whoever leaves chooses as well; a removal that is refused revokes nothing.
#[sqlx::test]
async fn c6_keys_are_revoked_with_the_removal_or_not_at_all(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, research) = (&t.directory, &t.research);
    let mine = t.new_key(research, &t.maya, "CI").await;
    let owners = t.new_key(research, &t.owner, "Owner's").await;
    let leads = t.new_key(research, &t.lead, "Lead's").await;
    for (who, target, key, expected) in [
        (&t.lead, &t.owner, &owners, Refusal::OwnerProtected),
        (
            &t.maya,
            &t.lead,
            &leads,
            Refusal::Forbidden(Permission::CollaboratorRemove),
        ),
        (&t.noah, &t.maya, &mine, Refusal::Hidden),
        (&t.lead, &t.noah, &mine, Refusal::NotACollaborator),
    ] {
        let outcome = d
            .remove_collaborator(&who.actor, &research.slug, target.id, &[(key.id, KeyFate::Revoke)])
            .await;
        assert_eq!(refusal(outcome), expected);
        assert_eq!(t.closed(&key.secret).await, None);
    }
    let left = d
        .remove_collaborator(
            &t.maya.actor,
            &research.slug,
            t.maya.id,
            &[mine.id, leads.id].map(|id| (id, KeyFate::Revoke)),
        )
        .await
        .unwrap();
    assert_eq!(left.revoked, [name("CI")]);
    assert_eq!(t.closed(&mine.secret).await, Some(Refusal::KeyRevoked));
    assert_eq!(t.closed(&leads.secret).await, None);
}

/// C6: a hundred keys are named, and all of them counted.
#[sqlx::test]
async fn c6_more_keys_than_are_named_are_counted(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    sql(
        &pool,
        &format!(
            "INSERT INTO api_keys (organization_id, project_id, id, name, reach, secret_start, secret_end, created_by, created_at)
             SELECT '{}', '{}', gen_random_uuid(), 'key ' || lpad(n::text, 3, '0'), 'manage', 'rsk_aaaa', 'bbbb', '{}', now()
             FROM generate_series(1, 130) n",
            t.organization, t.research.id, t.maya.id
        ),
    )
    .await;
    let told = t
        .directory
        .owned_assets(&t.lead.actor, &t.research.slug, t.maya.id)
        .await
        .unwrap();
    assert_eq!((told.key_count, told.keys.len()), (130, 100));
    let (first, last) = (&told.keys[0], &told.keys[99]);
    assert_eq!((first.name.as_str(), last.name.as_str()), ("key 001", "key 100"));
    assert_eq!(first.reach, KeyScope::Manage);
    let removal = t
        .directory
        .remove_collaborator(
            &t.lead.actor,
            &t.research.slug,
            t.maya.id,
            &[first.id, last.id].map(|id| (id, KeyFate::Revoke)),
        )
        .await
        .unwrap();
    assert_eq!((removal.revoked.len(), removal.owned_assets.key_count), (2, 128));
}

/// M6, K5: what a member made in any project stays and works; the receipt says so, and nothing of other organizations.
#[sqlx::test]
async fn m6_a_removed_members_keys_and_resources_stay(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let other = Tenant::named(&pool, "other").await;
    let d = &t.directory;
    let made = [
        t.new_key(&t.research, &t.maya, "CI").await,
        t.new_key(&t.default, &t.maya, "Notebook").await,
    ];
    other.put(&other.research, &t.maya, ProjectRole::Member).await;
    let foreign = other.new_key(&other.research, &t.maya, "Foreign").await;
    t.put_resource(&t.research, t.maya.id, ResourceKind::Volume, "data")
        .await;
    t.put_resource(&t.default, t.maya.id, ResourceKind::Volume, "data")
        .await;
    other
        .put_resource(&other.research, t.maya.id, ResourceKind::File, "foreign")
        .await;

    let told = d
        .removal_preview(&t.owner.actor, &t.slug, t.maya.id)
        .await
        .unwrap()
        .owned_assets;
    d.change_member_role(&t.owner.actor, &t.slug, t.maya.id, OrganizationRole::Admin)
        .await
        .unwrap();
    let maya = &t.maya.actor;
    d.invite_member(maya, &t.slug, "nina@new.test").await.unwrap();
    let removal = d.remove_member(&t.owner.actor, &t.slug, t.maya.id).await.unwrap();
    assert_eq!((removal.name.as_str(), removal.invitations), ("Maya Member", 1));
    assert!(is_about(Some(removal.at), Duration::ZERO));
    for owned_assets in [&told, &removal.owned_assets] {
        let keys: Vec<_> = owned_assets
            .keys
            .iter()
            .map(|key| (key.name.as_str(), key.project.as_str()))
            .collect();
        assert_eq!(keys, [("CI", "acme-research"), ("Notebook", "Default Project")]);
        assert_eq!(
            (owned_assets.key_count, &owned_assets.resources),
            (2, &vec![(ResourceKind::Volume, 2)])
        );
    }
    for key in made.iter().chain([&foreign]) {
        assert_eq!(t.closed(&key.secret).await, None);
    }
}

/// P3, M8: whoever leaves the organization learns nothing of what they made in a project they have no access to any
/// more.
#[sqlx::test]
async fn m6_what_is_in_a_project_one_was_removed_from_is_not_told(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, maya) = (&t.directory, &t.maya);
    let hidden = t.new_key(&t.research, maya, "CI").await;
    t.new_key(&t.default, maya, "Notebook").await;
    for project in [&t.research, &t.default] {
        t.put_resource(project, maya.id, ResourceKind::Volume, "data").await;
    }
    let names = |owned_assets: crate::OwnedAssets| {
        let keys: Vec<_> = owned_assets.keys.iter().map(|key| key.name.to_string()).collect();
        assert_eq!(i64::try_from(keys.len()), Ok(owned_assets.key_count));
        (keys.join(" "), owned_assets.resources[0].1)
    };
    let told = async |who: &Person| {
        names(
            d.removal_preview(&who.actor, &t.slug, maya.id)
                .await
                .unwrap()
                .owned_assets,
        )
    };
    assert_eq!(told(maya).await, ("CI Notebook".to_owned(), 2));
    d.remove_collaborator(&t.lead.actor, &t.research.slug, maya.id, &[])
        .await
        .unwrap();
    assert_eq!(told(maya).await, ("Notebook".to_owned(), 1));
    assert_eq!(told(&t.admin).await, ("CI Notebook".to_owned(), 2));
    let left = d.remove_member(&maya.actor, &t.slug, maya.id).await.unwrap();
    assert_eq!(names(left.owned_assets), ("Notebook".to_owned(), 1));
    assert_eq!(t.closed(&hidden.secret).await, None);
}

// At the same instant

/// K7: two who rotate one key at once make one successor.
#[sqlx::test]
async fn k7_of_two_rotations_at_once_one_makes_a_successor(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug) = (&t.directory, &t.research.slug);
    for round in 0..ROUNDS {
        let old = t.new_key(&t.research, &t.maya, "CI").await;
        let overlap = [Duration::DAY, Duration::ZERO][round % 2];
        let (a, b) = tokio::join!(
            d.rotate_api_key(&t.maya.actor, slug, old.id, overlap, None),
            d.rotate_api_key(&t.lead.actor, slug, old.id, overlap, None),
        );
        let (next, refused) = match (a, b) {
            (Ok(next), refused) | (refused, Ok(next)) => (next, refusal(refused)),
            (Err(a), Err(b)) => panic!("{a} {b}"),
        };
        let expected = [Refusal::KeyRotated, Refusal::KeyOver][round % 2];
        assert_eq!(refused, expected);
        assert_eq!(t.closed(&next.secret).await, None);
        assert_eq!(t.all_keys(&t.research).await.len(), 2 * (round + 1));
    }
}

/// K7: a key revoked and rotated at once is revoked in the end, and whoever came second knows.
#[sqlx::test]
async fn k7_a_rotation_does_not_undo_a_revocation(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug, scanner) = (&t.directory, &t.research.slug, anonymous());
    for round in 0..ROUNDS {
        let old = t.new_key(&t.research, &t.maya, "CI").await;
        let rotate = d.rotate_api_key(&t.maya.actor, slug, old.id, Duration::DAY, None);
        let rotated = match round % 3 {
            0 => {
                let (rotated, revoked) = tokio::join!(rotate, d.revoke_api_key(&t.lead.actor, slug, old.id));
                revoked.unwrap();
                rotated
            }
            1 => {
                let (revoked, rotated) = tokio::join!(d.revoke_api_key(&t.lead.actor, slug, old.id), rotate);
                revoked.unwrap();
                rotated
            }
            _ => {
                let (revoked, rotated) = tokio::join!(d.revoke_presented_key(&scanner, &old.secret), rotate);
                assert!(revoked.unwrap());
                rotated
            }
        };
        assert_eq!(t.closed(&old.secret).await, Some(Refusal::KeyRevoked));
        match rotated {
            Ok(next) => assert_eq!(t.closed(&next.secret).await, None),
            Err(error) => assert!(matches!(error, Error::Refused(Refusal::KeyOver)), "{error}"),
        }
    }
}

/// K6, K7: an end that is put off while the key is rotated is put off before, or not at all.
#[sqlx::test]
async fn k7_no_expiration_is_put_off_past_a_rotation(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug) = (&t.directory, &t.research.slug);
    for _ in 0..ROUNDS {
        let old = t.new_key(&t.research, &t.maya, "CI").await;
        let (dated, rotated) = tokio::join!(
            d.set_api_key_expiration(&t.maya.actor, slug, old.id, None),
            d.rotate_api_key(&t.lead.actor, slug, old.id, Duration::HOUR, None),
        );
        rotated.unwrap();
        if let Err(error) = dated {
            assert!(matches!(error, Error::Refused(Refusal::KeyRotated)), "{error}");
        }
        assert!(is_about(t.seen(&t.research, old.id).await.expires_at, Duration::HOUR));
    }
}

/// P4: a key made while its project is deleted was made before and died with it, or was not made.
#[sqlx::test]
async fn p4_no_key_is_made_in_a_project_that_is_deleted(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let d = &t.directory;
    for round in 0..ROUNDS {
        let (title, called) = (name("Vision"), slug(&format!("vision-{round}")));
        d.create_project(&t.owner.actor, &t.slug, &title, &called)
            .await
            .unwrap();
        let (made, deleted) = tokio::join!(
            d.create_api_key(&t.admin.actor, &called, &title, KeyScope::Use, None),
            d.delete_project(&t.owner.actor, &called, called.as_str()),
        );
        deleted.unwrap();
        match made {
            Ok(made) => assert_eq!(t.closed(&made.secret).await, Some(Refusal::KeyInvalid)),
            Err(error) => assert!(matches!(error, Error::Refused(Refusal::Hidden)), "{error}"),
        }
    }
    assert_eq!(
        count(&pool, "SELECT count(*) FROM api_keys WHERE NOT is_default").await,
        0
    );
}

/// K11, R2: a key that manages is not made by somebody who was an Admin a moment ago; a removed one makes none at all.
#[sqlx::test]
async fn k11_a_creation_that_waits_for_a_demotion_sees_it(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (a, slug, title) = (&t.lead.actor, &t.research.slug, name("Deploy"));
    let old = t.try_key(&t.research, &t.lead, "Old", KeyScope::Manage).await.unwrap();
    for (change, expected) in [
        ("UPDATE collaborators SET role = 'member'", Refusal::ManageKeyForAdmins),
        ("DELETE FROM collaborators", Refusal::Hidden),
    ] {
        for is_rotation in [false, true] {
            let mut tx = t.hold(&t.research).await;
            let change = format!("{change} WHERE user_id = '{}'", t.lead.id);
            sqlx::raw_sql(AssertSqlSafe(change)).execute(&mut *tx).await.unwrap();
            let making = async {
                if is_rotation {
                    let d = &t.directory;
                    d.rotate_api_key(a, slug, old.id, Duration::DAY, None).await
                } else {
                    let d = &t.directory;
                    d.create_api_key(a, slug, &title, KeyScope::Manage, None).await
                }
            };
            let (made, ()) = tokio::join!(making, async {
                until_one_waits(&pool).await;
                tx.commit().await.unwrap();
            });
            assert_eq!(refusal(made), expected);
            sql(&pool, "DELETE FROM collaborators WHERE role <> 'x' AND user_id IN (SELECT id FROM users WHERE name = 'Lea Lead')").await;
            t.put(&t.research, &t.lead, ProjectRole::Admin).await;
        }
    }
    assert_eq!(t.all_keys(&t.research).await.len(), 1);
}

/// C6: whoever makes a key at the instant of their removal made it before, and it is told; or made none.
#[sqlx::test]
async fn c6_no_key_slips_past_a_removal(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, slug, research) = (&t.directory, &t.research.slug, &t.research);
    for _ in 0..ROUNDS {
        let before = t.all_keys(research).await.len();
        let title = name("CI");
        let (made, removal) = tokio::join!(
            d.create_api_key(&t.maya.actor, slug, &title, KeyScope::Use, None),
            d.remove_collaborator(&t.lead.actor, slug, t.maya.id, &[]),
        );
        let told = usize::try_from(removal.unwrap().owned_assets.key_count).unwrap();
        match made {
            Ok(_) => assert_eq!(told, before + 1),
            Err(error) => {
                assert!(matches!(error, Error::Refused(Refusal::Hidden)), "{error}");
                assert_eq!(told, before);
            }
        }
        t.put(research, &t.maya, ProjectRole::Member).await;
    }
}

// Audit

/// A1, A3: each change to a key leaves one row, with what was and what is; each refusal one with why.
#[sqlx::test]
async fn k2_each_change_to_a_key_is_audited(pool: PgPool) {
    let t = Tenant::new(&pool).await;
    let (d, a, slug) = (&t.directory, &t.lead.actor, &t.research.slug);
    let end = OffsetDateTime::now_utc().replace_nanosecond(0).unwrap() + Duration::DAY;
    let at = end.unix_timestamp();
    let title = name("Deploy");
    let (made, created) = t
        .audited(d.create_api_key(a, slug, &title, KeyScope::Manage, Some(end)))
        .await;
    let made = made.unwrap();
    let (done, cleared) = t.audited(d.set_api_key_expiration(a, slug, made.id, None)).await;
    done.unwrap();
    let (next, rotated) = t
        .audited(d.rotate_api_key(a, slug, made.id, Duration::HOUR, Some(end)))
        .await;
    let next = next.unwrap();
    let (done, revoked) = t.audited(d.revoke_api_key(a, slug, next.id)).await;
    done.unwrap();
    let (done, over) = t.audited(d.revoke_api_key(a, slug, next.id)).await;
    done.unwrap_err();
    let (done, refused) = t
        .audited(t.try_key(&t.research, &t.maya, "Mine", KeyScope::Manage))
        .await;
    done.unwrap_err();
    let was = json!({ "name": "Deploy", "reach": "manage", "expires_at": at });
    let endless = json!({ "name": "Deploy", "reach": "manage", "expires_at": null });
    for (events, action, target, refusal, before, after) in [
        (created, "api_key:create", Some(made.id), None, None, Some(was.clone())),
        (
            cleared,
            "api_key:set_expiration",
            Some(made.id),
            None,
            Some(json!({ "expires_at": at })),
            Some(json!({ "expires_at": null })),
        ),
        (
            rotated,
            "api_key:rotate",
            Some(made.id),
            None,
            Some(endless),
            Some(json!({ "successor": next.id, "overlap_seconds": 3600, "expires_at": at })),
        ),
        (revoked, "api_key:revoke", Some(next.id), None, Some(was), None),
        (over, "api_key:revoke", Some(next.id), Some("key_over"), None, None),
        (
            refused,
            "api_key:create",
            None,
            Some("manage_key_for_admins"),
            None,
            None,
        ),
    ] {
        let [event] = &events[..] else { panic!("{events:?}") };
        assert_eq!(
            (event.action.as_str(), event.target_id, event.refusal.as_deref()),
            (action, target.map(|id| id.0), refusal)
        );
        assert_eq!((&event.before, &event.after), (&before, &after), "{action}");
        assert_eq!(
            (event.organization_id, event.project_id),
            (Some(t.organization.0), Some(t.research.id.0))
        );
        let called = if target.is_some() { "Deploy" } else { "Mine" };
        assert_eq!(event.target.as_deref(), Some(called), "{action}");
    }
    assert!(
        events(&pool)
            .await
            .iter()
            .all(|event| !event.credential.contains("rsk_"))
    );
}
