//! What tests share: a service run within the test, tokens for its callers, and what
//! a status says. The store around it is devstack's.

pub mod edges;
pub mod field_rules;
pub mod issuer;
pub mod service;
pub mod status;
pub mod store;

use std::{future::Future, time::Duration};

/// How long a test waits for something that is to happen.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `condition` tells something.
///
/// # Panics
/// When [`PATIENCE`] is over.
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
