//! SQL of order-svc: functions that take a connection.

pub mod orders;
pub mod statistics;
