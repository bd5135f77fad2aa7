//! Attacks that once succeeded, one file to a class: each is tried against the whole router, and has to fail.

mod unproved_address;
mod who_has_an_account;
