//! Changing a collaborator's role or end date, and removing one.
//!
//! Owns these use cases and the lock on the person's row. It must not know how a collaborator is found by email.

use policy::{
    CollaboratorChange, Name, Permission, ProjectRole, Refusal, Slug, Standing, Target, UserId,
    check_collaborator_change, check_end_date,
};
use serde_json::json;
use time::OffsetDateTime;

use crate::{
    Directory, Error, Hint, Principal, Result,
    authorization::lock::lock_project,
    authorization::standing::find_person,
    authorization::target::{PersonSeen, ProjectSeen},
    authorization::{change::Change, permitted::Permitted},
    made_keys::{self, KeyChoice, Within},
    notices::Notice,
    outbox,
    owned_assets::{OwnedAssets, Place, owned_assets},
};

use super::{insert, name_of};

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

impl Directory {
    /// Gives a collaborator another role; counts from their next request (C5).
    ///
    /// # Errors
    /// Those of [`check_collaborator_change`]; [`Refusal::ManageKeysDecide`] for a lower one, if they made keys that
    /// manage.
    pub async fn change_collaborator_role(
        &self,
        principal: &Principal,
        slug: &Slug,
        user: UserId,
        role: ProjectRole,
    ) -> Result<Name> {
        self.change_collaborator_role_and_keys(principal, slug, user, role, &[])
            .await
    }

    /// The same; and where the role is lowered, does as chosen with the keys that manage which they made: those go on
    /// otherwise, and do what their maker may not do any more (K5, K11).
    ///
    /// # Errors
    /// Those of [`check_collaborator_change`]; [`Refusal::ManageKeysDecide`] if nothing was chosen for one of them.
    pub async fn change_collaborator_role_and_keys(
        &self,
        principal: &Principal,
        slug: &Slug,
        user: UserId,
        role: ProjectRole,
        keys: &[KeyChoice],
    ) -> Result<Name> {
        let actor = principal.user()?;
        self.change(principal, Permission::CollaboratorUpdateRole.name(), |change| {
            Box::pin(async move {
                let (mut permitted, project, person) =
                    lock_person(change, slug, user, CollaboratorChange::Role).await?;
                let change = &mut permitted;
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
            .execute(change.write())
            .await?
            .rows_affected();
                if updated == 0 {
                    insert(change, &project, &person, role, actor).await?;
                }
                if before.is_some_and(|before| role.is_lowered_to(before)) {
                    let project = name_of(change.write(), &project).await?;
                    outbox::notice(change, user, &Notice::BecameProjectAdmin { project }).await?;
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

    /// Takes a collaborator's access away (C6), or gives up one's own (C7); and does as chosen with the keys they made:
    /// the others go on working as they do (K5).
    ///
    /// # Errors
    /// Those of [`check_collaborator_change`].
    pub async fn remove_collaborator(
        &self,
        principal: &Principal,
        slug: &Slug,
        user: UserId,
        keys: &[KeyChoice],
    ) -> Result<Removal> {
        self.change(principal, Permission::CollaboratorRemove.name(), |change| {
            Box::pin(async move {
                let (mut permitted, project, person) =
                    lock_person(change, slug, user, CollaboratorChange::Remove).await?;
                let change = &mut permitted;
                sqlx::query!(
                    "DELETE FROM collaborators WHERE organization_id = $1 AND project_id = $2 AND user_id = $3",
                    project.organization.0,
                    project.project.0,
                    user.0,
                )
                .execute(change.write())
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
                .fetch_one(change.read())
                .await?
                .count;
                let owned_assets = owned_assets(
                    change.read(),
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
    /// Those of [`check_collaborator_change`]; [`Refusal::EndDateInvalid`] for an end in the past;
    /// [`Refusal::OwnEndDate`].
    pub async fn set_collaborator_end_date(
        &self,
        principal: &Principal,
        slug: &Slug,
        user: UserId,
        expires_at: Option<OffsetDateTime>,
    ) -> Result<Name> {
        let actor = principal.user()?;
        self.change(principal, Permission::CollaboratorUpdateRole.name(), |change| {
            Box::pin(async move {
                let (mut permitted, project, person) =
                    lock_person(change, slug, user, CollaboratorChange::EndDate).await?;
                let change = &mut permitted;
                if expires_at.is_some_and(|end| end <= change.at) {
                    return Err(Refusal::EndDateInvalid.into());
                }
                check_end_date(user == actor, person.expires_at, expires_at)?;
                sqlx::query!(
                    "UPDATE collaborators SET expires_at = $4
                 WHERE organization_id = $1 AND project_id = $2 AND user_id = $3",
                    project.organization.0,
                    project.project.0,
                    user.0,
                    expires_at,
                )
                .execute(change.write())
                .await?;
                let value = |end: Option<OffsetDateTime>| {
                    Some(json!({ "expires_at": end.map(OffsetDateTime::unix_timestamp) }))
                };
                change.values(value(person.expires_at), value(expires_at));
                changed(change, &project, user);
                Ok(person.name)
            })
        })
        .await
    }
}

/// Locks the project, reads the person, and asks the policy about the change.
async fn lock_person<'c, 'a>(
    change: &'c mut Change<'a>,
    slug: &Slug,
    user: UserId,
    wanted: CollaboratorChange,
) -> Result<(Permitted<'c, 'a>, ProjectSeen, PersonSeen)> {
    change.set_target(user);
    let project = lock_project(change, slug).await?;
    // Access to the project comes before everything, even before whether there is such a person (P3).
    project.standing.require(Permission::CollaboratorList)?;
    // Then comes the permission: who lacks it does not learn by the refusal whether there is such a person.
    let (standing, person) = match find_person(change.read(), &project, user).await {
        Ok(person) => (person.standing, Ok(person)),
        Err(Error::Refused(refusal)) => (Standing::default(), Err(refusal)),
        Err(error) => return Err(error),
    };
    let target = Target {
        standing,
        in_default_project: project.is_default,
        is_self: user == change.principal.user()?,
    };
    let permit = check_collaborator_change(&project.standing, &target, wanted)?;
    Ok((change.permit(permit), project, person?))
}

/// Tells everybody who looks at the project, and the person.
pub(super) fn changed(change: &mut Permitted<'_, '_>, project: &ProjectSeen, user: UserId) {
    change.hint(Hint::Project(project.project));
    change.hint(Hint::User(user));
}
