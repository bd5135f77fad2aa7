//! The demo organization behind the whole router, people of every kind signed in to it, and short words for asking.

mod requests;
mod rows;

use std::{collections::BTreeMap, fmt::Write, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderValue, Request, header},
};

use rows::{LINKS, LITTLE_USAGE};

use app::{Flash, request_context::Cookies};

use directory::{
    Directory, FlashHolder, FlashTicket, NewAccount, OffsetDateTime, Origin, Principal, SessionToken, Settings, Token,
};
use http_body_util::BodyExt;
use policy::SessionId;
use server::{AppState, Assets, Broadcast, TrustedProxies, router};

use sqlx::{AssertSqlSafe, PgPool};
use tower::ServiceExt;
use uuid::Uuid;

pub(crate) use requests::Answer;
pub(crate) use requests::Ask;
pub(crate) use requests::Manner;
pub(crate) use requests::encode;
pub(crate) use rows::begin_session;

/// Where the console is reached; what browsers send as `Origin`.
pub(crate) const URL: &str = "http://127.0.0.1:3000";

/// What clients ask for.
const HOST: &str = "127.0.0.1:3000";

/// Everybody's password.
pub(crate) const PASSWORD: &str = directory::DEMO_PASSWORD;

/// The project that the people of [`Who`] are described for, and one of as many letters that is none.
pub(crate) const RESEARCH: &str = "ml-research";

pub(crate) const NO_PROJECT: &str = "xx-nothings";

/// Their organization.
pub(crate) const ACME: &str = "acme";

/// An invitation to it for somebody without an account, one for the Stranger, and a link to a new password of the
/// Member's: what their links carry.
pub(crate) const INVITED: &str = "aWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWk";

pub(crate) const INVITED_STRANGER: &str = "ampqampqampqampqampqampqampqampqampqampqamo";

pub(crate) const FORGOTTEN: &str = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s";

/// A link that proves the Member's address.
pub(crate) const UNPROVED: &str = "bm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm4";

/// A link that confirms the change of the Member's address.
pub(crate) const TO_CHANGE: &str = "b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb28";

/// A link that undoes a change of the Member's address.
pub(crate) const TO_UNDO: &str = "cHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHA";

/// A link of ours as far as anybody can tell, that leads nowhere.
pub(crate) const NO_LINK: &str = "bGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGw";

/// The id of the first of them; an SSH key and a second session of the Admin's.
pub(crate) const INVITATION: &str = "01900000-0000-7000-8000-000000000001";

pub(crate) const SSH_KEY: &str = "01900000-0000-7000-8000-000000000003";

/// A cluster and a file of `ml-research`, and a cluster of `production`.
pub(crate) const CLUSTER: &str = "01900000-0000-7000-8000-000000000005";

pub(crate) const FILE: &str = "01900000-0000-7000-8000-000000000006";

pub(crate) const PRODUCTION_CLUSTER: &str = "01900000-0000-7000-8000-000000000007";

/// A project that has nothing any more, with the people of `ml-research`.
pub(crate) const EMPTY: &str = "wound-up";

pub(crate) const SESSION: &str = "01900000-0000-7000-8000-000000000004";

/// API keys of `ml-research`, made by the Member: one that uses, one that manages (K11), and one that is over.
pub(crate) const API_KEY: &str = "01900000-0000-7000-8000-000000000005";

pub(crate) const MANAGE_KEY: &str = "01900000-0000-7000-8000-000000000006";

pub(crate) const OVER_KEY: &str = "01900000-0000-7000-8000-000000000007";

/// Who asks. All but the first are signed in; what they are is said of `ml-research`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// Nobody who is signed in.
    Nobody,
    /// The Owner of another organization, who has nothing to do with this one.
    Stranger,
    /// Noah: a member of the organization, in no project but the default one.
    Newcomer,
    /// Mia: a Member.
    Member,
    /// Maya: an Admin, and no more than a member of the organization.
    Admin,
    /// Adam: an Admin of the organization.
    OrganizationAdmin,
    /// Olivia: the Owner of the organization.
    Owner,
    /// Eve: an External Collaborator, and Owner of another organization.
    External,
}

impl Who {
    pub(crate) const SIGNED_IN: [Self; 7] = [
        Self::Stranger,
        Self::Newcomer,
        Self::Member,
        Self::Admin,
        Self::OrganizationAdmin,
        Self::Owner,
        Self::External,
    ];

    pub(crate) const fn email(self) -> &'static str {
        match self {
            Self::Nobody => "nobody@nowhere.test",
            Self::Stranger => "stranger@elsewhere.test",
            Self::Newcomer => "noah@acme.test",
            Self::Member => "mia@acme.test",
            Self::Admin => "maya@acme.test",
            Self::OrganizationAdmin => "adam@acme.test",
            Self::Owner => "olivia@acme.test",
            Self::External => "eve@partner.test",
        }
    }
}

/// The router with everything it needs.
pub(crate) struct TestApp {
    pub(crate) state: AppState,
    pub(crate) pool: PgPool,
    router: Router,
    tokens: BTreeMap<Who, String>,
    ids: BTreeMap<Who, Uuid>,
    /// One statement that reads everything that only changes by somebody's will.
    fingerprint: String,
    /// One statement that names the tables that are not as they were.
    changed: String,
    /// For each table the statements that put it back.
    restore: BTreeMap<String, String>,
}

impl TestApp {
    /// The demo organization, reached over plain http.
    pub(crate) async fn new(pool: PgPool) -> Self {
        Self::with(pool, false).await
    }

    /// A new gateway token, made by the operator.
    pub(crate) async fn gateway_token(&self, name: &str) -> Token {
        let (directory, name) = (&self.state.directory, name.parse().unwrap());
        directory
            .create_gateway_token(&Principal::operator(), &name)
            .await
            .unwrap()
    }

    /// A new meter token, made by the operator.
    pub(crate) async fn meter_token(&self, name: &str) -> Token {
        let (directory, name) = (&self.state.directory, name.parse().unwrap());
        directory
            .create_meter_token(&Principal::operator(), &name)
            .await
            .unwrap()
    }

    /// The demo organization.
    pub(crate) async fn with(pool: PgPool, is_secure: bool) -> Self {
        let settings = Settings {
            sends_mail: true,
            ..Settings::default()
        };
        let directory = Directory::new(pool.clone(), settings);
        directory.load_demo(&Principal::operator()).await.unwrap();
        // A few days of usage are as good as sixty, and everything is put back a thousand times.
        sqlx::raw_sql(LITTLE_USAGE).execute(&pool).await.unwrap();
        directory
            .create_user(
                &Principal::operator(),
                NewAccount {
                    email: Who::Stranger.email().parse().unwrap(),
                    name: "Sam Stranger".parse().unwrap(),
                    password: PASSWORD.parse().unwrap(),
                },
            )
            .await
            .unwrap();
        let state = app_state(directory, is_secure);
        let mut app = Self {
            router: router(&state).unwrap(),
            state,
            pool,
            tokens: BTreeMap::new(),
            ids: BTreeMap::new(),
            fingerprint: String::new(),
            changed: String::new(),
            restore: BTreeMap::new(),
        };
        for who in Who::SIGNED_IN {
            let (token, id) = begin_session(&app.pool, who).await;
            app.tokens.insert(who, token);
            app.ids.insert(who, id);
        }
        sqlx::raw_sql(LINKS).execute(&app.pool).await.unwrap();
        app.keep().await;
        app
    }

    /// The same people and sessions behind another router: one whose database is away, say.
    pub(crate) fn behind(&self, directory: Directory) -> Self {
        let state = app_state(directory, self.state.cookies.is_secure);
        Self {
            router: router(&state).unwrap(),
            state,
            pool: self.pool.clone(),
            tokens: self.tokens.clone(),
            ids: self.ids.clone(),
            fingerprint: self.fingerprint.clone(),
            changed: self.changed.clone(),
            restore: self.restore.clone(),
        }
    }

    pub(crate) fn id(&self, who: Who) -> Uuid {
        self.ids[&who]
    }

    /// The session of somebody signed in.
    pub(crate) async fn session(&self, who: Who) -> SessionId {
        let id = sqlx::query_scalar("SELECT id FROM sessions WHERE user_id = $1 ORDER BY id DESC LIMIT 1")
            .bind(self.id(who))
            .fetch_one(&self.pool)
            .await
            .unwrap();
        SessionId(id)
    }

    /// The `Cookie` header of somebody signed in.
    pub(crate) fn cookie(&self, who: Who) -> Option<String> {
        let token = self.tokens.get(&who)?;
        Some(format!("{}={token}", self.state.cookies.session()))
    }

    /// Replaces the names of things in braces by what they are.
    pub(crate) fn fill(&self, text: &str) -> String {
        Who::SIGNED_IN.into_iter().fold(text.to_owned(), |text, who| {
            text.replace(&format!("{{{who:?}}}"), &self.id(who).to_string())
        })
    }

    pub(crate) async fn ask(&self, ask: Ask) -> Answer {
        let mut request = Request::builder().method(ask.method).uri(&ask.uri);
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        if let Some(cookie) = self.cookie(ask.who) {
            request = request.header(header::COOKIE, cookie);
        }
        let request = request.body(Body::from(ask.body)).unwrap();
        self.send(request).await
    }

    /// Sends a request as it is; as every client does, it names the host it asks, unless it says another.
    pub(crate) async fn send(&self, mut request: Request<Body>) -> Answer {
        request
            .headers_mut()
            .entry(header::HOST)
            .or_insert(HeaderValue::from_static(HOST));
        let asked = request.headers().clone();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let mut answer = Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&body).into_owned(),
            flash: None,
        };
        answer.flash = self.peek(&asked, &answer).await;
        answer
    }

    /// What the ticket of an answer will show, without using it up.
    async fn peek(&self, asked: &HeaderMap, answer: &Answer) -> Option<Flash> {
        let cookies = self.state.cookies;
        let ticket = FlashTicket::parse(answer.cookie(cookies.flash())?)?;
        let sent = asked.get_all(header::COOKIE).into_iter();
        let sent = sent.flat_map(|line| line.to_str().unwrap_or_default().split("; "));
        let token = answer
            .cookie(cookies.session())
            .or_else(|| {
                sent.filter_map(|pair| pair.strip_prefix(cookies.session())?.strip_prefix('='))
                    .next()
            })
            .and_then(SessionToken::parse);
        let user_agent = asked.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let visitor = Origin {
            user_agent: user_agent.unwrap_or_default().to_owned(),
            ..Origin::default()
        };
        let kept: Vec<(Vec<u8>, Vec<u8>, OffsetDateTime)> =
            sqlx::query_as("SELECT lookup, sealed, expires_at FROM flashes ORDER BY expires_at DESC LIMIT 3")
                .fetch_all(&self.pool)
                .await
                .unwrap();
        let directory = Directory::new(self.pool.clone(), Settings::default());
        let session = token.as_ref().map(FlashHolder::Session);
        let mut content = None;
        for holder in session.into_iter().chain([FlashHolder::Visitor(&visitor)]) {
            content = content.or(directory.take_flash(holder, &ticket).await.unwrap());
        }
        for (lookup, sealed, expires_at) in kept {
            sqlx::query("INSERT INTO flashes VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
                .bind(lookup)
                .bind(sealed)
                .bind(expires_at)
                .execute(&self.pool)
                .await
                .unwrap();
        }
        serde_json::from_slice(&content?).ok()
    }

    /// The answer with its body still to come, for streams.
    pub(crate) async fn open(&self, ask: Ask) -> axum::response::Response {
        let mut request = Request::builder()
            .method(ask.method)
            .uri(&ask.uri)
            .header(header::HOST, HOST);
        if let Some(cookie) = self.cookie(ask.who) {
            request = request.header(header::COOKIE, cookie);
        }
        self.router
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap()
    }

    /// Everything in the database that only changes by somebody's will: rows of every table but the audit and its
    /// counts, which record refusals, the counts of attempts, flashes, forms under way, and sessions, which note when
    /// they were last used, as keys do.
    pub(crate) async fn fingerprint(&self) -> Vec<(String, i64, String)> {
        sqlx::query_as(AssertSqlSafe(self.fingerprint.clone()))
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }

    /// Puts everything back as [`Self::new`] made it, so that the next case begins where this one did. Most cases
    /// change nothing: only the tables that differ are written, since every rewritten row would slow down the reading
    /// of those after it.
    pub(crate) async fn restore(&self) {
        let changed: Vec<String> = sqlx::query_scalar(AssertSqlSafe(self.changed.clone()))
            .fetch_all(&self.pool)
            .await
            .unwrap();
        if changed.is_empty() {
            return;
        }
        // Without triggers and foreign keys, which would have an opinion on the order.
        let mut restore = String::from("BEGIN; SET LOCAL session_replication_role = replica;");
        restore.extend(changed.iter().map(|table| self.restore[table].as_str()));
        restore.push_str("COMMIT;");
        sqlx::raw_sql(AssertSqlSafe(restore)).execute(&self.pool).await.unwrap();
    }

    /// Notes what there is, for [`Self::fingerprint`] and [`Self::restore`].
    async fn keep(&mut self) {
        let tables: Vec<(String, String)> = sqlx::query_as(
            "SELECT t.table_name::text, string_agg(quote_ident(c.column_name), ', ')
             FROM information_schema.tables t
             JOIN information_schema.columns c ON c.table_schema = t.table_schema AND c.table_name = t.table_name
             WHERE t.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.is_generated = 'NEVER'
                 AND t.table_name <> '_sqlx_migrations' AND NOT starts_with(t.table_name, 'audit_events')
             GROUP BY 1 ORDER BY 1",
        )
        .fetch_all(&self.pool)
        .await
        .unwrap();
        let mut keep = String::from("CREATE SCHEMA kept;");
        let (mut read, mut compare) = (Vec::new(), Vec::new());
        for (table, columns) in tables {
            write!(keep, "CREATE TABLE kept.{table} AS TABLE public.{table};").unwrap();
            let state =
                format!("SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM public.{table} t");
            let kept: String = sqlx::query_scalar(AssertSqlSafe(state.clone()))
                .fetch_one(&self.pool)
                .await
                .unwrap();
            compare.push(format!("SELECT '{table}' WHERE ({state}) <> '{kept}'"));
            if !["attempts", "audit_repeats", "flashes", "sessions", "submissions"].contains(&table.as_str()) {
                read.push(format!(
                    "SELECT '{table}', count(*), coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '')
                     FROM (SELECT to_jsonb(t) - 'last_used_at' - 'refused_at' AS t FROM public.{table} t) t"
                ));
            }
            let restore = format!(
                "DELETE FROM public.{table}; INSERT INTO public.{table} ({columns}) SELECT {columns} FROM kept.{table};"
            );
            self.restore.insert(table, restore);
        }
        sqlx::raw_sql(AssertSqlSafe(keep)).execute(&self.pool).await.unwrap();
        self.changed = compare.join(" UNION ALL ");
        // In an order of its own: PostgreSQL may read large tables side by side.
        self.fingerprint = format!("{} ORDER BY 1", read.join(" UNION ALL "));
    }

    /// Forgets, past the triggers, what was refused lately: the next refusal is the first of its kind again, and a row
    /// of the audit (A4).
    pub(crate) async fn forget_refusals(&self) {
        let forget = "BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM audit_repeats; COMMIT;";
        sqlx::raw_sql(forget).execute(&self.pool).await.unwrap();
    }

    /// How often something is in the audit, done or refused.
    pub(crate) async fn audited(&self, request_id: &str) -> Vec<(String, Option<String>)> {
        sqlx::query_as("SELECT action, refusal FROM audit_events WHERE request_id = $1")
            .bind(request_id)
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }
}

/// What the router is given.
fn app_state(directory: Directory, is_secure: bool) -> AppState {
    AppState {
        for_programs: directory.clone(),
        for_gateways: directory.clone(),
        directory,
        assets: Arc::new(Assets::none()),
        cookies: Cookies { is_secure },
        broadcast: Broadcast::default(),
        url: URL.into(),
        proxies: TrustedProxies::default(),
        metrics: None,
    }
}
