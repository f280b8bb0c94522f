//! SQL of the catalogue.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, QueryResult, Queryable,
    QueryableByName, Selectable, SelectableHelper,
    dsl::{count_star, not},
    pg::Pg,
    sql_types::{Array, BigInt, Bool, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use mesh_data::{
    database::Connection,
    sql::{Rows, sql},
};
use uuid::Uuid;

use crate::{
    db::{after, before, has_words, violated_constraint},
    error::Error,
    product::{
        CurrentPrice, CurrentPrices, Product, ProductCursor, ProductFields, ProductFilter,
        ProductId, ProductKey, ProductSort, StockState,
    },
    schema::{inventory, products},
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
    use products::{archived, category, created_at, id, price_minor, sort_name};
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
        ProductSort::Name => query.order((sort_name, id)),
        ProductSort::Price => query.order((price_minor, id)),
        ProductSort::PriceDescending => query.order((price_minor.desc(), id.desc())),
        ProductSort::NewestFirst => query.order((created_at.desc(), id.desc())),
    };
    if let Some(last) = cursor {
        query = match filter.sort {
            ProductSort::Name => {
                let key = (last.name.to_lowercase(), last.id);
                query.filter(after::<(Text, SqlUuid), _, _>((sort_name, id), key))
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

/// Returns words of the catalogue that are similar to one of `typed`: a superset of the fuzzy
/// matches.
pub(crate) async fn find_similar_words(
    connection: &mut Connection,
    typed: &[String],
) -> QueryResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Word {
        #[diesel(sql_type = Text)]
        word: String,
    }
    let find = sql("SELECT DISTINCT word FROM search_words, unnest({typed}) AS typed \
         WHERE length(word) BETWEEN length(typed) - 1 AND length(typed) + 1 \
         AND length(word) < 60 AND length(typed) < 60 \
         AND levenshtein_less_equal(word, typed, 2) <= 2 ORDER BY word LIMIT 200")
    .bind::<Array<Text>, _>("typed", typed);
    let words: Vec<Word> = find.get_results(connection).await?;
    Ok(words.into_iter().map(|row| row.word).collect())
}

/// Returns each category with a product for sale, and how many it has.
pub(crate) async fn count_by_category(
    connection: &mut Connection,
) -> QueryResult<Vec<(String, i64)>> {
    products::table
        .filter(not(products::archived))
        .group_by(products::category)
        .select((products::category, count_star()))
        .order(products::category)
        .load(connection)
        .await
}

/// Inserts a product without stock. Returns false if `id` exists.
pub(crate) async fn insert_product(
    connection: &mut Connection,
    id: ProductId,
    fields: &ProductFields,
) -> Result<bool, Error> {
    let inserted = diesel::insert_into(products::table)
        .values((
            products::id.eq(id),
            products::sku.eq(&fields.sku),
            products::slug.eq(&fields.slug),
            products::name.eq(&fields.name),
            products::description.eq(&fields.description),
            products::category.eq(&fields.category),
            products::price_minor.eq(fields.price_minor),
            products::image_url.eq(&fields.image_url),
        ))
        .on_conflict(products::id)
        .do_nothing()
        .execute(connection)
        .await
        .map_err(|error| convert_violation(error, fields))?;
    if inserted == 1 {
        diesel::insert_into(inventory::table)
            .values(inventory::product_id.eq(id))
            .execute(connection)
            .await?;
    }
    Ok(inserted == 1)
}

type NewProduct<'a> = (ProductId, &'a ProductFields);

/// Inserts products without stock. No id, SKU or slug of them exists.
pub(crate) async fn insert_products(
    connection: &mut Connection,
    products: &[NewProduct<'_>],
) -> QueryResult<()> {
    let insert = Rows::of(products)
        .column::<SqlUuid, _>("id", |(id, _)| *id)
        .column::<Text, _>("sku", |(_, fields)| &*fields.sku)
        .column::<Text, _>("slug", |(_, fields)| &*fields.slug)
        .column::<Text, _>("name", |(_, fields)| &*fields.name)
        .column::<Text, _>("description", |(_, fields)| &*fields.description)
        .column::<Text, _>("category", |(_, fields)| &*fields.category)
        .column::<Text, _>("image_url", |(_, fields)| &*fields.image_url)
        .column::<BigInt, _>("price_minor", |(_, fields)| fields.price_minor)
        .insert_into("products");
    insert.execute(connection).await?;
    let insert = Rows::of(products)
        .column::<SqlUuid, _>("product_id", |(id, _)| *id)
        .insert_into("inventory");
    insert.execute(connection).await.map(drop)
}

/// Updates all fields of products whose rows the caller has locked, and whether each is archived.
pub(crate) async fn update_products(
    connection: &mut Connection,
    products: &[(ProductId, &ProductFields, bool)],
) -> QueryResult<()> {
    let rows = Rows::of(products)
        .column::<SqlUuid, _>("id", |(id, ..)| *id)
        .column::<Text, _>("sku", |(_, fields, _)| &*fields.sku)
        .column::<Text, _>("slug", |(_, fields, _)| &*fields.slug)
        .column::<Text, _>("name", |(_, fields, _)| &*fields.name)
        .column::<Text, _>("description", |(_, fields, _)| &*fields.description)
        .column::<Text, _>("category", |(_, fields, _)| &*fields.category)
        .column::<Text, _>("image_url", |(_, fields, _)| &*fields.image_url)
        .column::<BigInt, _>("price_minor", |(_, fields, _)| fields.price_minor)
        .column::<Bool, _>("archived", |(.., archived)| *archived);
    let update = sql("UPDATE products SET sku = new.sku, slug = new.slug, name = new.name, \
         description = new.description, category = new.category, image_url = new.image_url, \
         price_minor = new.price_minor, archived = new.archived, \
         version = version + 1, updated_at = now() \
         FROM {new} WHERE products.id = new.id");
    update.rows("new", rows).execute(connection).await.map(drop)
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
