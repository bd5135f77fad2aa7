//! Collaborators of a project: adding, changing, removing them, and the list (RULES C, X).
//!
//! Owns adding a collaborator and the types of the list. It must not know how people are invited to an organization.

mod change;
pub(crate) mod list;

pub use change::Removal;
pub use list::{CollaboratorList, CollaboratorQuery};

use std::str::FromStr;

use policy::{Email, Name, Permission, ProjectRole, Reason, Refusal, Slug, Standing, UserId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::{
    Directory, Error, Principal, Result,
    attempts::Limit,
    authorization::lock::lock_project,
    authorization::standing::find_person,
    authorization::target::{PersonSeen, ProjectSeen},
    authorization::{change::Change, permitted::Permitted},
    connections::PgConnection,
    error::{decode, refuse_on},
};

use change::changed;

/// A kind of people to narrow a list to.
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

/// Somebody with access to a project (C1).
#[derive(Clone, Debug)]
pub struct Collaborator {
    /// The person.
    pub user: UserId,
    /// Their name.
    pub name: Name,
    /// Their address.
    pub email: Email,
    /// Whether they have proved that the address is theirs (J1).
    pub is_proved: bool,
    /// What they are to the organization and the project.
    pub standing: Standing,
    /// Every reason for which they have access, the one that counts first (R3).
    pub reasons: Vec<Reason>,
    /// The name of the person who gave them access.
    pub added_by: Option<Name>,
    /// When their access began.
    pub added_at: OffsetDateTime,
    /// When their access ends (C8).
    pub expires_at: Option<OffsetDateTime>,
}

/// The person who was added.
#[derive(Clone, Debug)]
pub struct Added {
    /// The person.
    pub user: UserId,
    /// Their name.
    pub name: Name,
}

/// The limit on failed attempts of one person to add somebody, over all projects (X6).
fn add_limit(actor: UserId) -> Limit {
    Limit {
        bucket: format!("collaborator:add {actor}"),
        count: 60,
        window: Duration::minutes(10),
    }
}

impl Directory {
    /// Adds the person with this address to a project, as a Member, at once (C2, C4).
    ///
    /// # Errors
    /// [`Refusal::EmailInvalid`], [`Refusal::EmailSeveral`], [`Refusal::EmailNotAscii`], [`Refusal::UserNotFound`],
    /// [`Refusal::NotInOrganization`], [`Refusal::AlreadyCollaborator`] (C3, J2); [`Refusal::ExternalInDefaultProject`]
    /// (D4); [`Refusal::CannotAdd`], [`Refusal::TooManyAttempts`] (X6).
    pub async fn add_collaborator(&self, principal: &Principal, slug: &Slug, email: &str) -> Result<Added> {
        let actor = principal.user()?;
        let limit = add_limit(actor);
        let within_limit = self.attempt(&limit).await;
        let outcome = self
            .change(principal, Permission::CollaboratorAdd.name(), |change| {
                Box::pin(async move {
                    // Only a valid address goes into the audit, so that nobody can leave arbitrary text there (A4).
                    change.record.target = Email::from_input(email).ok().map(|email| email.to_string());
                    within_limit?;
                    self.add_collaborator_in(change, actor, slug, email).await
                })
            })
            .await;
        // Only outcomes that could reveal who has an account count against the limit.
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
        actor: UserId,
        slug: &Slug,
        email: &str,
    ) -> Result<Added> {
        let project = lock_project(change, slug).await?;
        let change = &mut change.permit(project.standing.require(Permission::CollaboratorAdd)?);
        let email = Email::from_input(email)?;
        // X6: a project Admin who is no member of the organization need not learn who has an account.
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
        let person = match find_person(change.write(), &project, user).await {
            // Their account was deleted after it was found.
            Err(Error::Refused(Refusal::NotACollaborator)) => return Err(not_found.into()),
            person => person?,
        };
        if !person.reasons.is_empty() {
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
        // If access ended by its end date, the row still exists. It is replaced.
        sqlx::query!(
            "DELETE FROM collaborators WHERE organization_id = $1 AND project_id = $2 AND user_id = $3",
            project.organization.0,
            project.project.0,
            user.0,
        )
        .execute(change.write())
        .await?;
        insert(change, &project, &person, ProjectRole::Member, actor)
            .await
            .map_err(|error| refuse_on(error, "collaborators_external_allowed", not_inside))?;
        change.values(None, Some(json!({ "role": ProjectRole::Member })));
        changed(change, &project, user);
        Ok(Added {
            user,
            name: person.name,
        })
    }
}

/// Returns the person with this address, if the project may know about them (J2). An account whose address is not
/// proved may belong to somebody else. It is found only in an organization that it is a member of, which invited that
/// very address, or by a project that it has access to. Any other such account gives the same answer as no account, by
/// the same single query.
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
    .fetch_optional(change.read())
    .await?;
    Ok(row.map(|row| UserId(row.id)))
}

/// Returns the name of a locked project.
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

async fn insert(
    change: &mut Permitted<'_, '_>,
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
    .execute(change.write())
    .await?;
    Ok(())
}
