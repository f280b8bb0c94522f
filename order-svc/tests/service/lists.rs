//! Lists with keyset pagination: every filter and sort order, page by page, compared with a
//! model in the test.

use chrono::{DateTime, Duration, Utc};
use mesh::identity::Claims;
use order_svc::App;
use proptest::{prelude::*, strategy::ValueTree};
use proto::{
    order::v1::{ListAllOrdersRequest, ListOrdersRequest, MailState, Order, OrderState},
    time::{from_timestamp, timestamp},
};
use tests::status::bad_fields;
use uuid::Uuid;

use crate::harness::{Shop, eur, execute, insert, new_order, product_id};

/// Inserts sixty orders of three customers over two days, many with the same time and the
/// same total, in all states.
async fn orders(shop: &Shop, app: &App) -> (Vec<Claims>, Vec<Order>) {
    let customers: Vec<Claims> = (0..3).map(|_| shop.issuer.customer()).collect();
    for n in 0..60_u8 {
        let customer = &customers[usize::from(n % 3)];
        let items = [(n % 5, 1 + i32::from(n % 4)), (10 + n % 2, 1)];
        let order = insert(app, new_order(customer, &items)).await;
        let quarter = n / 4;
        execute(
            app,
            &format!(
                "UPDATE checkouts SET created_at = '2026-03-01T00:00:00Z'::timestamptz \
                 + {quarter} * interval '3 hours' WHERE order_id = '{}'",
                order.id
            ),
        )
        .await;
        match n % 7 {
            0 => drop(shop.cancel(customer, &order.id.to_string()).await.unwrap()),
            1 | 2 => drop(shop.ship(&order.id.to_string()).await.unwrap()),
            _ => {}
        }
    }
    // Tombstones are in no list.
    execute(app, "INSERT INTO checkouts (order_id, state) VALUES (gen_random_uuid(), 'ABANDONED')")
        .await;
    let all = all(shop, ListAllOrdersRequest { page_size: 100, ..Default::default() }).await;
    assert_eq!(all.len(), 60);
    (customers, all)
}

/// Reads all pages of a request.
async fn all(shop: &Shop, mut request: ListAllOrdersRequest) -> Vec<Order> {
    let mut orders = Vec::new();
    loop {
        let mut page = shop.list_all(request.clone()).await.unwrap();
        // In a whole store notify-svc delivers the mails of the test meanwhile.
        page.orders.iter_mut().for_each(|order| order.mail_state = MailState::Pending.into());
        assert!(page.orders.len() <= request.page_size as usize);
        orders.extend(page.orders);
        if page.next_page_token.is_empty() {
            return orders;
        }
        request.page_token = page.next_page_token;
    }
}

fn created(order: &Order) -> DateTime<Utc> {
    from_timestamp(&order.create_time.unwrap()).unwrap()
}

fn total_minor(order: &Order) -> i64 {
    proto::money::to_minor(order.total.as_ref().unwrap()).unwrap()
}

/// Returns the orders that the request must find.
fn expected(orders: &[Order], request: &ListAllOrdersRequest) -> Vec<Order> {
    let time = |time: Option<_>| time.map(|time| from_timestamp(&time).unwrap());
    let (start, end) = (time(request.start_time), time(request.end_time));
    let matches = |order: &&Order| {
        (request.states.is_empty() || request.states.contains(&order.state))
            && start.is_none_or(|start| created(order) >= start)
            && end.is_none_or(|end| created(order) < end)
            && (request.customer_email.is_empty()
                || order.customer_email.eq_ignore_ascii_case(&request.customer_email))
            && (request.product_id.is_empty()
                || order.items.iter().any(|item| item.product_id == request.product_id))
            && request
                .total_min
                .as_ref()
                .is_none_or(|min| total_minor(order) >= proto::money::to_minor(min).unwrap())
    };
    let mut found: Vec<Order> = orders.iter().filter(matches).cloned().collect();
    found.iter_mut().for_each(|order| order.mail_state = MailState::Pending.into());
    let id = |order: &Order| Uuid::try_parse(&order.order_id).unwrap();
    match request.order_by.split(' ').next().unwrap() {
        "total" => found.sort_by_key(|order| (total_minor(order), id(order))),
        _ => found.sort_by_key(|order| (created(order), id(order))),
    }
    if matches!(request.order_by.as_str(), "" | "create_time desc" | "total desc") {
        found.reverse();
    }
    found
}

fn requests(emails: Vec<String>) -> impl Strategy<Value = ListAllOrdersRequest> {
    use prop::{collection::vec, option::of, sample::select};
    let hours = |hours: i64| {
        let start: DateTime<Utc> = "2026-03-01T00:00:00Z".parse().unwrap();
        timestamp(start + Duration::hours(hours))
    };
    (
        (1..25_i32, vec(1..4_i32, 0..3), of((0..40_i64, 1..30_i64))),
        of(select(emails)),
        of(prop_oneof![0..5_u8, 10..12_u8]),
        of(0..1500_i64),
        select(&["", "create_time desc", "create_time", "total", "total desc"][..]),
    )
        .prop_map(move |((page_size, states, range), email, product, total, order_by)| {
            ListAllOrdersRequest {
                page_size,
                states,
                start_time: range.map(|(start, _)| hours(start)),
                end_time: range.map(|(start, length)| hours(start + length)),
                customer_email: email.unwrap_or_default().to_uppercase(),
                product_id: product.map_or_else(String::new, |n| product_id(n).to_string()),
                total_min: total.map(eur),
                order_by: order_by.into(),
                ..ListAllOrdersRequest::default()
            }
        })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_filter_and_sort_order_returns_the_matching_orders_page_by_page() {
    let shop = Shop::open().await;
    let (customers, orders) = orders(&shop, &shop.app()).await;
    let emails = customers.into_iter().filter_map(|customer| customer.email).collect();
    let strategy = requests(emails);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut found = 0;
    for _ in 0..150 {
        let request = strategy.new_tree(&mut runner).unwrap().current();
        let want = expected(&orders, &request);
        found += want.len();
        assert_eq!(all(&shop, request.clone()).await, want, "{request:?}");
    }
    assert!(found > 500, "the filters find orders: {found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_get_their_own_orders_newest_first_page_by_page() {
    let shop = Shop::open().await;
    let (customers, orders) = orders(&shop, &shop.app()).await;
    for customer in &customers {
        let mut own: Vec<String> = Vec::new();
        let mut request = ListOrdersRequest { page_size: 7, page_token: String::new() };
        loop {
            let requested = shop.issuer.request(customer, request.clone());
            let page = shop.orders.clone().list_orders(requested).await.unwrap().into_inner();
            assert!(page.orders.iter().flat_map(|o| &o.history).all(|h| h.actor_id.is_empty()));
            own.extend(page.orders.into_iter().map(|order| order.order_id));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        let theirs = orders.iter().filter(|o| o.customer_id == customer.sub.to_string());
        let theirs: Vec<Order> = theirs.cloned().collect();
        let want = expected(&theirs, &ListAllOrdersRequest::default());
        assert_eq!(own, want.into_iter().map(|order| order.order_id).collect::<Vec<_>>());
        assert_eq!(own.len(), 20);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_token_is_valid_for_one_caller_and_one_filter() {
    let shop = Shop::open().await;
    let app = shop.app();
    for n in 0..3 {
        insert(&app, new_order(&shop.customer, &[(n, 1)])).await;
    }
    let first = ListAllOrdersRequest { page_size: 1, ..Default::default() };
    let token = shop.list_all(first.clone()).await.unwrap().next_page_token;
    let next = ListAllOrdersRequest { page_token: token, ..first };
    assert_eq!(shop.list_all(next.clone()).await.unwrap().orders.len(), 1);

    let other = ListAllOrdersRequest { states: vec![OrderState::Shipped.into()], ..next.clone() };
    assert_eq!(bad_fields(&shop.list_all(other).await.unwrap_err()), ["page_token"]);
    let stranger = shop.issuer.request(&shop.issuer.admin(), next);
    let status = shop.all_orders.clone().list_all_orders(stranger).await.unwrap_err();
    assert_eq!(bad_fields(&status), ["page_token"]);
}
