//! Members of an organization: the list, their roles, and the end of a membership. Access to the Default Project
//! follows from membership by itself (D2), and what was given to a member ends with it (M6): the database sees to both.

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
    authorization::standing::{find_place, organization_standing},
    authorization::target::OrganizationSeen,
    authorization::{change::Change, permitted::Permitted},
    error::{decode, inconsistent},
    invitations,
    made_keys::{self, KeyChoice, Within},
    memberships,
    notices::Notice,
    outbox,
    owned_assets::{OwnedAssets, Place, owned_assets},
    paging,
    people::{Cursor, Order, PeopleSort, check_search, order_by, pattern},
    users,
};

/// Which part of an organization's members, in which order.
#[derive(Clone, Debug, Default)]
pub struct MemberQuery {
    /// A part of a name or address; empty for all.
    pub search: String,
    /// Only this role.
    pub role: Option<OrganizationRole>,
    /// The order.
    pub sort: PeopleSort,
    /// Its direction.
    pub order: Order,
    /// The place to go on from.
    pub after: Option<Cursor>,
    /// How many, at most.
    pub limit: u16,
}

/// Somebody in an organization.
#[derive(Clone, Debug)]
pub struct Member {
    /// The person.
    pub user: UserId,
    /// Their name.
    pub name: Name,
    /// Their address.
    pub email: Email,
    /// Whether they have shown that it is theirs (J1).
    pub is_proved: bool,
    /// What they are in the organization.
    pub place: OrganizationStanding,
    /// Who invited them.
    pub added_by: Option<Name>,
    /// Since when.
    pub added_at: OffsetDateTime,
}

/// A page of an organization's members.
#[derive(Clone, Debug)]
pub struct MemberList {
    /// The organization, as the one who asks sees it.
    pub organization: OrganizationView,
    /// The people.
    pub rows: Vec<Member>,
    /// Where the next page begins; none on the last.
    pub next: Option<Cursor>,
}

/// What ends when a membership does (M6).
#[derive(Clone, Debug)]
pub struct RemovalPreview {
    /// The names of the projects they lose access to; no more than [`RemovalPreview::MOST`].
    pub projects: Vec<Name>,
    /// How many projects that is.
    pub project_count: i64,
    /// The addresses they invited that have not answered; no more than [`RemovalPreview::MOST`].
    pub invitations: Vec<Email>,
    /// How many invitations that is.
    pub invitation_count: i64,
    /// What they made in the organization's projects: it stays.
    pub owned_assets: OwnedAssets,
}

/// What the end of a membership did (M6): the receipt for whoever ended it.
#[derive(Clone, Debug)]
pub struct MemberRemoval {
    /// Their name.
    pub name: Name,
    /// When their access ended.
    pub at: OffsetDateTime,
    /// How many invitations of theirs were revoked with it.
    pub invitations: usize,
    /// What they made, and is still there.
    pub owned_assets: OwnedAssets,
}

impl RemovalPreview {
    /// As many are named.
    pub const MOST: i64 = 100;
}

impl Directory {
    /// A page of an organization's members, for every member of it (O3).
    ///
    /// # Errors
    /// [`Refusal::Hidden`]; [`Refusal::CursorInvalid`] for a place in another list; [`Refusal::Malformed`] for a search
    /// text that cannot be one.
    pub async fn members(&self, principal: &Principal, slug: &Slug, query: &MemberQuery) -> Result<MemberList> {
        let organization = find_organization(&self.pool, slug, principal).await?;
        organization.standing.require(Permission::MemberList)?;
        check_search(&query.search)?;
        Cursor::check(query.after.as_ref(), query.sort, query.order)?;
        let limit = usize::from(query.limit.max(1));
        let rows: Vec<Row> = list_statement(&organization, query, limit + 1)
            .build_query_as()
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
            role: last.place.role().code().to_owned(),
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

    /// One member of an organization, for every member of it.
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

    /// What ends with a membership, told before it does (M6): to those who may end it.
    ///
    /// # Errors
    /// Those of [`check_member_change`].
    pub async fn removal_preview(&self, principal: &Principal, slug: &Slug, user: UserId) -> Result<RemovalPreview> {
        let actor = principal.user()?;
        let organization = find_organization(&self.pool, slug, principal).await?;
        let place = find_place(&self.pool, &organization, user).await?;
        check_member_change(&organization.standing, place, user == actor, MemberChange::Remove)?;
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
            owned_assets: owned_assets(&mut db, organization.id, Place::SeenBy(actor), &[user]).await?,
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

    /// Gives a member another organization role (M6). The invitations of somebody who may invite no more are revoked.
    ///
    /// # Errors
    /// Those of [`check_member_change`]; [`Refusal::ManageKeysDecide`] for a lower one, if they made keys that manage.
    pub async fn change_member_role(
        &self,
        principal: &Principal,
        slug: &Slug,
        user: UserId,
        role: OrganizationRole,
    ) -> Result<Name> {
        self.change_member_role_and_keys(principal, slug, user, role, &[]).await
    }

    /// The same; and where the role is lowered, does as chosen with the keys that manage which they made in projects
    /// that they are no Admin of any more (K5, K11).
    ///
    /// # Errors
    /// Those of [`check_member_change`]; [`Refusal::ManageKeysDecide`] if nothing was chosen for one of them.
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
                let place = OrganizationStanding::Member(role);
                let standing = policy::Standing {
                    organization: Some(place),
                    project: None,
                };
                let revoked = if standing.may(Permission::MemberInvite) {
                    Vec::new()
                } else {
                    invitations::revoke_of(change, organization.id, user).await?
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

    /// Ends a membership, and with it all access to the organization and its projects (M6); one's own is leaving (M8).
    /// The invitations they sent that are still open are revoked.
    ///
    /// # Errors
    /// Those of [`check_member_change`].
    pub async fn remove_member(&self, principal: &Principal, slug: &Slug, user: UserId) -> Result<MemberRemoval> {
        self.remove_member_and_keys(principal, slug, user, &[]).await
    }

    /// The same, and does as chosen with the keys they made: the others go on working as they do (K5).
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
                // While whoever leaves by themselves still sees the projects that the keys are in.
                let within = Within::SeenBy(actor);
                made_keys::decide(change, organization.id, within, &[user], keys).await?;
                let owned_assets = owned_assets(change.write(), organization.id, Place::SeenBy(actor), &[user]).await?;
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

    /// Whether somebody is a member of an organization, by its permanent id; for connections that stay open.
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

/// Ends a membership inside a change. Answers the addresses whose invitations ended with it.
pub(crate) async fn end(
    change: &mut Permitted<'_, '_>,
    organization: OrganizationId,
    user: UserId,
) -> Result<Vec<String>> {
    let revoked = invitations::revoke_of(change, organization, user).await?;
    // They would go with the membership. Each is a change to its project as well, and is in its audit (A1, A2).
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

/// Locks the organization, reads the member, and asks the policy about the change.
async fn lock_member<'c, 'a>(
    change: &'c mut Change<'a>,
    slug: &Slug,
    user: UserId,
    wanted: MemberChange,
) -> Result<(Permitted<'c, 'a>, OrganizationSeen, OrganizationStanding)> {
    change.set_target(user);
    let organization = lock_organization(change, slug).await?;
    let place = find_place(change.read(), &organization, user).await?;
    let is_self = user == change.principal.user()?;
    let permit = check_member_change(&organization.standing, place, is_self, wanted)?;
    let place = place.ok_or(Refusal::NotAMember)?;
    Ok((change.permit(permit), organization, place))
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
            place: organization_standing(Some(&self.role), user == owner)?
                .ok_or_else(|| inconsistent("members", "role"))?,
            added_by: self.added_by.map(|name| decode(&name, "users", "name")).transpose()?,
            added_at: self.added_at,
        })
    }
}

const COLUMNS: &str = "SELECT a.user_id, a.name, u.email, u.email_proved_at IS NOT NULL AS is_proved, a.role,
    adder.name AS added_by, a.added_at FROM (";

const PEOPLE: &str = ") a JOIN users u ON u.id = a.user_id LEFT JOIN users adder ON adder.id = a.added_by";

/// Read in the order of an index, and no further than the page goes (C10).
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
