//! What the gateway and the services share and what needs neither a database nor a broker: boot and
//! shutdown, settings, mTLS, channels, authorization from the descriptors, calls, errors, telemetry.
//!
//! **Invariant:** no term of the store is in here. Roles and access levels come from the contract.

pub mod access;
pub mod admin;
pub mod audit;
pub mod boot;
pub mod call;
pub mod channel;
pub mod client;
pub mod config;
pub mod cut_off;
pub mod deadline;
pub mod error;
pub mod identity;
pub mod open_service;
pub mod request_body;
pub mod request_buffer;
pub mod rpc;
pub mod server;
pub mod telemetry;
pub mod tls;
pub mod token;
pub mod validate;

pub use error::Error;

/// Any error. A client sees it as an internal error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
