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
    owned_assets::{AssetScope, OwnedAssets, owned_assets},
};

use super::{insert, name_of};

/// The result of a removal (C6), shown to the person who made it.
#[derive(Clone, Debug)]
pub struct Removal {
    /// The name of the person who was removed.
    pub name: Name,
    /// When their access ended.
    pub at: OffsetDateTime,
    /// The role that they had.
    pub role: Option<ProjectRole>,
    /// How many of their SSH keys no longer log in to the project's clusters.
    pub ssh_keys: i64,
    /// The API keys that were revoked with the removal.
    pub revoked: Vec<Name>,
    /// What they created and what remains in the project.
    pub owned_assets: OwnedAssets,
}

impl Directory {
    /// Changes a collaborator's role. The new role counts from their next request (C5).
    ///
    /// # Errors
    /// Those of [`check_collaborator_change`]; [`Refusal::ManageKeysDecide`] if the role is lowered and they created
    /// keys with the scope `manage`.
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

    /// Does the same; if the role is lowered, it also applies the choices in `keys` to the keys with the scope `manage`
    /// that the person created. Without a choice such a key would go on doing what its creator may no longer do (K5,
    /// K11).
    ///
    /// # Errors
    /// Those of [`check_collaborator_change`]; [`Refusal::ManageKeysDecide`] if there is no choice for one of them.
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
                let before = person.standing.project.map(|access| access.role);
                if before.is_some_and(|before| before.is_lowered_to(role)) {
                    let within = Within::Project(project.project);
                    made_keys::require_decided(change, project.organization, within, user, keys).await?;
                    made_keys::decide(change, project.organization, within, &[user], keys).await?;
                }
                // In the Default Project a person with the role of every member has no row yet.
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
                    person.standing.project.map(|access| json!({ "role": access.role })),
                    Some(json!({ "role": role })),
                );
                changed(change, &project, user);
                Ok(person.name)
            })
        })
        .await
    }

    /// Removes a collaborator (C6), or lets a collaborator leave (C7). Applies the choices in `keys` to the keys they
    /// created; the other keys keep working (K5).
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
                let role = person.standing.project.map(|access| access.role);
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
                    AssetScope::Project(project.project),
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

    /// Sets, changes or removes the date on which a collaborator's access ends (C8).
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

/// Locks the project, reads the person, and checks the change with the policy.
async fn lock_person<'c, 'a>(
    change: &'c mut Change<'a>,
    slug: &Slug,
    user: UserId,
    wanted: CollaboratorChange,
) -> Result<(Permitted<'c, 'a>, ProjectSeen, PersonSeen)> {
    change.set_target(user);
    let project = lock_project(change, slug).await?;
    // Access to the project is checked first, even before whether the person exists (P3).
    project.standing.require(Permission::CollaboratorList)?;
    // The permission is checked next, so that a refusal doesn't tell a principal without it whether the person exists.
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

/// Adds hints for the pages of the project and for those of the person.
pub(super) fn changed(change: &mut Permitted<'_, '_>, project: &ProjectSeen, user: UserId) {
    change.hint(Hint::Project(project.project));
    change.hint(Hint::User(user));
}
