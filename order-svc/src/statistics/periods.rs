//! The calendar of the statistics: divides a range of time into periods of a time zone, and
//! into the spans that have precomputed sums. Does no I/O.

use chrono::{
    DateTime, Datelike, Days, Duration, Months, NaiveDate, NaiveTime, Offset, TimeZone, Utc,
};
use chrono_tz::Tz;

/// Lengths of the spans that have sums, in minutes: a quarter of an hour, since the days of
/// every time zone begin at one; a day of UTC and thirty days, so that few rows cover
/// years. Each is a multiple of the one before; all count from 1970.
pub(crate) const SPAN_MINUTES: [i32; 3] = [15, 1_440, 43_200];

/// Most periods of a query.
pub(crate) const PERIODS_MAX: usize = 1_500;

/// The length of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Bucket {
    Hour,
    /// A calendar day.
    Day,
    /// Seven days from a Monday.
    Week,
    /// A calendar month.
    Month,
}

/// One or more consecutive rows of the sums of one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// The length of one row.
    pub(crate) minutes: i32,
    /// Start, inclusive.
    pub(crate) first: DateTime<Utc>,
    /// End, exclusive.
    pub(crate) end: DateTime<Utc>,
}

/// Returns the starts of the periods of `start..end`, oldest first; `start` truncates the
/// first one. Returns none if there are more than 1,500.
pub fn period_starts(
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    bucket: Bucket,
    zone: Tz,
) -> Option<Vec<DateTime<Utc>>> {
    let mut starts = Vec::new();
    let mut at = start;
    while at < end {
        if starts.len() == PERIODS_MAX {
            return None;
        }
        starts.push(at);
        at = next_period(at, bucket, zone);
    }
    Some(starts)
}

/// Returns the start of the period after the one that contains `at`.
fn next_period(at: DateTime<Utc>, bucket: Bucket, zone: Tz) -> DateTime<Utc> {
    let local = at.with_timezone(&zone);
    let date = local.date_naive();
    let next = match bucket {
        Bucket::Hour => {
            let offset = i64::from(local.offset().fix().local_minus_utc());
            let into_hour = (at.timestamp() + offset).rem_euclid(3600);
            return at + Duration::seconds(3600 - into_hour);
        }
        Bucket::Day => date + Days::new(1),
        Bucket::Week => date + Days::new(7 - u64::from(date.weekday().num_days_from_monday())),
        Bucket::Month => date.with_day(1).unwrap_or(date) + Months::new(1),
    };
    // A zone may skip a whole day. Its period is empty, so there is none.
    (0..7)
        .filter_map(|days| first_instant(next + Days::new(days), zone))
        .find(|&instant| instant > at)
        .unwrap_or(at + Duration::days(1))
}

/// Returns the start of a day: midnight or, if clocks are set forward over it, that moment.
/// Returns none if the zone skips the day.
fn first_instant(date: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    let midnight = date.and_time(NaiveTime::MIN);
    (0..24 * 4).find_map(|quarter| {
        let local = midnight + Duration::minutes(15 * quarter);
        Some(zone.from_local_datetime(&local).earliest()?.with_timezone(&Utc))
    })
}

/// Returns the fewest spans that cover each of the periods that start at `starts`, the last
/// of which ends at `end`. No span crosses the end of a period. All bounds are multiples of
/// the shortest length.
pub(crate) fn cover(starts: &[DateTime<Utc>], end: DateTime<Utc>) -> Vec<Span> {
    let mut spans = Vec::new();
    let ends = starts.iter().skip(1).copied().chain([end]);
    for (&start, end) in starts.iter().zip(ends) {
        cover_range(&mut spans, start, end, &SPAN_MINUTES);
    }
    spans
}

/// Covers a range by as many spans of the last of `lengths` as fit, and by shorter ones
/// before and after.
fn cover_range(spans: &mut Vec<Span>, start: DateTime<Utc>, end: DateTime<Utc>, lengths: &[i32]) {
    let Some((&minutes, shorter)) = lengths.split_last() else {
        return;
    };
    let seconds = i64::from(minutes) * 60;
    let round = |time: DateTime<Utc>, up: i64| {
        let rounded = (time.timestamp() + up).div_euclid(seconds) * seconds;
        DateTime::from_timestamp(rounded, 0).unwrap_or(time)
    };
    let (first, after) = (round(start, seconds - 1), round(end, 0));
    if first >= after {
        return cover_range(spans, start, end, shorter);
    }
    cover_range(spans, start, first, shorter);
    match spans.last_mut() {
        Some(last) if last.minutes == minutes && last.end == first => last.end = after,
        _ => spans.push(Span { minutes, first, end: after }),
    }
    cover_range(spans, after, end, shorter);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn starts(start: &str, end: &str, bucket: Bucket, zone: Tz) -> Vec<String> {
        let starts = period_starts(time(start), time(end), bucket, zone).expect("not too many");
        starts.iter().map(|start| start.format("%m-%dT%H:%M").to_string()).collect()
    }

    #[test]
    fn periods_start_by_the_calendar_of_the_zone() {
        use Bucket::{Day, Hour, Month, Week};
        for (start, end, bucket, zone, want) in [
            // Clocks in Berlin are set forward on 29 March 2026 and back on 25 October.
            (
                "2026-03-28T10:00:00Z",
                "2026-03-30T23:00:00Z",
                Day,
                Tz::Europe__Berlin,
                &["03-28T10:00", "03-28T23:00", "03-29T22:00", "03-30T22:00"][..],
            ),
            (
                "2026-10-25T00:00:00Z",
                "2026-10-25T02:30:00Z",
                Hour,
                Tz::Europe__Berlin,
                &["10-25T00:00", "10-25T01:00", "10-25T02:00"],
            ),
            // In Kathmandu an hour begins 15 minutes after that of UTC.
            (
                "2026-01-01T00:00:00Z",
                "2026-01-01T02:00:00Z",
                Hour,
                Tz::Asia__Kathmandu,
                &["01-01T00:00", "01-01T00:15", "01-01T01:15"],
            ),
            // 2026-01-01 is a Thursday.
            (
                "2026-01-01T00:00:00Z",
                "2026-01-13T00:00:00Z",
                Week,
                Tz::UTC,
                &["01-01T00:00", "01-05T00:00", "01-12T00:00"],
            ),
            (
                "2026-01-31T00:00:00Z",
                "2026-03-02T00:00:00Z",
                Month,
                Tz::America__New_York,
                &["01-31T00:00", "02-01T05:00", "03-01T05:00"],
            ),
            // Samoa skipped 30 December 2011, and Cairo sets clocks forward at midnight.
            (
                "2011-12-29T10:00:00Z",
                "2012-01-01T10:00:00Z",
                Day,
                Tz::Pacific__Apia,
                &["12-29T10:00", "12-30T10:00", "12-31T10:00"],
            ),
            (
                "2026-04-23T21:00:00Z",
                "2026-04-25T22:00:00Z",
                Day,
                Tz::Africa__Cairo,
                &["04-23T21:00", "04-23T22:00", "04-24T21:00", "04-25T21:00"],
            ),
        ] {
            assert_eq!(starts(start, end, bucket, zone), want, "{bucket:?} in {zone}");
        }
    }

    #[test]
    fn few_spans_cover_years_and_too_many_periods_are_none() {
        let (start, end) = (time("2016-01-01T00:00:00Z"), time("2026-01-01T00:00:00Z"));
        assert_eq!(cover(&[start], end).len(), 3);
        assert_eq!(period_starts(start, end, Bucket::Day, Tz::UTC), None);
        assert_eq!(period_starts(start, start, Bucket::Day, Tz::UTC), Some(vec![]));
    }

    const QUARTER: i64 = 15 * 60;
    const BUCKETS: [Bucket; 4] = [Bucket::Hour, Bucket::Day, Bucket::Week, Bucket::Month];
    const ZONES: [Tz; 9] = [
        Tz::UTC,
        Tz::Europe__Berlin,
        Tz::America__New_York,
        Tz::Asia__Kathmandu,
        Tz::Australia__Lord_Howe,
        Tz::Pacific__Apia,
        Tz::Pacific__Chatham,
        Tz::America__Havana,
        Tz::Africa__Casablanca,
    ];

    /// Returns the period of a quarter of an hour, by definition.
    fn label(at: DateTime<Utc>, bucket: Bucket, zone: Tz) -> (NaiveDate, i64) {
        let local = at.with_timezone(&zone);
        let date = local.date_naive();
        match bucket {
            Bucket::Hour => {
                let offset = i64::from(local.offset().fix().local_minus_utc());
                (date, (at.timestamp() + offset).div_euclid(3600) * 3600 - offset)
            }
            Bucket::Day => (date, 0),
            Bucket::Week => (date.week(chrono::Weekday::Mon).first_day(), 0),
            Bucket::Month => (date.with_day(1).expect("a month has a first day"), 0),
        }
    }

    proptest! {
        #[test]
        fn periods_change_exactly_where_the_local_calendar_does(
            day in 10_000..22_000_i64,
            quarter in 0..96_i64,
            length in 1..4_000_i64,
            bucket in prop::sample::select(&BUCKETS[..]),
            zone in prop::sample::select(&ZONES[..]),
        ) {
            let at = |quarters: i64| {
                DateTime::from_timestamp(day * 86_400 + quarters * QUARTER, 0).expect("a time")
            };
            let (start, end) = (at(quarter), at(quarter + length));
            let starts = period_starts(start, end, bucket, zone).expect("not too many");
            let mut want = vec![start];
            for quarters in quarter + 1..quarter + length {
                if label(at(quarters), bucket, zone) != label(at(quarters - 1), bucket, zone) {
                    want.push(at(quarters));
                }
            }
            prop_assert_eq!(starts, want);
        }

        #[test]
        fn spans_cover_every_period_once_and_cross_none(
            quarters in prop::collection::btree_set(1_000_000..1_100_000_i64, 2..20),
        ) {
            let time = |quarter: i64| {
                DateTime::from_timestamp(quarter * QUARTER, 0).expect("a time")
            };
            let bounds: Vec<_> = quarters.into_iter().map(time).collect();
            let (&end, starts) = bounds.split_last().expect("two bounds");
            let spans = cover(starts, end);
            let mut at = starts[0];
            for span in &spans {
                prop_assert_eq!(span.first, at);
                prop_assert!(span.first < span.end);
                let seconds = i64::from(span.minutes) * 60;
                // No row of the span crosses the end of a period.
                let rows = span.first.timestamp()..span.end.timestamp();
                for row in rows.step_by(seconds as usize) {
                    prop_assert_eq!(row % seconds, 0);
                    let inside = |b: &DateTime<Utc>| {
                        (row + 1..row + seconds).contains(&b.timestamp())
                    };
                    prop_assert!(!bounds.iter().any(inside));
                }
                at = span.end;
            }
            prop_assert_eq!(at, end);
        }
    }
}
