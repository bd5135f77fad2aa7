//! Members of an organization: the list, their roles, and the end of a membership.
//!
//! Owns these use cases. It must not know how a membership begins. Access to the Default Project follows from
//! membership (D2), and what a member was given ends with the membership (M6): the database enforces both.

use policy::{
    Email, MemberChange, Name, OrganizationId, OrganizationRole, OrganizationStanding, Permission, ProjectId, Refusal,
    Slug, UserId, check_member_change,
};
use serde_json::json;
use sqlx::{FromRow, Postgres, QueryBuilder};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    Directory, OrganizationView, Principal, Result,
    authorization::lock::lock_organization,
    authorization::lookup::find_organization,
    authorization::standing::{find_membership, organization_standing},
    authorization::target::OrganizationSeen,
    authorization::{change::Change, permitted::Permitted},
    error::{decode, inconsistent},
    made_keys::{self, KeyChoice, Within},
    memberships,
    notices::Notice,
    open_invitations, outbox,
    owned_assets::{AssetScope, OwnedAssets, owned_assets},
    paging,
    people::{Cursor, Order, PeopleSort, check_search, order_by, pattern},
    users,
};

/// The search, filter, order and page of a list of members.
#[derive(Clone, Debug, Default)]
pub struct MemberQuery {
    /// A part of a name or address; empty for all.
    pub search: String,
    /// Only this role.
    pub role: Option<OrganizationRole>,
    /// The column to sort by.
    pub sort: PeopleSort,
    /// The direction of the order.
    pub order: Order,
    /// The cursor after which the page begins; `None` for the first page.
    pub after: Option<Cursor>,
    /// The largest number of rows.
    pub limit: u16,
}

/// A member of an organization.
#[derive(Clone, Debug)]
pub struct Member {
    /// The person.
    pub user: UserId,
    /// Their name.
    pub name: Name,
    /// Their address.
    pub email: Email,
    /// Whether they have proved that the address is theirs (J1).
    pub is_proved: bool,
    /// Their membership: Owner, Admin or Member.
    pub standing: OrganizationStanding,
    /// The name of the person who invited them.
    pub added_by: Option<Name>,
    /// When the membership began.
    pub added_at: OffsetDateTime,
}

/// A page of an organization's members.
#[derive(Clone, Debug)]
pub struct MemberList {
    /// The organization, as the principal sees it.
    pub organization: OrganizationView,
    /// The people.
    pub rows: Vec<Member>,
    /// The cursor of the next page; `None` on the last.
    pub next: Option<Cursor>,
}

/// What ends with a membership (M6).
#[derive(Clone, Debug)]
pub struct RemovalPreview {
    /// The names of the projects they lose access to, at most [`RemovalPreview::MOST`].
    pub projects: Vec<Name>,
    /// How many projects they lose access to.
    pub project_count: i64,
    /// The addresses whose open invitations they sent, at most [`RemovalPreview::MOST`].
    pub invitations: Vec<Email>,
    /// How many open invitations they sent.
    pub invitation_count: i64,
    /// What they created in the organization's projects, which remains.
    pub owned_assets: OwnedAssets,
}

/// The result of ending a membership (M6), shown to the person who ended it.
#[derive(Clone, Debug)]
pub struct MemberRemoval {
    /// The name of the person who was removed.
    pub name: Name,
    /// When their access ended.
    pub at: OffsetDateTime,
    /// How many of their invitations were revoked.
    pub invitations: usize,
    /// What they created and what remains.
    pub owned_assets: OwnedAssets,
}

impl RemovalPreview {
    /// The largest number of names and addresses in a preview.
    pub const MOST: i64 = 100;
}

impl Directory {
    /// Returns a page of an organization's members, for every member of it (O3).
    ///
    /// # Errors
    /// [`Refusal::Hidden`]; [`Refusal::CursorInvalid`] for a cursor of another list; [`Refusal::Malformed`] for an
    /// invalid search text.
    pub async fn members(&self, principal: &Principal, slug: &Slug, query: &MemberQuery) -> Result<MemberList> {
        let organization = find_organization(&self.pool, slug, principal).await?;
        organization.standing.require(Permission::MemberList)?;
        check_search(&query.search)?;
        Cursor::check(query.after.as_ref(), query.sort, query.order)?;
        let limit = usize::from(query.limit.max(1));
        let rows: Vec<Row> = list_statement(&organization, query, limit + 1)
            .build_query_as()
            // Planned anew for each text: the plan for any text reads in the order of the list, which is right for a
            // frequent text, and for a rare one a hundred times slower than the index of texts (C10).
            .persistent(query.search.is_empty())
            .fetch_all(&self.pool)
            .await?;
        let (rows, has_more) = paging::cut(rows, limit);
        let rows = rows
            .into_iter()
            .map(|row| row.member(organization.owner))
            .collect::<Result<Vec<_>>>()?;
        let next = rows.last().filter(|_| has_more).map(|last| Cursor {
            sort: query.sort,
            order: query.order,
            role: last.standing.role().code().to_owned(),
            name: last.name.to_string(),
            added: last.added_at.unix_timestamp_nanos(),
            user: last.user,
        });
        Ok(MemberList {
            organization: organization.into(),
            rows,
            next,
        })
    }

    /// Returns one member of an organization, for every member of it.
    ///
    /// # Errors
    /// [`Refusal::Hidden`]; [`Refusal::NotAMember`].
    pub async fn member(&self, principal: &Principal, slug: &Slug, user: UserId) -> Result<Member> {
        let organization = find_organization(&self.pool, slug, principal).await?;
        organization.standing.require(Permission::MemberList)?;
        let mut sql = QueryBuilder::new(COLUMNS);
        sql.push("SELECT * FROM members WHERE organization_id = ")
            .push_bind(organization.id.0);
        sql.push(" AND user_id = ").push_bind(user.0).push(PEOPLE);
        let row: Row = sql
            .build_query_as()
            .fetch_optional(&self.pool)
            .await?
            .ok_or(Refusal::NotAMember)?;
        row.member(organization.owner)
    }

    /// Returns what would end with a membership (M6), for the people who may end it.
    ///
    /// # Errors
    /// Those of [`check_member_change`].
    pub async fn removal_preview(&self, principal: &Principal, slug: &Slug, user: UserId) -> Result<RemovalPreview> {
        let actor = principal.user()?;
        let organization = find_organization(&self.pool, slug, principal).await?;
        let membership = find_membership(&self.pool, &organization, user).await?;
        check_member_change(&organization.standing, membership, user == actor, MemberChange::Remove)?;
        let projects = sqlx::query!(
            r#"SELECT p.name, count(*) OVER () AS "count!" FROM access a
               JOIN projects p ON p.organization_id = a.organization_id AND p.id = a.project_id
               WHERE a.organization_id = $1 AND a.user_id = $2
               ORDER BY p.is_default DESC, p.name, p.id LIMIT $3"#,
            organization.id.0,
            user.0,
            RemovalPreview::MOST,
        )
        .fetch_all(&self.pool)
        .await?;
        let invitations = sqlx::query!(
            r#"SELECT email, count(*) OVER () AS "count!" FROM invitations
               WHERE organization_id = $1 AND invited_by = $2 AND accepted_at IS NULL AND revoked_at IS NULL
               ORDER BY email LIMIT $3"#,
            organization.id.0,
            user.0,
            RemovalPreview::MOST,
        )
        .fetch_all(&self.pool)
        .await?;
        let mut db = self.pool.acquire().await?;
        Ok(RemovalPreview {
            owned_assets: owned_assets(&mut db, organization.id, AssetScope::SeenBy(actor), &[user]).await?,
            project_count: projects.first().map_or(0, |row| row.count),
            projects: projects
                .iter()
                .map(|row| decode(&row.name, "projects", "name"))
                .collect::<Result<_>>()?,
            invitation_count: invitations.first().map_or(0, |row| row.count),
            invitations: invitations
                .iter()
                .map(|row| decode(&row.email, "invitations", "email"))
                .collect::<Result<_>>()?,
        })
    }

    /// Changes a member's organization role (M6). If they may no longer invite, their invitations are revoked.
    ///
    /// # Errors
    /// Those of [`check_member_change`]; [`Refusal::ManageKeysDecide`] if the role is lowered and they created keys
    /// with the scope `manage`.
    pub async fn change_member_role(
        &self,
        principal: &Principal,
        slug: &Slug,
        user: UserId,
        role: OrganizationRole,
    ) -> Result<Name> {
        self.change_member_role_and_keys(principal, slug, user, role, &[]).await
    }

    /// Does the same; if the role is lowered, it also applies the choices in `keys` to the keys with the scope `manage`
    /// that the person created in projects of which they are no longer an Admin (K5, K11).
    ///
    /// # Errors
    /// Those of [`check_member_change`]; [`Refusal::ManageKeysDecide`] if there is no choice for one of them.
    pub async fn change_member_role_and_keys(
        &self,
        principal: &Principal,
        slug: &Slug,
        user: UserId,
        role: OrganizationRole,
        keys: &[KeyChoice],
    ) -> Result<Name> {
        let actor = principal.user()?;
        self.change(principal, Permission::MemberUpdateRole.name(), |change| {
            Box::pin(async move {
                let (mut permitted, organization, before) = lock_member(change, slug, user, MemberChange::Role).await?;
                let change = &mut permitted;
                if before.role().is_lowered_to(role) {
                    let within = Within::SeenBy(actor);
                    made_keys::require_decided(change, organization.id, within, user, keys).await?;
                    made_keys::decide(change, organization.id, within, &[user], keys).await?;
                }
                memberships::set_role(change.write(), organization.id, user, role).await?;
                if role.is_lowered_to(before.role()) {
                    let organization = organization.name.clone();
                    outbox::notice(change, user, &Notice::BecameAdmin { organization }).await?;
                }
                let membership = OrganizationStanding::Member(role);
                let standing = policy::Standing {
                    organization: Some(membership),
                    project: None,
                };
                let revoked = if standing.may(Permission::MemberInvite) {
                    Vec::new()
                } else {
                    open_invitations::revoke_of(change, organization.id, user).await?
                };
                change.values(
                    Some(json!({ "role": before.role() })),
                    Some(if revoked.is_empty() {
                        json!({ "role": role })
                    } else {
                        json!({ "role": role, "revoked_invitations": revoked })
                    }),
                );
                memberships::changed(change, organization.id, user);
                users::name_of(change.write(), user).await
            })
        })
        .await
    }

    /// Ends a membership, and with it all access to the organization and its projects (M6). Ending one's own is leaving
    /// (M8). The open invitations that the person sent are revoked.
    ///
    /// # Errors
    /// Those of [`check_member_change`].
    pub async fn remove_member(&self, principal: &Principal, slug: &Slug, user: UserId) -> Result<MemberRemoval> {
        self.remove_member_and_keys(principal, slug, user, &[]).await
    }

    /// Does the same, and applies the choices in `keys` to the keys they created; the other keys keep working (K5).
    ///
    /// # Errors
    /// Those of [`check_member_change`].
    pub async fn remove_member_and_keys(
        &self,
        principal: &Principal,
        slug: &Slug,
        user: UserId,
        keys: &[KeyChoice],
    ) -> Result<MemberRemoval> {
        let actor = principal.user()?;
        self.change(principal, Permission::MemberRemove.name(), |change| {
            Box::pin(async move {
                let (mut permitted, organization, before) =
                    lock_member(change, slug, user, MemberChange::Remove).await?;
                let change = &mut permitted;
                // This comes before the membership ends, while a person who leaves still sees the projects of the keys.
                let within = Within::SeenBy(actor);
                made_keys::decide(change, organization.id, within, &[user], keys).await?;
                let owned_assets =
                    owned_assets(change.write(), organization.id, AssetScope::SeenBy(actor), &[user]).await?;
                let revoked = end(change, organization.id, user).await?;
                change.values(
                    Some(json!({ "role": before.role() })),
                    (!revoked.is_empty()).then(|| json!({ "revoked_invitations": revoked })),
                );
                Ok(MemberRemoval {
                    name: users::name_of(change.write(), user).await?,
                    at: change.at,
                    invitations: revoked.len(),
                    owned_assets,
                })
            })
        })
        .await
    }

    /// Returns whether a person is a member of an organization, by its permanent id; for connections that stay open.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn is_member(&self, principal: &Principal, organization: OrganizationId) -> Result<bool> {
        let user = principal.user()?;
        let row = sqlx::query!(
            "SELECT role FROM members WHERE organization_id = $1 AND user_id = $2",
            organization.0,
            user.0
        )
        .fetch_optional(&self.pool)
        .await?;
        let standing = policy::Standing {
            organization: organization_standing(row.as_ref().map(|row| row.role.as_str()), false)?,
            project: None,
        };
        Ok(standing.may(Permission::OrganizationRead))
    }
}

/// Ends a membership inside a change. Returns the addresses whose invitations were revoked.
pub(crate) async fn end(
    change: &mut Permitted<'_, '_>,
    organization: OrganizationId,
    user: UserId,
) -> Result<Vec<String>> {
    let revoked = open_invitations::revoke_of(change, organization, user).await?;
    // The rows would be deleted with the membership. Each deletion is a change to its project as well, and needs a row
    // in the project's audit (A1, A2).
    let lost = sqlx::query!(
        "DELETE FROM collaborators WHERE organization_id = $1 AND user_id = $2 RETURNING project_id, role",
        organization.0,
        user.0
    )
    .fetch_all(change.write())
    .await?;
    for row in lost {
        memberships::removed(change, organization, ProjectId(row.project_id), user, &row.role);
    }
    sqlx::query!(
        "DELETE FROM members WHERE organization_id = $1 AND user_id = $2",
        organization.0,
        user.0
    )
    .execute(change.write())
    .await?;
    memberships::changed(change, organization, user);
    Ok(revoked)
}

/// Locks the organization, reads the membership, and checks the change with the policy.
async fn lock_member<'c, 'a>(
    change: &'c mut Change<'a>,
    slug: &Slug,
    user: UserId,
    wanted: MemberChange,
) -> Result<(Permitted<'c, 'a>, OrganizationSeen, OrganizationStanding)> {
    change.set_target(user);
    let organization = lock_organization(change, slug).await?;
    let membership = find_membership(change.read(), &organization, user).await?;
    let is_self = user == change.principal.user()?;
    let permit = check_member_change(&organization.standing, membership, is_self, wanted)?;
    let membership = membership.ok_or(Refusal::NotAMember)?;
    Ok((change.permit(permit), organization, membership))
}

#[derive(FromRow)]
struct Row {
    user_id: Uuid,
    name: String,
    email: String,
    is_proved: bool,
    role: String,
    added_by: Option<String>,
    added_at: OffsetDateTime,
}

impl Row {
    fn member(self, owner: UserId) -> Result<Member> {
        let user = UserId(self.user_id);
        Ok(Member {
            user,
            name: decode(&self.name, "users", "name")?,
            email: decode(&self.email, "users", "email")?,
            is_proved: self.is_proved,
            standing: organization_standing(Some(&self.role), user == owner)?
                .ok_or_else(|| inconsistent("members", "role"))?,
            added_by: self.added_by.map(|name| decode(&name, "users", "name")).transpose()?,
            added_at: self.added_at,
        })
    }
}

const COLUMNS: &str = "SELECT a.user_id, a.name, u.email, u.email_proved_at IS NOT NULL AS is_proved, a.role,
    adder.name AS added_by, a.added_at FROM (";

const PEOPLE: &str = ") a JOIN users u ON u.id = a.user_id LEFT JOIN users adder ON adder.id = a.added_by";

/// Builds the statement of the list. It reads in the order of an index, and no further than the page goes (C10).
pub(crate) fn list_statement(
    organization: &OrganizationSeen,
    query: &MemberQuery,
    limit: usize,
) -> QueryBuilder<Postgres> {
    let order = order_by(query.sort, query.order);
    let mut sql = QueryBuilder::new(COLUMNS);
    sql.push("SELECT a.* FROM members a");
    if !query.search.is_empty() {
        sql.push(" JOIN users u ON u.id = a.user_id");
    }
    sql.push(" WHERE a.organization_id = ").push_bind(organization.id.0);
    if let Some(role) = query.role {
        sql.push(" AND a.role = ").push_bind(role.code());
    }
    if !query.search.is_empty() {
        sql.push(" AND (lower(u.name) || ' ' || u.email) LIKE ")
            .push_bind(pattern(&query.search));
    }
    if let Some(after) = &query.after {
        after.push(&mut sql);
    }
    sql.push(format!(" ORDER BY {order} LIMIT "))
        .push_bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .push(PEOPLE)
        .push(format!(" ORDER BY {order}"));
    sql
}
