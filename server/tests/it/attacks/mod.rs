//! Attacks that once succeeded, one file per class: each shows that it fails now.

mod demoted_keys;
mod old_sessions;
mod weak_passwords;
