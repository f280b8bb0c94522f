//! The store behind an nginx of Debian with `proxy_pass` and nothing else.

use devstack::testing::Env;
use proto::{
    product::v1::{StockState, WatchStockRequest},
    user::v1::{LoginRequest, RefreshSessionRequest},
};
use tests::{
    PATIENCE,
    nginx::Nginx,
    store::{PASSWORD, Protocol, Store, channel},
};
use tokio::time::timeout;
use tonic::{Request, metadata::MetadataValue};

/// Adds what a browser sends of a page of the store's own.
fn of_own_page<T>(message: T, cookie: &str) -> Request<T> {
    let mut request = Request::new(message);
    let metadata = request.metadata_mut();
    metadata.insert("origin", MetadataValue::from_static("https://shop.example"));
    metadata.insert("sec-fetch-site", MetadataValue::from_static("same-origin"));
    if !cookie.is_empty() {
        metadata.insert("cookie", cookie.parse().expect("ASCII"));
    }
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_behind_a_proxy_logs_in_stays_logged_in_and_gets_live_updates() {
    let gateway = Env::from_env().gateway_url();
    let nginx = Nginx::before(gateway.trim_start_matches("http://"), "").await;
    let mut store = Store::shared(Protocol::GrpcWeb);
    store.channel = channel(&format!("http://{}", nginx.address), Protocol::GrpcWeb);

    let pat = store.customer().await;
    let login = LoginRequest {
        email: pat.user.email.clone(),
        password: PASSWORD.into(),
        use_cookie: true,
        ..LoginRequest::default()
    };
    let mut users = store.users();
    let response = users.login(of_own_page(login, "")).await.expect("the password is right");
    let cookie = response.metadata().get("set-cookie").expect("a cookie").to_str().expect("ASCII");
    let cookie = cookie.split(';').next().expect("name and value");

    let reload = of_own_page(RefreshSessionRequest::default(), cookie);
    let refreshed = users.refresh_session(reload).await.expect("the session goes on").into_inner();
    assert_eq!(refreshed.user.map(|user| user.user_id), Some(pat.user.user_id));

    let admin = store.admin().await;
    let cup = store.product(&admin, 250, 10).await;
    let request = WatchStockRequest { product_ids: vec![cup.product_id] };
    let updates = store.products().watch_stock(request).await.expect("the method is public");
    let mut updates = updates.into_inner();
    let first = timeout(PATIENCE, updates.message()).await.expect("it is not kept back");
    let products = first.expect("no error").expect("an update").products;
    assert_eq!(products[0].stock_state(), StockState::InStock);
}
