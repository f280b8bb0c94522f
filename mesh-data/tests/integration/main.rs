//! The crate beside a real PostgreSQL and a real Kafka, which `devstack exec` starts. Each test has
//! its own database and topics.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod audit;
mod consumer;
mod database;
mod dead_letter;
mod group_commit;
mod handler;
mod kafka;
mod outbox;
mod sql;
mod support;
