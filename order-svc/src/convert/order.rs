//! Messages of `OrderService`, and what an order looks like to those who may see it.

use mesh::{identity::Claims, validate::Violations};
use mesh_data::{
    page::{Page, PageTokens, Scope},
    subscription::Update,
};
use proto::{
    money::{amount, from_minor},
    order::v1 as pb,
    time::timestamp,
};

use super::Result;
use crate::{
    checkout::Checkout,
    lookup::Cursor,
    order::{
        ActorRole, Address, Basket, Customer, CustomerId, HistoryEntry, MailState, Order, OrderId,
        OrderState, ProductId, is_country_code,
    },
};

const ITEMS_MAX: usize = 50;
const ITEM_QUANTITY_MAX: i32 = 99;

/// Who buys, as the token tells; an API client has no address.
fn customer(claims: &Claims) -> Customer {
    Customer {
        id: CustomerId(claims.sub),
        email: claims.email.clone().unwrap_or_default(),
        name: claims.name.clone(),
    }
}

/// What PlaceOrder asks for.
///
/// # Errors
/// VALIDATION_FAILED.
pub fn place_order(
    request: pb::PlaceOrderRequest,
    claims: &Claims,
    currency: &str,
) -> Result<Checkout> {
    let mut violations = Violations::new();
    let request_id = violations.uuid("request_id", &request.request_id);
    let items = items(&mut violations, &request.items);
    violations.require(request.shipping_address.is_some(), "shipping_address", "must be set");
    let shipping_address = request.shipping_address.unwrap_or_default();
    let shipping_address = address(&mut violations, &shipping_address);
    let expected = request.expected_total.as_ref();
    let expected_total_minor =
        expected.map(|total| amount(total, currency, violations.under("expected_total")));
    let basket = Basket { items, shipping_address, expected_total_minor };
    violations.finish(Checkout { customer: customer(claims), request_id, basket })
}

fn items(violations: &mut Violations, items: &[pb::PlaceOrderItem]) -> Vec<(ProductId, i32)> {
    violations.require((1..=ITEMS_MAX).contains(&items.len()), "items", "must be 1 to 50");
    let mut read: Vec<(ProductId, i32)> = Vec::with_capacity(items.len().min(ITEMS_MAX));
    for (i, item) in items.iter().take(ITEMS_MAX).enumerate() {
        let field = format!("items[{i}].product_id");
        let product_id = ProductId(violations.uuid(&field, &item.product_id));
        if !product_id.0.is_nil() && read.iter().any(|(id, _)| *id == product_id) {
            violations.add(field, "must not come twice");
        }
        if !(1..=ITEM_QUANTITY_MAX).contains(&item.quantity) {
            violations.add(format!("items[{i}].quantity"), "must be 1 to 99");
        }
        read.push((product_id, item.quantity));
    }
    read
}

fn address(violations: &mut Violations, address: &pb::Address) -> Address {
    let mut text = |field: &str, value: &str, max| {
        violations.text(&format!("shipping_address.{field}"), value, 1, max)
    };
    let read = Address {
        full_name: text("full_name", &address.full_name, 200),
        street: text("street", &address.street, 200),
        city: text("city", &address.city, 100),
        postal_code: text("postal_code", &address.postal_code, 20),
        country_code: address.country_code.clone(),
    };
    violations.require(
        is_country_code(&read.country_code),
        "shipping_address.country_code",
        "must be a country of ISO 3166-1 alpha-2, in upper case",
    );
    read
}

/// What a page token of ListOrders is good for.
pub fn list_orders_scope(caller: &str) -> Scope<'_, ()> {
    Scope { method: "ListOrders", filters: &(), caller }
}

/// Which page ListOrders asks for.
///
/// # Errors
/// VALIDATION_FAILED.
pub fn list_orders(
    request: &pb::ListOrdersRequest,
    caller: &str,
    tokens: &PageTokens,
) -> Result<Page<Cursor>> {
    let mut violations = Violations::new();
    let scope = list_orders_scope(caller);
    let page = Page::read(&mut violations, tokens, &scope, request.page_size, &request.page_token);
    violations.finish(page)
}

/// Who sees an order: it tells a customer less of who did what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer {
    /// Its customer.
    Customer,
    /// An admin, or another service.
    Shop,
}

/// An order as the contract has it.
pub fn order(order: Order, viewer: Viewer, currency: &str) -> pb::Order {
    let history = [order.birth()].into_iter().chain(order.later_history);
    let items = order.items.into_iter().map(|item| pb::OrderItem {
        product_id: item.product_id.to_string(),
        name: item.name,
        quantity: item.quantity,
        price: Some(from_minor(item.price_minor, currency)),
    });
    let address = order.shipping_address;
    pb::Order {
        order_id: order.id.to_string(),
        state: order_state(order.state).into(),
        mail_state: mail_state(order.mail_state).into(),
        items: items.collect(),
        total: Some(from_minor(order.total_minor, currency)),
        shipping_address: Some(pb::Address {
            full_name: address.full_name,
            street: address.street,
            city: address.city,
            postal_code: address.postal_code,
            country_code: address.country_code,
        }),
        customer_email: order.customer.email,
        create_time: Some(timestamp(order.created_at)),
        history: history.map(|entry| history_entry(entry, viewer)).collect(),
        customer_id: order.customer.id.to_string(),
    }
}

/// What WatchOrder tells the customer.
pub fn order_news(news: Update<OrderId, Order>, currency: &str) -> pb::WatchOrderResponse {
    match news {
        Update::Heartbeat => pb::WatchOrderResponse { order: None, heartbeat: true },
        // An order is never deleted, so the one that is watched is there.
        Update::Values(orders) => {
            let now = orders.into_iter().find_map(|(_, now)| now);
            let order = now.map(|now| order(now, Viewer::Customer, currency));
            pb::WatchOrderResponse { order, heartbeat: false }
        }
    }
}

fn history_entry(entry: HistoryEntry, viewer: Viewer) -> pb::OrderHistoryEntry {
    let actor_role = match entry.actor.role {
        ActorRole::Customer => pb::ActorRole::Customer,
        ActorRole::Admin => pb::ActorRole::Admin,
    };
    let actor_id = match viewer {
        Viewer::Customer => String::new(),
        Viewer::Shop => entry.actor.id.to_string(),
    };
    pb::OrderHistoryEntry {
        state: order_state(entry.state).into(),
        time: Some(timestamp(entry.at)),
        actor_role: actor_role.into(),
        actor_id,
    }
}

fn order_state(state: OrderState) -> pb::OrderState {
    match state {
        OrderState::Confirmed => pb::OrderState::Confirmed,
        OrderState::Shipped => pb::OrderState::Shipped,
        OrderState::Cancelled => pb::OrderState::Cancelled,
    }
}

fn mail_state(state: MailState) -> pb::MailState {
    match state {
        MailState::None => pb::MailState::Unspecified,
        MailState::Pending => pb::MailState::Pending,
        MailState::Sent => pb::MailState::Sent,
        MailState::Failed => pb::MailState::Failed,
    }
}
