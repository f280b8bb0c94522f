//! Reads the statistics of orders.

use super::{Statistics, StatisticsQuery, Totals, periods::cover};
use crate::{App, db::statistics as db, error::Error};

const TOP_PRODUCTS: i64 = 10;

/// Returns the figures of every period and of the whole range, and its top products, all
/// read at one moment.
///
/// # Errors
/// Those of the database.
pub async fn get_order_statistics(app: &App, query: &StatisticsQuery) -> Result<Statistics, Error> {
    let StatisticsQuery { starts, end } = query;
    let period_spans = cover(starts, *end);
    let range_spans = cover(&starts[..1], *end);
    let (as_of, sums, top_products) = app
        .database
        .transaction(async |connection| {
            let as_of = db::begin_snapshot(connection).await?;
            let sums = db::sum_periods(connection, starts, *end, &period_spans).await?;
            let start = starts[0];
            let top =
                db::find_top_products(connection, start, *end, &range_spans, TOP_PRODUCTS).await?;
            Ok::<_, Error>((as_of, sums, top))
        })
        .await?;
    let mut periods = vec![Totals::default(); starts.len()];
    for (index, totals) in sums {
        periods[index] = totals;
    }
    let totals = periods.iter().copied().fold(Totals::default(), Totals::add);
    Ok(Statistics { periods, totals, top_products, as_of })
}
