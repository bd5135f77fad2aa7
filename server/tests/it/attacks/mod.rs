//! Attacks that once succeeded, and fail now: one file for each class of them.

mod host;
mod limits;
