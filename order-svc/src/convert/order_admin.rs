//! Messages of `OrderAdminService`.

use chrono::{DateTime, Months, Utc};
use chrono_tz::Tz;
use mesh::validate::Violations;
use mesh_data::page::{Page, PageTokens, Scope};
use proto::{
    money::{amount, from_minor},
    order::v1 as pb,
    time::timestamp,
};

use super::{Result, time};
use crate::{
    lookup::{Cursor, OrderFilter, OrderOrder},
    order::{OrderState, ProductId},
    periods::{PERIODS_MAX, period_starts},
    statistics::{Bucket, Question, Statistics, TopProduct, Totals},
};

const EMAIL_CHARACTERS_MAX: usize = 254;
const STATES_MAX: usize = 10;
const RANGE_YEARS_MAX: u32 = 10;
const QUARTER_SECONDS: i64 = 15 * 60;

/// What a page token of ListAllOrders is good for.
pub fn list_all_orders_scope<'a>(
    filter: &'a OrderFilter,
    caller: &'a str,
) -> Scope<'a, OrderFilter> {
    Scope { method: "ListAllOrders", filters: filter, caller }
}

/// What ListAllOrders asks for.
///
/// # Errors
/// VALIDATION_FAILED.
pub fn list_all_orders(
    request: &pb::ListAllOrdersRequest,
    currency: &str,
    caller: &str,
    tokens: &PageTokens,
) -> Result<(OrderFilter, Page<Cursor>)> {
    let mut violations = Violations::new();
    let filter = order_filter(&mut violations, request, currency);
    let scope = list_all_orders_scope(&filter, caller);
    let page = Page::read(&mut violations, tokens, &scope, request.page_size, &request.page_token);
    violations.finish((filter, page))
}

/// What ExportOrders asks for: as ListAllOrders, without pages.
///
/// # Errors
/// VALIDATION_FAILED.
pub fn export_orders(request: pb::ExportOrdersRequest, currency: &str) -> Result<OrderFilter> {
    let mut violations = Violations::new();
    let request = pb::ListAllOrdersRequest {
        states: request.states,
        start_time: request.start_time,
        end_time: request.end_time,
        customer_email: request.customer_email,
        product_id: request.product_id,
        total_min: request.total_min,
        order_by: request.order_by,
        ..pb::ListAllOrdersRequest::default()
    };
    let filter = order_filter(&mut violations, &request, currency);
    violations.finish(filter)
}

fn order_filter(
    violations: &mut Violations,
    request: &pb::ListAllOrdersRequest,
    currency: &str,
) -> OrderFilter {
    let order = match request.order_by.as_str() {
        "" | "create_time desc" => OrderOrder::NewestFirst,
        "create_time" => OrderOrder::OldestFirst,
        "total desc" => OrderOrder::DearestFirst,
        "total" => OrderOrder::CheapestFirst,
        _ => {
            let known = "must be create_time desc, create_time, total desc or total";
            violations.add("order_by", known);
            OrderOrder::NewestFirst
        }
    };
    let start = time(violations, "start_time", request.start_time.as_ref());
    let end = time(violations, "end_time", request.end_time.as_ref());
    let backwards = start.zip(end).is_some_and(|(start, end)| start >= end);
    violations.require(!backwards, "end_time", "must be after start_time");
    let email = violations.text("customer_email", &request.customer_email, 0, EMAIL_CHARACTERS_MAX);
    let product_id = violations.optional_uuid("product_id", &request.product_id);
    let total_min = request.total_min.as_ref();
    OrderFilter {
        states: states(violations, &request.states),
        start,
        end,
        customer_email: (!email.is_empty()).then_some(email),
        product_id: product_id.map(ProductId),
        total_min_minor: total_min
            .map(|total| amount(total, currency, violations.under("total_min"))),
        order,
    }
}

/// The states asked for, each once; none means all.
fn states(violations: &mut Violations, asked: &[i32]) -> Vec<OrderState> {
    violations.require(asked.len() <= STATES_MAX, "states", "must be at most 10");
    let mut states = Vec::new();
    for (i, &state) in asked.iter().take(STATES_MAX).enumerate() {
        match pb::OrderState::try_from(state) {
            Ok(pb::OrderState::Confirmed) => states.push(OrderState::Confirmed),
            Ok(pb::OrderState::Shipped) => states.push(OrderState::Shipped),
            Ok(pb::OrderState::Cancelled) => states.push(OrderState::Cancelled),
            Ok(pb::OrderState::Unspecified) | Err(_) => {
                violations.add(format!("states[{i}]"), "must be a state of an order");
            }
        }
    }
    states.sort();
    states.dedup();
    if states.is_empty() { OrderState::ALL.to_vec() } else { states }
}

/// What GetOrderStatistics asks for.
///
/// # Errors
/// VALIDATION_FAILED.
pub fn get_order_statistics(request: &pb::GetOrderStatisticsRequest) -> Result<Question> {
    let mut violations = Violations::new();
    let mut bound = |field: &str, bound| {
        let read: Option<DateTime<Utc>> = time(&mut violations, field, bound);
        violations.require(bound.is_some(), field, "must be set");
        let is_quarter = |time: DateTime<Utc>| {
            time.timestamp() % QUARTER_SECONDS == 0 && time.timestamp_subsec_nanos() == 0
        };
        violations.require(read.is_none_or(is_quarter), field, "must be a multiple of 15 minutes");
        read
    };
    let start = bound("start_time", request.start_time.as_ref());
    let end = bound("end_time", request.end_time.as_ref());
    let bucket = match pb::StatisticsBucket::try_from(request.bucket) {
        Ok(pb::StatisticsBucket::Unspecified | pb::StatisticsBucket::Day) => Bucket::Day,
        Ok(pb::StatisticsBucket::Hour) => Bucket::Hour,
        Ok(pb::StatisticsBucket::Week) => Bucket::Week,
        Ok(pb::StatisticsBucket::Month) => Bucket::Month,
        Err(_) => {
            violations.add("bucket", "must be an hour, a day, a week or a month");
            Bucket::Day
        }
    };
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
    violations.finish(Question { starts, end: end.unwrap_or_default() })
}

/// Statistics as the contract has it.
pub fn statistics(
    question: &Question,
    statistics: Statistics,
    currency: &str,
) -> pb::GetOrderStatisticsResponse {
    let Question { starts, end } = question;
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
