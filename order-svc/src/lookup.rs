//! Finding orders: operations that read and change nothing.

use chrono::{DateTime, Utc};
use mesh::boot::Process;
use mesh_data::{
    database::{Database, convert_error},
    page,
    subscription::Hub,
};
use serde::{Deserialize, Serialize};

use crate::{
    App,
    db::orders as db,
    error::Error,
    order::{CustomerId, Order, OrderId, OrderState, ProductId},
};

/// What ListAllOrders is to find, and in which order.
#[derive(Debug, Clone, Serialize)]
pub struct OrderFilter {
    /// In one of these states; never empty.
    pub states: Vec<OrderState>,
    /// Created at this time or later.
    pub start: Option<DateTime<Utc>>,
    /// Created before this time.
    pub end: Option<DateTime<Utc>>,
    /// The customer's address, in any case.
    pub customer_email: Option<String>,
    /// A product that it has.
    pub product_id: Option<ProductId>,
    /// Least total in minor units.
    pub total_min_minor: Option<i64>,
    /// In which order.
    pub order: OrderOrder,
}

/// In which order orders are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub enum OrderOrder {
    NewestFirst,
    OldestFirst,
    DearestFirst,
    CheapestFirst,
}

/// Where a page begins: after this order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cursor {
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Its total.
    pub total_minor: i64,
    /// Its id.
    pub id: OrderId,
}

/// Any order.
///
/// # Errors
/// ORDER_NOT_FOUND.
pub async fn get_any_order(app: &App, id: OrderId) -> Result<Order, Error> {
    let mut connection = app.database.connection().await?;
    let order = db::find_order(&mut connection, id).await?;
    order.ok_or(Error::OrderNotFound { order_id: id })
}

/// One of `customer`'s orders.
///
/// # Errors
/// ORDER_NOT_FOUND, also for another's.
pub async fn get_order(app: &App, customer: CustomerId, id: OrderId) -> Result<Order, Error> {
    let order = get_any_order(app, id).await?;
    match order.customer.id == customer {
        true => Ok(order),
        false => Err(Error::OrderNotFound { order_id: id }),
    }
}

/// Orders, for those who watch them.
pub fn watch_orders(process: &Process, database: Database) -> Hub<OrderId, Order> {
    Hub::start(process, "orders", move |ids: Vec<OrderId>| {
        let database = database.clone();
        async move {
            let mut connection = database.connection().await?;
            let orders = db::find_orders(&mut connection, &ids).await.map_err(convert_error)?;
            Ok(orders.into_iter().map(|order| (order.id, order)).collect())
        }
    })
}

/// A page of `customer`'s orders, newest first, and where the next one begins.
///
/// # Errors
/// Those of the database.
pub async fn list_orders(
    app: &App,
    customer: CustomerId,
    cursor: Option<&Cursor>,
    page_size: i64,
) -> Result<(Vec<Order>, Option<Cursor>), Error> {
    let mut connection = app.database.connection().await?;
    let orders = db::list_orders(&mut connection, customer, cursor, page_size + 1).await?;
    Ok(cut(orders, page_size))
}

/// A page of all orders that fit `filter`, and where the next one begins.
///
/// # Errors
/// Those of the database.
pub async fn list_all_orders(
    app: &App,
    filter: &OrderFilter,
    cursor: Option<&Cursor>,
    page_size: i64,
) -> Result<(Vec<Order>, Option<Cursor>), Error> {
    let mut connection = app.database.connection().await?;
    let orders = db::list_all_orders(&mut connection, filter, cursor, page_size + 1).await?;
    Ok(cut(orders, page_size))
}

fn cut(orders: Vec<Order>, page_size: i64) -> (Vec<Order>, Option<Cursor>) {
    let (orders, more) = page::cut(orders, page_size);
    let next = orders.last().filter(|_| more).map(|order| Cursor {
        created_at: order.created_at,
        total_minor: order.total_minor,
        id: order.id,
    });
    (orders, next)
}
