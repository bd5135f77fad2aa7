//! Live events: the hints that the database gives, and the streams by which pages hear of them.

pub(crate) mod broadcast;
pub(crate) mod stream;
