//! API keys (RULES K): how far one reaches, and who may make one that does.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Allowance, Decision, Denial, Grant, Permission, Permit, ProjectRole, Refusal, Standing, Unknown};

/// What a key may do to its project's resources (K11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyScope {
    /// What a Member of the project may do.
    #[default]
    Use,
    /// What an Admin of the project may do.
    Manage,
}

impl KeyScope {
    /// Both, the lesser first.
    pub const ALL: [Self; 2] = [Self::Use, Self::Manage];

    /// As stored, and as in forms and REST.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Use => "use",
            Self::Manage => "manage",
        }
    }

    /// As a person reads it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Use => "Use",
            Self::Manage => "Manage",
        }
    }

    /// Whether it is more than a Member of the project may do.
    #[must_use]
    pub const fn is_manage(self) -> bool {
        matches!(self, Self::Manage)
    }

    /// The role whose rights to resources it has.
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

/// Whether a key opens anything now (K4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// It does.
    Active,
    /// It reached its expiration (K6).
    Expired,
    /// It was revoked, for good (K7).
    Revoked,
}

impl KeyState {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Active, Self::Expired, Self::Revoked];

    /// Of a key that was revoked or not, and whose expiration was reached or not. One that was both is revoked: that is
    /// final.
    #[must_use]
    pub const fn of(is_revoked: bool, is_expired: bool) -> Self {
        match (is_revoked, is_expired) {
            (true, _) => Self::Revoked,
            (false, true) => Self::Expired,
            (false, false) => Self::Active,
        }
    }

    /// Goes on only with a key that opens something now (E5).
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

    /// As in URLs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }

    /// As a person reads it.
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

/// Decides for a key with this reach, in its own project. Keys are for the data plane: whatever is not about a resource
/// is denied (K9).
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

/// What a principal is to a project: what decides for a person, or for a key in its own project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalStanding {
    /// A person, by what they are to the project.
    Person(Standing),
    /// A key of the project, by its reach.
    ApiKey(KeyScope),
}

impl PrincipalStanding {
    /// Whether they may.
    #[must_use]
    pub fn decide(&self, permission: Permission) -> Decision {
        match self {
            Self::Person(standing) => crate::decide(standing, permission),
            Self::ApiKey(reach) => decide_for_key(*reach, permission),
        }
    }

    /// Goes on only if they may.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] without access, [`Refusal::Forbidden`] where the role or the reach does not permit it (R2,
    /// K9).
    pub fn require(&self, permission: Permission) -> Result<Permit, Refusal> {
        self.decide(permission).require(permission)
    }
}

/// What may be done to a key depends on this much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyFacts {
    /// What it may do.
    pub reach: KeyScope,
    /// Whether it opens anything now.
    pub state: KeyState,
    /// Whether another took its place (K7).
    pub is_rotated: bool,
}

/// What becomes of a key when the role of whoever made it is lowered, or they are removed. Of two, the greater counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyFate {
    /// It goes on as it is (K5).
    Keep,
    /// It goes on, and only uses (K11).
    Lower,
    /// It ends (K7).
    Revoke,
}

/// A change to an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// Another expiration, or none (K6).
    Expiration,
    /// A successor (K7).
    Rotate,
    /// Its end (K7).
    Revoke,
}

/// Whether one with this standing may make a key with this reach (K2). One that manages is made by those who may do
/// themselves what it does (K11).
///
/// # Errors
/// [`Refusal::Hidden`], [`Refusal::Forbidden`], [`Refusal::ManageKeyForAdmins`].
pub fn check_key_creation(actor: &Standing, reach: KeyScope) -> Result<Permit, Refusal> {
    let permit = actor.require(Permission::ApiKeyCreate)?;
    match (reach, actor.project) {
        (KeyScope::Use, _) => Ok(permit),
        (KeyScope::Manage, Some(place)) if place.is_admin() => Ok(permit),
        (KeyScope::Manage, _) => Err(Refusal::ManageKeyForAdmins),
    }
}

/// Whether one with this standing may make this change to this key. To make one last is to make one (K11).
///
/// # Errors
/// Those of [`check_key_creation`]; [`Refusal::KeyOver`] for one that is revoked or expired (K6, K7);
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

/// Whether a key may get this expiration in place of that: one with a successor may only end sooner (K7). None is the
/// latest.
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

/// Whether one with this standing in a project may see and regenerate the Organization Default Key there. To everybody
/// but the Owner, and in every project but the Default one, it does not exist (W3, D6, K8).
///
/// # Errors
/// [`Refusal::Hidden`].
pub fn check_default_key(actor: &Standing, is_default_project: bool) -> Result<Permit, Refusal> {
    let permit = actor.require(Permission::ApiKeyList)?;
    match actor.organization {
        Some(place) if place.is_owner() && is_default_project => Ok(permit),
        Some(_) | None => Err(Refusal::Hidden),
    }
}
