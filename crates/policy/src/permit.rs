//! The proof that the policy was asked and allowed something.
//!
//! Owns the one type that proves it. It must not know what is done with it.

/// The proof that something is allowed. Only this crate issues one, where it decides, so that holding one proves that
/// the policy was asked. The directory writes nothing for a person or a program without one.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit(());

impl Permit {
    /// Issues a permit. Private to this crate, which calls it where it decides.
    pub(crate) const fn issue() -> Self {
        Self(())
    }
}
