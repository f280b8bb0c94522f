//! Failpoints: named places where a test makes the process die, to see what a crash exactly there
//! leaves behind. Inert unless `CRASH_AT` names the place.
//!
//! `CRASH_AT` is for tests alone and no setting of a service, so `--help` does not list it. A
//! process reads it once.

use std::{env, sync::LazyLock};

static CRASH_AT: LazyLock<Option<String>> = LazyLock::new(|| env::var("CRASH_AT").ok());

/// Kills the process, as `kill -9` does, if `CRASH_AT` is `name`.
pub fn hit(name: &str) {
    if CRASH_AT.as_deref() == Some(name) {
        eprintln!("CRASH_AT={name}");
        std::process::abort();
    }
}
