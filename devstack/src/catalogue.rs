//! The demo catalogue: the products of a new store in `catalogue/products.csv`, and a picture of
//! each in `catalogue/images/<slug>.svg`, which is 400 wide and 300 high. A new product is a row
//! and a picture.

use std::{fs, io, path::Path};

use include_dir::{Dir, include_dir};

/// The demo products, as CSV with a header row: `sku,slug,name,description,category,price,`
/// `currency,on_hand,low_stock_threshold,image_url`.
pub const PRODUCTS_CSV: &str = include_str!("../catalogue/products.csv");

static IMAGES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/catalogue/images");

/// Writes `catalogue.csv` and the pictures in `images/` into `dir`, which is created where it is
/// missing. Existing files are overwritten.
pub fn write(dir: &Path) -> io::Result<()> {
    let images = dir.join("images");
    fs::create_dir_all(&images)?;
    fs::write(dir.join("catalogue.csv"), PRODUCTS_CSV)?;
    IMAGES.extract(images)
}

#[cfg(test)]
mod tests;
