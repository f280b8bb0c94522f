//! SQL of notify-svc, in functions that take a connection.

pub mod deliveries;
pub(crate) mod notifications;
