//! The contract, compiled: messages, clients, servers and descriptors of every
//! package under `proto/`. Owns the exchange between `google.type.Money` and minor
//! units; knows nothing of how a service does its work.

pub mod country;
pub mod money;
pub mod time;
pub mod topics;

#[allow(missing_docs, clippy::all, rustdoc::all)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/generated.rs"));
}

pub use generated::google;
pub use generated::shopmesh::{notify, options, order, product, user};

/// Every file of the contract and what it imports, as an encoded
/// `google.protobuf.FileDescriptorSet` that keeps the options of the methods.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
