//! What is queried and returned by statistics of orders. Does no I/O.

pub mod periods;
pub mod report;
pub mod rollup;

use chrono::{DateTime, Utc};

use crate::order::ProductId;

/// The query of GetOrderStatistics: each period ends where the next one starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatisticsQuery {
    /// Starts of the periods, at least one.
    pub starts: Vec<DateTime<Utc>>,
    /// End of the last period, exclusive.
    pub end: DateTime<Utc>,
}

/// Figures of a range of time. Cancelled orders do not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Number of orders.
    pub orders: i64,
    /// Number of units.
    pub items: i64,
    /// Sum of the totals of the orders in minor units.
    pub revenue_minor: i64,
}

impl Totals {
    /// Returns revenue ÷ orders, rounded down; 0 without orders.
    pub(crate) fn average_order_value_minor(&self) -> i64 {
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

/// Sales of one product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopProduct {
    /// The product.
    pub product_id: ProductId,
    /// Its name in its latest order.
    pub name: String,
    /// Number of units.
    pub quantity: i64,
    /// Sum of price × quantity in minor units.
    pub revenue_minor: i64,
}

/// The result of a [`StatisticsQuery`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    /// Figures of each period.
    pub periods: Vec<Totals>,
    /// All periods together.
    pub totals: Totals,
    /// The products with the highest revenue, highest first.
    pub top_products: Vec<TopProduct>,
    /// When the figures were read.
    pub as_of: DateTime<Utc>,
}
