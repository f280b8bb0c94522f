//! All orders as a CSV file (RFC 4180) in parts. It is read page by page, as fast as
//! its reader takes it: memory is that of a page, and no transaction outlives one.

use std::vec;

use chrono::SecondsFormat;
use futures::{Stream, stream};
use proto::money::decimal;

use crate::{
    App,
    error::Error,
    lookup::{self, Cursor, OrderFilter},
    order::Order,
};

const PAGE_SIZE: i64 = 200;
/// A part has one order more than fits into this.
const PART_BYTES: usize = 64 << 10;

const HEADER: [&str; 16] = [
    "order_id",
    "create_time",
    "state",
    "mail_state",
    "customer_id",
    "customer_email",
    "customer_name",
    "full_name",
    "street",
    "city",
    "postal_code",
    "country_code",
    "units",
    "items",
    "total",
    "currency",
];

/// The orders that fit `filter`, a header line first, in parts of whole lines.
///
/// # Errors
/// Those of the database.
pub fn export_orders(
    app: App,
    filter: OrderFilter,
) -> impl Stream<Item = Result<Vec<u8>, Error>> + Send + 'static {
    let export =
        Export { app, filter, after: None, is_last: false, page: Vec::new().into_iter(), parts: 0 };
    stream::try_unfold(export, |mut export| async {
        let part = export.part().await?;
        Ok(part.map(|part| (part, export)))
    })
}

struct Export {
    app: App,
    filter: OrderFilter,
    /// Where the next page begins.
    after: Option<Cursor>,
    is_last: bool,
    /// What is left of the page.
    page: vec::IntoIter<Order>,
    parts: usize,
}

impl Export {
    /// The next part; none after the last.
    async fn part(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let mut lines = match self.parts {
            0 => line(HEADER.map(String::from)),
            _ => Vec::new(),
        };
        while lines.len() < PART_BYTES {
            match self.page.next() {
                Some(order) => lines.extend(line(cells(order, &self.app.currency))),
                None if self.is_last => break,
                None => {
                    let Self { app, filter, after, .. } = self;
                    let page = lookup::list_all_orders(app, filter, after.as_ref(), PAGE_SIZE);
                    let (orders, next) = page.await?;
                    self.is_last = next.is_none();
                    (self.page, self.after) = (orders.into_iter(), next);
                }
            }
        }
        self.parts += 1;
        Ok((!lines.is_empty()).then_some(lines))
    }
}

/// What the file has of an order, in the order of [`HEADER`].
fn cells(order: Order, currency: &str) -> [String; HEADER.len()] {
    let units: i64 = order.items.iter().map(|item| i64::from(item.quantity)).sum();
    let items = order.items.iter().map(|item| format!("{} × {}", item.quantity, item.name));
    let items = items.collect::<Vec<_>>().join("; ");
    let (customer, address) = (order.customer, order.shipping_address);
    [
        order.id.to_string(),
        order.created_at.to_rfc3339_opts(SecondsFormat::Micros, true),
        order.state.as_str().to_owned(),
        order.mail_state.as_str().to_owned(),
        customer.id.to_string(),
        customer.email,
        customer.name,
        address.full_name,
        address.street,
        address.city,
        address.postal_code,
        address.country_code,
        units.to_string(),
        items,
        decimal(order.total_minor, currency),
        currency.to_owned(),
    ]
}

/// A line of the file.
fn line(cells: [String; HEADER.len()]) -> Vec<u8> {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let written = writer.write_record(cells.map(harmless));
    written.expect("a line is written to memory");
    writer.into_inner().expect("memory takes it")
}

/// A cell that no spreadsheet takes for a formula.
fn harmless(cell: String) -> String {
    match cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{cell}"),
        false => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_would_be_a_formula_is_quoted() {
        for (cell, written) in [
            ("=1+1", "'=1+1"),
            ("+49 30", "'+49 30"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("1+1=2", "1+1=2"),
            ("", ""),
        ] {
            assert_eq!(harmless(cell.to_owned()), written);
        }
    }

    #[test]
    fn a_line_is_written_as_rfc_4180_has_it() {
        let mut cells = [const { String::new() }; HEADER.len()];
        cells[0] = "a,b".into();
        cells[1] = "say \"so\"".into();
        cells[2] = "two\r\nlines".into();
        let line = String::from_utf8(line(cells)).expect("it is UTF-8");
        let rest = ",".repeat(HEADER.len() - 3);
        assert_eq!(line, format!("\"a,b\",\"say \"\"so\"\"\",\"two\r\nlines\"{rest}\r\n"));
    }
}
