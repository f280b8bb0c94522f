//! Fulfilment of an order: it is shipped, or cancelled before that.
//!
//! **Invariant:** a confirmed order has one state transition. Its row is locked before its
//! state is checked, and history, event and statistics are written in the same transaction
//! as the new state. The event alone makes product-svc return the stock.

use mesh_data::{
    audit::{self, Change},
    database::Connection,
    outbox::{NewEvent, insert_events},
};
use serde_json::json;

use super::{Actor, Order, OrderId, OrderState};
use crate::{
    App,
    db::{
        orders as db,
        statistics::{RollupSign, insert_pending},
    },
    error::Error,
    events,
};

/// Cancels an order: one of the customer's own or, for an admin, any. Changes nothing if it
/// is already cancelled.
///
/// # Errors
/// ORDER_NOT_FOUND, also for an order of another customer; ORDER_NOT_CANCELLABLE.
pub async fn cancel_order(app: &App, actor: Actor, id: OrderId) -> Result<Order, Error> {
    let order = app
        .database
        .transaction(async |connection| {
            let order = lock_order(connection, actor, id).await?;
            match order.state {
                OrderState::Cancelled => {
                    audit::unchanged();
                    Ok(order)
                }
                OrderState::Shipped => {
                    Err(Error::OrderNotCancellable { order_id: id, state: order.state })
                }
                OrderState::Confirmed => {
                    let order = transition(connection, order, OrderState::Cancelled, actor).await?;
                    insert_pending(connection, &[id], RollupSign::Cancelled).await?;
                    insert_event(connection, events::order_cancelled(&order, &app.currency))
                        .await?;
                    Ok(order)
                }
            }
        })
        .await?;
    app.wakeup.notify();
    Ok(order)
}

/// Marks an order as shipped.
///
/// # Errors
/// ORDER_NOT_FOUND; ORDER_NOT_SHIPPABLE, also if it is already shipped.
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
                    let order = transition(connection, order, OrderState::Shipped, actor).await?;
                    insert_event(connection, events::order_shipped(&order, &app.currency)).await?;
                    Ok(order)
                }
            }
        })
        .await?;
    app.wakeup.notify();
    Ok(order)
}

async fn lock_order(
    connection: &mut Connection,
    actor: Actor,
    id: OrderId,
) -> Result<Order, Error> {
    let order = db::lock_order(connection, id).await?;
    order
        .filter(|order| actor.may_change_orders_of(order.customer.id))
        .ok_or(Error::OrderNotFound { order_id: id })
}

async fn transition(
    connection: &mut Connection,
    mut order: Order,
    state: OrderState,
    actor: Actor,
) -> Result<Order, Error> {
    let entry = db::update_state(connection, order.id, state, actor).await?;
    let fields = |state: OrderState| json!({ "state": state.as_str() });
    let change = Change::new("order", order.id.0, &fields(order.state), &fields(state));
    audit::record(connection, &[change]).await?;
    order.state = state;
    order.later_history.push(entry);
    Ok(order)
}

async fn insert_event(connection: &mut Connection, event: NewEvent) -> Result<(), Error> {
    Ok(insert_events(connection, &[event]).await?)
}
