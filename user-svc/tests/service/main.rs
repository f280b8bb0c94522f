//! user-svc as its callers see it: the real service, PostgreSQL and Kafka.
#![allow(clippy::unwrap_used)]

mod access;
mod admin;
mod clients;
mod commands;
mod harness;
mod keys;
mod limits;
mod log_in;
mod profile;
mod refresh;
mod sessions;
mod sign_up;
