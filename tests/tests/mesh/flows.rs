//! The eight flows, end to end, by a browser's protocol and by an internal system's.

use std::{
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use devstack::{Service, testing::Env};
use proto::{
    order::v1::{
        CancelOrderRequest, GetOrderStatisticsRequest, ListAllOrdersRequest, ListOrdersRequest,
        MailState, OrderState, ShipOrderRequest, StatisticsBucket, StatisticsTotals,
    },
    product::v1::{GetProductRequest, ListProductsRequest, StockState, get_product_request::Key},
    user::v1::{
        ExchangeClientCredentialsRequest, GetCurrentUserRequest, LoginRequest, LogoutRequest,
        RefreshSessionRequest, RequestPasswordResetRequest, ResetPasswordRequest,
    },
};
use tests::{
    eventually,
    issuer::with_token,
    status::reason,
    store::{PASSWORD, Person, Protocol, Store, place_order},
};

const QUARTER_SECONDS: i64 = 900;

/// Totals of all orders of the day around now.
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
    response.expect("it is good").into_inner().totals.expect("a response has them")
}

async fn all_eight_flows(protocol: Protocol) {
    let store = Store::shared(protocol);
    let admin = store.admin().await;
    let cup = store.product(&admin, 250, 10).await;

    // Sign up, log in.
    let pat = store.customer().await;
    let me = store.users().get_current_user(pat.request(GetCurrentUserRequest {})).await;
    assert_eq!(me.expect("it is logged in").into_inner().user, Some(pat.user.clone()));
    store.mail(&pat.user.email, "Welcome").await;

    // Browse, view details.
    let request = ListProductsRequest { query: cup.name.clone(), ..Default::default() };
    let listed = store.products().list_products(request).await.expect("anyone may").into_inner();
    assert!(listed.products.iter().any(|product| product.product_id == cup.product_id));
    let request = GetProductRequest { key: Some(Key::Slug(cup.slug.clone())) };
    let details = store.products().get_product(request).await.expect("anyone may").into_inner();
    let details = details.product.expect("a response has it");
    assert_eq!((details.stock_state(), details.price), (StockState::InStock, cup.price.clone()));

    // Place an order; the mail comes by itself.
    let placed =
        store.orders().place_order(pat.request(place_order(&[(&cup.product_id, 2)]))).await;
    let placed = placed.expect("there is enough").into_inner();
    let order = placed.order.expect("a response has it");
    assert_eq!((order.state(), placed.replayed), (OrderState::Confirmed, false));
    assert_eq!(order.total, Some(proto::money::from_minor(500, "EUR")));
    let mail = store.mail(&pat.user.email, &order.order_id[..8]).await;
    for body in [&mail.text, &mail.html] {
        assert!(body.contains(&cup.name) && body.contains("5.00"), "{body}");
    }
    eventually("the order shows that its mail was sent", || async {
        (store.order(&pat, &order.order_id).await.mail_state() == MailState::Sent).then_some(())
    })
    .await;

    // An admin changes stock, and the storefront shows it; the order took its two.
    eventually("the order takes its stock", || async {
        let stock = store.stock(&admin, &cup.product_id).await;
        ((stock.on_hand, stock.held) == (8, 0)).then_some(())
    })
    .await;
    store.set_on_hand(&admin, &cup.product_id, 0).await;
    let request = GetProductRequest { key: Some(Key::Slug(cup.slug.clone())) };
    let details = store.products().get_product(request).await.expect("anyone may").into_inner();
    let state = details.product.expect("a response has it").stock_state();
    assert_eq!(state, StockState::OutOfStock);

    // An admin sees the order in the history and in the statistics.
    let filter = ListAllOrdersRequest {
        customer_email: pat.user.email.to_uppercase(),
        ..Default::default()
    };
    let history = store.all_orders().list_all_orders(admin.request(filter)).await;
    let history = history.expect("it is good").into_inner().orders;
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
async fn a_cancelled_order_gives_its_stock_back_and_is_mailed() {
    let store = Store::shared(Protocol::GrpcWeb);
    let admin = store.admin().await;
    let cup = store.product(&admin, 250, 3).await;
    let pat = store.customer().await;
    let placed =
        store.orders().place_order(pat.request(place_order(&[(&cup.product_id, 3)]))).await;
    let order_id = placed.expect("there is enough").into_inner().order.expect("it has it").order_id;

    for _ in 0..2 {
        let request = CancelOrderRequest { order_id: order_id.clone() };
        let cancelled = store.orders().cancel_order(pat.request(request)).await;
        let order = cancelled.expect("twice is fine").into_inner().order.expect("it has it");
        assert_eq!(order.state(), OrderState::Cancelled);
        assert_eq!(order.history.len(), 2);
    }
    store.mail(&pat.user.email, "cancelled").await;
    eventually("the stock goes back", || async {
        let stock = store.stock(&admin, &cup.product_id).await;
        ((stock.on_hand, stock.held) == (3, 0)).then_some(())
    })
    .await;
    let request = ShipOrderRequest { order_id };
    let late = store.all_orders().ship_order(admin.request(request)).await;
    assert_eq!(reason(&late.expect_err("it is cancelled")), "ORDER_NOT_SHIPPABLE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shipped_order_is_mailed_and_can_no_longer_be_cancelled() {
    let store = Store::shared(Protocol::GrpcWeb);
    let admin = store.admin().await;
    let cup = store.product(&admin, 250, 3).await;
    let pat = store.customer().await;
    let placed =
        store.orders().place_order(pat.request(place_order(&[(&cup.product_id, 1)]))).await;
    let order_id = placed.expect("there is enough").into_inner().order.expect("it has it").order_id;

    let request = ShipOrderRequest { order_id: order_id.clone() };
    let shipped = store.all_orders().ship_order(admin.request(request)).await;
    let order = shipped.expect("it is confirmed").into_inner().order.expect("it has it");
    assert_eq!(order.state(), OrderState::Shipped);
    store.mail(&pat.user.email, "on its way").await;
    let request = CancelOrderRequest { order_id };
    let late = store.orders().cancel_order(pat.request(request)).await;
    assert_eq!(reason(&late.expect_err("it is shipped")), "ORDER_NOT_CANCELLABLE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_refreshed_and_ends_at_log_out() {
    let store = Store::shared(Protocol::GrpcWeb);
    let pat = store.customer().await;
    let request = LoginRequest {
        email: pat.user.email.to_uppercase(),
        password: PASSWORD.into(),
        use_cookie: false,
    };
    let login = store.users().login(request).await.expect("case does not matter").into_inner();
    let request = RefreshSessionRequest { refresh_token: login.refresh_token.clone() };
    let refreshed = store.users().refresh_session(request).await.expect("fresh").into_inner();
    assert_ne!(refreshed.refresh_token, login.refresh_token);

    let request = with_token(&refreshed.access_token, LogoutRequest { everywhere: false });
    store.users().logout(request).await.expect("it is logged in");
    let request = RefreshSessionRequest { refresh_token: refreshed.refresh_token };
    let ended = store.users().refresh_session(request).await.expect_err("it has ended");
    assert_eq!(reason(&ended), "REFRESH_TOKEN_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_forgot_the_password_gets_in_by_the_link_of_a_mail() {
    let store = Store::shared(Protocol::GrpcWeb);
    let pat = store.customer().await;
    let request = RequestPasswordResetRequest { email: pat.user.email.clone() };
    store.users().request_password_reset(request).await.expect("anyone may");
    let mail = store.mail(&pat.user.email, "Set a new password").await;
    let (_, link) = mail.text.split_once("/reset-password#token=").expect("it has a link");
    let token = link.split_whitespace().next().expect("it has a token");
    let new_password = "a horse of another colour";
    let request =
        ResetPasswordRequest { token: token.to_owned(), new_password: new_password.to_owned() };
    store.users().reset_password(request).await.expect("the link is good");

    let old = store.log_in(&pat.user.email, PASSWORD).await.expect_err("it was changed");
    assert_eq!(reason(&old), "BAD_CREDENTIALS");
    let again = store.log_in(&pat.user.email, new_password).await.expect("it is the new one");
    assert!(again.user.email_verified, "the mail was read");
    store.mail(&pat.user.email, "was changed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_sees_own_orders_newest_first_a_page_at_a_time() {
    let store = Store::shared(Protocol::GrpcWeb);
    let admin = store.admin().await;
    let cup = store.product(&admin, 250, 9).await;
    let pat = store.customer().await;
    let mut placed = Vec::new();
    for _ in 0..3 {
        let request = pat.request(place_order(&[(&cup.product_id, 1)]));
        let response = store.orders().place_order(request).await.expect("there is enough");
        placed.insert(0, response.into_inner().order.expect("it has it").order_id);
    }
    let mut listed = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pat.request(ListOrdersRequest { page_size: 2, page_token });
        let page = store.orders().list_orders(request).await.expect("it is good").into_inner();
        listed.extend(page.orders.into_iter().map(|order| order.order_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed, placed);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_internal_system_signs_in_with_its_own_credentials() {
    let env = Env::from_env();
    let program = std::env::current_exe().expect("a test is a file");
    let binaries = program.ancestors().nth(2).expect("a test lies in target/debug/deps");
    let output = Command::new(binaries.join("user-svc"))
        .args(["create-client", "warehouse", "--role", "admin"])
        .env("DATABASE_URL", env.database_url(Service::USER))
        .output()
        .expect("user-svc is built");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).expect("it prints text");
    let value = |name: &str| {
        let line = printed.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
        line.unwrap_or_else(|| panic!("{name} in {printed}")).to_owned()
    };
    let store = Store::shared(Protocol::Grpc);
    let request = ExchangeClientCredentialsRequest {
        client_id: value("client_id"),
        client_secret: value("client_secret"),
    };
    let exchanged =
        store.users().exchange_client_credentials(request).await.expect("they are good");
    let token = exchanged.into_inner().access_token;
    let request = with_token(&token, ListAllOrdersRequest::default());
    store.all_orders().list_all_orders(request).await.expect("it may as an admin may");
    let me = store.users().get_current_user(with_token(&token, GetCurrentUserRequest {})).await;
    assert_eq!(reason(&me.expect_err("it has no account")), "USER_NOT_FOUND");
}
