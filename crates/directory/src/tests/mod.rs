//! The rules, against a real PostgreSQL: one file per noun, one test or more per rule, which it names.

mod accounts;
mod audit;
mod collaborator_list;
mod collaborators;
mod demo;
mod end_dates;
mod externals;
mod fixture;
mod hints;
mod isolation;
mod members;
mod organizations;
mod projects;
mod races;
mod schema;
mod sessions;
