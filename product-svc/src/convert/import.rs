//! Files of ImportProducts: CSV with a header line, or a JSON array of objects. Every bad row is
//! reported with its line.

use std::collections::HashSet;

use mesh::validate::Violations;
use proto::{
    money::{Money, to_minor},
    product::v1 as pb,
};
use serde::Deserialize;

use crate::product::{BadRow, ImportReport, ImportRow, ProductFields, QUANTITY_MAX};

const ROWS_MAX: usize = 20_000;
const FILE_BYTES_MAX: usize = 32 << 20;

type Rows = Result<Vec<ImportRow>, Vec<BadRow>>;

/// Reads ImportProducts. Bad rows of the file are part of the report, not an error.
pub(crate) fn import_products(
    request: &pb::ImportProductsRequest,
    currency: &str,
) -> Result<Rows, mesh::Error> {
    let mut violations = Violations::new();
    violations.require(!request.file.is_empty(), "file", "must be set");
    violations.finish(())?;
    Ok(import_rows(&request.file, currency))
}

/// Writes the report of ImportProducts.
pub(crate) fn import_report(report: ImportReport) -> pb::ImportProductsResponse {
    // A file has at most ROWS_MAX rows.
    let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let bad_rows = report.bad_rows.into_iter();
    let bad_rows = bad_rows.map(|row| pb::BadRow { line: count(row.line), problem: row.problem });
    pb::ImportProductsResponse {
        created_count: count(report.created),
        updated_count: count(report.updated),
        unchanged_count: count(report.unchanged),
        bad_rows: bad_rows.collect(),
    }
}

/// A row of the file, before its fields are checked.
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

/// A price such as `24.90`: a text in CSV and in JSON, never a float.
#[derive(Debug, Deserialize)]
struct Price(String);

/// Reads all rows of a file, or reports its bad rows.
pub(crate) fn import_rows(file: &[u8], currency: &str) -> Rows {
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

/// Reads the rows of a file: at most one more than allowed.
fn raw_rows(file: &[u8]) -> Result<RawRows, Vec<BadRow>> {
    // Spreadsheets write a byte order mark before UTF-8.
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let is_json = file.trim_ascii_start().first().is_some_and(|byte| b"[{".contains(byte));
    if is_json { json_rows(file) } else { csv_rows(file) }
}

fn csv_rows(file: &[u8]) -> Result<RawRows, Vec<BadRow>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let mut lines = Lines { file, at: 0, line: 1 };
    let header_line = lines.line_at(0);
    let headers = reader.headers();
    let headers = headers.map_err(|e| vec![BadRow::new(header_line, e.to_string())])?.clone();
    let mut record = csv::StringRecord::new();
    let mut rows = Vec::new();
    while rows.len() <= ROWS_MAX {
        let begin = reader.position().byte() as usize;
        let row = match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => record.deserialize(Some(&headers)),
            Err(error) => Err(error),
        };
        rows.push((lines.line_at(begin), row.map_err(|error| csv_problem(&error))));
    }
    Ok(rows)
}

/// Counts the lines of a file. They end as rows do: with `\n`, `\r\n` or `\r`. The csv reader itself
/// counts each `\n`, and begins a row before the `\n` of `\r\n` and before empty lines.
struct Lines<'a> {
    file: &'a [u8],
    /// The line at this byte is `line`.
    at: usize,
    line: usize,
}

impl Lines<'_> {
    /// Returns the line of the row that begins at a byte, or after the ends of lines there.
    fn line_at(&mut self, begin: usize) -> usize {
        let rest = &self.file[begin..];
        let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let begin = begin + rest.iter().take_while(|byte| is_end(byte)).count();
        let ends = (self.at..begin).filter(|&at| match self.file[at] {
            b'\r' => self.file.get(at + 1) != Some(&b'\n'),
            byte => byte == b'\n',
        });
        self.line += ends.count();
        self.at = begin;
        self.line
    }
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

fn check(line: usize, raw: RawRow, currency: &str) -> Result<ImportRow, String> {
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
    let row = ImportRow { line, fields, on_hand, low_stock_threshold };
    violations.finish(row).map_err(|error| error.to_string())
}

/// Returns a decimal such as `24.90` in minor units.
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

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "sku,name,category,price,currency,on_hand\n";

    fn problems(file: &str) -> Vec<BadRow> {
        import_rows(file.as_bytes(), "EUR").expect_err("it is bad")
    }

    #[test]
    fn every_bad_row_is_reported_with_its_line() {
        let csv = format!(
            "{HEADER}A-1,Cup,kitchen,2.50,EUR,1\nA 2,,kitchen,x,USD,-1\n\nA-1,\"Pot\n\",kitchen,9,EUR,\n\
             A-4,Pan,kitchen\n"
        );
        for end in ["\n", "\r\n", "\r"] {
            let reported = problems(&csv.replace('\n', end));
            let lines: Vec<_> = reported.iter().map(|row| row.line).collect();
            assert_eq!(lines, [3, 5, 7], "{end:?}");
            for field in ["sku must", "name must", "price must", "currency must", "on_hand must"] {
                assert!(reported[0].problem.contains(field), "{field} in {}", reported[0].problem);
            }
            assert_eq!(reported[1].problem, "sku A-1 comes twice");
        }
        assert_eq!(problems("\n\nsku,\u{0}\n7\n")[0].line, 4);
    }

    #[test]
    fn csv_and_json_have_the_same_rows() {
        let csv = format!("{HEADER}A-1,Cup,kitchen,2.50,EUR,1\n");
        let json = r#"[{"sku":"A-1","name":"Cup","category":"kitchen","price":"2.50",
                        "currency":"EUR","on_hand":1}]"#;
        for file in [csv.clone(), json.into(), format!("\u{feff}{csv}"), format!("\n \u{9}{json}")]
        {
            let rows = import_rows(file.as_bytes(), "EUR").expect("it is good");
            let [row] = &rows[..] else { panic!("{rows:?}") };
            assert_eq!((&*row.fields.name, row.fields.price_minor), ("Cup", 250), "{file}");
            assert_eq!((row.line, row.on_hand), (if file.contains('[') { 1 } else { 2 }, Some(1)));
        }
    }

    #[test]
    fn a_file_without_rows_or_with_too_many_is_rejected() {
        assert_eq!(problems("{}")[0].line, 1);
        assert_eq!(problems("[{\"sku\": 7}]")[0].line, 1);
        assert!(problems("sku,colour\nA-1,red\n")[0].problem.contains("colour"));
        let row = |n: usize| format!("A-{n},Cup {n},kitchen,2.50,EUR,1\n");
        let rows: String = (0..=ROWS_MAX + 5).map(row).collect();
        let reported = problems(&format!("{HEADER}{rows}"));
        let many = BadRow::new(ROWS_MAX + 2, "more than 20000 rows");
        assert_eq!(reported, [many]);
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

#[cfg(test)]
mod fuzz {
    use super::*;

    #[test]
    fn a_bad_row_of_a_csv_file_has_the_line_of_the_file() {
        bolero::check!().with_type::<(u8, u8, Vec<(u8, String)>)>().for_each(
            |(end, before, rows)| {
                let end = ["\n", "\r\n", "\r"][usize::from(end % 3)];
                let mut file = end.repeat(usize::from(before % 3));
                file += &format!("sku,name,category,price,currency{end}");
                let mut lines = Vec::new();
                for (blank, name) in rows {
                    file += &end.repeat(usize::from(blank % 3));
                    let before = file.replace("\r\n", "\n").replace('\r', "\n");
                    lines.push(1 + before.matches('\n').count());
                    // Without a price.
                    file += &format!("A-1,\"{}\",kitchen,,EUR{end}", name.replace('"', "\"\""));
                }
                let bad = import_rows(file.as_bytes(), "EUR").err().unwrap_or_default();
                let reported: Vec<_> = bad.iter().map(|row| row.line).collect();
                assert_eq!(reported, lines, "{file:?}");
            },
        );
    }

    #[test]
    fn any_file_has_good_rows_or_bad_rows_of_its_own_lines() {
        bolero::check!().for_each(|file| {
            let ends = file.iter().filter(|&&byte| matches!(byte, b'\n' | b'\r' | b','));
            let lines_max = ends.count() + 1;
            let lines: Vec<_> = match import_rows(file, "EUR") {
                Ok(rows) => rows.iter().map(|row| row.line).collect(),
                Err(bad) => {
                    assert!(!bad.is_empty() && bad.iter().all(|row| !row.problem.is_empty()));
                    bad.iter().map(|row| row.line).collect()
                }
            };
            assert!(lines.is_sorted_by(|a, b| a < b), "{lines:?}");
            assert!(lines.iter().all(|line| (1..=lines_max).contains(line)), "{lines:?}");
        });
    }
}
