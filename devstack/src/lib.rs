//! Brings the whole store up on one machine, as child processes: PostgreSQL, Kafka, the mailbox and the
//! five services. The program `devstack` is what `make up` and `make test` run; the library lets a test
//! start a store of its own, break it and look.
//!
//! It knows each service by its name, program and settings only; what they say to each other is none of
//! its business.

use std::sync::Arc;

mod addresses;
pub mod catalogue;
mod certificates;
mod chores;
mod exports;
mod home;
mod kafka;
mod mailbox;
mod options;
mod part;
mod ports;
mod postgres;
mod process;
mod ready;
mod secrets;
mod seed;
mod services;
pub mod setup;
mod stack;
mod state;
mod supervisor;
pub mod testing;
mod tools;
mod welcome;

pub use addresses::Addresses;
pub use options::{External, Options};
pub use part::Part;
pub use ports::Ports;
pub use seed::Login;
pub use stack::Stack;
pub use state::{end_running, remove, sweep};
pub use topology::Service;

/// Takes each line that tells what goes on.
pub type Progress = Arc<dyn Fn(&str) + Send + Sync>;
