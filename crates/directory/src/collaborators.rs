//! Collaborators of a project: adding, changing, removing them, and the list (RULES C, X).

use std::str::FromStr;

use policy::{
    Because, CollaboratorChange, Email, Name, OrganizationRole, OrganizationStanding, Permission, ProjectRole,
    ProjectStanding, Refusal, Slug, Standing, Target, UserId, check_collaborator_change, check_end_date,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{FromRow, Postgres, QueryBuilder};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{
    Actor, Directory, Error, Hint, ProjectView, Result,
    attempts::Limit,
    authorization::lock::lock_in,
    authorization::lookup::find_project,
    authorization::principal::By,
    authorization::standing::{find_person, project_standing},
    authorization::target::{PersonSeen, ProjectSeen},
    change::Change,
    connections::PgConnection,
    error::{decode, refuse_on},
    made_keys::{self, KeyChoice, Within},
    notices::{self, Notice},
    owned_assets::{OwnedAssets, Place, owned_assets},
    paging,
    people::{Cursor, Order, PeopleSort, check_search, order_by, pattern},
};

/// Which people of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CollaboratorKind {
    /// Members of the organization who are not its Admins.
    Member,
    /// Admins of the organization.
    Admin,
    /// People outside the organization.
    External,
}

impl FromStr for CollaboratorKind {
    type Err = Refusal;

    fn from_str(text: &str) -> std::result::Result<Self, Refusal> {
        match text {
            "member" => Ok(Self::Member),
            "admin" => Ok(Self::Admin),
            "external" => Ok(Self::External),
            _ => Err(Refusal::Malformed),
        }
    }
}

/// Which part of a project's collaborators, in which order.
#[derive(Clone, Debug, Default)]
pub struct CollaboratorQuery {
    /// A part of a name or address; empty for all.
    pub search: String,
    /// Only this role.
    pub role: Option<ProjectRole>,
    /// Only these people.
    pub kind: Option<CollaboratorKind>,
    /// The order.
    pub sort: PeopleSort,
    /// Its direction.
    pub order: Order,
    /// The place to go on from.
    pub after: Option<Cursor>,
    /// How many, at most.
    pub limit: u16,
}

/// Somebody with access to a project (C1).
#[derive(Clone, Debug)]
pub struct Collaborator {
    /// The person.
    pub user: UserId,
    /// Their name.
    pub name: Name,
    /// Their address.
    pub email: Email,
    /// Whether they have shown that it is theirs (J1).
    pub is_proved: bool,
    /// What they are to the organization and the project.
    pub standing: Standing,
    /// Who gave them access.
    pub added_by: Option<Name>,
    /// Since when.
    pub added_at: OffsetDateTime,
    /// Until when (C8).
    pub expires_at: Option<OffsetDateTime>,
}

/// A page of a project's collaborators.
#[derive(Clone, Debug)]
pub struct CollaboratorList {
    /// The project, as the one who asks sees it.
    pub project: ProjectView,
    /// The people.
    pub rows: Vec<Collaborator>,
    /// Where the next page begins; none on the last.
    pub next: Option<Cursor>,
}

/// Who was added.
#[derive(Clone, Debug)]
pub struct Added {
    /// The person.
    pub user: UserId,
    /// Their name.
    pub name: Name,
}

/// What a removal did (C6): the receipt for whoever did it.
#[derive(Clone, Debug)]
pub struct Removal {
    /// Their name.
    pub name: Name,
    /// When their access ended.
    pub at: OffsetDateTime,
    /// The role that ended.
    pub role: Option<ProjectRole>,
    /// How many SSH keys log in to the project's clusters no more.
    pub ssh_keys: i64,
    /// The API keys that were revoked with it.
    pub revoked: Vec<Name>,
    /// What they made, and is still there.
    pub owned_assets: OwnedAssets,
}

/// Failed adds of one person, wherever they try (X6).
fn add_limit(actor: &Actor) -> Limit {
    Limit {
        bucket: format!("collaborator:add {}", actor.user),
        count: 60,
        window: Duration::minutes(10),
    }
}

impl Directory {
    /// A page of a project's collaborators, for somebody with access to it (C1, C10).
    ///
    /// # Errors
    /// [`Refusal::Hidden`]; [`Refusal::CursorInvalid`] for a place in another list; [`Refusal::Malformed`] for a search text
    /// that cannot be one.
    pub async fn collaborators(
        &self,
        user: UserId,
        slug: &Slug,
        query: &CollaboratorQuery,
    ) -> Result<CollaboratorList> {
        let project = find_project(&self.pool, slug, user).await?;
        project.standing.require(Permission::CollaboratorList)?;
        check_search(&query.search)?;
        Cursor::check(query.after.as_ref(), query.sort, query.order)?;
        let limit = usize::from(query.limit.max(1));
        let rows: Vec<Row> = list_statement(&project, query, limit + 1)
            .build_query_as()
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

    /// One person of a project, for somebody with access to it.
    ///
    /// # Errors
    /// [`Refusal::Hidden`]; [`Refusal::NotACollaborator`].
    pub async fn collaborator(&self, actor: UserId, slug: &Slug, user: UserId) -> Result<Collaborator> {
        let project = find_project(&self.pool, slug, actor).await?;
        project.standing.require(Permission::CollaboratorList)?;
        let row: Row = one_statement(&project, user)
            .build_query_as()
            .fetch_optional(&self.pool)
            .await?
            .ok_or(Refusal::NotACollaborator)?;
        row.collaborator(project.owner)
    }

    /// Adds the person with this address to a project, as a Member, at once (C2, C4).
    ///
    /// # Errors
    /// [`Refusal::EmailInvalid`], [`Refusal::EmailSeveral`], [`Refusal::EmailNotAscii`], [`Refusal::UserNotFound`], [`Refusal::NotInOrganization`], [`Refusal::AlreadyCollaborator`]
    /// (C3, J2); [`Refusal::ExternalInDefaultProject`] (D4); [`Refusal::CannotAdd`], [`Refusal::TooManyAttempts`] (X6).
    pub async fn add_collaborator(&self, actor: &Actor, slug: &Slug, email: &str) -> Result<Added> {
        let limit = add_limit(actor);
        let within_limit = self.attempt(&limit).await;
        let outcome = self
            .change(By::User(actor), Permission::CollaboratorAdd.name(), |change| {
                Box::pin(async move {
                    // Only what is an address: words that aren't are nobody's to leave in the audit (A4).
                    change.record.target = Email::from_input(email).ok().map(|email| email.to_string());
                    within_limit?;
                    self.add_collaborator_in(change, actor, slug, email).await
                })
            })
            .await;
        // What counts against the limit is what could tell who has an account.
        let tells_nothing = matches!(
            outcome,
            Ok(_)
                | Err(Error::Refused(
                    Refusal::EmailInvalid
                        | Refusal::EmailSeveral
                        | Refusal::EmailNotAscii
                        | Refusal::Hidden
                        | Refusal::Forbidden(_)
                ))
        );
        if tells_nothing {
            self.forgive(&limit).await?;
        }
        outcome
    }

    async fn add_collaborator_in(
        &self,
        change: &mut Change<'_>,
        actor: &Actor,
        slug: &Slug,
        email: &str,
    ) -> Result<Added> {
        let project = lock_in(change, slug, actor.user).await?;
        project.standing.require(Permission::CollaboratorAdd)?;
        let email = Email::from_input(email)?;
        // X6: a project Admin from outside need not learn who has an account.
        let neutral = self.settings.neutral_add_errors && project.standing.organization.is_none();
        let not_found = if neutral {
            Refusal::CannotAdd
        } else {
            Refusal::UserNotFound
        };
        let not_inside = if neutral {
            Refusal::CannotAdd
        } else {
            Refusal::NotInOrganization
        };

        let user = find_addable(change, &project, &email).await?.ok_or(not_found)?;
        change.set_target(user);
        let person = match find_person(&mut *change.tx, &project, user).await {
            // Their account was deleted just now.
            Err(Error::Refused(Refusal::NotACollaborator)) => return Err(not_found.into()),
            person => person?,
        };
        if person.standing.project.is_some() {
            return Err(Refusal::AlreadyCollaborator.into());
        }
        if person.standing.organization.is_none() && !project.allow_externals {
            return Err(if project.is_default && !neutral {
                Refusal::ExternalInDefaultProject
            } else {
                not_inside
            }
            .into());
        }
        // Where access had ended by its date, its row is still there: start afresh.
        sqlx::query!(
            "DELETE FROM collaborators WHERE organization_id = $1 AND project_id = $2 AND user_id = $3",
            project.organization.0,
            project.project.0,
            user.0,
        )
        .execute(&mut *change.tx)
        .await?;
        insert(change, &project, &person, ProjectRole::Member, actor.user)
            .await
            .map_err(|error| refuse_on(error, "collaborators_external_allowed", not_inside))?;
        change.values(None, Some(json!({ "role": ProjectRole::Member })));
        changed(change, &project, user);
        Ok(Added {
            user,
            name: person.name,
        })
    }

    /// Gives a collaborator another role; counts from their next request (C5).
    ///
    /// # Errors
    /// Those of [`check_collaborator_change`]; [`Refusal::ManageKeysDecide`] for a lower one, if they made keys that manage.
    pub async fn change_collaborator_role(
        &self,
        actor: &Actor,
        slug: &Slug,
        user: UserId,
        role: ProjectRole,
    ) -> Result<Name> {
        self.change_collaborator_role_and_keys(actor, slug, user, role, &[])
            .await
    }

    /// The same; and where the role is lowered, does as chosen with the keys that manage which they made: those go on otherwise,
    /// and do what their maker may not do any more (K5, K11).
    ///
    /// # Errors
    /// Those of [`check_collaborator_change`]; [`Refusal::ManageKeysDecide`] if nothing was chosen for one of them.
    pub async fn change_collaborator_role_and_keys(
        &self,
        actor: &Actor,
        slug: &Slug,
        user: UserId,
        role: ProjectRole,
        keys: &[KeyChoice],
    ) -> Result<Name> {
        self.change(By::User(actor), Permission::CollaboratorUpdateRole.name(), |change| {
            Box::pin(async move {
                let (project, person) = lock_person(change, actor, slug, user, CollaboratorChange::Role).await?;
                let before = person.standing.project.map(|place| place.role);
                if before.is_some_and(|before| before.is_lowered_to(role)) {
                    let within = Within::Project(project.project);
                    made_keys::require_decided(change, project.organization, within, user, keys).await?;
                    made_keys::decide(change, project.organization, within, &[user], keys).await?;
                }
                // In the Default Project somebody with the role of every member has no row of their own yet.
                let updated = sqlx::query!(
                "UPDATE collaborators SET role = $4 WHERE organization_id = $1 AND project_id = $2 AND user_id = $3",
                project.organization.0,
                project.project.0,
                user.0,
                role.code(),
            )
            .execute(&mut *change.tx)
            .await?
            .rows_affected();
                if updated == 0 {
                    insert(change, &project, &person, role, actor.user).await?;
                }
                if before.is_some_and(|before| role.is_lowered_to(before)) {
                    let project = name_of(&mut change.tx, &project).await?;
                    notices::tell(change, user, &Notice::BecameProjectAdmin { project }).await?;
                }
                change.values(
                    person.standing.project.map(|place| json!({ "role": place.role })),
                    Some(json!({ "role": role })),
                );
                changed(change, &project, user);
                Ok(person.name)
            })
        })
        .await
    }

    /// Takes a collaborator's access away (C6), or gives up one's own (C7); and does as chosen with the keys they made: the others
    /// go on working as they do (K5).
    ///
    /// # Errors
    /// Those of [`check_collaborator_change`].
    pub async fn remove_collaborator(
        &self,
        actor: &Actor,
        slug: &Slug,
        user: UserId,
        keys: &[KeyChoice],
    ) -> Result<Removal> {
        self.change(By::User(actor), Permission::CollaboratorRemove.name(), |change| {
            Box::pin(async move {
                let (project, person) = lock_person(change, actor, slug, user, CollaboratorChange::Remove).await?;
                sqlx::query!(
                    "DELETE FROM collaborators WHERE organization_id = $1 AND project_id = $2 AND user_id = $3",
                    project.organization.0,
                    project.project.0,
                    user.0,
                )
                .execute(&mut *change.tx)
                .await?;
                let role = person.standing.project.map(|place| place.role);
                change.values(role.map(|role| json!({ "role": role })), None);
                changed(change, &project, user);
                let within = Within::Project(project.project);
                let revoked = made_keys::decide(change, project.organization, within, &[user], keys).await?;
                let ssh_keys = sqlx::query!(
                    r#"SELECT count(*) AS "count!" FROM ssh_keys WHERE user_id = $1"#,
                    user.0
                )
                .fetch_one(&mut *change.tx)
                .await?
                .count;
                let owned_assets = owned_assets(
                    &mut change.tx,
                    project.organization,
                    Place::Project(project.project),
                    &[user],
                )
                .await?;
                Ok(Removal {
                    name: person.name,
                    at: change.at,
                    role,
                    ssh_keys,
                    revoked,
                    owned_assets,
                })
            })
        })
        .await
    }

    /// Gives a collaborator's access an end, another one, or none (C8).
    ///
    /// # Errors
    /// Those of [`check_collaborator_change`]; [`Refusal::EndDateInvalid`] for an end in the past; [`Refusal::OwnEndDate`].
    pub async fn set_collaborator_end_date(
        &self,
        actor: &Actor,
        slug: &Slug,
        user: UserId,
        expires_at: Option<OffsetDateTime>,
    ) -> Result<Name> {
        self.change(By::User(actor), Permission::CollaboratorUpdateRole.name(), |change| Box::pin(async move {
            let (project, person) = lock_person(change, actor, slug, user, CollaboratorChange::EndDate).await?;
            if expires_at.is_some_and(|end| end <= change.at) {
                return Err(Refusal::EndDateInvalid.into());
            }
            check_end_date(user == actor.user, person.expires_at, expires_at)?;
            sqlx::query!(
                "UPDATE collaborators SET expires_at = $4 WHERE organization_id = $1 AND project_id = $2 AND user_id = $3",
                project.organization.0,
                project.project.0,
                user.0,
                expires_at,
            )
            .execute(&mut *change.tx)
            .await?;
            let value = |end: Option<OffsetDateTime>| Some(json!({ "expires_at": end.map(|end| end.unix_timestamp()) }));
            change.values(value(person.expires_at), value(expires_at));
            changed(change, &project, user);
            Ok(person.name)
        }))
        .await
    }
}

/// Locks the project, reads the person, and asks the policy about the change.
async fn lock_person(
    change: &mut Change<'_>,
    actor: &Actor,
    slug: &Slug,
    user: UserId,
    wanted: CollaboratorChange,
) -> Result<(ProjectSeen, PersonSeen)> {
    change.set_target(user);
    let project = lock_in(change, slug, actor.user).await?;
    // Access to the project comes before everything, even before whether there is such a person (P3).
    project.standing.require(Permission::CollaboratorList)?;
    // Then comes the permission: who lacks it does not learn by the refusal whether there is such a person.
    let (standing, person) = match find_person(&mut *change.tx, &project, user).await {
        Ok(person) => (person.standing, Ok(person)),
        Err(Error::Refused(refusal)) => (Standing::default(), Err(refusal)),
        Err(error) => return Err(error),
    };
    let target = Target {
        standing,
        in_default_project: project.is_default,
        is_self: user == actor.user,
    };
    check_collaborator_change(&project.standing, &target, wanted)?;
    Ok((project, person?))
}

/// The person with this address, if the project may know of them (J2). An account whose address is not proved may be a stranger's:
/// it is found only in an organization that it is in, which invited that very address, or by a project that it has access to. Of
/// any other the answer is that of no account, by the same one query.
async fn find_addable(change: &mut Change<'_>, project: &ProjectSeen, email: &Email) -> Result<Option<UserId>> {
    let row = sqlx::query!(
        "SELECT u.id FROM users u
         WHERE u.email = $1 AND (
             u.email_proved_at IS NOT NULL
             OR EXISTS (SELECT FROM members m WHERE m.organization_id = $2 AND m.user_id = u.id)
             OR EXISTS (SELECT FROM access_collaborators a
                        WHERE a.organization_id = $2 AND a.project_id = $3 AND a.user_id = u.id)
         )",
        email.as_str(),
        project.organization.0,
        project.project.0,
    )
    .fetch_optional(&mut *change.tx)
    .await?;
    Ok(row.map(|row| UserId(row.id)))
}

/// What a locked project is called.
async fn name_of(db: &mut PgConnection, project: &ProjectSeen) -> Result<Name> {
    let row = sqlx::query!(
        "SELECT name FROM projects WHERE organization_id = $1 AND id = $2",
        project.organization.0,
        project.project.0,
    )
    .fetch_one(db)
    .await?;
    decode(&row.name, "projects", "name")
}

/// Tells everybody who looks at the project, and the person.
fn changed(change: &mut Change<'_>, project: &ProjectSeen, user: UserId) {
    change.hint(Hint::Project(project.project));
    change.hint(Hint::User(user));
}

async fn insert(
    change: &mut Change<'_>,
    project: &ProjectSeen,
    person: &PersonSeen,
    role: ProjectRole,
    by: UserId,
) -> std::result::Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO collaborators (organization_id, project_id, user_id, name, role, added_by, added_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        project.organization.0,
        project.project.0,
        person.user.0,
        person.name.as_str(),
        role.code(),
        by.0,
        change.at,
    )
    .execute(&mut *change.tx)
    .await?;
    Ok(())
}

#[derive(FromRow)]
struct Row {
    user_id: Uuid,
    name: String,
    email: String,
    is_proved: bool,
    role: String,
    because: String,
    added_by: Option<String>,
    added_at: OffsetDateTime,
    expires_at: Option<OffsetDateTime>,
}

impl Row {
    fn collaborator(self, owner: UserId) -> Result<Collaborator> {
        let user = UserId(self.user_id);
        let project = project_standing(Some(&self.role), Some(&self.because))?;
        let added_by = self.added_by.map(|name| decode(&name, "users", "name")).transpose()?;
        Ok(Collaborator {
            user,
            name: decode(&self.name, "users", "name")?,
            email: decode(&self.email, "users", "email")?,
            is_proved: self.is_proved,
            standing: Standing {
                organization: project.and_then(|place| membership(place, user == owner)),
                project,
            },
            added_by,
            added_at: self.added_at,
            expires_at: self.expires_at,
        })
    }
}

/// What the reason for an access says about the person's place in the organization.
const fn membership(place: ProjectStanding, is_owner: bool) -> Option<OrganizationStanding> {
    match place.because {
        Because::External => None,
        _ if is_owner => Some(OrganizationStanding::Owner),
        Because::OrganizationAdmin => Some(OrganizationStanding::Member(OrganizationRole::Admin)),
        Because::OrganizationMember | Because::Added => Some(OrganizationStanding::Member(OrganizationRole::Member)),
    }
}

/// The view of those who are in the Default Project by membership.
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

const COLUMNS: &str =
    "SELECT a.user_id, a.name, u.email, u.email_proved_at IS NOT NULL AS is_proved, a.role, a.because,
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
        // Nobody is in another project by membership alone: PostgreSQL would read every member to find that out.
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
