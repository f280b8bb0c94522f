//! The eight flows end to end, by gRPC-Web like a browser and by gRPC like an internal system.

use std::{
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use devstack::{Service, testing::Env};
use proto::{
    order::v1::{
        CancelOrderRequest, GetOrderStatisticsRequest, ListAllOrdersRequest, ListOrdersRequest,
        OrderState, ShipOrderRequest, StatisticsBucket, StatisticsTotals,
    },
    product::v1::{GetProductRequest, ListProductsRequest, StockState, get_product_request::Key},
    user::v1::{
        ExchangeClientCredentialsRequest, GetCurrentUserRequest, LoginRequest, LogoutRequest,
        RefreshSessionRequest, RequestPasswordResetRequest, ResetPasswordRequest,
    },
};
use tests::{
    issuer::with_token,
    status::reason,
    store::{PASSWORD, Person, Protocol, Store, place_order},
};

const QUARTER_SECONDS: i64 = 900;

/// Returns the totals of all orders from a day ago to a day from now.
async fn totals(store: &Store, admin: &Person) -> StatisticsTotals {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() as i64;
    let quarter = now / QUARTER_SECONDS * QUARTER_SECONDS;
    let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let request = GetOrderStatisticsRequest {
        start_time: at(quarter - 86_400),
        end_time: at(quarter + 86_400),
        bucket: StatisticsBucket::Hour.into(),
        time_zone: "Europe/Berlin".into(),
    };
    let response = store.all_orders().get_order_statistics(admin.request(request)).await;
    response.expect("the period is valid").into_inner().totals.expect("a response has them")
}

async fn all_eight_flows(protocol: Protocol) {
    let store = Store::shared(protocol);
    let admin = store.admin().await;
    let cup = store.product(&admin, 250, 10).await;

    // Sign up, log in.
    let pat = store.customer().await;
    let me = store.users().get_current_user(pat.request(GetCurrentUserRequest {})).await;
    assert_eq!(me.expect("Pat is logged in").into_inner().user, Some(pat.user.clone()));
    store.mail(&pat.user.email, "Welcome").await;

    // Browse, view details.
    let request = ListProductsRequest { query: cup.name.clone(), ..Default::default() };
    let listed = store.products().list_products(request).await.expect("it is public").into_inner();
    assert!(listed.products.iter().any(|product| product.product_id == cup.product_id));
    let request = GetProductRequest { key: Some(Key::Slug(cup.slug.clone())) };
    let details = store.products().get_product(request).await.expect("it is public").into_inner();
    let details = details.product.expect("a response has it");
    assert_eq!((details.stock_state(), details.price), (StockState::InStock, cup.price.clone()));

    // Place an order; a mail follows.
    let placed =
        store.orders().place_order(pat.request(place_order(&[(&cup.product_id, 2)]))).await;
    let placed = placed.expect("the stock is available").into_inner();
    let order = placed.order.expect("a response has it");
    assert_eq!((order.state(), placed.replayed), (OrderState::Confirmed, false));
    assert_eq!(order.total, Some(proto::money::from_minor(500, "EUR")));
    let mail = store.mail(&pat.user.email, &order.order_id[..8]).await;
    for body in [&mail.text, &mail.html] {
        assert!(body.contains(&cup.name) && body.contains("5.00"), "{body}");
    }
    store.wait_for_sent_mail(&pat, &order.order_id).await;
    store.wait_for_stock(&admin, &cup.product_id, 8).await;

    // An admin changes the stock, and the storefront shows it.
    store.set_on_hand(&admin, &cup.product_id, 0).await;
    let request = GetProductRequest { key: Some(Key::Slug(cup.slug.clone())) };
    let details = store.products().get_product(request).await.expect("it is public").into_inner();
    let state = details.product.expect("a response has it").stock_state();
    assert_eq!(state, StockState::OutOfStock);

    // An admin sees the order in the history and in the statistics.
    let filter = ListAllOrdersRequest {
        customer_email: pat.user.email.to_uppercase(),
        ..Default::default()
    };
    let history = store.all_orders().list_all_orders(admin.request(filter)).await;
    let history = history.expect("the filter is valid").into_inner().orders;
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].order_id, order.order_id);
    assert!(totals(&store, &admin).await.orders >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_eight_flows_work_by_grpc_web() {
    all_eight_flows(Protocol::GrpcWeb).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_eight_flows_work_by_grpc() {
    all_eight_flows(Protocol::Grpc).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_an_order_returns_its_stock_and_sends_a_mail() {
    let store = Store::shared(Protocol::GrpcWeb);
    let admin = store.admin().await;
    let cup = store.product(&admin, 250, 3).await;
    let pat = store.customer().await;
    let order_id = store.place(&pat, &[(&cup.product_id, 3)]).await.order_id;

    for _ in 0..2 {
        let request = CancelOrderRequest { order_id: order_id.clone() };
        let cancelled = store.orders().cancel_order(pat.request(request)).await;
        let order = cancelled.expect("cancellation is idempotent").into_inner().order;
        let order = order.expect("a response has it");
        assert_eq!(order.state(), OrderState::Cancelled);
        assert_eq!(order.history.len(), 2);
    }
    store.mail(&pat.user.email, "cancelled").await;
    store.wait_for_stock(&admin, &cup.product_id, 3).await;
    let request = ShipOrderRequest { order_id };
    let result = store.all_orders().ship_order(admin.request(request)).await;
    assert_eq!(reason(&result.expect_err("the order is cancelled")), "ORDER_NOT_SHIPPABLE");
}

#[tokio::test(flavor = "multi_thread")]
async fn shipping_an_order_sends_a_mail_and_prevents_cancellation() {
    let store = Store::shared(Protocol::GrpcWeb);
    let admin = store.admin().await;
    let cup = store.product(&admin, 250, 3).await;
    let pat = store.customer().await;
    let order_id = store.place(&pat, &[(&cup.product_id, 1)]).await.order_id;

    let request = ShipOrderRequest { order_id: order_id.clone() };
    let shipped = store.all_orders().ship_order(admin.request(request)).await;
    let order = shipped.expect("the order is confirmed").into_inner().order;
    let order = order.expect("a response has it");
    assert_eq!(order.state(), OrderState::Shipped);
    store.mail(&pat.user.email, "on its way").await;
    let request = CancelOrderRequest { order_id };
    let result = store.orders().cancel_order(pat.request(request)).await;
    assert_eq!(reason(&result.expect_err("the order is shipped")), "ORDER_NOT_CANCELLABLE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_can_be_refreshed_until_logout() {
    let store = Store::shared(Protocol::GrpcWeb);
    let pat = store.customer().await;
    let request = LoginRequest {
        email: pat.user.email.to_uppercase(),
        password: PASSWORD.into(),
        ..LoginRequest::default()
    };
    let login = store.users().login(request).await.expect("the address ignores case").into_inner();
    let request = RefreshSessionRequest { refresh_token: login.refresh_token.clone() };
    let refreshed = store.users().refresh_session(request).await.expect("it is valid").into_inner();
    assert_ne!(refreshed.refresh_token, login.refresh_token);

    let request = with_token(&refreshed.access_token, LogoutRequest { everywhere: false });
    store.users().logout(request).await.expect("Pat is logged in");
    let request = RefreshSessionRequest { refresh_token: refreshed.refresh_token };
    let ended = store.users().refresh_session(request).await.expect_err("the session has ended");
    assert_eq!(reason(&ended), "REFRESH_TOKEN_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailed_link_resets_a_forgotten_password() {
    let store = Store::shared(Protocol::GrpcWeb);
    let pat = store.customer().await;
    let request = RequestPasswordResetRequest { email: pat.user.email.clone() };
    store.users().request_password_reset(request).await.expect("the method is public");
    let mail = store.mail(&pat.user.email, "Set a new password").await;
    let (_, link) = mail.text.split_once("/reset-password#token=").expect("the mail has a link");
    let token = link.split_whitespace().next().expect("the link has a token");
    let new_password = "a horse of another colour";
    let request =
        ResetPasswordRequest { token: token.to_owned(), new_password: new_password.to_owned() };
    store.users().reset_password(request).await.expect("the link is valid");

    let old = store.log_in(&pat.user.email, PASSWORD).await.expect_err("the password was changed");
    assert_eq!(reason(&old), "BAD_CREDENTIALS");
    let person = store.log_in(&pat.user.email, new_password).await.expect("it is set");
    assert!(person.user.email_verified, "the link verifies the address");
    store.mail(&pat.user.email, "was changed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_lists_own_orders_in_pages_newest_first() {
    let store = Store::shared(Protocol::GrpcWeb);
    let admin = store.admin().await;
    let cup = store.product(&admin, 250, 9).await;
    let pat = store.customer().await;
    let mut placed = Vec::new();
    for _ in 0..3 {
        placed.insert(0, store.place(&pat, &[(&cup.product_id, 1)]).await.order_id);
    }
    let mut listed = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pat.request(ListOrdersRequest { page_size: 2, page_token });
        let page = store.orders().list_orders(request).await.expect("the page exists").into_inner();
        listed.extend(page.orders.into_iter().map(|order| order.order_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed, placed);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_internal_system_exchanges_its_credentials_for_a_token() {
    let env = Env::from_env();
    let program = std::env::current_exe().expect("the test has a path");
    let binaries = program.ancestors().nth(2).expect("the test is in target/debug/deps");
    let output = Command::new(binaries.join("user-svc"))
        .args(["create-client", "warehouse", "--role", "admin"])
        .env("DATABASE_URL", env.database_url(Service::USER))
        .output()
        .expect("user-svc is built");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).expect("the output is UTF-8");
    let value = |name: &str| {
        let line = printed.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
        line.unwrap_or_else(|| panic!("no {name} in {printed}")).to_owned()
    };
    let store = Store::shared(Protocol::Grpc);
    let request = ExchangeClientCredentialsRequest {
        client_id: value("client_id"),
        client_secret: value("client_secret"),
    };
    let exchanged =
        store.users().exchange_client_credentials(request).await.expect("they are valid");
    let token = exchanged.into_inner().access_token;
    let request = with_token(&token, ListAllOrdersRequest::default());
    store.all_orders().list_all_orders(request).await.expect("the client has the role of an admin");
    let me = store.users().get_current_user(with_token(&token, GetCurrentUserRequest {})).await;
    assert_eq!(reason(&me.expect_err("the client has no account")), "USER_NOT_FOUND");
}
