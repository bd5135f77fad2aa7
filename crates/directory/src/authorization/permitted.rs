//! A change that may be made: the only one that writes.
//!
//! Owns the type whose possession shows that somebody asked, and the ways to it: a permit that only [`policy`] issues,
//! or what the principal is. It must not know what is written.

use std::ops::{Deref, DerefMut};

use policy::{Permit, Refusal};

use super::{change::Change, principal::Identity, writer::Writer};
use crate::Result;

impl<'a> Change<'a> {
    /// The change, once the policy allowed it.
    pub const fn permit(&mut self, _: Permit) -> Permitted<'_, 'a> {
        Permitted { change: self }
    }

    /// The change, for a person: to what is their own (account, sessions, SSH keys, API keys they made), and to what the
    /// secret of a link opens to them, which the use case compares. A test lists every use case that is permitted so.
    ///
    /// # Errors
    /// [`policy::Refusal::SignedOut`] for whatever isn't a person.
    pub(crate) fn permit_oneself(&mut self) -> Result<Permitted<'_, 'a>> {
        self.principal.user()?;
        Ok(Permitted { change: self })
    }

    /// The change, for the person who runs the installation: theirs is everything.
    ///
    /// # Errors
    /// [`policy::Refusal::Hidden`] for everybody else: to them there is no such use case.
    pub(crate) fn permit_operator(&mut self) -> Result<Permitted<'_, 'a>> {
        self.principal.require_operator()?;
        Ok(Permitted { change: self })
    }

    /// The change, for a meter of the operator's: it reports usage for every organization (E9).
    ///
    /// # Errors
    /// [`policy::Refusal::MeterUnknown`] for whatever isn't one.
    pub(crate) fn permit_meter(&mut self) -> Result<Permitted<'_, 'a>> {
        self.principal.meter()?;
        Ok(Permitted { change: self })
    }

    /// The change, for somebody who showed no credential: to sign up and to ask for a link, and for what a password or
    /// the secret of a link or a token opens. The use case compares those itself, and returns a refusal where they are
    /// wrong. A test lists every use case that is permitted so.
    ///
    /// # Errors
    /// [`policy::Refusal::Hidden`] for every other principal.
    pub(crate) fn permit_anonymous(&mut self) -> Result<Permitted<'_, 'a>> {
        if self.principal.identity == Identity::Anonymous {
            Ok(Permitted { change: self })
        } else {
            Err(Refusal::Hidden.into())
        }
    }

    /// The change, to note that an API key was presented, whatever has become of the key.
    ///
    /// # Errors
    /// [`policy::Refusal::KeyInvalid`] for whatever isn't a key.
    pub(crate) fn permit_note_of_key(&mut self) -> Result<Permitted<'_, 'a>> {
        self.principal.api_key()?;
        Ok(Permitted { change: self })
    }
}

/// A [`Change`] that its principal may make. Every helper that writes demands one, or its [`Writer`]: without the
/// answer of the policy there is no connection to write with.
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
/// A permit can't be made up, nor can this:
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
    /// The connection, to write with.
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
