//! Operations on the catalogue. Each owns its transaction, and is what one method of
//! ProductService does.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use mesh::boot::Process;
use mesh_data::{
    database::{Connection, Database, convert_error},
    page,
    subscription::Hub,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    App,
    db::products::{self as db, ProductKey},
    error::Error,
    lists::Page,
    product::{Product, ProductFields, ProductId, StockState},
    search,
};

/// What ListProducts is to find, and in which order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct ProductFilter {
    /// Words to find; empty finds all.
    pub query: String,
    /// Slug of a category.
    pub category: Option<String>,
    /// Least price in minor units, inclusive.
    pub price_min_minor: Option<i64>,
    /// Greatest price in minor units, inclusive.
    pub price_max_minor: Option<i64>,
    /// Leaves out what cannot be bought now.
    pub in_stock_only: bool,
    /// In which order.
    pub order: ProductOrder,
}

/// In which order products are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum ProductOrder {
    /// By name, A first.
    Name,
    /// Cheapest first.
    Price,
    /// Dearest first.
    PriceDescending,
    /// Newest first.
    NewestFirst,
}

/// Where a page begins: after this product.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cursor {
    /// Its name.
    pub name: String,
    /// Its price.
    pub price_minor: i64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Its id.
    pub id: ProductId,
}

impl From<&Product> for Cursor {
    fn from(product: &Product) -> Self {
        Self {
            name: product.fields.name.clone(),
            price_minor: product.fields.price_minor,
            created_at: product.created_at,
            id: product.id,
        }
    }
}

/// A page of products for sale, and where the next one begins, as [`crate::lists`] tells.
pub async fn list_products(
    app: &App,
    filter: &ProductFilter,
    cursor: Option<&Cursor>,
    page_size: i64,
) -> Result<Arc<Page>, Error> {
    let read = read_products(app, filter, cursor, page_size);
    app.lists.page(filter, cursor, page_size, read).await
}

async fn read_products(
    app: &App,
    filter: &ProductFilter,
    cursor: Option<&Cursor>,
    page_size: i64,
) -> Result<Page, Error> {
    let mut connection = app.database.connection().await?;
    let tsquery = find_tsquery(&mut connection, &filter.query).await?;
    let products =
        db::list_products(&mut connection, filter, tsquery.as_deref(), cursor, page_size + 1)
            .await?;
    let (products, more) = page::cut(products, page_size);
    let next = products.last().filter(|_| more).map(Cursor::from);
    Ok((products, next))
}

/// What finds the products that have the words of `query`; none where it has none.
pub(crate) async fn find_tsquery(
    connection: &mut Connection,
    query: &str,
) -> Result<Option<String>, Error> {
    let words = search::words(query);
    if words.is_empty() {
        return Ok(None);
    }
    let near = db::find_search_words(connection, &words).await?;
    Ok(Some(search::tsquery(&words, &near)))
}

/// A product for sale.
pub async fn get_product(app: &App, key: &ProductKey) -> Result<Product, Error> {
    let product = find(app, key).await?;
    match product.archived {
        true => Err(not_found(key)),
        false => Ok(product),
    }
}

/// A product, archived or not.
pub async fn get_any_product(app: &App, id: ProductId) -> Result<Product, Error> {
    find(app, &ProductKey::Id(id)).await
}

async fn find(app: &App, key: &ProductKey) -> Result<Product, Error> {
    let mut connection = app.database.connection().await?;
    db::find_product(&mut connection, key).await?.ok_or_else(|| not_found(key))
}

fn not_found(key: &ProductKey) -> Error {
    match key {
        ProductKey::Id(id) => Error::product_not_found(id),
        ProductKey::Slug(slug) => Error::product_not_found(slug),
    }
}

/// Those of `ids` that are for sale, in the order asked, and the others.
pub async fn batch_get_products(
    app: &App,
    ids: &[ProductId],
) -> Result<(Vec<Product>, Vec<ProductId>), Error> {
    let mut connection = app.database.connection().await?;
    let mut found = db::find_products_for_sale(&mut connection, ids).await?;
    let place = |id: &ProductId| ids.iter().position(|asked| asked == id);
    found.sort_by_key(|product| place(&product.id));
    let is_missing = |id: &&ProductId| !found.iter().any(|product| product.id == **id);
    let missing = ids.iter().filter(is_missing).copied().collect();
    Ok((found, missing))
}

/// Whether products for sale can be bought, for those who watch.
pub fn watch_stock_states(process: &Process, database: Database) -> Hub<ProductId, StockState> {
    Hub::start(process, "stock states", move |ids: Vec<ProductId>| {
        let database = database.clone();
        async move {
            let mut connection = database.connection().await?;
            db::find_stock_states(&mut connection, &ids).await.map_err(convert_error)
        }
    })
}

/// Categories that have a product for sale, with how many.
pub async fn list_categories(app: &App) -> Result<Vec<(String, i64)>, Error> {
    let mut connection = app.database.connection().await?;
    Ok(db::count_by_category(&mut connection).await?)
}

/// Adds a product. The id of a request makes the id of the product, so that the same
/// request finds what it created before.
pub async fn create_product(
    app: &App,
    actor_id: Uuid,
    request_id: Option<Uuid>,
    fields: ProductFields,
) -> Result<Product, Error> {
    let id = ProductId(match request_id {
        Some(request_id) => Uuid::new_v5(&actor_id, request_id.as_bytes()),
        None => Uuid::now_v7(),
    });
    let product = app
        .database
        .transaction(async |connection| {
            let inserted = db::insert_product(connection, id, &fields).await?;
            let product = db::find_product(connection, &ProductKey::Id(id)).await?;
            let product = product.ok_or_else(|| Error::product_not_found(id))?;
            match inserted || (product.version == 1 && product.fields == fields) {
                true => Ok(product),
                false => Err(Error::RequestIdReused),
            }
        })
        .await?;
    app.lists.forget();
    Ok(product)
}

/// What UpdateProduct changes: the fields that are set.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct ProductChanges {
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
    fn apply(self, to: ProductFields) -> ProductFields {
        ProductFields {
            sku: self.sku.unwrap_or(to.sku),
            slug: self.slug.unwrap_or(to.slug),
            name: self.name.unwrap_or(to.name),
            description: self.description.unwrap_or(to.description),
            category: self.category.unwrap_or(to.category),
            price_minor: self.price_minor.unwrap_or(to.price_minor),
            image_url: self.image_url.unwrap_or(to.image_url),
        }
    }
}

/// Changes a product that still has `version`, where one is given.
pub async fn update_product(
    app: &App,
    id: ProductId,
    changes: ProductChanges,
    version: Option<i64>,
) -> Result<Product, Error> {
    let product = app
        .database
        .transaction(async |connection| {
            let key = ProductKey::Id(id);
            db::lock_products(connection, &[id]).await?;
            let product = db::find_product(connection, &key).await?;
            let product = product.ok_or_else(|| not_found(&key))?;
            if version.is_some_and(|version| version != product.version) {
                return Err(stale(&product));
            }
            let archived = changes.archived.unwrap_or(product.archived);
            let fields = changes.apply(product.fields);
            let mut violations = mesh::validate::Violations::new();
            let fields = fields.checked("product.", &mut violations);
            violations.finish(())?;
            db::update_product(connection, id, &fields, archived).await?;
            let product = db::find_product(connection, &key).await?;
            product.ok_or_else(|| not_found(&key))
        })
        .await?;
    app.lists.forget();
    Ok(product)
}

/// Takes a product off sale; one that is off already stays as it is.
pub async fn archive_product(
    app: &App,
    id: ProductId,
    version: Option<i64>,
) -> Result<Product, Error> {
    let product = get_any_product(app, id).await?;
    if product.archived {
        return Ok(product);
    }
    let changes = ProductChanges { archived: Some(true), ..ProductChanges::default() };
    update_product(app, id, changes, version).await
}

fn stale(product: &Product) -> Error {
    Error::StaleEtag { etag: product.version.to_string(), on_hand: None }
}
