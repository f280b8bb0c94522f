//! user-svc as its callers see it: the real service, PostgreSQL and Kafka.
#![allow(clippy::unwrap_used)]

mod access;
mod admin;
mod clients;
mod commands;
mod field_rules;
mod harness;
mod keys;
mod limits;
mod links;
mod log_in;
mod passwords;
mod profile;
mod refresh;
mod sessions;
mod sign_up;
