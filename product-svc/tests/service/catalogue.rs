//! ProductService and InventoryService, against a real database.

use crate::support::{Shop, eur, reserve};
use product_svc::{App, import::import_products};
use proto::product::v1::{
    ArchiveProductRequest, BatchGetProductsRequest, CreateProductRequest, GetAnyProductRequest,
    GetProductRequest, InventoryReason, ListCategoriesRequest, ListInventoryRequest,
    ListProductsRequest, Product, StockState, UpdateInventoryRequest, UpdateProductRequest,
    get_product_request::Key, update_inventory_request::Change,
};
use tests::status::{bad_fields, metadata, reason};
use tonic::Code;
use uuid::Uuid;

async fn names(shop: &mut Shop, request: ListProductsRequest) -> Vec<String> {
    let response = shop.products.list_products(request).await.expect("it is good").into_inner();
    response.products.into_iter().map(|product| product.name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_show_every_product_once_in_every_order() {
    let mut shop = Shop::open().await;
    for name in ["beaker", "Cup", "Anvil", "dish", "cup"] {
        shop.product(name, 1).await;
    }
    for (order_by, first) in [("", "Anvil"), ("name", "Anvil"), ("create_time desc", "cup")] {
        let mut seen = Vec::new();
        let mut page_token = String::new();
        loop {
            let order_by = order_by.to_owned();
            let request =
                ListProductsRequest { page_size: 2, page_token, order_by, ..Default::default() };
            let page = shop.products.list_products(request).await.expect("good").into_inner();
            seen.extend(page.products.into_iter().map(|product| product.name));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(seen.first().map(String::as_str), Some(first), "{order_by}");
        seen.sort();
        assert_eq!(seen, ["Anvil", "Cup", "beaker", "cup", "dish"], "{order_by}");
    }
    for order_by in ["price", "price desc"] {
        let request = ListProductsRequest { order_by: order_by.into(), ..Default::default() };
        assert_eq!(names(&mut shop, request).await.len(), 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_token_is_good_only_for_the_request_it_came_from() {
    let mut shop = Shop::open().await;
    shop.product("Cup", 1).await;
    shop.product("Pot", 1).await;
    let request = ListProductsRequest { page_size: 1, ..Default::default() };
    let page = shop.products.list_products(request.clone()).await.expect("good").into_inner();
    let page_token = page.next_page_token;
    let other = ListProductsRequest {
        page_token: page_token.clone(),
        in_stock_only: true,
        ..request.clone()
    };
    let forged = ListProductsRequest { page_token: format!("A{page_token}"), ..request };
    for request in [other, forged] {
        let refused = shop.products.list_products(request).await.expect_err("another request");
        assert_eq!(bad_fields(&refused), ["page_token"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn search_forgives_a_letter_and_filters_narrow() {
    let mut shop = Shop::open().await;
    shop.product("Steel Kettle", 9).await;
    shop.product("Tea Pot", 0).await;
    let query = |query: &str| ListProductsRequest { query: query.into(), ..Default::default() };
    for typed in ["kettle", "KET", "ketle", "kettel", "kettlle", "keztle", "steel kettle"] {
        assert_eq!(names(&mut shop, query(typed)).await, ["Steel Kettle"], "{typed}");
    }
    assert_eq!(names(&mut shop, query("drink")).await.len(), 2, "the description counts");
    assert!(names(&mut shop, query("kettle pot")).await.is_empty());
    shop.product("Casserole, 4.5 L (X-12)", 1).await;
    for typed in ["4.5 l", "4.5", "x-12", "(X-12)", "caserole -12"] {
        assert_eq!(names(&mut shop, query(typed)).await, ["Casserole, 4.5 L (X-12)"], "{typed}");
    }
    assert_eq!(names(&mut shop, query("' & | !")).await.len(), 3, "no word at all");
    let in_stock =
        ListProductsRequest { in_stock_only: true, query: "drink".into(), ..Default::default() };
    assert_eq!(names(&mut shop, in_stock).await, ["Casserole, 4.5 L (X-12)", "Steel Kettle"]);
    let dear = ListProductsRequest { price_min: Some(eur(251)), ..Default::default() };
    assert!(names(&mut shop, dear).await.is_empty());
    let elsewhere = ListProductsRequest { category: "garden".into(), ..Default::default() };
    assert!(names(&mut shop, elsewhere).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_shows_at_once_what_was_written_here() {
    let mut shop = Shop::open().await;
    let list = async |shop: &mut Shop| {
        let all = ListProductsRequest::default();
        let listed = shop.products.list_products(all).await.expect("good").into_inner().products;
        listed.into_iter().map(|p| (p.price.clone(), p.stock_state())).collect::<Vec<_>>()
    };
    assert_eq!(list(&mut shop).await, []);
    let cup = shop.product("Cup", 7).await;
    assert_eq!(list(&mut shop).await, [(Some(eur(250)), StockState::InStock)]);

    let hold = reserve(Uuid::now_v7(), 1, &[(&cup.product_id, 2)]);
    shop.reservations.reserve_stock(hold).await.expect("there is enough");
    assert_eq!(list(&mut shop).await, [(Some(eur(250)), StockState::LowStock)]);

    let request = UpdateProductRequest {
        product: Some(Product { price: Some(eur(300)), ..cup.clone() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["price".into()] }),
    };
    let request = shop.issuer.request(&shop.admin, request);
    shop.products.update_product(request).await.expect("it is good");
    assert_eq!(list(&mut shop).await, [(Some(eur(300)), StockState::LowStock)]);

    shop.set_on_hand(&cup.product_id, 2).await;
    assert_eq!(list(&mut shop).await, [(Some(eur(300)), StockState::OutOfStock)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_bad_fields_of_a_list_are_told_at_once() {
    let mut shop = Shop::open().await;
    let bad = ListProductsRequest {
        page_size: -1,
        page_token: "x".into(),
        query: "q".repeat(201),
        price_min: Some(proto::money::Money { currency_code: "USD".into(), units: -1, nanos: 0 }),
        order_by: "colour".into(),
        ..Default::default()
    };
    let refused = shop.products.list_products(bad).await.expect_err("all are bad");
    assert_eq!((refused.code(), &*reason(&refused)), (Code::InvalidArgument, "VALIDATION_FAILED"));
    let mut fields = bad_fields(&refused);
    fields.sort();
    assert_eq!(
        fields,
        ["order_by", "page_size", "page_token", "price_min", "price_min.currency_code", "query"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_product_is_gone_for_buyers_and_there_for_admins() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 1).await;
    let by_slug = GetProductRequest { key: Some(Key::Slug(cup.slug.clone())) };
    shop.products.get_product(by_slug.clone()).await.expect("it is for sale");
    for _ in 0..2 {
        let request =
            ArchiveProductRequest { product_id: cup.product_id.clone(), ..Default::default() };
        let request = shop.issuer.request(&shop.admin, request);
        let archived = shop.products.archive_product(request).await.expect("twice is fine");
        assert!(archived.into_inner().product.expect("a response has it").archived);
    }
    let gone = shop.products.get_product(by_slug).await.expect_err("it is archived");
    assert_eq!((gone.code(), &*reason(&gone)), (Code::NotFound, "PRODUCT_NOT_FOUND"));
    let request = BatchGetProductsRequest { product_ids: vec![cup.product_id.clone()] };
    let batch = shop.products.batch_get_products(request).await.expect("good").into_inner();
    assert_eq!(
        (batch.products.len(), batch.missing_product_ids),
        (0, vec![cup.product_id.clone()])
    );
    let categories = shop.products.list_categories(ListCategoriesRequest {}).await.expect("good");
    assert!(categories.into_inner().categories.is_empty());
    let request = GetAnyProductRequest { product_id: cup.product_id };
    let request = shop.issuer.request(&shop.admin, request);
    shop.products.get_any_product(request).await.expect("an admin sees it");
}

#[tokio::test(flavor = "multi_thread")]
async fn creating_twice_with_one_request_id_creates_one_product() {
    let mut shop = Shop::open().await;
    let request_id = Uuid::now_v7().to_string();
    let product = Product {
        sku: "CUP-1".into(),
        name: "Cup".into(),
        category: "kitchen".into(),
        price: Some(eur(250)),
        ..Product::default()
    };
    let mut create = async |product: &Product, request_id: &str| {
        let product = Some(product.clone());
        let request = CreateProductRequest { product, request_id: request_id.into() };
        let request = shop.issuer.request(&shop.admin, request);
        shop.products
            .create_product(request)
            .await
            .map(|r| r.into_inner().product.unwrap_or_default())
    };
    let first = create(&product, &request_id).await.expect("it is new");
    assert_eq!(create(&product, &request_id).await.expect("the same"), first);
    let other = Product { name: "Mug".into(), ..product.clone() };
    let reused = create(&other, &request_id).await.expect_err("another body");
    assert_eq!(reason(&reused), "REQUEST_ID_REUSED");
    let taken = create(&product, "").await.expect_err("the SKU is in use");
    assert_eq!((taken.code(), &*reason(&taken)), (Code::AlreadyExists, "SKU_TAKEN"));
    let other = Product { sku: "CUP-2".into(), slug: "cup".into(), ..product };
    assert_eq!(reason(&create(&other, "").await.expect_err("the slug is in use")), "SLUG_TAKEN");
    let bad = create(&Product::default(), "x").await.expect_err("all are bad");
    for field in ["request_id", "product.name", "product.sku", "product.category", "product.price"]
    {
        assert!(bad_fields(&bad).contains(&field.to_owned()), "{field}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_changes_what_the_mask_names_and_refuses_a_stale_etag() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 1).await;
    let mut update = async |etag: &str, paths: &[&str]| {
        let product = Product {
            product_id: cup.product_id.clone(),
            name: "Mug".into(),
            price: Some(eur(300)),
            etag: etag.into(),
            ..Product::default()
        };
        let paths = paths.iter().map(|&path| path.into()).collect();
        let update_mask = Some(prost_types::FieldMask { paths });
        let request = UpdateProductRequest { product: Some(product), update_mask };
        let request = shop.issuer.request(&shop.admin, request);
        shop.products
            .update_product(request)
            .await
            .map(|r| r.into_inner().product.unwrap_or_default())
    };
    let updated = update(&cup.etag, &["price"]).await.expect("the etag is of now");
    assert_eq!((updated.name.as_str(), updated.price), ("Cup", Some(eur(300))));
    let stale = update(&cup.etag, &["name"]).await.expect_err("it has changed");
    assert_eq!((stale.code(), &*reason(&stale)), (Code::Aborted, "STALE_ETAG"));
    assert_eq!(metadata(&stale, "etag"), Some(updated.etag));
    let bad = update("", &["name", "stock_state"]).await.expect_err("output only");
    assert_eq!(bad_fields(&bad), ["update_mask"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_is_set_and_adjusted_once_a_request_with_its_ledger() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 10).await;
    let request_id = Uuid::now_v7().to_string();
    let mut update = async |change: Change, request_id: &str, etag: &str| {
        let request = UpdateInventoryRequest {
            product_id: cup.product_id.clone(),
            change: Some(change),
            reason: InventoryReason::Damaged.into(),
            note: "Fell.".into(),
            request_id: request_id.into(),
            etag: etag.into(),
            low_stock_threshold: None,
        };
        let request = shop.issuer.request(&shop.admin, request);
        shop.inventory
            .update_inventory(request)
            .await
            .map(|r| r.into_inner().inventory.unwrap_or_default())
    };
    let first = update(Change::AdjustBy(-3), &request_id, "").await.expect("good");
    let again = update(Change::AdjustBy(-3), &request_id, "").await.expect("the same");
    assert_eq!((first.on_hand, again.on_hand), (7, 7));
    let reused = update(Change::AdjustBy(-4), &request_id, "").await.expect_err("another");
    assert_eq!(reason(&reused), "REQUEST_ID_REUSED");
    let id = Uuid::now_v7().to_string();
    let stale = update(Change::SetOnHand(1), &id, "1").await.expect_err("it has changed");
    assert_eq!(reason(&stale), "STALE_ETAG");
    assert_eq!(metadata(&stale, "on_hand").as_deref(), Some("7"));
    let below = update(Change::AdjustBy(-8), &id, "").await.expect_err("below zero");
    assert_eq!((below.code(), &*reason(&below)), (Code::FailedPrecondition, "STOCK_HELD"));
    assert_eq!(metadata(&below, "held").as_deref(), Some("0"));
    update(Change::SetOnHand(2), &id, &first.etag).await.expect("a refused id may come again");
    assert_eq!(shop.stock(&cup.product_id).await, (2, 0, 2));
    let key = Some(Key::ProductId(cup.product_id.clone()));
    let product = shop.products.get_product(GetProductRequest { key }).await.expect("for sale");
    let product = product.into_inner().product.expect("a response has it");
    assert_eq!(product.stock_state(), StockState::LowStock);
    let request = ListInventoryRequest { low_stock_only: true, ..Default::default() };
    let request = shop.issuer.request(&shop.admin, request);
    let low = shop.inventory.list_inventory(request).await.expect("good").into_inner();
    assert_eq!(low.inventories.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_catalogue_is_imported_once_and_again_without_change() {
    let shop = Shop::open().await;
    let database =
        mesh_data::database::Database::open(&shop.config.database, &product_svc::MIGRATIONS)
            .expect("good settings");
    let csv = devstack::catalogue::PRODUCTS_CSV.as_bytes();
    let app = App { database, currency: "EUR".into(), lists: Default::default() };
    let first = import_products(&app, None, csv).await.expect("it is written");
    assert!(first.created >= 200 && first.updated == 0);
    let second = import_products(&app, None, csv).await.expect("it is written");
    assert_eq!((second.created, second.updated, second.unchanged), (0, 0, first.created));
}
