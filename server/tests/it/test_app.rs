//! The demo organization behind the whole router, people of every kind signed in to it, and short words for asking.

use std::{collections::BTreeMap, fmt::Write, sync::Arc};

use app::{Flash, request_context::Cookies};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use directory::{Directory, FlashHolder, FlashTicket, NewAccount, OffsetDateTime, Origin, SessionToken, Settings};
use http_body_util::BodyExt;
use policy::SessionId;
use server::{AppState, Assets, Broadcast, TrustedProxies, router};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, PgPool};
use tower::ServiceExt;
use uuid::Uuid;

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

const LITTLE_USAGE: &str = "DELETE FROM usage_records WHERE at < now() - interval '3 days';
    DELETE FROM usage_days WHERE day < current_date - 3;";

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

    /// The demo organization.
    pub(crate) async fn with(pool: PgPool, is_secure: bool) -> Self {
        let settings = Settings {
            sends_mail: true,
            ..Settings::default()
        };
        let directory = Directory::new(pool.clone(), settings);
        directory.load_demo().await.unwrap();
        // A few days of usage are as good as sixty, and everything is put back a thousand times.
        sqlx::raw_sql(LITTLE_USAGE).execute(&pool).await.unwrap();
        directory
            .create_user(NewAccount {
                email: Who::Stranger.email().parse().unwrap(),
                name: "Sam Stranger".parse().unwrap(),
                password: PASSWORD.parse().unwrap(),
            })
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

/// The rows behind [`INVITED`] and the others.
const LINKS: &str = "
    INSERT INTO invitations (organization_id, id, email, invited_by, created_at, sent_at, expires_at)
        SELECT o.id, wanted.id::uuid, wanted.email, o.owner_id, now(), now(), now() + interval '7 days'
        FROM organizations o, (VALUES
            ('01900000-0000-7000-8000-000000000001', 'invited@new.test'),
            ('01900000-0000-7000-8000-000000000002', 'stranger@elsewhere.test')) AS wanted (id, email)
        WHERE o.slug = 'acme';
    INSERT INTO invitation_tokens (token_hash, organization_id, invitation_id, is_mailed)
        SELECT sha256(decode(repeat(token.byte, 32), 'hex')), o.id, token.id::uuid, true
        FROM organizations o, (VALUES
            ('69', '01900000-0000-7000-8000-000000000001'),
            ('6a', '01900000-0000-7000-8000-000000000002')) AS token (byte, id)
        WHERE o.slug = 'acme';
    INSERT INTO password_reset_tokens (token_hash, user_id, expires_at)
        SELECT sha256(decode(repeat('6b', 32), 'hex')), id, now() + interval '1 hour' FROM users
        WHERE email = 'mia@acme.test';
    INSERT INTO email_verification_tokens (token_hash, user_id, email, expires_at)
        SELECT sha256(decode(repeat('6e', 32), 'hex')), id, email, now() + interval '1 day' FROM users
        WHERE email = 'mia@acme.test';
    INSERT INTO email_changes (id, user_id, old_email, new_email, requested_at, changed_at, expires_at)
        SELECT wanted.id::uuid, u.id, wanted.old_email, wanted.new_email, now(), wanted.changed_at,
        now() + interval '1 day'
        FROM users u, (VALUES
            ('01900000-0000-7000-8000-00000000006f', 'mia@acme.test', 'mia@new.test', NULL),
            ('01900000-0000-7000-8000-000000000070', 'mia@old.test', 'mia@acme.test', now()))
                AS wanted (id, old_email, new_email, changed_at)
        WHERE u.email = 'mia@acme.test';
    INSERT INTO email_change_tokens (token_hash, change_id) VALUES
        (sha256(decode(repeat('6f', 32), 'hex')), '01900000-0000-7000-8000-00000000006f'),
        (sha256(decode(repeat('70', 32), 'hex')), '01900000-0000-7000-8000-000000000070');
    INSERT INTO ssh_keys (id, user_id, name, algorithm, public_key, fingerprint, created_at)
        SELECT '01900000-0000-7000-8000-000000000003', id, 'Desk', 'ssh-ed25519', 'ssh-ed25519 x', 'SHA256:x', now()
        FROM users WHERE email = 'maya@acme.test';
    INSERT INTO api_keys (organization_id, project_id, id, name, reach, secret_start, secret_end, created_by,
        created_at, revoked_at)
        SELECT p.organization_id, p.id, wanted.id::uuid, wanted.name, wanted.reach, 'rsk_look', 'last', u.id, now(),
        wanted.revoked_at
        FROM users u, projects p JOIN project_slugs s ON s.project_id = p.id, (VALUES
            ('01900000-0000-7000-8000-000000000005', 'Nightly', 'use', NULL),
            ('01900000-0000-7000-8000-000000000006', 'Deploy', 'manage', NULL),
            ('01900000-0000-7000-8000-000000000007', 'Old', 'use', now())) AS wanted (id, name, reach, revoked_at)
        WHERE u.email = 'mia@acme.test' AND s.slug = 'ml-research';
    INSERT INTO sessions (id, token_hash, user_id, created_at, last_seen_at, expires_at, address, user_agent)
        SELECT '01900000-0000-7000-8000-000000000004', sha256('elsewhere'), id, now(), now(),
        now() + interval '1 day', '', ''
        FROM users WHERE email = 'maya@acme.test';
    INSERT INTO projects (organization_id, id, name, is_default, allow_externals, created_at)
        SELECT id, '01900000-0000-7000-8000-000000000008', 'Wound Up', false, true, now() FROM organizations
        WHERE slug = 'acme';
    INSERT INTO project_slugs (slug, organization_id, project_id)
        SELECT 'wound-up', id, '01900000-0000-7000-8000-000000000008' FROM organizations WHERE slug = 'acme';
    INSERT INTO collaborators (organization_id, project_id, user_id, name, role, added_by, added_at)
        SELECT c.organization_id, '01900000-0000-7000-8000-000000000008', c.user_id, c.name, c.role, c.added_by,
        c.added_at
        FROM collaborators c JOIN project_slugs s ON s.project_id = c.project_id AND s.slug = 'ml-research';
    INSERT INTO resources (organization_id, project_id, id, kind, name, state, details, created_at, updated_at)
        SELECT s.organization_id, s.project_id, wanted.id::uuid, wanted.kind, wanted.name, 'creating',
        wanted.details::jsonb, now(), now()
        FROM project_slugs s JOIN (VALUES
            ('ml-research', '01900000-0000-7000-8000-000000000005', 'cluster', 'first-cluster',
                '{\"gpu\": \"H100\", \"nodes\": 2, \"gpus_per_node\": 8, \"scheduler\": \"slurm\"}'),
            ('ml-research', '01900000-0000-7000-8000-000000000006', 'file', 'first-file',
                '{\"purpose\": \"batch\", \"size_bytes\": 1}'),
            ('production', '01900000-0000-7000-8000-000000000007', 'cluster', 'first-cluster',
                '{\"gpu\": \"H100\", \"nodes\": 2, \"gpus_per_node\": 8, \"scheduler\": \"slurm\"}')
            ) AS wanted (slug, id, kind, name, details) ON wanted.slug = s.slug";

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
    }
}

/// A session, without the work of checking a password.
pub(crate) async fn begin_session(pool: &PgPool, who: Who) -> (String, Uuid) {
    let (session, user) = (
        Uuid::now_v7(),
        sqlx::query_scalar("SELECT id FROM users WHERE email = $1")
            .bind(who.email())
            .fetch_one(pool)
            .await
            .unwrap(),
    );
    let token: [u8; 32] = Sha256::digest(session.as_bytes()).into();
    sqlx::query(
        "INSERT INTO sessions (id, token_hash, user_id, created_at, last_seen_at, expires_at, address, user_agent)
         VALUES ($1, $2, $3, now(), now(), now() + interval '1 day', '', '')",
    )
    .bind(session)
    .bind(Sha256::digest(token).to_vec())
    .bind(user)
    .execute(pool)
    .await
    .unwrap();
    (URL_SAFE_NO_PAD.encode(token), user)
}

/// How something is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// By a program: no word about itself.
    Program,
    /// By the console's own script.
    Script,
    /// By a form or link in a browser, without scripts.
    Plain,
}

impl Manner {
    pub(crate) const ALL: [Self; 3] = [Self::Program, Self::Script, Self::Plain];
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) uri: String,
    pub(crate) who: Who,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) body: Vec<u8>,
}

impl Ask {
    pub(crate) fn get(uri: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            uri: uri.into(),
            who: Who::Nobody,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A form as a browser sends it.
    pub(crate) fn post<'a, V: AsRef<[u8]> + 'a>(
        uri: impl Into<String>,
        fields: impl IntoIterator<Item = (&'a str, V)>,
    ) -> Self {
        Self {
            method: Method::POST,
            body: encode(fields).into_bytes(),
            ..Self::get(uri)
        }
        .with(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
    }

    pub(crate) fn by(self, who: Who) -> Self {
        Self { who, ..self }
    }

    pub(crate) fn with(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With the headers of that kind of client.
    pub(crate) fn manner(self, manner: Manner) -> Self {
        let site = HeaderName::from_static("sec-fetch-site");
        let dest = HeaderName::from_static("sec-fetch-dest");
        match manner {
            Manner::Program => self,
            Manner::Script => self
                .with(header::ACCEPT, "application/json")
                .with(site, "same-origin")
                .with(dest, "empty"),
            Manner::Plain => self
                .with(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")
                .with(header::ORIGIN, URL)
                .with(header::REFERER, format!("{URL}/settings/profile"))
                .with(site, "same-origin")
                .with(dest, "document"),
        }
    }
}

/// A form, or a query.
pub(crate) fn encode<'a, V: AsRef<[u8]> + 'a>(fields: impl IntoIterator<Item = (&'a str, V)>) -> String {
    let mut text = String::new();
    for (name, value) in fields {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        text.extend(form_urlencoded::byte_serialize(value.as_ref()));
    }
    text
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    flash: Option<Flash>,
}

impl Answer {
    /// A header, or nothing.
    pub(crate) fn header(&self, name: impl AsRef<str>) -> &str {
        self.headers
            .get(name.as_ref())
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }

    /// Where it sends the browser to.
    pub(crate) fn location(&self) -> &str {
        self.header("location")
    }

    /// The `Set-Cookie` of this name.
    pub(crate) fn set_cookie(&self, name: &str) -> Option<&str> {
        self.headers
            .get_all(header::SET_COOKIE)
            .into_iter()
            .map(|value| value.to_str().unwrap())
            .find(|value| value.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')))
    }

    /// The value of that cookie.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.set_cookie(name)?.strip_prefix(name)?.get(1..)?.split(';').next()
    }

    /// The flash that the next page will show.
    pub(crate) fn flash(&self) -> Option<Flash> {
        self.flash.clone()
    }

    /// The nonce of its content security policy.
    pub(crate) fn nonce(&self) -> Option<&str> {
        let policy = self.header("content-security-policy");
        policy.split_once("'nonce-")?.1.split_once('\'').map(|(nonce, _)| nonce)
    }

    /// A page without what no two share: the nonce of its policy, and its name, by which its forms are known.
    pub(crate) fn common_text(&self) -> String {
        let text = self.text.replace(self.header("x-request-id"), "PAGE");
        text.replace(self.nonce().unwrap(), "NONCE")
    }

    /// All of it, except what no two answers share (request id, date, nonce), with `slug` made anonymous.
    pub(crate) fn anonymous(&self, slug: &str) -> String {
        let mut text = format!("{}\n", self.status);
        let mut headers: Vec<_> = self
            .headers
            .iter()
            .filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()))
            .map(|(name, value)| {
                let value = value.to_str().unwrap();
                match &self.flash {
                    // The ticket is different each time; what it shows is not.
                    Some(flash) if value.starts_with("roster-flash=") => {
                        format!("{name}: flash {}", serde_json::to_string(flash).unwrap())
                    }
                    _ => format!("{name}: {value}"),
                }
            })
            .collect();
        headers.sort();
        text.push_str(&headers.join("\n"));
        text.push_str("\n\n");
        text.push_str(&self.text);
        if let Some(nonce) = self.nonce() {
            text = text.replace(nonce, "NONCE");
        }
        let id = self.header("x-request-id");
        if !id.is_empty() {
            text = text.replace(id, "ID");
        }
        text.replace(slug, "SLUG")
    }
}
