//! Death at a named step, so that a test can see what is left behind by a process that
//! died exactly there. Inert unless `CRASH_AT` names a step.
//!
//! `CRASH_AT` is no setting of a service: it is for tests alone, so `--help` is silent
//! about it. A process reads it once.

use std::{env, sync::LazyLock};

static CRASH_AT: LazyLock<Option<String>> = LazyLock::new(|| env::var("CRASH_AT").ok());

/// The process dies here, as by `kill -9`, where `CRASH_AT` is `step`.
pub fn point(step: &str) {
    if CRASH_AT.as_deref() == Some(step) {
        eprintln!("CRASH_AT={step}");
        std::process::abort();
    }
}
