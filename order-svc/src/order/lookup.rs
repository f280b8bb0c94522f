//! Reads orders.

use std::collections::HashMap;

use mesh::boot::Process;
use mesh_data::{
    database::{Database, convert_error},
    page::{Listed, Page},
    subscription::Hub,
};

use super::{
    CustomerId, Order, OrderId,
    filter::{Cursor, OrderFilter},
};
use crate::{App, db::orders as db, error::Error};

/// Returns any order.
///
/// # Errors
/// ORDER_NOT_FOUND.
pub(crate) async fn get_any_order(app: &App, id: OrderId) -> Result<Order, Error> {
    let mut connection = app.database.connection().await?;
    let order = db::find_order(&mut connection, id).await?;
    order.ok_or(Error::OrderNotFound { order_id: id })
}

/// Returns one of `customer`'s orders.
///
/// # Errors
/// ORDER_NOT_FOUND, also for an order of another customer.
pub(crate) async fn get_order(
    app: &App,
    customer: CustomerId,
    id: OrderId,
) -> Result<Order, Error> {
    let order = get_any_order(app, id).await?;
    if order.customer.id != customer {
        return Err(Error::OrderNotFound { order_id: id });
    }
    Ok(order)
}

/// Starts the subscriptions to orders.
pub(crate) fn watch_orders(process: &Process, database: Database) -> Hub<OrderId, Order> {
    Hub::start(process, "orders", move |ids: Vec<OrderId>| {
        let database = database.clone();
        async move {
            let mut connection = database.connection().await?;
            let orders = db::find_orders(&mut connection, &ids).await.map_err(convert_error)?;
            Ok(orders.into_iter().map(|order| (order.id, order)).collect::<HashMap<_, _>>())
        }
    })
}

/// Returns a page of `customer`'s orders, newest first.
///
/// # Errors
/// Those of the database.
pub(crate) async fn list_orders(
    app: &App,
    customer: CustomerId,
    page: &Page<Cursor>,
) -> Result<Listed<Order>, Error> {
    let mut connection = app.database.connection().await?;
    let cursor = page.cursor.as_ref();
    let orders = db::list_orders(&mut connection, customer, cursor, page.limit()).await?;
    Ok(page.finish(orders, Cursor::after))
}

/// Returns a page of all orders that match `filter`.
///
/// # Errors
/// Those of the database.
pub(crate) async fn list_all_orders(
    app: &App,
    filter: &OrderFilter,
    page: &Page<Cursor>,
) -> Result<Listed<Order>, Error> {
    let mut connection = app.database.connection().await?;
    let cursor = page.cursor.as_ref();
    let orders = db::list_all_orders(&mut connection, filter, cursor, page.limit()).await?;
    Ok(page.finish(orders, Cursor::after))
}
