//! user-svc as its callers see it: the real service, PostgreSQL and Kafka.
#![allow(clippy::unwrap_used)]

mod access;
mod clients;
mod commands;
mod harness;
mod keys;
mod limits;
mod log_in;
mod refresh;
mod sign_up;
