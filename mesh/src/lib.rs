//! What every service of the mesh shares, from `main` to the drain: settings, boot,
//! mTLS, calls between services, authorization from the descriptors, errors,
//! database, group commit, Kafka and telemetry.
//!
//! **Invariant:** nothing here knows what the shop is about. A domain word in this
//! crate is in the wrong place.

pub mod access;
pub mod admin;
pub mod boot;
pub mod channel;
pub mod config;
pub mod consumer;
pub mod crash;
pub mod database;
pub mod deadline;
pub mod error;
pub mod group_commit;
pub mod id;
pub mod kafka;
pub mod outbox;
pub mod page;
pub mod prepared;
pub mod rpc;
pub mod server;
pub mod telemetry;
pub mod text_enum;
pub mod tls;
pub mod token;
pub mod validate;
pub mod watch;

pub use error::{BoxError, Error};
