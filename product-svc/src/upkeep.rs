//! Periodic tasks.

use std::time::Duration;

/// How often the sweeper runs.
pub(crate) const SWEEP_INTERVAL: Duration = Duration::from_secs(5);
