//! Resources of a project (RULES E): people and programs register, read, change and delete them.
//!
//! Owns these use cases and the rows. It must not know which fields and states a kind has: that is decided by
//! [`policy`]. A resource belongs to the project, and stays when the person who registered it leaves (E1).

mod list;

pub use list::{KindSummary, ResourceCursor, ResourceList, ResourceOverview, ResourceQuery, ResourceSort};

use std::collections::BTreeMap;

use policy::{
    ApiKeyId, Details, FieldValue, Name, OrganizationId, ProjectId, Refusal, ResourceAction, ResourceField, ResourceId,
    ResourceKind, ResourceState, UserId,
};
use serde_json::{Value, json};
use sqlx::types::Json;
use time::OffsetDateTime;

use crate::{
    Directory, Hint, Identity, Principal, ProjectRef, Result, authorization::lock::lock_project_context,
    authorization::writer::Writer, connections::PgConnection, error::refuse_on, quotas,
};

use list::find;

/// The audit's name of a change of a resource before its kind is known.
const CHANGE: &str = "resource:change";

const DELETE: &str = "resource:delete";

/// A resource of a project.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// Its permanent id.
    pub id: ResourceId,
    /// Its kind, which never changes.
    pub kind: ResourceKind,
    /// Its name, which is unique among the resources of its kind in the project.
    pub name: Name,
    /// Its state.
    pub state: ResourceState,
    /// The fields of its kind.
    pub details: Details,
    /// Who registered it.
    pub created_by: Option<Creator>,
    /// When it was registered.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
}

/// Who registered a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Creator {
    /// A person.
    Person(UserId, Name),
    /// A program, by this API key.
    Key(ApiKeyId, Name),
}

/// The changes to a resource; `None` and missing fields leave the value unchanged.
#[derive(Clone, Debug, Default)]
pub struct ResourceChange {
    /// Its name.
    pub name: Option<Name>,
    /// Its state.
    pub state: Option<ResourceState>,
    /// New values of some of its fields; `None` empties a field.
    pub details: BTreeMap<ResourceField, Option<FieldValue>>,
}

impl Directory {
    /// Registers a resource (E2). Without a state it gets the first state of its kind. `details` must be those of this
    /// kind.
    ///
    /// # Errors
    /// [`Refusal::Hidden`], [`Refusal::Forbidden`]; for a key [`Refusal::KeyRevoked`], [`Refusal::KeyExpired`],
    /// [`Refusal::KeyInvalid`]; [`Refusal::StateInvalid`], [`Refusal::DetailInvalid`], [`Refusal::ResourceNameTaken`].
    pub async fn create_resource(
        &self,
        principal: &Principal,
        project: &ProjectRef,
        kind: ResourceKind,
        name: &Name,
        state: Option<ResourceState>,
        details: &Details,
    ) -> Result<Resource> {
        let permission = kind.permission(ResourceAction::Create);
        self.change(principal, permission.name(), |change| {
            Box::pin(async move {
                change.record.target = Some(name.to_string());
                let context = lock_project_context(change, project).await?;
                let change = &mut change.permit(context.standing.require(permission)?);
                let state = kind.state(state)?;
                // Details of another kind would be a mistake of the caller; this refuses them.
                let details = details.with(kind, &BTreeMap::new())?;
                let id = ResourceId(change.new_id());
                let creator = match principal.identity {
                    Identity::User { user, .. } => (Some(user), None),
                    Identity::ApiKey(key) => (None, Some(key.key)),
                    Identity::Meter(_) | Identity::Anonymous | Identity::Operator => {
                        return Err(Refusal::SignedOut.into());
                    }
                };
                change.record.target_id = Some(id.0);
                let resource = NewResource {
                    id,
                    kind,
                    name,
                    state,
                    details: &details,
                };
                let (project, at) = ((context.organization, context.project.id), change.at);
                quotas::check_resource_quota(change.write(), &self.settings.quotas, project).await?;
                insert(change.write(), project, &resource, creator, at).await?;
                change.values(None, Some(facts(kind, name, state, &details)));
                change.hint(Hint::Project(context.project.id));
                find(change.write(), &context, id).await
            })
        })
        .await
    }

    /// Changes a resource's name, state or fields. A change of its size requires another permission than other changes.
    /// A change of both requires both; a request that changes nothing requires the permission for other changes (R).
    ///
    /// # Errors
    /// Those of [`Directory::create_resource`]; [`Refusal::Hidden`] for a resource that is not the project's (P3).
    pub async fn update_resource(
        &self,
        principal: &Principal,
        project: &ProjectRef,
        id: ResourceId,
        wanted: &ResourceChange,
    ) -> Result<Resource> {
        self.change(principal, CHANGE, |change| {
            Box::pin(async move {
                change.record.target_id = Some(id.0);
                let context = lock_project_context(change, project).await?;
                let before = find(change.read(), &context, id).await?;
                let kind = before.kind;
                let permission = kind.permission(ResourceAction::Change);
                change.set_action(permission.name());
                change.record.target = Some(before.name.to_string());
                let name = wanted.name.as_ref().unwrap_or(&before.name);
                let read = kind
                    .state(Some(wanted.state.unwrap_or(before.state)))
                    .and_then(|state| Ok((state, before.details.with(kind, &wanted.details)?)));
                let (state, details) = match read {
                    Ok(read) => read,
                    Err(refusal) => {
                        // Only a principal with the permission learns what is wrong with the values.
                        context.standing.require(permission)?;
                        return Err(refusal.into());
                    }
                };
                let (scales, changes) = before.details.differences(&details);
                let changes = changes || !scales || *name != before.name || state != before.state;
                let scale = kind.permission(ResourceAction::Scale);
                // The other permission is checked last, since the audit names a change of both by it.
                if scales && changes {
                    change.set_action(scale.name());
                    context.standing.require(scale)?;
                }
                let asked = if changes { permission } else { scale };
                change.set_action(asked.name());
                let change = &mut change.permit(context.standing.require(asked)?);
                change.values(Some(before.facts()), Some(facts(kind, name, state, &details)));
                if scales && changes && scale != permission {
                    let record = change.record.clone();
                    change.add_event(scale.name(), record);
                }
                sqlx::query!(
                    "UPDATE resources SET name = $4, state = $5, details = $6, updated_at = $7
                     WHERE organization_id = $1 AND project_id = $2 AND id = $3",
                    context.organization.0,
                    context.project.id.0,
                    id.0,
                    name.as_str(),
                    state.code(),
                    Json(&details) as _,
                    change.at,
                )
                .execute(change.write())
                .await
                .map_err(|error| refuse_on(error, "resources_name_key", Refusal::ResourceNameTaken))?;
                change.hint(Hint::Project(context.project.id));
                find(change.write(), &context, id).await
            })
        })
        .await
    }

    /// Deletes a resource from the register; its recorded usage stays. Returns its name.
    ///
    /// # Errors
    /// [`Refusal::Hidden`], also for a resource that is not the project's (P3); [`Refusal::Forbidden`]; for a key
    /// [`Refusal::KeyRevoked`], [`Refusal::KeyExpired`], [`Refusal::KeyInvalid`].
    pub async fn delete_resource(&self, principal: &Principal, project: &ProjectRef, id: ResourceId) -> Result<Name> {
        self.change(principal, DELETE, |change| {
            Box::pin(async move {
                change.record.target_id = Some(id.0);
                let context = lock_project_context(change, project).await?;
                let before = find(change.read(), &context, id).await?;
                let permission = before.kind.permission(ResourceAction::Delete);
                change.set_action(permission.name());
                change.record.target = Some(before.name.to_string());
                let change = &mut change.permit(context.standing.require(permission)?);
                sqlx::query!(
                    "DELETE FROM resources WHERE organization_id = $1 AND project_id = $2 AND id = $3",
                    context.organization.0,
                    context.project.id.0,
                    id.0,
                )
                .execute(change.write())
                .await?;
                change.values(Some(before.facts()), None);
                change.hint(Hint::Project(context.project.id));
                Ok(before.name)
            })
        })
        .await
    }
}

/// The values of a resource to insert.
pub(crate) struct NewResource<'a> {
    pub(crate) id: ResourceId,
    pub(crate) kind: ResourceKind,
    pub(crate) name: &'a Name,
    pub(crate) state: ResourceState,
    pub(crate) details: &'a Details,
}

/// Inserts a resource of a project, registered by a person or with a key.
///
/// # Errors
/// [`Refusal::ResourceNameTaken`].
pub(crate) async fn insert(
    db: &mut Writer,
    (organization, project): (OrganizationId, ProjectId),
    resource: &NewResource<'_>,
    (person, key): (Option<UserId>, Option<ApiKeyId>),
    at: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO resources (organization_id, project_id, id, kind, name, state, details, created_by, created_by_key,
             created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)",
        organization.0,
        project.0,
        resource.id.0,
        resource.kind.code(),
        resource.name.as_str(),
        resource.state.code(),
        Json(resource.details) as _,
        person.map(|id| id.0),
        key.map(|id| id.0),
        at,
    )
    .execute(db)
    .await
    .map_err(|error| refuse_on(error, "resources_name_key", Refusal::ResourceNameTaken))?;
    Ok(())
}

/// Returns whether a project has any resource.
pub(crate) async fn any(db: &mut PgConnection, organization: OrganizationId, project: ProjectId) -> Result<bool> {
    let row = sqlx::query!(
        r#"SELECT EXISTS (SELECT FROM resources WHERE organization_id = $1 AND project_id = $2) AS "any!""#,
        organization.0,
        project.0,
    )
    .fetch_one(db)
    .await?;
    Ok(row.any)
}

impl Resource {
    fn facts(&self) -> Value {
        facts(self.kind, &self.name, self.state, &self.details)
    }
}

/// Returns the values of a resource for the audit.
fn facts(kind: ResourceKind, name: &Name, state: ResourceState, details: &Details) -> Value {
    json!({ "kind": kind, "name": name, "state": state, "details": details })
}
