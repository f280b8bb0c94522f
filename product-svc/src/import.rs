//! Products from a file: CSV with a header line, or a JSON array of objects. Rows are
//! created or changed by SKU, all or none; every bad row is told with its line.

use std::{collections::HashMap, collections::HashSet, fmt::Write as _, path::Path};

use mesh::{BoxError, database::Connection, database::Database, validate::Violations};
use proto::money::{Money, to_minor};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    db::{
        inventory,
        products::{self as db, ProductKey},
    },
    error::Error,
    inventory::{ChangeReason, NewChange},
    product::{ProductFields, ProductId, QUANTITY_MAX},
};

const ROWS_MAX: usize = 20_000;
const FILE_BYTES_MAX: usize = 32 << 20;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A header line, then a row a line.
    Csv,
    /// An array of objects.
    Json,
}

impl Format {
    /// By the file's name.
    pub fn of(file: &Path) -> Self {
        match file.extension().is_some_and(|extension| extension == "json") {
            true => Self::Json,
            false => Self::Csv,
        }
    }
}

/// A row of the file, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRow {
    sku: String,
    #[serde(default)]
    slug: String,
    name: String,
    #[serde(default)]
    description: String,
    category: String,
    price: Price,
    currency: String,
    #[serde(default)]
    on_hand: Option<i32>,
    #[serde(default)]
    low_stock_threshold: Option<i32>,
    #[serde(default)]
    image_url: String,
}

/// A price: `24.90`, in CSV or as JSON string.
#[derive(Debug, Deserialize)]
struct Price(String);

/// A row that may be written.
#[derive(Debug)]
pub struct Row {
    line: usize,
    fields: ProductFields,
    on_hand: Option<i32>,
    low_stock_threshold: Option<i32>,
}

/// What is wrong with a file, line by line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing was imported{}", self.lines())]
pub struct BadRows(Vec<(usize, String)>);

impl BadRows {
    fn lines(&self) -> String {
        let mut text = String::new();
        for (line, problem) in &self.0 {
            let _ = write!(text, "\nline {line}: {problem}");
        }
        text
    }
}

/// What an import did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Products that are new.
    pub created: usize,
    /// Products that were there and are changed.
    pub updated: usize,
    /// Products that were there just so.
    pub unchanged: usize,
}

/// Reads a file in full.
///
/// # Errors
/// Every bad row with its line; in JSON, the number of the object.
pub fn read(bytes: &[u8], format: Format, currency: &str) -> Result<Vec<Row>, BadRows> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err(BadRows(vec![(1, "the file is larger than 32 MiB".into())]));
    }
    let mut bad = Vec::new();
    let mut rows = Vec::new();
    let (mut skus, mut slugs) = (HashSet::new(), HashSet::new());
    for (line, raw) in raw_rows(bytes, format)? {
        let row = raw.and_then(|raw| check(line, raw, currency));
        match row {
            Err(problem) => bad.push((line, problem)),
            Ok(row) if !skus.insert(row.fields.sku.clone()) => {
                bad.push((line, format!("sku {} comes twice", row.fields.sku)));
            }
            Ok(row) if !slugs.insert(row.fields.slug.clone()) => {
                bad.push((line, format!("slug {} comes twice", row.fields.slug)));
            }
            Ok(row) => rows.push(row),
        }
        if rows.len() > ROWS_MAX {
            bad.push((line, format!("more than {ROWS_MAX} rows")));
            break;
        }
    }
    if bad.is_empty() { Ok(rows) } else { Err(BadRows(bad)) }
}

type RawRows = Vec<(usize, Result<RawRow, String>)>;

fn raw_rows(bytes: &[u8], format: Format) -> Result<RawRows, BadRows> {
    match format {
        Format::Csv => {
            let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
            let headers = reader.headers().map_err(|e| BadRows(vec![(1, e.to_string())]))?.clone();
            let mut record = csv::StringRecord::new();
            let mut rows = Vec::new();
            loop {
                let line = reader.position().line() as usize;
                match reader.read_record(&mut record) {
                    Ok(false) => return Ok(rows),
                    Ok(true) => {
                        let line = record.position().map_or(line, |at| at.line() as usize);
                        let row = record.deserialize(Some(&headers));
                        rows.push((line, row.map_err(|error| csv_problem(&error))));
                    }
                    Err(error) => rows.push((line, Err(csv_problem(&error)))),
                }
            }
        }
        Format::Json => {
            let values: Vec<serde_json::Value> = serde_json::from_slice(bytes)
                .map_err(|error| BadRows(vec![(error.line(), error.to_string())]))?;
            let rows = values.into_iter().enumerate().map(|(i, value)| {
                (i + 1, serde_json::from_value(value).map_err(|error| error.to_string()))
            });
            Ok(rows.collect())
        }
    }
}

fn csv_problem(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields, {expected_len} expected")
        }
        csv::ErrorKind::Utf8 { .. } => "not UTF-8".into(),
        _ => error.to_string(),
    }
}

fn check(line: usize, raw: RawRow, currency: &str) -> Result<Row, String> {
    let mut violations = Violations::new();
    if raw.currency != currency {
        violations.add("currency", format!("must be {currency}"));
    }
    let price_minor = parse_price(&raw.price.0, currency).unwrap_or_else(|problem| {
        violations.add("price", problem);
        1
    });
    for (field, value) in
        [("on_hand", raw.on_hand), ("low_stock_threshold", raw.low_stock_threshold)]
    {
        let good = value.is_none_or(|value| (0..=QUANTITY_MAX).contains(&value));
        violations.require(good, field, "must be 0 to 1,000,000");
    }
    let fields = ProductFields {
        sku: raw.sku,
        slug: raw.slug,
        name: raw.name,
        description: raw.description,
        category: raw.category,
        price_minor,
        image_url: raw.image_url,
    };
    let fields = fields.checked("", &mut violations);
    let (on_hand, low_stock_threshold) = (raw.on_hand, raw.low_stock_threshold);
    let row = Row { line, fields, on_hand, low_stock_threshold };
    violations.finish(row).map_err(|error| error.to_string())
}

/// A decimal such as `24.90` in minor units.
fn parse_price(text: &str, currency: &str) -> Result<i64, String> {
    const PROBLEM: &str = "must be a decimal such as 24.90";
    let (units, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if units.is_empty() || units.len() > 12 || fraction.len() > 9 {
        return Err(PROBLEM.into());
    }
    if !digits(units) || !digits(fraction) {
        return Err(PROBLEM.into());
    }
    let number = |text: &str| text.parse::<i64>().map_err(|_| PROBLEM.to_owned());
    let money = Money {
        currency_code: currency.to_owned(),
        units: number(units)?,
        nanos: i32::try_from(number(&format!("{fraction:0<9}"))?).map_err(|_| PROBLEM)?,
    };
    to_minor(&money).map_err(|error| error.to_string())
}

/// Writes all rows, in one transaction.
///
/// # Errors
/// Rows that what is there does not allow, each with its line.
pub async fn write(database: &Database, rows: &[Row]) -> Result<Report, BoxError> {
    let result: Result<_, WriteError> = database
        .transaction(async |connection| {
            let skus: Vec<_> = rows.iter().map(|row| row.fields.sku.as_str()).collect();
            let ids: HashMap<_, _> =
                db::find_ids_by_sku(connection, &skus).await?.into_iter().collect();
            let known: Vec<_> = ids.values().copied().collect();
            db::lock_products(connection, &known).await?;
            let mut report = Report::default();
            for row in rows {
                let id = ids.get(&row.fields.sku).copied();
                write_row(connection, row, id, &mut report)
                    .await
                    .map_err(|error| WriteError::Row(row.line, error))?;
            }
            Ok(report)
        })
        .await;
    result.map_err(|error| match error {
        WriteError::Row(_, Error::Mesh(error)) | WriteError::Other(error) => error.into(),
        WriteError::Row(line, error) => BadRows(vec![(line, error.to_string())]).into(),
    })
}

enum WriteError {
    Row(usize, Error),
    Other(mesh::Error),
}

impl From<mesh::Error> for WriteError {
    fn from(error: mesh::Error) -> Self {
        Self::Other(error)
    }
}

impl From<diesel::result::Error> for WriteError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Other(error.into())
    }
}

async fn write_row(
    connection: &mut Connection,
    row: &Row,
    id: Option<ProductId>,
    report: &mut Report,
) -> Result<(), Error> {
    let product_id = match id {
        None => {
            let id = ProductId(Uuid::now_v7());
            db::insert_product(connection, id, &row.fields).await?;
            report.created += 1;
            write_stock(connection, row, id).await?;
            return Ok(());
        }
        Some(id) => id,
    };
    let product = db::find_product(connection, &ProductKey::Id(product_id)).await?;
    let archived = product.as_ref().is_some_and(|product| product.archived);
    let differs = product.is_none_or(|product| product.fields != row.fields);
    if differs {
        db::update_product(connection, product_id, &row.fields, archived).await?;
    }
    let stock_differs = write_stock(connection, row, product_id).await?;
    match differs || stock_differs {
        true => report.updated += 1,
        false => report.unchanged += 1,
    }
    Ok(())
}

/// Brings stock to what the row says, with its row in the ledger; tells whether it
/// was not there yet.
async fn write_stock(
    connection: &mut Connection,
    row: &Row,
    product_id: ProductId,
) -> Result<bool, Error> {
    let mut stock = inventory::lock_stock(connection, &[product_id]).await?;
    let Some(stock_row) = stock.get_mut(&product_id) else {
        return Ok(false);
    };
    let before = stock_row.clone();
    stock_row.on_hand = row.on_hand.unwrap_or(before.on_hand);
    stock_row.low_stock_threshold = row.low_stock_threshold.unwrap_or(before.low_stock_threshold);
    if *stock_row == before {
        return Ok(false);
    }
    let after = stock_row.on_hand;
    if after < before.held {
        return Err(Error::StockHeld { on_hand: after, held: before.held });
    }
    inventory::update_stock(connection, &stock).await?;
    if after != before.on_hand {
        let change = NewChange {
            product_id,
            delta: after - before.on_hand,
            on_hand_after: after,
            reason: ChangeReason::Imported,
            note: String::new(),
            actor_id: None,
            order_id: None,
        };
        inventory::insert_changes(connection, &[change]).await?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "sku,name,category,price,currency,on_hand\n";

    fn problems(csv: &str) -> Vec<(usize, String)> {
        read(csv.as_bytes(), Format::Csv, "EUR").expect_err("it is bad").0
    }

    #[test]
    fn every_bad_row_is_told_with_its_line() {
        let csv = format!(
            "{HEADER}A-1,Cup,kitchen,2.50,EUR,1\nA 2,,kitchen,x,USD,-1\nA-1,Pot,kitchen,9,EUR,\n\
             A-4,Pan,kitchen\n"
        );
        let told = problems(&csv);
        let lines: Vec<_> = told.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [3, 4, 5]);
        for field in ["sku must", "name must", "price must", "currency must", "on_hand must"] {
            assert!(told[0].1.contains(field), "{field} in {}", told[0].1);
        }
        assert_eq!(told[1].1, "sku A-1 comes twice");
    }

    #[test]
    fn csv_and_json_say_the_same() {
        let csv = format!("{HEADER}A-1,Cup,kitchen,2.50,EUR,1\n");
        let json = r#"[{"sku":"A-1","name":"Cup","category":"kitchen","price":"2.50",
                        "currency":"EUR","on_hand":1}]"#;
        let from_csv = read(csv.as_bytes(), Format::Csv, "EUR").expect("it is good");
        let from_json = read(json.as_bytes(), Format::Json, "EUR").expect("it is good");
        assert_eq!(from_csv[0].fields, from_json[0].fields);
        assert_eq!(from_csv[0].fields.price_minor, 250);
        assert_eq!(from_csv[0].on_hand, from_json[0].on_hand);
    }

    #[test]
    fn prices_are_decimals_in_the_minor_unit() {
        for (text, want) in [
            ("24.90", Some(2490)),
            ("24.9", Some(2490)),
            ("7", Some(700)),
            ("0.001", None),
            ("-1", None),
            ("1e3", None),
            (".5", None),
            ("", None),
        ] {
            assert_eq!(parse_price(text, "EUR").ok(), want, "{text}");
        }
    }
}
