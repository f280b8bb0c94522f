//! Messages about orders.

use mesh::{identity::Claims, validate::Violations};
use mesh_data::{
    page::{Page, PageTokens, Scope},
    subscription::Update,
};
use proto::{
    country,
    money::{amount, from_minor},
    order::v1 as pb,
    time::{optional_range, timestamp},
};

use super::Result;
use crate::order::{
    ActorRole, Address, Checkout, Customer, CustomerId, HistoryEntry, MailState, Order, OrderId,
    OrderRequest, OrderState, ProductId,
    filter::{Cursor, OrderFilter, OrderSort},
};

const ITEMS_MAX: usize = 50;
const ITEM_QUANTITY_MAX: i32 = 99;
const EMAIL_CHARACTERS_MAX: usize = 254;
const STATES_MAX: usize = 10;

/// Returns the customer of an access token; an API client has no address.
fn customer(claims: &Claims) -> Customer {
    Customer {
        id: CustomerId(claims.sub),
        email: claims.email.clone().unwrap_or_default(),
        email_verified: claims.email_verified,
        name: claims.name.clone(),
    }
}

/// Returns the checkout that PlaceOrder requests.
///
/// # Errors
/// VALIDATION_FAILED.
pub(crate) fn place_order(
    message: pb::PlaceOrderRequest,
    claims: &Claims,
    currency: &str,
) -> Result<Checkout> {
    let mut violations = Violations::new();
    let request_id = violations.uuid("request_id", &message.request_id);
    let items = items(&mut violations, &message.items);
    violations.require(message.shipping_address.is_some(), "shipping_address", "must be set");
    let shipping_address = message.shipping_address.unwrap_or_default();
    let shipping_address = address(&mut violations, &shipping_address);
    let expected = message.expected_total.as_ref();
    let expected_total_minor =
        expected.map(|total| amount(total, currency, violations.under("expected_total")));
    let request = OrderRequest { items, shipping_address, expected_total_minor };
    violations.finish(Checkout { customer: customer(claims), request_id, request })
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
        country::is_code(&read.country_code),
        "shipping_address.country_code",
        "must be a country of ISO 3166-1 alpha-2, in upper case",
    );
    read
}

/// Returns the page that ListOrders requests.
///
/// # Errors
/// VALIDATION_FAILED.
pub(crate) fn list_orders(
    request: &pb::ListOrdersRequest,
    caller: &str,
    tokens: &PageTokens,
) -> Result<Page<Cursor>> {
    let mut violations = Violations::new();
    let scope = Scope { method: "ListOrders", filters: &(), caller };
    let page = Page::read(&mut violations, tokens, &scope, request.page_size, &request.page_token);
    violations.finish(page)
}

/// Reads the filters of ListAllOrders and ExportOrders, whose requests have the same fields.
macro_rules! order_filter {
    ($violations:expr, $request:expr, $currency:expr) => {{
        let (violations, request, currency): (&mut Violations, _, &str) =
            ($violations, $request, $currency);
        let sort = sort(violations, &request.order_by);
        let (start, end) = optional_range(
            request.start_time.as_ref(),
            request.end_time.as_ref(),
            |field, text| {
                violations.add(field, text);
            },
        );
        let email =
            violations.text("customer_email", &request.customer_email, 0, EMAIL_CHARACTERS_MAX);
        let product_id = violations.optional_uuid("product_id", &request.product_id);
        OrderFilter {
            states: states(violations, &request.states),
            start,
            end,
            customer_email: (!email.is_empty()).then_some(email),
            product_id: product_id.map(ProductId),
            total_min_minor: (request.total_min.as_ref())
                .map(|total| amount(total, currency, violations.under("total_min"))),
            sort,
        }
    }};
}

/// Returns the filter and the page that ListAllOrders requests.
///
/// # Errors
/// VALIDATION_FAILED.
pub(crate) fn list_all_orders(
    request: &pb::ListAllOrdersRequest,
    currency: &str,
    caller: &str,
    tokens: &PageTokens,
) -> Result<(OrderFilter, Page<Cursor>)> {
    let mut violations = Violations::new();
    let filter = order_filter!(&mut violations, request, currency);
    let scope = Scope { method: "ListAllOrders", filters: &filter, caller };
    let page = Page::read(&mut violations, tokens, &scope, request.page_size, &request.page_token);
    violations.finish((filter, page))
}

/// Returns the filter that ExportOrders requests.
///
/// # Errors
/// VALIDATION_FAILED.
pub(crate) fn export_orders(
    request: &pb::ExportOrdersRequest,
    currency: &str,
) -> Result<OrderFilter> {
    let mut violations = Violations::new();
    let filter = order_filter!(&mut violations, request, currency);
    violations.finish(filter)
}

fn sort(violations: &mut Violations, order_by: &str) -> OrderSort {
    match order_by {
        "" | "create_time desc" => OrderSort::CreateTimeDescending,
        "create_time" => OrderSort::CreateTime,
        "total desc" => OrderSort::TotalDescending,
        "total" => OrderSort::Total,
        _ => {
            let known = "must be create_time desc, create_time, total desc or total";
            violations.add("order_by", known);
            OrderSort::CreateTimeDescending
        }
    }
}

/// Returns the requested states, each once, or all if none is requested.
fn states(violations: &mut Violations, requested: &[i32]) -> Vec<OrderState> {
    violations.require(requested.len() <= STATES_MAX, "states", "must be at most 10");
    let mut states = Vec::new();
    for (i, &state) in requested.iter().take(STATES_MAX).enumerate() {
        match pb::OrderState::try_from(state) {
            Ok(pb::OrderState::Confirmed) => states.push(OrderState::Confirmed),
            Ok(pb::OrderState::Shipped) => states.push(OrderState::Shipped),
            Ok(pb::OrderState::Cancelled) => states.push(OrderState::Cancelled),
            Ok(pb::OrderState::Unspecified) | Err(_) => {
                violations.add(format!("states[{i}]"), "must be a state of an order");
            }
        }
    }
    states.sort();
    states.dedup();
    if states.is_empty() { OrderState::ALL.to_vec() } else { states }
}

/// Who gets an order. A customer does not see which admin changed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Viewer {
    Customer,
    /// An admin, or another service.
    Shop,
}

/// Converts an order.
pub(crate) fn order(order: Order, viewer: Viewer, currency: &str) -> pb::Order {
    let history = [order.initial_entry()].into_iter().chain(order.later_history);
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

/// Converts an update of WatchOrder.
pub(crate) fn order_update(
    update: Update<OrderId, Order>,
    currency: &str,
) -> pb::WatchOrderResponse {
    match update {
        Update::Heartbeat => pb::WatchOrderResponse { order: None, heartbeat: true },
        // An order is never deleted, so the watched one exists.
        Update::Values(orders) => {
            let current = orders.into_iter().find_map(|(_, current)| current);
            let order = current.map(|current| order(current, Viewer::Customer, currency));
            pb::WatchOrderResponse { order, heartbeat: false }
        }
    }
}

fn history_entry(entry: HistoryEntry, viewer: Viewer) -> pb::OrderHistoryEntry {
    let actor_role = match entry.actor.role() {
        ActorRole::Customer => pb::ActorRole::Customer,
        ActorRole::Admin => pb::ActorRole::Admin,
    };
    let actor_id = match viewer {
        Viewer::Customer => String::new(),
        Viewer::Shop => entry.actor.id().to_string(),
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
