//! The list of a project's resources, a single one of them, and the overview of their kinds.
//!
//! Owns the queries that read resources, and the cursor. It must not write.

use std::str::FromStr;

use policy::{
    ApiKeyId, Details, OrganizationId, ProjectId, Refusal, ResourceAction, ResourceId, ResourceKind, ResourceState,
    Slug, UserId,
};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, Postgres, QueryBuilder, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    Directory, Order, Principal, ProjectContext, ProjectRef, ProjectView, Result,
    authorization::lookup::{find_project, find_project_context},
    connections::PgConnection,
    error::{decode, inconsistent},
    paging,
    people::{check_search, pattern},
};

use super::{Creator, Resource};

/// The order of a list of resources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceSort {
    /// By name.
    #[default]
    Name,
    /// By the time of registration.
    Added,
}

impl ResourceSort {
    /// Returns the columns to sort by. The last one makes the order total; ids grow with time.
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Name => &["r.name", "r.id"],
            Self::Added => &["r.id"],
        }
    }
}

impl FromStr for ResourceSort {
    type Err = Refusal;

    fn from_str(text: &str) -> std::result::Result<Self, Refusal> {
        match text {
            "name" => Ok(Self::Name),
            "added" => Ok(Self::Added),
            _ => Err(Refusal::Malformed),
        }
    }
}

/// The search, filters, order and page of a list of resources.
#[derive(Clone, Debug, Default)]
pub struct ResourceQuery {
    /// Only this kind.
    pub kind: Option<ResourceKind>,
    /// A part of a name; empty for all.
    pub search: String,
    /// Only resources in this state.
    pub state: Option<ResourceState>,
    /// The column to sort by.
    pub sort: ResourceSort,
    /// The direction of the order.
    pub order: Order,
    /// The cursor after which the page begins; `None` for the first page.
    pub after: Option<ResourceCursor>,
    /// The largest number of rows.
    pub limit: u16,
}

/// The cursor of a list of resources: the page begins after this resource. Opaque to clients; a cursor of a list with
/// another order is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceCursor {
    sort: ResourceSort,
    order: Order,
    name: String,
    id: ResourceId,
}

impl ResourceCursor {
    /// Parses what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`Refusal::CursorInvalid`].
    pub fn decode(text: &str) -> std::result::Result<Self, Refusal> {
        let cursor: Self = paging::decode(text)?;
        // PostgreSQL's text cannot hold a NUL.
        if cursor.name.contains('\0') {
            return Err(Refusal::CursorInvalid);
        }
        Ok(cursor)
    }

    /// Encodes the cursor for a URL.
    #[must_use]
    pub fn encode(&self) -> String {
        paging::encode(self)
    }
}

/// A page of a project's resources.
#[derive(Clone, Debug)]
pub struct ResourceList {
    /// The project, and what the principal may do there.
    pub context: ProjectContext,
    /// The resources.
    pub rows: Vec<Resource>,
    /// The cursor of the next page; `None` on the last.
    pub next: Option<ResourceCursor>,
}

/// A summary of a project's resources.
#[derive(Clone, Debug)]
pub struct ResourceOverview {
    /// The project, as the principal sees it.
    pub project: ProjectView,
    /// Each kind, in the order of the screens, including kinds without resources.
    pub kinds: Vec<KindSummary>,
}

/// A summary of the resources of one kind.
#[derive(Clone, Debug)]
pub struct KindSummary {
    /// The kind.
    pub kind: ResourceKind,
    /// How many there are.
    pub count: u64,
    /// How many of them are in each state, without states that no resource is in.
    pub states: Vec<(ResourceState, u64)>,
    /// The latest of them, at most [`KindSummary::LATEST`].
    pub latest: Vec<Resource>,
}

impl KindSummary {
    /// The largest number of resources in a summary.
    pub const LATEST: i64 = 3;
}

impl Directory {
    /// Returns a page of a project's resources.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] if there is no such project, or if the principal has no access (P3, K1);
    /// [`Refusal::KeyRevoked`], [`Refusal::KeyExpired`], [`Refusal::KeyInvalid`]; [`Refusal::CursorInvalid`] for a
    /// cursor of another list; [`Refusal::Malformed`] for an invalid search text.
    pub async fn resources(
        &self,
        principal: &Principal,
        project: &ProjectRef,
        query: &ResourceQuery,
    ) -> Result<ResourceList> {
        let mut db = self.pool.acquire().await?;
        let context = find_project_context(&mut db, principal, project).await?;
        let kinds = query.kind.as_ref().map_or(&ResourceKind::ALL[..], std::slice::from_ref);
        for kind in kinds {
            context.standing.require(kind.permission(ResourceAction::View))?;
        }
        check_search(&query.search)?;
        if query
            .after
            .as_ref()
            .is_some_and(|after| (after.sort, after.order) != (query.sort, query.order))
        {
            return Err(Refusal::CursorInvalid.into());
        }
        let limit = usize::from(query.limit.max(1));
        let rows: Vec<Row> = list_statement(context.organization, context.project.id, query, limit + 1)
            .build_query_as()
            // Planned anew for each text: the plan for any text reads in the order of the list, which is right for a
            // frequent text, and for a rare one a hundred times slower than the index of texts (C10).
            .persistent(query.search.is_empty())
            .fetch_all(&mut *db)
            .await?;
        let (rows, has_more) = paging::cut(rows, limit);
        let rows = rows.into_iter().map(Row::resource).collect::<Result<Vec<_>>>()?;
        let next = rows.last().filter(|_| has_more).map(|last| ResourceCursor {
            sort: query.sort,
            order: query.order,
            name: last.name.to_string(),
            id: last.id,
        });
        Ok(ResourceList { context, rows, next })
    }

    /// Returns one resource of a project.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] if there is no such project, or no such resource in it, or if the principal has no access
    /// (P3, K1); [`Refusal::KeyRevoked`], [`Refusal::KeyExpired`], [`Refusal::KeyInvalid`].
    pub async fn resource(
        &self,
        principal: &Principal,
        project: &ProjectRef,
        id: ResourceId,
    ) -> Result<(ProjectContext, Resource)> {
        let mut db = self.pool.acquire().await?;
        let context = find_project_context(&mut db, principal, project).await?;
        let resource = find(&mut db, &context, id).await?;
        Ok((context, resource))
    }

    /// Returns how many resources of each kind a project has, in which states, and the latest of each kind.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] if there is no such project, or if the principal has no access (P3).
    pub async fn resource_overview(&self, principal: &Principal, slug: &Slug) -> Result<ResourceOverview> {
        let mut db = self.pool.acquire().await?;
        let context = ProjectContext::from(find_project(&mut *db, slug, principal).await?);
        for kind in ResourceKind::ALL {
            context.standing.require(kind.permission(ResourceAction::View))?;
        }
        let counted = sqlx::query!(
            r#"SELECT kind, state, count(*) AS "count!" FROM resources
               WHERE organization_id = $1 AND project_id = $2 GROUP BY kind, state"#,
            context.organization.0,
            context.project.id.0,
        )
        .fetch_all(&mut *db)
        .await?;
        let mut latest = QueryBuilder::new(COLUMNS);
        latest.push(" FROM unnest(");
        latest.push_bind(ResourceKind::ALL.map(ResourceKind::code).to_vec());
        latest.push(") wanted(kind) CROSS JOIN LATERAL (SELECT * FROM resources r WHERE r.kind = wanted.kind AND ");
        push_project(&mut latest, context.organization, context.project.id);
        latest.push(" ORDER BY r.id DESC LIMIT ").push_bind(KindSummary::LATEST);
        latest.push(") r").push(CREATORS).push(" ORDER BY r.id DESC");
        let latest: Vec<Row> = latest.build_query_as().fetch_all(&mut *db).await?;
        let latest = latest.into_iter().map(Row::resource).collect::<Result<Vec<_>>>()?;
        let kinds = ResourceKind::ALL
            .into_iter()
            .map(|kind| {
                let count = |state: ResourceState| {
                    counted
                        .iter()
                        .filter(|row| row.kind == kind.code() && row.state == state.code())
                        .map(|row| row.count.unsigned_abs())
                        .sum()
                };
                let states: Vec<(ResourceState, u64)> = kind
                    .states()
                    .iter()
                    .map(|state| (*state, count(*state)))
                    .filter(|(_, count)| *count > 0)
                    .collect();
                KindSummary {
                    kind,
                    count: states.iter().map(|(_, count)| count).sum(),
                    states,
                    latest: latest.iter().filter(|row| row.kind == kind).cloned().collect(),
                }
            })
            .collect();
        Ok(ResourceOverview {
            project: context.project,
            kinds,
        })
    }
}

/// Returns a resource of this project, for a principal that may see its kind.
pub(super) async fn find(db: &mut PgConnection, context: &ProjectContext, id: ResourceId) -> Result<Resource> {
    let mut sql = QueryBuilder::new(COLUMNS);
    sql.push(" FROM resources r").push(CREATORS).push(" WHERE ");
    push_project(&mut sql, context.organization, context.project.id);
    sql.push(" AND r.id = ").push_bind(id.0);
    let row: Option<Row> = sql.build_query_as().fetch_optional(db).await?;
    let Some(row) = row else {
        // Without access the project itself is hidden; with access, the resource is.
        return Err(Refusal::Hidden.into());
    };
    let resource = row.resource()?;
    context
        .standing
        .require(resource.kind.permission(ResourceAction::View))?;
    Ok(resource)
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    kind: String,
    name: String,
    state: String,
    details: Json<Details>,
    created_by: Option<Uuid>,
    creator: Option<String>,
    created_by_key: Option<Uuid>,
    creating_key: Option<String>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl Row {
    fn resource(self) -> Result<Resource> {
        let named = |name: String, table| name.parse().map_err(|_| inconsistent(table, "name"));
        Ok(Resource {
            id: ResourceId(self.id),
            kind: decode(&self.kind, "resources", "kind")?,
            name: named(self.name, "resources")?,
            state: decode(&self.state, "resources", "state")?,
            details: self.details.0,
            created_by: match (self.created_by, self.creator, self.created_by_key, self.creating_key) {
                (Some(user), Some(name), _, _) => Some(Creator::Person(UserId(user), named(name, "users")?)),
                (_, _, Some(key), Some(name)) => Some(Creator::Key(ApiKeyId(key), named(name, "api_keys")?)),
                (_, _, _, _) => None,
            },
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

const COLUMNS: &str = "SELECT r.id, r.kind, r.name, r.state, r.details, r.created_by, u.name AS creator,
    r.created_by_key, k.name AS creating_key, r.created_at, r.updated_at";

/// Joins the registrant's name. The Organization Default Key isn't named, since it exists for the Owner only (K8).
const CREATORS: &str = " LEFT JOIN users u ON u.id = r.created_by
    LEFT JOIN api_keys k
        ON k.organization_id = r.organization_id AND k.project_id = r.project_id AND k.id = r.created_by_key
        AND NOT k.is_default";

/// Adds the condition that a resource belongs to this project.
fn push_project(sql: &mut QueryBuilder<Postgres>, organization: OrganizationId, project: ProjectId) {
    sql.push("r.organization_id = ").push_bind(organization.0);
    sql.push(" AND r.project_id = ").push_bind(project.0);
}

/// Builds the statement of the list. It reads in the order of an index, and no further than the page goes.
fn list_statement(
    organization: OrganizationId,
    project: ProjectId,
    query: &ResourceQuery,
    limit: usize,
) -> QueryBuilder<Postgres> {
    let keys = query.sort.keys();
    let (direction, compare) = (query.order.keyword(), query.order.compare());
    let order: Vec<_> = keys.iter().map(|key| format!("{key} {direction}")).collect();
    let order = order.join(", ");
    let mut sql = QueryBuilder::new(COLUMNS);
    sql.push(" FROM (SELECT * FROM resources r WHERE ");
    push_project(&mut sql, organization, project);
    if let Some(kind) = query.kind {
        sql.push(" AND r.kind = ").push_bind(kind.code());
    }
    if let Some(state) = query.state {
        sql.push(" AND r.state = ").push_bind(state.code());
    }
    if !query.search.is_empty() {
        sql.push(" AND lower(r.name) LIKE ").push_bind(pattern(&query.search));
    }
    if let Some(after) = &query.after {
        sql.push(format!(" AND ({}) {compare} (", keys.join(", ")));
        if after.sort == ResourceSort::Name {
            sql.push_bind(after.name.clone()).push(", ");
        }
        sql.push_bind(after.id.0).push(")");
    }
    sql.push(format!(" ORDER BY {order} LIMIT "))
        .push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.push(") r").push(CREATORS).push(format!(" ORDER BY {order}"));
    sql
}
