//! Products from a file: CSV with a header line, or a JSON array of objects. Rows are
//! created or changed by SKU, all or none; bad rows are told with their line.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
};

use mesh::validate::Violations;
use mesh_data::database::Database;
use proto::money::{Money, to_minor};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    App,
    db::{inventory, products as db},
    error::Error,
    inventory::{ChangeReason, NewChange, Stock},
    product::{Product, ProductFields, ProductId, QUANTITY_MAX},
};

const ROWS_MAX: usize = 20_000;
const FILE_BYTES_MAX: usize = 32 << 20;
/// A file that has more bad rows is told of so many.
const BAD_ROWS_MAX: usize = 1_000;
const PROBLEM_CHARACTERS_MAX: usize = 300;

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

/// A row that says what it may.
#[derive(Debug)]
struct Row {
    line: usize,
    fields: ProductFields,
    on_hand: Option<i32>,
    low_stock_threshold: Option<i32>,
}

/// A row that cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Its first line in the file; in JSON, the number of the object.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

impl BadRow {
    fn new(line: usize, problem: impl AsRef<str>) -> Self {
        let problem = problem.as_ref().chars().take(PROBLEM_CHARACTERS_MAX).collect();
        Self { line, problem }
    }
}

/// What an import did: nothing, where it tells of bad rows.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Products that are new.
    pub created: usize,
    /// Products that were there and are changed.
    pub updated: usize,
    /// Products that were there just so.
    pub unchanged: usize,
    /// Rows that cannot be imported, in the order of the file.
    pub bad_rows: Vec<BadRow>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { created, updated, unchanged, bad_rows } = self;
        if bad_rows.is_empty() {
            return write!(
                f,
                "{created} products created, {updated} updated, {unchanged} unchanged"
            );
        }
        f.write_str("nothing was imported")?;
        bad_rows.iter().try_for_each(|row| write!(f, "\nline {}: {}", row.line, row.problem))
    }
}

/// Creates or changes products from `file`, for the account or API client that is
/// given, or for the system.
///
/// # Errors
/// Those of the database. What is wrong with the file is in the report.
pub async fn import_products(
    app: &App,
    actor_id: Option<Uuid>,
    file: &[u8],
) -> Result<Report, Error> {
    match read(file, &app.currency) {
        Ok(rows) => {
            let report = write(&app.database, &rows, actor_id).await?;
            app.lists.forget();
            Ok(report)
        }
        Err(mut bad_rows) => {
            bad_rows.truncate(BAD_ROWS_MAX);
            Ok(Report { bad_rows, ..Report::default() })
        }
    }
}

/// Reads a file in full.
fn read(file: &[u8], currency: &str) -> Result<Vec<Row>, Vec<BadRow>> {
    if file.len() > FILE_BYTES_MAX {
        return Err(vec![BadRow::new(1, "the file is larger than 32 MiB")]);
    }
    let mut bad = Vec::new();
    let mut rows = Vec::new();
    let (mut skus, mut slugs) = (HashSet::new(), HashSet::new());
    for (i, (line, raw)) in raw_rows(file)?.into_iter().enumerate() {
        if i == ROWS_MAX {
            bad.push(BadRow::new(line, format!("more than {ROWS_MAX} rows")));
            break;
        }
        match raw.and_then(|raw| check(line, raw, currency)) {
            Err(problem) => bad.push(BadRow::new(line, problem)),
            Ok(row) if !skus.insert(row.fields.sku.clone()) => {
                bad.push(BadRow::new(line, format!("sku {} comes twice", row.fields.sku)));
            }
            Ok(row) if !slugs.insert(row.fields.slug.clone()) => {
                bad.push(BadRow::new(line, format!("slug {} comes twice", row.fields.slug)));
            }
            Ok(row) => rows.push(row),
        }
    }
    if bad.is_empty() { Ok(rows) } else { Err(bad) }
}

type RawRows = Vec<(usize, Result<RawRow, String>)>;

/// The rows of a file, but no more than one too many.
fn raw_rows(file: &[u8]) -> Result<RawRows, Vec<BadRow>> {
    // Spreadsheets put it before UTF-8.
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let is_json = file.trim_ascii_start().first().is_some_and(|byte| b"[{".contains(byte));
    if is_json { json_rows(file) } else { csv_rows(file) }
}

fn csv_rows(file: &[u8]) -> Result<RawRows, Vec<BadRow>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let headers = reader.headers().map_err(|e| vec![BadRow::new(1, e.to_string())])?.clone();
    let mut record = csv::StringRecord::new();
    let mut rows = Vec::new();
    while rows.len() <= ROWS_MAX {
        let line = reader.position().line() as usize;
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {
                let line = record.position().map_or(line, |at| at.line() as usize);
                let row = record.deserialize(Some(&headers));
                rows.push((line, row.map_err(|error| csv_problem(&error))));
            }
            Err(error) => rows.push((line, Err(csv_problem(&error)))),
        }
    }
    Ok(rows)
}

fn json_rows(file: &[u8]) -> Result<RawRows, Vec<BadRow>> {
    let values: Vec<serde_json::Value> = serde_json::from_slice(file)
        .map_err(|error| vec![BadRow::new(error.line(), error.to_string())])?;
    let rows = values.into_iter().take(ROWS_MAX + 1).enumerate();
    let rows = rows.map(|(i, value)| {
        (i + 1, serde_json::from_value(value).map_err(|error| error.to_string()))
    });
    Ok(rows.collect())
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

/// Writes all rows, or none where one is bad, in one transaction.
async fn write(database: &Database, rows: &[Row], actor_id: Option<Uuid>) -> Result<Report, Error> {
    database
        .transaction(async |connection| {
            db::lock_catalogue(connection).await?;
            let skus: Vec<_> = rows.iter().map(|row| &*row.fields.sku).collect();
            let slugs: Vec<_> = rows.iter().map(|row| &*row.fields.slug).collect();
            let products = db::find_products_by_sku(connection, &skus).await?;
            let known_ids: Vec<_> = products.iter().map(|product| product.id).collect();
            let known = Known {
                products: products.iter().map(|p| (&*p.fields.sku, p)).collect(),
                stock: inventory::lock_stock(connection, &known_ids).await?,
                slugs: db::find_slugs(connection, &slugs).await?,
            };
            let bad_rows = rows.iter().filter_map(|row| known.conflict(row)).take(BAD_ROWS_MAX);
            let bad_rows: Vec<_> = bad_rows.collect();
            if !bad_rows.is_empty() {
                return Ok(Report { bad_rows, ..Report::default() });
            }

            let mut ids = Vec::with_capacity(rows.len());
            let (mut new, mut changed) = (Vec::new(), Vec::new());
            for row in rows {
                let product = known.products.get(&*row.fields.sku);
                let id = product.map_or_else(|| ProductId(Uuid::now_v7()), |product| product.id);
                ids.push(id);
                match product {
                    None => new.push((id, &row.fields)),
                    Some(product) if product.fields == row.fields => {}
                    Some(product) => changed.push((id, &row.fields, product.archived)),
                }
            }
            db::insert_products(connection, &new).await?;
            db::update_products(connection, &changed).await?;

            let before = inventory::lock_stock(connection, &ids).await?;
            let mut stock = before.clone();
            for (id, row) in ids.iter().zip(rows) {
                stock.entry(*id).and_modify(|stock| row.restock(stock));
            }
            stock.retain(|id, stock| before.get(id) != Some(stock));
            inventory::update_stock(connection, &stock).await?;
            let changes = stock.iter().map(|(&id, after)| (id, after.on_hand, &before[&id]));
            let changes = changes.filter(|(_, on_hand, before)| *on_hand != before.on_hand);
            let changes: Vec<_> = changes
                .map(|(product_id, on_hand, before)| NewChange {
                    product_id,
                    delta: on_hand - before.on_hand,
                    on_hand_after: on_hand,
                    reason: ChangeReason::Imported,
                    note: String::new(),
                    actor_id,
                    order_id: None,
                })
                .collect();
            inventory::insert_changes(connection, &changes).await?;

            let created: HashSet<_> = new.iter().map(|(id, _)| *id).collect();
            let updated: HashSet<_> = changed.iter().map(|(id, ..)| *id).collect();
            let is_updated = |id: &&ProductId| {
                !created.contains(id) && (updated.contains(id) || stock.contains_key(id))
            };
            let (created, updated) = (created.len(), ids.iter().filter(is_updated).count());
            let unchanged = rows.len() - created - updated;
            Ok(Report { created, updated, unchanged, bad_rows: Vec::new() })
        })
        .await
}

/// What is there of what a file speaks of.
struct Known<'a> {
    /// By SKU.
    products: HashMap<&'a str, &'a Product>,
    stock: BTreeMap<ProductId, Stock>,
    /// SKUs of the products that have slugs of the file.
    slugs: HashMap<String, String>,
}

impl Known<'_> {
    /// What of a row cannot be beside what is there.
    fn conflict(&self, row: &Row) -> Option<BadRow> {
        let ProductFields { sku, slug, .. } = &row.fields;
        let product = self.products.get(&**sku);
        let held = product.and_then(|product| self.stock.get(&product.id)).map_or(0, |s| s.held);
        let error = match (self.slugs.get(slug), row.on_hand) {
            (Some(holder), _) if holder != sku => Error::SlugTaken { slug: slug.clone() },
            (_, Some(on_hand)) if on_hand < held => Error::StockHeld { on_hand, held },
            _ => return None,
        };
        Some(BadRow::new(row.line, error.to_string()))
    }
}

impl Row {
    /// Brings stock to what the row says.
    fn restock(&self, stock: &mut Stock) {
        stock.on_hand = self.on_hand.unwrap_or(stock.on_hand);
        stock.low_stock_threshold = self.low_stock_threshold.unwrap_or(stock.low_stock_threshold);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "sku,name,category,price,currency,on_hand\n";

    fn problems(file: &str) -> Vec<BadRow> {
        read(file.as_bytes(), "EUR").expect_err("it is bad")
    }

    #[test]
    fn every_bad_row_is_told_with_its_line() {
        let csv = format!(
            "{HEADER}A-1,Cup,kitchen,2.50,EUR,1\nA 2,,kitchen,x,USD,-1\nA-1,Pot,kitchen,9,EUR,\n\
             A-4,Pan,kitchen\n"
        );
        let told = problems(&csv);
        let lines: Vec<_> = told.iter().map(|row| row.line).collect();
        assert_eq!(lines, [3, 4, 5]);
        for field in ["sku must", "name must", "price must", "currency must", "on_hand must"] {
            assert!(told[0].problem.contains(field), "{field} in {}", told[0].problem);
        }
        assert_eq!(told[1].problem, "sku A-1 comes twice");
    }

    #[test]
    fn csv_and_json_say_the_same() {
        let csv = format!("{HEADER}A-1,Cup,kitchen,2.50,EUR,1\n");
        let json = r#"[{"sku":"A-1","name":"Cup","category":"kitchen","price":"2.50",
                        "currency":"EUR","on_hand":1}]"#;
        for file in [csv.clone(), json.into(), format!("\u{feff}{csv}"), format!("\n \u{9}{json}")]
        {
            let rows = read(file.as_bytes(), "EUR").expect("it is good");
            let [row] = &rows[..] else { panic!("{rows:?}") };
            assert_eq!((&*row.fields.name, row.fields.price_minor), ("Cup", 250), "{file}");
            assert_eq!((row.line, row.on_hand), (if file.contains('[') { 1 } else { 2 }, Some(1)));
        }
    }

    #[test]
    fn a_file_that_is_none_or_too_long_is_told_as_such() {
        assert_eq!(problems("{}")[0].line, 1);
        assert_eq!(problems("[{\"sku\": 7}]")[0].line, 1);
        assert!(problems("sku,colour\nA-1,red\n")[0].problem.contains("colour"));
        let row = |n: usize| format!("A-{n},Cup {n},kitchen,2.50,EUR,1\n");
        let rows: String = (0..=ROWS_MAX + 5).map(row).collect();
        let told = problems(&format!("{HEADER}{rows}"));
        let many = BadRow::new(ROWS_MAX + 2, "more than 20000 rows");
        assert_eq!(told, [many]);
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
