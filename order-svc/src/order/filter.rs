//! By what orders are searched, and where a page of them begins. Does no I/O.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Order, OrderId, OrderState, ProductId};

/// The filters and the sort order of ListAllOrders.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct OrderFilter {
    /// At least one.
    pub(crate) states: Vec<OrderState>,
    /// Created at this time or later.
    pub(crate) start: Option<DateTime<Utc>>,
    /// Created before this time.
    pub(crate) end: Option<DateTime<Utc>>,
    /// Compared without case.
    pub(crate) customer_email: Option<String>,
    /// A product of the order.
    pub(crate) product_id: Option<ProductId>,
    /// The smallest total in minor units.
    pub(crate) total_min_minor: Option<i64>,
    pub(crate) sort: OrderSort,
}

/// The sort order of a list of orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum OrderSort {
    CreateTime,
    CreateTimeDescending,
    Total,
    TotalDescending,
}

/// The sort keys of the last order of a page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cursor {
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) total_minor: i64,
    pub(crate) id: OrderId,
}

impl Cursor {
    /// Returns the cursor of the page after `last`.
    pub(crate) fn after(last: &Order) -> Self {
        Self { created_at: last.created_at, total_minor: last.total_minor, id: last.id }
    }
}
