//! Names in any script: every database sorts and finds them alike.

use proto::product::v1::{ListInventoryRequest, ListProductsRequest};
use tests::{database, eventually};

use crate::harness::Shop;

/// Names whose order or words depend on the letters that a database knows.
const NAMES: [&str; 9] = [
    "Apfeltee",
    "Éclair",
    "İstanbul",
    "Ivory Vase",
    "Izmir Bowl",
    "Öl",
    "Österreichischer Tee",
    "Übertopf",
    "ΟΔΟΣ",
];

/// Returns the names on all pages of ListProducts, and of ListInventory.
async fn walk(shop: &mut Shop, page_size: i32) -> [Vec<String>; 2] {
    let (mut names, mut page_token) = (Vec::new(), String::new());
    while names.len() <= 2 * NAMES.len() {
        let request = ListProductsRequest { page_size, page_token, ..Default::default() };
        let page = shop.products.list_products(request).await.expect("good").into_inner();
        names.extend(page.products.into_iter().map(|product| product.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let (mut stock, mut page_token) = (Vec::new(), String::new());
    while stock.len() <= 2 * NAMES.len() {
        let request = ListInventoryRequest { page_size, page_token, ..Default::default() };
        let request = shop.issuer.request(&shop.admin, request);
        let page = shop.inventory.list_inventory(request).await.expect("good").into_inner();
        stock.extend(page.inventories.into_iter().map(|inventory| inventory.product_name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    [names, stock]
}

async fn find(shop: &mut Shop, query: &str) -> Vec<String> {
    let request = ListProductsRequest { query: query.into(), ..Default::default() };
    let page = shop.products.list_products(request).await.expect("good").into_inner();
    page.products.into_iter().map(|product| product.name).collect()
}

async fn check(shop: &mut Shop) {
    for name in NAMES.iter().rev() {
        shop.product(name, 1).await;
    }
    for page_size in [1, 2, 100] {
        assert_eq!(walk(shop, page_size).await, [NAMES, NAMES], "{page_size} a page");
    }
    for (query, name) in [
        ("Éclair", "Éclair"),
        ("eclair", "Éclair"),
        ("ÖL", "Öl"),
        ("osterreich", "Österreichischer Tee"),
        ("ubertpof", "Übertopf"),
        ("οδος", "ΟΔΟΣ"),
        ("istanbul", "İstanbul"),
    ] {
        assert_eq!(find(shop, query).await, [name], "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_hits_are_the_same_on_a_database_that_knows_only_ascii() {
    check(&mut Shop::with_ctype("C").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_hits_are_the_same_on_a_database_that_knows_all_letters() {
    check(&mut Shop::with_ctype("C.UTF-8").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_found_without_its_accents_and_in_scripts_without_spaces() {
    let mut shop = Shop::open().await;
    let products = [
        ("日本の緑茶セット", &["緑茶", "茶", "日本"][..]),
        ("ＵＳＢ充電器", &["usb", "充電"]),
        ("Crème Brûlée Torch", &["creme brulee", "CRÈME", "bruleee"]),
        ("Café Becher", &["cafe bech", "cafe\u{301} becher"]),
        ("Fußmatte Straße", &["fussmatte", "strasse", "STRAẞE"]),
        ("IŞIK LAMBASI", &["ışık", "isik"]),
        ("ΜΠΟΤΕΣ", &["μπότες", "μποτες"]),
        ("Nón Lá Việt", &["non la viet"]),
        ("Cafe\u{301}tie\u{300}re", &["cafétière", "cafetiere"]),
        ("กาน้ำชา", &["กาน้ำชา", "น้ำ"]),
        ("मिट्टी का प्याला", &["मिट्टी", "प्याला"]),
    ];
    for (name, _) in products {
        shop.product(name, 1).await;
    }
    for (name, queries) in products {
        for query in queries {
            assert_eq!(find(&mut shop, query).await, [name], "{query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn products_that_an_older_program_writes_are_found_a_moment_later() {
    let mut shop = Shop::open().await;
    shop.product("Mug", 1).await;
    let older = "INSERT INTO products (id, sku, slug, name, description, category, price_minor, \
         image_url) VALUES (gen_random_uuid(), 'OLD-1', 'old', 'Éclair', '', 'food', 1, ''); \
         INSERT INTO inventory (product_id) SELECT id FROM products WHERE sku = 'OLD-1'; \
         UPDATE products SET name = 'Süßer Becher', version = version + 1 WHERE name = 'Mug'";
    database::execute(&shop.database(), older).await;
    for (query, name) in [("eclair", "Éclair"), ("susser", "Süßer Becher"), ("old-1", "Éclair")]
    {
        eventually(query, async || {
            let request = ListProductsRequest { query: query.into(), ..Default::default() };
            let page = shop.products.clone().list_products(request).await.expect("good");
            let products = page.into_inner().products;
            products.first().is_some_and(|product| product.name == name).then_some(())
        })
        .await;
    }
    assert!(find(&mut shop, "mug").await.is_empty(), "the old name is forgotten");
    assert_eq!(walk(&mut shop, 1).await[0], ["Éclair", "Süßer Becher"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_no_product_has_any_more_are_forgotten() {
    let mut shop = Shop::open().await;
    shop.product("Ceramic Cup", 1).await;
    shop.product("Ceramic Pot", 1).await;
    let database = shop.database();
    let count = async |word: &str| {
        let words = format!("SELECT count(*) FROM search_vocabulary WHERE word = '{word}'");
        database::number(&database, &words).await
    };
    // A word that a product lost before it was checked.
    database::execute(&database, "INSERT INTO search_vocabulary VALUES ('porcelain')").await;
    eventually("the unused word is gone", async || (count("porcelain").await == 0).then_some(()))
        .await;
    assert_eq!((count("ceramic").await, count("thing").await), (1, 1));
}
