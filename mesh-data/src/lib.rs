//! What the services that own data share: settings, boot, database, group commit, outbox and relay,
//! audit trail, consumers, page tokens, subscriptions. Builds on `mesh`, which needs neither a database
//! nor a broker.
//!
//! **Invariant:** no term of the store is in here.

pub mod audit;
pub mod commands;
pub mod config;
pub mod consumer;
pub mod database;
pub mod failpoint;
pub mod folding;
pub mod group_commit;
pub mod id;
pub mod kafka;
mod key;
pub mod outbox;
pub mod page;
pub mod service;
pub mod sql;
pub mod subscription;
pub mod text_enum;
