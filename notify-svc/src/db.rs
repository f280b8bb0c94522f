//! SQL of notify-svc: functions that take a connection.

pub mod deliveries;
pub mod notifications;
