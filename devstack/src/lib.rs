//! Starts and supervises the whole store on one machine as child processes: PostgreSQL, Kafka, the
//! mailbox and the five services. `make up` and `make test` run the program `devstack`. With the
//! library a test starts a store of its own, injects faults and observes the result.
//!
//! It knows each service only by name, program and settings, not by its API.

mod addresses;
mod banner;
pub mod catalogue;
mod exports;
mod kafka;
mod mailbox;
mod one_shot;
mod options;
mod part;
mod paths;
mod ports;
mod postgres;
mod process;
mod readiness;
mod seed;
mod services;
mod spawn_thread;
mod stack;
mod state_dir;
mod supervisor;
pub mod testing;

pub use addresses::Addresses;
pub use options::{External, Options, Progress};
pub use part::Part;
pub use ports::Ports;
pub use seed::Login;
pub use stack::Stack;
pub use state_dir::{remove, remove_abandoned, stop_running};
pub use topology::Service;
