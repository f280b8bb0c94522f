//! The count of calls and their durations, by service, method and code. Handles are
//! made once, not a call.

use std::{sync::OnceLock, time::Duration};

use metrics::{Counter, Histogram, counter, histogram};
use tonic::Code;

const CODES: usize = 17;

/// Counts the calls of one method.
pub struct Tally {
    service: String,
    method: String,
    handled: [OnceLock<Counter>; CODES],
    seconds: OnceLock<Histogram>,
}

impl Tally {
    /// Nothing is counted yet.
    pub fn new(service: &str, method: &str) -> Self {
        Self {
            service: service.to_owned(),
            method: method.to_owned(),
            handled: [const { OnceLock::new() }; CODES],
            seconds: OnceLock::new(),
        }
    }

    /// Counts a call that ended with `code` after `duration`.
    pub fn record(&self, code: Code, duration: Duration) {
        let handled = self.handled[code as usize].get_or_init(|| {
            counter!(
                "grpc_server_handled_total",
                "grpc_service" => self.service.clone(),
                "grpc_method" => self.method.clone(),
                "grpc_code" => format!("{code:?}"),
            )
        });
        handled.increment(1);
        let seconds = self.seconds.get_or_init(|| {
            histogram!(
                "grpc_server_handling_seconds",
                "grpc_service" => self.service.clone(),
                "grpc_method" => self.method.clone(),
            )
        });
        seconds.record(duration.as_secs_f64());
    }
}
