//! Periodic tasks.

use std::time::Duration;

/// How often search keys are made for products that a program without them has written.
pub(crate) const INDEX_INTERVAL: Duration = Duration::from_secs(2);
/// How often some words of the vocabulary are checked.
pub(crate) const VOCABULARY_INTERVAL: Duration = Duration::from_secs(10);
/// How often the sweeper runs.
pub(crate) const SWEEP_INTERVAL: Duration = Duration::from_secs(5);
