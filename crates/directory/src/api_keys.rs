//! API keys of a project (RULES K): made, listed, given an end, rotated and revoked by people; and found by the secret that a
//! program shows. They belong to the project, and outlive whoever made them (K5).

use policy::{
    ApiKeyId, KeyChange, KeyFacts, KeyScope, KeyState, Name, OrganizationId, Permission, ProjectId, Refusal, Slug,
    UserId, check_default_key, check_key_change, check_key_creation, check_key_expiration,
};
use serde_json::{Value, json};
use sqlx::{FromRow, Postgres, QueryBuilder};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{
    Actor, Directory, Hint, KeyActor, Origin, ProjectView, Result, Token, TokenKind,
    authorization::lock::{lock_in, lock_project},
    authorization::lookup::find_project,
    authorization::principal::By,
    authorization::target::ProjectSeen,
    change::Change,
    confirmation,
    connections::PgConnection,
    error::{decode, inconsistent},
    paging,
    people::{check_search, pattern},
    quotas,
};

/// What the Organization Default Key is called (K8).
const DEFAULT_NAME: &str = "Organization Default Key";

/// An API key, without its secret (K4).
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What it is called.
    pub name: Name,
    /// What it may do (K11).
    pub reach: KeyScope,
    /// The visible beginning of its secret; empty where nobody has seen one yet.
    pub secret_start: String,
    /// The last four characters of its secret.
    pub secret_end: String,
    /// Who made it.
    pub created_by: Option<Name>,
    /// When.
    pub created_at: OffsetDateTime,
    /// When it last opened something, to the minute.
    pub last_used_at: Option<OffsetDateTime>,
    /// When it stops working by itself (K6).
    pub expires_at: Option<OffsetDateTime>,
    /// Whether it opens anything now.
    pub state: KeyState,
    /// Whether another took its place (K7).
    pub is_rotated: bool,
}

/// Which part of a project's API keys, the latest first.
#[derive(Clone, Debug, Default)]
pub struct ApiKeyQuery {
    /// A part of its name, or of its creator's; empty for all.
    pub search: String,
    /// Only those in this state.
    pub state: Option<KeyState>,
    /// The place to go on from.
    pub after: Option<ApiKeyId>,
    /// How many, at most.
    pub limit: u16,
}

/// A page of a project's API keys.
#[derive(Clone, Debug)]
pub struct ApiKeyList {
    /// The project, as the one who asks sees it.
    pub project: ProjectView,
    /// The Organization Default Key, for the Owner in the Default Project: to nobody else it exists (K8).
    pub default_key: Option<ApiKey>,
    /// The keys.
    pub rows: Vec<ApiKey>,
    /// Where the next page begins; none on the last.
    pub next: Option<ApiKeyId>,
}

/// A key that was just made, with its secret: shown this once (K3).
#[derive(Debug)]
pub struct NewApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What it is called.
    pub name: Name,
    /// The secret.
    pub secret: Token,
}

/// What an API key may know of itself.
#[derive(Clone, Debug)]
pub struct KeyView {
    /// What it is called.
    pub name: Name,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it stops working by itself.
    pub expires_at: Option<OffsetDateTime>,
    /// The permanent id of its project.
    pub project: ProjectId,
    /// The slug of its project.
    pub project_slug: Slug,
    /// The name of its project.
    pub project_name: Name,
    /// The id of its organization.
    pub organization: OrganizationId,
    /// The slug of its organization.
    pub organization_slug: Slug,
    /// The name of its organization.
    pub organization_name: Name,
}

/// A row of `api_keys`.
#[derive(FromRow)]
struct Row {
    id: Uuid,
    name: String,
    reach: String,
    secret_start: String,
    secret_end: String,
    created_by: Option<String>,
    created_at: OffsetDateTime,
    last_used_at: Option<OffsetDateTime>,
    expires_at: Option<OffsetDateTime>,
    is_expired: bool,
    is_revoked: bool,
    is_rotated: bool,
}

impl Row {
    fn key(self) -> Result<ApiKey> {
        Ok(ApiKey {
            id: ApiKeyId(self.id),
            name: decode(&self.name, "api_keys", "name")?,
            reach: reach(&self.reach)?,
            secret_start: self.secret_start,
            secret_end: self.secret_end,
            created_by: self.created_by.map(|name| decode(&name, "users", "name")).transpose()?,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            expires_at: self.expires_at,
            state: KeyState::of(self.is_revoked, self.is_expired),
            is_rotated: self.is_rotated,
        })
    }
}

const COLUMNS: &str = "SELECT k.id, k.name, k.reach, k.secret_start, k.secret_end, u.name AS created_by, k.created_at,
    k.last_used_at, k.expires_at, COALESCE(k.expires_at <= statement_timestamp(), false) AS is_expired,
    k.revoked_at IS NOT NULL AS is_revoked, k.successor_id IS NOT NULL AS is_rotated
    FROM api_keys k LEFT JOIN users u ON u.id = k.created_by WHERE ";

/// The keys of this project, to be narrowed.
fn keys_of(project: &ProjectSeen) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(COLUMNS);
    sql.push("k.organization_id = ").push_bind(project.organization.0);
    sql.push(" AND k.project_id = ").push_bind(project.project.0);
    sql
}

/// Read in the order of an index, and no further than the page goes. No list has the default key in it (K8).
fn list_statement(project: &ProjectSeen, query: &ApiKeyQuery, limit: usize) -> QueryBuilder<Postgres> {
    let mut sql = keys_of(project);
    sql.push(" AND NOT k.is_default");
    if !query.search.is_empty() {
        let pattern = pattern(&query.search);
        sql.push(" AND (lower(k.name) LIKE ").push_bind(pattern.clone());
        sql.push(" OR lower(u.name) LIKE ").push_bind(pattern).push(")");
    }
    if let Some(after) = query.after {
        sql.push(" AND k.id < ").push_bind(after.0);
    }
    sql.push(match query.state {
        None => "",
        Some(KeyState::Active) => {
            " AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > statement_timestamp())"
        }
        Some(KeyState::Expired) => " AND k.revoked_at IS NULL AND k.expires_at <= statement_timestamp()",
        Some(KeyState::Revoked) => " AND k.revoked_at IS NOT NULL",
    });
    sql.push(" ORDER BY k.id DESC LIMIT ")
        .push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql
}

pub(crate) fn reach(code: &str) -> Result<KeyScope> {
    decode(code, "api_keys", "reach")
}

impl Directory {
    /// A page of a project's API keys, for its collaborators of either role (K4).
    ///
    /// # Errors
    /// [`Refusal::Hidden`]; [`Refusal::Malformed`] for a search text that cannot be one.
    pub async fn api_keys(&self, user: UserId, slug: &Slug, query: &ApiKeyQuery) -> Result<ApiKeyList> {
        let project = find_project(&self.pool, slug, user).await?;
        project.standing.require(Permission::ApiKeyList)?;
        check_search(&query.search)?;
        let limit = usize::from(query.limit.max(1));
        let rows: Vec<Row> = list_statement(&project, query, limit + 1)
            .build_query_as()
            .fetch_all(&self.pool)
            .await?;
        let (rows, has_more) = paging::cut(rows, limit);
        let rows = rows.into_iter().map(Row::key).collect::<Result<Vec<_>>>()?;
        Ok(ApiKeyList {
            next: rows.last().filter(|_| has_more).map(|last| last.id),
            default_key: self.default_key(&project).await?,
            rows,
            project: project.into(),
        })
    }

    /// One API key of a project, for its collaborators of either role.
    ///
    /// # Errors
    /// [`Refusal::Hidden`].
    pub async fn api_key(&self, user: UserId, slug: &Slug, id: ApiKeyId) -> Result<ApiKey> {
        let project = find_project(&self.pool, slug, user).await?;
        project.standing.require(Permission::ApiKeyList)?;
        let mut sql = keys_of(&project);
        sql.push(" AND NOT k.is_default AND k.id = ").push_bind(id.0);
        let found: Option<Row> = sql.build_query_as().fetch_optional(&self.pool).await?;
        found.ok_or(Refusal::Hidden)?.key()
    }

    /// The Organization Default Key, for whom it exists (W3, K8).
    async fn default_key(&self, project: &ProjectSeen) -> Result<Option<ApiKey>> {
        if check_default_key(&project.standing, project.is_default).is_err() {
            return Ok(None);
        }
        let mut sql = keys_of(project);
        sql.push(" AND k.is_default");
        let found: Option<Row> = sql.build_query_as().fetch_optional(&self.pool).await?;
        found.map(Row::key).transpose()
    }

    /// Makes an API key (K2). The secret is in the answer, and nowhere else (K3).
    ///
    /// # Errors
    /// Those of [`check_key_creation`]; [`Refusal::EndDateInvalid`] for an expiration in the past.
    pub async fn create_api_key(
        &self,
        actor: &Actor,
        slug: &Slug,
        name: &Name,
        reach: KeyScope,
        expires_at: Option<OffsetDateTime>,
    ) -> Result<NewApiKey> {
        self.change(By::User(actor), Permission::ApiKeyCreate.name(), |change| {
            Box::pin(async move {
                change.record.target = Some(name.to_string());
                let project = lock_in(change, slug, actor.user).await?;
                check_key_creation(&project.standing, reach)?;
                check_expiration(change, expires_at)?;
                let (place, at) = ((project.organization, project.project), change.at);
                quotas::one_more_api_key(&mut change.tx, &self.settings.quotas, place, at).await?;
                confirmation::require(change, actor).await?;
                let new = NewKey {
                    name,
                    reach,
                    expires_at,
                    by: actor.user,
                    at: change.at,
                };
                let key = insert(&mut change.tx, project.organization, project.project, &new).await?;
                change.record.target_id = Some(key.id.0);
                change.values(None, Some(values(name, reach, expires_at)));
                change.hint(Hint::Project(project.project));
                Ok(key)
            })
        })
        .await
    }

    /// Gives a key another expiration, or none (K6). One with a successor may only end sooner (K7).
    ///
    /// # Errors
    /// Those of [`check_key_change`]; [`Refusal::EndDateInvalid`] for an expiration in the past.
    pub async fn set_api_key_expiration(
        &self,
        actor: &Actor,
        slug: &Slug,
        id: ApiKeyId,
        expires_at: Option<OffsetDateTime>,
    ) -> Result<Name> {
        self.change(By::User(actor), "api_key:set_expiration", |change| {
            Box::pin(async move {
                let (project, key) = lock_key(change, actor, slug, id, KeyChange::Expiration).await?;
                check_expiration(change, expires_at)?;
                check_key_expiration(key.facts, key.expires_at, expires_at)?;
                sqlx::query!(
                    "UPDATE api_keys SET expires_at = $4 WHERE organization_id = $1 AND project_id = $2 AND id = $3",
                    project.organization.0,
                    project.project.0,
                    id.0,
                    expires_at,
                )
                .execute(&mut *change.tx)
                .await?;
                let value =
                    |end: Option<OffsetDateTime>| Some(json!({ "expires_at": end.map(|end| end.unix_timestamp()) }));
                change.values(value(key.expires_at), value(expires_at));
                Ok(key.name)
            })
        })
        .await
    }

    /// Makes a successor with the same name and reach, and gives the old key `overlap` more to live, or nothing (K7): it never
    /// lives longer than it would have.
    ///
    /// # Errors
    /// Those of [`check_key_change`]; [`Refusal::EndDateInvalid`] for an expiration in the past.
    pub async fn rotate_api_key(
        &self,
        actor: &Actor,
        slug: &Slug,
        id: ApiKeyId,
        overlap: Duration,
        expires_at: Option<OffsetDateTime>,
    ) -> Result<NewApiKey> {
        self.change(By::User(actor), "api_key:rotate", |change| {
            Box::pin(async move {
                let (project, key) = lock_key(change, actor, slug, id, KeyChange::Rotate).await?;
                check_expiration(change, expires_at)?;
                confirmation::require(change, actor).await?;
                let new = NewKey {
                    name: &key.name,
                    reach: key.facts.reach,
                    expires_at,
                    by: actor.user,
                    at: change.at,
                };
                let next = insert(&mut change.tx, project.organization, project.project, &new).await?;
                sqlx::query!(
                    "UPDATE api_keys SET successor_id = $4,
                         expires_at = LEAST(expires_at, statement_timestamp() + make_interval(secs => $5)),
                         revoked_at = CASE WHEN $5 <= 0 THEN statement_timestamp() END
                     WHERE organization_id = $1 AND project_id = $2 AND id = $3",
                    project.organization.0,
                    project.project.0,
                    id.0,
                    next.id.0,
                    overlap.as_seconds_f64(),
                )
                .execute(&mut *change.tx)
                .await?;
                change.values(
                    Some(key.values()),
                    Some(
                        json!({ "successor": next.id, "overlap_seconds": overlap.whole_seconds(),
                             "expires_at": expires_at.map(OffsetDateTime::unix_timestamp) }),
                    ),
                );
                Ok(next)
            })
        })
        .await
    }

    /// Revokes a key, for good: the next request with it is refused (K7, E5).
    ///
    /// # Errors
    /// Those of [`check_key_change`]; [`Refusal::DefaultKeyKept`] (K8).
    pub async fn revoke_api_key(&self, actor: &Actor, slug: &Slug, id: ApiKeyId) -> Result<Name> {
        self.change(By::User(actor), Permission::ApiKeyRevoke.name(), |change| {
            Box::pin(async move {
                let (project, key) = lock_key(change, actor, slug, id, KeyChange::Revoke).await?;
                revoke(&mut change.tx, project.organization, project.project, id).await?;
                change.values(Some(key.values()), None);
                Ok(key.name)
            })
        })
        .await
    }

    /// Gives the Organization Default Key a new secret; the old one opens nothing any more (K8).
    ///
    /// # Errors
    /// [`Refusal::Hidden`] for everybody but the Owner, and in every project but the Default one (W3).
    pub async fn regenerate_default_key(&self, actor: &Actor, slug: &Slug) -> Result<NewApiKey> {
        self.change(By::User(actor), "api_key:regenerate_default", |change| Box::pin(async move {
            let project = lock_project(&mut change.tx, slug, actor.user).await?;
            // Not the project's: to its other Admins the key does not exist. Nor the organization's, for whoever is no member (A4).
            change.record.organization =
                Some(project.organization).filter(|_| project.standing.organization.is_some());
            check_default_key(&project.standing, project.is_default)?;
            confirmation::require(change, actor).await?;
            forget_default_secret(&mut change.tx, project.organization, None).await?;
            let secret = Token::random(TokenKind::ApiKey)?;
            let row = sqlx::query!(
                "UPDATE api_keys SET secret_start = $2, secret_end = $3, created_by = $4, created_at = $5, last_used_at = NULL
                 WHERE organization_id = $1 AND is_default RETURNING id, name",
                project.organization.0,
                secret.start(),
                secret.end(),
                actor.user.0,
                change.at,
            )
            .fetch_one(&mut *change.tx)
            .await?;
            keep_secret(
                &mut change.tx,
                project.organization,
                project.project,
                ApiKeyId(row.id),
                &secret,
            )
            .await?;
            change.record.target_id = Some(row.id);
            change.record.target = Some(row.name.clone());
            change.hint(Hint::Project(project.project));
            Ok(NewApiKey {
                id: ApiKeyId(row.id),
                name: decode(&row.name, "api_keys", "name")?,
                secret,
            })
        }))
        .await
    }

    /// Finds the key that a program shows, if it opens anything now: one query, at every request (E5).
    ///
    /// # Errors
    /// [`Refusal::KeyInvalid`], [`Refusal::KeyExpired`] (K6), [`Refusal::KeyRevoked`] (K7).
    pub async fn authenticate_key(&self, secret: &Token, origin: Origin) -> Result<KeyActor> {
        let row = sqlx::query!(
            r#"SELECT k.organization_id, k.project_id, k.id, k.reach, k.revoked_at IS NOT NULL AS "is_revoked!",
                      COALESCE(k.expires_at <= statement_timestamp(), false) AS "is_expired!",
                      COALESCE(k.last_used_at < statement_timestamp() - interval '1 minute', true) AS "is_use_due!",
                      COALESCE(k.refused_at < statement_timestamp() - interval '1 day', true) AS "is_first_today!"
               FROM api_key_secrets s
               JOIN api_keys k ON k.organization_id = s.organization_id AND k.project_id = s.project_id AND k.id = s.key_id
               WHERE s.secret_hash = $1"#,
            &secret.hash(),
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(Refusal::KeyInvalid)?;
        let actor = KeyActor {
            key: ApiKeyId(row.id),
            organization: OrganizationId(row.organization_id),
            project: ProjectId(row.project_id),
            reach: reach(&row.reach)?,
            origin,
        };
        if let Err(refusal) = KeyState::of(row.is_revoked, row.is_expired).require_active() {
            if row.is_first_today {
                self.note_key_refused(actor, refusal);
            }
            return Err(refusal.into());
        }
        if row.is_use_due {
            self.note_key_use(actor.organization, actor.project, actor.key);
        }
        Ok(actor)
    }

    /// Notes in the audit that somebody goes on trying with a key that is over (A1): beside the request, and once a day for a
    /// key, or a program that was left behind would fill the audit by itself.
    fn note_key_refused(&self, key: KeyActor, refusal: Refusal) {
        let directory = self.clone();
        Self::spawn_best_effort("a key's refused use", async move {
            directory.audit_refused_key(&key, refusal).await
        });
    }

    async fn audit_refused_key(&self, key: &KeyActor, refusal: Refusal) -> Result<()> {
        self.change(By::Key(key), "api_key:use", |change| {
            Box::pin(async move {
                // Whoever comes first: many requests at once find that nobody has noted it yet.
                let noted = sqlx::query!(
                    "UPDATE api_keys SET refused_at = statement_timestamp()
                     WHERE organization_id = $1 AND project_id = $2 AND id = $3
                       AND COALESCE(refused_at < statement_timestamp() - interval '1 day', true)
                     RETURNING name",
                    key.organization.0,
                    key.project.0,
                    key.key.0,
                )
                .fetch_optional(&mut *change.tx)
                .await?;
                let Some(noted) = noted else {
                    change.leave_no_trail();
                    return Ok(());
                };
                change.record.organization = Some(key.organization);
                change.record.project = Some(key.project);
                change.record.target_id = Some(key.key.0);
                change.record.target = Some(noted.name);
                change.set_refused(refusal);
                Ok(())
            })
        })
        .await
    }

    /// Notes that a key was used (K4): beside the request, at most once a minute for a key, and never a reason to fail.
    pub(crate) fn note_key_use(&self, organization: OrganizationId, project: ProjectId, key: ApiKeyId) {
        let pool = self.pool.clone();
        Self::spawn_best_effort("a key's use", async move {
            sqlx::query!(
                "UPDATE api_keys SET last_used_at = statement_timestamp()
                 WHERE organization_id = $1 AND project_id = $2 AND id = $3
                   AND COALESCE(last_used_at < statement_timestamp() - interval '1 minute', true)",
                organization.0,
                project.0,
                key.0,
            )
            .execute(&pool)
            .await?;
            Ok(())
        });
    }

    /// What a key may know of itself.
    ///
    /// # Errors
    /// [`Refusal::KeyInvalid`] for one that is gone with its project.
    pub async fn key_view(&self, actor: &KeyActor) -> Result<KeyView> {
        let row = sqlx::query!(
            "SELECT k.name, k.created_at, k.expires_at, p.name AS project_name, s.slug AS project_slug,
                    o.slug AS organization_slug, o.name AS organization_name
             FROM api_keys k
             JOIN projects p ON p.organization_id = k.organization_id AND p.id = k.project_id
             JOIN project_slugs s ON s.project_id = p.id AND s.released_at IS NULL
             JOIN organizations o ON o.id = k.organization_id
             WHERE k.organization_id = $1 AND k.project_id = $2 AND k.id = $3",
            actor.organization.0,
            actor.project.0,
            actor.key.0,
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(Refusal::KeyInvalid)?;
        let slug = |text: String, table| text.parse().map_err(|_| inconsistent(table, "slug"));
        let name = |text: String, table| text.parse().map_err(|_| inconsistent(table, "name"));
        Ok(KeyView {
            name: name(row.name, "api_keys")?,
            created_at: row.created_at,
            expires_at: row.expires_at,
            project: actor.project,
            project_slug: slug(row.project_slug, "project_slugs")?,
            project_name: name(row.project_name, "projects")?,
            organization: actor.organization,
            organization_slug: slug(row.organization_slug, "organizations")?,
            organization_name: name(row.organization_name, "organizations")?,
        })
    }

    /// Ends the API key that somebody shows, whoever that is: whoever has a secret may end it (K10). The default key is never
    /// revoked (K8): its secret is forgotten, and the Owner regenerates it. Answers whether there is such a key.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn revoke_presented_key(&self, secret: &Token, origin: &Origin) -> Result<bool> {
        let found = sqlx::query!(
            "SELECT s.organization_id, s.project_id, s.key_id, k.name, k.is_default, k.revoked_at FROM api_key_secrets s
             JOIN api_keys k ON k.organization_id = s.organization_id AND k.project_id = s.project_id AND k.id = s.key_id
             WHERE s.secret_hash = $1",
            &secret.hash(),
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(found) = found else { return Ok(false) };
        // A key that leaked stays public: what is done already is not written down each time somebody finds it.
        if found.revoked_at.is_some() {
            return Ok(true);
        }
        let (organization, project, key) = (
            OrganizationId(found.organization_id),
            ProjectId(found.project_id),
            ApiKeyId(found.key_id),
        );
        self.change(By::Nobody(origin), "api_key:revoke_presented", |change| {
            Box::pin(async move {
                change.record.organization = Some(organization);
                // The default key is nobody's business but the Owner's.
                change.record.project = Some(project).filter(|_| !found.is_default);
                change.record.target_id = Some(key.0);
                change.record.target = Some(found.name);
                if found.is_default {
                    // This secret, and not one that the Owner has given the key meanwhile.
                    forget_default_secret(&mut change.tx, organization, Some(secret)).await?;
                } else {
                    revoke(&mut change.tx, organization, project, key).await?;
                }
                change.hint(Hint::Project(project));
                Ok(true)
            })
        })
        .await
    }
}

/// Gives a new organization its default key (D6). Nobody knows a secret of it before the Owner regenerates it.
pub(crate) async fn insert_default(
    db: &mut PgConnection,
    organization: OrganizationId,
    project: ProjectId,
    at: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO api_keys (organization_id, project_id, id, name, reach, is_default, secret_start, secret_end, created_at)
         VALUES ($1, $2, $3, $4, 'use', true, '', '', $5)",
        organization.0,
        project.0,
        Uuid::now_v7(),
        DEFAULT_NAME,
        at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Leaves the Organization Default Key without a secret, until the Owner regenerates it (K8). With `only`, if that is its secret.
/// Answers whether it had one.
pub(crate) async fn forget_default_secret(
    db: &mut PgConnection,
    organization: OrganizationId,
    only: Option<&Token>,
) -> Result<bool> {
    let only = only.map(Token::hash);
    let forgotten = sqlx::query!(
        "WITH forgotten AS (
             DELETE FROM api_key_secrets s USING api_keys k
             WHERE k.organization_id = $1 AND k.is_default
               AND s.organization_id = k.organization_id AND s.project_id = k.project_id AND s.key_id = k.id
               AND ($2::bytea IS NULL OR s.secret_hash = $2)
             RETURNING s.project_id, s.key_id
         )
         UPDATE api_keys k SET secret_start = '', secret_end = '' FROM forgotten f
         WHERE k.organization_id = $1 AND k.project_id = f.project_id AND k.id = f.key_id",
        organization.0,
        only.as_ref().map(<[u8; 32]>::as_slice),
    )
    .execute(db)
    .await?
    .rows_affected();
    Ok(forgotten > 0)
}

/// A key that is to be.
pub(crate) struct NewKey<'a> {
    pub(crate) name: &'a Name,
    pub(crate) reach: KeyScope,
    pub(crate) expires_at: Option<OffsetDateTime>,
    pub(crate) by: UserId,
    pub(crate) at: OffsetDateTime,
}

/// Writes a key with a secret for it.
pub(crate) async fn insert(
    db: &mut PgConnection,
    organization: OrganizationId,
    project: ProjectId,
    new: &NewKey<'_>,
) -> Result<NewApiKey> {
    let (id, secret) = (ApiKeyId(Uuid::now_v7()), Token::random(TokenKind::ApiKey)?);
    sqlx::query!(
        "INSERT INTO api_keys (organization_id, project_id, id, name, reach, secret_start, secret_end, created_by, created_at,
             expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        organization.0,
        project.0,
        id.0,
        new.name.as_str(),
        new.reach.code(),
        secret.start(),
        secret.end(),
        new.by.0,
        new.at,
        new.expires_at,
    )
    .execute(&mut *db)
    .await?;
    keep_secret(db, organization, project, id, &secret).await?;
    Ok(NewApiKey {
        id,
        name: new.name.clone(),
        secret,
    })
}

async fn keep_secret(
    db: &mut PgConnection,
    organization: OrganizationId,
    project: ProjectId,
    key: ApiKeyId,
    secret: &Token,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO api_key_secrets (secret_hash, organization_id, project_id, key_id) VALUES ($1, $2, $3, $4)",
        &secret.hash(),
        organization.0,
        project.0,
        key.0,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The first revocation counts; a later one changes nothing.
async fn revoke(db: &mut PgConnection, organization: OrganizationId, project: ProjectId, key: ApiKeyId) -> Result<()> {
    sqlx::query!(
        "UPDATE api_keys SET revoked_at = COALESCE(revoked_at, statement_timestamp())
         WHERE organization_id = $1 AND project_id = $2 AND id = $3",
        organization.0,
        project.0,
        key.0,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A key that is about to be changed.
struct LockedKey {
    name: Name,
    facts: KeyFacts,
    expires_at: Option<OffsetDateTime>,
}

impl LockedKey {
    fn values(&self) -> Value {
        values(&self.name, self.facts.reach, self.expires_at)
    }
}

/// Locks the project, reads a key of it that still works, and asks the policy about the change.
async fn lock_key(
    change: &mut Change<'_>,
    actor: &Actor,
    slug: &Slug,
    id: ApiKeyId,
    wanted: KeyChange,
) -> Result<(ProjectSeen, LockedKey)> {
    change.record.target_id = Some(id.0);
    let project = lock_in(change, slug, actor.user).await?;
    project.standing.require(Permission::ApiKeyList)?;
    let row = sqlx::query!(
        r#"SELECT name, reach, expires_at, COALESCE(expires_at <= statement_timestamp(), false) AS "is_expired!",
                  revoked_at IS NOT NULL AS "is_revoked!", successor_id IS NOT NULL AS "is_rotated!", is_default
           FROM api_keys WHERE organization_id = $1 AND project_id = $2 AND id = $3 FOR NO KEY UPDATE"#,
        project.organization.0,
        project.project.0,
        id.0,
    )
    .fetch_optional(&mut *change.tx)
    .await?
    .ok_or(Refusal::Hidden)?;
    if row.is_default {
        // To everybody but the Owner it does not exist (K8): neither by the answer nor by the audit.
        check_default_key(&project.standing, project.is_default)?;
        change.record.project = None;
        return Err(Refusal::DefaultKeyKept.into());
    }
    change.record.target = Some(row.name.clone());
    let key = LockedKey {
        name: decode(&row.name, "api_keys", "name")?,
        facts: KeyFacts {
            reach: reach(&row.reach)?,
            state: KeyState::of(row.is_revoked, row.is_expired),
            is_rotated: row.is_rotated,
        },
        expires_at: row.expires_at,
    };
    check_key_change(&project.standing, key.facts, wanted)?;
    change.hint(Hint::Project(project.project));
    Ok((project, key))
}

fn check_expiration(change: &Change<'_>, expires_at: Option<OffsetDateTime>) -> Result<()> {
    if expires_at.is_some_and(|end| end <= change.at) {
        return Err(Refusal::EndDateInvalid.into());
    }
    Ok(())
}

/// A key as the audit has it: nothing of its secret (A3).
fn values(name: &Name, reach: KeyScope, expires_at: Option<OffsetDateTime>) -> Value {
    json!({ "name": name, "reach": reach, "expires_at": expires_at.map(OffsetDateTime::unix_timestamp) })
}
