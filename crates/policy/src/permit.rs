//! The proof that the policy was asked and said yes.
//!
//! Owns the one type that says so. It must not know what is done with it.

/// That something is allowed. Only this crate issues one, where it decides, so that whoever holds one has asked; the
/// directory writes nothing for a person or a program without one.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit(());

impl Permit {
    /// Private to this crate: issued by what decides.
    pub(crate) const fn issue() -> Self {
        Self(())
    }
}
