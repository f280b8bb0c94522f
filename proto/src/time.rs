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

/// Returns the time of an optional field. Calls `report` with a description if it is out of range.
pub fn optional_time(time: Option<&Timestamp>, report: impl FnOnce(&str)) -> Option<DateTime<Utc>> {
    let time = time?;
    let read = from_timestamp(time);
    if read.is_none() {
        report("must be a time of the years 1 to 9999");
    }
    read
}

/// Returns the bounds of a half-open range, each of which may be missing. Calls `report` with the
/// name of a field and a description for each bound that is out of range, and if the range is empty.
pub fn optional_range(
    start_time: Option<&Timestamp>,
    end_time: Option<&Timestamp>,
    mut report: impl FnMut(&str, &str),
) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
    let start = optional_time(start_time, |description| report("start_time", description));
    let end = optional_time(end_time, |description| report("end_time", description));
    if start.zip(end).is_some_and(|(start, end)| start >= end) {
        report("end_time", "must be after start_time");
    }
    (start, end)
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

    #[test]
    fn each_bad_bound_and_an_empty_range_is_reported() {
        let [early, late] = [0, 1].map(|seconds| Timestamp { seconds, nanos: 0 });
        let bad = Timestamp { seconds: i64::MAX, nanos: 0 };
        for (start, end, fields) in [
            (None, None, vec![]),
            (Some(&early), Some(&late), vec![]),
            (Some(&late), None, vec![]),
            (Some(&late), Some(&early), vec!["end_time"]),
            (Some(&late), Some(&late), vec!["end_time"]),
            (Some(&bad), Some(&bad), vec!["start_time", "end_time"]),
        ] {
            let mut reported = Vec::new();
            optional_range(start, end, |field, _| reported.push(field.to_owned()));
            assert_eq!(reported, fields);
        }
    }
}
