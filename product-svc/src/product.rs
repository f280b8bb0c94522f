//! Products: the rules of their fields, whether these come from a request or a file, and the
//! filters and cursors of their lists. No I/O.

pub(crate) mod catalogue;
pub(crate) mod import;
pub(crate) mod indexing;
pub(crate) mod lists;
pub(crate) mod query;
pub(crate) mod search;
pub(crate) mod watch;
pub(crate) mod words;

use std::{collections::HashMap, fmt};

use chrono::{DateTime, Utc};
use mesh::validate::Violations;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

mesh_data::id_type!(
    /// Id of a product.
    ProductId
);

/// Whether a product can be bought now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "the names of the contract")]
pub(crate) enum StockState {
    InStock,
    /// At least one unit is available, and no more than the threshold.
    LowStock,
    OutOfStock,
}

impl StockState {
    pub fn new(available: i32, low_stock_threshold: i32) -> Self {
        if available <= 0 {
            Self::OutOfStock
        } else if available <= low_stock_threshold {
            Self::LowStock
        } else {
            Self::InStock
        }
    }
}

/// A product of the catalogue, with the state of its stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Product {
    pub id: ProductId,
    pub fields: ProductFields,
    pub archived: bool,
    /// Grows with each change. The etag.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// The sort key of lists by name.
    pub name_key: String,
    pub stock_state: StockState,
}

impl Product {
    /// Returns the fields that an entry of the audit compares.
    pub fn audited_fields(&self) -> Value {
        let mut fields = self.fields.audited_fields();
        fields["archived"] = self.archived.into();
        fields
    }
}

/// Returns the SHA-256 of the serialized form of a request.
pub(crate) fn fingerprint(request: &impl Serialize) -> Vec<u8> {
    let serialized = serde_json::to_vec(request).expect("a request is plain data");
    Sha256::digest(serialized).to_vec()
}

/// The fields of a product that an admin sets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct ProductFields {
    pub sku: String,
    /// Name in URLs.
    pub slug: String,
    pub name: String,
    /// Plain text.
    pub description: String,
    /// Slug of the category.
    pub category: String,
    /// Price of one unit in minor units of the currency.
    pub price_minor: i64,
    /// Path of the picture, or empty.
    pub image_url: String,
}

/// Highest price of one unit, in minor units. 50 line items of 99 units add up far below an `i64`.
pub(crate) const PRICE_MINOR_MAX: i64 = 100_000_000_000;
/// Greatest `on_hand` and threshold.
pub(crate) const QUANTITY_MAX: i32 = 1_000_000;

impl ProductFields {
    /// Returns the fields that an entry of the audit compares.
    pub fn audited_fields(&self) -> Value {
        serde_json::to_value(self).expect("fields are plain data")
    }

    /// Returns the SHA-256 of the fields. An **invariant** of the serialized form is that of
    /// [`crate::inventory::InventoryUpdate`].
    pub fn fingerprint(&self) -> Vec<u8> {
        fingerprint(self)
    }

    /// Returns the fields as they are stored, with a violation for each bad one. Field names get
    /// `prefix`, such as `product.`.
    pub fn checked(self, prefix: &str, violations: &mut Violations) -> Self {
        let field = |name: &str| format!("{prefix}{name}");
        let name = violations.text(&field("name"), &self.name, 1, 200);
        let slug = if self.slug.is_empty() { slug_from(&name) } else { self.slug };
        violations.require(
            is_slug(&slug, 100),
            &field("slug"),
            "must be 1 to 100 lower-case letters, digits and single hyphens",
        );
        violations.require(
            is_slug(&self.category, 60),
            &field("category"),
            "must be 1 to 60 lower-case letters, digits and single hyphens",
        );
        violations.require(
            is_sku(&self.sku),
            &field("sku"),
            "must be 1 to 40 letters, digits, dots, underscores and hyphens",
        );
        violations.require(
            (1..=PRICE_MINOR_MAX).contains(&self.price_minor),
            &field("price"),
            "must be above zero and at most 1,000,000,000",
        );
        violations.require(
            is_image_url(&self.image_url),
            &field("image_url"),
            "must be empty or a path under /images/",
        );
        let description = violations.text(&field("description"), &self.description, 0, 10_000);
        Self { name, slug, description, ..self }
    }
}

/// Returns whether `slug` has lower-case letters, digits and single hyphens between them.
fn is_slug(slug: &str, characters_max: usize) -> bool {
    slug.len() <= characters_max
        && slug.split('-').all(|part| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

fn is_sku(sku: &str) -> bool {
    (1..=40).contains(&sku.len())
        && sku.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn is_image_url(url: &str) -> bool {
    let Some(path) = url.strip_prefix("/images/") else {
        return url.is_empty();
    };
    let characters = |b: u8| b.is_ascii_alphanumeric() || b"._-/".contains(&b);
    !path.is_empty() && url.len() <= 200 && path.bytes().all(characters) && !path.contains("..")
}

/// Returns a slug with the letters and digits of a name, joined by hyphens.
fn slug_from(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|w| !w.is_empty()).map(str::to_ascii_lowercase).collect();
    let mut slug = words.join("-");
    slug.truncate(100);
    slug.trim_end_matches('-').to_owned()
}

/// Returns the name of a category for people, from its slug: `garden-tools` is `Garden Tools`.
pub(crate) fn category_display_name(slug: &str) -> String {
    let words = slug.split('-').map(|word| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| {
            format!("{}{}", first.to_ascii_uppercase(), letters.as_str())
        })
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A unique key of a product.
#[derive(Debug, Clone)]
pub(crate) enum ProductKey {
    Id(ProductId),
    Slug(String),
}

/// Name, current price and available stock of a product for sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CurrentPrice {
    pub name: String,
    pub price_minor: i64,
    /// What could be sold when the price was read.
    pub available: i32,
}

pub(crate) type CurrentPrices = HashMap<ProductId, CurrentPrice>;

/// The filters and the sort order of ListProducts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct ProductFilter {
    /// Words to find. Empty: all products.
    pub query: String,
    /// Slug of a category.
    pub category: Option<String>,
    /// Lowest price in minor units, inclusive.
    pub price_min_minor: Option<i64>,
    /// Highest price in minor units, inclusive.
    pub price_max_minor: Option<i64>,
    pub in_stock_only: bool,
    pub sort: ProductSort,
}

/// The sort order of a list of products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub(crate) enum ProductSort {
    /// Best kinds of match first. Without a query as [`Self::Name`].
    Relevance,
    Name,
    Price,
    PriceDescending,
    NewestFirst,
}

/// The sort key of a product, in any sort order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct ProductCursor {
    /// Number of the kind of match. 0 in all other sort orders.
    pub match_kind: u8,
    pub name_key: String,
    pub price_minor: i64,
    pub created_at: DateTime<Utc>,
    pub id: ProductId,
}

impl ProductCursor {
    /// Returns the cursor of the rows after `product`.
    pub fn after(product: &Product) -> Self {
        Self {
            match_kind: 0,
            name_key: product.name_key.clone(),
            price_minor: product.fields.price_minor,
            created_at: product.created_at,
            id: product.id,
        }
    }
}

/// The changes of an UpdateProduct: the fields that are set.
#[derive(Debug, Clone, Default)]
pub(crate) struct ProductChanges {
    pub sku: Option<String>,
    pub slug: Option<String>,
    pub name: Option<String>,
    pub description: Option<String>,
    pub category: Option<String>,
    pub price_minor: Option<i64>,
    pub image_url: Option<String>,
    pub archived: Option<bool>,
}

impl ProductChanges {
    /// Returns `fields` with the changes.
    pub fn apply(self, fields: ProductFields) -> ProductFields {
        ProductFields {
            sku: self.sku.unwrap_or(fields.sku),
            slug: self.slug.unwrap_or(fields.slug),
            name: self.name.unwrap_or(fields.name),
            description: self.description.unwrap_or(fields.description),
            category: self.category.unwrap_or(fields.category),
            price_minor: self.price_minor.unwrap_or(fields.price_minor),
            image_url: self.image_url.unwrap_or(fields.image_url),
        }
    }
}

/// A valid row of an import file.
#[derive(Debug)]
pub(crate) struct ImportRow {
    /// Its first line in the file; in JSON, the number of the object.
    pub line: usize,
    pub fields: ProductFields,
    /// `None`: unchanged.
    pub on_hand: Option<i32>,
    /// `None`: unchanged.
    pub low_stock_threshold: Option<i32>,
}

/// A row that cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadRow {
    /// As in [`ImportRow`].
    pub line: usize,
    pub problem: String,
}

const PROBLEM_CHARACTERS_MAX: usize = 300;

impl BadRow {
    pub fn new(line: usize, problem: impl AsRef<str>) -> Self {
        let problem = problem.as_ref().chars().take(PROBLEM_CHARACTERS_MAX).collect();
        Self { line, problem }
    }
}

/// The result of an import. Bad rows keep a file from being imported, except those that another
/// change made bad during the import.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ImportReport {
    pub created: usize,
    pub updated: usize,
    pub unchanged: usize,
    /// In the order of the file.
    pub bad_rows: Vec<BadRow>,
}

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { created, updated, unchanged, bad_rows } = self;
        if bad_rows.is_empty() || created + updated + unchanged > 0 {
            write!(f, "{created} products created, {updated} updated, {unchanged} unchanged")?;
        } else {
            f.write_str("nothing was imported")?;
        }
        bad_rows.iter().try_for_each(|row| write!(f, "\nline {}: {}", row.line, row.problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> ProductFields {
        ProductFields {
            sku: "KIT-0001".into(),
            slug: String::new(),
            name: " Kettle, 1.7 l ".into(),
            description: String::new(),
            category: "kitchen".into(),
            price_minor: 2490,
            image_url: "/images/kettle.svg".into(),
        }
    }

    #[test]
    fn a_product_without_a_slug_gets_one_from_its_name() {
        let mut violations = Violations::new();
        let checked = fields().checked("product.", &mut violations);
        assert!(violations.finish(()).is_ok());
        assert_eq!(
            (checked.name.as_str(), checked.slug.as_str()),
            ("Kettle, 1.7 l", "kettle-1-7-l")
        );
    }

    #[test]
    fn every_bad_field_is_reported_under_its_own_name() {
        let bad = ProductFields {
            sku: "a b".into(),
            slug: "Big--Slug".into(),
            name: " ".into(),
            description: "x".repeat(10_001),
            category: String::new(),
            price_minor: 0,
            image_url: "https://elsewhere/x.png".into(),
        };
        let mut violations = Violations::new();
        bad.checked("product.", &mut violations);
        let report = violations.finish(()).expect_err("all are bad").to_string();
        for field in ["sku", "slug", "name", "description", "category", "price", "image_url"] {
            assert!(report.contains(&format!("product.{field} must")), "{field} in {report}");
        }
    }

    #[test]
    fn stock_is_low_up_to_its_threshold() {
        for (available, state) in [
            (-1, StockState::OutOfStock),
            (0, StockState::OutOfStock),
            (1, StockState::LowStock),
            (5, StockState::LowStock),
            (6, StockState::InStock),
        ] {
            assert_eq!(StockState::new(available, 5), state, "{available}");
        }
    }

    #[test]
    fn a_category_has_a_display_name() {
        assert_eq!(category_display_name("garden-tools"), "Garden Tools");
    }
}
