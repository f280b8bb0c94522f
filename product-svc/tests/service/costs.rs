//! What each call costs in a large catalogue: rows that PostgreSQL reads and writes.

use proto::product::v1::{
    BatchGetProductsRequest, GetInventoryRequest, GetProductRequest, ListCategoriesRequest,
    ListInventoryChangesRequest, ListInventoryRequest, ListProductsRequest,
    get_product_request::Key,
};
use tests::{
    database::{self, RowCounts},
    status::reason,
};
use uuid::Uuid;

use crate::harness::Shop;

/// 20,000 products in 50 categories. A word of the names is in every seventh of them, another in
/// every 500th, and the stock of 10 is low.
const CATALOGUE: &str = r"
    CREATE FUNCTION letters(n int) RETURNS text LANGUAGE sql
        RETURN translate(to_char(n, 'FM000'), '0123456789', 'abcdefghij');
    INSERT INTO products (id, sku, slug, name, description, category, price_minor, image_url,
                          created_at, name_key, name_words, words, indexed_version)
    SELECT md5(n::text)::uuid, 'P-' || n, 'p-' || n, name, '', 'c-' || n % 50, 100 + n * 7919 % 5000,
           '', now() - n * interval '1 min', lower(name), words,
           words || array_to_tsvector(ARRAY['p', n::text]), 1
    FROM (SELECT n, 'Colour' || letters(n % 7) || ' Thing' || letters(n % 500) AS name,
                 array_to_tsvector(ARRAY['colour' || letters(n % 7), 'thing' || letters(n % 500)])
                     AS words
          FROM generate_series(1, 20000) AS n) AS names;
    INSERT INTO search_vocabulary SELECT DISTINCT unnest(tsvector_to_array(name_words)) FROM products;
    INSERT INTO inventory (product_id, on_hand)
    SELECT id, CASE WHEN sku LIKE 'P-_' THEN 3 ELSE 100 END FROM products;
    INSERT INTO inventory_changes (id, product_id, delta, on_hand_after, reason)
    SELECT gen_random_uuid(), id, 1, 1, 1 FROM products;
    INSERT INTO reservations (order_id, fingerprint, state, product_ids, names, quantities,
                              prices_minor)
    SELECT gen_random_uuid(), sha256(''), 'COMMITTED', ARRAY[id], ARRAY[name], ARRAY[1], ARRAY[100]
    FROM products;
    VACUUM ANALYZE";

async fn large_shop() -> Shop {
    let shop = Shop::closed().await;
    let database = shop.database();
    for statement in CATALOGUE.split(';') {
        database::execute(&database, statement).await;
    }
    shop
}

/// Most rows that two pages of a search may read.
const SEARCH_MAX: i64 = 20_000;

fn search(query: &str, order_by: &str) -> ListProductsRequest {
    ListProductsRequest {
        query: query.into(),
        order_by: order_by.into(),
        ..ListProductsRequest::default()
    }
}

/// Returns what a call reads and writes, by a service of its own.
async fn cost(shop: &mut Shop, call: impl AsyncFnOnce(&mut Shop)) -> RowCounts {
    let database = shop.database();
    let before = RowCounts::read(&database).await;
    shop.restart(&shop.config.clone()).await;
    call(shop).await;
    shop.stop().await;
    RowCounts::read(&database).await.since(before)
}

/// Lists two pages.
async fn list(shop: &mut Shop, mut request: ListProductsRequest) {
    for _ in 0..2 {
        let page = shop.products.list_products(request.clone()).await.expect("good").into_inner();
        assert!(!page.products.is_empty(), "{request:?}");
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
}

/// Lists two pages.
async fn list_inventory(shop: &mut Shop, mut request: ListInventoryRequest) {
    for _ in 0..2 {
        let message = shop.issuer.request(&shop.admin, request.clone());
        let page = shop.inventory.list_inventory(message).await.expect("good").into_inner();
        assert!(!page.inventories.is_empty(), "{request:?}");
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_reads_few_rows_of_a_large_catalogue() {
    let mut shop = large_shop().await;
    let mut list_costs = Vec::new();
    let all = ListProductsRequest::default;
    for (request, fetched_max) in [
        (all(), 300),
        (ListProductsRequest { order_by: "price".into(), ..all() }, 300),
        (ListProductsRequest { order_by: "price desc".into(), ..all() }, 300),
        (ListProductsRequest { order_by: "create_time desc".into(), ..all() }, 300),
        (ListProductsRequest { category: "c-7".into(), ..all() }, 300),
        (ListProductsRequest { in_stock_only: true, ..all() }, 300),
        // A word of 40 names, prefixes of all names, a word of 2,857, an SKU, and a misspelt word.
        (search("thingabc", ""), SEARCH_MAX),
        (search("coloura", ""), 60_000),
        (search("col", "name"), 60_000),
        (search("colouraac", ""), SEARCH_MAX),
        (search("p-777", ""), SEARCH_MAX),
        (search("thingabz", ""), SEARCH_MAX),
        (search("thingabc", "price"), SEARCH_MAX),
    ] {
        let cost = cost(&mut shop, async |shop| list(shop, request.clone()).await).await;
        list_costs.push((format!("{request:?}"), cost, fetched_max));
    }
    let all = ListInventoryRequest::default;
    for (request, fetched_max) in [
        (all(), 300),
        (ListInventoryRequest { low_stock_only: true, ..all() }, 300),
        (ListInventoryRequest { query: "thingabc".into(), ..all() }, SEARCH_MAX),
    ] {
        let cost = cost(&mut shop, async |shop| list_inventory(shop, request.clone()).await).await;
        list_costs.push((format!("{request:?}"), cost, fetched_max));
    }
    for (request, cost, fetched_max) in list_costs {
        assert!(cost.scanned < 100, "{request}: {cost:?}");
        assert!(cost.fetched <= fetched_max, "{request}: {cost:?}");
        assert_eq!(cost.written, 0, "{request}: {cost:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_about_one_product_reads_few_rows_of_a_large_catalogue() {
    let mut shop = large_shop().await;
    let list = ListProductsRequest { page_size: 1, ..Default::default() };
    let mut id = String::new();
    cost(&mut shop, async |shop| {
        let page = shop.products.list_products(list).await.expect("good").into_inner();
        id.clone_from(&page.products[0].product_id);
    })
    .await;
    let calls = cost(&mut shop, async |shop| {
        for key in [Key::ProductId(id.clone()), Key::Slug("p-7".into())] {
            let request = GetProductRequest { key: Some(key) };
            shop.products.get_product(request).await.expect("it exists");
        }
        let request = BatchGetProductsRequest { product_ids: vec![id.clone()] };
        shop.products.batch_get_products(request).await.expect("it exists");
        let categories = shop.products.list_categories(ListCategoriesRequest {}).await;
        assert_eq!(categories.expect("good").into_inner().categories.len(), 50);
        let request = GetInventoryRequest { product_id: id.clone() };
        let request = shop.issuer.request(&shop.admin, request);
        shop.inventory.get_inventory(request).await.expect("it exists");
        let request = ListInventoryChangesRequest { product_id: id.clone(), ..Default::default() };
        let request = shop.issuer.request(&shop.admin, request);
        shop.inventory.list_inventory_changes(request).await.expect("it exists");
        shop.set_on_hand(&id, 50).await;
        shop.reserve(Uuid::now_v7(), 1, &[(&id, 2)]).await.expect("there is enough");
        shop.product("Cup", 1).await;
    })
    .await;
    assert!(calls.scanned < 200 && calls.fetched < 500, "{calls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_checkout_writes_nothing() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 5).await;
    let pot = shop.product("Pot", 1).await;
    shop.stop().await;
    // Without a broker the relay claims the events of what the admin did again and again.
    database::execute(&shop.database(), "DELETE FROM outbox").await;
    let items = [(&*cup.product_id, 2), (&*pot.product_id, 2)];
    let rejections = cost(&mut shop, async |shop| {
        for _ in 0..3 {
            let rejected = shop.reserve(Uuid::now_v7(), 1, &items).await.expect_err("too many");
            assert_eq!(reason(&rejected), "OUT_OF_STOCK");
        }
    });
    assert_eq!(rejections.await.written, 0);
    let hold = async |shop: &mut Shop| {
        shop.reserve(Uuid::now_v7(), 1, &items[..1]).await.expect("there is enough");
    };
    assert_eq!(cost(&mut shop, hold).await.written, 2, "a reservation and its stock");
}
