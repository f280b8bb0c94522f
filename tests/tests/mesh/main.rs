//! The running mesh, as those who use it see it: through the gateway, by gRPC and by
//! gRPC-Web.

mod access;
mod checkout;
mod faults;
mod flows;
mod input;
mod metrics;
mod streams;
mod trace;
