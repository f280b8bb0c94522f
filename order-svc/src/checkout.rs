//! The checkout, step by step: hold the stock, insert the order, return the outcome. Its
//! compensation is here too: a tombstone, and nothing else.
//!
//! **Invariant:** a hold is never released from here. No failure, timeout or unknown
//! outcome means that there is no order: the same request may be in flight elsewhere, and
//! its order may just have been inserted. product-svc queries the outcomes of old holds by
//! ResolveCheckouts, and releases one only after a tombstone exists.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use mesh::telemetry;
use mesh_data::{
    database::{Connection, Database, postgres_unavailable},
    failpoint,
    group_commit::GroupCommit,
    outbox::{Wakeup, insert_events},
};

use crate::{
    App,
    db::{
        open_orders, orders as db,
        statistics::{RollupSign, insert_pending},
    },
    error::Error,
    events,
    order::{
        Checkout, CheckoutOutcome, Customer, Fingerprint, NewOrder, Order, OrderId, OrderRequest,
        open_orders::OpenOrders,
    },
};

/// Most orders that one transaction inserts.
const BATCH_SIZE_MAX: usize = 256;

/// Places an order. An idempotent replay returns the order in its initial state, as the
/// first attempt did. The flag says whether this is a replay.
///
/// # Errors
/// A rejection; or UNAVAILABLE or DEADLINE_EXCEEDED: the outcome is unknown.
pub(crate) async fn place_order(app: &App, checkout: Checkout) -> Result<(Order, bool), Error> {
    let Checkout { customer, request_id, request } = checkout;
    let id = OrderId::derive(customer.id, request_id);
    let fingerprint = request.fingerprint();

    // A rejection holds no stock. Of a customer whose orders are limited, this replica has one
    // checkout in progress at a time, so that the next one counts its order. Inserting the order
    // checks again, one transaction at a time, since other replicas may place orders too.
    let is_limited = customer.is_unverified() && app.unverified_max != OpenOrders::UNLIMITED;
    let _turn = if is_limited {
        let turn = app.customer_locks.lock(customer.id).await?;
        admit_unverified(app, id, &customer, &request).await?;
        Some(turn)
    } else {
        None
    };

    // 1. Hold the stock, at current prices or those of the existing hold.
    let hold = app.reservations.reserve_stock(id, fingerprint, &request).await?;
    failpoint::hit("after-reserve");

    // An existing hold comes from an earlier attempt, which may have inserted the order.
    if hold.already_existed
        && let Some(order) = find_order(app, id).await?
    {
        return Ok((replay_order(order, fingerprint)?, true));
    }

    // 2. Insert the order, unless the id already has an order or a tombstone. From here it
    // exists.
    let order = NewOrder {
        id,
        request_id,
        fingerprint,
        customer,
        request,
        items: hold.items,
        total_minor: hold.total_minor,
        traceparent: telemetry::traceparent(),
    };
    let result = app.order_writer.insert(order).await?;
    failpoint::hit("after-order");

    // 3. The relay publishes; 4. product-svc commits the hold.
    match result {
        InsertResult::Inserted(order) => Ok((order, false)),
        InsertResult::Existing(order) => Ok((replay_order(order, fingerprint)?, true)),
        InsertResult::Abandoned => Err(Error::CheckoutAbandoned),
        InsertResult::BeyondLimit => Err(Error::UnverifiedLimit),
    }
}

/// Rejects an order beyond the limit of a customer whose address is not verified, unless it
/// already exists.
async fn admit_unverified(
    app: &App,
    id: OrderId,
    customer: &Customer,
    request: &OrderRequest,
) -> Result<(), Error> {
    let mut connection = app.database.connection().await?;
    let open = open_orders::sum_open_orders(&mut connection, &[customer.id]).await?;
    let open = open.get(&customer.id).copied().unwrap_or_default();
    let fits = open.with_order(request.units()).fits(app.unverified_max);
    if fits || db::find_order(&mut connection, id).await?.is_some() {
        Ok(())
    } else {
        Err(Error::UnverifiedLimit)
    }
}

async fn find_order(app: &App, id: OrderId) -> Result<Option<Order>, Error> {
    let mut connection = app.database.connection().await?;
    Ok(db::find_order(&mut connection, id).await?)
}

/// Returns the order as the first attempt did, unless that had another request.
fn replay_order(order: Order, fingerprint: Fingerprint) -> Result<Order, Error> {
    if order.fingerprint != fingerprint {
        return Err(Error::RequestIdReused);
    }
    Ok(order.in_initial_state())
}

/// What an id has after an order was to be inserted under it.
#[derive(Debug, Clone)]
pub enum InsertResult {
    /// The order, inserted by this call.
    Inserted(Order),
    /// An order that already existed, of this request or another.
    Existing(Order),
    /// A tombstone.
    Abandoned,
    /// Nothing: the address of the customer is not verified, and the order exceeds the limit.
    BeyondLimit,
}

/// Inserts orders, those that arrive together in one transaction. Cheap to clone.
#[derive(Clone)]
pub struct OrderWriter(GroupCommit<Arc<NewOrder>, InsertResult, Error>);

impl OrderWriter {
    pub(crate) fn start(
        database: &Database,
        currency: Arc<str>,
        unverified_max: OpenOrders,
        wakeup: Wakeup,
    ) -> Self {
        let database = database.dedicated();
        let write = move |orders: Arc<[Arc<NewOrder>]>| {
            let (database, currency, wakeup) = (database.clone(), currency.clone(), wakeup.clone());
            async move {
                let batch = Batch { orders: &orders, currency: &currency, unverified_max };
                let results =
                    database.transaction(async |connection| batch.insert(connection).await).await?;
                wakeup.notify();
                Ok(results)
            }
        };
        Self(GroupCommit::new("place", BATCH_SIZE_MAX, write))
    }

    /// Inserts `order` unless its id already has an order or a tombstone.
    ///
    /// # Errors
    /// The outcome is unknown.
    pub async fn insert(&self, order: NewOrder) -> Result<InsertResult, Error> {
        self.0.submit(Arc::new(order)).await
    }
}

struct Batch<'a> {
    orders: &'a [Arc<NewOrder>],
    currency: &'a str,
    unverified_max: OpenOrders,
}

impl Batch<'_> {
    /// Inserts the first order of each id; the others of that id get it as existing.
    ///
    /// **Invariant:** rows are inserted in order of id, so that batches of two replicas, and
    /// tombstones, never deadlock.
    async fn insert(&self, connection: &mut Connection) -> Result<Vec<InsertResult>, Error> {
        let mut firsts: BTreeMap<OrderId, &NewOrder> = BTreeMap::new();
        for order in self.orders {
            firsts.entry(order.id).or_insert(order);
        }
        let beyond_limit = self.find_beyond_limit(connection, firsts.values().copied()).await?;
        firsts.retain(|id, _| !beyond_limit.contains(id));
        let firsts: Vec<&NewOrder> = firsts.into_values().collect();
        let created_at = db::insert_orders(connection, &firsts).await?;
        let (new, taken): (Vec<_>, Vec<_>) =
            firsts.into_iter().partition(|order| created_at.contains_key(&order.id));
        let mut orders: HashMap<OrderId, Order> =
            new.iter().map(|new| (new.id, new.to_order(created_at[&new.id]))).collect();
        if !new.is_empty() {
            let events = new.iter().map(|new| {
                let event = events::order_created(&orders[&new.id], self.currency);
                event.with_traceparent(new.traceparent.clone())
            });
            insert_events(connection, &events.collect::<Vec<_>>()).await?;
            let ids: Vec<OrderId> = new.iter().map(|new| new.id).collect();
            insert_pending(connection, &ids, RollupSign::Placed).await?;
        }
        let mut tombstones = HashSet::new();
        if !taken.is_empty() {
            let ids: Vec<OrderId> = taken.iter().map(|order| order.id).collect();
            let existing = db::find_orders(connection, &ids).await?;
            orders.extend(existing.into_iter().map(|order| (order.id, order)));
            tombstones = db::find_existing(connection, &ids).await?.tombstones;
        }
        let mut unreported: HashSet<OrderId> = new.iter().map(|new| new.id).collect();
        let results = self.orders.iter().map(|requested| match orders.get(&requested.id) {
            Some(order) if unreported.remove(&order.id) => {
                Ok(InsertResult::Inserted(order.clone()))
            }
            Some(order) => Ok(InsertResult::Existing(order.clone())),
            None if tombstones.contains(&requested.id) => Ok(InsertResult::Abandoned),
            None if beyond_limit.contains(&requested.id) => Ok(InsertResult::BeyondLimit),
            // An unknown outcome: never reported as abandoned.
            None => Err(postgres_unavailable("neither order nor tombstone has the id").into()),
        });
        results.collect()
    }

    /// Returns which of `new` exceed the limit of a customer whose address is not verified, except
    /// orders that exist. Locks those customers until the transaction ends.
    async fn find_beyond_limit(
        &self,
        connection: &mut Connection,
        new: impl Iterator<Item = &NewOrder>,
    ) -> Result<HashSet<OrderId>, Error> {
        let new: Vec<&NewOrder> = new.filter(|new| new.customer.is_unverified()).collect();
        if new.is_empty() || self.unverified_max == OpenOrders::UNLIMITED {
            return Ok(HashSet::new());
        }
        let customers: HashSet<_> = new.iter().map(|new| new.customer.id).collect();
        let customers: Vec<_> = customers.into_iter().collect();
        open_orders::lock_customers(connection, &customers).await?;
        let mut open = open_orders::sum_open_orders(connection, &customers).await?;
        let ids: Vec<OrderId> = new.iter().map(|new| new.id).collect();
        let existing = db::find_existing(connection, &ids).await?;
        let mut beyond_limit = HashSet::new();
        for new in new.iter().filter(|new| !existing.contains(&new.id)) {
            let open = open.entry(new.customer.id).or_default();
            let after = open.with_order(new.request.units());
            if after.fits(self.unverified_max) {
                *open = after;
            } else {
                beyond_limit.insert(new.id);
            }
        }
        Ok(beyond_limit)
    }
}

/// Returns the outcome of each checkout of `ids`, in their order. A tombstone makes each
/// one without an order abandoned.
///
/// # Errors
/// Those of the database. Tombstones may exist after that.
pub async fn resolve_checkouts(
    app: &App,
    ids: &[OrderId],
) -> Result<Vec<(OrderId, CheckoutOutcome)>, Error> {
    let mut sorted = ids.to_vec();
    sorted.sort();
    sorted.dedup();
    let existing = app
        .database
        .transaction(async |connection| {
            db::insert_tombstones(connection, &sorted).await?;
            Ok::<_, Error>(db::find_existing(connection, &sorted).await?)
        })
        .await?;
    let outcomes = ids.iter().filter_map(|id| {
        if existing.orders.contains(id) {
            Some((*id, CheckoutOutcome::Placed))
        } else if existing.tombstones.contains(id) {
            Some((*id, CheckoutOutcome::Abandoned))
        } else {
            // Not known: the checkout stays unresolved.
            None
        }
    });
    Ok(outcomes.collect())
}
