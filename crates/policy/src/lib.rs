//! The rules of Roster as pure code.
//!
//! Owns the terms of the domain (ids, addresses, names, slugs, roles), the table of permissions (RULES R), and
//! [`decide`]: what a [`Standing`] permits, and why. It must not know where facts come from or how
//! answers are sent: no I/O, no async, no clock. It also compiles for the browser, so that the console decides what to
//! show with the same code as the server decides what to do.

mod api_keys;
mod collaborators;
mod decide;
mod id;
#[cfg(feature = "input")]
mod input;
mod login;
mod members;
mod password;
mod permission;
mod permit;
mod quota;
mod reason;
mod refusal;
mod resources;
mod role;
mod ssh;
mod standing;
mod text;
mod usage;

pub use api_keys::{
    KeyChange, KeyFacts, KeyFate, KeyScope, KeyState, PrincipalStanding, check_default_key, check_key_change,
    check_key_creation, check_key_expiration, decide_for_key,
};
pub use collaborators::{CollaboratorChange, Target, check_collaborator_change, check_end_date};
pub use decide::{Allowance, Decision, Denial, decide};
pub use id::{
    ApiKeyId, EventId, GatewayTokenId, InvitationId, MeterTokenId, OrganizationId, ProjectId, ResourceId, SessionId,
    SshKeyId, UsageRecordId, UserId,
};
#[cfg(feature = "input")]
pub use input::{addresses, compatible, visible};
pub use login::{Login, LoginError};
pub use members::{MemberChange, check_member_change, check_transfer, require_owner};
pub use password::Weakness;
pub use permission::{Grant, Permission, Scope, UnknownPermission};
pub use permit::Permit;
pub use quota::{Quota, Quotas};
pub use reason::{Reason, UnknownReason};
pub use refusal::{Field, Refusal};
pub use resources::{
    Details, FieldInput, FieldValue, ResourceAction, ResourceField, ResourceKind, ResourceState, Unknown,
};
pub use role::{OrganizationRole, ProjectRole, UnknownRole};
pub use ssh::SshKeyFormat;
pub use standing::{Because, OrganizationStanding, ProjectStanding, Standing};
pub use text::{Email, EmailError, Name, NameError, Password, PasswordError, Slug, SlugError};
pub use usage::{Booking, MOST_COST_MICROS, MOST_QUANTITY, UsageKind, UsageRange, UsageUnit, book, check_usage_report};
