//! What a product is, and the rules that hold for it wherever it comes from: a
//! request, an import, a row. Does no I/O.

use chrono::{DateTime, Utc};
use mesh::validate::Violations;

mesh_data::id_type!(
    /// Id of a product.
    ProductId
);

/// Whether a product can be bought now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockState {
    /// More is available than the threshold.
    InStock,
    /// At least one, and no more than the threshold.
    LowStock,
    /// None.
    OutOfStock,
}

impl StockState {
    /// The state of what is `available`.
    pub fn of(available: i32, low_stock_threshold: i32) -> Self {
        match available {
            ..=0 => Self::OutOfStock,
            some if some <= low_stock_threshold => Self::LowStock,
            _ => Self::InStock,
        }
    }
}

/// A product of the catalogue, with what its stock allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Id.
    pub id: ProductId,
    /// What an admin gave it.
    pub fields: ProductFields,
    /// Whether it was taken off sale.
    pub archived: bool,
    /// Grows with each change.
    pub version: i64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Whether it can be bought now.
    pub stock_state: StockState,
}

/// What an admin gives a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductFields {
    /// Stock-keeping unit.
    pub sku: String,
    /// Name in URLs.
    pub slug: String,
    /// For people.
    pub name: String,
    /// Plain text.
    pub description: String,
    /// Slug of the category.
    pub category: String,
    /// Price of one in minor units.
    pub price_minor: i64,
    /// Path of the picture, or empty.
    pub image_url: String,
}

/// Greatest price of one, in minor units: 50 lines of 99 add up far below an `i64`.
pub const PRICE_MINOR_MAX: i64 = 100_000_000_000;
/// Greatest `on_hand` and threshold.
pub const QUANTITY_MAX: i32 = 1_000_000;

impl ProductFields {
    /// The fields in the form in which they are kept, with a violation for each that
    /// is bad. Field names get `prefix`, such as `product.`.
    pub fn checked(self, prefix: &str, violations: &mut Violations) -> Self {
        let field = |name: &str| format!("{prefix}{name}");
        let name = violations.text(&field("name"), &self.name, 1, 200);
        let slug = match self.slug.is_empty() {
            true => slug_of(&name),
            false => self.slug,
        };
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

/// Lower-case letters, digits and single hyphens between them.
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

/// A slug made from a name: its letters and digits, joined by hyphens.
fn slug_of(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|w| !w.is_empty()).map(str::to_ascii_lowercase).collect();
    let mut slug = words.join("-");
    slug.truncate(100);
    slug.trim_end_matches('-').to_owned()
}

/// Name of a category for people, from its slug: `garden-tools` is `Garden Tools`.
pub fn category_display_name(slug: &str) -> String {
    let words = slug.split('-').map(|word| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| {
            format!("{}{}", first.to_ascii_uppercase(), letters.as_str())
        })
    });
    words.collect::<Vec<_>>().join(" ")
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
    fn a_slug_is_made_from_the_name_where_none_is_given() {
        let mut violations = Violations::new();
        let checked = fields().checked("product.", &mut violations);
        assert!(violations.finish(()).is_ok());
        assert_eq!(
            (checked.name.as_str(), checked.slug.as_str()),
            ("Kettle, 1.7 l", "kettle-1-7-l")
        );
    }

    #[test]
    fn every_bad_field_is_told_under_its_own_name() {
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
        let told = violations.finish(()).expect_err("all are bad").to_string();
        for field in ["sku", "slug", "name", "description", "category", "price", "image_url"] {
            assert!(told.contains(&format!("product.{field} must")), "{field} in {told}");
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
            assert_eq!(StockState::of(available, 5), state, "{available}");
        }
    }

    #[test]
    fn a_category_is_shown_by_its_words() {
        assert_eq!(category_display_name("garden-tools"), "Garden Tools");
    }
}
