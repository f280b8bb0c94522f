//! What the importer and the shop ask of the demo catalogue.

use std::{collections::HashSet, time::Instant};

use super::{PRODUCTS_CSV, products, scene, write};

const HEADER: [&str; 10] = [
    "sku",
    "slug",
    "name",
    "description",
    "category",
    "price",
    "currency",
    "on_hand",
    "low_stock_threshold",
    "image_url",
];
const PRODUCTS_MIN: usize = 200;
const SVG_BYTES_MAX: usize = 4096;

fn rows() -> Vec<csv::StringRecord> {
    let mut reader = csv::Reader::from_reader(PRODUCTS_CSV.as_bytes());
    assert_eq!(reader.headers().expect("a header row"), &csv::StringRecord::from(HEADER.to_vec()));
    reader.records().map(|row| row.expect("as many fields as the header")).collect()
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
fn every_field_of_every_product_is_within_its_limits() {
    let rows = rows();
    assert!(rows.len() >= PRODUCTS_MIN, "{} products", rows.len());
    for row in &rows {
        let sku_char = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        assert!((1..=40).contains(&row[0].len()) && row[0].chars().all(sku_char), "{row:?}");
        assert!(is_slug(&row[1], 100), "{row:?}");
        assert!((1..=200).contains(&row[2].chars().count()), "{row:?}");
        assert!((1..=10_000).contains(&row[3].chars().count()), "{row:?}");
        assert!(is_slug(&row[4], 60), "{row:?}");
        assert!(is_price(&row[5]), "{row:?}");
        assert_eq!(&row[6], "EUR", "{row:?}");
        row[7].parse::<u32>().expect("units on hand");
        assert!(row[8].parse::<u32>().expect("a threshold") <= 10, "{row:?}");
        assert_eq!(row[9], format!("/images/{}.svg", &row[1]), "{row:?}");
    }
}

#[test]
fn no_two_products_share_a_sku_or_a_slug() {
    let rows = rows();
    for column in [0, 1] {
        let distinct: HashSet<_> = rows.iter().map(|row| &row[column]).collect();
        assert_eq!(distinct.len(), rows.len());
    }
}

#[test]
fn some_products_are_sold_out_and_some_are_low_and_some_are_plenty() {
    let stock: Vec<(u32, u32)> = rows()
        .iter()
        .map(|row| (row[7].parse().expect("a number"), row[8].parse().expect("a number")))
        .collect();
    assert!(stock.iter().any(|(on_hand, _)| *on_hand == 0));
    assert!(stock.iter().any(|(on_hand, threshold)| (1..=*threshold).contains(on_hand)));
    assert!(stock.iter().any(|(on_hand, threshold)| on_hand > threshold));
}

#[test]
fn every_picture_is_small_well_formed_svg_that_refers_to_nothing() {
    for product in products() {
        let (svg, slug) = (scene::draw(&product), &product.slug);
        assert!(svg.len() <= SVG_BYTES_MAX, "{slug}: {} bytes", svg.len());
        assert!(svg.starts_with(r#"<svg xmlns="http://www.w3.org/2000/svg""#), "{slug}");
        assert_well_formed(&svg, slug);
        for absent in ["<text", "<script", "<style", "<image", "href", "url(", " on"] {
            assert!(!svg.contains(absent), "{slug} contains {absent}");
        }
    }
}

/// Checks that elements are closed in order, under one root, and that each attribute is quoted.
fn assert_well_formed(svg: &str, slug: &str) {
    let mut open = Vec::new();
    let tags = svg.strip_prefix('<').and_then(|svg| svg.strip_suffix('>')).expect("one element");
    for (at, tag) in tags.split("><").enumerate() {
        assert!(!tag.contains(['<', '>', '&']), "{slug}: {tag}");
        assert_eq!(open.is_empty(), at == 0, "{slug}: {tag} is outside the root");
        let name = tag.trim_matches('/').split(' ').next().expect("a split is never empty");
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{slug}");
            continue;
        }
        assert_attributes(&tag.trim_end_matches('/')[name.len()..], slug);
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{slug}: {open:?} is still open");
}

fn assert_attributes(attributes: &str, slug: &str) {
    let mut names = HashSet::new();
    let mut rest = attributes;
    while !rest.is_empty() {
        let (name, value) = rest.split_once("=\"").expect("a quoted value");
        let name = name.strip_prefix(' ').expect("a space before each attribute");
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{slug}: {name}");
        assert!(names.insert(name), "{slug}: {name} twice in {attributes}");
        rest = value.split_once('"').expect("the end of a quoted value").1;
    }
}

#[test]
fn writing_makes_the_catalogue_and_a_picture_of_each_product_and_the_same_ones_again() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let read = |path: &str| std::fs::read_to_string(dir.path().join(path)).expect(path);
    let started = Instant::now();
    write(dir.path()).expect("the first time");
    assert!(started.elapsed().as_secs() < 5, "took {:?}", started.elapsed());
    let pictures = |_| products().map(|p| read(&format!("images/{}.svg", p.slug))).collect();
    let first: Vec<String> = pictures(());
    assert_eq!(read("catalogue.csv"), PRODUCTS_CSV);
    write(dir.path()).expect("over the first");
    assert_eq!(first, pictures(()));
}
