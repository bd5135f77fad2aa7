//! API keys (RULES K): their scope, and who may create and change them.
//!
//! Owns these rules. It must not know secrets, nor how a key is stored.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Allowance, Decision, Denial, Grant, Permission, Permit, ProjectRole, Refusal, Standing, Unknown};

/// The scope of a key: what it may do to its project's resources (K11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyScope {
    /// Whatever a Member of the project may do.
    #[default]
    Use,
    /// Whatever an Admin of the project may do.
    Manage,
}

impl KeyScope {
    /// Both, the lesser first.
    pub const ALL: [Self; 2] = [Self::Use, Self::Manage];

    /// Returns its code, as stored, and as in forms and REST.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Use => "use",
            Self::Manage => "manage",
        }
    }

    /// Returns its label, for people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Use => "Use",
            Self::Manage => "Manage",
        }
    }

    /// Returns whether it permits more than a Member of the project may do.
    #[must_use]
    pub const fn is_manage(self) -> bool {
        matches!(self, Self::Manage)
    }

    /// Returns the role whose rights to resources it has.
    const fn role(self) -> ProjectRole {
        match self {
            Self::Use => ProjectRole::Member,
            Self::Manage => ProjectRole::Admin,
        }
    }
}

impl FromStr for KeyScope {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL.into_iter().find(|reach| reach.code() == text).ok_or(Unknown)
    }
}

/// Whether a key is valid (K4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// It is valid.
    Active,
    /// It reached its expiration (K6).
    Expired,
    /// It was revoked, permanently (K7).
    Revoked,
}

impl KeyState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Active, Self::Expired, Self::Revoked];

    /// Returns the state of a key. One that is both revoked and expired is revoked, since that is final.
    #[must_use]
    pub const fn of(is_revoked: bool, is_expired: bool) -> Self {
        match (is_revoked, is_expired) {
            (true, _) => Self::Revoked,
            (false, true) => Self::Expired,
            (false, false) => Self::Active,
        }
    }

    /// Checks that a key is valid (E5).
    ///
    /// # Errors
    /// [`Refusal::KeyRevoked`], [`Refusal::KeyExpired`].
    pub const fn require_active(self) -> Result<(), Refusal> {
        match self {
            Self::Active => Ok(()),
            Self::Expired => Err(Refusal::KeyExpired),
            Self::Revoked => Err(Refusal::KeyRevoked),
        }
    }

    /// Returns its code, as in URLs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }

    /// Returns its label, for people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Expired => "Expired",
            Self::Revoked => "Revoked",
        }
    }
}

impl FromStr for KeyState {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL.into_iter().find(|state| state.code() == text).ok_or(Unknown)
    }
}

/// Decides for a key with this scope, in its own project. Keys are for the data plane: every permission that isn't
/// about a resource is denied (K9).
#[must_use]
pub fn decide_for_key(reach: KeyScope, permission: Permission) -> Decision {
    if permission.resource_kind().is_none() {
        return Decision::Denied(Denial::NotForKeys);
    }
    match (permission.grant(), reach.role()) {
        (Grant::Everyone, _) | (Grant::Admins, ProjectRole::Admin) => Decision::Allowed(Allowance::Key(reach)),
        (Grant::Admins, ProjectRole::Member) => Decision::Denied(Denial::KeyScope),
    }
}

/// What a principal is to a project, from which the policy decides: for a person, or for a key in its own project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalStanding {
    /// A person, by their standing to the project.
    Person(Standing),
    /// A key of the project, by its scope.
    ApiKey(KeyScope),
}

impl PrincipalStanding {
    /// Decides whether the principal has a permission.
    #[must_use]
    pub fn decide(&self, permission: Permission) -> Decision {
        match self {
            Self::Person(standing) => crate::decide(standing, permission),
            Self::ApiKey(reach) => decide_for_key(*reach, permission),
        }
    }

    /// Checks that the principal has a permission.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] without access, [`Refusal::Forbidden`] if the role or the scope does not permit it (R2, K9).
    pub fn require(&self, permission: Permission) -> Result<Permit, Refusal> {
        self.decide(permission).require(permission)
    }
}

/// The facts about a key from which the policy decides about a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyFacts {
    /// Its scope.
    pub reach: KeyScope,
    /// Whether it is valid.
    pub state: KeyState,
    /// Whether it has a successor (K7).
    pub is_rotated: bool,
}

/// The decision about a key when the role of its creator is lowered, or they are removed. Of two decisions, the greater
/// counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyFate {
    /// It stays as it is (K5).
    Keep,
    /// It stays, and its scope becomes [`KeyScope::Use`] (K11).
    Lower,
    /// It is revoked (K7).
    Revoke,
}

/// A change to an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// Setting, changing or removing its expiration (K6).
    Expiration,
    /// Creating a successor (K7).
    Rotate,
    /// Revoking it (K7).
    Revoke,
}

/// Checks that a person with this standing may create a key with this scope (K2). One with the scope `manage` requires
/// that they may do themselves what it permits (K11).
///
/// # Errors
/// [`Refusal::Hidden`], [`Refusal::Forbidden`], [`Refusal::ManageKeyForAdmins`].
pub fn check_key_creation(actor: &Standing, reach: KeyScope) -> Result<Permit, Refusal> {
    let permit = actor.require(Permission::ApiKeyCreate)?;
    match (reach, actor.project) {
        (KeyScope::Use, _) => Ok(permit),
        (KeyScope::Manage, Some(standing)) if standing.is_admin() => Ok(permit),
        (KeyScope::Manage, _) => Err(Refusal::ManageKeyForAdmins),
    }
}

/// Checks that a person with this standing may make this change to this key. Extending a key's life requires the same
/// as creating one (K11).
///
/// # Errors
/// Those of [`check_key_creation`]; [`Refusal::KeyOver`] for a key that is revoked or expired (K6, K7);
/// [`Refusal::KeyRotated`] for a second successor.
pub fn check_key_change(actor: &Standing, key: KeyFacts, change: KeyChange) -> Result<Permit, Refusal> {
    let permit = match change {
        KeyChange::Revoke => actor.require(Permission::ApiKeyRevoke)?,
        KeyChange::Expiration | KeyChange::Rotate => check_key_creation(actor, key.reach)?,
    };
    match (key.state, change) {
        (KeyState::Expired | KeyState::Revoked, _) => Err(Refusal::KeyOver),
        (KeyState::Active, KeyChange::Rotate) if key.is_rotated => Err(Refusal::KeyRotated),
        (KeyState::Active, _) => Ok(permit),
    }
}

/// Checks that the expiration of a key may be changed from `now` to `wanted`, where `None` is the latest: if the key
/// has a successor, only to an earlier one (K7).
///
/// # Errors
/// [`Refusal::KeyRotated`].
pub fn check_key_expiration<T: Ord>(key: KeyFacts, now: Option<T>, wanted: Option<T>) -> Result<(), Refusal> {
    let is_later = match (now, wanted) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(now), Some(wanted)) => wanted > now,
    };
    if key.is_rotated && is_later {
        return Err(Refusal::KeyRotated);
    }
    Ok(())
}

/// Checks that a person with this standing in a project may see and regenerate the Organization Default Key there. For
/// everybody but the Owner, and in every project but the Default one, it does not exist (W3, D6, K8).
///
/// # Errors
/// [`Refusal::Hidden`].
pub fn check_default_key(actor: &Standing, is_default_project: bool) -> Result<Permit, Refusal> {
    let permit = actor.require(Permission::ApiKeyList)?;
    match actor.organization {
        Some(standing) if standing.is_owner() && is_default_project => Ok(permit),
        Some(_) | None => Err(Refusal::Hidden),
    }
}
