//! The rules, against a real PostgreSQL: one file per noun, one test or more per rule, which it names.

mod account_deletion;
mod accounts;
mod audit;
mod collaborator_list;
mod collaborators;
mod demo;
mod end_dates;
mod externals;
mod fixture;
mod hints;
mod invitations;
mod isolation;
mod member_list;
mod members;
mod organizations;
mod outbox;
mod owners;
mod password_reset;
mod project_list;
mod projects;
mod races;
mod resources;
mod schema;
mod sessions;
mod ssh_keys;
mod usage;
