//! Times between the contract and Rust: `google.protobuf.Timestamp` and chrono.

use chrono::{DateTime, Utc};
pub use prost_types::Timestamp;

/// A time as the contract has it.
pub fn timestamp(time: DateTime<Utc>) -> Timestamp {
    Timestamp { seconds: time.timestamp(), nanos: time.timestamp_subsec_nanos() as i32 }
}

/// A time of the contract; none where it is out of range.
pub fn from_timestamp(time: &Timestamp) -> Option<DateTime<Utc>> {
    // Years 1 to 9999, as the contract's type has it.
    let valid = (-62_135_596_800..=253_402_300_799).contains(&time.seconds);
    valid.then(|| DateTime::from_timestamp(time.seconds, u32::try_from(time.nanos).ok()?)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_the_way_there_and_back_and_bad_ones_are_none() {
        let time = DateTime::from_timestamp(-1, 999_999_999);
        assert_eq!(time.and_then(|time| from_timestamp(&timestamp(time))), time);
        for (seconds, nanos) in [(0, -1), (0, 1_000_000_000), (i64::MAX, 0), (i64::MIN, 0)] {
            assert_eq!(from_timestamp(&Timestamp { seconds, nanos }), None);
        }
    }
}
