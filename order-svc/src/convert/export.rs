//! Orders as a CSV file (RFC 4180).

use chrono::SecondsFormat;
use proto::money::decimal;

use crate::order::Order;

/// A part ends with the first line that reaches this size.
const PART_BYTES_MIN: usize = 64 << 10;

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

/// Returns a page of the file in parts of whole lines. The first page begins with the
/// header.
pub(crate) fn csv_parts(
    is_first_page: bool,
    orders: Vec<Order>,
    currency: &str,
) -> impl Iterator<Item = Vec<u8>> + use<> {
    let currency = currency.to_owned();
    let header = is_first_page.then(|| line(HEADER.map(String::from)));
    let lines = orders.into_iter().map(move |order| line(cells(order, &currency)));
    let mut lines = header.into_iter().chain(lines);
    std::iter::from_fn(move || {
        let mut part = lines.next()?;
        while part.len() < PART_BYTES_MIN {
            match lines.next() {
                Some(line) => part.extend(line),
                None => break,
            }
        }
        Some(part)
    })
}

/// Returns the cells of an order, in the order of [`HEADER`].
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

fn line(cells: [String; HEADER.len()]) -> Vec<u8> {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let written = writer.write_record(cells.map(escape_formula));
    written.expect("writing to memory never fails");
    writer.into_inner().expect("flushing to memory never fails")
}

/// Prefixes a cell that a spreadsheet would evaluate as a formula: by one of the first four signs,
/// also in full width, or by a character before one that it ignores.
fn escape_formula(cell: String) -> String {
    const SIGNS: [char; 11] =
        ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}', '\t', '\r', '\n'];
    if cell.starts_with(SIGNS) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_would_be_a_formula_is_escaped() {
        for (cell, written) in [
            ("=1+1", "'=1+1"),
            ("+49 30", "'+49 30"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("\n=1", "'\n=1"),
            ("＝1+1", "'＝1+1"),
            ("＋1", "'＋1"),
            ("－1", "'－1"),
            ("＠SUM(A1)", "'＠SUM(A1)"),
            ("1+1=2", "1+1=2"),
            ("", ""),
        ] {
            assert_eq!(escape_formula(cell.to_owned()), written);
        }
    }

    #[test]
    fn a_line_is_written_as_rfc_4180_requires() {
        let mut cells = [const { String::new() }; HEADER.len()];
        cells[0] = "a,b".into();
        cells[1] = "say \"so\"".into();
        cells[2] = "two\r\nlines".into();
        let line = String::from_utf8(line(cells)).expect("it is UTF-8");
        let rest = ",".repeat(HEADER.len() - 3);
        assert_eq!(line, format!("\"a,b\",\"say \"\"so\"\"\",\"two\r\nlines\"{rest}\r\n"));
    }
}
