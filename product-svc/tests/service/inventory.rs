//! Stock and its ledger, as an admin changes and reads them.

use proto::product::v1::{
    GetProductRequest, InventoryReason, ListInventoryChangesRequest, ListInventoryRequest,
    StockState, UpdateInventoryRequest, get_product_request::Key, update_inventory_request::Change,
};
use tests::{
    database,
    status::{metadata, reason},
};
use tonic::Code;
use uuid::Uuid;

use crate::harness::Shop;

#[tokio::test(flavor = "multi_thread")]
async fn stock_and_ledger_change_once_per_request_id() {
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
    update(Change::SetOnHand(2), &id, &first.etag).await.expect("a rejected id can be used again");
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
async fn pages_show_all_stock_by_name_and_the_ledger_newest_first() {
    let mut shop = Shop::open().await;
    let cup = shop.product("cup", 1).await;
    for (name, on_hand) in [("Anvil", 2), ("Dish", 3)] {
        shop.product(name, on_hand).await;
    }
    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListInventoryRequest { page_size: 2, page_token, ..Default::default() };
        let request = shop.issuer.request(&shop.admin, request);
        let page = shop.inventory.list_inventory(request).await.expect("good").into_inner();
        names.extend(page.inventories.into_iter().map(|inventory| inventory.product_name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["Anvil", "cup", "Dish"]);

    for on_hand in [5, 4] {
        shop.set_on_hand(&cup.product_id, on_hand).await;
    }
    let (mut deltas, mut page_token) = (Vec::new(), String::new());
    loop {
        let product_id = cup.product_id.clone();
        let request = ListInventoryChangesRequest { product_id, page_size: 2, page_token };
        let request = shop.issuer.request(&shop.admin, request);
        let page = shop.inventory.list_inventory_changes(request).await.expect("good").into_inner();
        deltas.extend(page.changes.into_iter().map(|change| change.delta));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(deltas, [-1, 4, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_is_in_order_whatever_the_clocks_of_the_replicas() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 1).await;
    for on_hand in [2, 3, 4, 5] {
        shop.set_on_hand(&cup.product_id, on_hand).await;
    }
    // The replicas that wrote 3 and 5 have a clock that is late.
    let late = "UPDATE inventory_changes SET id = overlay(id::text PLACING '00' FROM 1)::uuid \
                WHERE on_hand_after IN (3, 5)";
    database::execute(&shop.database(), late).await;
    let (mut on_hand, mut page_token) = (Vec::new(), String::new());
    loop {
        let product_id = cup.product_id.clone();
        let request = ListInventoryChangesRequest { product_id, page_size: 1, page_token };
        let request = shop.issuer.request(&shop.admin, request);
        let page = shop.inventory.list_inventory_changes(request).await.expect("good").into_inner();
        on_hand.extend(page.changes.into_iter().map(|change| change.on_hand_after));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(on_hand, [5, 4, 3, 2, 1]);
}
