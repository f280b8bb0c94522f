//! What becomes of an order after its birth: it is shipped, or cancelled before that.
//!
//! **Invariant:** a confirmed order moves once. The row is locked while its state is
//! looked at, and history, event and statistics are written with the new state or not
//! at all. Stock goes back by the event alone.

use mesh_data::{
    database::Connection,
    outbox::{NewEvent, insert_events},
};

use crate::{
    App,
    db::{
        orders as db,
        statistics::{Counting, count_orders},
    },
    error::Error,
    order::{Actor, ActorRole, Order, OrderId, OrderState},
    relay,
};

/// Cancels an order, a customer's own or, for an admin, any; one that is cancelled
/// already stays as it is.
///
/// # Errors
/// ORDER_NOT_FOUND, also for another's; ORDER_NOT_CANCELLABLE.
pub async fn cancel_order(app: &App, actor: Actor, id: OrderId) -> Result<Order, Error> {
    let order = app
        .database
        .transaction(async |connection| {
            let order = lock_order(connection, actor, id).await?;
            match order.state {
                OrderState::Cancelled => Ok(order),
                OrderState::Shipped => {
                    Err(Error::OrderNotCancellable { order_id: id, state: order.state })
                }
                OrderState::Confirmed => {
                    let order = move_on(connection, order, OrderState::Cancelled, actor).await?;
                    count_orders(connection, &[id], Counting::Cancelled).await?;
                    publish(connection, relay::order_cancelled(&order, &app.currency)).await?;
                    Ok(order)
                }
            }
        })
        .await?;
    app.bell.notify();
    Ok(order)
}

/// Marks an order as shipped.
///
/// # Errors
/// ORDER_NOT_FOUND; ORDER_NOT_SHIPPABLE, also where it was shipped already.
pub async fn ship_order(app: &App, actor: Actor, id: OrderId) -> Result<Order, Error> {
    let order = app
        .database
        .transaction(async |connection| {
            let order = lock_order(connection, actor, id).await?;
            match order.state {
                OrderState::Shipped | OrderState::Cancelled => {
                    Err(Error::OrderNotShippable { order_id: id, state: order.state })
                }
                OrderState::Confirmed => {
                    let order = move_on(connection, order, OrderState::Shipped, actor).await?;
                    publish(connection, relay::order_shipped(&order, &app.currency)).await?;
                    Ok(order)
                }
            }
        })
        .await?;
    app.bell.notify();
    Ok(order)
}

async fn lock_order(
    connection: &mut Connection,
    actor: Actor,
    id: OrderId,
) -> Result<Order, Error> {
    let order = db::lock_order(connection, id).await?;
    let may_touch = |order: &Order| actor.role == ActorRole::Admin || order.customer.id == actor.id;
    order.filter(may_touch).ok_or(Error::OrderNotFound { order_id: id })
}

async fn move_on(
    connection: &mut Connection,
    mut order: Order,
    state: OrderState,
    actor: Actor,
) -> Result<Order, Error> {
    let entry = db::update_state(connection, order.id, state, actor).await?;
    order.state = state;
    order.later_history.push(entry);
    Ok(order)
}

async fn publish(connection: &mut Connection, event: NewEvent) -> Result<(), Error> {
    Ok(insert_events(connection, &[event]).await?)
}
