//! ListProducts: pages, search, filters, and what its cache shows.

use diesel_async::SimpleAsyncConnection;
use futures::future::join_all;
use proto::product::v1::{ListProductsRequest, Product, StockState, UpdateProductRequest};
use tests::{
    database::{RowCounts, number},
    eventually,
    status::{bad_fields, reason},
};
use uuid::Uuid;

use crate::harness::{Shop, eur};

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
async fn a_page_token_is_valid_only_for_the_request_it_came_from() {
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
        let rejected = shop.products.list_products(request).await.expect_err("another request");
        assert_eq!(bad_fields(&rejected), ["page_token"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn search_tolerates_one_typo_and_filters_narrow_the_result() {
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
    assert_eq!(names(&mut shop, in_stock).await, ["Steel Kettle", "Casserole, 4.5 L (X-12)"]);
    let too_expensive = ListProductsRequest { price_min: Some(eur(251)), ..Default::default() };
    assert!(names(&mut shop, too_expensive).await.is_empty());
    let elsewhere = ListProductsRequest { category: "garden".into(), ..Default::default() };
    assert!(names(&mut shop, elsewhere).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_shows_the_writes_of_its_own_replica_at_once() {
    let mut shop = Shop::open().await;
    let list = async |shop: &mut Shop| {
        let all = ListProductsRequest::default();
        let listed = shop.products.list_products(all).await.expect("good").into_inner().products;
        listed.into_iter().map(|p| (p.price.clone(), p.stock_state())).collect::<Vec<_>>()
    };
    assert_eq!(list(&mut shop).await, []);
    let cup = shop.product("Cup", 7).await;
    assert_eq!(list(&mut shop).await, [(Some(eur(250)), StockState::InStock)]);

    let items = [(&*cup.product_id, 2)];
    shop.reserve(Uuid::now_v7(), 1, &items).await.expect("there is enough");
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
async fn the_best_kinds_of_match_come_first_on_pages_of_any_size() {
    let mut shop = Shop::open().await;
    let products = [
        ("Big Cup", "A thing."),
        ("Cup", "A thing."),
        ("Cupboard", "A thing."),
        ("Tray", "For a cup."),
        ("Coaster", "For a cupboard."),
    ];
    for (name, description) in products.iter().rev() {
        let product = shop.product(name, 1).await;
        let request = UpdateProductRequest {
            product: Some(Product { description: (*description).into(), ..product }),
            update_mask: Some(prost_types::FieldMask { paths: vec!["description".into()] }),
        };
        let request = shop.issuer.request(&shop.admin, request);
        shop.products.update_product(request).await.expect("it is good");
    }
    // The whole name, a word of the name, a prefix in it, then the same in the description.
    let expected = ["Cup", "Big Cup", "Cupboard", "Tray", "Coaster"];
    for page_size in [1, 2, 3, 20] {
        for order_by in ["", "relevance"] {
            let (mut seen, mut page_token) = (Vec::new(), String::new());
            loop {
                let request = ListProductsRequest {
                    query: "cup".into(),
                    order_by: order_by.into(),
                    page_size,
                    page_token,
                    ..Default::default()
                };
                let page = shop.products.list_products(request).await.expect("good").into_inner();
                seen.extend(page.products.into_iter().map(|product| product.name));
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    break;
                }
            }
            assert_eq!(seen, expected, "{page_size} a page, {order_by:?}");
        }
    }
    let by_name =
        ListProductsRequest { query: "cup".into(), order_by: "name".into(), ..Default::default() };
    assert_eq!(names(&mut shop, by_name).await[..2], ["Big Cup", "Coaster"]);
    // An SKU comes before all else, whatever its case, and a similar word after all else.
    let sku = shop.product("Zeta", 1).await.sku;
    shop.product(&format!("{sku} Alpha"), 1).await;
    let query = |query: &str| ListProductsRequest { query: query.into(), ..Default::default() };
    assert_eq!(names(&mut shop, query(&sku.to_uppercase())).await[0], "Zeta");
    shop.product("Cupbaord", 1).await;
    assert_eq!(names(&mut shop, query("cupboard")).await, ["Cupboard", "Coaster", "Cupbaord"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_loses_a_product_while_it_is_read_is_not_the_last() {
    let mut shop = Shop::open().await;
    for name in ["Cup A", "Cup B", "Cup C", "Cup D"] {
        shop.product(name, 1).await;
    }
    let database = shop.database();
    let mut lock = database.connection().await.expect("the database responds");
    // A search reads the stock only of the products that it has found.
    let archive = "BEGIN; LOCK TABLE inventory; \
                   UPDATE products SET archived = true WHERE name = 'Cup A'";
    lock.batch_execute(archive).await.expect("it exists");
    let list = async |page_token: String| loop {
        let query = "cup".to_owned();
        let request = ListProductsRequest {
            query,
            page_size: 2,
            page_token: page_token.clone(),
            ..Default::default()
        };
        match shop.products.clone().list_products(request).await {
            // It waited for the lock as long as a statement may.
            Err(status) if reason(&status) == "OVERLOADED" => {}
            page => break page.expect("good").into_inner(),
        }
    };
    let commit = async {
        let waiting = "SELECT count(*) FROM pg_stat_activity \
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        eventually("the search waits for the stock", async || {
            (number(&database, waiting).await > 0).then_some(())
        })
        .await;
        lock.batch_execute("COMMIT").await.expect("the session lives");
    };
    let (first, ()) = tokio::join!(list(String::new()), commit);
    let second = list(first.next_page_token).await;
    let names = first.products.into_iter().chain(second.products).map(|product| product.name);
    assert_eq!(names.collect::<Vec<_>>(), ["Cup B", "Cup C", "Cup D"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_searches_is_rejected_before_the_database_and_a_checkout_goes_on() {
    const SEARCHES: i64 = 30;
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 9).await;
    let database = shop.database();
    let mut lock = database.connection().await.expect("the database responds");
    lock.batch_execute("BEGIN; LOCK TABLE search_vocabulary").await.expect("it exists");
    let searches = (0..SEARCHES).map(|n| {
        let mut products = shop.products.clone();
        let request = ListProductsRequest { query: format!("kettle {n}"), ..Default::default() };
        async move { products.list_products(request).await.expect_err("none gets the lock") }
    });
    let items = [(&*cup.product_id, 2)];
    let checkout = shop.reserve(Uuid::now_v7(), 1, &items);
    let (rejected, reserved) = tokio::join!(join_all(searches), checkout);
    reserved.expect("it needs no search");
    assert!(rejected.iter().all(|status| reason(status) == "OVERLOADED"), "{rejected:?}");
    lock.batch_execute("COMMIT").await.expect("the session lives");
    drop(lock);

    // Each search that reaches the database is rolled back when it has waited for the lock.
    shop.stop().await;
    RowCounts::read(&database).await;
    let rolled_back = "SELECT xact_rollback FROM pg_stat_database \
                       WHERE datname = current_database()";
    let reached = number(&database, rolled_back).await;
    assert!((1..SEARCHES).contains(&reached), "{reached} of {SEARCHES}");
}
