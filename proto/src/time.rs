//! Converts between `google.protobuf.Timestamp` and chrono.

use chrono::{DateTime, Utc};
pub use prost_types::Timestamp;

/// Returns the time as a message.
pub fn timestamp(time: DateTime<Utc>) -> Timestamp {
    Timestamp { seconds: time.timestamp(), nanos: time.timestamp_subsec_nanos() as i32 }
}

/// Returns the time of a message, or none if the message is out of range.
pub fn from_timestamp(time: &Timestamp) -> Option<DateTime<Utc>> {
    // The definition of the type: years 1 to 9999.
    let valid = (-62_135_596_800..=253_402_300_799).contains(&time.seconds);
    valid.then(|| DateTime::from_timestamp(time.seconds, u32::try_from(time.nanos).ok()?)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_convert_to_messages_and_back_and_invalid_ones_are_none() {
        let time = DateTime::from_timestamp(-1, 999_999_999);
        assert_eq!(time.and_then(|time| from_timestamp(&timestamp(time))), time);
        for (seconds, nanos) in [(0, -1), (0, 1_000_000_000), (i64::MAX, 0), (i64::MIN, 0)] {
            assert_eq!(from_timestamp(&Timestamp { seconds, nanos }), None);
        }
    }
}
