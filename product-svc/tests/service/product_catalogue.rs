//! One product: reads, creation, changes and archiving.

use proto::product::v1::{
    ArchiveProductRequest, BatchGetProductsRequest, CreateProductRequest, GetAnyProductRequest,
    GetProductRequest, ListCategoriesRequest, Product, UpdateProductRequest,
    get_product_request::Key,
};
use tests::status::{bad_fields, metadata, reason};
use tonic::Code;
use uuid::Uuid;

use crate::harness::{Shop, eur};

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_product_is_hidden_from_buyers_and_visible_to_admins() {
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
async fn an_update_changes_the_fields_of_the_mask_and_rejects_a_stale_etag() {
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
    let updated = update(&cup.etag, &["price"]).await.expect("the etag is current");
    assert_eq!((updated.name.as_str(), updated.price), ("Cup", Some(eur(300))));
    let stale = update(&cup.etag, &["name"]).await.expect_err("it has changed");
    assert_eq!((stale.code(), &*reason(&stale)), (Code::Aborted, "STALE_ETAG"));
    assert_eq!(metadata(&stale, "etag"), Some(updated.etag));
    let bad = update("", &["name", "stock_state"]).await.expect_err("output only");
    assert_eq!(bad_fields(&bad), ["update_mask"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn creating_again_after_an_edit_returns_the_edited_product() {
    let mut shop = Shop::open().await;
    let product = Product {
        sku: "CUP-1".into(),
        name: "Cup".into(),
        category: "kitchen".into(),
        price: Some(eur(250)),
        ..Product::default()
    };
    let request_id = Uuid::now_v7().to_string();
    let request = CreateProductRequest { product: Some(product), request_id };
    let create = shop.issuer.request(&shop.admin, request.clone());
    let created = shop.products.create_product(create).await.expect("it is new").into_inner();
    let created = created.product.expect("a response has it");
    let edit = UpdateProductRequest {
        product: Some(Product { name: "Mug".into(), ..created }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["name".into()] }),
    };
    let edit = shop.issuer.request(&shop.admin, edit);
    let edited = shop.products.update_product(edit).await.expect("it is good").into_inner();
    let create = shop.issuer.request(&shop.admin, request);
    let again = shop.products.create_product(create).await.expect("a replay").into_inner();
    assert_eq!(again.product, edited.product);
}

#[tokio::test(flavor = "multi_thread")]
async fn categories_count_their_products_for_sale() {
    let mut shop = Shop::open().await;
    let products = [shop.product("Cup", 1).await, shop.product("Pot", 1).await];
    let change = async |shop: &mut Shop, product: Product, path: &str| {
        let paths = vec![path.to_owned()];
        let update_mask = Some(prost_types::FieldMask { paths });
        let product = Some(Product { etag: String::new(), ..product });
        let request = UpdateProductRequest { product, update_mask };
        let request = shop.issuer.request(&shop.admin, request);
        shop.products.update_product(request).await.expect("it is good");
    };
    let count = async |shop: &mut Shop| {
        let listed = shop.products.list_categories(ListCategoriesRequest {}).await;
        let categories = listed.expect("good").into_inner().categories;
        categories.into_iter().map(|c| (c.slug, c.product_count)).collect::<Vec<_>>()
    };
    assert_eq!(count(&mut shop).await, [("kitchen".into(), 2)]);
    let moved = Product { category: "garden".into(), ..products[0].clone() };
    change(&mut shop, moved.clone(), "category").await;
    assert_eq!(count(&mut shop).await, [("garden".into(), 1), ("kitchen".into(), 1)]);
    for archived in [true, false, false] {
        change(&mut shop, Product { archived, ..moved.clone() }, "archived").await;
    }
    assert_eq!(count(&mut shop).await, [("garden".into(), 1), ("kitchen".into(), 1)]);
    change(&mut shop, Product { archived: true, ..products[1].clone() }, "archived").await;
    assert_eq!(count(&mut shop).await, [("garden".into(), 1)]);
}
