//! product-svc as the gateway, order-svc and the broker see it: the real service on a
//! real database.

mod catalogue;
mod field_rules;
mod import;
mod reservations;
mod support;
mod watch;
