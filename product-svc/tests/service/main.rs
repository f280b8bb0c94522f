//! product-svc as its callers see it: the real service, PostgreSQL, Kafka and order-svc.

mod access;
mod audit;
mod costs;
mod crashes;
mod field_rules;
mod harness;
mod inventory;
mod product_catalogue;
mod product_import;
mod product_names;
mod product_search;
mod product_watch;
mod reservation;
mod reservation_outcomes;
mod reservation_sweeper;
mod validation;
