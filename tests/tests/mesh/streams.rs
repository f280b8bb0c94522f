//! Streams and files through the gateway.

use proto::{
    order::v1::{
        ExportOrdersRequest, MailState, OrderState, ShipOrderRequest, WatchOrderRequest,
        WatchOrderResponse,
    },
    product::v1::{ImportProductsRequest, StockState, WatchStockRequest, WatchStockResponse},
};
use tests::{
    PATIENCE,
    store::{Protocol, Store},
};
use tokio::time::timeout;
use tonic::Streaming;
use uuid::Uuid;

const PROTOCOLS: [Protocol; 2] = [Protocol::Grpc, Protocol::GrpcWeb];

/// Reads messages until one matches.
async fn read_until<T>(stream: &mut Streaming<T>, matches: impl Fn(&T) -> bool) {
    let read = async {
        loop {
            let message = stream.message().await.expect("no error").expect("the stream goes on");
            if matches(&message) {
                return;
            }
        }
    };
    timeout(PATIENCE, read).await.expect("a message matches in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_report_changes_of_stock_and_of_an_order() {
    for protocol in PROTOCOLS {
        let store = Store::shared(protocol);
        let admin = store.admin().await;
        let cup = store.product(&admin, 250, 10).await;
        let request = WatchStockRequest { product_ids: vec![cup.product_id.clone()] };
        let stock = store.products().watch_stock(request).await.expect("the method is public");
        let mut stock = stock.into_inner();
        let has_state = |state: StockState| {
            move |message: &WatchStockResponse| {
                message.products.iter().any(|product| product.stock_state() == state)
            }
        };
        read_until(&mut stock, has_state(StockState::InStock)).await;

        let pat = store.customer().await;
        let order_id = store.place(&pat, &[(&cup.product_id, 10)]).await.order_id;
        read_until(&mut stock, has_state(StockState::OutOfStock)).await;

        let request = pat.request(WatchOrderRequest { order_id: order_id.clone() });
        let order = store.orders().watch_order(request).await.expect("it is Pat's order");
        let mut order = order.into_inner();
        let has_states = |state: OrderState, mail_state: MailState| {
            move |message: &WatchOrderResponse| {
                let order = message.order.as_ref();
                order.is_some_and(|o| (o.state(), o.mail_state()) == (state, mail_state))
            }
        };
        read_until(&mut order, has_states(OrderState::Confirmed, MailState::Sent)).await;
        let request = admin.request(ShipOrderRequest { order_id });
        store.all_orders().ship_order(request).await.expect("the order is confirmed");
        read_until(&mut order, has_states(OrderState::Shipped, MailState::Sent)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_imports_products_and_exports_orders() {
    for protocol in PROTOCOLS {
        let store = Store::shared(protocol);
        let admin = store.admin().await;
        let sku = Uuid::now_v7().simple().to_string();
        let file = format!(
            r#"[{{"sku": "{sku}", "name": "Cup {sku}", "category": "kitchen", "price": "2.50",
                  "currency": "EUR", "on_hand": 5}}]"#
        );
        let request = admin.request(ImportProductsRequest { file: file.into_bytes() });
        let report = store.products().import_products(request).await.expect("the file is valid");
        assert_eq!(report.into_inner().created_count, 1);

        let (cup, pat) = (store.product(&admin, 250, 3).await, store.customer().await);
        let order_id = store.place(&pat, &[(&cup.product_id, 3)]).await.order_id;
        let request =
            ExportOrdersRequest { customer_email: pat.user.email.clone(), ..Default::default() };
        let request = admin.request(request);
        let chunks = store.all_orders().export_orders(request).await.expect("the filter is valid");
        let mut chunks = chunks.into_inner();
        let mut file = Vec::new();
        while let Some(chunk) = chunks.message().await.expect("no error") {
            file.extend(chunk.csv);
        }
        let file = String::from_utf8(file).expect("the file is UTF-8");
        let lines: Vec<_> = file.split_terminator("\r\n").collect();
        assert_eq!(lines.len(), 2, "{file}");
        assert!(lines[1].starts_with(&order_id) && lines[1].ends_with(",7.50,EUR"), "{file}");
    }
}
