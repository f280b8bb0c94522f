//! SQL of user-svc: functions that take a connection.

pub mod api_clients;
pub mod links;
pub mod sessions;
pub mod tries;
pub mod users;
