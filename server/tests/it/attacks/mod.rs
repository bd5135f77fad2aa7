//! Attacks that succeeded once, one file for each class of them (docs/security.md).

mod forged_flash;
