//! Statistics, compared with a model in the test, before and after rollups by any number of
//! replicas.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use futures::future::join_all;
use order_svc::{
    App,
    order::{Actor, CustomerId, Order, OrderState, fulfilment::cancel_order},
    statistics::{
        StatisticsQuery, TopProduct, Totals,
        periods::{Bucket, period_starts},
        report::get_order_statistics,
        rollup::roll_up,
    },
};
use proto::{
    order::v1::{GetOrderStatisticsRequest, StatisticsBucket},
    time::Timestamp,
};
use tests::issuer::Issuer;

use crate::harness::{Shop, app_alone, eur, execute, insert, new_order, number};

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Inserts a hundred orders around the ends of hours, days and months. Every fifth one is
/// cancelled, some before and some after a rollup.
async fn orders(app: &App) -> Vec<Order> {
    let customer = Issuer::start().await.customer();
    let actor = Actor::Customer(CustomerId(customer.sub));
    let mut orders = Vec::new();
    for n in 0..100_u8 {
        let items = [(n % 13, 1 + i32::from(n % 3)), (20 + n % 4, 2)];
        let mut order = insert(app, new_order(&customer, &items)).await;
        order.created_at = time("2026-02-25T00:00:00Z")
            + Duration::minutes(15 * (i64::from(n) * 97 % 1500))
            + Duration::seconds(i64::from(n % 3) * 300);
        execute(
            app,
            &format!(
                "UPDATE checkouts SET created_at = '{}' WHERE order_id = '{}'",
                order.created_at.to_rfc3339(),
                order.id
            ),
        )
        .await;
        if n == 30 || n == 60 {
            // Three at the same time: one of them rolls up each row.
            let rollups = join_all((0..3).map(|_| roll_up(app))).await;
            assert!(rollups.into_iter().all(|more| !more.unwrap()));
            assert_eq!(number(app, "SELECT count(*) FROM uncounted_orders").await, 0);
        }
        if n % 5 == 0 {
            order = cancel_order(app, actor, order.id).await.unwrap();
        }
        orders.push(order);
    }
    orders
}

fn expected(orders: &[Order], query: &StatisticsQuery) -> (Vec<Totals>, Vec<TopProduct>) {
    let StatisticsQuery { starts, end } = query;
    let mut periods = vec![Totals::default(); starts.len()];
    let mut products: BTreeMap<_, TopProduct> = BTreeMap::new();
    for order in orders.iter().filter(|order| order.state != OrderState::Cancelled) {
        let after = starts.iter().filter(|start| **start <= order.created_at).count();
        if after == 0 || order.created_at >= *end {
            continue;
        }
        let period = &mut periods[after - 1];
        period.orders += 1;
        period.revenue_minor += order.total_minor;
        for item in &order.items {
            let quantity = i64::from(item.quantity);
            period.items += quantity;
            let product = products.entry(item.product_id).or_insert_with(|| TopProduct {
                product_id: item.product_id,
                name: item.name.clone(),
                quantity: 0,
                revenue_minor: 0,
            });
            product.quantity += quantity;
            product.revenue_minor += quantity * item.price_minor;
        }
    }
    let mut top: Vec<TopProduct> = products.into_values().collect();
    top.sort_by_key(|product| (-product.revenue_minor, product.product_id));
    top.truncate(10);
    (periods, top)
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_equal_those_of_the_orders_before_and_after_a_rollup() {
    use Bucket::{Day, Hour, Month, Week};
    let app = app_alone().await;
    let orders = orders(&app).await;
    let check = async || {
        let mut counted = 0;
        for zone in ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/New_York"] {
            for (start, end, bucket) in [
                ("2026-02-01T00:00:00Z", "2026-04-01T00:00:00Z", Day),
                ("2026-02-01T00:00:00Z", "2026-04-01T00:00:00Z", Week),
                ("2024-01-01T00:00:00Z", "2028-01-01T00:00:00Z", Month),
                ("2026-02-28T06:15:00Z", "2026-03-03T17:45:00Z", Hour),
                ("2026-02-26T06:15:00Z", "2026-03-05T17:45:00Z", Day),
                ("2026-02-27T00:15:00Z", "2026-02-27T00:30:00Z", Month),
            ] {
                let (start, end) = (time(start), time(end));
                let starts = period_starts(start, end, bucket, zone.parse().unwrap()).unwrap();
                let query = StatisticsQuery { starts, end };
                let response = get_order_statistics(&app, &query).await.unwrap();
                let (periods, top) = expected(&orders, &query);
                assert_eq!(response.periods, periods, "{bucket:?} in {zone} from {start}");
                assert_eq!(response.top_products, top, "{bucket:?} in {zone} from {start}");
                let count: i64 = periods.iter().map(|period| period.orders).sum();
                assert_eq!(response.totals.orders, count);
                counted += count;
            }
        }
        assert!(counted > 500, "the queries find orders: {counted}");
    };
    assert!(number(&app, "SELECT count(*) FROM uncounted_orders").await > 0);
    check().await;
    roll_up(&app).await.unwrap();
    assert_eq!(number(&app, "SELECT count(*) FROM uncounted_orders").await, 0);
    check().await;
    roll_up(&app).await.unwrap();
    check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_has_the_name_of_its_latest_order() {
    let app = app_alone().await;
    let customer = Issuer::start().await.customer();
    let query = StatisticsQuery {
        starts: vec![Utc::now() - Duration::days(1)],
        end: Utc::now() + Duration::days(1),
    };
    let names = async || {
        let response = get_order_statistics(&app, &query).await.unwrap();
        response.top_products.into_iter().map(|product| product.name).collect::<Vec<_>>()
    };
    for (name, is_rolled_up) in
        [("Cup", false), ("Mug", true), ("Beaker", false), ("Tumbler", false)]
    {
        let mut order = new_order(&customer, &[(1, 1)]);
        order.items[0].name = name.into();
        insert(&app, order).await;
        if is_rolled_up {
            roll_up(&app).await.unwrap();
        }
        assert_eq!(names().await, [name]);
    }
    roll_up(&app).await.unwrap();
    assert_eq!(names().await, ["Tumbler"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_orders_and_empty_periods_are_in_the_statistics_at_once() {
    let shop = Shop::open().await;
    let app = shop.app();
    for _ in 0..3 {
        insert(&app, new_order(&shop.customer, &[(1, 1), (2, 1)])).await;
    }
    let order = insert(&app, new_order(&shop.customer, &[(1, 7)])).await;
    let day = Utc::now().timestamp() / 86_400;
    let at = |day: i64| Some(Timestamp { seconds: day * 86_400, nanos: 0 });
    let query = async || {
        let request = GetOrderStatisticsRequest {
            start_time: at(day - 2),
            end_time: at(day + 2),
            bucket: StatisticsBucket::Day.into(),
            time_zone: String::new(),
        };
        let request = shop.issuer.request(&shop.admin, request);
        let response = shop.all_orders.clone().get_order_statistics(request).await;
        response.unwrap().into_inner()
    };
    let before = query().await;
    let totals = before.totals.unwrap();
    assert_eq!((totals.orders, totals.items), (4, 13));
    assert_eq!(totals.revenue, Some(eur(13 * 250)));
    assert_eq!(totals.average_order_value, Some(eur(13 * 250 / 4)));
    let counts: Vec<_> = before.periods.iter().map(|p| p.totals.as_ref().unwrap().orders).collect();
    assert!([[0, 0, 4, 0], [0, 0, 0, 4]].map(Vec::from).contains(&counts), "{counts:?}");
    let top: Vec<_> = before.top_products.iter().map(|p| (p.name.as_str(), p.quantity)).collect();
    assert_eq!(top, [("Product 1", 10), ("Product 2", 3)]);

    shop.cancel(&shop.customer, &order.id.to_string()).await.unwrap();
    let after = query().await;
    let totals = after.totals.unwrap();
    assert_eq!((totals.orders, totals.items), (3, 6));
    assert!(after.as_of.unwrap().seconds >= before.as_of.unwrap().seconds);
}
