//! The audit entries of the calls of admins.

use prost_types::FieldMask;
use proto::product::v1::{
    ArchiveProductRequest, CreateProductRequest, ImportProductsRequest, InventoryReason, Product,
    UpdateInventoryRequest, UpdateProductRequest, update_inventory_request::Change,
};
use tests::{audit::Trail, database::execute, status::reason};
use tonic::Code;
use uuid::Uuid;

use crate::harness::{Shop, eur};

fn set_on_hand(product_id: &str, on_hand: i32) -> UpdateInventoryRequest {
    UpdateInventoryRequest {
        product_id: product_id.into(),
        change: Some(Change::SetOnHand(on_hand)),
        reason: InventoryReason::Counted.into(),
        request_id: Uuid::now_v7().to_string(),
        ..UpdateInventoryRequest::default()
    }
}

fn set_price(product: &Product, minor: i64) -> UpdateProductRequest {
    let product = Product { price: Some(eur(minor)), ..product.clone() };
    let update_mask = Some(FieldMask { paths: vec!["price".into()] });
    UpdateProductRequest { product: Some(Product { etag: String::new(), ..product }), update_mask }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_by_an_admin_leaves_one_entry_and_a_repetition_none() {
    let mut shop = Shop::open().await;
    let actor = shop.admin.sub;
    let mut trail = Trail::begin(shop.database()).await;

    let product = Product {
        sku: "CUP-1".into(),
        slug: "cup".into(),
        name: "Cup".into(),
        category: "kitchen".into(),
        price: Some(eur(250)),
        ..Product::default()
    };
    let create =
        CreateProductRequest { product: Some(product), request_id: Uuid::now_v7().to_string() };
    let request = shop.issuer.request(&shop.admin, create.clone());
    let created = shop.products.create_product(request).await.expect("it is good").into_inner();
    let cup = created.product.expect("it is good");
    let subject = format!("product {}", cup.product_id);
    let changes = "archived: – → false, category: – → kitchen, name: – → Cup, \
         price_minor: – → 250, sku: – → CUP-1, slug: – → cup";
    trail.expect("CreateProduct", actor, &subject, changes).await;
    let request = shop.issuer.request(&shop.admin, create);
    shop.products.create_product(request).await.expect("it is good");
    trail.expect_none().await;

    let request = shop.issuer.request(&shop.admin, set_price(&cup, 300));
    shop.products.update_product(request).await.expect("it is good");
    trail.expect("UpdateProduct", actor, &subject, "price_minor: 250 → 300").await;

    let stock = format!("inventory {}", cup.product_id);
    let update = set_on_hand(&cup.product_id, 5);
    for (changes, is_replay) in [("on_hand: 0 → 5", false), ("", true)] {
        let request = shop.issuer.request(&shop.admin, update.clone());
        shop.inventory.update_inventory(request).await.expect("it is good");
        if is_replay {
            trail.expect_none().await;
        } else {
            trail.expect("UpdateInventory", actor, &stock, changes).await;
        }
    }

    let archive = ArchiveProductRequest { product_id: cup.product_id.clone(), etag: String::new() };
    let request = shop.issuer.request(&shop.admin, archive.clone());
    shop.products.archive_product(request).await.expect("it is good");
    trail.expect("ArchiveProduct", actor, &subject, "archived: false → true").await;
    let request = shop.issuer.request(&shop.admin, archive);
    shop.products.archive_product(request).await.expect("it is good");
    trail.expect_none().await;

    // An entry for the product, and one for its stock.
    for (row, changed) in [
        ("CUP-1,cup,Cup,kitchen,3.50,EUR,5", Some((&subject, "price_minor: 300 → 350"))),
        ("CUP-1,cup,Cup,kitchen,3.50,EUR,9", Some((&stock, "on_hand: 5 → 9"))),
        ("CUP-1,cup,Cup,kitchen,3.50,EUR,9", None),
        ("CUP-1,cup,Cup,kitchen,nothing,EUR,9", None),
    ] {
        let file = format!("sku,slug,name,category,price,currency,on_hand\n{row}\n").into_bytes();
        let request = shop.issuer.request(&shop.admin, ImportProductsRequest { file });
        shop.products.import_products(request).await.expect("it is good");
        match changed {
            Some((subject, changes)) => {
                trail.expect("ImportProducts", actor, subject, changes).await;
            }
            None => trail.expect_none().await,
        }
    }
    trail.expect_all_methods("shopmesh.product.v1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_or_failed_call_leaves_no_entry_and_a_failed_entry_no_change() {
    let mut shop = Shop::open().await;
    let cup = shop.product("Cup", 5).await;
    let pot = shop.product("Pot", 1).await;
    let database = shop.database();
    let mut trail = Trail::begin(database.clone()).await;

    let taken =
        Product { slug: cup.slug.clone(), product_id: pot.product_id, ..Product::default() };
    let update_mask = Some(FieldMask { paths: vec!["slug".into()] });
    let request = UpdateProductRequest { product: Some(taken), update_mask };
    let request = shop.issuer.request(&shop.admin, request);
    let rejected = shop.products.update_product(request).await.expect_err("it is rejected");
    assert_eq!(reason(&rejected), "SLUG_TAKEN");
    trail.expect_none().await;

    // The change fails after its entry was inserted.
    execute(&database, "ALTER TABLE inventory ADD CONSTRAINT few CHECK (on_hand < 9)").await;
    let request = shop.issuer.request(&shop.admin, set_on_hand(&cup.product_id, 9));
    let failed = shop.inventory.update_inventory(request).await.expect_err("it is rejected");
    assert_eq!(failed.code(), Code::Internal);
    trail.expect_none().await;

    // The entry fails.
    execute(&database, "ALTER TABLE audit_entries ADD CHECK (subject_kind = '') NOT VALID").await;
    let request = shop.issuer.request(&shop.admin, set_on_hand(&cup.product_id, 7));
    let failed = shop.inventory.update_inventory(request).await.expect_err("it is rejected");
    assert_eq!(failed.code(), Code::Internal);
    trail.expect_none().await;
    assert_eq!(shop.stock(&cup.product_id).await, (5, 0, 5));
}
