//! Attacks that were seen to succeed, one file per class: each test makes one and holds that it fails.

mod audit_flood;
mod gateway_tokens;
mod ssh_keys_of_others;
mod usage_books;
