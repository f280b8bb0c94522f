//! ExportOrders: the orders of a list as a CSV file.

use proto::order::v1::{ExportOrdersRequest, ListAllOrdersRequest, OrderState};
use tests::status::bad_fields;
use tonic::Status;

use crate::harness::{Shop, eur, insert, new_order};

/// Returns the parts of the file.
async fn export(shop: &Shop, request: ExportOrdersRequest) -> Result<Vec<String>, Status> {
    let request = shop.issuer.request(&shop.admin, request);
    let mut stream = shop.all_orders.clone().export_orders(request).await?.into_inner();
    let mut parts = Vec::new();
    while let Some(part) = stream.message().await? {
        parts.push(String::from_utf8(part.csv).unwrap());
    }
    Ok(parts)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_has_the_orders_of_the_list_in_the_same_sort_order() {
    let shop = Shop::open().await;
    let app = shop.app();
    // More than two pages, and more than two parts.
    for n in 0..450_u16 {
        let mut order = new_order(&shop.customer, &[((n % 7) as u8, 1 + i32::from(n % 3))]);
        order.request.shipping_address.street = format!("=cmd|\"{n}\",\r\n{}", "x".repeat(150));
        insert(&app, order).await;
    }
    let list = |page_token| ListAllOrdersRequest {
        page_size: 100,
        page_token,
        total_min: Some(eur(500)),
        order_by: "total".into(),
        ..Default::default()
    };
    let (mut listed, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = shop.list_all(list(page_token)).await.unwrap();
        listed.extend(page.orders);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed.len(), 300);

    let list = list(String::new());
    let (total_min, order_by) = (list.total_min, list.order_by);
    let request = ExportOrdersRequest { total_min, order_by, ..Default::default() };
    let parts = export(&shop, request).await.unwrap();
    assert!(
        parts.len() > 1 && parts.iter().all(|part| part.ends_with("\r\n")),
        "each part ends with a whole line"
    );
    assert!(parts.iter().all(|part| part.len() < 128 << 10));
    let file = parts.concat();
    let mut reader = csv::Reader::from_reader(file.as_bytes());
    let header = reader.headers().unwrap().clone();
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), listed.len());
    for (row, order) in rows.iter().zip(&listed) {
        let cell = |name| row.get(header.iter().position(|column| column == name).unwrap());
        let address = order.shipping_address.as_ref().unwrap();
        let [item] = &order.items[..] else { panic!("{order:?}") };
        let total = if item.quantity == 2 { "5.00" } else { "7.50" };
        for (name, value) in [
            ("order_id", &*order.order_id),
            ("state", "CONFIRMED"),
            ("customer_email", &order.customer_email),
            ("street", &format!("'{}", address.street)),
            ("units", &item.quantity.to_string()),
            ("items", &format!("{} × {}", item.quantity, item.name)),
            ("total", total),
            ("currency", "EUR"),
        ] {
            assert_eq!(cell(name), Some(value), "{name}");
        }
        // In a whole store notify-svc may deliver the mail meanwhile.
        assert!(matches!(cell("mail_state"), Some("PENDING" | "SENT")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_orders_has_its_header_and_bad_filters_are_reported() {
    let shop = Shop::open().await;
    let parts = export(&shop, ExportOrdersRequest::default()).await.unwrap();
    assert_eq!(parts.concat().matches("\r\n").count(), 1);
    let bad = ExportOrdersRequest {
        states: vec![OrderState::Unspecified.into()],
        product_id: "x".into(),
        order_by: "colour".into(),
        ..Default::default()
    };
    let mut fields = bad_fields(&export(&shop, bad).await.unwrap_err());
    fields.sort();
    assert_eq!(fields, ["order_by", "product_id", "states[0]"]);
}
