//! Bad fields: all of them are reported at once, before any other check.

use proto::{
    money::Money,
    product::v1::{
        ArchiveProductRequest, BatchGetProductsRequest, GetProductRequest, ImportProductsRequest,
        InventoryReason, ListInventoryChangesRequest, ListInventoryRequest, ListProductsRequest,
        ReserveStockItem, ReserveStockRequest, UpdateInventoryRequest, UpdateProductRequest,
        WatchStockRequest, get_product_request::Key, update_inventory_request::Change,
    },
};
use tests::status::{bad_fields, reason};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::harness::{Shop, reserve};

/// Returns the bad fields of a rejection, sorted.
fn sorted_fields(rejected: &Status) -> Vec<String> {
    assert_eq!((rejected.code(), &*reason(rejected)), (Code::InvalidArgument, "VALIDATION_FAILED"));
    let mut fields = bad_fields(rejected);
    fields.sort();
    fields
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_field_of_a_list_is_reported_at_once() {
    let mut shop = Shop::open().await;
    let bad = ListProductsRequest {
        page_size: -1,
        page_token: "x".into(),
        query: "q".repeat(201),
        price_min: Some(proto::money::Money { currency_code: "USD".into(), units: -1, nanos: 0 }),
        order_by: "colour".into(),
        ..Default::default()
    };
    let rejected = shop.products.list_products(bad).await.expect_err("all are bad");
    assert_eq!(
        sorted_fields(&rejected),
        ["order_by", "page_size", "page_token", "price_min", "price_min.currency_code", "query"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_field_of_a_reservation_is_reported_at_once() {
    let shop = Shop::open().await;
    let product = Uuid::now_v7().to_string();
    let item = |id: &str, quantity| ReserveStockItem { product_id: id.into(), quantity };
    let bad = ReserveStockRequest {
        order_id: "1".into(),
        fingerprint: vec![1; 31],
        items: vec![item("x", 1), item(&product, 0), item(&product, 100)],
        expected_total: Some(Money { currency_code: "USD".into(), units: -1, nanos: 0 }),
    };
    let rejected = shop.reservations.clone().reserve_stock(bad).await.expect_err("all are bad");
    assert_eq!(
        sorted_fields(&rejected),
        [
            "expected_total",
            "expected_total.currency_code",
            "fingerprint",
            "items[0].product_id",
            "items[1].quantity",
            "items[2].product_id",
            "items[2].quantity",
            "order_id",
        ]
    );

    let good = reserve(Uuid::now_v7(), 1, &[(&product, 1)]);
    let many = (0..51).map(|_| item(&Uuid::now_v7().to_string(), 1)).collect();
    let many = ReserveStockRequest { items: many, ..good.clone() };
    let none = ReserveStockRequest { items: vec![], ..good.clone() };
    let fine = Some(Money { currency_code: "EUR".into(), units: 0, nanos: 1 });
    let fine = ReserveStockRequest { expected_total: fine, ..good };
    for (bad, field) in [(many, "items"), (none, "items"), (fine, "expected_total")] {
        let rejected = shop.reservations.clone().reserve_stock(bad).await.expect_err(field);
        assert_eq!(sorted_fields(&rejected), [field]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_field_of_an_inventory_request_is_reported_at_once() {
    let mut shop = Shop::open().await;
    let bad = UpdateInventoryRequest {
        product_id: "x".into(),
        change: Some(Change::AdjustBy(0)),
        reason: InventoryReason::Unspecified.into(),
        note: "n".repeat(501),
        etag: "e".repeat(41),
        request_id: String::new(),
        low_stock_threshold: Some(-1),
    };
    let request = shop.issuer.request(&shop.admin, bad);
    let rejected = shop.inventory.update_inventory(request).await.expect_err("all are bad");
    assert_eq!(
        sorted_fields(&rejected),
        ["adjust_by", "etag", "low_stock_threshold", "note", "product_id", "reason", "request_id",]
    );

    let good = UpdateInventoryRequest {
        product_id: Uuid::now_v7().to_string(),
        request_id: Uuid::now_v7().to_string(),
        reason: InventoryReason::Counted.into(),
        ..Default::default()
    };
    for (change, field) in [
        (None, "set_on_hand"),
        (Some(Change::SetOnHand(-1)), "set_on_hand"),
        (Some(Change::SetOnHand(1_000_001)), "set_on_hand"),
        (Some(Change::AdjustBy(1_000_001)), "adjust_by"),
    ] {
        let request =
            shop.issuer.request(&shop.admin, UpdateInventoryRequest { change, ..good.clone() });
        let rejected = shop.inventory.update_inventory(request).await.expect_err(field);
        assert_eq!(sorted_fields(&rejected), [field]);
    }

    let bad = ListInventoryRequest {
        page_size: -1,
        page_token: "x".into(),
        query: "q".repeat(201),
        low_stock_only: false,
    };
    let request = shop.issuer.request(&shop.admin, bad);
    let rejected = shop.inventory.list_inventory(request).await.expect_err("all are bad");
    assert_eq!(sorted_fields(&rejected), ["page_size", "page_token", "query"]);

    let bad = ListInventoryChangesRequest {
        product_id: "x".into(),
        page_size: -1,
        page_token: "x".into(),
    };
    let request = shop.issuer.request(&shop.admin, bad);
    let rejected = shop.inventory.list_inventory_changes(request).await.expect_err("all are bad");
    assert_eq!(sorted_fields(&rejected), ["page_size", "page_token", "product_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_product_ids_has_one_to_a_hundred() {
    let mut shop = Shop::open().await;
    let many = vec![Uuid::now_v7().to_string(); 101];
    for (product_ids, field) in
        [(Vec::new(), "product_ids"), (many, "product_ids"), (vec!["cup".into()], "product_ids[0]")]
    {
        let request = WatchStockRequest { product_ids: product_ids.clone() };
        let rejected = shop.products.watch_stock(request).await.expect_err(field);
        assert_eq!(sorted_fields(&rejected), [field]);
        let request = BatchGetProductsRequest { product_ids };
        let rejected = shop.products.batch_get_products(request).await.expect_err(field);
        assert_eq!(sorted_fields(&rejected), [field]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_about_one_product_names_it() {
    let mut shop = Shop::open().await;
    let slug = Some(Key::Slug(" ".into()));
    for (key, field) in
        [(None, "product_id"), (Some(Key::ProductId("x".into())), "product_id"), (slug, "slug")]
    {
        let rejected = shop.products.get_product(GetProductRequest { key }).await;
        assert_eq!(sorted_fields(&rejected.expect_err(field)), [field]);
    }
    let bad = ArchiveProductRequest { product_id: "x".into(), etag: "e".repeat(41) };
    let request = shop.issuer.request(&shop.admin, bad);
    let rejected = shop.products.archive_product(request).await.expect_err("both are bad");
    assert_eq!(sorted_fields(&rejected), ["etag", "product_id"]);
    let request = shop.issuer.request(&shop.admin, UpdateProductRequest::default());
    let rejected = shop.products.update_product(request).await.expect_err("both are missing");
    assert_eq!(sorted_fields(&rejected), ["product.product_id", "update_mask"]);
    let request = shop.issuer.request(&shop.admin, ImportProductsRequest::default());
    let rejected = shop.products.import_products(request).await.expect_err("there is no file");
    assert_eq!(sorted_fields(&rejected), ["file"]);
}
