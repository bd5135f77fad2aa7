//! The list of a project's API keys, a single one of them, and the default key (K1, K8).
//!
//! Owns the queries that read keys for people. It must not write, and must not know secrets: it reads their first and
//! last characters only.

use policy::{ApiKeyId, KeyState, Permission, Refusal, Slug, check_default_key};
use sqlx::{FromRow, Postgres, QueryBuilder};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    Directory, Principal, ProjectView, Result,
    authorization::lookup::find_project,
    authorization::standing::key_scope,
    authorization::target::ProjectSeen,
    error::decode,
    paging,
    people::{check_search, pattern},
};

use super::ApiKey;

/// The search, filter and page of a list of API keys, the latest first.
#[derive(Clone, Debug, Default)]
pub struct ApiKeyQuery {
    /// A part of the key's name, or of its creator's name; empty for all.
    pub search: String,
    /// Only keys in this state.
    pub state: Option<KeyState>,
    /// The cursor: the page begins after this key; `None` for the first page.
    pub after: Option<ApiKeyId>,
    /// The largest number of rows.
    pub limit: u16,
}

/// A page of a project's API keys.
#[derive(Clone, Debug)]
pub struct ApiKeyList {
    /// The project, as the principal sees it.
    pub project: ProjectView,
    /// The Organization Default Key, for the Owner in the Default Project. For everybody else it doesn't exist (K8).
    pub default_key: Option<ApiKey>,
    /// The keys.
    pub rows: Vec<ApiKey>,
    /// The cursor of the next page; `None` on the last.
    pub next: Option<ApiKeyId>,
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
            reach: key_scope(&self.reach)?,
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
    k.revoked_at IS NOT NULL AS is_revoked, k.successor_id IS NOT NULL AS is_rotated FROM ";

const CREATORS: &str = " k LEFT JOIN users u ON u.id = k.created_by";

/// Begins the query for a project's keys; the caller adds filters.
fn keys_of(project: &ProjectSeen) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(COLUMNS);
    sql.push("api_keys").push(CREATORS).push(" WHERE ");
    push_project(&mut sql, project);
    sql
}

fn push_project(sql: &mut QueryBuilder<Postgres>, project: &ProjectSeen) {
    sql.push("k.organization_id = ").push_bind(project.organization.0);
    sql.push(" AND k.project_id = ").push_bind(project.project.0);
}

/// Builds the statement of the list. It reads in the order of an index, and no further than the page goes. The default
/// key is in no list (K8). A search finds keys by their names and by their creators, each with an index of its own: one
/// condition over both tables could use neither.
fn list_statement(project: &ProjectSeen, query: &ApiKeyQuery, limit: usize) -> QueryBuilder<Postgres> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut sql = QueryBuilder::new(COLUMNS);
    if query.search.is_empty() {
        sql.push("(SELECT k.* FROM api_keys k WHERE ");
        push_page(&mut sql, project, query, limit);
    } else {
        let pattern = pattern(&query.search);
        sql.push("((SELECT k.* FROM api_keys k WHERE lower(k.name) LIKE ")
            .push_bind(pattern.clone())
            .push(" AND ");
        push_page(&mut sql, project, query, limit);
        sql.push(") UNION (SELECT k.* FROM api_keys k JOIN users c ON c.id = k.created_by");
        // The index is that of names and addresses; only the name is searched.
        sql.push(" WHERE (lower(c.name) || ' ' || c.email) LIKE ")
            .push_bind(pattern.clone());
        sql.push(" AND lower(c.name) LIKE ").push_bind(pattern).push(" AND ");
        push_page(&mut sql, project, query, limit);
        sql.push(")");
    }
    sql.push(")")
        .push(CREATORS)
        .push(" ORDER BY k.id DESC LIMIT ")
        .push_bind(limit);
    sql
}

/// The filters, order and end of a page.
fn push_page(sql: &mut QueryBuilder<Postgres>, project: &ProjectSeen, query: &ApiKeyQuery, limit: i64) {
    push_project(sql, project);
    sql.push(" AND NOT k.is_default");
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
    sql.push(" ORDER BY k.id DESC LIMIT ").push_bind(limit);
}

impl Directory {
    /// Returns a page of a project's API keys, for its collaborators with either role (K4).
    ///
    /// # Errors
    /// [`Refusal::Hidden`]; [`Refusal::Malformed`] for an invalid search text.
    pub async fn api_keys(&self, principal: &Principal, slug: &Slug, query: &ApiKeyQuery) -> Result<ApiKeyList> {
        let project = find_project(&self.pool, slug, principal).await?;
        project.standing.require(Permission::ApiKeyList)?;
        check_search(&query.search)?;
        let limit = usize::from(query.limit.max(1));
        let rows: Vec<Row> = list_statement(&project, query, limit + 1)
            .build_query_as()
            // Planned anew for each text: the plan for any text reads in the order of the list, which is right for a
            // frequent text, and for a rare one a hundred times slower than the index of texts (C10).
            .persistent(query.search.is_empty())
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

    /// Returns one API key of a project, for its collaborators with either role.
    ///
    /// # Errors
    /// [`Refusal::Hidden`].
    pub async fn api_key(&self, principal: &Principal, slug: &Slug, id: ApiKeyId) -> Result<ApiKey> {
        let project = find_project(&self.pool, slug, principal).await?;
        project.standing.require(Permission::ApiKeyList)?;
        let mut sql = keys_of(&project);
        sql.push(" AND NOT k.is_default AND k.id = ").push_bind(id.0);
        let found: Option<Row> = sql.build_query_as().fetch_optional(&self.pool).await?;
        found.ok_or(Refusal::Hidden)?.key()
    }

    /// Returns the Organization Default Key to the principal it exists for, and `None` to others (W3, K8).
    async fn default_key(&self, project: &ProjectSeen) -> Result<Option<ApiKey>> {
        if check_default_key(&project.standing, project.is_default).is_err() {
            return Ok(None);
        }
        let mut sql = keys_of(project);
        sql.push(" AND k.is_default");
        let found: Option<Row> = sql.build_query_as().fetch_optional(&self.pool).await?;
        found.map(Row::key).transpose()
    }
}
