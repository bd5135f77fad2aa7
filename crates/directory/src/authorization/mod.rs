//! The authorization kernel: who asks, about which target, and what they are to it.
//!
//! Owns the kinds of principals, the targets, how a target is found and locked as a principal sees it, and the answers
//! to gateways. [`policy`] decides; the use cases ask. It must not know what a use case changes, nor how a request
//! arrived.

pub(crate) mod change;
pub(crate) mod evaluate;
pub(crate) mod gateway;
pub(crate) mod lock;
pub(crate) mod lookup;
pub(crate) mod permitted;
pub(crate) mod principal;
pub(crate) mod record;
pub(crate) mod standing;
pub(crate) mod target;
pub(crate) mod writer;
