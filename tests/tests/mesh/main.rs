//! Tests of the running mesh through the gateway, by gRPC and gRPC-Web.

mod access;
mod attacks;
mod audit;
mod broker_access;
mod checkout;
mod database_access;
mod faults;
mod flows;
mod input;
mod metrics;
mod model;
mod proxy;
mod secrets;
mod settings;
mod streams;
mod trace;
