//! Attacks that once succeeded, and fail now: one file for each class of them (docs/security.md).

mod audit_flood;
mod demoted_keys;
mod forged_flash;
mod gateway_tokens;
mod host;
mod limits;
mod old_sessions;
mod ssh_keys_of_others;
mod unproved_address;
mod usage_books;
mod weak_passwords;
mod who_has_an_account;
