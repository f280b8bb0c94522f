//! What a store needs before it can start: certificates, keys, topics and the demo catalogue. The
//! program `setup` creates them where devstack does not run the store: in a Kubernetes cluster and
//! for `compose.yaml`. devstack uses the library for its own store.
//!
//! It starts no process and connects to no service.

pub mod acl;
pub mod broker;
pub mod certificates;
pub mod client_tls;
pub mod files;
pub mod keys;

/// The email address of the demo's admin account.
pub const ADMIN_EMAIL: &str = "admin@shopmesh.example";
