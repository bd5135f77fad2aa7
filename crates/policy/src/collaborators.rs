//! The rules for changing a collaborator, beyond the permission: the Owner, organization Admins and the Default Project
//! have rules of their own (W1, C4, C7, C8, D3).
//!
//! Owns these rules. It must not know how a change is made.

use serde::{Deserialize, Serialize};

use crate::{Because, OrganizationRole, OrganizationStanding, Permission, Permit, Refusal, Standing};

/// A change to one collaborator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CollaboratorChange {
    /// Changing their project role (C5).
    Role,
    /// Removing them (C6), or leaving (C7).
    Remove,
    /// Setting, changing or removing the end date of their access (C8).
    EndDate,
}

/// The collaborator to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// What they are to the organization and the project.
    pub standing: Standing,
    /// Whether the project is the organization's Default Project.
    pub in_default_project: bool,
    /// Whether they are the person who asks.
    pub is_self: bool,
}

/// Checks that a person with this standing may make this change to that person.
///
/// # Errors
/// The reason. Access is checked first (P3), then the permission (R2), then the rules about the person.
pub fn check_collaborator_change(
    actor: &Standing,
    target: &Target,
    change: CollaboratorChange,
) -> Result<Permit, Refusal> {
    let sees = actor.require(Permission::CollaboratorList)?;
    // Everybody may leave (C7); everything else requires the permission.
    let permit = match change {
        CollaboratorChange::Remove if target.is_self => sees,
        CollaboratorChange::Remove => actor.require(Permission::CollaboratorRemove)?,
        CollaboratorChange::Role | CollaboratorChange::EndDate => actor.require(Permission::CollaboratorUpdateRole)?,
    };
    let access = target.standing.project.ok_or(Refusal::NotACollaborator)?;
    match target.standing.organization {
        Some(OrganizationStanding::Owner) => return Err(Refusal::OwnerProtected),
        Some(OrganizationStanding::Member(OrganizationRole::Admin)) => {
            return Err(Refusal::OrganizationAdminProtected);
        }
        Some(OrganizationStanding::Member(OrganizationRole::Member)) | None => {}
    }
    match (change, access.because) {
        (CollaboratorChange::Remove, _) if target.in_default_project => Err(Refusal::DefaultProjectForAll),
        (CollaboratorChange::EndDate, Because::OrganizationMember | Because::OrganizationAdmin) => {
            Err(Refusal::NoEndDate)
        }
        _ => Ok(permit),
    }
}

/// Checks that an end date may be changed from `before` to `after` (seconds, or any ordered measure of time; `None` is
/// never).
///
/// # Errors
/// [`Refusal::OwnEndDate`] if a person would extend their own access (C8); they may shorten it.
pub fn check_end_date<T: PartialOrd>(is_self: bool, before: Option<T>, after: Option<T>) -> Result<(), Refusal> {
    let extends = match (before, after) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(before), Some(after)) => after > before,
    };
    if is_self && extends {
        Err(Refusal::OwnEndDate)
    } else {
        Ok(())
    }
}
