//! The list of a project's collaborators, and a single one of them (C1, C2).
//!
//! Owns the statement behind the list. It must not write.

use policy::{
    Because, OrganizationRole, OrganizationStanding, Permission, ProjectRole, ProjectStanding, Reason, Refusal, Slug,
    Standing, UserId,
};
use sqlx::{FromRow, Postgres, QueryBuilder};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    Directory, Principal, ProjectView, Result,
    authorization::lookup::find_project,
    authorization::standing::decode_reasons,
    authorization::target::ProjectSeen,
    error::decode,
    paging,
    people::{Cursor, Order, PeopleSort, check_search, order_by, pattern},
};

use super::{Collaborator, CollaboratorKind};

/// The search, filters, order and page of a list of collaborators.
#[derive(Clone, Debug, Default)]
pub struct CollaboratorQuery {
    /// A part of a name or address; empty for all.
    pub search: String,
    /// Only this role.
    pub role: Option<ProjectRole>,
    /// Only these people.
    pub kind: Option<CollaboratorKind>,
    /// The column to sort by.
    pub sort: PeopleSort,
    /// The direction of the order.
    pub order: Order,
    /// The cursor after which the page begins; `None` for the first page.
    pub after: Option<Cursor>,
    /// The largest number of rows.
    pub limit: u16,
}

/// A page of a project's collaborators.
#[derive(Clone, Debug)]
pub struct CollaboratorList {
    /// The project, as the principal sees it.
    pub project: ProjectView,
    /// The people.
    pub rows: Vec<Collaborator>,
    /// The cursor of the next page; `None` on the last.
    pub next: Option<Cursor>,
}

impl Directory {
    /// Returns a page of a project's collaborators, for a person with access to it (C1, C10).
    ///
    /// # Errors
    /// [`Refusal::Hidden`]; [`Refusal::CursorInvalid`] for a cursor of another list; [`Refusal::Malformed`] for an
    /// invalid search text.
    pub async fn collaborators(
        &self,
        principal: &Principal,
        slug: &Slug,
        query: &CollaboratorQuery,
    ) -> Result<CollaboratorList> {
        let project = find_project(&self.pool, slug, principal).await?;
        project.standing.require(Permission::CollaboratorList)?;
        check_search(&query.search)?;
        Cursor::check(query.after.as_ref(), query.sort, query.order)?;
        let limit = usize::from(query.limit.max(1));
        let rows: Vec<Row> = list_statement(&project, query, limit + 1)
            .build_query_as()
            // Planned anew for each text: the plan for any text reads in the order of the list, which is right for a
            // frequent text, and for a rare one a hundred times slower than the index of texts (C10).
            .persistent(query.search.is_empty())
            .fetch_all(&self.pool)
            .await?;
        let (rows, has_more) = paging::cut(rows, limit);
        let rows = rows
            .into_iter()
            .map(|row| row.collaborator(project.owner))
            .collect::<Result<Vec<_>>>()?;
        let next = rows.last().filter(|_| has_more).and_then(|last| {
            Some(Cursor {
                sort: query.sort,
                order: query.order,
                role: last.standing.project?.role.code().to_owned(),
                name: last.name.to_string(),
                added: last.added_at.unix_timestamp_nanos(),
                user: last.user,
            })
        });
        Ok(CollaboratorList {
            project: project.into(),
            rows,
            next,
        })
    }

    /// Returns one collaborator of a project, for a person with access to it.
    ///
    /// # Errors
    /// [`Refusal::Hidden`]; [`Refusal::NotACollaborator`].
    pub async fn collaborator(&self, principal: &Principal, slug: &Slug, user: UserId) -> Result<Collaborator> {
        let project = find_project(&self.pool, slug, principal).await?;
        project.standing.require(Permission::CollaboratorList)?;
        let row: Row = one_statement(&project, user)
            .build_query_as()
            .fetch_optional(&self.pool)
            .await?
            .ok_or(Refusal::NotACollaborator)?;
        row.collaborator(project.owner)
    }
}

#[derive(FromRow)]
struct Row {
    user_id: Uuid,
    name: String,
    email: String,
    is_proved: bool,
    reasons: Vec<String>,
    added_by: Option<String>,
    added_at: OffsetDateTime,
    expires_at: Option<OffsetDateTime>,
}

impl Row {
    fn collaborator(self, owner: UserId) -> Result<Collaborator> {
        let user = UserId(self.user_id);
        let reasons = decode_reasons(&self.reasons)?;
        let project = Reason::standing(&reasons);
        let added_by = self.added_by.map(|name| decode(&name, "users", "name")).transpose()?;
        Ok(Collaborator {
            user,
            name: decode(&self.name, "users", "name")?,
            email: decode(&self.email, "users", "email")?,
            is_proved: self.is_proved,
            standing: Standing {
                organization: project.and_then(|access| membership(access, user == owner)),
                project,
            },
            reasons,
            added_by,
            added_at: self.added_at,
            expires_at: self.expires_at,
        })
    }
}

/// Returns the membership of the organization that follows from the reason for an access.
const fn membership(access: ProjectStanding, is_owner: bool) -> Option<OrganizationStanding> {
    match access.because {
        Because::External => None,
        _ if is_owner => Some(OrganizationStanding::Owner),
        Because::OrganizationAdmin => Some(OrganizationStanding::Member(OrganizationRole::Admin)),
        Because::OrganizationMember | Because::Added => Some(OrganizationStanding::Member(OrganizationRole::Member)),
    }
}

/// The view of the people who have access to the Default Project because they are members.
const DEFAULT_MEMBERS: &str = "access_default_members";

/// The views that `access` is made of. Each is read in the order of its own index and no further than the page goes, so
/// that a page costs the same among 100 and among 100,000 people (C10).
const VIEWS: [(&str, &[CollaboratorKind]); 3] = [
    ("access_organization_admins", &[CollaboratorKind::Admin]),
    (DEFAULT_MEMBERS, &[CollaboratorKind::Member]),
    (
        "access_collaborators",
        &[CollaboratorKind::Member, CollaboratorKind::External],
    ),
];

const COLUMNS: &str = "SELECT a.user_id, a.name, u.email, u.email_proved_at IS NOT NULL AS is_proved, a.reasons,
         adder.name AS added_by, a.added_at, a.expires_at
     FROM (";

const PEOPLE: &str = ") a JOIN users u ON u.id = a.user_id LEFT JOIN users adder ON adder.id = a.added_by";

pub(crate) fn list_statement(project: &ProjectSeen, query: &CollaboratorQuery, limit: usize) -> QueryBuilder<Postgres> {
    let order = order_by(query.sort, query.order);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);

    let mut sql = QueryBuilder::new(COLUMNS);
    let mut is_first = true;
    for (view, kinds) in VIEWS {
        if query.kind.is_some_and(|kind| !kinds.contains(&kind)) {
            continue;
        }
        // Membership alone gives access to the Default Project only. For another project PostgreSQL would read every
        // member to find that out.
        if view == DEFAULT_MEMBERS && !project.is_default {
            continue;
        }
        if !is_first {
            sql.push(" UNION ALL ");
        }
        is_first = false;
        sql.push(format!("(SELECT a.* FROM {view} a"));
        if !query.search.is_empty() {
            sql.push(" JOIN users u ON u.id = a.user_id");
        }
        sql.push(" WHERE a.organization_id = ")
            .push_bind(project.organization.0);
        sql.push(" AND a.project_id = ").push_bind(project.project.0);
        if let Some(role) = query.role {
            sql.push(" AND a.role = ").push_bind(role.code());
        }
        match query.kind {
            Some(CollaboratorKind::External) => drop(sql.push(" AND a.is_external")),
            Some(CollaboratorKind::Member) => drop(sql.push(" AND NOT a.is_external")),
            Some(CollaboratorKind::Admin) | None => {}
        }
        if !query.search.is_empty() {
            sql.push(" AND (lower(u.name) || ' ' || u.email) LIKE ")
                .push_bind(pattern(&query.search));
        }
        if let Some(after) = &query.after {
            after.push(&mut sql);
        }
        sql.push(format!(" ORDER BY {order} LIMIT ")).push_bind(limit).push(")");
    }
    sql.push(PEOPLE)
        .push(format!(" ORDER BY {order} LIMIT "))
        .push_bind(limit);
    sql
}

fn one_statement(project: &ProjectSeen, user: UserId) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(COLUMNS);
    sql.push("SELECT a.* FROM access a WHERE a.organization_id = ")
        .push_bind(project.organization.0);
    sql.push(" AND a.project_id = ").push_bind(project.project.0);
    sql.push(" AND a.user_id = ").push_bind(user.0);
    sql.push(PEOPLE);
    sql
}
