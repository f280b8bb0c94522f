//! order-svc as its callers see it: the real service, PostgreSQL, Kafka and product-svc.
#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod access;
mod audit;
mod checkout;
mod crashes;
mod export;
mod field_rules;
mod fulfilment;
mod harness;
mod lists;
mod mail;
mod open_orders;
mod place_order;
mod statistics;
mod validation;
mod watch;
