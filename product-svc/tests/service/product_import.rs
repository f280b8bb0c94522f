//! ImportProducts: all rows of a file, or none.

use std::time::Duration;

use diesel_async::SimpleAsyncConnection;
use mesh::deadline;
use mesh_data::database::convert_error;
use proto::product::v1::{
    GetProductRequest, ImportProductsRequest, ImportProductsResponse, InventoryChangeReason,
    ListInventoryChangesRequest, Product, StockState, get_product_request::Key,
};
use tests::{
    eventually,
    status::{bad_fields, reason},
};
use tokio::{sync::oneshot, task::JoinHandle, time::Instant};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::harness::{Shop, eur};

const HEADER: &str = "sku,slug,name,category,price,currency,on_hand";

async fn import(shop: &mut Shop, file: String) -> Result<ImportProductsResponse, Status> {
    let request = ImportProductsRequest { file: file.into_bytes() };
    let request = shop.issuer.request(&shop.admin, request);
    shop.products.import_products(request).await.map(tonic::Response::into_inner)
}

async fn find(shop: &mut Shop, slug: &str) -> Result<Product, Status> {
    let request = GetProductRequest { key: Some(Key::Slug(slug.into())) };
    let response = shop.products.get_product(request).await?;
    Ok(response.into_inner().product.expect("a response has it"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_creates_and_changes_products_by_sku() {
    let mut shop = Shop::open().await;
    let file = |pot: &str| {
        format!("{HEADER}\nCUP-1,cup,Cup,kitchen,2.50,EUR,9\nPOT-1,pot,Pot,kitchen,{pot}\n")
    };
    let report = import(&mut shop, file("7,EUR,")).await.expect("it is good");
    let counts = |r: &ImportProductsResponse| (r.created_count, r.updated_count, r.unchanged_count);
    assert_eq!((counts(&report), report.bad_rows.len()), ((2, 0, 0), 0));
    let cup = find(&mut shop, "cup").await.expect("it exists");
    assert_eq!((cup.price.clone(), cup.stock_state), (Some(eur(250)), StockState::InStock.into()));

    let report = import(&mut shop, file("8,EUR,4")).await.expect("it is good");
    assert_eq!(counts(&report), (0, 1, 1));
    let pot = find(&mut shop, "pot").await.expect("it exists");
    assert_eq!((pot.price, pot.stock_state), (Some(eur(800)), StockState::LowStock.into()));
    assert_eq!(find(&mut shop, "cup").await.expect("it exists"), cup, "it is as it was");
    assert_eq!(shop.stock(&pot.product_id).await, (4, 0, 4), "the ledger has it");
    let request = ListInventoryChangesRequest { product_id: pot.product_id, ..Default::default() };
    let request = shop.issuer.request(&shop.admin, request);
    let changes = shop.inventory.list_inventory_changes(request).await.expect("it exists");
    let change = changes.into_inner().changes.remove(0);
    assert_eq!(change.reason(), InventoryChangeReason::Imported);
    assert_eq!(change.actor_id, shop.admin.sub.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_row_rejects_the_file_and_each_is_reported_with_its_line() {
    let mut shop = Shop::open().await;
    let held = shop.product("Cup", 5).await;
    let items = [(&*held.product_id, 3)];
    shop.reserve(Uuid::now_v7(), 1, &items).await.expect("there is enough");
    let other = shop.product("Pot", 5).await;

    let report = import(&mut shop, format!("{HEADER}\nA-1,a,A,kitchen,1,EUR,1\nA 2,,,,,,\n")).await;
    let rows = report.expect("the report has it").bad_rows;
    assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [3]);
    assert!(rows[0].problem.contains("sku must"), "{}", rows[0].problem);

    let file = format!(
        "{HEADER}\nA-1,a,A,kitchen,1,EUR,1\nA-2,{},B,kitchen,1,EUR,\n{},{},Cup,kitchen,1,EUR,2\n",
        other.slug, held.sku, held.slug
    );
    let report = import(&mut shop, file).await.expect("the report has it");
    assert_eq!(report.created_count + report.updated_count + report.unchanged_count, 0);
    let rows: Vec<_> = report.bad_rows.iter().map(|row| (row.line, &*row.problem)).collect();
    let taken = format!("slug {} is in use by another product", other.slug);
    let below = "2 on hand would be less than the 3 that checkouts hold";
    assert_eq!(rows, [(3, &*taken), (4, below)]);
    let gone = find(&mut shop, "a").await.expect_err("nothing was imported");
    assert_eq!(reason(&gone), "PRODUCT_NOT_FOUND");
    assert_eq!(find(&mut shop, &held.slug).await.expect("it exists").price, held.price);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_required_and_may_have_16_mib() {
    let mut shop = Shop::open().await;
    let rejected = import(&mut shop, String::new()).await.expect_err("there is none");
    assert_eq!(
        (rejected.code(), bad_fields(&rejected)),
        (Code::InvalidArgument, vec!["file".into()])
    );

    // White space is part of JSON. The request has a few bytes beside the file.
    let row = r#"{"sku": "C-1", "name": "Cup", "category": "kitchen", "price": "2.50", "currency": "EUR"}"#;
    let file = |bytes: usize| format!("[{row}{}]", " ".repeat(bytes - row.len() - 2));
    let report = import(&mut shop, file((16 << 20) - 32)).await.expect("it is good");
    assert_eq!(report.created_count, 1);
    let rejected = import(&mut shop, file(16 << 20)).await.expect_err("it is too large");
    assert_eq!(
        (rejected.code(), &*reason(&rejected)),
        (Code::ResourceExhausted, "MESSAGE_TOO_LARGE")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_catalogue_is_imported_once_and_again_without_change() {
    let mut shop = Shop::open().await;
    let csv = || devstack::catalogue::PRODUCTS_CSV.to_owned();
    let first = import(&mut shop, csv()).await.expect("it is good");
    assert!(first.created_count >= 200 && first.updated_count == 0);
    let second = import(&mut shop, csv()).await.expect("it is good");
    assert_eq!(
        (second.created_count, second.updated_count, second.unchanged_count),
        (0, 0, first.created_count)
    );
}

/// Locks the stock of a product until the returned sender is used or dropped.
async fn lock_stock(shop: &Shop, product_id: &str) -> (oneshot::Sender<()>, JoinHandle<()>) {
    let (database, product_id) = (shop.database(), product_id.to_owned());
    let (release, released) = oneshot::channel();
    let (lock, is_locked) = oneshot::channel();
    let holder = tokio::spawn(async move {
        let held = database.transaction(async |connection| {
            let lock_row =
                format!("SELECT FROM inventory WHERE product_id = '{product_id}' FOR UPDATE");
            connection.batch_execute(&lock_row).await.map_err(convert_error)?;
            let _ = lock.send(());
            let _ = released.await;
            Ok::<_, mesh::Error>(())
        });
        held.await.expect("the lock is free");
    });
    is_locked.await.expect("it is locked");
    (release, holder)
}

/// Returns a file of `count` products. Every second one has `stock` on hand, the others 9.
fn mugs(count: usize, stock: usize) -> String {
    let stock = |n: usize| if n.is_multiple_of(2) { stock } else { 9 };
    let row = |n: usize| format!("M-{n},m-{n},Mug {n},kitchen,2.50,EUR,{}\n", stock(n));
    format!("{HEADER}\n{}", (0..count).map(row).collect::<String>())
}

#[tokio::test(flavor = "multi_thread")]
async fn checkouts_go_on_during_an_import_and_the_same_file_completes_it() {
    let mut shop = Shop::open().await;
    import(&mut shop, mugs(1_200, 9)).await.expect("it is good");
    let mut ids = Vec::new();
    // One of the first chunk, and two of the last: the stock of the first of these stays as it is.
    for slug in ["m-0", "m-1001", "m-1198"] {
        ids.push(find(&mut shop, slug).await.expect("it exists").product_id);
    }

    // Somebody holds the stock of one product of the last chunk: the import waits there.
    let (release, holder) = lock_stock(&shop, &ids[2]).await;
    let request = ImportProductsRequest { file: mugs(1_200, 20).into_bytes() };
    let request = shop.issuer.request(&shop.admin, request);
    let mut products = shop.products.clone();
    let importing = tokio::spawn(async move { products.import_products(request).await });
    let database = shop.database();
    let waiting = "SELECT count(*) FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually("the import waits for the locked stock", async || {
        (tests::database::number(&database, waiting).await > 0).then_some(())
    })
    .await;
    for id in &ids[..2] {
        shop.reserve(Uuid::now_v7(), 1, &[(id, 2)]).await.expect("its stock is not locked");
    }
    assert_eq!(shop.stock(&ids[0]).await, (20, 2, 20), "its chunk is complete");
    assert_eq!(shop.stock(&ids[1]).await, (9, 2, 9));
    release.send(()).expect("the holder waits");
    holder.await.expect("it ended");
    let report = importing.await.expect("it ended").expect("it is good").into_inner();
    assert_eq!((report.updated_count, report.unchanged_count), (600, 600));
    assert_eq!(shop.stock(&ids[2]).await, (20, 0, 20));

    let again = import(&mut shop, mugs(1_200, 20)).await.expect("it is good");
    assert_eq!((again.updated_count, again.unchanged_count), (0, 1_200));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_whose_deadline_passes_is_completed() {
    let mut shop = Shop::open().await;
    import(&mut shop, mugs(600, 9)).await.expect("it is good");
    let last = find(&mut shop, "m-598").await.expect("it exists").product_id;
    let (release, holder) = lock_stock(&shop, &last).await;
    let request = ImportProductsRequest { file: mugs(600, 20).into_bytes() };
    let request = shop.issuer.request(&shop.admin, request);
    let deadline = Instant::now() + Duration::from_secs(2);
    let response = deadline::scope(deadline, shop.products.import_products(request)).await;
    assert!(!matches!(response, Ok(Ok(_))), "its stock is locked");
    release.send(()).expect("the holder waits");
    holder.await.expect("it ended");
    eventually("the stock of the last product is as in the file", async || {
        (shop.stock(&last).await == (20, 0, 20)).then_some(())
    })
    .await;
}
