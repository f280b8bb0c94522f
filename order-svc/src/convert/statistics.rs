//! Messages of the statistics.

use chrono::{DateTime, Months, Utc};
use chrono_tz::Tz;
use mesh::validate::Violations;
use proto::{
    money::from_minor,
    order::v1 as pb,
    time::{optional_time, timestamp},
};

use super::Result;
use crate::statistics::{
    Statistics, StatisticsQuery, TopProduct, Totals,
    periods::{Bucket, PERIODS_MAX, period_starts},
};

const RANGE_YEARS_MAX: u32 = 10;
const QUARTER_SECONDS: i64 = 15 * 60;

/// Returns the query of GetOrderStatistics.
///
/// # Errors
/// VALIDATION_FAILED.
pub(crate) fn get_order_statistics(
    request: &pb::GetOrderStatisticsRequest,
) -> Result<StatisticsQuery> {
    let mut violations = Violations::new();
    let mut bound = |field: &str, bound| {
        let read = optional_time(bound, |text| violations.add(field, text));
        violations.require(bound.is_some(), field, "must be set");
        let is_quarter = |time: DateTime<Utc>| {
            time.timestamp() % QUARTER_SECONDS == 0 && time.timestamp_subsec_nanos() == 0
        };
        violations.require(read.is_none_or(is_quarter), field, "must be a multiple of 15 minutes");
        read
    };
    let start = bound("start_time", request.start_time.as_ref());
    let end = bound("end_time", request.end_time.as_ref());
    let bucket = bucket(&mut violations, request.bucket);
    let zone = match request.time_zone.as_str() {
        "" => Some(Tz::UTC),
        name => name.parse().ok(),
    };
    violations.require(zone.is_some(), "time_zone", "must be a name of the IANA time zones");
    let mut starts = Vec::new();
    if let (Some(start), Some(end), Some(zone)) = (start, end, zone) {
        let latest = start.checked_add_months(Months::new(12 * RANGE_YEARS_MAX));
        if end <= start {
            violations.add("end_time", "must be after start_time");
        } else if latest.is_none_or(|latest| end > latest) {
            violations.add("end_time", "must be at most 10 years after start_time");
        } else {
            let all = period_starts(start, end, bucket, zone);
            let most = format!("must be at most {PERIODS_MAX} periods after start_time");
            violations.require(all.is_some(), "end_time", &most);
            starts = all.unwrap_or_default();
        }
    }
    violations.finish(StatisticsQuery { starts, end: end.unwrap_or_default() })
}

fn bucket(violations: &mut Violations, bucket: i32) -> Bucket {
    match pb::StatisticsBucket::try_from(bucket) {
        Ok(pb::StatisticsBucket::Unspecified | pb::StatisticsBucket::Day) => Bucket::Day,
        Ok(pb::StatisticsBucket::Hour) => Bucket::Hour,
        Ok(pb::StatisticsBucket::Week) => Bucket::Week,
        Ok(pb::StatisticsBucket::Month) => Bucket::Month,
        Err(_) => {
            violations.add("bucket", "must be an hour, a day, a week or a month");
            Bucket::Day
        }
    }
}

/// Converts statistics.
pub(crate) fn statistics(
    query: &StatisticsQuery,
    statistics: Statistics,
    currency: &str,
) -> pb::GetOrderStatisticsResponse {
    let StatisticsQuery { starts, end } = query;
    let ends = starts.iter().skip(1).chain([end]);
    let periods = starts.iter().zip(ends).zip(statistics.periods);
    let periods = periods.map(|((start, end), period)| pb::StatisticsPeriod {
        start_time: Some(timestamp(*start)),
        end_time: Some(timestamp(*end)),
        totals: Some(totals(period, currency)),
    });
    let top_products = statistics.top_products.into_iter().map(|product| top(product, currency));
    pb::GetOrderStatisticsResponse {
        periods: periods.collect(),
        totals: Some(totals(statistics.totals, currency)),
        top_products: top_products.collect(),
        as_of: Some(timestamp(statistics.as_of)),
    }
}

fn totals(totals: Totals, currency: &str) -> pb::StatisticsTotals {
    pb::StatisticsTotals {
        orders: totals.orders,
        items: totals.items,
        revenue: Some(from_minor(totals.revenue_minor, currency)),
        average_order_value: Some(from_minor(totals.average_order_value_minor(), currency)),
    }
}

fn top(product: TopProduct, currency: &str) -> pb::TopProduct {
    pb::TopProduct {
        product_id: product.product_id.to_string(),
        name: product.name,
        quantity: product.quantity,
        revenue: Some(from_minor(product.revenue_minor, currency)),
    }
}
