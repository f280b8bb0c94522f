//! The checkout, step by step: hold the stock, write the order, say what became of it.
//! Its undo is in here too: a tombstone, and nothing else.
//!
//! **Invariant:** a hold is never released from here. No failure, time-out or unknown
//! outcome says that there is no order: the same request may be under way elsewhere, and
//! its order may just have been written. product-svc asks about old holds by
//! ResolveCheckouts, and only a tombstone makes it give the stock back.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use mesh::telemetry;
use mesh_data::{
    database::{Connection, Database},
    failpoint,
    group_commit::GroupCommit,
    outbox::{Wakeup, insert_events},
};
use uuid::Uuid;

use crate::{
    App,
    db::{
        orders as db,
        statistics::{Counting, count_orders},
    },
    error::Error,
    order::{Address, Basket, Customer, Fingerprint, LineItem, Order, OrderId},
    relay,
};

/// Most orders that one transaction writes.
const BATCH_SIZE_MAX: usize = 256;

/// What PlaceOrder asks for.
#[derive(Debug, Clone)]
pub struct Checkout {
    /// Who buys.
    pub customer: Customer,
    /// The client's id for this purchase.
    pub request_id: Uuid,
    /// What is bought.
    pub basket: Basket,
}

/// Places an order, or tells of the one that the same request has placed before, as it
/// was born. The flag says which: whether it was there before.
///
/// # Errors
/// A refusal; or, as UNAVAILABLE or DEADLINE_EXCEEDED, that the outcome is open.
pub async fn place_order(app: &App, checkout: Checkout) -> Result<(Order, bool), Error> {
    let id = OrderId::derive(checkout.customer.id, checkout.request_id);
    let fingerprint = checkout.basket.fingerprint();

    // 1. Hold the stock, at the prices of now or those of the hold that is there.
    let hold = app.reservations.reserve_stock(id, fingerprint, &checkout.basket).await?;
    failpoint::hit("after-reserve");

    // A hold that was known comes of an earlier attempt, which may have gone further.
    if hold.known
        && let Some(order) = find_order(app, id).await?
    {
        return Ok((replayed(order, fingerprint)?, true));
    }

    // 2. Write the order, unless something stands under its id. From here it exists.
    let order = NewOrder {
        id,
        request_id: checkout.request_id,
        fingerprint,
        customer: checkout.customer,
        items: hold.items,
        total_minor: hold.total_minor,
        shipping_address: checkout.basket.shipping_address,
        traceparent: telemetry::traceparent(),
    };
    let outcome = app.placing.write(order).await?;
    failpoint::hit("after-order");

    // 3. The relay publishes; 4. product-svc commits the hold.
    match outcome {
        Outcome::Written(order) => Ok((order, false)),
        Outcome::Standing(order) => Ok((replayed(order, fingerprint)?, true)),
        Outcome::Abandoned => Err(Error::CheckoutAbandoned),
    }
}

async fn find_order(app: &App, id: OrderId) -> Result<Option<Order>, Error> {
    let mut connection = app.database.connection().await?;
    Ok(db::find_order(&mut connection, id).await?)
}

/// The reply to a request whose order is there already, unless that was placed by
/// another body.
fn replayed(order: Order, fingerprint: Fingerprint) -> Result<Order, Error> {
    match order.fingerprint == fingerprint {
        true => Ok(order.as_born()),
        false => Err(Error::RequestIdReused),
    }
}

/// An order to write.
#[derive(Debug, Clone)]
pub struct NewOrder {
    /// Derived from customer and request.
    pub id: OrderId,
    /// The client's id for this purchase.
    pub request_id: Uuid,
    /// What the customer asked for, hashed.
    pub fingerprint: Fingerprint,
    /// Who buys.
    pub customer: Customer,
    /// What is bought, as sold.
    pub items: Vec<LineItem>,
    /// Sum of price × quantity, in minor units.
    pub total_minor: i64,
    /// Where it goes.
    pub shipping_address: Address,
    /// The trace of the request.
    pub traceparent: Option<String>,
}

/// What stands under the id of an order after it was to be written.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The order, written by this request.
    Written(Order),
    /// An order written before, by this body or another.
    Standing(Order),
    /// A tombstone.
    Abandoned,
}

/// Writes orders, those that arrive together in one transaction. Cheap to clone.
#[derive(Clone)]
pub struct Placing(GroupCommit<Arc<NewOrder>, Outcome, Error>);

impl Placing {
    /// Starts the writer.
    pub fn start(database: Database, currency: Arc<str>, bell: Wakeup) -> Self {
        let write = move |orders: Arc<[Arc<NewOrder>]>| {
            let (database, currency, bell) = (database.clone(), currency.clone(), bell.clone());
            async move {
                let batch = Batch { orders: &orders, currency: &currency };
                let outcomes =
                    database.transaction(async |connection| batch.write(connection).await).await?;
                bell.notify();
                Ok(outcomes)
            }
        };
        Self(GroupCommit::new("place", BATCH_SIZE_MAX, write))
    }

    /// Writes `order` unless an order or a tombstone stands under its id.
    ///
    /// # Errors
    /// The outcome is not known.
    pub async fn write(&self, order: NewOrder) -> Result<Outcome, Error> {
        self.0.submit(Arc::new(order)).await
    }
}

struct Batch<'a> {
    orders: &'a [Arc<NewOrder>],
    currency: &'a str,
}

impl Batch<'_> {
    /// Writes the first of each id; what else has the same id finds it standing.
    ///
    /// **Invariant:** rows are written in order of id, so that batches of two replicas,
    /// and tombstones, never deadlock.
    async fn write(&self, connection: &mut Connection) -> Result<Vec<Outcome>, Error> {
        let mut firsts: BTreeMap<OrderId, &NewOrder> = BTreeMap::new();
        for order in self.orders {
            firsts.entry(order.id).or_insert(order);
        }
        let new: Vec<&NewOrder> = firsts.values().copied().collect();
        let created = db::insert_orders(connection, &new).await?;
        let mut standing: HashMap<OrderId, Order> = HashMap::with_capacity(new.len());
        let mut events = Vec::with_capacity(new.len());
        for new in new.iter().filter(|new| created.contains_key(&new.id)) {
            let order = new.born(created[&new.id]);
            let event = relay::order_created(&order, self.currency);
            events.push(event.with_traceparent(new.traceparent.clone()));
            standing.insert(order.id, order);
        }
        let mut fresh: HashSet<OrderId> = created.into_keys().collect();
        if !fresh.is_empty() {
            insert_events(connection, &events).await?;
            let written: Vec<OrderId> = fresh.iter().copied().collect();
            count_orders(connection, &written, Counting::Placed).await?;
        }
        let taken: Vec<OrderId> =
            firsts.into_keys().filter(|id| !standing.contains_key(id)).collect();
        let tombstones = match taken.is_empty() {
            true => HashSet::new(),
            false => {
                let found = db::find_orders(connection, &taken).await?;
                standing.extend(found.into_iter().map(|order| (order.id, order)));
                db::find_standing(connection, &taken).await?.tombstones
            }
        };
        let outcomes = self.orders.iter().map(|asked| match standing.get(&asked.id) {
            Some(order) if fresh.remove(&asked.id) => Ok(Outcome::Written(order.clone())),
            Some(order) => Ok(Outcome::Standing(order.clone())),
            None if tombstones.contains(&asked.id) => Ok(Outcome::Abandoned),
            // Told as an open outcome, never as given up.
            None => {
                Err(mesh_data::database::postgres_unavailable("a key is taken by nothing").into())
            }
        });
        outcomes.collect()
    }
}

impl NewOrder {
    fn born(&self, created_at: chrono::DateTime<chrono::Utc>) -> Order {
        Order {
            id: self.id,
            state: crate::order::OrderState::Confirmed,
            mail_state: Order::first_mail_state(&self.customer),
            fingerprint: self.fingerprint,
            customer: self.customer.clone(),
            items: self.items.clone(),
            total_minor: self.total_minor,
            shipping_address: self.shipping_address.clone(),
            created_at,
            later_history: Vec::new(),
        }
    }
}

/// What became of a checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// There is an order, whatever became of it.
    Placed,
    /// There is none and never will be.
    Abandoned,
}

/// Tells of each of `ids`, in their order, whether its order was placed; where there is
/// none a tombstone keeps one from ever being written.
///
/// # Errors
/// Those of the database; nothing was told, and tombstones may stand.
pub async fn resolve_checkouts(
    app: &App,
    ids: &[OrderId],
) -> Result<Vec<(OrderId, Resolution)>, Error> {
    let mut in_order = ids.to_vec();
    in_order.sort();
    in_order.dedup();
    let standing = app
        .database
        .transaction(async |connection| {
            db::insert_tombstones(connection, &in_order).await?;
            Ok::<_, Error>(db::find_standing(connection, &in_order).await?)
        })
        .await?;
    let resolved = ids.iter().filter_map(|id| {
        let resolution = match (standing.orders.contains(id), standing.tombstones.contains(id)) {
            (true, _) => Resolution::Placed,
            (false, true) => Resolution::Abandoned,
            // Nothing is told of what is not known: it stays open.
            (false, false) => return None,
        };
        Some((*id, resolution))
    });
    Ok(resolved.collect())
}
