//! SQL of order-svc: functions that take a connection.

pub(crate) mod open_orders;
pub(crate) mod orders;
pub(crate) mod statistics;
