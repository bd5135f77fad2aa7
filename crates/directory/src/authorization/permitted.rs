//! A permitted change: the only kind of change that can write.
//!
//! Owns the type that proves that the permission was checked, and the ways to get one: a permit that only [`policy`]
//! issues, or what the principal is. It must not know what is written.

use std::ops::{Deref, DerefMut};

use policy::{Permit, Refusal};

use super::{change::Change, principal::Identity, writer::Writer};
use crate::Result;

impl<'a> Change<'a> {
    /// Returns the permitted change, by a permit of the policy.
    pub const fn permit(&mut self, _: Permit) -> Permitted<'_, 'a> {
        Permitted { change: self }
    }

    /// Returns the permitted change, for a person: for what is their own (account, sessions, SSH keys, API keys they
    /// made), and for what the secret of a link opens to them, which the use case compares. A test lists every use case
    /// that calls this.
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

    /// Returns the permitted change, for somebody who showed no credential: to sign up, to ask for a link, and for what
    /// a password or the secret of a link or a token opens. The use case compares the secret, and refuses a wrong one.
    /// A test lists every use case that calls this.
    ///
    /// # Errors
    /// [`Refusal::Hidden`] for any other principal.
    pub(crate) fn permit_anonymous(&mut self) -> Result<Permitted<'_, 'a>> {
        if self.principal.identity == Identity::Anonymous {
            Ok(Permitted { change: self })
        } else {
            Err(Refusal::Hidden.into())
        }
    }

    /// Returns the permitted change, to note that an API key was presented, even one that opens nothing any more.
    ///
    /// # Errors
    /// [`Refusal::KeyInvalid`] if the principal isn't an API key.
    pub(crate) fn permit_note_of_key(&mut self) -> Result<Permitted<'_, 'a>> {
        self.principal.api_key()?;
        Ok(Permitted { change: self })
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
    pub fn write(&mut self) -> &mut Writer {
        self.change.writer.set_only_reads(false);
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
