//! What may be done to a member of an organization, beyond holding the permission: the Owner has rules of their own
//! (W1, W2).

use crate::{OrganizationStanding, Permission, Refusal, Standing};

/// A change to one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemberChange {
    /// Another organization role (M6).
    Role,
    /// Ending the membership (M6), or giving up one's own (M8).
    Remove,
}

/// Whether one with this standing may make this change to that member; anybody may leave (M8).
///
/// # Errors
/// Says why not. Access comes first, then the permission (R2), then whether there is such a member, then the Owner,
/// whom nobody changes (W1).
pub fn check_member_change(
    actor: &Standing,
    target: Option<OrganizationStanding>,
    is_self: bool,
    change: MemberChange,
) -> Result<(), Refusal> {
    actor.require(Permission::MemberList)?;
    match change {
        MemberChange::Remove if is_self => {}
        MemberChange::Remove => actor.require(Permission::MemberRemove)?,
        MemberChange::Role => actor.require(Permission::MemberUpdateRole)?,
    }
    match target {
        None => Err(Refusal::NotAMember),
        Some(OrganizationStanding::Owner) => Err(Refusal::OwnerProtected),
        Some(OrganizationStanding::Member(_)) => Ok(()),
    }
}

/// Whether one with this standing may make that member the Owner in their place (W2).
///
/// # Errors
/// [`Refusal::Hidden`] for somebody outside, [`Refusal::OwnerOnly`] for everybody but the Owner,
/// [`Refusal::NotAMember`], and [`Refusal::NotAnAdmin`] for one who is no other Admin.
pub fn check_transfer(actor: &Standing, target: Option<OrganizationStanding>) -> Result<(), Refusal> {
    actor.require(Permission::OrganizationRead)?;
    if actor.organization != Some(OrganizationStanding::Owner) {
        return Err(Refusal::OwnerOnly);
    }
    match target {
        None => Err(Refusal::NotAMember),
        Some(OrganizationStanding::Member(_)) if target.is_some_and(OrganizationStanding::is_admin) => Ok(()),
        Some(OrganizationStanding::Member(_) | OrganizationStanding::Owner) => Err(Refusal::NotAnAdmin),
    }
}
