//! SQL of the catalogue.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, QueryResult, Queryable, Selectable,
    SelectableHelper,
    dsl::not,
    pg::Pg,
    sql_types::{BigInt, Binary, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use mesh_data::{
    database::Connection,
    sql::{Rows, sql},
};
use uuid::Uuid;

use crate::{
    db::{
        after, before, has_words,
        search::{insert_vocabulary, with_search_keys},
        violated_constraint,
    },
    error::Error,
    product::{
        CurrentPrice, CurrentPrices, Product, ProductCursor, ProductFields, ProductFilter,
        ProductId, ProductKey, ProductSort, StockState, words::SearchKeys,
    },
    schema::{categories, inventory, products},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = products, check_for_backend(Pg))]
struct ProductRow {
    id: ProductId,
    sku: String,
    slug: String,
    name: String,
    description: String,
    category: String,
    price_minor: i64,
    image_url: String,
    archived: bool,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    name_key: String,
    #[diesel(embed)]
    stock: StockRow,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = inventory, check_for_backend(Pg))]
struct StockRow {
    on_hand: i32,
    held: i32,
    low_stock_threshold: i32,
}

impl From<StockRow> for StockState {
    fn from(row: StockRow) -> Self {
        Self::new(row.on_hand - row.held, row.low_stock_threshold)
    }
}

impl From<ProductRow> for Product {
    fn from(row: ProductRow) -> Self {
        Self {
            id: row.id,
            fields: ProductFields {
                sku: row.sku,
                slug: row.slug,
                name: row.name,
                description: row.description,
                category: row.category,
                price_minor: row.price_minor,
                image_url: row.image_url,
            },
            archived: row.archived,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            name_key: row.name_key,
            stock_state: row.stock.into(),
        }
    }
}

macro_rules! products_with_stock {
    () => {
        products::table.inner_join(inventory::table.on(inventory::product_id.eq(products::id)))
    };
}

/// Returns a product, archived or not.
pub(crate) async fn find_product(
    connection: &mut Connection,
    key: &ProductKey,
) -> QueryResult<Option<Product>> {
    let query = products_with_stock!().select(ProductRow::as_select()).into_boxed::<Pg>();
    let query = match key {
        ProductKey::Id(id) => query.filter(products::id.eq(id)),
        ProductKey::Slug(slug) => query.filter(products::slug.eq(slug)),
    };
    query.first(connection).await.optional().map(|row| row.map(Product::from))
}

/// Returns the products of `ids` that are for sale, in any order.
pub(crate) async fn find_products_for_sale(
    connection: &mut Connection,
    ids: &[ProductId],
) -> QueryResult<Vec<Product>> {
    let query = products_with_stock!().select(ProductRow::as_select());
    let query = query.filter(products::id.eq_any(ids)).filter(not(products::archived));
    let rows = query.load(connection).await?;
    Ok(rows.into_iter().map(Product::from).collect())
}

/// Returns the stock states of the products of `ids` that are for sale.
pub(crate) async fn find_stock_states(
    connection: &mut Connection,
    ids: &[ProductId],
) -> QueryResult<HashMap<ProductId, StockState>> {
    let rows: Vec<(ProductId, StockRow)> = products_with_stock!()
        .filter(products::id.eq_any(ids))
        .filter(not(products::archived))
        .select((products::id, StockRow::as_select()))
        .load(connection)
        .await?;
    Ok(rows.into_iter().map(|(id, stock)| (id, stock.into())).collect())
}

/// Returns names, prices and available stock of the products of `ids` that are for sale.
pub(crate) async fn find_current_prices(
    connection: &mut Connection,
    ids: &[ProductId],
) -> QueryResult<CurrentPrices> {
    let available = inventory::on_hand - inventory::held;
    let rows: Vec<(ProductId, String, i64, i32)> = products_with_stock!()
        .filter(products::id.eq_any(ids))
        .filter(not(products::archived))
        .select((products::id, products::name, products::price_minor, available))
        .load(connection)
        .await?;
    let prices = rows.into_iter().map(|(id, name, price_minor, available)| {
        (id, CurrentPrice { name, price_minor, available })
    });
    Ok(prices.collect())
}

/// Returns up to `limit` products for sale after `cursor`. `tsquery` is that of the filter.
pub(crate) async fn list_products(
    connection: &mut Connection,
    filter: &ProductFilter,
    tsquery: Option<String>,
    cursor: Option<&ProductCursor>,
    limit: i64,
) -> QueryResult<Vec<Product>> {
    use products::{archived, category, created_at, id, name_key, price_minor};
    let mut query = products_with_stock!()
        .filter(not(archived))
        .select(ProductRow::as_select())
        .limit(limit)
        .into_boxed::<Pg>();
    if let Some(tsquery) = tsquery {
        query = query.filter(has_words(tsquery));
    }
    if let Some(slug) = &filter.category {
        query = query.filter(category.eq(slug));
    }
    if let Some(min) = filter.price_min_minor {
        query = query.filter(price_minor.ge(min));
    }
    if let Some(max) = filter.price_max_minor {
        query = query.filter(price_minor.le(max));
    }
    if filter.in_stock_only {
        query = query.filter(inventory::on_hand.gt(inventory::held));
    }
    query = match filter.sort {
        ProductSort::Name | ProductSort::Relevance => query.order((name_key, id)),
        ProductSort::Price => query.order((price_minor, id)),
        ProductSort::PriceDescending => query.order((price_minor.desc(), id.desc())),
        ProductSort::NewestFirst => query.order((created_at.desc(), id.desc())),
    };
    if let Some(last) = cursor {
        query = match filter.sort {
            ProductSort::Name | ProductSort::Relevance => {
                let key = (last.name_key.clone(), last.id);
                query.filter(after::<(Text, SqlUuid), _, _>((name_key, id), key))
            }
            ProductSort::Price => {
                let key = (last.price_minor, last.id);
                query.filter(after::<(BigInt, SqlUuid), _, _>((price_minor, id), key))
            }
            ProductSort::PriceDescending => {
                let key = (last.price_minor, last.id);
                query.filter(before::<(BigInt, SqlUuid), _, _>((price_minor, id), key))
            }
            ProductSort::NewestFirst => {
                let key = (last.created_at, last.id);
                query.filter(before::<(Timestamptz, SqlUuid), _, _>((created_at, id), key))
            }
        };
    }
    let rows = query.load(connection).await?;
    Ok(rows.into_iter().map(Product::from).collect())
}

/// Returns each category with a product for sale, and how many it has.
pub(crate) async fn list_categories(
    connection: &mut Connection,
) -> QueryResult<Vec<(String, i64)>> {
    categories::table
        .filter(categories::product_count.gt(0))
        .select((categories::slug, categories::product_count))
        .order(categories::slug)
        .load(connection)
        .await
}

/// Inserts a product without stock. Returns false if `id` exists.
pub(crate) async fn insert_product(
    connection: &mut Connection,
    id: ProductId,
    fields: &ProductFields,
    creation_fingerprint: Option<&[u8]>,
) -> Result<bool, Error> {
    let inserted = insert_products(connection, &[(id, fields, creation_fingerprint)]).await;
    Ok(inserted.map_err(|error| convert_violation(error, fields))? == 1)
}

/// A product to insert: its id, its fields, and the fingerprint of an idempotent request.
type NewProduct<'a> = (ProductId, &'a ProductFields, Option<&'a [u8]>);

/// Inserts products without stock. Returns how many of the ids did not exist.
pub(crate) async fn insert_products(
    connection: &mut Connection,
    products: &[NewProduct<'_>],
) -> QueryResult<usize> {
    if products.is_empty() {
        return Ok(0);
    }
    let keyed = products.iter().map(|product| (product, SearchKeys::new(product.1)));
    let keyed: Vec<_> = keyed.collect();
    let rows = Rows::of(&keyed)
        .column::<SqlUuid, _>("id", |((id, ..), _)| *id)
        .column::<Nullable<Binary>, _>("creation_fingerprint", |((.., hash), _)| *hash);
    let rows = with_search_keys(with_fields(rows, |((_, fields, _), _)| *fields), |(_, keys)| keys);
    let insert = sql("WITH inserted AS ( \
             INSERT INTO products (id, sku, slug, name, description, category, image_url, \
                 price_minor, creation_fingerprint, name_key, name_words, words, indexed_version) \
             SELECT id, sku, slug, name, description, category, image_url, price_minor, \
                 creation_fingerprint, name_key, name_words::tsvector, words::tsvector, 1 \
             FROM {new} ON CONFLICT (id) DO NOTHING RETURNING id \
         ) INSERT INTO inventory (product_id) SELECT id FROM inserted");
    let inserted = insert.rows("new", rows).execute(connection).await?;
    insert_vocabulary(connection, keyed.iter().map(|(_, keys)| keys)).await?;
    Ok(inserted)
}

/// Adds the columns of the fields that an admin sets.
fn with_fields<'a, R>(
    rows: Rows<'a, R>,
    fields: impl Fn(&'a R) -> &'a ProductFields,
) -> Rows<'a, R> {
    rows.column::<Text, _>("sku", |row| &*fields(row).sku)
        .column::<Text, _>("slug", |row| &*fields(row).slug)
        .column::<Text, _>("name", |row| &*fields(row).name)
        .column::<Text, _>("description", |row| &*fields(row).description)
        .column::<Text, _>("category", |row| &*fields(row).category)
        .column::<Text, _>("image_url", |row| &*fields(row).image_url)
        .column::<BigInt, _>("price_minor", |row| fields(row).price_minor)
}

/// Updates all fields of products whose rows the caller has locked, and whether each is archived.
pub(crate) async fn update_products(
    connection: &mut Connection,
    products: &[(ProductId, &ProductFields, bool)],
) -> QueryResult<()> {
    if products.is_empty() {
        return Ok(());
    }
    let keyed = products.iter().map(|product| (product, SearchKeys::new(product.1)));
    let keyed: Vec<_> = keyed.collect();
    let rows = Rows::of(&keyed)
        .column::<SqlUuid, _>("id", |((id, ..), _)| *id)
        .column::<Bool, _>("archived", |((.., archived), _)| *archived);
    let rows = with_search_keys(with_fields(rows, |((_, fields, _), _)| *fields), |(_, keys)| keys);
    let update = sql("UPDATE products SET sku = new.sku, slug = new.slug, name = new.name, \
         description = new.description, category = new.category, image_url = new.image_url, \
         price_minor = new.price_minor, archived = new.archived, name_key = new.name_key, \
         name_words = new.name_words::tsvector, words = new.words::tsvector, \
         version = version + 1, indexed_version = version + 1, updated_at = now() \
         FROM {new} WHERE products.id = new.id");
    update.rows("new", rows).execute(connection).await?;
    insert_vocabulary(connection, keyed.iter().map(|(_, keys)| keys)).await
}

/// Updates all fields of a product whose row the caller has locked.
pub(crate) async fn update_product(
    connection: &mut Connection,
    id: ProductId,
    fields: &ProductFields,
    archived: bool,
) -> Result<(), Error> {
    let updated = update_products(connection, &[(id, fields, archived)]).await;
    updated.map_err(|error| convert_violation(error, fields))
}

/// Returns the fingerprint of the request that created a product.
pub(crate) async fn find_creation_fingerprint(
    connection: &mut Connection,
    id: ProductId,
) -> QueryResult<Option<Vec<u8>>> {
    products::table.find(id).select(products::creation_fingerprint).first(connection).await
}

/// Keeps all others from changing the catalogue, but not its stock.
pub(crate) async fn lock_catalogue(connection: &mut Connection) -> QueryResult<()> {
    sql("LOCK TABLE products IN EXCLUSIVE MODE").execute(connection).await.map(drop)
}

/// Locks the rows of products in order of id.
pub(crate) async fn lock_products(
    connection: &mut Connection,
    ids: &[ProductId],
) -> QueryResult<()> {
    let _: Vec<Uuid> = products::table
        .filter(products::id.eq_any(ids))
        .order(products::id)
        .select(products::id)
        .for_update()
        .load(connection)
        .await?;
    Ok(())
}

/// Returns the products with one of `skus`, in any order.
pub(crate) async fn find_products_by_sku(
    connection: &mut Connection,
    skus: &[&str],
) -> QueryResult<Vec<Product>> {
    let query = products_with_stock!().select(ProductRow::as_select());
    let rows = query.filter(products::sku.eq_any(skus)).load(connection).await?;
    Ok(rows.into_iter().map(Product::from).collect())
}

/// Returns the SKUs of the products with one of `slugs`, by slug.
pub(crate) async fn find_slugs(
    connection: &mut Connection,
    slugs: &[&str],
) -> QueryResult<HashMap<String, String>> {
    let query = products::table
        .filter(products::slug.eq_any(slugs))
        .select((products::slug, products::sku));
    let rows: Vec<(String, String)> = query.load(connection).await?;
    Ok(rows.into_iter().collect())
}

fn convert_violation(error: diesel::result::Error, fields: &ProductFields) -> Error {
    match violated_constraint(&error) {
        Some("products_sku_key") => Error::SkuTaken { sku: fields.sku.clone() },
        Some("products_slug_key") => Error::SlugTaken { slug: fields.slug.clone() },
        _ => error.into(),
    }
}
