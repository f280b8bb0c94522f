//! Validation: all bad fields are reported at once, before anything else is checked.

use proto::{
    money::Money,
    order::v1::{
        self as pb, GetOrderStatisticsRequest, ListAllOrdersRequest, ListOrdersRequest,
        PlaceOrderRequest, ResolveCheckoutsRequest,
    },
    time::Timestamp,
};
use tests::status::{bad_fields, reason};
use uuid::Uuid;

use crate::harness::{Shop, eur, request};

#[tokio::test(flavor = "multi_thread")]
async fn all_bad_fields_of_a_checkout_are_reported_at_once() {
    let shop = Shop::open().await;
    let product = Uuid::now_v7().to_string();
    let mut bad = request(&[("x", 1), (&product, 0), (&product, 100)]);
    bad.request_id = "1".into();
    bad.shipping_address = Some(pb::Address {
        full_name: " ".into(),
        street: "s".repeat(201),
        city: String::new(),
        postal_code: "1".repeat(21),
        country_code: "de".into(),
    });
    bad.expected_total = Some(Money { currency_code: "USD".into(), units: -1, nanos: 0 });
    let status = shop.place(&shop.customer, bad).await.unwrap_err();
    assert_eq!(reason(&status), "VALIDATION_FAILED");
    assert_eq!(
        bad_fields(&status),
        [
            "request_id",
            "items[0].product_id",
            "items[1].quantity",
            "items[2].product_id",
            "items[2].quantity",
            "shipping_address.full_name",
            "shipping_address.street",
            "shipping_address.city",
            "shipping_address.postal_code",
            "shipping_address.country_code",
            "expected_total.currency_code",
            "expected_total",
        ]
    );

    let ids: Vec<String> = (0..51).map(|_| Uuid::now_v7().to_string()).collect();
    let items: Vec<_> = ids.iter().map(|id| (&**id, 1)).collect();
    let good = request(&[(&product, 1)]);
    let many = PlaceOrderRequest { items: request(&items).items, ..good.clone() };
    let none = PlaceOrderRequest { items: vec![], ..good.clone() };
    let no_address = PlaceOrderRequest { shipping_address: None, ..good.clone() };
    let fine = PlaceOrderRequest {
        expected_total: Some(Money { currency_code: "EUR".into(), units: 0, nanos: 1 }),
        ..good
    };
    for (bad, field) in [
        (many, "items"),
        (none, "items"),
        (no_address, "shipping_address"),
        (fine, "expected_total"),
    ] {
        let status = shop.place(&shop.customer, bad).await.unwrap_err();
        assert_eq!(bad_fields(&status)[0], field);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_pages_and_filters_are_validated() {
    let shop = Shop::open().await;
    let bad_id = shop.get(&shop.customer, "7").await.unwrap_err();
    assert_eq!(bad_fields(&bad_id), ["order_id"]);
    assert_eq!(bad_fields(&shop.cancel(&shop.customer, "").await.unwrap_err()), ["order_id"]);
    assert_eq!(bad_fields(&shop.ship("x").await.unwrap_err()), ["order_id"]);

    let list = ListOrdersRequest { page_size: -1, page_token: "x".into() };
    let list = shop.issuer.request(&shop.customer, list);
    let status = shop.orders.clone().list_orders(list).await.unwrap_err();
    assert_eq!(bad_fields(&status), ["page_size", "page_token"]);

    let filters = ListAllOrdersRequest {
        states: vec![1, 0, 9],
        start_time: Some(Timestamp { seconds: 2, nanos: 0 }),
        end_time: Some(Timestamp { seconds: 1, nanos: 0 }),
        customer_email: "e".repeat(255),
        product_id: "x".into(),
        total_min: Some(eur(-1)),
        order_by: "name".into(),
        ..ListAllOrdersRequest::default()
    };
    let list = ListAllOrdersRequest { page_size: -1, page_token: "x".into(), ..filters };
    let status = shop.list_all(list).await.unwrap_err();
    assert_eq!(
        bad_fields(&status),
        [
            "order_by",
            "end_time",
            "customer_email",
            "product_id",
            "states[1]",
            "states[2]",
            "total_min",
            "page_size",
            "page_token",
        ]
    );

    let mut checkouts = shop.checkouts.clone();
    for (order_ids, field) in [
        (vec![], "order_ids"),
        (vec!["x".into()], "order_ids[0]"),
        (vec![Uuid::nil().to_string(); 501], "order_ids"),
    ] {
        let request = ResolveCheckoutsRequest { order_ids };
        let status = checkouts.resolve_checkouts(request).await.unwrap_err();
        assert_eq!(bad_fields(&status), [field]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_of_statistics_are_validated() {
    let shop = Shop::open().await;
    let bad = async |start: i64, end: i64, bucket: i32, time_zone: &str| {
        let at = |seconds| Some(Timestamp { seconds, nanos: 0 });
        let request = GetOrderStatisticsRequest {
            start_time: at(start),
            end_time: at(end),
            bucket,
            time_zone: time_zone.into(),
        };
        let request = shop.issuer.request(&shop.admin, request);
        let response = shop.all_orders.clone().get_order_statistics(request).await;
        response.map_or_else(|status| bad_fields(&status), |_| vec![])
    };
    const YEAR: i64 = 365 * 86_400;
    assert_eq!(bad(0, 900, 1, "Europe/Berlin").await, [""; 0]);
    assert_eq!(
        bad(1, 899, 9, "Moon/Crater").await,
        ["start_time", "end_time", "bucket", "time_zone"]
    );
    assert_eq!(bad(900, 900, 0, "").await, ["end_time"]);
    assert_eq!(bad(0, 11 * YEAR, 4, "").await, ["end_time"]);
    assert_eq!(bad(0, YEAR, 1, "").await, ["end_time"]);
    assert_eq!(bad(0, 9 * YEAR, 3, "").await, [""; 0]);

    let empty = shop.issuer.request(&shop.admin, GetOrderStatisticsRequest::default());
    let status = shop.all_orders.clone().get_order_statistics(empty).await.unwrap_err();
    assert_eq!(bad_fields(&status), ["start_time", "end_time"]);
}
