//! The rules for changing a member of an organization, beyond the permission: the Owner has rules of their own (W1,
//! W2).
//!
//! Owns these rules. It must not know how a change is made.

use crate::{OrganizationStanding, Permission, Permit, Refusal, Standing};

/// A change to one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemberChange {
    /// Changing their organization role (M6).
    Role,
    /// Removing them (M6), or leaving (M8).
    Remove,
}

/// Checks that a person with this standing may make this change to that member. Everybody may leave (M8).
///
/// # Errors
/// The reason. Access is checked first, then the permission (R2), then whether there is such a member, then whether it
/// is the Owner, whom nobody may change (W1).
pub fn check_member_change(
    actor: &Standing,
    target: Option<OrganizationStanding>,
    is_self: bool,
    change: MemberChange,
) -> Result<Permit, Refusal> {
    let sees = actor.require(Permission::MemberList)?;
    let permit = match change {
        MemberChange::Remove if is_self => sees,
        MemberChange::Remove => actor.require(Permission::MemberRemove)?,
        MemberChange::Role => actor.require(Permission::MemberUpdateRole)?,
    };
    match target {
        None => Err(Refusal::NotAMember),
        Some(OrganizationStanding::Owner) => Err(Refusal::OwnerProtected),
        Some(OrganizationStanding::Member(_)) => Ok(permit),
    }
}

/// Checks that the person is the Owner of the organization, for what only the Owner may do, like deleting it (W1).
///
/// # Errors
/// [`Refusal::Hidden`] for a person outside the organization, [`Refusal::OwnerOnly`] for everybody else but the Owner.
pub fn require_owner(actor: &Standing) -> Result<Permit, Refusal> {
    let permit = actor.require(Permission::OrganizationRead)?;
    match actor.organization {
        Some(OrganizationStanding::Owner) => Ok(permit),
        Some(OrganizationStanding::Member(_)) | None => Err(Refusal::OwnerOnly),
    }
}

/// Checks that a person with this standing may make that member the Owner in their place (W2).
///
/// # Errors
/// Those of [`require_owner`]; [`Refusal::NotAMember`], and [`Refusal::NotAnAdmin`] for a member who is not another
/// Admin.
pub fn check_transfer(actor: &Standing, target: Option<OrganizationStanding>) -> Result<Permit, Refusal> {
    let permit = require_owner(actor)?;
    match target {
        None => Err(Refusal::NotAMember),
        Some(OrganizationStanding::Member(_)) if target.is_some_and(OrganizationStanding::is_admin) => Ok(permit),
        Some(OrganizationStanding::Member(_) | OrganizationStanding::Owner) => Err(Refusal::NotAnAdmin),
    }
}
