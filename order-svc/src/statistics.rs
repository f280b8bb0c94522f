//! Statistics of orders, kept as orders happen: the question, and the step that moves
//! what was just placed or cancelled into the sums.

use chrono::{DateTime, Utc};

pub use crate::periods::Bucket;
use crate::{App, db::statistics as db, error::Error, order::ProductId, periods::cover};

/// Most orders that are moved into the sums by one transaction.
const FOLD_SIZE_MAX: i64 = 5_000;
const TOP_PRODUCTS: i64 = 10;

/// What GetOrderStatistics asks: periods that begin at `starts`, each of which ends with
/// the next, the last at `end`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// First instants of the periods, at least one.
    pub starts: Vec<DateTime<Utc>>,
    /// First instant after them.
    pub end: DateTime<Utc>,
}

/// Figures of a range of time. Cancelled orders are not among them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many orders.
    pub orders: i64,
    /// How many units.
    pub items: i64,
    /// Sum of their totals in minor units.
    pub revenue_minor: i64,
}

impl Totals {
    /// Revenue ÷ orders, rounded down; 0 where there are none.
    pub fn average_order_value_minor(&self) -> i64 {
        self.revenue_minor.checked_div(self.orders).unwrap_or(0)
    }

    fn add(self, other: Self) -> Self {
        Self {
            orders: self.orders + other.orders,
            items: self.items + other.items,
            revenue_minor: self.revenue_minor + other.revenue_minor,
        }
    }
}

/// What one product brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopProduct {
    /// The product.
    pub product_id: ProductId,
    /// Its name as it was sold last.
    pub name: String,
    /// How many units.
    pub quantity: i64,
    /// Sum of price × quantity in minor units.
    pub revenue_minor: i64,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    /// Figures of each period of the question.
    pub periods: Vec<Totals>,
    /// All periods together.
    pub totals: Totals,
    /// The products with the most revenue, most first.
    pub top_products: Vec<TopProduct>,
    /// When all of it was true.
    pub as_of: DateTime<Utc>,
}

/// Figures of every period, the whole range and its best products, at one moment.
///
/// # Errors
/// Those of the database.
pub async fn get_order_statistics(app: &App, question: &Question) -> Result<Statistics, Error> {
    let Question { starts, end } = question;
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

/// Moves orders into the sums, each exactly once: it leaves the one table in the
/// transaction that brings it into the others. Any number of replicas may do so at once.
/// Tells whether there may be more.
///
/// # Errors
/// Those of the database.
pub async fn fold(app: &App) -> Result<bool, Error> {
    let folded = app
        .database
        .transaction(async |connection| match db::try_lock_fold(connection).await? {
            true => Ok::<_, Error>(db::fold(connection, FOLD_SIZE_MAX).await?),
            false => Ok(0),
        })
        .await?;
    metrics::counter!("orders_folded_total").increment(folded.unsigned_abs());
    Ok(folded == FOLD_SIZE_MAX)
}
