//! The demo catalogue: the products of a new store in `catalogue/products.csv`, and a picture of
//! each in `catalogue/images/<slug>.svg`, which is 400 wide and 300 high. A new product is a row
//! and a picture.

/// The demo products, as CSV with a header row: `sku,slug,name,description,category,price,`
/// `currency,on_hand,low_stock_threshold,image_url`.
pub const PRODUCTS_CSV: &str = include_str!("../catalogue/products.csv");

#[cfg(test)]
mod tests;
