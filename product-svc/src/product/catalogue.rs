//! Operations on the catalogue, one for each method of ProductService.

use std::sync::Arc;

use mesh::validate::Violations;
use mesh_data::{
    audit::{self, Change},
    page::{Listed, Page},
};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    App,
    db::products as db,
    error::Error,
    product::{
        Product, ProductChanges, ProductCursor, ProductFields, ProductFilter, ProductId,
        ProductKey, ProductSort,
        query::SearchQuery,
        search::{self, list_by_relevance},
    },
};

/// Returns a page of products for sale, which may be as old as [`crate::product::lists`] allows.
pub(crate) async fn list_products(
    app: &App,
    filter: &ProductFilter,
    page: &Page<ProductCursor>,
) -> Result<Arc<Listed<Product>>, Error> {
    app.lists.get_or_read(filter, page, read_products(app, filter, page)).await
}

async fn read_products(
    app: &App,
    filter: &ProductFilter,
    page: &Page<ProductCursor>,
) -> Result<Listed<Product>, Error> {
    let (cursor, limit) = (page.cursor.as_ref(), page.limit());
    let products = if filter.query.is_empty() {
        let mut connection = app.database.connection().await?;
        db::list_products(&mut connection, filter, None, cursor, limit).await?
    } else if filter.sort == ProductSort::Relevance {
        return list_by_relevance(app, filter, page).await;
    } else {
        let listed = app.search_database.transaction(async |connection| {
            let query = search::begin(connection, &filter.query).await?;
            let tsquery = query.as_ref().map(SearchQuery::similar);
            Ok(db::list_products(connection, filter, tsquery, cursor, limit).await?)
        });
        listed.await?
    };
    Ok(page.finish(products, ProductCursor::after))
}

/// Returns a product for sale.
pub(crate) async fn get_product(app: &App, key: &ProductKey) -> Result<Product, Error> {
    let product = find_product(app, key).await?;
    if product.archived { Err(not_found(key)) } else { Ok(product) }
}

/// Returns a product, archived or not.
pub(crate) async fn get_any_product(app: &App, id: ProductId) -> Result<Product, Error> {
    find_product(app, &ProductKey::Id(id)).await
}

async fn find_product(app: &App, key: &ProductKey) -> Result<Product, Error> {
    let mut connection = app.database.connection().await?;
    db::find_product(&mut connection, key).await?.ok_or_else(|| not_found(key))
}

fn not_found(key: &ProductKey) -> Error {
    match key {
        ProductKey::Id(id) => Error::product_not_found(id),
        ProductKey::Slug(slug) => Error::product_not_found(slug),
    }
}

/// Returns the products of `ids` that are for sale, in the order of `ids`, and the other ids.
pub(crate) async fn batch_get_products(
    app: &App,
    ids: &[ProductId],
) -> Result<(Vec<Product>, Vec<ProductId>), Error> {
    let mut connection = app.database.connection().await?;
    let mut found = db::find_products_for_sale(&mut connection, ids).await?;
    found.sort_by_key(|product| ids.iter().position(|id| *id == product.id));
    let is_missing = |id: &&ProductId| !found.iter().any(|product| product.id == **id);
    let missing = ids.iter().filter(is_missing).copied().collect();
    Ok((found, missing))
}

/// Returns the slugs of all categories with a product for sale, and how many each has.
pub(crate) async fn list_categories(app: &App) -> Result<Vec<(String, i64)>, Error> {
    let mut connection = app.database.connection().await?;
    Ok(db::list_categories(&mut connection).await?)
}

/// Adds a product. Its id is derived from the idempotency key, if there is one, so that a repeated
/// request finds the product that the first one created.
pub(crate) async fn create_product(
    app: &App,
    actor_id: Uuid,
    request_id: Option<Uuid>,
    fields: ProductFields,
) -> Result<Product, Error> {
    let id = ProductId(match request_id {
        Some(request_id) => Uuid::new_v5(&actor_id, request_id.as_bytes()),
        None => Uuid::now_v7(),
    });
    let fingerprint = fields.fingerprint();
    let product = app
        .database
        .transaction(async |connection| {
            let inserted = db::insert_product(connection, id, &fields, Some(&fingerprint)).await?;
            let product = db::find_product(connection, &ProductKey::Id(id)).await?;
            let product = product.ok_or_else(|| Error::product_not_found(id))?;
            if inserted {
                let change = Change::new("product", id.0, &Value::Null, &product.audited_fields());
                audit::record(connection, &[change]).await?;
                return Ok(product);
            }
            audit::unchanged();
            let is_replay = match db::find_creation_fingerprint(connection, id).await? {
                Some(existing) => existing == fingerprint,
                // The product is older than the column.
                None => product.version == 1 && product.fields == fields,
            };
            if is_replay { Ok(product) } else { Err(Error::RequestIdReused) }
        })
        .await?;
    app.lists.invalidate();
    Ok(product)
}

/// Changes a product. If `version` is set, it must be current: optimistic concurrency.
pub(crate) async fn update_product(
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
            check_version(&product, version)?;
            let before = product.audited_fields();
            let archived = changes.archived.unwrap_or(product.archived);
            let mut violations = Violations::new();
            let fields = changes.apply(product.fields).checked("product.", &mut violations);
            violations.finish(())?;
            db::update_product(connection, id, &fields, archived).await?;
            let product = db::find_product(connection, &key).await?;
            let product = product.ok_or_else(|| not_found(&key))?;
            let change = Change::new("product", id.0, &before, &product.audited_fields());
            audit::record(connection, &[change]).await?;
            Ok::<_, Error>(product)
        })
        .await?;
    app.lists.invalidate();
    Ok(product)
}

fn check_version(product: &Product, version: Option<i64>) -> Result<(), Error> {
    if version.is_some_and(|version| version != product.version) {
        return Err(Error::StaleEtag { etag: product.version.to_string(), on_hand: None });
    }
    Ok(())
}

/// Archives a product. An archived one stays as it is, whatever the `version`.
pub(crate) async fn archive_product(
    app: &App,
    id: ProductId,
    version: Option<i64>,
) -> Result<Product, Error> {
    let product = get_any_product(app, id).await?;
    if product.archived {
        audit::unchanged();
        return Ok(product);
    }
    let changes = ProductChanges { archived: Some(true), ..ProductChanges::default() };
    update_product(app, id, changes, version).await
}
