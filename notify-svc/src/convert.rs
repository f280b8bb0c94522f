//! Between the messages of the contract and domain types. Checks every field of a request,
//! and reports all bad ones at once.

pub(crate) mod delivery;
pub(crate) mod notification;

type Result<T> = std::result::Result<T, mesh::Error>;
