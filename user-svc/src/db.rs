//! SQL of user-svc: functions that take a connection.

pub(crate) mod api_clients;
pub(crate) mod attempts;
pub(crate) mod audit_entries;
pub(crate) mod devices;
pub(crate) mod links;
pub(crate) mod sessions;
pub(crate) mod users;
