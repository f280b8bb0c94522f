//! Messages of `ProductService`.

use mesh::validate::Violations;
use mesh_data::{
    page::{Page, PageTokens, Scope},
    subscription::Update,
};
use proto::{
    money::{Money, amount, from_minor},
    product::v1 as pb,
    time::timestamp,
};
use uuid::Uuid;

use super::{QUERY_CHARACTERS_MAX, Result, etag};
use crate::product::{
    Product, ProductChanges, ProductCursor, ProductFields, ProductFilter, ProductId, ProductKey,
    ProductSort, StockState, category_display_name,
};

const BATCH_SIZE_MAX: usize = 100;

/// Reads ListProducts.
pub(crate) fn list_products(
    request: &pb::ListProductsRequest,
    currency: &str,
    tokens: &PageTokens,
) -> Result<(ProductFilter, Page<ProductCursor>)> {
    let mut violations = Violations::new();
    let query = violations.text("query", &request.query, 0, QUERY_CHARACTERS_MAX);
    let sort = sort(&request.order_by, &query).unwrap_or_else(|| {
        let problem = "must be relevance, price, price desc, name or create_time desc";
        violations.add("order_by", problem);
        ProductSort::Name
    });
    let mut price = |field: &str, money: &Option<Money>| {
        money.as_ref().map(|money| amount(money, currency, violations.under(field)))
    };
    let price_min_minor = price("price_min", &request.price_min);
    let price_max_minor = price("price_max", &request.price_max);
    let category = violations.text("category", &request.category, 0, 60);
    let filter = ProductFilter {
        query,
        category: (!category.is_empty()).then_some(category),
        price_min_minor,
        price_max_minor,
        in_stock_only: request.in_stock_only,
        sort,
    };
    let scope = Scope { method: "ListProducts", filters: &filter, caller: "" };
    let page = Page::read(&mut violations, tokens, &scope, request.page_size, &request.page_token);
    violations.finish((filter, page))
}

fn sort(order_by: &str, query: &str) -> Option<ProductSort> {
    match order_by {
        "" if query.is_empty() => Some(ProductSort::Name),
        "" | "relevance" => Some(ProductSort::Relevance),
        "name" => Some(ProductSort::Name),
        "price" => Some(ProductSort::Price),
        "price desc" => Some(ProductSort::PriceDescending),
        "create_time desc" => Some(ProductSort::NewestFirst),
        _ => None,
    }
}

/// Reads GetProduct.
pub(crate) fn get_product(request: pb::GetProductRequest) -> Result<ProductKey> {
    use pb::get_product_request::Key;
    let mut violations = Violations::new();
    let key = match request.key {
        Some(Key::ProductId(id)) => ProductKey::Id(ProductId(violations.uuid("product_id", &id))),
        Some(Key::Slug(slug)) => ProductKey::Slug(violations.text("slug", &slug, 1, 100)),
        None => {
            violations.add("product_id", "must be set, or slug");
            ProductKey::Slug(String::new())
        }
    };
    violations.finish(key)
}

/// Reads the field `product_ids`. Returns each id once.
pub(crate) fn product_ids(product_ids: &[String]) -> Result<Vec<ProductId>> {
    let mut violations = Violations::new();
    let count = product_ids.len();
    violations.require((1..=BATCH_SIZE_MAX).contains(&count), "product_ids", "must be 1 to 100");
    let mut ids: Vec<ProductId> = Vec::with_capacity(count);
    for (i, id) in product_ids.iter().take(BATCH_SIZE_MAX).enumerate() {
        let id = ProductId(violations.uuid(&format!("product_ids[{i}]"), id));
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    violations.finish(ids)
}

/// Reads the idempotency key and the fields of CreateProduct.
pub(crate) fn create_product(
    request: pb::CreateProductRequest,
    currency: &str,
) -> Result<(Option<Uuid>, ProductFields)> {
    let mut violations = Violations::new();
    let request_id = violations.optional_uuid("request_id", &request.request_id);
    violations.require(request.product.is_some(), "product", "must be set");
    let product = request.product.unwrap_or_default();
    let price_minor = required_price(&mut violations, product.price.as_ref(), currency);
    let fields = ProductFields {
        sku: product.sku,
        slug: product.slug,
        name: product.name,
        description: product.description,
        category: product.category,
        price_minor,
        image_url: product.image_url,
    };
    let fields = fields.checked("product.", &mut violations);
    violations.finish((request_id, fields))
}

/// Reads UpdateProduct. The version, if there is one, must be current.
pub(crate) fn update_product(
    request: pb::UpdateProductRequest,
    currency: &str,
) -> Result<(ProductId, ProductChanges, Option<i64>)> {
    let mut violations = Violations::new();
    let product = request.product.unwrap_or_default();
    let id = ProductId(violations.uuid("product.product_id", &product.product_id));
    let version = etag(&mut violations, "product.etag", &product.etag);
    let paths = request.update_mask.unwrap_or_default().paths;
    let paths = violations.mask_paths("update_mask", paths);

    let mut changes = ProductChanges::default();
    for path in &paths {
        match path.as_str() {
            "sku" => changes.sku = Some(product.sku.clone()),
            "slug" => changes.slug = Some(product.slug.clone()),
            "name" => changes.name = Some(product.name.clone()),
            "description" => changes.description = Some(product.description.clone()),
            "category" => changes.category = Some(product.category.clone()),
            "price" => {
                let price = required_price(&mut violations, product.price.as_ref(), currency);
                changes.price_minor = Some(price);
            }
            "image_url" => changes.image_url = Some(product.image_url.clone()),
            "archived" => changes.archived = Some(product.archived),
            _ => violations.add("update_mask", "must name nothing but fields that can change"),
        }
    }
    violations.finish((id, changes, version))
}

/// Reads ArchiveProduct. The version, if there is one, must be current.
pub(crate) fn archive_product(
    request: &pb::ArchiveProductRequest,
) -> Result<(ProductId, Option<i64>)> {
    let mut violations = Violations::new();
    let id = ProductId(violations.uuid("product_id", &request.product_id));
    let version = etag(&mut violations, "etag", &request.etag);
    violations.finish((id, version))
}

/// Returns 0 if there is no price, which [`ProductFields::checked`] reports.
fn required_price(violations: &mut Violations, price: Option<&Money>, currency: &str) -> i64 {
    price.map_or(0, |money| amount(money, currency, violations.under("product.price")))
}

/// Writes a product.
pub(crate) fn product(product: Product, currency: &str) -> pb::Product {
    let fields = product.fields;
    pb::Product {
        product_id: product.id.to_string(),
        slug: fields.slug,
        name: fields.name,
        description: fields.description,
        category: fields.category,
        price: Some(from_minor(fields.price_minor, currency)),
        image_url: fields.image_url,
        stock_state: stock_state(product.stock_state).into(),
        update_time: Some(timestamp(product.updated_at)),
        etag: product.version.to_string(),
        sku: fields.sku,
        create_time: Some(timestamp(product.created_at)),
        archived: product.archived,
    }
}

/// Writes a category from its slug and the number of its products.
pub(crate) fn category((slug, count): (String, i64)) -> pb::Category {
    pb::Category {
        display_name: category_display_name(&slug),
        slug,
        product_count: i32::try_from(count).unwrap_or(i32::MAX),
    }
}

/// Writes an update of WatchStock.
pub(crate) fn stock_update(update: Update<ProductId, StockState>) -> pb::WatchStockResponse {
    let Update::Values(states) = update else {
        return pb::WatchStockResponse { heartbeat: true, ..Default::default() };
    };
    let mut response = pb::WatchStockResponse::default();
    for (id, state) in states {
        let product_id = id.to_string();
        match state {
            Some(state) => {
                let stock_state = stock_state(state).into();
                response.products.push(pb::ProductStock { product_id, stock_state });
            }
            None => response.missing_product_ids.push(product_id),
        }
    }
    response
}

fn stock_state(state: StockState) -> pb::StockState {
    match state {
        StockState::InStock => pb::StockState::InStock,
        StockState::LowStock => pb::StockState::LowStock,
        StockState::OutOfStock => pb::StockState::OutOfStock,
    }
}
