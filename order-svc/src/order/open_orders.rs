//! The limit on open orders of a customer whose address is not verified: a mail to it may reach a
//! stranger, and nobody is known to stand behind the orders. Does no I/O.

/// What the open orders of a customer add up to. Open: neither shipped nor cancelled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpenOrders {
    /// Their number.
    pub orders: i64,
    /// The sum of their quantities.
    pub units: i64,
}

impl OpenOrders {
    /// The limit that every customer keeps.
    pub const UNLIMITED: Self = Self { orders: i64::MAX, units: i64::MAX };

    /// Returns the sum with an order of `units`.
    #[must_use]
    pub(crate) fn with_order(self, units: i64) -> Self {
        Self { orders: self.orders.saturating_add(1), units: self.units.saturating_add(units) }
    }

    /// Returns whether neither figure is greater than that of `limit`.
    pub(crate) fn fits(self, limit: Self) -> bool {
        self.orders <= limit.orders && self.units <= limit.units
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_and_units_are_limited_alike() {
        let limit = OpenOrders { orders: 2, units: 10 };
        let open = OpenOrders { orders: 1, units: 4 };
        for (units, fits) in [(1, true), (6, true), (7, false)] {
            assert_eq!(open.with_order(units).fits(limit), fits, "{units}");
        }
        assert!(!open.with_order(1).with_order(1).fits(limit));
        assert!(OpenOrders::UNLIMITED.with_order(1).fits(OpenOrders::UNLIMITED));
    }
}
