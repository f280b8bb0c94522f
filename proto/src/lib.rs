//! The contract, compiled: messages, clients, servers and descriptors of every package
//! under `proto/`. Converts money and times between the contract and Rust. Knows nothing
//! of how a service implements a method.

pub mod country;
pub mod money;
pub mod time;
pub mod topics;

// The comments of the contract are the documentation of what is generated from it.
#[allow(missing_docs, clippy::all, clippy::pedantic, rustdoc::all)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/generated.rs"));
}

pub use generated::google;
pub use generated::shopmesh::{notify, options, order, product, user};

/// All files of the contract and their imports, as an encoded
/// `google.protobuf.FileDescriptorSet` that keeps the options of methods, messages and
/// fields.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
