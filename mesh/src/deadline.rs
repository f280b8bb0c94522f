//! The deadline of a call: read from `grpc-timeout`, kept during the call, and passed on, shrunk,
//! to the next hop and to the database.

use std::{future::Future, time::Duration};

use http::{HeaderMap, HeaderValue};
use tokio::time::{Instant, timeout_at};

use crate::error::Error;

const GRPC_TIMEOUT: &str = "grpc-timeout";

tokio::task_local! {
    static DEADLINE: Instant;
}

/// Runs `call` under a deadline, which [`remaining`] reads within it.
///
/// # Errors
/// [`Error::DeadlineExceeded`] if the deadline passes first.
pub async fn scope<T>(deadline: Instant, call: impl Future<Output = T>) -> Result<T, Error> {
    timeout_at(deadline, DEADLINE.scope(deadline, call)).await.map_err(|_| Error::DeadlineExceeded)
}

/// Runs `call` to its end, also after the deadline, which [`remaining`] reads within it.
pub async fn scope_without_limit<T>(deadline: Instant, call: impl Future<Output = T>) -> T {
    DEADLINE.scope(deadline, call).await
}

/// Returns the deadline of the current call; `None` outside a call.
pub fn current() -> Option<Instant> {
    DEADLINE.try_with(|deadline| *deadline).ok()
}

/// Returns the time left of the current call, at most `max`.
pub fn remaining(max: Duration) -> Duration {
    current().map_or(max, |deadline| deadline.saturating_duration_since(Instant::now()).min(max))
}

/// Returns the timeout that the caller requests, at most `max`.
pub fn read(headers: &HeaderMap, max: Duration) -> Duration {
    headers
        .get(GRPC_TIMEOUT)
        .and_then(|value| parse(value.to_str().ok()?))
        .map_or(max, |timeout| timeout.min(max))
}

/// Writes the timeout for the next hop.
pub fn write(headers: &mut HeaderMap, timeout: Duration) {
    let value = HeaderValue::from_str(&format!("{}m", timeout.as_millis().min(99_999_999)))
        .expect("digits and a letter are a header value");
    headers.insert(GRPC_TIMEOUT, value);
}

/// Source: gRPC over HTTP/2, `Timeout → TimeoutValue TimeoutUnit`, at most 8 digits.
fn parse(value: &str) -> Option<Duration> {
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let n: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(n * 3600)),
        "M" => Some(Duration::from_secs(n * 60)),
        "S" => Some(Duration::from_secs(n)),
        "m" => Some(Duration::from_millis(n)),
        "u" => Some(Duration::from_micros(n)),
        "n" => Some(Duration::from_nanos(n)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_timeout_values_are_parsed() {
        for (value, want) in [
            ("100m", Some(Duration::from_millis(100))),
            ("1S", Some(Duration::from_secs(1))),
            ("2M", Some(Duration::from_secs(120))),
            ("99999999H", Some(Duration::from_secs(99_999_999 * 3600))),
            ("100000000m", None),
            ("5", None),
            ("m", None),
            ("-1S", None),
            ("é", None),
            ("", None),
        ] {
            assert_eq!(parse(value), want, "{value}");
        }
    }

    #[test]
    fn a_timeout_is_capped_by_the_maximum_of_the_service() {
        let mut headers = HeaderMap::new();
        write(&mut headers, Duration::from_secs(600));
        let max = Duration::from_secs(30);
        assert_eq!(read(&headers, max), max);
        assert_eq!(read(&HeaderMap::new(), max), max);
    }
}
