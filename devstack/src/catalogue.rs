//! The demo catalogue: the products that a fresh store sells, and a picture of each.
//!
//! The products are data, kept by hand in `catalogue/products.csv`. The pictures are drawn here,
//! the same for the same product every time. This module writes files and knows nothing of
//! services, databases or the gateway that serves the pictures.

mod colour;
mod look;
mod motifs;
mod picture;
mod scene;
mod words;

use std::{fs, io, path::Path};

/// The demo products, as CSV with a header row: `sku,slug,name,description,category,price,`
/// `currency,on_hand,low_stock_threshold,image_url`.
pub const PRODUCTS_CSV: &str = include_str!("../catalogue/products.csv");

/// Writes `catalogue.csv` and one `images/<slug>.svg` for each product into `dir`.
///
/// Makes the directories that are missing and writes over the files of an earlier run.
///
/// # Errors
///
/// Returns the first error of the file system.
pub fn write(dir: &Path) -> io::Result<()> {
    let images = dir.join("images");
    fs::create_dir_all(&images)?;
    fs::write(dir.join("catalogue.csv"), PRODUCTS_CSV)?;
    for product in products() {
        fs::write(images.join(format!("{}.svg", product.slug)), scene::draw(&product))?;
    }
    Ok(())
}

/// What a picture is drawn from.
struct Product {
    sku: String,
    slug: String,
    description: String,
    category: String,
}

fn products() -> impl Iterator<Item = Product> {
    csv::Reader::from_reader(PRODUCTS_CSV.as_bytes()).into_records().map(|record| {
        let record = record.expect("the tests below read every row of the committed file");
        Product {
            sku: record[0].to_owned(),
            slug: record[1].to_owned(),
            description: record[3].to_owned(),
            category: record[4].to_owned(),
        }
    })
}

#[cfg(test)]
mod tests;
