//! What goes on for longer than a call, through the gateway: streams, a file in, a
//! file out.

use proto::{
    order::v1::{
        ExportOrdersRequest, MailState, OrderState, ShipOrderRequest, WatchOrderRequest,
        WatchOrderResponse,
    },
    product::v1::{ImportProductsRequest, StockState, WatchStockRequest, WatchStockResponse},
};
use tests::{
    PATIENCE,
    store::{Protocol, Store, place_order},
};
use tokio::time::timeout;
use tonic::Streaming;
use uuid::Uuid;

const PROTOCOLS: [Protocol; 2] = [Protocol::Grpc, Protocol::GrpcWeb];

/// Reads until a message is what is waited for.
async fn until<T>(stream: &mut Streaming<T>, is_it: impl Fn(&T) -> bool) {
    let read = async {
        loop {
            let message = stream.message().await.expect("it goes well").expect("it goes on");
            if is_it(&message) {
                return;
            }
        }
    };
    timeout(PATIENCE, read).await.expect("it comes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_sees_stock_and_an_order_change_without_asking_again() {
    for protocol in PROTOCOLS {
        let store = Store::shared(protocol);
        let admin = store.admin().await;
        let cup = store.product(&admin, 250, 10).await;
        let request = WatchStockRequest { product_ids: vec![cup.product_id.clone()] };
        let stock = store.products().watch_stock(request).await.expect("anyone may");
        let mut stock = stock.into_inner();
        let is = |state: StockState| {
            move |message: &WatchStockResponse| {
                message.products.iter().any(|product| product.stock_state() == state)
            }
        };
        until(&mut stock, is(StockState::InStock)).await;

        let pat = store.customer().await;
        let request = pat.request(place_order(&[(&cup.product_id, 10)]));
        let placed = store.orders().place_order(request).await.expect("there is enough");
        let order_id = placed.into_inner().order.expect("a response has it").order_id;
        until(&mut stock, is(StockState::OutOfStock)).await;

        let request = pat.request(WatchOrderRequest { order_id: order_id.clone() });
        let order = store.orders().watch_order(request).await.expect("it is Pat's");
        let mut order = order.into_inner();
        let is = |state: OrderState, mail_state: MailState| {
            move |message: &WatchOrderResponse| {
                let order = message.order.as_ref();
                order.is_some_and(|o| (o.state(), o.mail_state()) == (state, mail_state))
            }
        };
        until(&mut order, is(OrderState::Confirmed, MailState::Sent)).await;
        let request = admin.request(ShipOrderRequest { order_id });
        store.all_orders().ship_order(request).await.expect("it is confirmed");
        until(&mut order, is(OrderState::Shipped, MailState::Sent)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_brings_products_in_and_takes_orders_out_as_files() {
    for protocol in PROTOCOLS {
        let store = Store::shared(protocol);
        let admin = store.admin().await;
        let sku = Uuid::now_v7().simple().to_string();
        let file = format!(
            r#"[{{"sku": "{sku}", "name": "Cup {sku}", "category": "kitchen", "price": "2.50",
                  "currency": "EUR", "on_hand": 5}}]"#
        );
        let request = admin.request(ImportProductsRequest { file: file.into_bytes() });
        let report = store.products().import_products(request).await.expect("it is good");
        assert_eq!(report.into_inner().created_count, 1);

        let (cup, pat) = (store.product(&admin, 250, 3).await, store.customer().await);
        let request = pat.request(place_order(&[(&cup.product_id, 3)]));
        let placed = store.orders().place_order(request).await.expect("there is enough");
        let order_id = placed.into_inner().order.expect("a response has it").order_id;
        let request =
            ExportOrdersRequest { customer_email: pat.user.email.clone(), ..Default::default() };
        let request = admin.request(request);
        let parts = store.all_orders().export_orders(request).await.expect("it is good");
        let mut parts = parts.into_inner();
        let mut file = Vec::new();
        while let Some(part) = parts.message().await.expect("it goes well") {
            file.extend(part.csv);
        }
        let file = String::from_utf8(file).expect("it is UTF-8");
        let lines: Vec<_> = file.split_terminator("\r\n").collect();
        assert_eq!(lines.len(), 2, "{file}");
        assert!(lines[1].starts_with(&order_id) && lines[1].ends_with(",7.50,EUR"), "{file}");
    }
}
