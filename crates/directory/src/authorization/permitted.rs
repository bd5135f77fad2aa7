//! A permitted change: the only kind of change that can write.
//!
//! Owns the type that proves that the permission was checked, and the ways to get one: a permit that only [`policy`]
//! issues, or what the principal is. It must not know what is written.

use std::ops::{Deref, DerefMut};

use policy::Permit;

use super::{change::Change, writer::Writer};
use crate::Result;

impl<'a> Change<'a> {
    /// Returns the permitted change, by a permit of the policy.
    pub const fn permit(&mut self, _: Permit) -> Permitted<'_, 'a> {
        Permitted { change: self }
    }

    /// Returns the permitted change, for changes to a person's own account, sessions and login keys.
    ///
    /// # Errors
    /// [`Refusal::SignedOut`] if the principal isn't a person.
    pub(crate) fn permit_oneself(&mut self) -> Result<Permitted<'_, 'a>> {
        self.principal.user()?;
        Ok(Permitted { change: self })
    }

    /// Returns the permitted change, for the operator, who may change everything.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] for any other principal: for them the use case doesn't exist.
    pub(crate) fn permit_operator(&mut self) -> Result<Permitted<'_, 'a>> {
        self.principal.require_operator()?;
        Ok(Permitted { change: self })
    }

    /// Returns the permitted change, for a meter of the operator, which reports usage of every organization (E9).
    ///
    /// # Errors
    /// [`Refusal::MeterUnknown`] if the principal isn't a meter.
    pub(crate) fn permit_meter(&mut self) -> Result<Permitted<'_, 'a>> {
        self.principal.meter()?;
        Ok(Permitted { change: self })
    }

    /// Returns the permitted change, for a use case that needs no permission but compares a secret: a password, or the
    /// secret of a link or a token. A test lists every use case that calls this.
    pub(crate) fn permit_by_secret(&mut self) -> Permitted<'_, 'a> {
        Permitted { change: self }
    }
}

/// A [`Change`] that its principal may make. Every helper that writes takes one, or its [`Writer`]: before the policy
/// has allowed the change, there is no connection to write with.
///
/// With a permit, which only [`policy`] issues:
///
/// ```
/// # use directory::{Change, Writer};
/// fn insert(_: &mut Writer) {}
///
/// fn use_case(change: &mut Change<'_>, permit: policy::Permit) {
///     insert(change.permit(permit).write());
/// }
/// ```
///
/// Without one there is nothing to write with:
///
/// ```compile_fail,E0599
/// # use directory::{Change, Writer};
/// fn insert(_: &mut Writer) {}
///
/// fn use_case(change: &mut Change<'_>) {
///     insert(change.write());
/// }
/// ```
///
/// Neither a permit nor a permitted change can be constructed elsewhere:
///
/// ```compile_fail,E0423
/// # use directory::Change;
/// fn use_case(change: &mut Change<'_>) {
///     change.permit(policy::Permit(()));
/// }
/// ```
///
/// ```compile_fail,E0451
/// # use directory::{Change, Permitted};
/// fn use_case<'c, 'a>(change: &'c mut Change<'a>) -> Permitted<'c, 'a> {
///     Permitted { change }
/// }
/// ```
#[derive(Debug)]
pub struct Permitted<'c, 'a> {
    change: &'c mut Change<'a>,
}

impl Permitted<'_, '_> {
    /// Returns the connection, for writing.
    pub const fn write(&mut self) -> &mut Writer {
        &mut self.change.writer
    }
}

impl<'a> Deref for Permitted<'_, 'a> {
    type Target = Change<'a>;

    fn deref(&self) -> &Change<'a> {
        self.change
    }
}

impl DerefMut for Permitted<'_, '_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.change
    }
}
