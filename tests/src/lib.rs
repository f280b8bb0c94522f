//! The test harness of the crates: a service within the test, its database, tokens for its callers,
//! and a client of the whole store. devstack starts the store around them.

pub mod audit;
pub mod database;
pub mod edges;
pub mod field_rules;
pub mod floods;
pub mod fuzz;
pub mod issuer;
pub mod mailbox;
pub mod nginx;
pub mod rpc;
pub mod service;
pub mod status;
pub mod store;
pub mod topics;

use std::{future::Future, time::Duration};

/// How long a test waits for a condition.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `condition` returns a value.
///
/// # Panics
/// After [`PATIENCE`].
pub async fn eventually<T, F>(what: &str, mut condition: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let wait = async {
        loop {
            if let Some(value) = condition().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{what}: not in time"))
}
