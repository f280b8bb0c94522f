//! The rules of the importer and of the pages for the demo catalogue.

use std::{collections::HashSet, fs};

use serde::Deserialize;

use super::PRODUCTS_CSV;
use crate::paths;

const PRODUCTS_MIN: usize = 200;
const SVG_BYTES_MAX: usize = 4096;

/// A row of the catalogue. Each field of the header has its place here.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Product {
    sku: String,
    slug: String,
    name: String,
    description: String,
    category: String,
    price: String,
    currency: String,
    on_hand: u32,
    low_stock_threshold: u32,
    image_url: String,
}

fn products() -> Vec<Product> {
    let rows = csv::Reader::from_reader(PRODUCTS_CSV.as_bytes()).into_deserialize();
    rows.map(|row| row.expect("a product in each row")).collect()
}

fn is_slug(text: &str, length_max: usize) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=length_max).contains(&text.len()) && text.chars().all(allowed)
}

fn is_price(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let parts = text.split_once('.');
    parts.is_some_and(|(euros, cents)| digits(euros) && digits(cents) && cents.len() == 2)
        && text.chars().any(|c| ('1'..='9').contains(&c))
}

#[test]
fn the_columns_have_the_order_of_the_documentation() {
    let header = "sku,slug,name,description,category,price,currency,on_hand,\
                  low_stock_threshold,image_url";
    assert_eq!(PRODUCTS_CSV.lines().next(), Some(header));
}

#[test]
fn every_field_of_every_product_is_within_its_limits() {
    let products = products();
    assert!(products.len() >= PRODUCTS_MIN, "{} products", products.len());
    for product in &products {
        let Product { sku, slug, name, description, category, price, .. } = product;
        let sku_char = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        assert!((1..=40).contains(&sku.len()) && sku.chars().all(sku_char), "{product:?}");
        assert!(is_slug(slug, 100), "{product:?}");
        assert!((1..=200).contains(&name.chars().count()), "{product:?}");
        assert!((1..=10_000).contains(&description.chars().count()), "{product:?}");
        assert!(is_slug(category, 60), "{product:?}");
        assert!(is_price(price), "{product:?}");
        assert_eq!(product.currency, "EUR", "{product:?}");
        assert!(product.low_stock_threshold <= 10, "{product:?}");
        assert_eq!(product.image_url, format!("/images/{slug}.svg"), "{product:?}");
    }
}

#[test]
fn no_two_products_share_a_sku_or_a_slug() {
    let products = products();
    let skus: HashSet<_> = products.iter().map(|product| &product.sku).collect();
    let slugs: HashSet<_> = products.iter().map(|product| &product.slug).collect();
    assert_eq!((skus.len(), slugs.len()), (products.len(), products.len()));
}

#[test]
fn some_products_are_sold_out_and_some_are_low_and_some_are_plenty() {
    let products = products();
    let sold_out = |product: &Product| product.on_hand == 0;
    let low = |product: &Product| (1..=product.low_stock_threshold).contains(&product.on_hand);
    let plenty = |product: &Product| product.on_hand > product.low_stock_threshold;
    assert!(products.iter().any(sold_out));
    assert!(products.iter().any(low));
    assert!(products.iter().any(plenty));
}

#[test]
fn each_product_has_a_picture_and_each_picture_has_a_product() {
    let named: HashSet<String> =
        products().iter().map(|product| format!("{}.svg", product.slug)).collect();
    let files: HashSet<String> = pictures().into_iter().map(|(name, _)| name).collect();
    assert_eq!(named, files);
}

/// Returns the names and texts of all pictures.
fn pictures() -> Vec<(String, String)> {
    let files = fs::read_dir(paths::catalogue().join("images")).expect("a folder of pictures");
    files
        .map(|file| {
            let file = file.expect("a readable folder");
            let name = file.file_name().into_string().expect("a plain name");
            (name, fs::read_to_string(file.path()).expect("a text file"))
        })
        .collect()
}

#[test]
fn every_picture_is_small_well_formed_svg_without_references() {
    for (name, svg) in pictures() {
        assert!(svg.len() <= SVG_BYTES_MAX, "{name}: {} bytes", svg.len());
        let root = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 300""#;
        assert!(svg.starts_with(root), "{name}");
        assert_well_formed(&svg, &name);
        for absent in ["<text", "<script", "<style", "<image", "href", "url(", " on"] {
            assert!(!svg.contains(absent), "{name} contains {absent}");
        }
    }
}

/// Checks that elements are closed in order, under one root, and that each attribute is quoted.
fn assert_well_formed(svg: &str, name: &str) {
    let mut open = Vec::new();
    let tags = svg.strip_prefix('<').and_then(|svg| svg.strip_suffix('>')).expect("one element");
    for (at, tag) in tags.split("><").enumerate() {
        assert!(!tag.contains(['<', '>', '&']), "{name}: {tag}");
        assert_eq!(open.is_empty(), at == 0, "{name}: {tag} is outside the root");
        let element = tag.trim_matches('/').split(' ').next().expect("a split is never empty");
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(element), "{name}");
            continue;
        }
        assert_attributes(&tag.trim_end_matches('/')[element.len()..], name);
        if !tag.ends_with('/') {
            open.push(element);
        }
    }
    assert!(open.is_empty(), "{name}: {open:?} is still open");
}

fn assert_attributes(attributes: &str, name: &str) {
    let mut seen = HashSet::new();
    let mut rest = attributes;
    while !rest.is_empty() {
        let (attribute, value) = rest.split_once("=\"").expect("a quoted value");
        let attribute = attribute.strip_prefix(' ').expect("a space before each attribute");
        assert!(attribute.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{name}");
        assert!(seen.insert(attribute), "{name}: {attribute} twice in {attributes}");
        rest = value.split_once('"').expect("the end of a quoted value").1;
    }
}
