//! SQL of the catalogue.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, QueryResult, Queryable,
    SelectableHelper,
    dsl::sql,
    pg::Pg,
    sql_query, sql_types,
    sql_types::{Array, BigInt, Bool, Text},
};
use diesel_async::RunQueryDsl;
use mesh_data::{database::Connection, prepared::prepared};
use uuid::Uuid;

use crate::{
    catalogue::{Cursor, ProductFilter, ProductOrder},
    db::violated,
    error::Error,
    product::{Product, ProductFields, ProductId, StockState},
    reservation::Offers,
    schema::{inventory, products},
};

/// A product with its stock, as it is read.
#[derive(Queryable, diesel::Selectable)]
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
}

#[derive(Queryable, diesel::Selectable)]
#[diesel(table_name = inventory, check_for_backend(Pg))]
struct StockRow {
    on_hand: i32,
    held: i32,
    low_stock_threshold: i32,
}

type Row = (ProductRow, StockRow);

fn product((row, stock): Row) -> Product {
    Product {
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
        stock_state: StockState::of(stock.on_hand - stock.held, stock.low_stock_threshold),
    }
}

/// Which product, by one of its unique names.
#[derive(Debug, Clone)]
pub enum ProductKey {
    /// By id.
    Id(ProductId),
    /// By slug.
    Slug(String),
}

macro_rules! with_stock {
    () => {
        products::table
            .inner_join(inventory::table.on(inventory::product_id.eq(products::id)))
            .select((ProductRow::as_select(), StockRow::as_select()))
    };
}

/// The product, archived or not.
pub async fn find_product(
    connection: &mut Connection,
    key: &ProductKey,
) -> QueryResult<Option<Product>> {
    let query = with_stock!().into_boxed::<Pg>();
    let query = match key {
        ProductKey::Id(id) => query.filter(products::id.eq(id)),
        ProductKey::Slug(slug) => query.filter(products::slug.eq(slug)),
    };
    query.first::<Row>(connection).await.optional().map(|row| row.map(product))
}

/// Those of the products that are for sale, in any order.
pub async fn find_products_for_sale(
    connection: &mut Connection,
    ids: &[ProductId],
) -> QueryResult<Vec<Product>> {
    let query = with_stock!().filter(products::id.eq_any(ids)).filter(products::archived.eq(false));
    let rows: Vec<Row> = query.load(connection).await?;
    Ok(rows.into_iter().map(product).collect())
}

/// Whether those of the products that are for sale can be bought now.
pub async fn find_stock_states(
    connection: &mut Connection,
    ids: &[ProductId],
) -> QueryResult<HashMap<ProductId, StockState>> {
    let rows: Vec<(ProductId, i32, i32, i32)> = products::table
        .inner_join(inventory::table.on(inventory::product_id.eq(products::id)))
        .filter(products::id.eq_any(ids))
        .filter(products::archived.eq(false))
        .select((products::id, inventory::on_hand, inventory::held, inventory::low_stock_threshold))
        .load(connection)
        .await?;
    let states = rows.into_iter().map(|(id, on_hand, held, low_stock_threshold)| {
        (id, StockState::of(on_hand - held, low_stock_threshold))
    });
    Ok(states.collect())
}

/// Name and price of those of the products that are for sale.
pub async fn find_offers(connection: &mut Connection, ids: &[ProductId]) -> QueryResult<Offers> {
    let rows: Vec<(ProductId, String, i64)> = products::table
        .filter(products::id.eq_any(ids))
        .filter(products::archived.eq(false))
        .select((products::id, products::name, products::price_minor))
        .load(connection)
        .await?;
    Ok(rows.into_iter().map(|(id, name, price_minor)| (id, (name, price_minor))).collect())
}

/// A page of products for sale, from after `cursor` on.
///
/// `tsquery` is what [`crate::search::tsquery`] makes; none finds all.
pub async fn list_products(
    connection: &mut Connection,
    filter: &ProductFilter,
    tsquery: Option<&str>,
    cursor: Option<&Cursor>,
    limit: i64,
) -> QueryResult<Vec<Product>> {
    let mut query =
        with_stock!().filter(products::archived.eq(false)).limit(limit).into_boxed::<Pg>();
    if let Some(tsquery) = tsquery {
        let matches = sql::<sql_types::Bool>("products.search @@ to_tsquery('simple', ")
            .bind::<sql_types::Text, _>(tsquery.to_owned())
            .sql(")");
        query = query.filter(matches);
    }
    if let Some(category) = &filter.category {
        query = query.filter(products::category.eq(category));
    }
    if let Some(min) = filter.price_min_minor {
        query = query.filter(products::price_minor.ge(min));
    }
    if let Some(max) = filter.price_max_minor {
        query = query.filter(products::price_minor.le(max));
    }
    if filter.in_stock_only {
        query = query.filter(inventory::on_hand.gt(inventory::held));
    }
    let id = products::id;
    query = match filter.order {
        ProductOrder::Name => query.order((products::sort_name, id)),
        ProductOrder::Price => query.order((products::price_minor, id)),
        ProductOrder::PriceDescending => query.order((products::price_minor.desc(), id.desc())),
        ProductOrder::NewestFirst => query.order((products::created_at.desc(), id.desc())),
    };
    if let Some(&Cursor { ref name, price_minor, created_at, id }) = cursor {
        query = match filter.order {
            ProductOrder::Name => {
                query.filter(after!("sort_name", ">", Text, name.to_lowercase(), id))
            }
            ProductOrder::Price => {
                query.filter(after!("price_minor", ">", BigInt, price_minor, id))
            }
            ProductOrder::PriceDescending => {
                query.filter(after!("price_minor", "<", BigInt, price_minor, id))
            }
            ProductOrder::NewestFirst => {
                query.filter(after!("created_at", "<", Timestamptz, created_at, id))
            }
        };
    }
    let rows: Vec<Row> = query.load(connection).await?;
    Ok(rows.into_iter().map(product).collect())
}

/// Words of the catalogue near to `typed`: a superset of those that it may mean.
pub async fn find_search_words(
    connection: &mut Connection,
    typed: &[String],
) -> QueryResult<Vec<String>> {
    #[derive(diesel::QueryableByName)]
    struct Word {
        #[diesel(sql_type = sql_types::Text)]
        word: String,
    }
    let find = sql_query(
        "SELECT DISTINCT word FROM search_words, unnest($1) AS typed \
         WHERE length(word) BETWEEN length(typed) - 1 AND length(typed) + 1 \
         AND length(word) < 60 AND length(typed) < 60 \
         AND levenshtein_less_equal(word, typed, 2) <= 2 ORDER BY word LIMIT 200",
    )
    .bind::<sql_types::Array<sql_types::Text>, _>(typed);
    let words: Vec<Word> = prepared(find).get_results(connection).await?;
    Ok(words.into_iter().map(|row| row.word).collect())
}

/// Categories that have a product for sale, with how many.
pub async fn count_by_category(connection: &mut Connection) -> QueryResult<Vec<(String, i64)>> {
    products::table
        .filter(products::archived.eq(false))
        .group_by(products::category)
        .select((products::category, diesel::dsl::count_star()))
        .order(products::category)
        .load(connection)
        .await
}

#[derive(diesel::Insertable)]
#[diesel(table_name = products)]
struct NewProduct<'a> {
    id: ProductId,
    sku: &'a str,
    slug: &'a str,
    name: &'a str,
    description: &'a str,
    category: &'a str,
    price_minor: i64,
    image_url: &'a str,
}

/// Adds a product with nothing in stock; false where `id` is taken already.
pub async fn insert_product(
    connection: &mut Connection,
    id: ProductId,
    fields: &ProductFields,
) -> Result<bool, Error> {
    let row = NewProduct {
        id,
        sku: &fields.sku,
        slug: &fields.slug,
        name: &fields.name,
        description: &fields.description,
        category: &fields.category,
        price_minor: fields.price_minor,
        image_url: &fields.image_url,
    };
    let inserted = diesel::insert_into(products::table)
        .values(&row)
        .on_conflict(products::id)
        .do_nothing()
        .execute(connection)
        .await
        .map_err(|error| taken(error, fields))?;
    if inserted == 1 {
        diesel::insert_into(inventory::table)
            .values(inventory::product_id.eq(id))
            .execute(connection)
            .await?;
    }
    Ok(inserted == 1)
}

/// Adds products with nothing in stock, of which no id, SKU or slug is taken.
pub async fn insert_products(
    connection: &mut Connection,
    products: &[(ProductId, &ProductFields)],
) -> QueryResult<()> {
    let ids: Vec<_> = products.iter().map(|(id, _)| *id).collect();
    let texts = |of: fn(&ProductFields) -> &String| {
        products.iter().map(|(_, fields)| &**of(fields)).collect::<Vec<_>>()
    };
    let insert = sql_query(
        "INSERT INTO products \
         (id, sku, slug, name, description, category, image_url, price_minor) \
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind::<Array<sql_types::Uuid>, _>(&ids)
    .bind::<Array<Text>, _>(texts(|fields| &fields.sku))
    .bind::<Array<Text>, _>(texts(|fields| &fields.slug))
    .bind::<Array<Text>, _>(texts(|fields| &fields.name))
    .bind::<Array<Text>, _>(texts(|fields| &fields.description))
    .bind::<Array<Text>, _>(texts(|fields| &fields.category))
    .bind::<Array<Text>, _>(texts(|fields| &fields.image_url))
    .bind::<Array<BigInt>, _>(products.iter().map(|(_, f)| f.price_minor).collect::<Vec<_>>());
    prepared(insert).execute(connection).await?;
    let insert = sql_query("INSERT INTO inventory (product_id) SELECT unnest($1)");
    let insert = insert.bind::<Array<sql_types::Uuid>, _>(&ids);
    prepared(insert).execute(connection).await.map(drop)
}

/// Writes all fields of products whose rows the caller has locked, and whether each is
/// archived.
pub async fn update_products(
    connection: &mut Connection,
    products: &[(ProductId, &ProductFields, bool)],
) -> QueryResult<()> {
    let texts = |of: fn(&ProductFields) -> &String| {
        products.iter().map(|(_, fields, _)| &**of(fields)).collect::<Vec<_>>()
    };
    let update = sql_query(
        "UPDATE products SET sku = new.sku, slug = new.slug, name = new.name, \
         description = new.description, category = new.category, image_url = new.image_url, \
         price_minor = new.price_minor, archived = new.archived, \
         version = version + 1, updated_at = now() \
         FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) AS new \
         (id, sku, slug, name, description, category, image_url, price_minor, archived) \
         WHERE products.id = new.id",
    )
    .bind::<Array<sql_types::Uuid>, _>(products.iter().map(|(id, ..)| *id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(texts(|fields| &fields.sku))
    .bind::<Array<Text>, _>(texts(|fields| &fields.slug))
    .bind::<Array<Text>, _>(texts(|fields| &fields.name))
    .bind::<Array<Text>, _>(texts(|fields| &fields.description))
    .bind::<Array<Text>, _>(texts(|fields| &fields.category))
    .bind::<Array<Text>, _>(texts(|fields| &fields.image_url))
    .bind::<Array<BigInt>, _>(products.iter().map(|(_, f, _)| f.price_minor).collect::<Vec<_>>())
    .bind::<Array<Bool>, _>(products.iter().map(|(.., archived)| *archived).collect::<Vec<_>>());
    prepared(update).execute(connection).await.map(drop)
}

/// Writes all fields of a product whose row the caller has locked.
pub async fn update_product(
    connection: &mut Connection,
    id: ProductId,
    fields: &ProductFields,
    archived: bool,
) -> Result<(), Error> {
    let written = update_products(connection, &[(id, fields, archived)]).await;
    written.map_err(|error| taken(error, fields))
}

/// Keeps everybody else from changing the catalogue, but not its stock.
pub async fn lock_catalogue(connection: &mut Connection) -> QueryResult<()> {
    sql_query("LOCK TABLE products IN EXCLUSIVE MODE").execute(connection).await.map(drop)
}

/// Locks the rows of products, so that nobody else changes them meanwhile.
pub async fn lock_products(connection: &mut Connection, ids: &[ProductId]) -> QueryResult<()> {
    let _: Vec<Uuid> = products::table
        .filter(products::id.eq_any(ids))
        .order(products::id)
        .select(products::id)
        .for_update()
        .load(connection)
        .await?;
    Ok(())
}

/// The products that have one of `skus`, in any order.
pub async fn find_products_by_sku(
    connection: &mut Connection,
    skus: &[&str],
) -> QueryResult<Vec<Product>> {
    let rows: Vec<Row> = with_stock!().filter(products::sku.eq_any(skus)).load(connection).await?;
    Ok(rows.into_iter().map(product).collect())
}

/// The SKUs of the products that have one of `slugs`, by slug.
pub async fn find_slugs(
    connection: &mut Connection,
    slugs: &[&str],
) -> QueryResult<HashMap<String, String>> {
    let query = products::table
        .filter(products::slug.eq_any(slugs))
        .select((products::slug, products::sku));
    let rows: Vec<(String, String)> = query.load(connection).await?;
    Ok(rows.into_iter().collect())
}

fn taken(error: diesel::result::Error, fields: &ProductFields) -> Error {
    match violated(&error) {
        Some("products_sku_key") => Error::SkuTaken { sku: fields.sku.clone() },
        Some("products_slug_key") => Error::SlugTaken { slug: fields.slug.clone() },
        _ => error.into(),
    }
}
